/**
 * What is read from `/api`, shared by address: kept on show while it is read again, forgotten after changes.
 */

import { address, get } from './api.js';
import { signal, useEffect } from './ui.js';

/** @typedef {{data: any, error: any, loading: boolean, etag: string | null, next: string | null, notices: string[]}} State */

const KEPT = 200;
const NOTHING = { data: undefined, error: null, loading: false, etag: null, next: null, notices: [] };

class Resource {
  /** @param {string} url */
  constructor(url) {
    this.url = url;
    this.users = 0;
    /** @type {import('../vendor/signals.js').Signal<State>} */
    this.state = signal({ ...NOTHING, loading: true });
    this.fresh = false;
    /** @type {Promise<void> | null} */
    this.reading = null;
  }

  /** @returns {Promise<void>} */
  load() {
    this.reading ??= this.read().finally(() => {
      this.reading = null;
    });
    return this.reading;
  }

  async read() {
    this.fresh = true;
    if (!this.state.value.loading) this.state.value = { ...this.state.value, loading: true };
    try {
      const { data, etag, next, notices } = await get(this.url);
      this.state.value = { data, error: null, loading: false, etag, next, notices };
    } catch (error) {
      this.state.value = { ...this.state.value, error, loading: false };
    }
    if (!this.fresh && this.users > 0) await this.read();
  }
}

/** @type {Map<string, Resource>} */
const known = new Map();

/** @param {string} url */
function resource(url) {
  const found = known.get(url) ?? new Resource(url);
  known.delete(url);
  known.set(url, found);
  for (const [other, { users }] of known) {
    if (known.size <= KEPT) break;
    if (users === 0) known.delete(other);
  }
  return found;
}

/**
 * Read `path` and show it; null reads nothing.
 * @param {string | null} path
 * @param {import('./api.js').Query} [query]
 * @param {{every?: number}} [options] `every`: milliseconds after which it is read again, while the page is seen.
 * @returns {State & {reload: () => Promise<void>}}
 */
export function useData(path, query, { every = 0 } = {}) {
  const mine = path === null ? null : resource(address(path, query));
  // Not by its address: one that was forgotten since it was drawn is not the one that is read from then on.
  useEffect(() => {
    if (mine === null) return undefined;
    mine.users += 1;
    void mine.load();
    const timer = every ? setInterval(() => document.hidden || void mine.load(), every) : 0;
    return () => {
      mine.users -= 1;
      clearInterval(timer);
    };
  }, [mine, every]);
  const state = mine === null ? NOTHING : mine.state.value;
  return { ...state, reload: () => (mine === null ? Promise.resolve() : again(resource(mine.url))) };
}

/**
 * Read everything under `prefix` again: at once what is shown, the rest when it is wanted.
 * @param {string} prefix @param {string | null} [except] Beginning with this: what is no more, and leaves the page just now.
 */
export async function forget(prefix, except = null) {
  const concerned = [...known].filter(([url]) => url.startsWith(prefix) && (except === null || !url.startsWith(except)));
  await Promise.all(
    concerned.map(([url, found]) => {
      if (found.users > 0) return again(found);
      known.delete(url);
      return undefined;
    }),
  );
}

/** Forget all of it: somebody else signed in. */
export function forgetAll() {
  known.clear();
}

/** @param {Resource} found */
function again(found) {
  found.fresh = false;
  return found.load();
}
