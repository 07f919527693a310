/**
 * What stands where there is no content: not yet, not any, not possible.
 */

import { html } from '../core/ui.js';
import { t } from '../strings/parts.js';
import { Code } from './bits.js';
import { Button } from './forms.js';
import { Icon } from './icons.js';

/** Grey bars in the shape of what comes. @param {{lines?: number, height?: number}} given */
export function Skeleton({ lines = 3, height = 14 }) {
  return html`<div class="skeleton" role="status"><span class="hidden">${t('loading')}</span>
    ${Array.from({ length: lines }, (_, index) => html`<span key=${index} style=${{ height: `${height}px`, width: `${92 - ((index * 17) % 40)}%` }}></span>`)}
  </div>`;
}

/** Nothing here yet, and what makes something come. @param {{title: string, text?: any, action?: any, code?: string}} given */
export function Empty({ title, text, action, code }) {
  return html`<div class="empty"><h3>${title}</h3>${text && html`<p class="soft">${text}</p>`}
    ${code && html`<${Code} text=${code} />`}${action && html`<div class="row wraps">${action}</div>`}</div>`;
}

/** What the gateway said went wrong, and what to do. @param {{error: any, retry?: () => any}} given */
export function Problem({ error, retry }) {
  return html`<div class="notice bad" role="alert"><${Icon} name="warning" />
    <div class="grow"><p class="strong">${t('failed')}</p><p translate="no" class="wrap">${error.message}</p>
      ${error.fix && html`<p class="soft wrap" translate="no">${error.fix}</p>`}
      ${error.requestId && html`<p class="soft small">${t('requestId', { id: '' })}<code translate="no">${error.requestId}</code></p>`}</div>
    ${retry && html`<${Button} onClick=${retry} icon="refresh">${t('retry')}<//>`}
  </div>`;
}

/**
 * Something that needs to be known. @param {{tone?: 'ok' | 'warn' | 'bad' | 'info', title?: any, text?: any, action?: any, data?: boolean, children?: any}} given
 * `data`: title and text are the gateway's own words.
 */
export function Notice({ tone = 'info', title, text, action, data = false, children }) {
  const translate = data ? 'no' : undefined;
  return html`<div class=${`notice ${tone}`} role=${tone === 'bad' ? 'alert' : 'status'}><${Icon} name=${tone === 'ok' ? 'check' : tone === 'info' ? 'about' : 'warning'} />
    <div class="grow">${title && html`<p class="strong wrap" translate=${translate}>${title}</p>`}
      ${text && html`<p class="wrap" translate=${translate}>${text}</p>`}${children}</div>
    ${action}</div>`;
}
