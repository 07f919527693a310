/**
 * The charts, all with one crosshair: what was chosen by group, tokens by kind, requests by outcome, and how long
 * answers took.
 */

import { compact, count, millis, money } from '../../core/format.js';
import { setQuery } from '../../core/router.js';
import { TOKENS } from '../../core/tokens.js';
import { html, useMemo } from '../../core/ui.js';
import { Chart } from '../../parts/chart.js';
import { Problem, Skeleton } from '../../parts/feedback.js';
import { Section } from '../../parts/page.js';
import { Tabs } from '../../parts/panel.js';
import { t } from '../../strings/usage.js';
import { calledOf, coloursOf, OUTCOME_ORDER, summed, valuesOf } from './groups.js';
import { MEASURES, onCalendar, periodText } from './view.js';

/** @typedef {import('./view.js').View} View */
/** @typedef {{data: any, stale: boolean, error: any, reload: () => any}} Read */

const SYNC = 'usage';
const TALL = 260;
const LOW = 180;
const FEW = 14;
const FORMATS = { spend: money, tokens: compact, requests: count, errors: count };
const KIND_COLOURS = { input_tokens: 'var(--c1)', cache_write_tokens: 'var(--c10)', cache_read_tokens: 'var(--c3)', output_tokens: 'var(--c2)', reasoning_tokens: 'var(--c4)' };
const PERCENTILES = /** @type {const} */ ([['p50', 'var(--c3)'], ['p95', 'var(--c1)'], ['p99', 'var(--c5)']]);

/** Zoom: the stretch brushed over becomes the page's own. @param {number} from @param {number} to */
const zoom = (from, to) => setQuery({ since: from, until: to < Date.now() ? to : null, span: null });

/** What all charts of a page are given. @param {any} data @param {View} view */
function frame(data, view) {
  const points = onCalendar(data.points, data.span, data.utc_offset_minutes ?? Number(view.chart['utc_offset_minutes']));
  return { points, span: data.span, kind: points.length <= FEW ? 'bars' : 'area', syncKey: SYNC, onZoom: zoom };
}

/**
 * The chart on top: one measure, a colour for each group.
 * @param {{view: View, series: Read, before: Read}} given
 */
export function MainChart({ view, series, before }) {
  const { data } = series;
  const drawn = useMemo(() => (data ? mainSeries(data, view) : []), [data, view.split, view.measure]);
  const base = useMemo(() => (data ? frame(data, view) : null), [data]);
  const previous = usePrevious(view, before, base, (lines) => summed(lines.map((line) => valuesOf(line, view.measure))));
  const names = { measure: t(view.measure), split: t(`split_${view.split}`).toLowerCase(), period: periodText(view) };
  const label = view.split === 'none' ? t('mainPlain', names) : t('mainLabel', names);
  return html`<${Section} card label=${label}><div class=${series.stale ? 'usage-main stale' : 'usage-main'}>
    <${Tabs} label=${t('measure')} active=${view.measure} tabs=${MEASURES.map((id) => ({ id, label: t(id) }))} onChange=${(/** @type {string} */ id) => setQuery({ show: id === 'spend' ? null : id })} />
    ${series.error && !data && html`<${Problem} error=${series.error} retry=${series.reload} />`}
    ${base ? html`<${Chart} label=${label} ...${base} series=${drawn} previous=${previous} height=${TALL} format=${FORMATS[view.measure]} />` : !series.error && html`<${Skeleton} lines=${1} height=${TALL + 26} />`}</div><//>`;
}

/** @param {any} data @param {View} view */
function mainSeries(data, { split, measure }) {
  const lines = (split === 'outcome' ? inOrder(data.series) : data.series).filter((/** @type {any} */ line) => valuesOf(line, measure).some((value) => value > 0));
  const colour = coloursOf(data.series, split);
  const named = unique(lines.map((/** @type {any} */ line) => calledOf(line, split)));
  const made = lines.map((/** @type {any} */ line, /** @type {number} */ place) => ({
    ...named[place], values: valuesOf(line, measure), color: split === 'none' && measure === 'errors' ? 'var(--bad)' : colour(line.group, line.rest), stack: true,
  }));
  return made.length ? made : [{ label: t('all'), values: data.points.map(() => 0), stack: true, color: 'var(--accent)' }];
}

/** Labels that differ, as a chart's must. @param {{text: string, data: boolean}[]} names */
function unique(names) {
  const seen = new Map();
  return names.map(({ text, data }) => {
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    return { label: times > 1 ? `${text} (${times})` : text, data };
  });
}

/** @param {any[]} lines @returns {any[]} */
const inOrder = (lines) => [...lines].sort((one, other) => OUTCOME_ORDER.indexOf(one.group) - OUTCOME_ORDER.indexOf(other.group));

/**
 * The values of the period before, where they fit under those of this one.
 * @param {View} view @param {Read} before @param {any} base @param {(lines: any[]) => number[]} of
 */
function usePrevious(view, before, base, of) {
  return useMemo(() => {
    if (!view.compare || before.stale || !before.data || !base) return null;
    const values = of(before.data.series);
    return values.some((value) => value > 0) ? values.slice(0, base.points.length) : null;
  }, [view.compare, view.measure, before.data, before.stale, base]);
}

/** @param {{view: View, series: Read, outcomes: Read, latency: Read, before: Read, total: number | undefined}} given */
export function Charts({ view, series, outcomes, latency, before, total }) {
  return html`<div class="usage-charts">
    <${Kinds} view=${view} series=${series} before=${before} />
    <${Outcomes} view=${view} outcomes=${outcomes} before=${before} />
    <${Latency} view=${view} latency=${latency} of="duration_ms" title=${t('latency')} total=${total} />
    <${Latency} view=${view} latency=${latency} of="ttft_ms" title=${t('ttft')} total=${total} /></div>`;
}

/** @param {{view: View, series: Read, before: Read}} given */
function Kinds({ view, series, before }) {
  const { data } = series;
  const base = useMemo(() => (data ? frame(data, view) : null), [data]);
  const drawn = useMemo(
    () => TOKENS.map((kind) => ({ label: t(kind), values: summed((data?.series ?? []).map((/** @type {any} */ line) => line[kind])), color: KIND_COLOURS[kind], stack: true })).filter(({ values }) => values.some((value) => value > 0)),
    [data],
  );
  const previous = usePrevious(view, before, base, (lines) => summed(lines.map((line) => valuesOf(line, 'tokens'))));
  return html`<${Small} title=${t('byKind')} read=${series} view=${view} base=${base} drawn=${drawn} previous=${previous} format=${compact} />`;
}

/** @param {{view: View, outcomes: Read, before: Read}} given */
function Outcomes({ view, outcomes, before }) {
  const { data } = outcomes;
  const base = useMemo(() => (data ? frame(data, view) : null), [data]);
  const drawn = useMemo(() => {
    const colour = coloursOf(data?.series ?? [], 'outcome');
    return inOrder(data?.series ?? []).map((line) => ({ label: calledOf(line, 'outcome').text, values: line.requests, color: colour(line.group), stack: true }));
  }, [data]);
  const previous = usePrevious(view, before, base, (lines) => summed(lines.map((line) => line.requests)));
  return html`<${Small} title=${t('outcomes')} read=${outcomes} view=${view} base=${base} drawn=${drawn} previous=${previous} format=${count} />`;
}

/** @param {{view: View, latency: Read, of: 'duration_ms' | 'ttft_ms', title: string, total: number | undefined}} given */
function Latency({ view, latency, of, title, total }) {
  const { data } = latency;
  const estimated = data !== undefined && total !== undefined && data.sampled < total;
  const base = useMemo(() => (data ? { ...frame(data, view), kind: 'area' } : null), [data]);
  const drawn = useMemo(() => {
    const format = (/** @type {number | null | undefined} */ value) => (estimated && value != null ? t('estimate', { value: millis(value) }) : millis(value));
    return data ? PERCENTILES.map(([id, color]) => ({ label: t(id), values: data[of][id], color, format })) : [];
  }, [data, of, estimated]);
  const lead = data && data.sampled > 0 ? (estimated ? t('sampled', { n: count(data.sampled), of: count(total) }) : t('sampledAll', { n: count(data.sampled) })) : '';
  return html`<${Small} title=${title} lead=${lead} read=${latency} view=${view} base=${base} drawn=${drawn} previous=${null} format=${millis} />`;
}

/**
 * @param {{title: string, lead?: string, read: Read, view: View, base: any, drawn: any[], previous: number[] | null,
 *   format: (value: number | null | undefined) => string}} given
 */
function Small({ title, lead, read, view, base, drawn, previous, format }) {
  const label = t('mainPlain', { measure: title, period: periodText(view) });
  const chart = base && html`<${Chart} label=${label} ...${base} series=${drawn} previous=${previous} height=${LOW} format=${format} />`;
  return html`<${Section} card title=${title} lead=${lead} label=${title}><div class=${read.stale ? 'stale' : ''}>
    ${chart || (read.error ? html`<${Problem} error=${read.error} retry=${read.reload} />` : html`<${Skeleton} lines=${1} height=${LOW + 26} />`)}</div><//>`;
}
