/**
 * What ⌘K finds: every source is asked with the words typed and returns entries; pages and parts add sources.
 */

import { signal } from './ui.js';

/** @typedef {{title: string, hint?: string, icon?: string, href?: string, run?: () => any, data?: boolean}} Entry */
/** @typedef {(words: string) => Promise<Entry[]> | Entry[]} Source */

/** Whether the palette is open. */
export const open = signal(false);

/** @type {Map<string, Source>} */
const sources = new Map();

/** Add a source, or replace the one of this id; returns what takes it out again. @param {string} id @param {Source} source */
export function provide(id, source) {
  sources.set(id, source);
  return () => {
    if (sources.get(id) === source) sources.delete(id);
  };
}

/** Ask every source; one that fails has nothing to say. @param {string} words @returns {Promise<Entry[]>} */
export async function search(words) {
  const found = await Promise.allSettled([...sources.values()].map(async (source) => source(words)));
  return found.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
}

/** Whether all words stand in the text, in any order. @param {string} text @param {string} words */
export function matches(text, words) {
  const inside = text.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => inside.includes(word));
}
