/**
 * Windows of quotas: what is left of them, when they come back, and whether they last.
 */

import { compact, count, duration, money, percent, soonAt, PICO } from '../core/format.js';
import { html } from '../core/ui.js';
import { t } from '../strings/quotas.js';
import { Bar, Countdown } from './bits.js';

/** @typedef {Record<string, any>} Window One of the windows of `/api/quotas`. */

const NAMED = ['minute', 'hour', 'day', 'week', 'month', 'balance'];
const STATES = ['used_up', 'reserve', 'low', 'ok', 'unknown'];
/** @type {Record<string, 'bad' | 'warn' | 'accent'>} */
const TONES = { used_up: 'bad', reserve: 'warn', low: 'warn' };

/** What a window is called: how long it lasts. @param {Window} window */
export function spanText({ span }) {
  if (NAMED.includes(span)) return t(/** @type {'span_day'} */ (`span_${span}`));
  const [, n, unit] = /^(\d+)([mhd])$/.exec(span) ?? [];
  if (!n) return span ? span : t('spanNone');
  return t(unit === 'm' ? 'spanMinutes' : unit === 'h' ? 'spanHours' : 'spanDays', { n });
}

/** An amount in a window's unit. @param {number | null} value @param {string} unit */
export function amountText(value, unit) {
  if (value === null) return '—';
  if (unit === 'percent') return percent(Math.round(value) / 100);
  if (unit === 'usd') return money(value * PICO);
  const number = value < 10_000 ? count(value) : compact(value);
  return unit === 'cny' ? `${number} ${t('unit_cny')}` : number;
}

/** What is left of a window. @param {Window} window */
export function leftText(window) {
  const { remaining, limit, unit, reset, state } = window;
  if (reset && remaining === limit) return t('begunAnew');
  if (state === 'used_up' && !remaining) return t('usedUpAll');
  if (remaining === null) return t('notTold');
  const left = amountText(remaining, unit);
  const named = unit === 'requests' || unit.endsWith('tokens') || unit === 'credits' ? ` ${t(/** @type {'unit_tokens'} */ (`unit_${unit}`))}` : '';
  return limit === null || unit === 'percent' ? t('left', { left: left + named }) : t('leftOf', { left, limit: amountText(limit, unit) + named });
}

/** What of a window can be used: the reserve is not. @param {Window} window */
export function usable({ limit, remaining, kept_back: kept, remaining_share: share }) {
  if (share === null || !limit) return null;
  return Math.max(0, (remaining - kept) / limit);
}

/** Whether a window ends before it comes back. @param {Window} window */
export const endsEarly = ({ lasts, runs_out_at_ms: end }) => lasts === false && end !== null;

/** Sorts by scarcity: what is closed, what will be, what has least left. @param {Window} one @param {Window} other */
export function scarcer(one, other) {
  const rank = (/** @type {Window} */ window) => {
    const state = STATES.indexOf(window['state']);
    return state <= 2 ? state : endsEarly(window) ? 3 : state + 1;
  };
  return rank(one) - rank(other) || (usable(one) ?? 2) - (usable(other) ?? 2) || (one['resets_at_ms'] ?? Infinity) - (other['resets_at_ms'] ?? Infinity);
}

/** Whether a window says something that lasts: one of a minute that is fine comes and goes. @param {Window} window */
export const lasting = ({ span, state }) => span !== 'minute' || (state !== 'ok' && state !== 'unknown');

/** A window as a bar; nothing where no share is known. @param {{window: Window, name?: string}} given `name`: whose it is. */
export function WindowBar({ window, name = '' }) {
  const { limit, remaining, remaining_share: share, kept_back: kept, state } = window;
  if (share === null || !limit) return html`<span class="bar-none" aria-hidden="true"></span>`;
  const tone = TONES[state] ?? (endsEarly(window) ? 'warn' : 'accent');
  return html`<${Bar} used=${limit - remaining} limit=${limit} reserve=${kept} tone=${tone} label=${`${name} ${spanText(window)}`.trim()} />`;
}

/** When it comes back, counting down. @param {{window: Window, words?: boolean}} given `words`: with what the time is. */
export function ResetIn({ window, words = false }) {
  const { resets_at_ms: at, span, reset } = window;
  if (at === null) return html`<span class="soft" title=${span === 'balance' ? t('noResets') : t('resetUnknown')}>${reset || !words ? '—' : span === 'balance' ? '' : '—'}</span>`;
  const time = html`<${Countdown} at=${at} />`;
  return words ? html`<span>${t.rich('resetsIn', { time })}</span>` : time;
}

/** Whether it lasts at the present pace. @param {{window: Window}} given */
export function Pace({ window }) {
  const { runs_out_at_ms: end, resets_at_ms: reset, lasts, state } = window;
  if (state === 'used_up') return html`<span class="soft">—</span>`;
  if (endsEarly(window) && reset !== null) {
    return html`<span class="warn">${t('runsOut', { time: soonAt(end), before: duration(reset - end) })}</span>`;
  }
  if (lasts) return html`<span class="soft" title=${t('lastsLong')}>${t('lasts')}</span>`;
  if (end !== null) return html`<span>${t('runsOutAlone', { time: soonAt(end) })}</span>`;
  return html`<span class="soft" title=${t('noPaceLong')}>—</span>`;
}

/** The scarcest windows of an account in a few lines, for cards. @param {{windows: Window[], name: string, most?: number}} given */
export function QuotaBrief({ windows, name, most = 2 }) {
  const shown = windows.filter((window) => lasting(window) && !window['reset']).sort(scarcer).slice(0, most);
  return html`<span class="quota-brief">${shown.map((window) => html`<span class="quota-line" key=${`${window['name']} ${window['models']}`}>
    <span class="soft cut">${spanText(window)}</span><${WindowBar} window=${window} name=${name} /><span class="numbers end" translate="no" title=${window['models'] || window['name']}>${briefText(window)}</span>
    <span class="soft numbers">${window['resets_at_ms'] !== null && html`<${Countdown} at=${window['resets_at_ms']} />`}</span></span>`)}</span>`;
}

/** @param {Window} window */
function briefText({ remaining, remaining_share: share, unit }) {
  if (share !== null) return percent(Math.round(share * 100) / 100);
  return remaining === null ? '—' : amountText(remaining, unit);
}
