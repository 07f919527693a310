/**
 * Keys that do something anywhere on a page: `/`, `j`, `g o` (one after the other), `mod+k`, `Escape`.
 */

import { signal, useEffect, useLayoutEffect, useRef } from './ui.js';

/** @typedef {Record<string, (event: KeyboardEvent) => void>} Bindings */

/** What can be pressed, for the list behind `?`. @type {import('../vendor/signals.js').Signal<{keys: string, text: string}[]>} */
export const legend = signal([]);

/** @typedef {{place: number, bindings: Bindings, modal: boolean}} Layer */
/** From the outermost to the innermost, in the order in which they were first drawn. @type {Layer[]} */
const layers = [];
let places = 0;
const SEQUENCE_MS = 900;
let before = '';
let beforeAt = 0;

/**
 * Bind keys while a component is on show; of several bindings of a key that of the innermost or newest component wins.
 * @param {Bindings} bindings @param {{when?: boolean, modal?: boolean}} [options] `modal`: what lies beneath hears no key meanwhile.
 */
export function useKeys(bindings, { when = true, modal = false } = {}) {
  const own = useRef(/** @type {Layer | null} */ (null));
  own.current ??= { place: ++places, bindings, modal };
  own.current.bindings = bindings;
  useLayoutEffect(() => {
    const layer = own.current;
    if (!when || !layer) return undefined;
    layers.push(layer);
    layers.sort((one, other) => one.place - other.place);
    return () => {
      layers.splice(layers.indexOf(layer), 1);
    };
  }, [when]);
}

/** Tell people of keys as long as a component is on show. @param {{keys: string, text: string}[]} entries */
export function useLegend(entries) {
  useEffect(() => {
    legend.value = [...legend.value, ...entries];
    return () => {
      legend.value = legend.value.filter((entry) => !entries.includes(entry));
    };
  }, []);
}

/** Whether a key that is typed belongs to a field. @param {EventTarget | null} target */
function typing(target) {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** @param {KeyboardEvent} event */
function nameOf(event) {
  const mod = event.metaKey || event.ctrlKey ? 'mod+' : '';
  return mod + (event.key.length === 1 && mod ? event.key.toLowerCase() : event.key);
}

/** What a key is bound to; those with Ctrl or ⌘ reach through what is modal. @param {string} key */
function boundTo(key) {
  const layer = layers.findLast(({ bindings, modal }) => key in bindings || (modal && !key.startsWith('mod+')));
  return layer?.bindings[key];
}

addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  const name = nameOf(event);
  if (typing(event.target) && !name.startsWith('mod+') && name !== 'Escape') return;
  const both = event.timeStamp - beforeAt < SEQUENCE_MS ? `${before} ${name}` : '';
  before = name;
  beforeAt = event.timeStamp;
  for (const key of both ? [both, name] : [name]) {
    const bound = boundTo(key);
    if (!bound) continue;
    event.preventDefault();
    before = '';
    bound(event);
    return;
  }
});
