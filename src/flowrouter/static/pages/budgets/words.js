/**
 * Budgets in words: amounts in what they count, what they do once they are used up, which requests they refused.
 */

import { compact, count, money } from '../../core/format.js';
import { marked, numberLocale } from '../../core/strings.js';
import { t } from '../../strings/budgets.js';

/** @typedef {'usd' | 'tokens' | 'requests'} Metric */
/** @typedef {{amount: string | number, metric?: Metric, period?: 'day' | 'week' | 'month', mode?: 'hard' | 'soft', warn?: number, downgrade?: string | null, unpriced?: 'allow' | 'refuse', zone?: string}} Rule */
/** @typedef {Required<Omit<Rule, 'downgrade'>> & {downgrade: string | null}} Full */
/**
 * @typedef {object} Budget A row of `/api/budgets`.
 * @property {string} id
 * @property {'key' | 'gateway'} of
 * @property {string} name
 * @property {string | null} key_id
 * @property {string} owner_id
 * @property {Rule} budget
 * @property {number} limit
 * @property {number} spent
 * @property {number} held
 * @property {number} uncertain
 * @property {number} left
 * @property {'ok' | 'warning' | 'used_up'} state
 * @property {number} starts_at_ms
 * @property {number} resets_at_ms
 * @property {number | null} forecast
 * @property {number | null} runs_out_ms
 */

const BIG = 100_000;
const PICO = 1e12;
const clock = new Intl.DateTimeFormat(numberLocale, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });

/** Day and time of day. @param {number} at */
export const momentOf = (at) => marked(clock.format(at));

/** A rule with what is meant where it says nothing. @param {Rule} rule @returns {Full} */
export const full = (rule) => ({ metric: 'usd', period: 'month', mode: 'soft', warn: 0.8, downgrade: null, unpriced: 'refuse', zone: 'UTC', ...rule });

/** An amount in what is counted: pico-USD, tokens, requests. @param {number} n @param {Metric} [metric] */
export function amountOf(n, metric = 'usd') {
  if (metric === 'usd') return money(n);
  return t(`amount_${metric}`, { amount: n < BIG ? count(n) : compact(n), n });
}

/** The amount of a rule. @param {Rule} rule */
export const limitOf = ({ amount, metric = 'usd' }) => amountOf(Number(amount) * (metric === 'usd' ? PICO : 1), metric);

/** How bad it is, worst first. @param {Budget} row */
const severity = (row) => ({ used_up: 0, warning: 1, ok: 2 })[row.state] * 10 + (row.runs_out_ms === null ? 1 : 0);

/** @param {Budget[]} rows */
export const byNeed = (rows) =>
  [...rows].sort((one, other) => severity(one) - severity(other) || used(other) / other.limit - used(one) / one.limit || one.id.localeCompare(other.id));

/** What counts as used. @param {Budget} row */
export const used = (row) => row.spent + row.uncertain;

/** Whether a refused request was refused by this budget, by what it was told. @param {any} request @param {Budget} row */
export function refusedBy(request, row) {
  if (request.error_type !== 'budget_exceeded' || request.ts_ms < row.starts_at_ms) return false;
  const text = String(request.error_text ?? '');
  const { metric, period } = full(row.budget);
  const whose = row.of === 'key' ? request.key_id === row.key_id && text.startsWith('the gateway key') : text.includes(`this gateway ('${row.name}')`);
  return whose && text.includes(` a ${period}`) && (metric === 'usd' ? text.includes('$') : text.includes(` ${metric} a `));
}
