/**
 * What of a JSON value is open, where the visitor is in it, and how it is searched.
 *
 * A place is told by its JSON pointer. Children are shown a hundred at a time and a search works in short
 * turns, so that megabytes neither block the page nor fill it.
 */

import { batch, signal } from '../core/ui.js';

/** Children of one value that are shown at a time. */
export const CHUNK = 100;
/** Characters of a long text that are shown at first, and with each further step. */
export const TEXT = 600;
export const MORE_TEXT = 20_000;
const MOST_FOUND = 1000;
const MOST_OPENED = 1500;
const TURN_MS = 8;

/** @typedef {{open: boolean | null, from: number, to: number}} State `from` and `to` of children or characters. */
/** @typedef {(string | number)[]} Path */

/** @param {any} value */
export const isParent = (value) => typeof value === 'object' && value !== null;

/** @param {any} value @returns {string[]} */
export const keysOf = (value) => (Array.isArray(value) ? [] : Object.keys(value));

/** @param {any} value @returns {number} */
export const sizeOf = (value) => (Array.isArray(value) ? value.length : isParent(value) ? Object.keys(value).length : 0);

/** @param {string} pointer @param {string | number} name */
export const below = (pointer, name) => `${pointer}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** Return a path as it is written in code: `messages[0].content`. @param {Path} path */
export function written(path) {
  const text = path.map((name) => {
    if (typeof name === 'number') return `[${name}]`;
    return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
  });
  return text.join('').replace(/^\./, '') || '$';
}

export class Tree {
  /** @param {number} depth How many levels are open. */
  constructor(depth) {
    this.depth = signal(depth);
    /** @type {Map<string, import('../vendor/signals.js').Signal<State>>} */
    this.states = new Map();
    /** Where the keys are. */
    this.active = signal('');
    /** The match that is looked at. @type {import('../vendor/signals.js').Signal<string | null>} */
    this.match = signal(null);
    this.words = signal('');
  }

  /** @param {string} pointer */
  state(pointer) {
    let found = this.states.get(pointer);
    if (!found) {
      found = signal({ open: null, from: 0, to: 0 });
      this.states.set(pointer, found);
    }
    return found;
  }

  /** @param {string} pointer @param {Partial<State>} change */
  change(pointer, change) {
    const state = this.state(pointer);
    state.value = { ...state.value, ...change };
  }

  /** @param {string} pointer @param {number} level */
  isOpen(pointer, level) {
    return this.state(pointer).value.open ?? level < this.depth.value;
  }

  /** Open values from the outermost on, as many as a page can bear. @param {any} value */
  openAll(value) {
    batch(() => {
      /** @type {[any, string][]} */
      let level = [[value, '']];
      for (let opened = 0; level.length > 0 && opened < MOST_OPENED; ) {
        /** @type {typeof level} */
        const next = [];
        for (const [parent, pointer] of level) {
          if (opened >= MOST_OPENED) break;
          this.change(pointer, { open: true });
          opened += 1;
          for (const [name, child] of Object.entries(parent).slice(0, CHUNK)) if (isParent(child)) next.push([child, below(pointer, name)]);
        }
        level = next;
      }
    });
  }

  closeAll() {
    batch(() => {
      for (const [pointer, state] of this.states) if (pointer !== '') state.value = { ...state.value, open: false };
      this.depth.value = 1;
    });
  }

  /** Open what lies above a place, and show the part of it that the place is in. @param {any} value @param {Path} path @param {number} [letter] */
  reveal(value, path, letter = 0) {
    batch(() => {
      let [at, pointer] = [value, ''];
      for (const name of path) {
        const place = typeof name === 'number' ? name : Object.keys(at).indexOf(name);
        const { from, to } = this.state(pointer).value;
        const seen = place >= from && place < Math.max(to, from + CHUNK);
        this.change(pointer, seen ? { open: true } : { open: true, from: place - (place % CHUNK), to: 0 });
        [at, pointer] = [at[name], below(pointer, name)];
      }
      if (typeof at === 'string' && letter > this.state(pointer).value.to) this.change(pointer, { to: letter + TEXT });
      this.match.value = pointer;
      this.active.value = pointer;
    });
  }
}

/** @typedef {{path: Path, letter: number}} Match `letter`: where in a text the words end. */

/**
 * Find words in keys and values, in the order they stand; `tell` hears of matches after each turn.
 * @param {any} value
 * @param {string} words
 * @param {(matches: Match[], done: boolean, more: boolean) => void} tell
 * @returns {() => void} Stops the search.
 */
export function search(value, words, tell) {
  const wanted = words.toLowerCase();
  /** @type {Match[]} */
  const found = [];
  /** @type {{value: any, path: Path}[]} */
  const rest = [{ value, path: [] }];
  let timer = 0;
  const turn = () => {
    const until = performance.now() + TURN_MS;
    while (rest.length > 0 && found.length < MOST_FOUND && performance.now() < until) {
      const one = rest.pop();
      if (one) look(one, wanted, found, rest);
    }
    const more = found.length >= MOST_FOUND && rest.length > 0;
    const done = rest.length === 0 || more;
    tell([...found], done, more);
    if (!done) timer = setTimeout(turn);
  };
  timer = setTimeout(turn);
  return () => clearTimeout(timer);
}

/** @param {{value: any, path: Path}} one @param {string} wanted @param {Match[]} found @param {{value: any, path: Path}[]} rest */
function look({ value, path }, wanted, found, rest) {
  const name = path.at(-1);
  const inName = typeof name === 'string' && name.toLowerCase().includes(wanted);
  if (isParent(value)) {
    if (inName) found.push({ path, letter: 0 });
    const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
    for (const key of [...keys].reverse()) rest.push({ value: value[key], path: [...path, key] });
    return;
  }
  const at = String(value).toLowerCase().indexOf(wanted);
  if (inName || at >= 0) found.push({ path, letter: at < 0 ? 0 : at + wanted.length });
}
