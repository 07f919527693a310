/**
 * Requests as they are settled. One stream serves the page; it comes back by itself after a cut, a restart of
 * the gateway or a night's sleep, and asks for what it missed. It rests while nobody looks at the tab.
 */

import { stream } from './api.js';
import { me } from './session.js';
import { effect, signal, useCallback, useEffect, useRef } from './ui.js';

/** @typedef {Record<string, any>} Settled A row of `/api/requests`. */

/** @type {import('../vendor/signals.js').Signal<'live' | 'cut' | 'off'>} */
export const live = signal('off');

const SILENCE = 40_000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;
const REMEMBERED = 4_000;
/** So far back is asked again: rows are in the order in which requests came, not in that in which they ended. */
const OVERLAP = 60_000;
/** After so long an unseen tab gives its connection back: a browser has but six for all tabs of a gateway. */
const UNSEEN = 60_000;

/** @type {Set<(batch: Settled[]) => void>} */
const listeners = new Set();
/** @type {Set<string>} */
let seen = new Set();
let newest = 0;
/** When the first stream was opened, by the gateway's clock. */
let opened = 0;
/** @type {AbortController | null} */
let running = null;
let wake = () => {};

/** Hear of settled requests, in batches, oldest first. @param {(batch: Settled[]) => void} listener */
export function onSettled(listener) {
  listeners.add(listener);
  start();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) stop();
  };
}

/** The same as long as a component is on show. @param {(batch: Settled[]) => void} listener */
export function useSettled(listener) {
  useEffect(() => onSettled(listener), [listener]);
}

/**
 * Do something soon after requests were settled, at most once in a while, and not while nobody sees it.
 * @param {() => any} act @param {number} wait Milliseconds. @param {(batch: Settled[]) => boolean} [concerns] Which batches are meant; must keep its identity.
 */
export function useSoonAfter(act, wait, concerns) {
  const last = useRef(act);
  last.current = act;
  const timer = useRef(0);
  const hear = (/** @type {Settled[]} */ batch) => {
    if (concerns && !concerns(batch)) return;
    timer.current ||= setTimeout(() => {
      timer.current = 0;
      if (!document.hidden) void last.current();
    }, wait);
  };
  useSettled(useCallback(hear, [wait, concerns]));
  useEffect(() => () => clearTimeout(timer.current), []);
}

effect(() => {
  if (me.value === null) stop();
  else start();
});

function start() {
  if (running === null && me.value !== null && listeners.size > 0) void follow();
}

function stop() {
  running?.abort();
  running = null;
  live.value = 'off';
}

async function follow() {
  const mine = new AbortController();
  running = mine;
  look();
  let wait = FIRST_WAIT;
  while (!mine.signal.aborted) {
    try {
      await stream('/api/usage/stream', {
        query: since(),
        signal: mine.signal,
        silence: SILENCE,
        onOpen: ({ headers }) => {
          opened ||= Date.parse(headers.get('date') ?? '') || 0;
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

/** From when on is asked: nothing from before this page was opened. */
function since() {
  const from = opened ? Math.max(opened, newest - OVERLAP) : newest;
  return from ? { since: from } : {};
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

let unseen = 0;

/** Rest when the tab has not been seen for a while, go on when it is. */
function look() {
  clearTimeout(unseen);
  if (document.hidden) unseen = setTimeout(rest, UNSEEN);
}

function rest() {
  if (running === null) return;
  stop();
  live.value = 'cut';
}

addEventListener('online', () => wake());
document.addEventListener('visibilitychange', () => {
  look();
  if (document.hidden) return;
  wake();
  start();
});
