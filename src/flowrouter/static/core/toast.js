/**
 * Short words about what was done, with a way back.
 */

import { signal } from './ui.js';

/** @typedef {{id: number, text: string, tone: 'plain' | 'bad', undo: (() => any) | null, fix: string | null, data: boolean}} Toast */

/** @type {import('../vendor/signals.js').Signal<Toast[]>} */
export const toasts = signal([]);

const SHOWN_MS = 6_000;
const SHOWN_WITH_UNDO_MS = 12_000;
let last = 0;

/**
 * Say what was done. @param {string} text
 * @param {{undo?: () => any, tone?: 'plain' | 'bad', fix?: string | null, data?: boolean}} [options] `data`: the words are the gateway's own.
 */
export function say(text, { undo, tone = 'plain', fix = null, data = false } = {}) {
  const toast = { id: ++last, text, tone, undo: undo ?? null, fix, data };
  toasts.value = [...toasts.value.slice(-3), toast];
  setTimeout(() => drop(toast.id), undo || tone === 'bad' ? SHOWN_WITH_UNDO_MS : SHOWN_MS);
}

/** Tell of a failure in the gateway's own words. @param {any} error */
export function tell(error) {
  say(error.message, { tone: 'bad', fix: error.fix ?? null, data: true });
}

/** @param {number} id */
export function drop(id) {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}
