/**
 * How each account does, in a colour and a few words, from what `/api/accounts` and `/api/health/targets` tell.
 */

import { timeOf } from '../../core/format.js';
import { t } from '../../strings/overview.js';

/** @typedef {'ok' | 'warn' | 'bad' | 'off'} State */
/**
 * @typedef {object} Standing
 * @property {any} account
 * @property {State} state
 * @property {any} words Ours; what the gateway says is in `detail`.
 * @property {string | null} detail
 * @property {number | null} success A share of one, of recent attempts.
 * @property {number | null} firstToken In milliseconds.
 * @property {number} inFlight
 * @property {number} limit
 * @property {number | null} usedAt
 */

/** @param {any[]} accounts @param {any[]} targets @returns {Standing[]} */
export function standings(accounts, targets) {
  /** @type {Map<string, any[]>} */
  const by = new Map();
  for (const target of targets) by.set(target.account_id, [...(by.get(target.account_id) ?? []), target]);
  return accounts.filter(({ source }) => source !== 'found').map((account) => standing(account, by.get(account.id) ?? []));
}

/** @param {any} account @param {any[]} targets @returns {Standing} */
function standing(account, targets) {
  const samples = targets.reduce((sum, { samples: some, success }) => sum + (success === null ? 0 : some), 0);
  const good = targets.reduce((sum, { samples: some, success }) => sum + (success === null ? 0 : some * success), 0);
  const firsts = targets.map((target) => target.first_token_p50_ms).filter((value) => value !== null);
  return {
    account,
    ...judged(account, targets, samples > 0 ? good / samples : null),
    success: samples > 0 ? good / samples : null,
    firstToken: firsts.length ? Math.min(...firsts) : null,
    inFlight: targets[0]?.in_flight ?? 0,
    limit: targets[0]?.limit ?? 0,
    usedAt: targets.reduce((latest, { last_used_at_ms: at }) => (at !== null && (latest === null || at > latest) ? at : latest), null),
  };
}

/** @param {any} account @param {any[]} targets @param {number | null} success @returns {{state: State, words: any, detail: string | null}} */
function judged(account, targets, success) {
  if (!account.enabled) return { state: 'off', words: t('disabled'), detail: account.problem };
  if (account.problem) return { state: 'bad', words: t('unusable'), detail: account.problem };
  const paused = targets.filter(({ state }) => state === 'paused');
  const until = Math.max(0, ...paused.map((target) => target.paused_until_ms ?? 0));
  const reason = paused[0]?.reason ?? null;
  if (paused.length && paused.length === targets.length) return { state: 'bad', words: t('pausedUntil', { time: timeOf(until) }), detail: reason };
  if (paused.length) return { state: 'warn', words: t('modelsPaused', { n: paused.length, time: timeOf(until) }), detail: reason };
  const quota = account.quota_state;
  if (quota?.state === 'used_up') return { state: 'bad', words: quota.resets_at_ms ? t('usedUpUntil', { time: timeOf(quota.resets_at_ms) }) : t('usedUp'), detail: quota.window };
  if (quota?.state === 'reserve') return { state: 'warn', words: t('reserveOnly'), detail: quota.window };
  if (success !== null && success < 0.5) return { state: 'bad', words: t('mostFail'), detail: lastError(targets) };
  if (success !== null && success < 0.9) return { state: 'warn', words: t('someFail'), detail: lastError(targets) };
  if (quota?.state === 'low') return { state: 'warn', words: t('quotaLow'), detail: quota.window };
  return { state: 'ok', words: targets.length ? t('fine') : t('ready'), detail: null };
}

/** @param {any[]} targets */
function lastError(targets) {
  const failed = targets.filter((target) => target.last_error).sort((a, b) => b.last_error_at_ms - a.last_error_at_ms);
  return failed[0]?.last_error ?? null;
}
