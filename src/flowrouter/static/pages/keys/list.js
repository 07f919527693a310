/**
 * All keys: what each may do, what it did, and whether it works.
 */

import { compact } from '../../core/format.js';
import { useKeys, useLegend } from '../../core/keys.js';
import { go, href, setQuery } from '../../core/router.js';
import { may } from '../../core/session.js';
import { html, useMemo, useRef, useState } from '../../core/ui.js';
import { Chip, Money, Time } from '../../parts/bits.js';
import { Empty, Problem } from '../../parts/feedback.js';
import { Button, TextInput } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Page } from '../../parts/page.js';
import { Table } from '../../parts/table.js';
import { t } from '../../strings/keys.js';
import { enable } from './data.js';
import { Chips, Ends, State, Tightest, boundsOf, limitsOf } from './words.js';

/** @typedef {import('./data.js').Key} Key */

const VIEWS = /** @type {const} */ (['', 'live', 'off', 'revoked']);
const NAMES = { '': 'some', live: 'live', off: 'off', revoked: 'revoked' };

/** @param {Key} key @param {string} view */
function ofView(key, view) {
  if (view === 'live' || view === 'revoked') return key['state'] === view;
  return key['state'] !== 'revoked' && (view !== 'off' || key['state'] !== 'live');
}

/** @param {Key} key @param {string} words */
function fits(key, words) {
  const text = [key['name'], key['id'], key['shown'], key['owner_id'], ...(key['policy'].tags ?? []), ...boundsOf(key), key['managed_in'] ?? ''].join(' ').toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

const idOf = (/** @type {Key} */ key) => key['id'];
const open = (/** @type {Key} */ key) => go(`keys/${key['id']}`);
const linkTo = (/** @type {Key} */ key) => href(`keys/${key['id']}`);
const toneOf = (/** @type {Key} */ key) => (key['state'] === 'broken' ? 'bad' : key['state'] === 'live' ? undefined : 'soft');

/** @param {{keys: ReturnType<typeof import('./data.js').useKeyRows>, query: Record<string, string>, busy: boolean}} given `busy`: something is open over the list. */
export function List({ keys, query, busy }) {
  const [selected, setSelected] = useState(/** @type {Set<string>} */ (new Set()));
  const words = query['q'] ?? '';
  const view = query['state'] ?? '';
  const all = keys.rows ?? [];
  const shown = useMemo(() => all.filter((key) => ofView(key, view) && fits(key, words)), [keys.rows, words, view]);
  const columns = useMemo(() => columnsOf(all), [keys.rows]);
  const chosen = all.filter(({ id }) => selected.has(id));
  const flip = () => enable(chosen, chosen.every((key) => key['state'] === 'disabled'));
  useKeys({ n: () => setQuery({ panel: 'make' }) }, { when: may('operate') && !busy });
  useKeys({ d: () => void flip() }, { when: may('operate') && !busy && chosen.length > 0 });
  useLegend([{ keys: 'n', text: t('keysMake') }, { keys: 'd', text: t('keysOnOff') }]);
  const make = may('operate') && html`<${Button} tone="primary" icon="plus" href=${href('keys', { ...query, panel: 'make' })}>${t('make')}<//>`;
  const none = keys.rows?.length === 0;
  const clear = () => setQuery({ q: null, state: null });
  return html`<${Page} title=${t('title')} lead=${t('lead')} actions=${none ? null : make}>
    ${keys.error && !keys.rows && html`<${Problem} error=${keys.error} retry=${keys.reload} />`}
    ${none ? html`<${Empty} title=${t('emptyTitle')} text=${may('operate') ? t('emptyText') : t('emptyViewer')} code="flow-router keys create laptop" action=${make} />`
      : html`<div class="column gap2"><${Tools} all=${all} words=${words} view=${view} />
        ${selected.size > 0 && html`<div class="chosen row" role="toolbar" aria-label=${t('selected', { n: selected.size })}><span class="strong">${t('selected', { n: selected.size })}</span><span class="grow"></span>
          ${may('operate') && html`<${Button} onClick=${() => enable(chosen, true)}>${t('enable')}<//><${Button} onClick=${() => enable(chosen, false)}>${t('disable')}<//>`}
          <${Button} tone="quiet" onClick=${() => setSelected(new Set())}>${t('clear')}<//></div>`}
        <${Table} id="keys" label=${t('list')} columns=${columns} rows=${shown} keyOf=${idOf} onOpen=${open} hrefOf=${linkTo} loading=${keys.loading} card=${card} tone=${toneOf} primary=${!busy}
          rowHeight=${44} cardHeight=${70} selected=${selected} onSelect=${setSelected} empty=${html`<${Empty} title=${t('noMatch')} action=${html`<${Button} onClick=${clear}>${t('showAll')}<//>`} />`} /></div>`}<//>`;
}

/** @param {{all: Key[], words: string, view: string}} given */
function Tools({ all, words, view }) {
  const box = useRef(/** @type {any} */ (null));
  useKeys({ '/': () => box.current?.querySelector('input')?.focus() });
  const leave = (/** @type {KeyboardEvent} */ event) => event.key === 'Escape' && /** @type {HTMLElement} */ (event.target).blur();
  return html`<div class="row wraps keys-tools" ref=${box} onKeyDown=${leave}><span class="keys-search"><${TextInput} type="search" value=${words} onChange=${(/** @type {string} */ q) => setQuery({ q })} placeholder=${t('search')} label=${t('search')} /></span>
    <div class="segments" role="group" aria-label=${t('stateFilter')}>${VIEWS.map((id) => html`<button type="button" key=${id} aria-pressed=${view === id} onClick=${() => setQuery({ state: id })}>${t(/** @type {'live'} */ (NAMES[id]))}
      <span class="soft numbers">${all.filter((key) => ofView(key, id)).length}</span></button>`)}</div></div>`;
}

/** @param {{value: Key}} given */
function Name({ value }) {
  return html`<span class="row key-name"><span class="cut strong" translate="no">${value['name']}</span>${value['managed_in'] !== null && html`<span class="soft" title=${t('ownedBy', { file: value['managed_in'] })}><${Icon} name="lock" size=${13} /></span>`}${
    value['scopes'].map((/** @type {'admin'} */ scope) => html`<${Chip} key=${scope} tone="info">${t(`scope_${scope}`)}<//>`)}</span>`;
}

/** @param {Key[]} keys */
function columnsOf(keys) {
  const owners = new Set(keys.map((key) => key['owner_id'])).size > 1;
  const tagged = keys.some((key) => key['policy'].tags?.length);
  return [
    { id: 'name', label: t('name'), width: 170, grow: 2, priority: 1, value: (/** @type {Key} */ key) => key['name'], render: (/** @type {Key} */ key) => html`<${Name} value=${key} />` },
    { id: 'state', label: t('state'), width: 116, priority: 2, value: (/** @type {Key} */ key) => key['state'], render: (/** @type {Key} */ key) => html`<${State} value=${key} />` },
    { id: 'uses', label: t('uses'), width: 180, grow: 1, priority: 3, render: (/** @type {Key} */ key) => html`<${Chips} words=${boundsOf(key)} none=${t('everything')} data />` },
    { id: 'limits', label: t('limits'), width: 150, priority: 3, render: (/** @type {Key} */ key) => html`<${Chips} words=${limitsOf(key)} none="—" most=${1} />` },
    { id: 'budget', label: t('budget'), width: 168, priority: 2, render: (/** @type {Key} */ key) => html`<${Tightest} value=${key} />` },
    ...(tagged ? [{ id: 'tags', label: t('tags'), width: 110, priority: 4, render: (/** @type {Key} */ key) => html`<${Chips} words=${key['policy'].tags ?? []} none="—" data most=${1} />` }] : []),
    { id: 'owner', label: t('owner'), width: 110, priority: 4, hidden: !owners, value: (/** @type {Key} */ key) => key['owner_id'], render: (/** @type {Key} */ key) => html`<span class="cut" translate="no">${key['owner_id']}</span>` },
    { id: 'requests', label: t('requests'), width: 84, align: 'right', priority: 4, hint: t('days30'), value: (/** @type {Key} */ key) => key['usage']?.requests ?? 0, render: (/** @type {Key} */ key) => compact(key['usage']?.requests ?? 0) },
    { id: 'charge', label: t('charge'), width: 84, align: 'right', priority: 2, hint: t('days30'), value: (/** @type {Key} */ key) => key['usage']?.charge_pusd ?? 0, render: (/** @type {Key} */ key) => html`<${Money} pusd=${key['usage']?.charge_pusd ?? 0} estimated=${Boolean(key['usage']?.charge_unknown)} why=${t('days30')} />` },
    { id: 'used', label: t('lastUse'), width: 100, align: 'right', priority: 2, value: (/** @type {Key} */ key) => key['last_used_at_ms'], render: (/** @type {Key} */ key) => (key['last_used_at_ms'] === null ? html`<span class="soft">${t('notYet')}</span>` : html`<${Time} at=${key['last_used_at_ms']} />`) },
    { id: 'expires', label: t('expires'), width: 84, align: 'right', priority: 3, value: (/** @type {Key} */ key) => key['expires_at_ms'], render: (/** @type {Key} */ key) => html`<${Ends} value=${key} />` },
  ];
}

/** @param {Key} key */
function card(key) {
  return html`<span class="row apart"><${Name} value=${key} /><span class="key-aside"><${State} value=${key} /></span></span>
    <span class="row apart soft small"><span class="cut" translate="no">${boundsOf(key).join(', ') || key['shown']}</span><span class="key-aside"><${Money} pusd=${key['usage']?.charge_pusd ?? 0} why=${t('days30')} />${
      key['last_used_at_ms'] !== null && html`<${Time} at=${key['last_used_at_ms']} />`}</span></span>`;
}
