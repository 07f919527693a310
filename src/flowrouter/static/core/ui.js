/**
 * What every part and page is written with: Preact, its hooks, signals, and `html` for markup.
 */

import { h } from '../vendor/preact.js';
import htm from '../vendor/htm.js';

export { Component, Fragment, createContext, render } from '../vendor/preact.js';
export {
  useCallback,
  useContext,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from '../vendor/hooks.js';
export {
  batch,
  computed,
  effect,
  signal,
  untracked,
  useComputed,
  useSignal,
  useSignalEffect,
} from '../vendor/signals.js';

/** @typedef {any} Child What a component takes between its tags. */

/**
 * As a property of an element `translate` is true or false, and "no" would be true; so it is set as the attribute,
 * which the capital letter makes it.
 * Nor may htm keep the elements without holes (its flag 3): a kept one holds the page it stood in first, and
 * through unchanged parts every page since.
 * @this {any} @param {any} type @param {any} given @param {any[]} children
 */
function element(type, given, ...children) {
  this[0] = 3;
  if (typeof type !== 'string' || given === null || !('translate' in given)) return h(type, given, ...children);
  const { translate, ...rest } = given;
  return h(type, { ...rest, Translate: translate }, ...children);
}

/** Markup as a tagged template; see htm. @type {(strings: TemplateStringsArray, ...values: any[]) => any} */
export const html = htm.bind(/** @type {any} */ (element));
