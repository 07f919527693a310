/**
 * Spans of time as they stand in an address: `24h`, `7d`, `today`, milliseconds, or a date.
 */

import { numberLocale, marked } from '../core/strings.js';
import { html, useState } from '../core/ui.js';
import { t } from '../strings/filters.js';

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const NAMES = { m: /** @type {const} */ ('lastMinutes'), h: /** @type {const} */ ('lastHours'), d: /** @type {const} */ ('lastDays') };
const USUAL = ['1h', 'today', '24h', '7d', '30d', '90d'];
const exact = new Intl.DateTimeFormat(numberLocale, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(numberLocale, { month: 'short', day: 'numeric' });

/** @param {string} text @returns {{n: number, unit: 'm' | 'h' | 'd'} | null} */
function relative(text) {
  const [, n, unit] = /^(\d{1,5})\s*([mhd])$/.exec(text.trim()) ?? [];
  return n && unit && Number(n) > 0 ? { n: Number(n), unit: /** @type {'m' | 'h' | 'd'} */ (unit) } : null;
}

/**
 * Return the moment that a text of the address means, in milliseconds; null where it means none.
 * @param {string | null | undefined} text @param {number} [now]
 * @returns {number | null}
 */
export function resolveTime(text, now = Date.now()) {
  if (!text) return null;
  const back = relative(text);
  if (back) return now - back.n * UNITS[back.unit];
  if (text === 'today') return new Date(now).setHours(0, 0, 0, 0);
  const at = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

/** What a span is called. @param {string | undefined} since @param {string | undefined} until */
export function spanText(since, until) {
  const back = since ? relative(since) : null;
  if (back && !until) return t(NAMES[back.unit], { n: back.n });
  if (since === 'today' && !until) return t('today');
  const [from, to] = [resolveTime(since), resolveTime(until)];
  if (from === null) return to === null ? '' : t('until', { to: told(to) });
  return to === null ? t('since', { from: told(from) }) : t('between', { from: told(from), to: told(to) });
}

/** @param {number} at */
function told(at) {
  const midnight = new Date(at).setHours(0, 0, 0, 0) === at;
  return marked((midnight ? day : exact).format(at));
}

/** The spans to choose from, for what is typed. @param {string} words @returns {{value: string, label: string}[]} */
export function usualSpans(words) {
  const typed = relative(words) ? [words.replaceAll(/\s/g, '')] : [];
  const spans = [...typed, ...USUAL.filter((span) => !typed.includes(span))].map((value) => ({ value, label: spanText(value, undefined) }));
  return spans.filter(({ value, label }) => typed.includes(value) || label.toLowerCase().includes(words.toLowerCase()));
}

/** @param {number | null} at */
function local(at) {
  if (at === null) return '';
  return new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/**
 * From one moment to another.
 * @param {{since: string | undefined, until: string | undefined, onApply: (since: string | null, until: string | null) => void}} given
 */
export function SpanForm({ since, until, onApply }) {
  const [from, setFrom] = useState(local(resolveTime(since)));
  const [to, setTo] = useState(local(resolveTime(until)));
  const moment = (/** @type {string} */ text) => (text ? String(new Date(text).getTime()) : null);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    onApply(moment(from), moment(to));
  };
  return html`<form class="filter-span" onSubmit=${submit}>
    <label><span>${t('from')}</span><input type="datetime-local" value=${from} max=${to} onInput=${(/** @type {any} */ event) => setFrom(event.target.value)} /></label>
    <label><span>${t('to')}</span><input type="datetime-local" value=${to} min=${from} onInput=${(/** @type {any} */ event) => setTo(event.target.value)} /></label>
    <button type="submit" class="filter-apply" disabled=${!from && !to}>${t('apply')}</button>
  </form>`;
}
