/**
 * A table that stays quick with ten thousand rows: only those in view are in the page.
 *
 * Rows are equally tall and stand at their place by a transform; a row is drawn again only when it, its
 * columns or its marks changed, so pages keep `columns` in a constant or in `useMemo`, and rows unmodified. The
 * elements of rows that leave the view show those that enter it: what cells draw keeps no state of its own.
 */

import { useKeys } from '../core/keys.js';
import { Component, html, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from '../core/ui.js';
import { t } from '../strings/table.js';
import { ColumnMenu, useColumns } from './table-columns.js';
import { useArrivals, useWindow } from './table-window.js';

/**
 * @template Row
 * @typedef {import('./table-columns.js').Column<Row>} Column
 */
/** @typedef {{id: string, down: boolean}} Sort */
/**
 * @template Row
 * @typedef {object} Given
 * @property {string} label What the table lists; also the name of its remembered columns without `id`.
 * @property {string} [id] The name its columns are remembered under; needed where the label is translated or varies.
 * @property {Column<Row>[]} columns
 * @property {Row[]} rows
 * @property {(row: Row) => string} keyOf
 * @property {(row: Row) => void} [onOpen] Enter or a click.
 * @property {(row: Row) => string} [hrefOf] Where a row leads, for a click with Ctrl or the middle button.
 * @property {() => void} [onMore] Called as the end comes into view while `more` holds.
 * @property {boolean} [more]
 * @property {boolean} [loading] With no rows yet: skeletons instead of `empty`.
 * @property {any} [empty] What is shown without rows.
 * @property {Set<string>} [selected]
 * @property {(selected: Set<string>) => void} [onSelect] Rows can be selected where this is given.
 * @property {Sort | null} [sort] With `onSort`: how the rows are sorted by whom gave them.
 * @property {(sort: Sort) => void} [onSort] Without it, columns with `value` are sorted here.
 * @property {(row: Row) => any} [card] A row's two lines on a phone.
 * @property {(row: Row) => 'bad' | 'warn' | 'soft' | undefined} [tone]
 * @property {number} [rowHeight] in pixels
 * @property {number} [cardHeight] in pixels
 * @property {number | string} [height] Its greatest height, where it scrolls by itself; without, the page scrolls.
 * @property {boolean} [primary] Arrows, j, k and x work without a click into the table first.
 */

const NARROW = 560;
const CHECK_WIDTH = 36;
const MENU_WIDTH = 36;
const EAGER = 25;
const REST_MS = 200;

/**
 * @template Row
 * @param {Given<Row>} given
 */
export function Table(given) {
  const { label, columns, keyOf, rowHeight = 36, cardHeight = 64, loading = false, height, onSelect } = given;
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  const body = useRef(/** @type {HTMLElement | null} */ (null));
  const grid = useRef(/** @type {HTMLElement | null} */ (null));
  const layout = useColumns(root, columns, {
    id: given.id ?? label, taken: onSelect ? CHECK_WIDTH : 0, reserved: MENU_WIDTH, narrow: NARROW,
  });
  const [ownSort, setOwnSort] = useState(/** @type {Sort | null} */ (null));
  const sort = given.onSort ? given.sort ?? null : ownSort;
  const rows = useSorted(given.rows, columns, given.onSort ? null : ownSort);
  const tall = layout.narrow ? cardHeight : rowHeight;
  const state = useMoves(given, rows, { grid, tall });
  const selecting = onSelect !== undefined;
  const size = typeof height === 'number' ? `${height}px` : height;
  const waiting = loading && rows.length === 0;
  return html`<div class="table ${layout.narrow ? 'cards' : ''} ${size ? 'own-scroll' : ''}" ref=${root}
    style=${{ '--columns': layout.template, '--row': `${tall}px`, maxHeight: size ?? '' }}>
    <div class="table-grid ${given.onOpen ? 'opens' : ''}" role="grid" ref=${grid} tabindex="0" aria-label=${label} aria-busy=${loading}
      aria-rowcount=${given.more ? -1 : rows.length + (layout.narrow ? 0 : 1)} aria-colcount=${layout.narrow ? 1 : layout.shown.length}
      aria-multiselectable=${selecting || undefined} onKeyDown=${state.onKey}>
      ${!layout.narrow && html`<${Head} ...${{ layout, columns, sort, selecting, state }}
        onSort=${given.onSort ?? setOwnSort} all=${rows.length > 0 && given.selected?.size === rows.length} />`}
      <div class="table-body" role="rowgroup" ref=${body} style=${{ height: `${rows.length * tall}px` }}
        onClick=${state.onClick} onAuxClick=${state.onClick}>
        ${layout.measured && html`<${Rows} ...${{ given, rows, layout, body, tall, state, keyOf }} />`}
      </div>
    </div>
    ${(waiting || given.more) && html`<${Waiting} rows=${waiting ? 8 : 1} columns=${layout.narrow ? [] : layout.shown} more=${waiting ? undefined : given.onMore} />`}
    ${rows.length === 0 && !loading && html`<div class="table-empty">${given.empty}</div>`}
  </div>`;
}

/**
 * @template Row
 * @param {Row[]} rows @param {Column<Row>[]} columns @param {Sort | null} sort
 */
function useSorted(rows, columns, sort) {
  return useMemo(() => {
    const value = columns.find((column) => column.id === sort?.id)?.value;
    if (!sort || !value) return rows;
    const turn = sort.down ? -1 : 1;
    return rows
      .map((row) => ({ row, value: value(row) ?? null }))
      .sort((one, other) => {
        if (one.value === null || other.value === null) return Number(one.value === null) - Number(other.value === null);
        if (typeof one.value === 'string') return turn * one.value.localeCompare(String(other.value), undefined, { numeric: true });
        return turn * (Number(one.value) - Number(other.value));
      })
      .map(({ row }) => row);
  }, [rows, columns, sort?.id, sort?.down]);
}

/**
 * @param {{layout: ReturnType<typeof useColumns<any>>, columns: Column<any>[], sort: Sort | null, onSort: (sort: Sort) => void,
 *   selecting: boolean, all: boolean, state: {selectAll: () => void}}} given
 */
function Head({ layout, columns, sort, onSort, selecting, all, state }) {
  const sorts = (/** @type {Column<any>} */ column) => column.sortable ?? column.value !== undefined;
  const turn = (/** @type {Column<any>} */ column) =>
    onSort({ id: column.id, down: sort?.id === column.id ? !sort.down : column.align === 'right' });
  const order = (/** @type {Column<any>} */ column) =>
    sort?.id === column.id ? (sort.down ? 'descending' : 'ascending') : sorts(column) ? 'none' : undefined;
  return html`<div class="table-head" role="rowgroup"><div class="table-row" role="row" aria-rowindex="1">
    ${selecting && html`<div role="columnheader" class="table-tick"><input type="checkbox" checked=${all} aria-label=${t('selectAll')}
      onChange=${state.selectAll} /></div>`}
    ${layout.shown.map(
      (column) => html`<div role="columnheader" key=${column.id} class=${column.align ?? 'left'} title=${column.hint} aria-sort=${order(column)}>
        ${sorts(column)
          ? html`<button type="button" class="table-sort" onClick=${() => turn(column)}><span class="cut">${column.label}</span></button>`
          : html`<span class="cut">${column.label}</span>`}
      </div>`,
    )}
    <div role="columnheader" class="table-end" aria-label=${t('columns')}><${ColumnMenu} columns=${columns} shown=${layout.shown} memory=${layout.memory}
      choose=${layout.choose} /></div>
  </div></div>`;
}

/**
 * The rows in view. A component of its own: scrolling draws nothing else again.
 * @param {{given: Given<any>, rows: any[], layout: ReturnType<typeof useColumns<any>>, tall: number, keyOf: (row: any) => string,
 *   body: {current: HTMLElement | null}, state: ReturnType<typeof useMoves>}} props
 */
function Rows({ given, rows, layout, body, tall, keyOf, state }) {
  const { range, reveal } = useWindow(body, tall);
  const fresh = useArrivals(body, rows, keyOf, tall);
  const slots = useRef(/** @type {Map<string, number>} */ (new Map()));
  const asked = useRef(/** @type {any} */ (null));
  state.reveal.current = reveal;
  const first = Math.min(range.first, rows.length);
  const last = Math.min(range.last, rows.length);
  if (given.more && given.onMore && !given.loading && last >= rows.length - EAGER && asked.current !== rows) {
    asked.current = rows;
    queueMicrotask(given.onMore);
  }
  const seen = rows.slice(first, last);
  const keys = seen.map(keyOf);
  slots.current = placed(keys, slots.current);
  const usual = useCard(layout.shown);
  const card = layout.narrow ? (given.card ?? usual) : null;
  const active = keys.indexOf(state.active ?? '');
  useLayoutEffect(() => {
    if (active < 0) state.grid.current?.removeAttribute('aria-activedescendant');
    else state.grid.current?.setAttribute('aria-activedescendant', `${state.id}-${first + active}`);
  });
  const lines = seen.map((row, place) => {
    const key = keys[place] ?? '';
    const index = first + place;
    return html`<${Line} key=${slots.current.get(key)} ...${{
      row, index, tall, card, columns: layout.shown, id: `${state.id}-${index}`, active: state.active === key,
      selected: given.selected?.has(key), tone: given.tone?.(row), selecting: state.selecting, fresh: fresh.has(key),
      edge: index === rows.length - 1 ? 'last' : index === 0 ? 'first' : '',
    }} />`;
  });
  return useOrder(lines, keys.map((key) => slots.current.get(key) ?? 0), range);
}

/**
 * Return elements in the order of the rows once scrolling rests; until then in the one they stand in, since
 * moving elements within the page costs more than all else that a frame of scrolling does.
 * @param {any[]} lines @param {number[]} slots @param {any} range
 */
function useOrder(lines, slots, range) {
  const order = useRef(/** @type {number[]} */ ([]));
  if (useRest(range)) order.current = slots;
  else order.current = [...order.current.filter((slot) => slots.includes(slot)), ...slots.filter((slot) => !order.current.includes(slot))];
  return order.current.map((slot) => lines[slots.indexOf(slot)]);
}

/**
 * Whether `range` has not changed for a while. Apart from `useOrder`, whose elements a kept closure would keep.
 * @param {any} range
 */
function useRest(range) {
  const [resting, setResting] = useState(range);
  useEffect(() => {
    const timer = setTimeout(() => setResting(range), REST_MS);
    return () => clearTimeout(timer);
  }, [range]);
  return resting === range;
}

/**
 * Return the places of rows among the elements there are: a row keeps its own, a new one takes over one that
 * has become free, since changing an element is cheaper than making one.
 * @param {string[]} keys @param {Map<string, number>} before
 * @returns {Map<string, number>}
 */
function placed(keys, before) {
  const staying = new Set(keys.map((key) => before.get(key)));
  let next = 0;
  const free = () => {
    while (staying.has(next)) next += 1;
    return next++;
  };
  return new Map(keys.map((key) => [key, before.get(key) ?? free()]));
}

/** @param {Column<any>[]} columns */
const useCard = (columns) => useMemo(() => defaultCard(columns.filter(({ priority = 2 }) => priority <= 2)), [columns]);

/**
 * A card of a row's most important columns, where a page gives none.
 * @param {Column<any>[]} columns
 */
function defaultCard(columns) {
  const first = columns.filter(({ priority }) => priority === 1);
  const [title, ...beside] = first.length ? first : columns.slice(0, 1);
  const below = columns.filter((column) => column !== title && !beside.includes(column));
  return (/** @type {any} */ row) => html`
    <div class="row apart"><span class="cut grow">${title?.render(row)}</span>${beside.map((column) => html`<span>${column.render(row)}</span>`)}</div>
    <div class="row soft small">${below.map((column) => html`<span class="cut">${column.render(row)}</span>`)}</div>`;
}

/**
 * @typedef {{row: any, index: number, tall: number, columns: Column<any>[], card: ((row: any) => any) | null, id: string,
 *   active: boolean, selected?: boolean, selecting: boolean, tone?: string, fresh: boolean, edge: string}} LineGiven
 */

/**
 * One row, drawn again only when something of it changed.
 * @extends {Component<LineGiven>}
 */
class Line extends Component {
  /** @param {Record<string, any>} next */
  shouldComponentUpdate(next) {
    const now = /** @type {Record<string, any>} */ (this.props);
    return Object.keys(next).some((name) => next[name] !== now[name]);
  }

  /** @param {LineGiven} given */
  render(given) {
    return html`<${Cells} ...${given} />`;
  }
}

/** A row's cells, or its card. @param {LineGiven} given */
function Cells({ row, index, tall, columns, card, id, active, selected, selecting, tone, fresh, edge }) {
  const marks = `${active ? 'active' : ''} ${selected ? 'selected' : ''} ${fresh ? 'fresh' : ''} ${edge} ${tone ?? ''}`;
  const tick = selecting && html`<div role="gridcell" class="table-tick"><input type="checkbox" tabindex="-1" checked=${selected}
    aria-label=${t('selectRow')} /></div>`;
  return html`<div class="table-row ${marks}" role="row" id=${id} data-index=${index} aria-rowindex=${index + (card ? 1 : 2)}
    aria-selected=${selecting ? Boolean(selected) : undefined} style=${{ transform: `translateY(${index * tall}px)` }}>
    ${tick}
    ${card
      ? html`<div role="gridcell" class="table-card">${card(row)}</div>`
      : columns.map((column) => html`<div role="gridcell" key=${column.id} class=${column.align ?? 'left'}>${column.render(row)}</div>`)}
  </div>`;
}

/** Rows that are on their way. @param {{rows: number, columns: Column<any>[], more: (() => void) | undefined}} given */
function Waiting({ rows, columns, more }) {
  const bars = columns.length ? columns.map(({ align = 'left' }) => align) : ['left'];
  const width = (/** @type {number} */ row, /** @type {number} */ column) => `${35 + ((row * 29 + column * 17) % 45)}%`;
  return html`<div class="table-waiting" role="status"><span class="hidden">${t('loading')}</span>
    ${Array.from({ length: rows }, (_, row) => html`<div key=${row} class="table-ghost ${columns.length ? 'table-row' : ''}" aria-hidden="true">
      ${bars.map((align, column) => html`<div class=${align}><span style=${{ width: width(row, column) }}></span></div>`)}</div>`)}
    ${more && html`<button type="button" class="table-more" onClick=${more}>${t('loadMore')}</button>`}
  </div>`;
}

/** @param {number} _index */
const nowhere = (_index) => {};

/**
 * What keys and clicks do: move, open, select.
 * @param {Given<any>} given @param {any[]} rows
 * @param {{grid: {current: HTMLElement | null}, tall: number}} where
 */
function useMoves(given, rows, { grid, tall }) {
  const { keyOf, selected, onSelect, onOpen } = given;
  const id = useId();
  const [active, setActive] = useState(/** @type {string | null} */ (null));
  const anchor = useRef(0);
  const reveal = useRef(nowhere);
  const at = () => (active === null ? -1 : rows.findIndex((row) => keyOf(row) === active));
  const select = (/** @type {number} */ index, /** @type {boolean} */ stretch) => {
    if (!onSelect || index < 0) return;
    const next = new Set(selected);
    const [from, to] = stretch ? [Math.min(anchor.current, index), Math.max(anchor.current, index)] : [index, index];
    const on = stretch || !next.has(keyOf(rows[index]));
    for (const row of rows.slice(from, to + 1)) on ? next.add(keyOf(row)) : next.delete(keyOf(row));
    if (!stretch) anchor.current = index;
    onSelect(next);
  };
  const move = (/** @type {number} */ to, stretch = false) => {
    const index = Math.max(0, Math.min(rows.length - 1, to));
    if (rows.length === 0) return;
    setActive(keyOf(rows[index]));
    reveal.current(index);
    if (stretch) select(index, true);
  };
  const open = (/** @type {number} */ index, apart = false) => {
    const row = rows[index];
    if (row === undefined) return;
    if (apart && given.hrefOf) window.open(given.hrefOf(row), '_blank', 'noopener');
    else if (!apart) onOpen?.(row);
  };
  const all = () => onSelect?.(selected?.size === rows.length ? new Set() : new Set(rows.map(keyOf)));
  const page = Math.max(1, Math.floor((grid.current?.parentElement?.clientHeight ?? 0) / tall) - 2);
  const acts = { at, move, open, select, all, page: Math.min(page, 20), last: rows.length - 1 };
  const global = (/** @type {KeyboardEvent} */ event) => {
    grid.current?.focus({ preventScroll: true });
    press(event, acts);
  };
  useKeys({ j: global, k: global, x: global, ArrowDown: global, ArrowUp: global }, { when: given.primary === true && rows.length > 0 });
  return {
    id, active, reveal,
    selecting: onSelect !== undefined,
    selectAll: all,
    grid,
    onKey: (/** @type {KeyboardEvent} */ event) => {
      if (event.target !== grid.current) return;
      if (event.key === 'Escape' && selected?.size) onSelect?.(new Set());
      else if (!press(event, acts)) return;
      event.preventDefault();
      event.stopPropagation();
    },
    onClick: (/** @type {MouseEvent} */ event) => click(event, (key) => setActive(key === undefined ? null : keyOf(rows[key])), acts),
  };
}

/**
 * @typedef {{at: () => number, move: (to: number, stretch?: boolean) => void, open: (index: number, apart?: boolean) => void,
 *   select: (index: number, stretch: boolean) => void, all: () => void, page: number, last: number}} Acts
 */

/** Do what a key says; false where it says nothing here. @param {KeyboardEvent} event @param {Acts} acts */
function press(event, acts) {
  const mod = event.ctrlKey || event.metaKey;
  if (event.altKey || (mod && event.key !== 'a' && event.key !== 'Enter')) return false;
  const at = acts.at();
  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowDown: () => acts.move(at + 1, event.shiftKey),
    ArrowUp: () => acts.move(at < 0 ? 0 : at - 1, event.shiftKey),
    j: () => acts.move(at + 1),
    k: () => acts.move(at < 0 ? 0 : at - 1),
    Home: () => acts.move(0, event.shiftKey),
    End: () => acts.move(acts.last, event.shiftKey),
    PageDown: () => acts.move(at + acts.page, event.shiftKey),
    PageUp: () => acts.move(at - acts.page, event.shiftKey),
    Enter: () => acts.open(at, mod),
    x: () => acts.select(at, false),
    ' ': () => acts.select(at, false),
  };
  if (mod && event.key === 'a') acts.all();
  else if (event.key in keys) keys[event.key]?.();
  else return false;
  return true;
}

/** @param {MouseEvent} event @param {(index: number | undefined) => void} activate @param {Acts} acts */
function click(event, activate, acts) {
  const target = /** @type {HTMLElement} */ (event.target);
  const line = /** @type {HTMLElement | null} */ (target.closest('[data-index]'));
  if (!line || event.button > 1) return;
  const index = Number(line.dataset['index']);
  if (target.closest('.table-tick')) {
    acts.select(index, event.shiftKey);
    return;
  }
  if (target.closest('a, button, input, select, textarea, summary, label')) return;
  if (event.type === 'click' && String(getSelection() ?? '') !== '') return;
  activate(index);
  acts.open(index, event.button === 1 || event.ctrlKey || event.metaKey);
}
