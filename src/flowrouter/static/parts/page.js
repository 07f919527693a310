/**
 * How a page is laid out: its title, its sections, its grids.
 */

import { html, useEffect } from '../core/ui.js';

/** @param {{title: any, lead?: any, actions?: any, data?: boolean, back?: any, children?: any}} given `data`: the title is a name, not ours. */
export function Page({ title, lead, actions, data = false, back, children }) {
  useEffect(() => {
    document.title = `${title} · Flow Router`;
  }, [title]);
  return html`<header class="page-head"><div class="grow">${back}<h1 class="cut" translate=${data ? 'no' : undefined}>${title}</h1>${lead && html`<p class="soft">${lead}</p>`}</div>
    ${actions && html`<div class="row wraps">${actions}</div>`}</header><div class="page-body">${children}</div>`;
}

/** @param {{title?: any, lead?: any, actions?: any, card?: boolean, children?: any, label?: string}} given */
export function Section({ title, lead, actions, card = false, children, label }) {
  return html`<section class=${card ? 'section card' : 'section'} aria-label=${label}>${(title || actions) && html`<header class="row apart"><div class="grow"><h2>${title}</h2>${
    lead && html`<p class="soft small">${lead}</p>`}</div>${actions && html`<div class="row wraps">${actions}</div>`}</header>`}${children}</section>`;
}

/** Columns as many as fit; `min` in pixels. @param {{min?: number, children?: any}} given */
export function Grid({ min = 220, children }) {
  return html`<div class="grid" style=${{ gridTemplateColumns: `repeat(auto-fill, minmax(min(100%, ${min}px), 1fr))` }}>${children}</div>`;
}
