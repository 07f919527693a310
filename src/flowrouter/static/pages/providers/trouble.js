/**
 * What is wrong with an account, in plain words, with what to do about it.
 */

import { t } from '../../strings/providers.js';

/** @typedef {import('./data.js').Account} Account */
/** @typedef {import('./data.js').Target} Target */
/** @typedef {'key' | 'disable' | 'resume' | 'edit' | 'models' | 'test' | 'quota'} Cure What helps, the likeliest first. */
/**
 * @typedef {object} Trouble
 * @property {'bad' | 'warn'} tone
 * @property {string} text What happened.
 * @property {string} fix What to do.
 * @property {string | null} said The gateway's own words.
 * @property {Cure[]} cures
 * @property {number | null} until When it is asked again.
 */

/** @type {Record<string, Cure[]>} */
const CURES = {
  auth: ['key', 'disable', 'test'],
  billing: ['resume', 'disable'],
  model_missing: ['models', 'resume'],
  rate_limit: ['resume'],
  overloaded: ['resume'],
  server: ['resume', 'test'],
  network: ['edit', 'test', 'resume'],
  timeout: ['test', 'resume'],
  bad_reply: ['edit', 'test', 'resume'],
};
const GRAVITY = Object.keys(CURES);
const FAILING = 0.9;

/**
 * Return what most needs a look, null where nothing does.
 * @param {Account} account @param {Target[]} targets Those of the account. @param {string} provider Its provider's name.
 * @returns {Trouble | null}
 */
export function troubleOf(account, targets, provider) {
  if (account.source === 'found') return null;
  if (account.problem) return { tone: 'bad', text: t('cannotBeUsed'), fix: t(account.read_only ? 'mendFile' : 'mendAccount'), said: account.problem, cures: account.read_only ? [] : ['edit', 'disable'], until: null };
  if (!account.enabled) return null;
  const held = targets.filter(({ state, reason }) => state !== 'ok' && reason);
  const quota = quotaTrouble(account, held);
  if (quota) return quota;
  const paused = sorted(held)[0];
  if (paused) return pausedTrouble(paused, targets, provider);
  const failing = sorted(targets.filter(({ success, last_error: error }) => error && success !== null && success < FAILING))[0];
  return failing ? { ...classTrouble(failing, provider), tone: 'warn', said: null, until: null } : null;
}

/** @param {Target[]} targets */
function sorted(targets) {
  const rank = (/** @type {Target} */ target) => {
    const at = GRAVITY.indexOf(classOf(target));
    return (target['state'] === 'paused' ? 0 : 100) + (at < 0 ? 50 : at);
  };
  return [...targets].sort((a, b) => rank(a) - rank(b));
}

/** @param {Target} target @returns {string} */
function classOf(target) {
  const told = /^([a-z_]+):/.exec(target['reason'] ?? '')?.[1];
  return told && told in CURES ? told : (target['last_error'] ?? '');
}

/** @param {Account} account @param {Target[]} held @returns {Trouble | null} */
function quotaTrouble(account, held) {
  const state = account.quota_state;
  if (state?.state === 'used_up' || state?.state === 'reserve') {
    const used = state.state === 'used_up';
    const fix = state.resets_at_ms ? t('waitForReset') : t('noReset');
    return { tone: used ? 'bad' : 'warn', text: t(used ? 'quotaUsedUp' : 'quotaReserve'), fix, said: state.window, cures: used ? ['quota', 'resume'] : ['quota'], until: state.resets_at_ms };
  }
  const quota = held.find(({ reason }) => reason.startsWith('quota:'));
  return quota ? { tone: 'warn', text: t('quotaModel'), fix: t('waitForReset'), said: quota['reason'], cures: ['quota', 'resume'], until: quota['paused_until_ms'] } : null;
}

/** @param {Target} paused @param {Target[]} targets @param {string} provider @returns {Trouble} */
function pausedTrouble(paused, targets, provider) {
  const every = targets.every(({ state }) => state !== 'ok');
  const tone = paused['state'] === 'paused' && every ? 'bad' : 'warn';
  const found = classTrouble(paused, provider);
  return { ...found, tone, said: paused['reason'], until: paused['paused_until_ms'] };
}

/** @param {Target} target @param {string} provider @returns {Omit<Trouble, 'tone' | 'said' | 'until'>} */
function classTrouble(target, provider) {
  const failure = classOf(target);
  const status = /^[a-z_]+: (\d{3})\b/.exec(target['reason'] ?? '')?.[1];
  const values = { provider, model: target['model'], status: status ? ` (${status})` : '' };
  const reason = target['reason'] ?? '';
  if (reason.includes('[egress]')) return { text: t('egress', values), fix: t('egressFix'), cures: ['edit', 'disable'] };
  if (!(failure in CURES)) return { text: t('failed', values), fix: t('failedFix'), cures: ['test', 'resume'] };
  const key = /** @type {'auth'} */ (failure);
  return { text: t(key, values), fix: t(`${key}Fix`, values), cures: CURES[failure] ?? [] };
}
