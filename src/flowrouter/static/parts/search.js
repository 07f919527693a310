/**
 * A field that filters what is on show as one types.
 */

import { html } from '../core/ui.js';
import { Icon } from './icons.js';

/** Escape empties it, then leaves it. @param {{value: string, onChange: (words: string) => void, label: string, field?: {current: any}}} given */
export function Search({ value, onChange, label, field }) {
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    if (value) onChange('');
    else /** @type {HTMLElement} */ (event.target).blur();
  };
  return html`<label class="search-field"><${Icon} name="search" /><input type="search" ref=${field} aria-label=${label} placeholder=${label} value=${value} autocomplete="off" spellcheck=${false}
    onInput=${(/** @type {any} */ event) => onChange(event.target.value)} onKeyDown=${key} /></label>`;
}
