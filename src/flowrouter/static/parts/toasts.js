/**
 * The messages at the foot of the page.
 */

import { drop, toasts } from '../core/toast.js';
import { html } from '../core/ui.js';
import { t } from '../strings/shell.js';
import { Button } from './forms.js';

export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite" aria-label=${t('messages')}>${toasts.value.map((toast) => html`<div class=${`toast ${toast.tone}`} key=${toast.id}>
    <div class="grow"><p class="wrap" translate=${toast.data ? 'no' : undefined}>${toast.text}</p>${toast.fix && html`<p class="soft small wrap" translate="no">${toast.fix}</p>`}</div>
    ${toast.undo && html`<${Button} onClick=${() => { drop(toast.id); toast.undo?.(); }}>${t('undo')}<//>`}
    <${Button} tone="quiet" icon="close" label=${t('dismiss')} onClick=${() => drop(toast.id)} /></div>`)}</div>`;
}
