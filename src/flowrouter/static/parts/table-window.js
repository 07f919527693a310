/**
 * Which rows of a long list stand in view.
 *
 * The list may scroll by itself or with the page: the nearest element that scrolls is looked for. The window
 * moves in steps of several rows, so that most frames of a scroll render nothing at all.
 */

import { useCallback, useLayoutEffect, useRef, useState } from '../core/ui.js';

/** Rows by which the window moves. */
const STEP = 4;
/** Rows kept ready beyond what is seen, on either side. */
const SPARE = 14;
const FIRST_GUESS = 48;

/** @typedef {{first: number, last: number}} Range `last` is not included. */

/** Return the element whose scrolling moves `element`. @param {HTMLElement} element @returns {HTMLElement} */
export function scrollerOf(element) {
  for (let one = element.parentElement; one && one !== document.body; one = one.parentElement) {
    if (/^(auto|scroll|overlay)$/.test(getComputedStyle(one).overflowY)) return one;
  }
  return /** @type {HTMLElement} */ (document.scrollingElement ?? document.documentElement);
}

/** Return where the scroller's window begins and ends on the screen. @param {HTMLElement} scroller */
function frameOf(scroller) {
  if (scroller === document.scrollingElement) return { top: 0, bottom: innerHeight };
  const { top } = scroller.getBoundingClientRect();
  return { top: top + scroller.clientTop, bottom: top + scroller.clientTop + scroller.clientHeight };
}

/** @param {HTMLElement} body @param {HTMLElement} scroller @param {number} rowHeight @returns {Range} */
function rangeOf(body, scroller, rowHeight) {
  const frame = frameOf(scroller);
  const above = frame.top - body.getBoundingClientRect().top;
  const first = Math.floor(above / rowHeight);
  const last = Math.ceil((above + frame.bottom - frame.top) / rowHeight);
  return {
    first: Math.max(0, Math.floor((first - SPARE) / STEP) * STEP),
    last: Math.max(0, Math.ceil((last + SPARE) / STEP) * STEP),
  };
}

/**
 * Follow the scrolling of a list of rows of equal height.
 * @param {{current: HTMLElement | null}} body The element that is as tall as all rows together.
 * @param {number} rowHeight in pixels
 */
export function useWindow(body, rowHeight) {
  const [range, setRange] = useState(/** @type {Range} */ ({ first: 0, last: FIRST_GUESS }));
  useLayoutEffect(() => {
    const element = body.current;
    if (!element) return undefined;
    const scroller = scrollerOf(element);
    let frame = 0;
    const look = () => {
      frame = 0;
      const next = rangeOf(element, scroller, rowHeight);
      setRange((old) => (old.first === next.first && old.last === next.last ? old : next));
    };
    const soon = () => {
      frame ||= requestAnimationFrame(look);
    };
    const source = scroller === document.scrollingElement ? window : scroller;
    source.addEventListener('scroll', soon, { passive: true });
    const watcher = new ResizeObserver(soon);
    watcher.observe(scroller);
    look();
    return () => {
      source.removeEventListener('scroll', soon);
      watcher.disconnect();
      cancelAnimationFrame(frame);
    };
  }, [rowHeight]);
  const reveal = useCallback(
    (/** @type {number} */ index) => {
      if (body.current) show(body.current, index * rowHeight, rowHeight);
    },
    [rowHeight],
  );
  return { range, reveal };
}

/** Scroll no further than needed to see `height` pixels at `offset` of the list. @param {HTMLElement} body @param {number} offset @param {number} height */
function show(body, offset, height) {
  const scroller = scrollerOf(body);
  const frame = frameOf(scroller);
  const head = body.previousElementSibling?.getBoundingClientRect().height ?? 0;
  const top = body.getBoundingClientRect().top + offset;
  const [least, most] = [frame.top + head, frame.bottom - height];
  if (top < least) scroller.scrollTop -= least - top;
  else if (top > most) scroller.scrollTop += top - most;
}

/**
 * Keep what is being read in its place when rows arrive above it.
 * @template Row
 * @param {{current: HTMLElement | null}} body
 * @param {Row[]} rows
 * @param {(row: Row) => string} keyOf
 * @param {number} rowHeight
 * @returns {Set<string>} The keys of rows that have just arrived at the top.
 */
export function useArrivals(body, rows, keyOf, rowHeight) {
  const before = useRef(/** @type {Row[]} */ ([]));
  const fresh = useRef(/** @type {Set<string>} */ (new Set()));
  const moved = useRef(0);
  if (before.current !== rows) {
    moved.current = arrived(before.current, rows, keyOf);
    fresh.current = new Set(rows.slice(0, Math.min(moved.current, 100)).map(keyOf));
    before.current = rows;
  }
  useLayoutEffect(() => {
    const element = body.current;
    const by = moved.current * rowHeight;
    moved.current = 0;
    if (!element || by === 0) return;
    const scroller = scrollerOf(element);
    const above = frameOf(scroller).top - element.getBoundingClientRect().top;
    if (above > rowHeight) scroller.scrollTop += by;
  }, [rows]);
  return fresh.current;
}

/**
 * Return how many rows stand above those there were; none where they stand in another order.
 * @template Row
 * @param {Row[]} old @param {Row[]} rows @param {(row: Row) => string} keyOf
 */
function arrived(old, rows, keyOf) {
  const known = old.slice(0, 4).map(keyOf);
  const index = known.length ? rows.findIndex((row) => keyOf(row) === known[0]) : 0;
  const inPlace = rows.slice(Math.max(0, index), index + known.length).every((row, place) => keyOf(row) === known[place]);
  return index > 0 && inPlace ? index : 0;
}
