/**
 * Requests as they are settled. One stream serves the page; it comes back by itself after a cut, a restart of
 * the gateway or a night's sleep, and asks for what it missed.
 */

import { stream } from './api.js';
import { me } from './session.js';
import { effect, signal, useEffect } from './ui.js';

/** @typedef {Record<string, any>} Settled A row of `/api/requests`. */

/** @type {import('../vendor/signals.js').Signal<'live' | 'cut' | 'off'>} */
export const live = signal('off');

const SILENCE = 40_000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;
const REMEMBERED = 4_000;

/** @type {Set<(batch: Settled[]) => void>} */
const listeners = new Set();
/** @type {Set<string>} */
let seen = new Set();
let newest = 0;
/** @type {AbortController | null} */
let running = null;
let wake = () => {};

/** Hear of settled requests, in batches, oldest first. @param {(batch: Settled[]) => void} listener */
export function onSettled(listener) {
  listeners.add(listener);
  if (running === null && me.value !== null) void follow();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) stop();
  };
}

/** The same as long as a component is on show. @param {(batch: Settled[]) => void} listener */
export function useSettled(listener) {
  useEffect(() => onSettled(listener), [listener]);
}

effect(() => {
  if (me.value === null) stop();
  else if (listeners.size > 0 && running === null) void follow();
});

function stop() {
  running?.abort();
  running = null;
  live.value = 'off';
}

async function follow() {
  const mine = new AbortController();
  running = mine;
  let wait = FIRST_WAIT;
  while (!mine.signal.aborted) {
    try {
      await stream('/api/usage/stream', {
        query: newest ? { since: newest } : {},
        signal: mine.signal,
        silence: SILENCE,
        onOpen: () => {
          live.value = 'live';
          wait = FIRST_WAIT;
        },
        onEvents: take,
      });
    } catch {
      // Told by the state; what is wrong is shown by the reads of the page itself.
    }
    if (mine.signal.aborted) return;
    live.value = 'cut';
    await pause(wait);
    wait = Math.min(LONGEST_WAIT, wait * 2);
  }
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    wake = () => {
      clearTimeout(timer);
      resolve(undefined);
    };
  });
}

/** @param {import('./api.js').StreamEvent[]} events */
function take(events) {
  const batch = events
    .filter(({ event }) => event === 'settled')
    .map(({ data }) => JSON.parse(data))
    .filter(({ id }) => !seen.has(id));
  if (batch.length === 0) return;
  for (const { id, ts_ms: at } of batch) {
    seen.add(id);
    newest = Math.max(newest, at);
  }
  if (seen.size > REMEMBERED) seen = new Set([...seen].slice(-REMEMBERED / 2));
  for (const listener of listeners) listener(batch);
}

addEventListener('online', () => wake());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) wake();
});
