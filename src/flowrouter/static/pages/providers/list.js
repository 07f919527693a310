/**
 * All accounts in the order they are asked, step by step; and those that were found and wait.
 */

import { href, setQuery } from '../../core/router.js';
import { may } from '../../core/session.js';
import { say } from '../../core/toast.js';
import { html, useLayoutEffect, useMemo, useRef, useState } from '../../core/ui.js';
import { useKeys, useLegend } from '../../core/keys.js';
import { Provider } from '../../parts/bits.js';
import { Empty, Skeleton } from '../../parts/feedback.js';
import { Button, TextInput } from '../../parts/forms.js';
import { Page, Section } from '../../parts/page.js';
import { useRoving } from '../../parts/roving.js';
import { t } from '../../strings/providers.js';
import { adopt, dismiss, enable, isOn, ordering, reorder } from './actions.js';
import { locked } from './data.js';
import { useDrag } from './drag.js';
import { joined, nudged, parted, stepsOf } from './order.js';
import { Row } from './row.js';
import { fits } from './standing.js';

/** @typedef {import('./standing.js').Standing} Standing */

const WAYS = /** @type {const} */ (['', 'look', 'off']);

/** @param {{standings: Standing[] | null, found: any[], query: Record<string, string>, busy: boolean}} given `busy`: something is open over the list. */
export function List({ standings, found, query, busy }) {
  const words = query['q'] ?? '';
  const way = query['state'] ?? '';
  const shown = useMemo(() => (standings ?? []).filter((standing) => fits(standing, words) && ofWay(standing, way)), [standings, words, way]);
  const add = may('operate') && html`<${Button} tone="primary" icon="plus" href=${href('providers', { ...query, panel: 'add' })}>${t('add')}<//>`;
  const none = standings?.length === 0;
  useLegend([{ keys: 't', text: t('keysTest') }, { keys: 'Alt ↑ ↓', text: t('keysReorder') }]);
  return html`<${Page} title=${t('title')} lead=${none ? undefined : t('lead')} actions=${none ? null : add}>
    ${standings === null && html`<${Skeleton} lines=${6} height=${58} />`}
    ${found.length > 0 && html`<${Found} found=${found} />`}
    ${none && html`<${Empty} title=${t('emptyTitle')} text=${may('operate') ? t('emptyText') : t('viewer')} code=${t('emptyCode')} action=${add && html`${add}<${Button} href=${href('setup')}>${t('setup')}<//>`} />`}
    ${standings !== null && !none && html`<div class="column gap2"><${Tools} standings=${standings} words=${words} way=${way} />
      <${Steps} all=${standings} shown=${shown} filtered=${words !== '' || way !== ''} busy=${busy} /></div>`}<//>`;
}

/** @param {Standing} standing @param {string} way */
function ofWay({ state, account, trouble }, way) {
  if (way === 'look') return isOn(account) && (trouble !== null || state === 'bad' || state === 'warn');
  return way !== 'off' || !isOn(account);
}

/** @param {{standings: Standing[], words: string, way: string}} given */
function Tools({ standings, words, way }) {
  const box = useRef(/** @type {any} */ (null));
  useKeys({ '/': () => box.current?.querySelector('input')?.focus() });
  const names = { '': t('allStates'), look: t('needLook'), off: t('switchedOff') };
  const leave = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'Escape') /** @type {HTMLElement} */ (event.target).blur();
  };
  return html`<div class="row wraps provider-tools" ref=${box} onKeyDown=${leave}><span class="provider-search"><${TextInput} type="search" value=${words} onChange=${(/** @type {string} */ q) => setQuery({ q })} placeholder=${t('search')} label=${t('search')} /></span>
    <div class="segments" role="group" aria-label=${t('stateFilter')}>${WAYS.map((id) => html`<button type="button" key=${id} aria-pressed=${way === id} onClick=${() => setQuery({ state: id })}>${names[id]}
      <span class="soft numbers">${standings.filter((standing) => ofWay(standing, id)).length}</span></button>`)}</div></div>`;
}

/** @param {{all: Standing[], shown: Standing[], filtered: boolean, busy: boolean}} given */
function Steps({ all, shown, filtered, busy }) {
  const box = useRoving({ when: !busy });
  const [selected, setSelected] = useState(/** @type {Set<string>} */ (new Set()));
  const order = useOrder(all, box);
  useKeys({ Escape: () => setSelected(new Set()) }, { when: !busy && selected.size > 0 });
  const toggle = (/** @type {string} */ id) => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    setSelected(next);
  };
  const movable = may('operate') && !filtered && all.length > 1;
  const row = (/** @type {Standing} */ standing) => {
    const { account } = standing;
    const fixed = locked(account, 'priority');
    return html`<${Row} key=${account.id} standing=${standing} selected=${selected.has(account.id)} onSelect=${() => toggle(account.id)} dragged=${order.held === account.id}
      onNudge=${movable ? (/** @type {-1 | 1} */ way) => order.nudge(account, way, fixed) : null} onGrab=${movable && !fixed ? order.grab(account.id) : null} />`;
  };
  if (shown.length === 0) return html`<${Empty} title=${t('noMatch')} action=${html`<${Button} onClick=${() => setQuery({ q: null, state: null })}>${t('showAll')}<//>`} />`;
  const by = new Map(shown.map((standing) => [standing.account.id, standing]));
  const steps = stepsOf(shown.map(({ account }) => placed(account)));
  return html`<div class="provider-steps ${order.held ? 'moving' : ''}" ref=${box} onPointerDown=${order.forget}>
    ${selected.size > 0 && html`<${Chosen} accounts=${all.filter(({ account }) => selected.has(account.id)).map(({ account }) => account)} onClear=${() => setSelected(new Set())} />`}
    ${steps.map((step, at) => html`<section key=${step[0]?.priority} class="provider-step" aria-label=${t('step', { n: at + 1 })}>
      <header class=${order.over === `before:${at}` ? 'here' : ''} data-drop=${`before:${at}`}><span class="soft small">${order.held ? t('dropBefore') : html`${t('step', { n: at + 1 })} · ${t('priority', { n: step[0]?.priority })}`}</span></header>
      <ul class=${`card ${order.over === `into:${at}` ? 'here' : ''}`} data-drop=${`into:${at}`}>${step.map(({ id }) => row(/** @type {Standing} */ (by.get(id))))}</ul></section>`)}
    ${order.held && html`<header class=${order.over === `before:${steps.length}` ? 'here' : ''} data-drop=${`before:${steps.length}`}><span class="soft small">${t('atTheEnd')}</span></header>`}</div>`;
}

/** @param {any} account */
const placed = (account) => ({ id: account.id, priority: ordering.value[account.id] ?? account.priority, fixed: locked(account, 'priority') });

/**
 * Changing the order by keys and by pointer. The focus stays on who was moved.
 * @param {Standing[]} all @param {{current: HTMLElement | null}} box
 */
function useOrder(all, box) {
  const kept = useRef(/** @type {string | null} */ (null));
  const steps = stepsOf(all.map(({ account }) => placed(account)));
  useLayoutEffect(() => {
    if (kept.current && document.activeElement === document.body) /** @type {HTMLElement | null} */ (box.current?.querySelector(`[data-id="${CSS.escape(kept.current)}"]`))?.focus();
  });
  const apply = (/** @type {import('./order.js').Steps} */ wanted, /** @type {any} */ account) => {
    if (wanted !== steps) void reorder(wanted, account);
  };
  const drag = useDrag((id, drop) => {
    const account = all.find((standing) => standing.account.id === id)?.account;
    if (account) apply('into' in drop ? joined(steps, id, drop.into) : parted(steps, id, drop.before), account);
  });
  return {
    ...drag,
    forget: () => (kept.current = null),
    nudge: (/** @type {any} */ account, /** @type {-1 | 1} */ way, /** @type {boolean} */ fixed) => {
      if (fixed) return say(t('isFixed', { file: account.managed_in ?? account.source }), { tone: 'bad' });
      kept.current = account.id;
      return apply(nudged(steps, account.id, way), account);
    },
  };
}

/** @param {{accounts: any[], onClear: () => void}} given */
function Chosen({ accounts, onClear }) {
  const act = (/** @type {boolean} */ enabled) => async () => {
    await enable(accounts, enabled);
    onClear();
  };
  return html`<div class="provider-chosen row wraps" role="status"><span class="strong">${t('selected', { n: accounts.length })}</span>
    ${may('operate') && html`<${Button} onClick=${act(true)}>${t('enable')}<//><${Button} onClick=${act(false)}>${t('disable')}<//>`}<${Button} tone="quiet" onClick=${onClear}>${t('clearSelection')}<//></div>`;
}

/** @param {{found: any[]}} given */
function Found({ found }) {
  return html`<${Section} title=${t('foundTitle')} lead=${t('foundLead')}><ul class="card provider-found">${found.map((account) => html`<li key=${account.id} class="row wraps">
    <${Provider} preset=${account.preset} name=${account.name} /><span class="grow soft small">${t.rich(/:\d+/.test(account.found_in ?? '') ? 'foundAt' : 'foundIn', { where: html`<code translate="no">${account.found_in}</code>` })}</span>
    ${may('operate') && html`<${Button} tone="quiet" onClick=${() => dismiss(account)}>${t('dismiss')}<//><${Button} onClick=${() => adopt(account)}>${t('adopt')}<//>`}</li>`)}</ul><//>`;
}
