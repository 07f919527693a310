/**
 * A key's policy in few words: what it may use, how much, and how that stands.
 */

import { compact, count, money, usd } from '../../core/format.js';
import { html } from '../../core/ui.js';
import { Bar, Chip, Dot, Time } from '../../parts/bits.js';
import { t } from '../../strings/keys.js';

/** @typedef {import('./data.js').Key} Key */

const SOON_MS = 7 * 86_400_000;
const LIMITS = /** @type {const} */ ([
  ['requests_per_minute', 'perMinute'], ['requests_per_day', 'perDay'], ['tokens_per_minute', 'tokensMinute'], ['tokens_per_day', 'tokensDay'], ['concurrent', 'atOnce'],
]);

/** @param {Key} key @returns {string[]} */
export const limitsOf = (key) => LIMITS.flatMap(([name, text]) => (key['policy'].limits?.[name] ? [t(text, { n: compact(key['policy'].limits[name]) })] : []));

/** What names a key is bound to, nothing where it may use everything. @param {Key} key @returns {string[]} */
export const boundsOf = (key) => [...(key['policy'].models ?? []), ...(key['policy'].accounts ?? []), ...(key['policy'].dialects ?? [])];

const DOTS = /** @type {Record<string, 'ok' | 'warn' | 'bad' | 'off'>} */ ({ live: 'ok', disabled: 'off', expired: 'warn', revoked: 'off', broken: 'bad' });

/** @param {{value: Key}} given */
export function State({ value }) {
  const state = /** @type {'live'} */ (value['state']);
  return html`<${Dot} state=${DOTS[state] ?? 'off'} label=${t(`state_${state}`)} title=${value['problem'] ?? undefined} />`;
}

/** @param {{value: Key}} given */
export function Ends({ value }) {
  const at = value['expires_at_ms'];
  if (at === null) return html`<span class="soft">${t('never')}</span>`;
  const soon = value['state'] === 'live' && at - Date.now() < SOON_MS;
  return html`<span class=${soon ? 'warn' : value['state'] === 'expired' ? 'soft' : ''}><${Time} at=${at} /></span>`;
}

/** An amount of what a budget counts, from its smallest units. @param {string} metric @param {number | null} amount */
export function amountOf(metric, amount) {
  if (metric === 'usd') return money(amount);
  return t(metric === 'tokens' ? 'tokensOf' : 'requestsOf', { n: compact(amount) });
}

/** What a budget allows, as the key's policy says it. @param {any} budget */
export function allowanceOf(budget) {
  const metric = budget.metric ?? 'usd';
  const amount = metric === 'usd' ? usd(budget.amount) : amountOf(metric, Number(budget.amount));
  return t('budgetOf', { amount, period: t(/** @type {'day'} */ (budget.period ?? 'month')) });
}

/** How a budget stands, as a bar with words. @param {{standing: any}} given */
export function Budget({ standing }) {
  const metric = standing.budget.metric ?? 'usd';
  const words = t('spentOf', { spent: amountOf(metric, standing.spent), limit: allowanceOf(standing.budget) });
  const tone = standing.state === 'used_up' ? 'bad' : standing.state === 'warning' ? 'warn' : undefined;
  return html`<span class="key-budget"><span class="cut">${words}</span>
    <${Bar} used=${standing.spent} held=${standing.held + standing.uncertain} limit=${standing.limit} tone=${tone} label=${words} /></span>`;
}

/** The budget of which least is left, and how many more there are. @param {{value: Key}} given */
export function Tightest({ value }) {
  const standing = /** @type {any[]} */ (value['standing']);
  if (standing.length === 0) {
    const plain = value['policy'].budgets ?? [];
    return plain.length ? html`<span class="cut">${allowanceOf(plain[0])}</span>` : html`<span class="soft">—</span>`;
  }
  const [first] = [...standing].sort((one, other) => other.spent / other.limit - one.spent / one.limit);
  return html`<${Budget} standing=${first} />`;
}

/** Few chips of many words. @param {{words: string[], none: string, data?: boolean, most?: number}} given */
export function Chips({ words, none, data = false, most = 2 }) {
  if (words.length === 0) return html`<span class="soft">${none}</span>`;
  const rest = words.length - most;
  return html`<span class="row key-chips" title=${data ? undefined : words.join(', ')}>${words.slice(0, most).map((word) => html`<${Chip} key=${word} data=${data}>${word}<//>`)}${
    rest > 0 && html`<span class="soft">+${count(rest)}</span>`}</span>`;
}
