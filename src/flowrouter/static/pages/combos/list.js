/**
 * All combos: how each chooses, in one line, and who is in it.
 */

import { useKeys, useLegend } from '../../core/keys.js';
import { useWhole } from '../../core/whole.js';
import { go, href, setQuery } from '../../core/router.js';
import { may } from '../../core/session.js';
import { html, useMemo, useRef } from '../../core/ui.js';
import { Chip } from '../../parts/bits.js';
import { Empty, Problem } from '../../parts/feedback.js';
import { Button } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Page } from '../../parts/page.js';
import { Search } from '../../parts/search.js';
import { Table } from '../../parts/table.js';
import { t } from '../../strings/combos.js';
import { isOpen } from './words.js';

const COLUMNS = [
  { id: 'name', label: t('name'), width: 190, priority: 1, value: (/** @type {any} */ row) => row.name, render: (/** @type {any} */ row) => html`<span class="cut strong" translate="no">${row.name}</span>` },
  { id: 'chooses', label: t('chooses'), width: 310, priority: 2, value: (/** @type {any} */ row) => row.strategy, render: (/** @type {any} */ row) => html`<${Chooses} row=${row} />` },
  { id: 'members', label: t('members'), width: 360, priority: 1, value: (/** @type {any} */ row) => row.members.length, render: (/** @type {any} */ row) => html`<${Chain} row=${row} />` },
  { id: 'state', label: t('state'), width: 150, priority: 2, render: (/** @type {any} */ row) => html`<${State} row=${row} />` },
];
const EXAMPLE = 'flow-router combos add team gpt-5.4 claude-sonnet-4-5';

/** @param {{query: Record<string, string>}} given */
export function List({ query }) {
  const { rows, loading, error, reload } = useWhole('/api/combos');
  const field = useRef(/** @type {any} */ (null));
  const words = query['q'] ?? '';
  const found = useMemo(() => (rows ?? []).filter((row) => holds(row, words)), [rows, words]);
  const operate = may('operate');
  useKeys({ '/': () => field.current?.focus() });
  useKeys({ n: () => go('combos/new') }, { when: operate });
  useLegend(operate ? [{ keys: 'n', text: t('keysNew') }] : []);
  const add = html`<${Button} tone="primary" icon="plus" href=${href('combos/new')}>${t('add')}<//>`;
  const nothing = rows?.length === 0;
  return html`<${Page} title=${t('title')} lead=${t('lead')} actions=${operate && !nothing && add}>
    ${error && html`<${Problem} error=${error} retry=${reload} />`}
    ${nothing ? html`<${Empty} title=${t('emptyTitle')} text=${operate ? t('emptyText') : t('viewerOnly')} code=${operate ? EXAMPLE : undefined} action=${operate && add} />`
      : !(error && !rows) && html`${(rows?.length ?? 0) > 5 && html`<${Search} field=${field} label=${t('search')} value=${words} onChange=${(/** @type {string} */ q) => setQuery({ q })} />`}
        <${Table} id="combos" label=${t('title')} columns=${COLUMNS} rows=${found} keyOf=${idOf} rowHeight=${52} cardHeight=${84} loading=${loading} primary card=${card} tone=${tone}
          onOpen=${(/** @type {any} */ row) => go(`combos/${encodeURIComponent(row.id)}`)} hrefOf=${(/** @type {any} */ row) => href(`combos/${encodeURIComponent(row.id)}`)} empty=${html`<p class="soft">${t('noMatch')}</p>`} />`}<//>`;
}

/** @param {any} row @returns {string} */
const idOf = (row) => row.id;

/** @param {any} row */
const tone = (row) => (row.hidden ? 'soft' : row.warnings.length ? 'warn' : undefined);

/** @param {any} row @param {string} words */
const holds = (row, words) => `${row.name} ${row.members.map((/** @type {any} */ { model }) => model).join(' ')}`.toLowerCase().includes(words.toLowerCase());

/** @param {{row: any}} given */
function Chooses({ row }) {
  return html`<span class="column combo-cell"><span class="cut">${t(row.strategy)}</span><span class="soft cut">${t(/** @type {any} */ (`${row.strategy}Line`))}</span></span>`;
}

/** @param {{row: any}} given */
function Chain({ row }) {
  const separator = row.strategy === 'priority' ? html`<${Icon} name="right" size=${10} />` : '·';
  return html`<span class="combo-chain">${row.members.map((/** @type {any} */ one, /** @type {number} */ index) => html`${index > 0 && html`<span class="soft" aria-hidden="true">${separator}</span>`}<span class="combo-link ${isOpen(one.when) ? '' : 'some'}"
    translate="no">${one.model}${one.weight > 1 && html`<span class="soft"> ×${one.weight}</span>`}</span>`)}</span>`;
}

/** @param {{row: any}} given */
function State({ row }) {
  if (row.hidden) return html`<${Chip} title=${t('hiddenText')}>${t('hiddenByFile')}<//>`;
  return html`<span class="row">${row.warnings.length > 0 && html`<span title=${row.warnings.join('\n')} translate="no"><${Chip} tone="warn">${t('problems', { n: row.warnings.length })}<//></span>`}
    ${row.read_only ? html`<${Chip} title=${t('fromFile')}><${Icon} name="audit" size=${11} />${t('fromFile')}<//>` : row.managed_by === 'file' ? html`<${Chip}>${t('applied')}<//>` : !row.warnings.length && html`<span class="soft">${t('fine')}</span>`}</span>`;
}

/** @param {any} row */
function card(row) {
  return html`<span class="row apart"><span class="cut strong" translate="no">${row.name}</span><span class="soft small">${t(row.strategy)}</span></span><${Chain} row=${row} /><span class="small"><${State} row=${row} /></span>`;
}
