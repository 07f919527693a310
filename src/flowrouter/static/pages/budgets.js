/**
 * Budgets: how those of keys and of the gateway stand in their present period, and changing them.
 */

import { useKeys } from '../core/keys.js';
import { useSoonAfter } from '../core/live.js';
import { useData } from '../core/resource.js';
import { href, setQuery } from '../core/router.js';
import { may, me } from '../core/session.js';
import { html, useMemo, useRef } from '../core/ui.js';
import { Code } from '../parts/bits.js';
import { Empty, Notice, Problem, Skeleton } from '../parts/feedback.js';
import { Button, TextInput } from '../parts/forms.js';
import { Grid, Page, Section } from '../parts/page.js';
import { t } from '../strings/budgets.js';
import { Card } from './budgets/card.js';
import { BudgetForm } from './budgets/form.js';
import { byNeed, refusedBy } from './budgets/words.js';

/** @typedef {import('./budgets/words.js').Budget} Budget */
/** @typedef {{gateway: Map<string, string>, key: Map<string, string>}} Managed By whom budgets are kept that cannot be changed here. */

const EVERY_MS = 15_000;
const SOON_MS = 1_500;
const REFUSED_MAX = 200;
const MANY = 8;
const CARD_WIDTH = 420;

/** @param {{route: import('../core/router.js').Route}} given */
export default function Budgets({ route }) {
  const { query } = route;
  const budgets = useData('/api/budgets', { limit: 200 }, { every: EVERY_MS });
  const keys = useData('/api/keys', { limit: 200 });
  const settings = useData(me.value?.owner_id === null ? '/api/settings' : null);
  const rows = useMemo(() => byNeed(budgets.data ?? []), [budgets.data]);
  const since = rows.length ? Math.min(...rows.map((row) => row.starts_at_ms)) : null;
  const refused = useData(since === null ? null : '/api/requests', { outcome: 'error', since, limit: REFUSED_MAX }, { every: EVERY_MS });
  useSoonAfter(() => Promise.all([budgets.reload(), refused.reload()]), SOON_MS);
  const managed = useMemo(() => managedBy(settings.data, keys.data), [settings.data, keys.data]);
  const makes = may('operate');
  useKeys({ n: () => setQuery({ new: '1' }) }, { when: makes });
  const add = html`<${Button} tone="primary" icon="plus" disabled=${!makes} title=${makes ? undefined : t('operatorsOnly')} onClick=${() => setQuery({ new: '1' })}>${t('add')}<//>`;
  const lead = budgets.data ? leadOf(rows) : t('lead');
  const shown = { rows, refused: refused.data ?? [], managed, keys: keys.data ?? [], query };
  return html`<${Page} title=${t('title')} lead=${lead} actions=${rows.length > 0 && add}>
    ${budgets.error && !budgets.data && html`<${Problem} error=${budgets.error} retry=${budgets.reload} />`}
    ${!budgets.data && !budgets.error && html`<${Skeleton} lines=${6} height=${24} />`}
    ${budgets.data && rows.length === 0 && html`<${Nothing} add=${add} />`}
    ${rows.length > 0 && html`<${List} ...${shown} />`}
    ${budgets.next && html`<${Notice} text=${t('onlyFirst', { n: rows.length })}><${Code} text="flow-router usage budgets" /><//>`}
    ${budgets.data && keys.data && html`<${Opened} query=${query} rows=${rows} keys=${keys.data} />`}<//>`;
}

/** @param {Budget[]} rows */
function leadOf(rows) {
  const count = (/** @type {Budget['state']} */ state) => rows.filter((row) => row.state === state).length;
  const [over, near, of] = [count('used_up'), count('warning'), rows.length];
  if (of === 0) return t('lead');
  if (over > 0) return t('over', { n: over, of });
  return near > 0 ? t('near', { n: near, of }) : t('fine', { n: of });
}

/** @param {any} settings @param {any[] | undefined} keys @returns {Managed} */
function managedBy(settings, keys) {
  const gateway = (settings?.managed ?? []).filter((/** @type {any} */ { path }) => path[0] === 'budgets' && path[1]).map((/** @type {any} */ { path, file }) => [path[1], file]);
  const kept = (keys ?? []).filter((key) => key.managed_by === 'file' && key.managed_fields.some((/** @type {string} */ field) => field === '*' || field.startsWith('policy')));
  return { gateway: new Map(gateway), key: new Map(kept.map(({ id, managed_in: file }) => [id, file ?? ''])) };
}

/** @param {{rows: Budget[], refused: any[], managed: Managed, keys: any[], query: Record<string, string>}} given */
function List({ rows, refused, managed, keys, query }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useKeys({ '/': () => box.current?.querySelector('input')?.focus() });
  const words = (query['q'] ?? '').toLowerCase();
  const found = words ? rows.filter((row) => row.name.toLowerCase().includes(words)) : rows;
  const states = useMemo(() => new Map(keys.map(({ id, state }) => [id, state])), [keys]);
  const owners = new Set(rows.map((row) => row.owner_id)).size > 1;
  const card = (/** @type {Budget} */ row) => html`<${Card} key=${row.id} row=${row} refused=${refusedOf(row, refused)} showOwner=${owners && row.of === 'key'} keyState=${row.key_id ? (states.get(row.key_id) ?? null) : null}
    managed=${(row.key_id ? managed.key.get(row.key_id) : managed.gateway.get(row.name)) ?? null} />`;
  const part = (/** @type {'gateway' | 'key'} */ of, /** @type {string} */ title, /** @type {string} */ lead) => {
    const own = found.filter((row) => row.of === of);
    return own.length > 0 && html`<${Section} title=${title} lead=${lead}><${Grid} min=${CARD_WIDTH}>${own.map(card)}<//><//>`;
  };
  return html`${rows.length > MANY && html`<div class="budget-search" ref=${box}><${TextInput} type="search" value=${query['q'] ?? ''} placeholder=${t('search')} label=${t('search')} onChange=${(/** @type {string} */ q) => setQuery({ q })} /></div>`}
    ${found.length === 0 && html`<p class="soft">${t('noMatch')}</p>`}
    ${part('gateway', t('gateway'), t('gatewayLead'))}${part('key', t('keys'), t('keysLead'))}`;
}

/** @param {Budget} row @param {any[]} refused */
function refusedOf(row, refused) {
  const n = refused.filter((request) => refusedBy(request, row)).length;
  const oldest = refused.at(-1);
  return { n, more: n > 0 && refused.length >= REFUSED_MAX && oldest.ts_ms > row.starts_at_ms };
}

/** The form, where the address asks for it. @param {{query: Record<string, string>, rows: Budget[], keys: any[]}} given */
function Opened({ query, rows, keys }) {
  const row = query['edit'] ? rows.find(({ id }) => id === query['edit']) : null;
  const close = () => setQuery({ edit: null, new: null });
  if (query['edit'] && !row) return html`<${Notice} tone="warn" text=${t('gone')} />`;
  if ((!row && !query['new']) || !may('operate')) return null;
  const live = keys.filter(({ state, managed_by: by }) => (state === 'live' || state === 'disabled') && by !== 'file');
  const names = rows.filter(({ of }) => of === 'gateway').map(({ name }) => name);
  const whose = query['new'] && query['new'] !== '1' ? query['new'] : may('administer') ? 'gateway' : null;
  return html`<${BudgetForm} key=${query['edit'] ?? 'new'} row=${row ?? null} whose=${whose} keys=${live} names=${names} onClose=${close} />`;
}

/** @param {{add: any}} given */
function Nothing({ add }) {
  const action = html`${add}<${Button} href=${href('keys')}>${t('keyAction')}<//>`;
  return html`<${Empty} title=${t('emptyTitle')} text=${t('emptyText')} code=${'flow-router keys create ci --budget 5usd/day --hard'} action=${action} />`;
}
