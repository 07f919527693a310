/**
 * All sessions, the one used last on top.
 */

import { compact, count, duration, money, percent } from '../../core/format.js';
import { useSoonAfter } from '../../core/live.js';
import { useData } from '../../core/resource.js';
import { go, href, setQuery } from '../../core/router.js';
import { readOf, writtenOf } from '../../core/tokens.js';
import { html, useMemo } from '../../core/ui.js';
import { Time } from '../../parts/bits.js';
import { Empty, Problem } from '../../parts/feedback.js';
import { Filters } from '../../parts/filters.js';
import { Button } from '../../parts/forms.js';
import { Page } from '../../parts/page.js';
import { Table } from '../../parts/table.js';
import { t } from '../../strings/sessions.js';
import { programOf, shortOf, useNames } from '../requests/names.js';
import { asked } from '../requests/rows.js';
import { usePages } from './pages.js';

/** @typedef {Record<string, any>} Session */

const BREATH_MS = 2_000;
const keyOf = (/** @type {Session} */ row) => row['session_id'];
const linkTo = (/** @type {Session} */ row) => href(`sessions/${encodeURIComponent(row['session_id'])}`);

/** A share as a short bar with its figure. @param {{share: number | null}} given */
export function Share({ share }) {
  if (share === null) return html`<span class="soft">—</span>`;
  return html`<span class="share"><span class="share-bar" aria-hidden="true"><span style=${{ width: `${share * 100}%` }}></span></span><span class="numbers">${percent(Math.round(share * 100) / 100)}</span></span>`;
}

/** @param {{row: Session}} given */
function Cost({ row }) {
  const unknown = row['charge_unknown'];
  return html`<span class="numbers" title=${unknown ? t('unknownPart', { n: unknown }) : undefined}>${unknown ? '≥ ' : ''}${money(row['charge_pusd'])}</span>`;
}

/** @type {import('../../parts/table-columns.js').Column<Session>[]} */
const COLUMNS = [
  { id: 'last', label: t('last'), width: 96, priority: 1, render: (row) => html`<${Time} at=${row['last_ms']} />` },
  { id: 'session', label: t('session'), width: 120, grow: 1, priority: 1, render: (row) => html`<span class="mono cut" title=${row['session_id']} translate="no">${shortOf(row['session_id'])}</span>` },
  { id: 'client', label: t('client'), width: 120, grow: 1, priority: 2, render: (row) => html`<span class="cut" title=${row['client'] ?? undefined} translate="no">${programOf(row['client']) || '—'}</span>` },
  { id: 'models', label: t('models'), width: 150, grow: 2, priority: 3, render: (row) => html`<span class="cut" title=${row['models'].join(', ')} translate="no">${row['models'].join(', ') || '—'}</span>` },
  { id: 'requests', label: t('requests'), width: 92, align: 'right', priority: 2, render: (row) => html`<span title=${row['truncated'] ? t('truncated') : undefined}>${row['truncated'] ? '≥ ' : ''}${count(row['requests'])}</span>` },
  { id: 'errors', label: t('errors'), width: 66, align: 'right', priority: 4, render: (row) => (row['errors'] ? html`<span class="bad">${count(row['errors'])}</span>` : html`<span class="soft">0</span>`) },
  { id: 'lasted', label: t('lasted'), width: 86, align: 'right', priority: 4, render: (row) => duration(row['last_ms'] - row['first_ms']) },
  { id: 'context', label: t('context'), hint: t('contextHint'), width: 80, align: 'right', priority: 3, render: (row) => compact(readOf(row)) },
  { id: 'output', label: t('output'), width: 76, align: 'right', priority: 4, render: (row) => compact(writtenOf(row)) },
  { id: 'cached', label: t('cached'), hint: t('cachedHint'), width: 118, align: 'right', priority: 2, render: (row) => html`<${Share} share=${row['cached_share']} />` },
  { id: 'cost', label: t('cost'), width: 88, align: 'right', priority: 1, render: (row) => html`<${Cost} row=${row} />` },
];

/** @param {Session} row */
const card = (row) => html`<div class="row apart"><span class="cut strong" translate="no">${programOf(row['client']) || shortOf(row['session_id'])}</span><${Cost} row=${row} /></div>
  <div class="row apart soft small"><span class="row cut"><${Time} at=${row['last_ms']} /><span>${t('requestCount', { n: row['requests'] })}</span>${row['errors'] > 0 && html`<span class="bad">${t('failedCount', { n: row['errors'] })}</span>`}</span><${Share} share=${row['cached_share']} /></div>`;

/** @param {any[]} batch */
const ofSessions = (batch) => batch.some((row) => row['session_id']);

/** @param {{query: Record<string, string>}} given */
export function SessionList({ query }) {
  const names = useNames();
  const fields = useFields(names);
  const filters = useMemo(() => asked(query), [JSON.stringify(query)]);
  const { rows, next, loading, error, onMore, refresh } = usePages('/api/usage/sessions', filters, keyOf);
  useSoonAfter(refresh, BREATH_MS, ofSessions);
  const known = [...fields.map(({ id }) => id), 'since', 'until'];
  const filtered = known.some((name) => query[name]);
  const clear = () => setQuery(Object.fromEntries(known.map((name) => [name, null])));
  const code = `curl ${location.origin}/v1/chat/completions \\\n  -H "authorization: Bearer $FLOW_ROUTER_KEY" -H 'content-type: application/json' \\\n  -H 'session-id: my-run-1' \\\n  -d '{"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}'`;
  const empty = html`<${Empty} title=${t('none')} text=${t('noneText')} action=${html`<${Button} onClick=${clear}>${t('clear')}<//>`} />`;
  if (!filtered && !loading && !error && rows.length === 0) return html`<${Page} title=${t('title')} lead=${t('lead')}><${Empty} title=${t('empty')} text=${t('emptyText')} code=${code} /><//>`;
  return html`<${Page} title=${t('title')} lead=${t('lead')}><${Filters} fields=${fields} values=${query} onChange=${setQuery} />
    ${error && html`<${Problem} error=${error} retry=${refresh} />`}
    <${Table} id="sessions" label=${t('list')} columns=${COLUMNS} rows=${rows} keyOf=${keyOf} onOpen=${(/** @type {Session} */ row) => go(`sessions/${encodeURIComponent(row['session_id'])}`)} hrefOf=${linkTo}
      onMore=${onMore} more=${next !== null} loading=${loading} empty=${error ? null : empty} card=${card} primary /><//>`;
}

/** @param {import('../requests/names.js').Names} names */
function useFields(names) {
  const models = useData('/api/usage', { group_by: 'model', since: useMemo(() => new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10), []) });
  return useMemo(() => {
    const named = (/** @type {Record<string, string>} */ of) => Object.entries(of).map(([value, label]) => ({ value, label, data: true }));
    return /** @type {import('../../parts/filters.js').Field[]} */ ([
      { id: 'model', label: t('model'), kind: 'choice', choices: (models.data ?? []).filter((/** @type {any} */ row) => row.group).map((/** @type {any} */ row) => ({ value: row.group, label: row.group, data: true })) },
      { id: 'account', label: t('account'), kind: 'choice', choices: named(names.accounts) },
      { id: 'key', label: t('key'), kind: 'choice', choices: named(names.keys) },
      { id: 'time', label: t('time'), kind: 'time' },
    ]);
  }, [models.data, names]);
}
