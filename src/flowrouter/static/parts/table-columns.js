/**
 * The columns of a table: which of them find room, which the visitor wants, and how wide they are.
 */

import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../core/ui.js';
import { t } from '../strings/table.js';
import { Icon } from './icons.js';

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} id
 * @property {string} label
 * @property {(row: Row) => any} render
 * @property {number} [width] The least width in pixels; 120 without.
 * @property {number} [grow] Its share of the room that is left; 0 without.
 * @property {'left' | 'right' | 'center'} [align]
 * @property {1 | 2 | 3 | 4} [priority] 1 stays always, 4 goes first where room is short; 2 without.
 * @property {boolean} [hidden] Shown only where it is chosen.
 * @property {boolean} [sortable]
 * @property {(row: Row) => number | string | boolean | null | undefined} [value] What the table sorts by itself.
 * @property {string} [hint] Said when the pointer rests on the head.
 */

/** @typedef {{shown: string[], hidden: string[]}} Memory */

const STORED = 'flow-router.table.';
const USUAL_WIDTH = 120;

/** @param {string} id @returns {Memory} */
function recall(id) {
  try {
    const told = JSON.parse(localStorage.getItem(STORED + id) ?? '{}');
    return { shown: told.shown ?? [], hidden: told.hidden ?? [] };
  } catch {
    return { shown: [], hidden: [] };
  }
}

/** @param {string} id @param {Memory} memory */
function remember(id, memory) {
  try {
    if (memory.shown.length || memory.hidden.length) localStorage.setItem(STORED + id, JSON.stringify(memory));
    else localStorage.removeItem(STORED + id);
  } catch {
    // No storage: the choice holds until the page is left.
  }
}

/** @param {Column<any>} column @param {Memory} memory */
const wanted = (column, memory) =>
  column.hidden ? memory.shown.includes(column.id) : !memory.hidden.includes(column.id);

/** @param {Column<any>} column */
const least = (column) => column.width ?? USUAL_WIDTH;

/** @param {Column<any>[]} columns */
const total = (columns) => columns.reduce((sum, column) => sum + least(column), 0);

/**
 * Return the wanted columns that find room.
 * @template Row
 * @param {Column<Row>[]} columns @param {Memory} memory @param {number} room in pixels
 */
function fitting(columns, memory, room) {
  let kept = columns.filter((column) => wanted(column, memory));
  for (const priority of [4, 3, 2]) {
    for (const column of [...kept].reverse()) {
      if (total(kept) <= room) return kept;
      const chosen = memory.shown.includes(column.id);
      if ((column.priority ?? 2) === priority && !chosen) kept = kept.filter((other) => other !== column);
    }
  }
  return kept;
}

/** Return the widths of columns as a grid's template. @param {Column<any>[]} columns @param {number} room */
function template(columns, room) {
  const spare = room - total(columns);
  const shares = columns.reduce((sum, { grow = 0 }) => sum + grow, 0);
  const factor = spare < 0 || shares === 0 ? room / Math.max(1, total(columns)) : 1;
  return columns
    .map((column) => {
      const extra = spare > 0 && shares > 0 ? (spare * (column.grow ?? 0)) / shares : 0;
      return `${Math.floor(least(column) * factor + extra)}px`;
    })
    .join(' ');
}

/**
 * Lay out columns in the width of an element.
 * @template Row
 * @param {{current: HTMLElement | null}} root
 * @param {Column<Row>[]} columns
 * @param {{id: string, taken: number, reserved: number, narrow: number}} options Pixels that are taken on the
 *   left and reserved on the right, and the width below which there are no columns.
 */
export function useColumns(root, columns, { id, taken, reserved, narrow }) {
  const [width, setWidth] = useState(0);
  const [memory, setMemory] = useState(() => recall(id));
  useLayoutEffect(() => {
    const element = root.current;
    if (!element) return undefined;
    setWidth(element.clientWidth);
    const watcher = new ResizeObserver(() => setWidth(element.clientWidth));
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  const room = Math.max(0, width - taken - reserved);
  const names = fitting(columns, memory, room)
    .map((column) => column.id)
    .join('\n');
  const shown = useMemo(() => {
    const kept = names.split('\n');
    return columns.filter((column) => kept.includes(column.id));
  }, [columns, names]);
  const choose = (/** @type {Memory} */ next) => {
    setMemory(next);
    remember(id, next);
  };
  return {
    shown,
    narrow: width > 0 && width < narrow,
    measured: width > 0,
    template: `${taken ? `${taken}px ` : ''}${template(shown, room)} ${reserved}px`,
    memory,
    choose,
  };
}

/** @param {Memory} memory @param {Column<any>} column @returns {Memory} */
function toggled(memory, column) {
  const on = wanted(column, memory);
  const without = (/** @type {string[]} */ list) => list.filter((id) => id !== column.id);
  return {
    shown: on ? without(memory.shown) : [...without(memory.shown), column.id],
    hidden: on && !column.hidden ? [...memory.hidden, column.id] : without(memory.hidden),
  };
}

/**
 * The button with the list of columns behind it.
 * @param {{columns: Column<any>[], shown: Column<any>[], memory: Memory, choose: (memory: Memory) => void}} given
 */
export function ColumnMenu({ columns, shown, memory, choose }) {
  const [open, setOpen] = useState(false);
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const button = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (!open) return undefined;
    items(box.current)[0]?.focus();
    const away = (/** @type {Event} */ event) => {
      if (!box.current?.contains(/** @type {Node} */ (event.target))) setOpen(false);
    };
    document.addEventListener('pointerdown', away);
    return () => document.removeEventListener('pointerdown', away);
  }, [open]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return html`<div class="table-choice" ref=${box} onKeyDown=${(/** @type {KeyboardEvent} */ event) => open && steer(event, box.current, close)}>
    <button type="button" ref=${button} class="table-choose" aria-haspopup="menu" aria-expanded=${open} aria-label=${t('choose')}
      title=${t('choose')} onClick=${() => setOpen(!open)}><${Icon} name="settings" size=${14} /></button>
    ${open && html`<div class="table-menu" role="menu" aria-label=${t('columns')}>
      ${columns.map(
        (column) => html`<button type="button" key=${column.id} role="menuitemcheckbox" tabindex="-1"
          aria-checked=${wanted(column, memory)} disabled=${column.priority === 1}
          onClick=${() => choose(toggled(memory, column))}>
          <span class="table-check" aria-hidden="true">${wanted(column, memory) && html`<${Icon} name="check" size=${14} />`}</span>
          <span class="grow">${column.label}</span>
          ${wanted(column, memory) && !shown.includes(column) && html`<span class="soft">${t('noRoom')}</span>`}
        </button>`,
      )}
      ${(memory.shown.length > 0 || memory.hidden.length > 0) && html`<button type="button" role="menuitem" tabindex="-1" class="table-reset"
        onClick=${() => choose({ shown: [], hidden: [] })}>${t('reset')}</button>`}
    </div>`}
  </div>`;
}

/** @param {HTMLElement | null} box @returns {HTMLElement[]} */
function items(box) {
  return box ? [...box.querySelectorAll('[role^="menuitem"]:not(:disabled)')].map((item) => /** @type {HTMLElement} */ (item)) : [];
}

/** Move through an open menu. @param {KeyboardEvent} event @param {HTMLElement | null} box @param {() => void} close */
function steer(event, box, close) {
  const all = items(box);
  const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const places = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
  event.stopPropagation();
  if (event.key === 'Escape' || event.key === 'Tab') close();
  else if (event.key in places) {
    const place = places[/** @type {keyof typeof places} */ (event.key)];
    all[(place + all.length) % all.length]?.focus();
  } else return;
  if (event.key !== 'Tab') event.preventDefault();
}
