/**
 * The quotas of one account: its windows, the scarcest first.
 */

import { href, setQuery } from '../../core/router.js';
import { may } from '../../core/session.js';
import { html } from '../../core/ui.js';
import { Chip, Provider, Time } from '../../parts/bits.js';
import { Notice } from '../../parts/feedback.js';
import { Button } from '../../parts/forms.js';
import { Pace, ResetIn, WindowBar, amountText, lasting, leftText, scarcer, spanText } from '../../parts/quota.js';
import { t } from '../../strings/quotas.js';
import { ask, asking } from './actions.js';

/** @type {Record<string, 'bad' | 'warn' | 'ok' | 'plain'>} */
const TONES = { used_up: 'bad', reserve: 'warn', low: 'warn' };

/** Asks the provider, where it can be asked. @param {{quota: any}} given */
export function AskButton({ quota }) {
  const operate = may('operate');
  const { account_id: id, account: name } = quota;
  if (!quota.tells) return null;
  return html`<${Button} tone="quiet" icon="refresh" label=${t('refreshOf', { name })} disabled=${!operate} busy=${asking.value.includes(id)} title=${operate ? t('refreshLong') : t('viewer')} onClick=${() => ask({ id, name })}>${t('refresh')}<//>`;
}

/** @param {{quota: any, account: any | null, minute?: boolean, narrow?: boolean}} given `narrow`: beside the account's own page. */
export function QuotaCard({ quota, account, minute = false, narrow = false }) {
  const windows = quota.windows.filter((/** @type {any} */ window) => minute || narrow || lasting(window)).sort(scarcer);
  const name = quota.account;
  return html`<article class=${`card quota-card ${narrow ? 'narrow' : ''}`} aria-label=${t('windowsOf', { name })} tabindex=${narrow ? undefined : 0} data-row=${narrow ? undefined : ''} data-id=${quota.account_id}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === 'Enter' && event.target === event.currentTarget && (location.hash = href(`providers/${encodeURIComponent(quota.account_id)}`))}>
    <header class="row wraps">${narrow ? html`<span class="grow"></span>` : html`<a class="strong cut" href=${href(`providers/${encodeURIComponent(quota.account_id)}`)}><${Provider} preset=${quota.preset} name=${name} /></a>
      ${TONES[quota.state] && html`<${Chip} tone=${TONES[quota.state]}>${t(`state_${/** @type {'low'} */ (quota.state)}`)}<//>`}<span class="grow"></span>`}<${Buttons} quota=${quota} account=${account} /></header>
    ${quota.error && html`<${Notice} tone="warn" title=${t('askFailed')}><p translate="no" class="wrap">${quota.error}</p><//>`}
    <ul class="windows">${windows.map((/** @type {any} */ window) => html`<${WindowLine} key=${`${window.name} ${window.models}`} window=${window} name=${name} />`)}</ul></article>`;
}

/** @param {{window: any, name: string}} given */
function WindowLine({ window, name }) {
  return html`<li class=${`window is-${window.state}`}><span class="window-name cut"><span class="strong">${spanText(window)}</span> <span class="soft small" translate="no" title=${window.name}>${window.models || window.name}</span></span>
    <span class="window-bar"><${WindowBar} window=${window} name=${name} /></span>
    <span class="window-left numbers">${leftText(window)}${window.kept_back > 0 && html` <span class="soft small">${t('reserveKept', { amount: amountText(window.kept_back, window.unit) })}</span>`}</span>
    <span class="window-reset numbers"><${ResetIn} window=${window} words /></span>
    <span class="window-pace"><${Pace} window=${window} /></span>
    <span class="window-source soft small">${t(`source_${/** @type {'header'} */ (window.source)}`)}, <${Time} at=${window.as_of_ms} /></span></li>`;
}

/** @param {{quota: any, account: any | null}} given */
function Buttons({ quota, account }) {
  const operate = may('operate');
  const id = quota.account_id;
  const fixed = !account || account.read_only;
  return html`<${AskButton} quota=${quota} />
    ${!fixed && html`<${Button} tone="quiet" icon="settings" label=${t('limitsTitle', { name: quota.account })} disabled=${!operate} title=${operate ? undefined : t('viewer')} onClick=${() => setQuery({ limits: id })}>${t('limits')}<//>`}`;
}
