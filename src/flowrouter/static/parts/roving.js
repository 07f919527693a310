/**
 * Keys of a list of elements: arrows, j and k move the focus from one `[data-row]` to the next.
 */

import { useKeys } from '../core/keys.js';
import { useRef } from '../core/ui.js';

/** Return the ref for what holds the rows. @param {{when?: boolean}} [options] */
export function useRoving({ when = true } = {}) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const move = (/** @type {1 | -1} */ step) => () => {
    const rows = /** @type {HTMLElement[]} */ ([...(box.current?.querySelectorAll('[data-row]') ?? [])]);
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + step));
    rows[next]?.focus();
    rows[next]?.scrollIntoView({ block: 'nearest' });
  };
  useKeys({ ArrowDown: move(1), j: move(1), ArrowUp: move(-1), k: move(-1) }, { when });
  return box;
}
