/**
 * Who changed what: the audit log, filtered, each entry with what was and what became of it.
 */

import { get } from '../core/api.js';
import { moment } from '../core/format.js';
import { useData } from '../core/resource.js';
import { go, setQuery } from '../core/router.js';
import { html, useCallback, useEffect, useMemo, useState } from '../core/ui.js';
import { Chip, Time } from '../parts/bits.js';
import { Empty, Problem } from '../parts/feedback.js';
import { Filters, resolveTime } from '../parts/filters.js';
import { JsonTree } from '../parts/json.js';
import { Page } from '../parts/page.js';
import { Panel } from '../parts/panel.js';
import { Table } from '../parts/table.js';
import { tell } from '../core/toast.js';
import { t } from '../strings/audit.js';

const PAGE = 200;
const FIELDS = /** @type {const} */ (['actor', 'action', 'target', 'since', 'until']);

const COLUMNS = [
  { id: 'when', label: t('when'), width: 120, priority: 1, render: (/** @type {any} */ row) => html`<${Time} at=${row.ts_ms} />` },
  { id: 'who', label: t('who'), width: 160, priority: 1, render: (/** @type {any} */ row) => html`<span class="cut" translate="no">${row.actor}</span>` },
  { id: 'what', label: t('what'), width: 220, priority: 1, render: (/** @type {any} */ row) => html`<span class="cut" translate="no">${words(row.action)}</span>` },
  { id: 'target', label: t('target'), width: 260, priority: 2, render: (/** @type {any} */ row) => html`<code class="cut" translate="no">${row.target ?? '—'}</code>` },
  { id: 'outcome', label: t('outcome'), width: 110, priority: 1, render: (/** @type {any} */ row) => html`<${Outcome} status=${row.status} />` },
  { id: 'from', label: t('from'), width: 140, priority: 3, render: (/** @type {any} */ row) => html`<span class="soft cut" translate="no">${row.address ?? '—'}</span>` },
];

/** @param {{route: import('../core/router.js').Route}} given */
export default function Audit({ route }) {
  const values = Object.fromEntries(FIELDS.map((name) => [name, route.query[name] ?? '']));
  const filtered = FIELDS.some((name) => values[name]);
  const { rows, error, loading, more, fetchMore, retry } = useEntries(values);
  const fields = useMemo(() => /** @type {import('../parts/filters.js').Field[]} */ ([
    { id: 'actor', label: t('actor'), kind: 'text' },
    { id: 'action', label: t('action'), kind: 'text' },
    { id: 'target', label: t('target'), kind: 'text' },
    { id: 'time', label: t('when'), kind: 'time' },
  ]), []);
  const shown = rows.find(({ id }) => id === route.rest);
  const close = () => go('audit', values);
  return html`<${Page} title=${t('title')} lead=${t('lead')}>
    <${Filters} fields=${fields} values=${values} onChange=${setQuery} />
    ${error && html`<${Problem} error=${error} retry=${retry} />`}
    <${Table} id="audit" label=${t('title')} columns=${COLUMNS} rows=${rows} keyOf=${idOf} loading=${loading} more=${more} onMore=${fetchMore} primary
      onOpen=${(/** @type {any} */ row) => go(`audit/${row.id}`, values)} card=${card} tone=${tone}
      empty=${html`<${Empty} title=${t('emptyTitle')} text=${filtered ? t('noMatch') : t('emptyText')} />`} />
    ${shown && html`<${Entry} entry=${shown} onClose=${close} />`}<//>`;
}

/** The entries that `values` choose, as far as they were read. @param {Record<string, string>} values */
function useEntries(values) {
  const key = JSON.stringify(values);
  const which = useMemo(() => ({ ...values, since: resolveTime(values['since']), until: resolveTime(values['until']), limit: PAGE }), [key]);
  const first = useData('/api/audit', which);
  const [older, setOlder] = useState(/** @type {{rows: any[], next: string | null} | null} */ (null));
  useEffect(() => setOlder(null), [key]);
  const next = older ? older.next : first.next;
  const fetchMore = useCallback(async () => {
    if (!next) return;
    try {
      const { data, next: after } = await get('/api/audit', { ...which, cursor: next });
      setOlder((before) => ({ rows: [...(before?.rows ?? []), ...data], next: after }));
    } catch (error) {
      tell(error);
    }
  }, [key, next]);
  const rows = useMemo(() => [...(first.data ?? []), ...(older?.rows ?? [])], [first.data, older]);
  return { rows, error: first.error, loading: first.loading, more: next !== null, fetchMore, retry: first.reload };
}

/** @param {any} row @returns {string} */
const idOf = (row) => row.id;

/** @param {string} action */
const words = (action) => action.replaceAll('_', ' ');

/** @param {any} row */
const tone = (row) => (row.status >= 500 ? 'bad' : row.status >= 400 ? 'warn' : undefined);

/** @param {any} row */
function card(row) {
  return html`<span class="row apart"><span class="cut strong" translate="no">${words(row.action)}</span><span class="soft"><${Time} at=${row.ts_ms} /></span></span>
    <span class="row apart"><span class="cut soft" translate="no">${row.actor} ${row.target ?? ''}</span><${Outcome} status=${row.status} /></span>`;
}

/** @param {{status: number}} given */
function Outcome({ status }) {
  const [tone, text] = status >= 500 ? ['bad', t('failed')] : status >= 400 ? ['warn', t('refused')] : ['plain', t('done')];
  return html`<${Chip} tone=${tone} title=${String(status)}>${text}<//>`;
}

/** @param {{entry: any, onClose: () => void}} given */
function Entry({ entry, onClose }) {
  const facts = [
    [t('when'), moment(entry.ts_ms)],
    [t('who'), html`<span translate="no">${entry.actor}</span>`],
    [t('role'), html`<span translate="no">${entry.role}</span>`],
    [t('via'), html`<span translate="no">${entry.via}</span>`],
    [t('address'), html`<code translate="no">${entry.address ?? '—'}</code>`],
    [t('call'), html`<code translate="no">${entry.method} ${entry.path}</code>`],
    [t('status'), html`<${Outcome} status=${entry.status} /> <span class="numbers soft">${entry.status}</span>`],
    [t('request'), html`<code translate="no">${entry.request_id}</code>`],
  ];
  return html`<${Panel} title=${words(entry.action)} data onClose=${onClose} wide><dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
    <div class="audit-changes">${/** @type {const} */ (['before', 'after']).map((side) => html`<section class="column" key=${side}><h3>${t(side)}</h3>${
      entry[side] === null ? html`<p class="soft">${t('nothing')}</p>` : html`<${JsonTree} value=${entry[side]} open=${3} />`}</section>`)}</div><//>`;
}
