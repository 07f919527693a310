/**
 * How numbers, money, times and sizes are written: three significant digits, always a unit, "—" for unknown.
 */

import { catalogue, marked, numberLocale } from './strings.js';
import { english } from '../strings/format.js';

const t = catalogue('format', english);

/** What stands where nothing is known. */
export const UNKNOWN = '—';
/** pico-USD in a dollar. */
export const PICO = 1e12;

const whole = new Intl.NumberFormat(numberLocale, { maximumFractionDigits: 0 });
const three = new Intl.NumberFormat(numberLocale, { maximumSignificantDigits: 3 });
const short = new Intl.NumberFormat(numberLocale, { notation: 'compact', maximumSignificantDigits: 3 });
const cents = new Intl.NumberFormat(numberLocale, { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol' });
const fine = new Intl.NumberFormat(numberLocale, {
  style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol', maximumSignificantDigits: 4,
});
const rounded = new Intl.NumberFormat(numberLocale, {
  style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol', notation: 'compact', maximumSignificantDigits: 4,
});
const share = new Intl.NumberFormat(numberLocale, { style: 'percent', maximumSignificantDigits: 3 });
const relative = new Intl.RelativeTimeFormat(numberLocale, { numeric: 'auto', style: 'narrow' });
const exact = new Intl.DateTimeFormat(numberLocale, { dateStyle: 'medium', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat(numberLocale, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const hours = new Intl.DateTimeFormat(numberLocale, { hour: '2-digit', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat(numberLocale, { weekday: 'short', hour: '2-digit', minute: '2-digit' });
const date = new Intl.DateTimeFormat(numberLocale, { month: 'short', day: 'numeric' });

/** @typedef {number | null | undefined} Maybe */

/** @param {Maybe} value @returns {value is null | undefined} */
const absent = (value) => value === null || value === undefined || Number.isNaN(value);

/** A whole number with its digits grouped. @param {Maybe} value */
export const count = (value) => (absent(value) ? UNKNOWN : whole.format(value));

/** A number in a few letters: 1.23M. @param {Maybe} value */
export const compact = (value) =>
  absent(value) ? UNKNOWN : marked(Math.abs(value) < 10_000 ? whole.format(value) : short.format(value));

/** Money of 10⁻¹² USD: to the cent above a dollar, four digits below. @param {Maybe} pusd */
export function money(pusd) {
  if (absent(pusd)) return UNKNOWN;
  const dollars = pusd / PICO;
  const size = Math.abs(dollars);
  if (size === 0 || (size >= 1 && size < 100_000)) return cents.format(dollars);
  return size < 1 ? fine.format(dollars) : marked(rounded.format(dollars));
}

/** Decimal text of dollars, as `*_usd` members have it. @param {string | null | undefined} text */
export const usd = (text) => (text === null || text === undefined ? UNKNOWN : money(Number(text) * PICO));

/** A share of one. @param {Maybe} value */
export const percent = (value) => (absent(value) ? UNKNOWN : share.format(value));

/** Milliseconds in the fitting unit. @param {Maybe} value */
export function millis(value) {
  if (absent(value)) return UNKNOWN;
  if (value < 1000) return t('ms', { n: three.format(value) });
  return value < 60_000 ? t('s', { n: three.format(value / 1000) }) : duration(value);
}

/** Seconds in the fitting unit. @param {Maybe} value */
export const seconds = (value) => (absent(value) ? UNKNOWN : millis(value * 1000));

/** A stretch of time in its two largest units. @param {Maybe} value in milliseconds */
export function duration(value) {
  if (absent(value)) return UNKNOWN;
  const total = Math.round(Math.abs(value) / 1000);
  const [days, hours, minutes] = [Math.floor(total / 86_400), Math.floor(total / 3600) % 24, Math.floor(total / 60) % 60];
  if (days) return t('dh', { d: days, h: hours });
  if (hours) return t('hm', { h: hours, m: minutes });
  return minutes ? t('mins', { m: minutes, s: total % 60 }) : t('s', { n: total });
}

/** @param {Maybe} value */
export function bytes(value) {
  if (absent(value)) return UNKNOWN;
  const units = /** @type {const} */ (['b', 'kb', 'mb', 'gb', 'tb']);
  let [size, unit] = [value, 0];
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return t(units[unit] ?? 'b', { n: three.format(size) });
}

/** How long ago, or how soon. @param {Maybe} at in milliseconds @param {number} [now] */
export function ago(at, now = Date.now()) {
  if (absent(at)) return UNKNOWN;
  const past = (at - now) / 1000;
  const size = Math.abs(past);
  if (size < 5) return t('now');
  if (size < 60) return marked(relative.format(Math.round(past), 'second'));
  if (size < 3600) return marked(relative.format(Math.round(past / 60), 'minute'));
  if (size < 86_400) return marked(relative.format(Math.round(past / 3600), 'hour'));
  return size < 86_400 * 45 ? marked(relative.format(Math.round(past / 86_400), 'day')) : dayOf(at);
}

/** Date and time, exact. @param {Maybe} at */
export const moment = (at) => (absent(at) ? UNKNOWN : marked(exact.format(at)));

/** Time of day, exact. @param {Maybe} at */
export const timeOf = (at) => (absent(at) ? UNKNOWN : marked(clock.format(at)));

/** Day of the year. @param {Maybe} at */
export const dayOf = (at) => (absent(at) ? UNKNOWN : marked(date.format(at)));

/** A number of three significant digits. @param {Maybe} value */
export const figure = (value) => (absent(value) ? UNKNOWN : three.format(value));

/** A moment that is near: the time of day, with the weekday where it is another day, the date where it is far. @param {Maybe} at */
export function soonAt(at) {
  if (absent(at)) return UNKNOWN;
  const then = new Date(at);
  if (then.toDateString() === new Date().toDateString()) return marked(hours.format(then));
  return marked(Math.abs(at - Date.now()) < 6 * 86_400_000 ? weekday.format(then) : date.format(then));
}
