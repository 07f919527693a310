/**
 * Changing budgets: those of keys are in the key's policy, those of the gateway in the settings.
 */

import { get, patch, post } from '../../core/api.js';
import { forget } from '../../core/resource.js';
import { say, tell } from '../../core/toast.js';
import { t } from '../../strings/budgets.js';
import { full } from './words.js';

/** @typedef {import('./words.js').Rule} Rule */
/** @typedef {{of: 'key' | 'gateway', name: string, key_id: string | null}} Whose */

/** @param {string | undefined} path */
const keyPath = (path) => `/api/keys/${encodeURIComponent(path ?? '')}`;

/** @param {Rule} one @param {Rule} other */
const sameKind = (one, other) => full(one).metric === full(other).metric && full(one).period === full(other).period;

/**
 * Put `next` in the place of `old`; null is none. Returns what takes it back.
 * @param {Whose} whose @param {Rule | null} old @param {Rule | null} next
 * @returns {Promise<() => Promise<void>>}
 */
export async function replaceRule(whose, old, next) {
  if (whose.of === 'gateway') await patch('/api/settings', { budgets: { [whose.name]: next ? full(next) : null } });
  else {
    const { data, etag } = await get(keyPath(whose.key_id ?? ''));
    /** @type {Rule[]} */
    const rules = data.policy.budgets ?? [];
    const at = old ? rules.findIndex((rule) => sameKind(rule, old)) : -1;
    const kept = rules.filter((_, place) => place !== at);
    if (next) kept.splice(at < 0 ? kept.length : at, 0, next);
    await patch(keyPath(data.id), { policy: { budgets: kept } }, { etag });
  }
  await refresh();
  return async () => {
    await replaceRule(whose, next, old);
  };
}

/** Read again what knows of budgets. */
async function refresh() {
  await Promise.all(['/api/budgets', '/api/keys', '/api/settings', '/api/status'].map((path) => forget(path)));
}

/** Take back, and say so. @param {() => Promise<void>} undo @param {string} text */
export async function takeBack(undo, text) {
  try {
    await undo();
    say(text);
  } catch (error) {
    tell(error);
  }
}

/** Remove a budget, with a way back: what it used is kept in the ledger. @param {import('./words.js').Budget} row */
export async function removeBudget(row) {
  try {
    const undo = await replaceRule(row, row.budget, null);
    say(t('removed', { name: row.name }), { undo: () => takeBack(undo, t('putBack', { name: row.name })) });
  } catch (error) {
    tell(error);
  }
}

/** Give back what is in doubt; returns how much that was. @param {import('./words.js').Budget} row @returns {Promise<number>} */
export async function releaseBudget(row) {
  const { data } = await post(`/api/budgets/${encodeURIComponent(row.id)}/release`);
  await forget('/api/budgets');
  return data.released;
}
