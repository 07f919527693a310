/**
 * Values over time: stacked areas, bars or lines with a crosshair, a legend that tells the values under it,
 * a brush to zoom, and the same as a table.
 */

import { compact } from '../core/format.js';
import { marked, numberLocale } from '../core/strings.js';
import { theme } from '../core/theme.js';
import { html, useLayoutEffect, useMemo, useRef, useSignal, useSignalEffect, useState } from '../core/ui.js';
import { t } from '../strings/chart.js';
import { Plot } from './chart-plot.js';
import { Table } from './table.js';

/** @typedef {import('./chart-plot.js').Series} Series */
/** @typedef {import('./chart-plot.js').Values} Values */
/**
 * @typedef {object} Given
 * @property {string} label What the chart shows, with its unit and period.
 * @property {number[]} points Beginnings of the spans, in milliseconds.
 * @property {Series[]} series
 * @property {'hour' | 'day'} span
 * @property {'area' | 'bars'} [kind] `bars` where every series is stacked.
 * @property {number} [height] in pixels
 * @property {(value: number | null | undefined) => string} [format]
 * @property {string} [syncKey] Charts of the same key share the crosshair.
 * @property {(from: number, to: number) => void} [onZoom] Without it the chart zooms by itself, and back by a double click.
 * @property {Values | null} [previous] The sums of the period before, point by point, as a thin line.
 * @property {'sum' | 'last' | 'none'} [idle] What the legend tells while the crosshair is away: `sum` for stacks, `last` else.
 * @property {boolean} [legend]
 */

const hour = new Intl.DateTimeFormat(numberLocale, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(numberLocale, { weekday: 'short', month: 'short', day: 'numeric' });

/** @param {number | undefined} at @param {'hour' | 'day'} span */
const when = (at, span) => (at === undefined ? '' : marked((span === 'hour' ? hour : day).format(at)));

/** @param {Given} given */
export function Chart(given) {
  const { label, points, span, kind = 'area', height = 220, format = compact, syncKey, onZoom, previous = null, legend = true } = given;
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const plot = useRef(/** @type {Plot | null} */ (null));
  const cursor = useSignal(/** @type {number | null} */ (null));
  const [hidden, setHidden] = useState(/** @type {Set<string>} */ (new Set()));
  const [asTable, setAsTable] = useState(false);
  const series = useMemo(() => given.series.map(coloured), [given.series]);
  const shown = series.filter((one) => !hidden.has(one.label));
  useLayoutEffect(() => {
    if (!box.current || asTable) return undefined;
    const mine = new Plot(box.current);
    plot.current = mine;
    return () => {
      plot.current = null;
      mine.dispose();
    };
  }, [asTable]);
  useLayoutEffect(() => {
    const onCursor = (/** @type {number | null} */ index) => {
      cursor.value = index;
    };
    plot.current?.show({ points, series: shown, previous, kind, span, height, format, syncKey, onZoom, onCursor });
  });
  useSignalEffect(() => {
    void theme.value;
    queueMicrotask(() => plot.current?.recolour());
  });
  const texts = { points, series, span, format, previous };
  return html`<figure class="chart" aria-label=${label}>
    ${legend && html`<${Legend} ...${texts} cursor=${cursor} hidden=${hidden} onHide=${setHidden} idle=${given.idle ?? (series[0]?.stack ? 'sum' : 'last')}
      asTable=${asTable} onTable=${() => setAsTable(!asTable)} />`}
    ${asTable
      ? html`<${AsTable} label=${label} ...${texts} />`
      : html`<div class="chart-plot" style=${{ height: `${height}px` }}>
          <${Surface} box=${box} label=${label} ...${texts} cursor=${cursor} plot=${plot} />
          ${points.length === 0 && html`<p class="chart-empty soft">${t('empty')}</p>`}
        </div>`}
  </figure>`;
}

/** @param {Series} series @param {number} place @returns {Series & {color: string}} */
const coloured = (series, place) => ({ ...series, color: series.color ?? `var(--c${(place % 10) + 1})` });

/**
 * @typedef {object} Texts
 * @property {number[]} points
 * @property {(Series & {color: string})[]} series
 * @property {'hour' | 'day'} span
 * @property {(value: number | null | undefined) => string} format
 * @property {Values | null} previous
 */
/** @typedef {import('../vendor/signals.js').Signal<number | null>} Cursor */

/**
 * What the canvas lies on, steered by arrows; Shift marks a stretch and Enter zooms into it.
 * @param {Texts & {label: string, cursor: Cursor, box: {current: HTMLElement | null}, plot: {current: Plot | null}}} given
 */
function Surface({ label, points, series, span, format, cursor, box, plot }) {
  const from = useRef(/** @type {number | null} */ (null));
  const at = cursor.value;
  const last = points.length - 1;
  const told = () => series.map((one) => t('value', { label: one.label, value: (one.format ?? format)(one.values[at ?? last]) })).join(', ');
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const moves = { ArrowLeft: (at ?? last + 1) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: last };
    if (event.key in moves) {
      from.current = event.shiftKey ? from.current ?? at : null;
      plot.current?.point(moves[/** @type {keyof typeof moves} */ (event.key)]);
    } else if (event.key === 'Enter' && at !== null) {
      const start = from.current ?? at;
      plot.current?.zoom(Math.min(start, at), Math.max(start, at));
    } else if (event.key === 'Escape' && plot.current?.whole()) from.current = null;
    else if (event.key === 'Escape' && at !== null) plot.current?.point(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<div class="chart-surface" ref=${box} tabindex="0" role="slider" aria-label=${label} aria-valuemin="0" aria-valuemax=${Math.max(0, last)}
    aria-valuenow=${at ?? Math.max(0, last)} aria-valuetext=${`${when(points[at ?? last], span)} ${told()}`} onKeyDown=${onKey}
    onBlur=${() => plot.current?.point(null)}></div>`;
}

/**
 * @param {Texts & {cursor: Cursor, hidden: Set<string>, onHide: (hidden: Set<string>) => void, idle: 'sum' | 'last' | 'none',
 *   asTable: boolean, onTable: () => void}} given
 */
function Legend({ points, series, span, format, previous, cursor, hidden, onHide, idle, asTable, onTable }) {
  const at = asTable ? null : cursor.value;
  const value = (/** @type {Values} */ values, /** @type {Series['format']} */ own = format) => {
    if (at !== null) return own(values[at]);
    return idle === 'none' ? '' : own(idle === 'sum' ? sum(values) : values.findLast((one) => one != null) ?? null);
  };
  const toggle = (/** @type {string} */ label, /** @type {boolean} */ alone) => {
    const others = series.map((one) => one.label).filter((other) => other !== label);
    const next = new Set(alone ? others : hidden);
    if (!alone) next.has(label) ? next.delete(label) : next.add(label);
    onHide(next.size >= series.length || (alone && others.every((other) => hidden.has(other))) ? new Set() : next);
  };
  const title = at !== null ? when(points[at], span) : { sum: t('whole'), last: t('latest'), none: '' }[idle];
  return html`<figcaption class="chart-legend">
    <span class="chart-when">${title}</span>
    ${series.map(
      (one) => html`<button type="button" key=${one.label} class="chart-item" aria-pressed=${!hidden.has(one.label)} title=${t('toggle', { label: one.label })}
        translate=${one.data ? 'no' : undefined} onClick=${(/** @type {MouseEvent} */ event) => toggle(one.label, event.altKey)}>
        <span class="chart-swatch ${one.dash ? 'dash' : ''}" style=${{ color: one.color }}></span><span class="cut">${one.label}</span>
        <span class="chart-value">${value(one.values, one.format)}</span>
      </button>`,
    )}
    ${previous && html`<span class="chart-item"><span class="chart-swatch dash soft"></span>${t('before')}<span class="chart-value">${value(previous)}</span></span>`}
    <button type="button" class="chart-switch" aria-pressed=${asTable} onClick=${onTable}>${asTable ? t('chart') : t('table')}</button>
  </figcaption>`;
}

/** @param {Values} values */
const sum = (values) => values.reduce((/** @type {number} */ total, value) => total + (value ?? 0), 0);

/** The same values to read one by one, newest first. @param {Texts & {label: string}} given */
function AsTable({ label, points, series, span, format, previous }) {
  const rows = useMemo(() => points.map((at, index) => ({ at, index })).reverse(), [points]);
  const columns = useMemo(() => {
    const before = previous ? [{ label: t('before'), values: previous }] : [];
    const told = [...series, ...before].map((/** @type {Pick<Series, 'label' | 'values' | 'format'>} */ one, place) => ({
      id: `${place}`, label: one.label, align: /** @type {const} */ ('right'), width: 90, grow: 1, priority: /** @type {const} */ (2),
      render: (/** @type {{index: number}} */ row) => (one.format ?? format)(one.values[row.index]),
      value: (/** @type {{index: number}} */ row) => one.values[row.index],
    }));
    const time = { id: 'time', label: t('time'), width: 130, priority: /** @type {const} */ (1), render: (/** @type {{at: number}} */ row) => when(row.at, span) };
    return [time, ...told];
  }, [series, previous, span]);
  return html`<${Table} label=${label} id="chart" columns=${columns} rows=${rows} keyOf=${keyOf} rowHeight=${28} height=${320} />`;
}

/** @param {{at: number}} row */
const keyOf = (row) => String(row.at);
