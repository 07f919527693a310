/**
 * Usage: what was spent, asked and waited for, over time and by whom; any view of it is a link.
 */

import { useKeys, useLegend } from '../core/keys.js';
import { useData } from '../core/resource.js';
import { href, setQuery } from '../core/router.js';
import { html, useMemo, useRef } from '../core/ui.js';
import { Empty, Notice, Problem, Skeleton } from '../parts/feedback.js';
import { Filters } from '../parts/filters.js';
import { Button } from '../parts/forms.js';
import { Page } from '../parts/page.js';
import { t } from '../strings/usage.js';
import { useFields } from './requests/fields.js';
import { useNames } from './requests/names.js';
import { Charts, MainChart } from './usage/charts.js';
import { chooseRange, Controls, Exports } from './usage/controls.js';
import { Figures } from './usage/figures.js';
import { Sums } from './usage/sums.js';
import { FILTERS, periodText, RANGES, viewOf } from './usage/view.js';

/** @typedef {import('./usage/view.js').View} View */

const EVERY_MS = 30_000;
const TOP = 8;

/** @param {{route: import('../core/router.js').Route}} given */
export default function Usage({ route }) {
  const { query } = route;
  const view = viewOf(query);
  const read = useReads(view);
  const names = useNames();
  const all = useFields(names);
  const fields = useMemo(() => all.filter(({ id }) => FILTERS.includes(id)), [all]);
  useKeys({ ...Object.fromEntries(RANGES.map((range, place) => [String(place + 1), () => chooseRange(range)])), c: () => setQuery({ compare: view.compare ? 'off' : null }) });
  useKeys({ Escape: () => chooseRange(view.range) }, { when: view.own });
  useLegend([{ keys: '1 2 3 4 5', text: t('keysRange') }, { keys: 'c', text: t('compare') }, { keys: 'Esc', text: t('keysBack') }]);
  const lead = view.compare ? t('leadCompared', { period: periodText(view) }) : periodText(view);
  return html`<${Page} title=${t('title')} lead=${lead} actions=${html`<${Exports} view=${view} series=${read.series.data} />`}>
    <${Controls} view=${view} query=${query} />
    <${Filters} fields=${fields} values=${view.filters} onChange=${setQuery} />
    <${Shown} view=${view} query=${query} read=${read} /><//>`;
}

/** @param {View} view */
function useReads(view) {
  const options = { every: view.until === null ? EVERY_MS : 0 };
  const split = { ...view.chart, split: view.split, top: TOP };
  const summary = useKept(useData('/api/usage/summary', view.stretch, options));
  const series = useKept(useData('/api/usage/series', split, options), `${view.split} ${view.span}`);
  const outcomes = useKept(useData('/api/usage/series', { ...view.chart, split: 'outcome', top: TOP }, options), view.span);
  const latency = useKept(useData('/api/usage/latency', view.chart, options), view.span);
  const before = useKept(useData(view.compare ? '/api/usage/series' : null, { ...view.before, split: 'none' }));
  const group = view.split === 'none' ? view.span : view.split;
  const sums = useKept(useData('/api/usage', { ...view.stretch, group_by: group, utc_offset_minutes: view.chart['utc_offset_minutes'] ?? 0 }, options), group);
  return { summary, series, outcomes, latency, before, sums };
}

/** @typedef {ReturnType<typeof useReads>} Reads */

/**
 * What was read stays on show, as stale, while another stretch is read; what has another `form` does not.
 * @template {{data: any, error: any, reload: () => any}} T @param {T} state @param {string} [form]
 * @returns {T & {stale: boolean}}
 */
function useKept(state, form = '') {
  const kept = useRef(/** @type {{data: any, form: string} | null} */ (null));
  if (state.data !== undefined) kept.current = { data: state.data, form };
  const old = state.data === undefined && state.error === null && kept.current?.form === form ? kept.current.data : undefined;
  return { ...state, data: state.data ?? old, stale: old !== undefined };
}

/** @param {{view: View, query: Record<string, string>, read: Reads}} given */
function Shown({ view, query, read }) {
  const { summary, series, outcomes, latency, before, sums } = read;
  const now = summary.data?.now;
  if (summary.error && !summary.data) return html`<${Problem} error=${summary.error} retry=${summary.reload} />`;
  if (now && now.requests === 0 && !summary.stale) return html`<${Nothing} view=${view} />`;
  return html`<${Figures} summary=${summary.data} view=${view} />
    ${now?.charge_unknown > 0 && html`<${Unpriced} view=${view} n=${now.charge_unknown} />`}
    <${MainChart} view=${view} series=${series} before=${before} />
    <${Charts} view=${view} series=${series} outcomes=${outcomes} latency=${latency} before=${before} total=${now?.requests} />
    ${sums.error && !sums.data ? html`<${Problem} error=${sums.error} retry=${sums.reload} />` : html`<${Sums} view=${view} query=${query} sums=${sums.data} series=${series.data} loading=${!sums.data} />`}`;
}

const NAMED = 3;

/** Which models nobody knows the price of. @param {{view: View, n: number}} given */
function Unpriced({ view, n }) {
  const { data } = useData('/api/usage', { ...view.stretch, group_by: 'model' });
  const models = (data ?? []).filter((/** @type {any} */ line) => line.charge_unknown > 0 && line.group !== null);
  models.sort((/** @type {any} */ one, /** @type {any} */ other) => other.charge_unknown - one.charge_unknown);
  const shown = models.slice(0, NAMED).map((/** @type {any} */ line, /** @type {number} */ place) => html`${place > 0 && ', '}<code translate="no" class="wrap">${line.group}</code>`);
  const more = models.length > NAMED && html`, ${t('unpricedMore', { n: models.length - NAMED })}`;
  const link = href('models', models.length === 1 ? { q: models[0].group } : {});
  return html`<${Notice} tone="warn" title=${t('unpricedTitle', { n })} action=${html`<${Button} href=${link}>${t('setPrices')}<//>`}>
    <p class="small" data-text>${models.length > 0 && t.rich('unpricedText', { models: html`<span>${shown}${more}</span>` })}</p><//>`;
}

/** Why there is nothing to draw, and what would change that. @param {{view: View}} given */
function Nothing({ view }) {
  const log = useData('/api/requests', { limit: 1 });
  const filtered = Object.keys(view.filters).length > 0;
  if (!log.data) return html`<${Skeleton} lines=${4} height=${20} />`;
  if (log.data.length > 0) {
    const clear = () => setQuery(Object.fromEntries(FILTERS.map((name) => [name, null])));
    const actions = html`${filtered && html`<${Button} onClick=${clear}>${t('clear')}<//>`}${(view.own || view.range !== '12m') && html`<${Button} onClick=${() => chooseRange('12m')}>${t('longer')}<//>`}`;
    return html`<${Empty} title=${t('nothingTitle')} text=${t(filtered ? 'nothingFiltered' : 'nothingText')} action=${actions} />`;
  }
  const code = `curl ${location.origin}/v1/chat/completions \\\n  -H "authorization: Bearer $FLOW_ROUTER_KEY" -H 'content-type: application/json' \\\n  -d '{"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}'`;
  return html`<${Empty} title=${t('emptyTitle')} text=${t('emptyText')} code=${code} action=${html`<${Button} href=${href('setup')}>${t('emptyAction')}<//>`} />`;
}
