/**
 * The list of names: searched and narrowed on the spot, some hidden or put together in one go.
 */

import { useKeys, useLegend } from '../../core/keys.js';
import { useWhole } from '../../core/whole.js';
import { go, href, setQuery } from '../../core/router.js';
import { may } from '../../core/session.js';
import { html, useEffect, useMemo, useRef, useState } from '../../core/ui.js';
import { Empty, Problem } from '../../parts/feedback.js';
import { Button, Select } from '../../parts/forms.js';
import { Page } from '../../parts/page.js';
import { Search } from '../../parts/search.js';
import { Table } from '../../parts/table.js';
import { t } from '../../strings/models.js';
import { hide } from './acts.js';
import { COLUMNS, card } from './columns.js';
import { ABILITIES } from './facts.js';

/** @typedef {import('./facts.js').Row} Row */

const SHOWS = /** @type {const} */ (['all', 'model', 'alias', 'combo', 'unpriced', 'hidden']);

/** @param {{query: Record<string, string>}} given */
export function List({ query }) {
  const show = query['show'] ?? '';
  const { rows, loading, error, reload } = useWhole('/api/models', show === 'hidden' ? { hidden: true } : {});
  const aliases = useWhole(show === 'hidden' ? null : '/api/aliases');
  const all = useMemo(() => withAliases(rows, aliases.rows ?? []), [rows, aliases.rows]);
  const found = useMemo(() => all.filter((row) => holds(row, query)), [all, query['q'], query['account'], query['can'], show]);
  const [selected, select] = useState(/** @type {Set<string>} */ (new Set()));
  const field = useRef(/** @type {any} */ (null));
  const operate = may('operate');
  useEffect(() => select(new Set()), [show]);
  useKeys({ '/': () => field.current?.focus() });
  const make = () => go('models', { ...query, new: 'alias' });
  useKeys({ n: make }, { when: operate });
  useLegend(operate ? [{ keys: 'n', text: t('keysAlias') }] : []);
  const filtered = ['q', 'account', 'can', 'show'].some((name) => query[name]);
  const nothing = rows?.length === 0 && all.length === 0 && !filtered && !loading;
  const actions = operate && !nothing && html`<${Button} icon="plus" onClick=${make}>${t('newAlias')}<//>`;
  const empty = show === 'hidden' && !query['q'] ? t('noHidden') : show === 'alias' && !query['q'] ? t('noAlias') : t('noMatch');
  return html`<${Page} title=${t('title')} lead=${t('lead')} actions=${actions}>
    ${error && html`<${Problem} error=${error} retry=${reload} />`}
    ${nothing ? html`<${Empty} title=${t('emptyTitle')} text=${t('emptyText')} action=${operate && html`<${Button} tone="primary" icon="plus" href=${href('providers', { panel: 'add' })}>${t('addProvider')}<//>`} />`
      : !(error && !rows) && html`<div class="column gap2"><${Bar} query=${query} rows=${all} found=${found.length} loading=${loading} field=${field} />
        ${selected.size > 0 && html`<${Chosen} rows=${all.filter(({ id }) => selected.has(id))} hidden=${show === 'hidden'} onDone=${() => select(new Set())} />`}
        <${Table} id="models" label=${t('title')} columns=${COLUMNS} rows=${found} keyOf=${idOf} loading=${loading} primary card=${card} selected=${selected} onSelect=${operate ? select : undefined}
          onOpen=${(/** @type {Row} */ row) => go(placeOf(row), query)} hrefOf=${(/** @type {Row} */ row) => href(placeOf(row))} tone=${tone} empty=${html`<p class="soft">${empty}</p>`} /></div>`}<//>`;
}

/** @param {Row} row @returns {string} */
const idOf = (row) => row['id'];

/** @param {Row} row */
const placeOf = (row) => (row['kind'] === 'combo' ? `combos/${encodeURIComponent(row['id'])}` : `models/${encodeURIComponent(row['id'])}`);

/** @param {Row} row */
const tone = (row) => (row['warnings']?.length ? 'warn' : undefined);

/** The list with the aliases that lead nowhere yet, and what each alias stands for. @param {Row[] | undefined} rows @param {any[]} aliases @returns {Row[]} */
function withAliases(rows, aliases) {
  if (!rows) return [];
  const known = new Map(aliases.filter(({ hidden }) => !hidden).map((alias) => [alias.id, alias]));
  const there = new Set(rows.map(({ id }) => id));
  const lost = aliases.filter(({ id, hidden }) => !hidden && !there.has(id));
  const made = lost.map((alias) => ({ id: alias.id, kind: 'alias', display_name: alias.id, owned_by: 'alias', accounts: [], aliases: [], combos: [], generates: true, price: null, models: alias.models, warnings: alias.warnings }));
  return [...rows.map((row) => (row['kind'] === 'alias' && known.has(row['id']) ? { ...row, models: known.get(row['id']).models, warnings: known.get(row['id']).warnings } : row)), ...made];
}

/** @param {Row} row @param {Record<string, string>} query */
function holds(row, { q = '', account, can, show }) {
  if (show === 'unpriced' ? row['kind'] !== 'model' || row['price'] : show && show !== 'hidden' && show !== 'all' && row['kind'] !== show) return false;
  if (account && !row['accounts'].includes(account)) return false;
  if (can && !(can === 'embeddings' ? !row['generates'] : row[can])) return false;
  const text = `${row['id']} ${row['accounts'].join(' ')} ${row['aliases'].join(' ')} ${(row['models'] ?? []).join(' ')}`.toLowerCase();
  return q.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** @param {{query: Record<string, string>, rows: Row[], found: number, loading: boolean, field: any}} given */
function Bar({ query, rows, found, loading, field }) {
  const accounts = useMemo(() => [...new Set(rows.flatMap((row) => row['accounts']))].sort(), [rows]);
  const named = query['account'] && !accounts.includes(query['account']) ? [query['account'], ...accounts] : accounts;
  const abilities = [{ value: '', label: t('anyAbility') }, ...[...ABILITIES, /** @type {const} */ ('embeddings')].map((value) => ({ value, label: t(`can_${value}`) }))];
  const shows = SHOWS.map((value) => ({ value: value === 'all' ? '' : value, label: t(`show_${value}`) }));
  return html`<div class="row wraps model-bar"><${Search} field=${field} label=${t('search')} value=${query['q'] ?? ''} onChange=${(/** @type {string} */ q) => setQuery({ q })} />
    <${Select} label=${t('show')} value=${query['show'] ?? ''} choices=${shows} onChange=${(/** @type {string} */ show) => setQuery({ show })} />
    <${Select} label=${t('account')} value=${query['account'] ?? ''} choices=${[{ value: '', label: t('anyAccount') }, ...named]} onChange=${(/** @type {string} */ account) => setQuery({ account })} />
    <${Select} label=${t('ability')} value=${query['can'] ?? ''} choices=${abilities} onChange=${(/** @type {string} */ can) => setQuery({ can })} />
    <span class="soft small numbers" role="status">${rows.length > 0 && t('shown', { n: found, of: rows.length })}${loading && rows.length > 0 ? ` · ${t('reading')}` : ''}</span></div>`;
}

/** What can be done with those that are selected. @param {{rows: Row[], hidden: boolean, onDone: () => void}} given */
function Chosen({ rows, hidden, onDone }) {
  const models = rows.filter(({ kind }) => kind === 'model').map(idOf);
  const act = async () => {
    onDone();
    await hide(models, !hidden);
  };
  return html`<div class="row wraps model-chosen" role="toolbar" aria-label=${t('selected', { n: rows.length })}><span class="strong">${t('selected', { n: rows.length })}</span>
    ${models.length > 0 && html`<${Button} icon=${hidden ? 'show' : 'hide'} onClick=${act}>${t(hidden ? 'showSelected' : 'hideSelected')}<//>`}
    ${!hidden && html`<${Button} icon="combos" href=${href('combos/new', { members: rows.map(idOf).join(',') })}>${t('makeCombo')}<//>`}
    <${Button} tone="quiet" onClick=${onDone}>${t('clear')}<//></div>`;
}
