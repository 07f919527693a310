/**
 * Light, dark, or as the system has it. `first.js` applies the choice before anything is painted.
 */

import { computed, effect, signal } from './ui.js';

const STORED = 'flow-router.theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const dark = signal(system.matches);
system.addEventListener('change', (event) => {
  dark.value = event.matches;
});

/** What was chosen. @type {import('../vendor/signals.js').Signal<'system' | 'light' | 'dark'>} */
export const choice = signal(/** @type {any} */ (localStorage.getItem(STORED) ?? 'system'));

/** What is in force. */
export const theme = computed(() => (choice.value === 'system' ? (dark.value ? 'dark' : 'light') : choice.value));

effect(() => {
  localStorage.setItem(STORED, choice.value);
  document.documentElement.dataset['theme'] = theme.value;
});
