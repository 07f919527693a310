/**
 * A combo as it is being edited: what the form holds, what `/api/combos` takes, and what has changed.
 */

import { isOpen } from './words.js';

/** @typedef {{key: number, model: string, weight: number, when: Record<string, any>}} Member */
/**
 * @typedef {object} Draft
 * @property {string} name
 * @property {import('./words.js').Strategy} strategy
 * @property {Member[]} members
 * @property {number | null} attempts
 * @property {number | null} first_token
 * @property {number | null} wait
 * @property {'complete' | 'best_effort' | 'error' | null} completion
 */

let last = 0;

/** @param {string} model @returns {Member} */
export const member = (model) => ({ key: ++last, model, weight: 1, when: {} });

/** @returns {Draft} */
export const blank = () => ({ name: '', strategy: 'priority', members: [], attempts: null, first_token: null, wait: null, completion: null });

/** @param {any} combo A row of `/api/combos`. @returns {Draft} */
export function draftOf(combo) {
  const { name, strategy, attempts, first_token, wait, completion } = combo;
  const members = combo.members.map((/** @type {any} */ { model, weight, when }) => ({ key: ++last, model, weight, when: stated(when) }));
  return { name, strategy, members, attempts, first_token, wait, completion };
}

/** The conditions that are given. @param {Record<string, any>} when */
export const stated = (when) => Object.fromEntries(Object.entries(when).filter(([, value]) => !isOpen({ value })));

/** What `/api/combos` takes. @param {Draft} draft */
export function bodyOf(draft) {
  const members = draft.members.map(({ model, weight, when }) => ({ model, weight: weight || 1, when: stated(when) }));
  return { ...draft, name: draft.name.trim(), members };
}

/** @param {Draft} one @param {Draft} other */
export const same = (one, other) => JSON.stringify(bodyOf(one)) === JSON.stringify(bodyOf(other));

/** @template T @param {T[]} list @param {number} from @param {number} to */
export function moved(list, from, to) {
  const rest = list.filter((_, index) => index !== from);
  return [...rest.slice(0, to), ...list.slice(from, from + 1), ...rest.slice(to)];
}
