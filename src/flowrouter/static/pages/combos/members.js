/**
 * The members of a combo in their order: added by name, moved by drag or Alt and arrows, weighed, put under conditions.
 */

import { percent } from '../../core/format.js';
import { html, useLayoutEffect, useRef, useState } from '../../core/ui.js';
import { Kbd, colourOf } from '../../parts/bits.js';
import { Button, NumberInput } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Picker } from '../../parts/picker.js';
import { t } from '../../strings/combos.js';
import { ConditionsForm } from './conditions.js';
import { member as made, moved } from './draft.js';
import { WEIGHTED, conditions, isOpen, shares } from './words.js';

/** @typedef {import('./draft.js').Member} Member */

/**
 * @param {{draft: import('./draft.js').Draft, onChange: (members: Member[]) => void, names: ReturnType<typeof import('./names.js').useNames>,
 *   locked: boolean, self: string}} given `self`: the combo's own name, which is no member of it.
 */
export function Members({ draft, onChange, names, locked, self }) {
  const { members, strategy } = draft;
  const [told, setTold] = useState('');
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  const held = useKeptFocus(members);
  const move = (/** @type {number} */ from, /** @type {number} */ to) => {
    const name = members[from]?.model;
    if (locked || name === undefined || to < 0 || to >= members.length || to === from) return;
    held.current = /** @type {HTMLElement | null} */ (document.activeElement);
    onChange(moved(members, from, to));
    setTold(t('moved', { name, at: to + 1, of: members.length }));
  };
  const change = (/** @type {number} */ key, /** @type {Partial<Member>} */ part) => onChange(members.map((one) => (one.key === key ? { ...one, ...part } : one)));
  const drop = (/** @type {number} */ index) => {
    const gone = members[index];
    onChange(members.filter((one) => one !== gone));
    setTold(t('removed', { name: gone?.model }));
    const next = members[index + 1] ?? members[index - 1];
    queueMicrotask(() => /** @type {HTMLElement | null | undefined} */ (next ? root.current?.querySelector(`[data-key="${next.key}"] .member-handle`) : root.current?.querySelector('input'))?.focus());
  };
  const drag = useDrag(members, move);
  const taken = new Set([self, ...members.map(({ model }) => model)].filter(Boolean));
  const parts = shares(members);
  return html`<div class="column gap2" ref=${root}>
    ${!locked && html`<${Picker} choices=${names.choices} label=${t('addMember')} placeholder=${t('addPlaceholder')} free without=${taken}
      onPick=${(/** @type {string} */ model) => onChange([...members, made(model)])} />`}
    ${members.length === 0 ? html`<p class="soft member-none">${t('noMembers')}</p>` : html`<ol class="members" aria-label=${t('members')}>${members.map((one, index) =>
      html`<${Row} key=${one.key} ...${{ one, index, of: members.length, locked, dragged: drag.key === one.key, known: names.known.get(one.model) }} share=${WEIGHTED.has(strategy) ? parts[index] : null}
        onGrab=${drag.grab} onMove=${move} onChange=${change} onDrop=${drop} />`)}</ol>`}
    ${!locked && members.length > 1 && html`<p class="soft small" data-text>${t.rich('dragHint', { keys: html`<${Kbd} keys="Alt ↑ ↓" />` })}</p>`}
    <span class="hidden" role="status">${told}</span></div>`;
}

/** A moved element loses the focus; it gets it back. @param {any} list */
function useKeptFocus(list) {
  const held = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => {
    if (held.current?.isConnected && document.activeElement !== held.current) held.current.focus();
    held.current = null;
  }, [list]);
  return held;
}

/** Drag a row by its grip; rows give way as it passes. @param {Member[]} members @param {(from: number, to: number) => void} move */
function useDrag(members, move) {
  const [key, setKey] = useState(/** @type {number | null} */ (null));
  const now = useRef({ members, move });
  now.current = { members, move };
  const grab = (/** @type {PointerEvent} */ start, /** @type {number} */ held) => {
    if (start.button !== 0) return;
    const list = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (start.currentTarget).closest('ol'));
    start.preventDefault();
    /** @type {HTMLElement} */ (start.currentTarget).focus();
    setKey(held);
    const over = (/** @type {PointerEvent} */ event) => {
      const from = now.current.members.findIndex((one) => one.key === held);
      const boxes = [...(list?.children ?? [])].map((row) => row.getBoundingClientRect());
      const to = boxes.findIndex((box, index) => (index < from ? event.clientY < box.top + box.height / 2 : index > from && event.clientY > box.top + box.height / 2));
      const far = from >= 0 && to > from ? boxes.findLastIndex((box) => event.clientY > box.top + box.height / 2) : to;
      if (from >= 0 && far >= 0) now.current.move(from, far);
    };
    const end = () => {
      removeEventListener('pointermove', over);
      removeEventListener('pointerup', end);
      removeEventListener('pointercancel', end);
      setKey(null);
    };
    addEventListener('pointermove', over);
    addEventListener('pointerup', end);
    addEventListener('pointercancel', end);
  };
  return { key, grab };
}

/**
 * @param {{one: Member, index: number, of: number, share: number | null | undefined, locked: boolean, dragged: boolean, known: import('../../parts/picker.js').Choice | undefined,
 *   onGrab: (event: PointerEvent, key: number) => void, onMove: (from: number, to: number) => void, onChange: (key: number, part: Partial<Member>) => void, onDrop: (index: number) => void}} given
 */
function Row({ one, index, of, share, locked, dragged, known, onGrab, onMove, onChange, onDrop }) {
  const [open, setOpen] = useState(false);
  const name = one.model;
  const told = conditions(one.when);
  const key = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const grip = /** @type {HTMLElement} */ (event.target).classList.contains('member-handle');
    if (step && event.altKey) onMove(index, index + step);
    else if (step && grip) /** @type {HTMLElement | null | undefined} */ (/** @type {HTMLElement} */ (event.currentTarget).parentElement?.children[index + step]?.querySelector('.member-handle'))?.focus();
    else if (grip && !locked && (event.key === 'Delete' || event.key === 'Backspace')) onDrop(index);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const mark = known?.preset ? html`<span class="mark" style=${{ background: colourOf(known.preset) }} aria-hidden="true"></span>` : html`<${Icon} name=${known?.icon ?? 'models'} size=${13} />`;
  return html`<li class=${dragged ? 'member dragged' : 'member'} data-key=${one.key} onKeyDown=${key}>
    <div class="member-line">
      ${locked ? html`<span class="member-at soft numbers">${index + 1}</span>` : html`<button type="button" class="member-handle" aria-label=${t('memberOf', { name, at: index + 1, of })} title=${t('move', { name })}
        onPointerDown=${(/** @type {PointerEvent} */ event) => onGrab(event, one.key)}><${Icon} name="drag" /><span class="numbers">${index + 1}</span></button>`}
      <div class="grow column member-name"><span class="row">${mark}<span class="cut strong" translate="no" title=${name}>${name}</span>${known?.hint && html`<span class="soft small cut" translate=${known.hintIsData ? 'no' : undefined}>${known.hint}</span>`}</span>
        ${told.length > 0 && !open && html`<span class="soft small wrap" data-text>${t.rich('only', { what: told.join(', ') })}</span>`}</div>
      ${share !== null && share !== undefined && html`<span class="member-weight"><span class="soft small numbers" title=${t('shareOf', { share: percent(share) })}>${percent(share)}</span>
        <${NumberInput} value=${one.weight} min=${1} max=${1000} step=${1} disabled=${locked} label=${t('weightOf', { name })} onChange=${(/** @type {number | null} */ weight) => onChange(one.key, { weight: /** @type {any} */ (weight) })} /></span>`}
      <button type="button" class=${`button quiet member-when ${isOpen(one.when) ? '' : 'set'}`} aria-expanded=${open} aria-label=${t('conditionsOf', { name })} title=${t('conditionsOf', { name })} onClick=${() => setOpen(!open)}><${Icon} name="settings" /></button>
      ${!locked && html`<${Button} tone="quiet" icon="close" label=${t('removeMember', { name })} onClick=${() => onDrop(index)} />`}</div>
    ${open && html`<${ConditionsForm} when=${one.when} locked=${locked} onChange=${(/** @type {Record<string, any>} */ when) => onChange(one.key, { when })} />`}</li>`;
}
