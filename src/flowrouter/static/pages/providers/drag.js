/**
 * Moving an account with the pointer: onto a step to share it, between steps for one of its own.
 */

import { useRef, useState } from '../../core/ui.js';

/** @typedef {{into: number} | {before: number}} Drop */

const START_PX = 4;
const EDGE_PX = 70;
const SCROLL_PX = 14;

/**
 * @param {(id: string, drop: Drop) => void} onDrop
 * @returns {{held: string | null, over: string | null, grab: (id: string) => (event: PointerEvent) => void}} `over` is the `data-drop` under the pointer.
 */
export function useDrag(onDrop) {
  const [state, setState] = useState(/** @type {{held: string | null, over: string | null}} */ ({ held: null, over: null }));
  const act = useRef(onDrop);
  act.current = onDrop;
  const grab = (/** @type {string} */ id) => (/** @type {PointerEvent} */ start) => {
    if (start.button !== 0) return;
    start.preventDefault();
    const row = /** @type {HTMLElement} */ (start.currentTarget).closest('li');
    /** @type {string | null} */
    let over = null;
    let moving = false;
    const move = (/** @type {PointerEvent} */ event) => {
      if (!moving && Math.abs(event.clientY - start.clientY) < START_PX) return;
      moving = true;
      if (event.clientY < EDGE_PX) scrollBy(0, -SCROLL_PX);
      else if (event.clientY > innerHeight - EDGE_PX) scrollBy(0, SCROLL_PX);
      if (row) row.style.transform = `translateY(${event.pageY - start.pageY}px)`;
      over = document.elementFromPoint(event.clientX, event.clientY)?.closest('[data-drop]')?.getAttribute('data-drop') ?? null;
      setState({ held: id, over });
    };
    const end = (/** @type {Event} */ event) => {
      if (event instanceof KeyboardEvent && event.key !== 'Escape') return;
      removeEventListener('pointermove', move);
      for (const name of ENDS) removeEventListener(name, end);
      if (row) row.style.transform = '';
      setState({ held: null, over: null });
      const [, kind, at] = /^(into|before):(\d+)$/.exec(over ?? '') ?? [];
      if (event.type !== 'pointerup' || !moving || !kind) return;
      act.current(id, kind === 'into' ? { into: Number(at) } : { before: Number(at) });
    };
    addEventListener('pointermove', move);
    for (const name of ENDS) addEventListener(name, end);
  };
  return { ...state, grab };
}

const ENDS = ['pointerup', 'pointercancel', 'keydown'];
