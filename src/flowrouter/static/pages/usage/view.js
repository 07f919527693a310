/**
 * What the address says is on show: a stretch of time, its steps, what it is split by, the filters.
 *
 * Days begin where the visitor is now, by one offset for the whole stretch, since that is how the gateway sums
 * them up; a chart's days are put back to the calendar's, so that none moves when clocks change.
 */

import { address } from '../../core/api.js';
import { dayOf } from '../../core/format.js';
import { marked, numberLocale } from '../../core/strings.js';
import { resolveTime } from '../../parts/filters.js';
import { t } from '../../strings/usage.js';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
const LENGTHS = { hour: HOUR_MS, day: DAY_MS };
/** As many points as the gateway draws. */
const POINTS = 750;
const clock = new Intl.DateTimeFormat(numberLocale, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
/** Up to so long hours are shown where nobody chose. */
const HOURLY_MS = 3 * DAY_MS;

/** @typedef {'hour' | 'day'} Span */
/** @typedef {'none' | 'preset' | 'model' | 'account' | 'key' | 'client' | 'combo' | 'outcome'} Split */
/** @typedef {'spend' | 'tokens' | 'requests' | 'errors'} Measure */
/** @typedef {'24h' | '7d' | '30d' | '90d' | '12m'} Range */
/** @typedef {Record<string, string | number | null>} Query */
/**
 * @typedef {object} View
 * @property {Range} range What was chosen, or is gone back to from a stretch of one's own.
 * @property {boolean} own Whether it is a stretch of one's own.
 * @property {number} since
 * @property {number | null} until Null: until now.
 * @property {number} end
 * @property {Span} span
 * @property {Record<Span, boolean>} spans Which steps the stretch can be shown in.
 * @property {Split} split
 * @property {Measure} measure
 * @property {boolean} compare
 * @property {Record<string, string>} filters
 * @property {Query} stretch The stretch and the filters, as `/api` takes them.
 * @property {Query} chart The same with the steps.
 * @property {Query} before The same for the period before.
 * @property {number} points How many steps it has.
 */

/** @type {Range[]} */
export const RANGES = ['24h', '7d', '30d', '90d', '12m'];
/** @type {Split[]} */
export const SPLITS = ['preset', 'model', 'account', 'key', 'client', 'combo', 'outcome', 'none'];
/** @type {Measure[]} */
export const MEASURES = ['spend', 'tokens', 'requests', 'errors'];
/** What the log can be filtered by; splits among them can be clicked. */
export const FILTERS = ['outcome', 'model', 'preset', 'account', 'key', 'dialect', 'session'];

/** @template {string} T @param {readonly T[]} all @param {string | undefined} text @param {T} otherwise @returns {T} */
const oneOf = (all, text, otherwise) => all.find((one) => one === text) ?? otherwise;

/** @param {number} now Minutes east of Greenwich where the visitor is. */
const offsetAt = (now) => -new Date(now).getTimezoneOffset();

/** The beginning of the day that `at` is in, by the offset of `now`. @param {number} at @param {number} now */
function dayStart(at, now) {
  const offset = offsetAt(now) * 60_000;
  return at - ((((at + offset) % DAY_MS) + DAY_MS) % DAY_MS);
}

/** @param {Range} range @param {number} now */
function rangeStart(range, now) {
  if (range === '24h') return now - (now % HOUR_MS) - 23 * HOUR_MS;
  const days = { '7d': 7, '30d': 30, '90d': 90, '12m': 365 }[range];
  return dayStart(now, now) - (days - 1) * DAY_MS;
}

/** @param {Record<string, string>} query @param {number} [now] @returns {View} */
export function viewOf(query, now = Date.now()) {
  const range = oneOf(RANGES, query['range'], '30d');
  const from = resolveTime(query['since'], now);
  const to = resolveTime(query['until'], now);
  const until = to !== null && to < now ? to : null;
  const own = from !== null && from < (until ?? now);
  const since = own ? from : rangeStart(range, now);
  const end = own && until !== null ? until : now;
  const length = end - since;
  const spans = { hour: length / HOUR_MS < POINTS - 1, day: length > DAY_MS && length / DAY_MS < POINTS - 1 };
  const usual = length <= HOURLY_MS || !spans.day ? 'hour' : 'day';
  const wanted = oneOf(/** @type {Span[]} */ (['hour', 'day']), query['span'], usual);
  const span = spans[wanted] ? wanted : usual;
  const begin = span === 'day' ? dayStart(since + HOUR_MS, now) : since;
  const points = Math.ceil((end - begin) / LENGTHS[span]);
  const filters = Object.fromEntries(FILTERS.flatMap((name) => (query[name] ? [[name, query[name]]] : [])));
  const stop = own ? until : null;
  const stretch = { ...filters, since: begin, until: stop };
  const steps = { span, utc_offset_minutes: offsetAt(now) };
  return {
    range, own, since: begin, until: stop, end, span, spans, points, filters, stretch,
    split: oneOf(SPLITS, query['split'], 'preset'),
    measure: oneOf(MEASURES, query['show'], 'spend'),
    compare: query['compare'] !== 'off',
    chart: { ...stretch, ...steps },
    before: { ...filters, ...steps, since: begin - points * LENGTHS[span], until: begin },
  };
}

/** The points of a chart as the calendar has them. @param {number[]} points @param {Span} span @param {number} offset in minutes */
export function onCalendar(points, span, offset) {
  if (span === 'hour') return points;
  return points.map((at) => new Date(1970, 0, 1 + Math.round((at + offset * 60_000) / DAY_MS)).getTime());
}

/** Day and time of day. @param {number} at */
export const hourOf = (at) => marked(clock.format(at));

const dated = new Intl.DateTimeFormat(numberLocale, { year: 'numeric', month: 'short', day: 'numeric' });

/** From when until when, in words. @param {View} view */
export function periodText({ since, end, until, span }) {
  const told = (/** @type {number} */ at) => (new Date(at).setHours(0, 0, 0, 0) === at ? dayOf(at) : hourOf(at));
  if (span === 'day') {
    const day = new Date(since).getFullYear() === new Date().getFullYear() ? dayOf : (/** @type {number} */ at) => marked(dated.format(at));
    // By the present offset a day of before the clocks changed begins an hour early or late.
    return t('period', { from: day(since + DAY_MS / 2), to: day(end - 1) });
  }
  return until === null ? t('periodNow', { from: told(since) }) : t('period', { from: told(since), to: told(end) });
}

/** What is exported. @param {View} view @param {string} groupBy @param {'csv' | 'json'} kind */
export function exportAddress({ stretch, chart }, groupBy, kind) {
  const query = { ...stretch, group_by: groupBy, utc_offset_minutes: chart['utc_offset_minutes'] };
  return address(kind === 'csv' ? '/api/usage.csv' : '/api/usage', /** @type {any} */ (query));
}
