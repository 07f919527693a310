/**
 * The sums of each group as a table: what share of the spend it has, what one request of it costs.
 */

import { compact, count, dayOf, money, percent } from '../../core/format.js';
import { go, href, setQuery } from '../../core/router.js';
import { tokensOf, writtenOf } from '../../core/tokens.js';
import { html, useMemo } from '../../core/ui.js';
import { Money } from '../../parts/bits.js';
import { Icon } from '../../parts/icons.js';
import { Section } from '../../parts/page.js';
import { Table } from '../../parts/table.js';
import { t } from '../../strings/usage.js';
import { cachedShare, calledOf, coloursOf } from './groups.js';
import { DAY_MS, FILTERS, HOUR_MS, hourOf } from './view.js';

/** @typedef {import('./view.js').View} View */
/** @typedef {Record<string, any>} Row */

const keyOf = (/** @type {Row} */ row) => row['id'];

/** @param {{view: View, query: Record<string, string>, sums: any, series: any, loading: boolean}} given */
export function Sums({ view, query, sums, series, loading }) {
  const byTime = view.split === 'none';
  const rows = useMemo(() => rowsOf(sums, view), [sums, view.split, view.span]);
  const colour = useMemo(() => coloursOf(series?.series ?? [], view.split), [series, view.split]);
  const columns = useMemo(() => columnsOf(view, colour), [view.split, view.span, colour, JSON.stringify(view.stretch)]);
  const sort = sortOf(query['sort'], byTime);
  const sorted = useMemo(() => sortedBy(rows, columns, sort), [rows, columns, sort.id, sort.down]);
  const clicks = byTime || FILTERS.includes(view.split);
  const open = (/** @type {Row} */ row) => narrow(row, view);
  const title = byTime ? t(view.span === 'hour' ? 'tableHour' : 'tableDay') : t('table', { split: t(`split_${view.split}`).toLowerCase() });
  return html`<${Section} title=${title} lead=${clicks ? t(byTime ? 'rowsHintTime' : 'rowsHint') : undefined}>
    <div class="usage-table"><${Table} id=${`usage-${byTime ? 'time' : 'group'}`} label=${title} columns=${columns} rows=${sorted} keyOf=${keyOf} loading=${loading} card=${cardOf(view, colour)} cardHeight=${62}
      onOpen=${clicks ? open : undefined} sort=${sort} onSort=${(/** @type {{id: string, down: boolean}} */ next) => setQuery({ sort: `${next.down ? '-' : ''}${next.id}` })} height=${560} /></div><//>`;
}

/** @param {any[] | undefined} sums @param {View} view @returns {Row[]} */
function rowsOf(sums, view) {
  const all = (sums ?? []).reduce((total, line) => total + line.charge_pusd, 0);
  return (sums ?? []).map((line) => {
    const unpriced = line.charge_unknown > 0 && line.charge_pusd === 0;
    const priced = line.requests - line.charge_unknown;
    return {
      ...line,
      unpriced,
      id: line.group === null ? '' : String(line.group),
      label: view.split === 'none' ? null : calledOf(line, view.split),
      share: all > 0 && !unpriced ? line.charge_pusd / all : null,
      each: priced > 0 && !unpriced ? line.charge_pusd / priced : null,
    };
  });
}

/** Show only what a row sums up. @param {Row} row @param {View} view */
function narrow(row, view) {
  if (view.split === 'none') {
    const end = Number(row['group']) + (view.span === 'hour' ? HOUR_MS : DAY_MS);
    setQuery({ since: row['group'], until: end < Date.now() ? end : null, span: null });
  } else if (row['group'] !== null) setQuery({ [view.split]: row['group'], split: view.split === 'preset' ? 'model' : null, sort: null });
}

/** @param {string | undefined} text @param {boolean} byTime */
function sortOf(text, byTime) {
  if (!text) return byTime ? { id: 'group', down: true } : { id: 'spend', down: true };
  return text.startsWith('-') ? { id: text.slice(1), down: true } : { id: text, down: false };
}

/** @param {Row[]} rows @param {any[]} columns @param {{id: string, down: boolean}} sort */
function sortedBy(rows, columns, sort) {
  const value = columns.find(({ id }) => id === sort.id)?.value ?? columns.find(({ id }) => id === 'spend')?.value;
  const turn = sort.down ? -1 : 1;
  const compared = (/** @type {any} */ one, /** @type {any} */ other) => (typeof one === 'string' ? one.localeCompare(String(other), undefined, { numeric: true }) : one - other);
  return rows
    .map((row) => ({ row, value: value(row) ?? null }))
    .sort((one, other) => {
      if (one.value === null || other.value === null) return Number(one.value === null) - Number(other.value === null);
      return turn * compared(one.value, other.value) || other.row['requests'] - one.row['requests'];
    })
    .map(({ row }) => row);
}

/** @param {View} view @param {(group: string | null) => string} colour @returns {any[]} */
function columnsOf(view, colour) {
  const name = nameOf(view, colour);
  const number = (/** @type {string} */ id, /** @type {string} */ label, /** @type {(row: Row) => number | null} */ value, /** @type {(value: any) => any} */ format, /** @type {any} */ more) => ({
    id, label, value, align: 'right', width: 84, grow: 0.5, render: (/** @type {Row} */ row) => format(value(row)), ...more,
  });
  return [
    { id: 'group', label: view.split === 'none' ? t(view.span === 'hour' ? 'hour_one' : 'day_one') : t(`split_${view.split}`), width: 170, grow: 2, priority: 1, render: name, value: (/** @type {Row} */ row) => (view.split === 'none' ? row['group'] : row['label'].text) },
    number('requests', t('requests'), (row) => row['requests'], count, { priority: 2 }),
    number('errors', t('errors'), (row) => row['errors'], count, { priority: 3, width: 100, render: errorsOf }),
    number('input', t('input'), (row) => row['input_tokens'] + row['cache_write_tokens'], compact, { priority: 4, hint: t('inputLong') }),
    number('cached', t('cachedTokens'), (row) => row['cache_read_tokens'], compact, { priority: 4, width: 100 }),
    number('output', t('output'), writtenOf, compact, { priority: 4, hint: t('outputLong') }),
    number('tokens', t('tokens'), tokensOf, compact, { hidden: true }),
    number('cache', t('cacheShare'), cachedShare, (value) => percent(tidy(value)), { priority: 3, hint: t('cacheShareLong') }),
    number('each', t('each'), (row) => row['each'], money, { priority: 3, hint: t('eachLong'), width: 112 }),
    number('cost', t('cost'), (row) => row['cost_pusd'], money, { hidden: true, hint: t('providersTookLong'), width: 100 }),
    number('spend', t('spend'), (row) => (row['unpriced'] ? null : row['charge_pusd']), money, { priority: 1, width: 108, render: spendOf }),
    number('share', t('share'), (row) => row['share'], percent, { priority: 2, hint: t('shareLong'), width: 120, render: (/** @type {Row} */ row) => shareOf(row, colour) }),
    { id: 'requests-link', label: '', width: 48, align: 'right', priority: 2, sortable: false, render: (/** @type {Row} */ row) => linkOf(row, view) },
  ].filter(({ id }) => id !== 'requests-link' || view.split === 'none' || FILTERS.includes(view.split));
}

/** @param {number | null} share */
const tidy = (share) => (share === null ? null : Math.round(share * 1000) / 1000);

/** @param {View} view @param {(group: string | null) => string} colour */
function nameOf(view, colour) {
  return (/** @type {Row} */ row) => {
    if (view.split === 'none') return view.span === 'hour' ? hourOf(Number(row['group'])) : dayOf(Number(row['group']) + DAY_MS / 2);
    const { text, data } = row['label'];
    return html`<span class="provider cut"><span class="mark" style=${{ background: colour(row['group']) }} aria-hidden="true"></span><span class=${data ? 'cut' : 'cut soft'} translate=${data ? 'no' : undefined} title=${data ? undefined : text}>${text}</span></span>`;
  };
}

/** @param {Row} row */
function errorsOf(row) {
  if (row['errors'] === 0) return html`<span class="soft">0</span>`;
  return html`${count(row['errors'])} <span class="soft">${percent(tidy(row['errors'] / row['requests']))}</span>`;
}

/** @param {Row} row */
const spendOf = (row) =>
  html`<${Money} pusd=${row['unpriced'] ? null : row['charge_pusd']} estimated=${row['charge_unknown'] > 0} why=${row['charge_unknown'] && !row['unpriced'] ? t('unpriced', { n: row['charge_unknown'] }) : undefined} />`;

/** @param {Row} row @param {(group: string | null) => string} colour */
function shareOf(row, colour) {
  const share = row['share'];
  return html`<span class="usage-part"><span class="usage-part-bar" aria-hidden="true"><span style=${{ width: `${(share ?? 0) * 100}%`, background: row['label'] ? colour(row['group']) : 'var(--accent)' }}></span></span><span>${percent(tidy(share))}</span></span>`;
}

/** The requests behind a row. @param {Row} row @param {View} view */
function linkOf(row, view) {
  if (row['group'] === null) return '';
  const time = view.split === 'none' ? { since: row['group'], until: Number(row['group']) + (view.span === 'hour' ? HOUR_MS : DAY_MS) } : { since: view.since, until: view.until };
  const to = { ...view.filters, ...time, ...(view.split === 'none' ? {} : { [view.split]: row['group'] }) };
  const name = view.split === 'none' ? hourOf(Number(row['group'])) : row['label'].text;
  const label = t('showRequests', { name });
  return html`<a class="usage-link" href=${href('requests', to)} aria-label=${label} title=${label} onClick=${(/** @type {Event} */ event) => {
    event.stopPropagation();
    event.preventDefault();
    go('requests', to);
  }}><${Icon} name="requests" size=${14} /></a>`;
}

/** @param {View} view @param {(group: string | null) => string} colour */
function cardOf(view, colour) {
  const name = nameOf(view, colour);
  return (/** @type {Row} */ row) => html`<div class="row apart"><span class="cut grow">${name(row)}</span>${spendOf(row)}</div>
    <div class="row soft small numbers"><span>${count(row['requests'])} ${t('requests').toLowerCase()}</span><span>${compact(tokensOf(row))} ${t('tokens').toLowerCase()}</span><span class="grow"></span>${shareOf(row, colour)}</div>`;
}
