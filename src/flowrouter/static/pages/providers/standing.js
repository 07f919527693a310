/**
 * Accounts with everything known of each: how it does, what is wrong with it, what is left of it.
 */

import { standings } from '../overview/states.js';
import { troubleOf } from './trouble.js';

/** @typedef {import('./data.js').Account} Account */
/**
 * @typedef {import('../overview/states.js').Standing & {trouble: import('./trouble.js').Trouble | null, windows: any[], quota: any | null,
 *   targets: any[], provider: string}} Standing
 */

/**
 * @param {Account[]} accounts @param {any[]} targets @param {any[]} quotas @param {any[]} presets
 * @returns {Standing[]}
 */
export function standingsOf(accounts, targets, quotas, presets) {
  const quotaBy = new Map(quotas.map((quota) => [quota.account_id, quota]));
  const names = new Map(presets.map((preset) => [preset.id, preset]));
  return standings(accounts, targets).map((standing) => {
    const own = targets.filter(({ account_id: id }) => id === standing.account.id);
    const preset = names.get(standing.account.preset);
    const provider = !preset || preset.needs_base_url ? standing.account.name : preset.name;
    const quota = quotaBy.get(standing.account.id) ?? null;
    return { ...standing, targets: own, provider, quota, windows: quota?.windows ?? [], trouble: troubleOf(standing.account, own, provider) };
  });
}

/** Whether all typed words are in what is known of an account. @param {Standing} standing @param {string} words */
export function fits({ account, provider }, words) {
  const text = [account.name, account.id, account.preset, provider, account.base_url, ...account.tags, ...account.models].join(' ').toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
