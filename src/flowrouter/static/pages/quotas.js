/**
 * Quotas: what is left of every account at its provider, the scarcest first.
 */

import { href, setQuery } from '../core/router.js';
import { may } from '../core/session.js';
import { html, useMemo, useRef } from '../core/ui.js';
import { useKeys } from '../core/keys.js';
import { Countdown, Provider, Stat } from '../parts/bits.js';
import { Empty, Problem, Skeleton } from '../parts/feedback.js';
import { Button, TextInput } from '../parts/forms.js';
import { Page, Section } from '../parts/page.js';
import { endsEarly, lasting, scarcer } from '../parts/quota.js';
import { useRoving } from '../parts/roving.js';
import { t } from '../strings/quotas.js';
import { useAccounts, useQuotas } from './providers/data.js';
import { AskButton, QuotaCard } from './quotas/card.js';
import { LimitsPanel } from './quotas/limits.js';

/** @param {{route: import('../core/router.js').Route}} given */
export default function Quotas({ route: { query } }) {
  const quotas = useQuotas();
  const accounts = useAccounts();
  const by = useMemo(() => new Map((accounts.data ?? []).map((account) => [account.id, account])), [accounts.data]);
  const all = useMemo(() => (quotas.data ?? []).filter(({ account_id: id }) => by.get(id)?.source !== 'found').map(withScarcest).sort((a, b) => byScarcity(a, b)), [quotas.data, by]);
  const minute = query['minute'] === '1';
  const words = (query['q'] ?? '').toLowerCase();
  const scarce = query['state'] === 'scarce';
  const fitting = all.filter(({ quota, worst }) => `${quota.account} ${quota.preset}`.toLowerCase().includes(words) && (!scarce || isScarce(worst)));
  const told = fitting.filter(({ quota }) => quota.windows.some((/** @type {any} */ window) => minute || lasting(window)));
  const untold = fitting.filter((one) => !told.includes(one));
  const close = () => setQuery({ limits: null });
  if (quotas.error && !quotas.data) return html`<${Page} title=${t('title')}><${Problem} error=${quotas.error} retry=${quotas.reload} /><//>`;
  if (!quotas.data || !accounts.data) return html`<${Page} title=${t('title')} lead=${t('lead')}><${Skeleton} lines=${6} height=${58} /><//>`;
  if (all.length === 0) return html`<${Page} title=${t('title')}><${None} /><//>`;
  return html`<${Page} title=${t('title')} lead=${t('lead')}><${Summary} all=${all} />
    <div class="column gap2"><${Tools} query=${query} />
      ${fitting.length === 0 && html`<${Empty} title=${t('noMatch')} action=${html`<${Button} onClick=${() => setQuery({ q: null, state: null })}>${t('all')}<//>`} />`}
      <${Cards} told=${told} by=${by} minute=${minute} busy=${Boolean(query['limits'])} /></div>
    ${untold.length > 0 && html`<${Untold} quotas=${untold.map(({ quota }) => quota)} by=${by} />`}
    ${query['limits'] && may('operate') && html`<${LimitsPanel} key=${query['limits']} id=${query['limits']} onClose=${close} />`}<//>`;
}

/** @typedef {{quota: any, worst: any | null}} Known */

/** @param {any} quota @returns {Known} */
const withScarcest = (quota) => ({ quota, worst: quota.windows.filter(lasting).sort(scarcer)[0] ?? null });

/** @param {Known} one @param {Known} other */
function byScarcity(one, other) {
  if (!one.worst || !other.worst) return Number(one.worst === null) - Number(other.worst === null);
  return scarcer(one.worst, other.worst) || one.quota.account.localeCompare(other.quota.account);
}

/** @param {any | null} worst */
const isScarce = (worst) => worst !== null && (['used_up', 'reserve', 'low'].includes(worst.state) || endsEarly(worst));

/** @param {{all: Known[]}} given */
function Summary({ all }) {
  const windows = all.flatMap(({ quota }) => quota.windows.filter(lasting));
  const used = all.filter(({ quota }) => quota.state === 'used_up').length;
  const low = all.filter(({ quota }) => quota.state === 'low' || quota.state === 'reserve').length;
  const early = windows.filter(endsEarly).length;
  const next = windows.filter(({ resets_at_ms: at }) => at !== null && at > Date.now()).sort((a, b) => a.resets_at_ms - b.resets_at_ms)[0];
  const whose = next && all.find(({ quota }) => quota.windows.includes(next))?.quota.account;
  const of = t('ofAll', { n: all.length });
  return html`<div class="quota-figures"><${Stat} label=${t('usedUpCount')} value=${used} tone=${used ? 'bad' : undefined} hint=${of} /><${Stat} label=${t('lowCount')} value=${low} tone=${low ? 'warn' : undefined} hint=${of} />
    <${Stat} label=${t('runsCount')} value=${early} tone=${early ? 'warn' : undefined} hint=${t('atThisPace')} />
    <${Stat} label=${t('nextReset')} value=${next ? html`<${Countdown} at=${next.resets_at_ms} />` : '—'} hint=${next ? html`<span translate="no">${whose}</span>` : t('none')} /></div>`;
}

/** @param {{query: Record<string, string>}} given */
function Tools({ query }) {
  const box = useRef(/** @type {any} */ (null));
  useKeys({ '/': () => box.current?.querySelector('input')?.focus() });
  const state = query['state'] ?? '';
  const leave = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'Escape') /** @type {HTMLElement} */ (event.target).blur();
  };
  return html`<div class="row wraps provider-tools" ref=${box} onKeyDown=${leave}><span class="provider-search"><${TextInput} type="search" value=${query['q'] ?? ''} onChange=${(/** @type {string} */ q) => setQuery({ q })} placeholder=${t('search')} label=${t('search')} /></span>
    <div class="segments" role="group" aria-label=${t('stateFilter')}><button type="button" aria-pressed=${state === ''} onClick=${() => setQuery({ state: null })}>${t('all')}</button><button type="button" aria-pressed=${state === 'scarce'} onClick=${() => setQuery({ state: 'scarce' })}>${t('scarce')}</button></div>
    <label class="row small"><input type="checkbox" checked=${query['minute'] === '1'} onChange=${(/** @type {any} */ event) => setQuery({ minute: event.target.checked ? '1' : null })} />${t('showMinute')}</label></div>`;
}

/** @param {{told: Known[], by: Map<string, any>, minute: boolean, busy: boolean}} given */
function Cards({ told, by, minute, busy }) {
  const box = useRoving({ when: !busy });
  return html`<div class="column quota-cards" ref=${box}>${told.map(({ quota }) => html`<${QuotaCard} key=${quota.account_id} quota=${quota} account=${by.get(quota.account_id) ?? null} minute=${minute} />`)}</div>`;
}

/** @param {{quotas: any[], by: Map<string, any>}} given */
function Untold({ quotas, by }) {
  const settable = (/** @type {any} */ quota) => may('operate') && !by.get(quota.account_id)?.read_only;
  return html`<${Section} title=${t('unknownTitle')} lead=${t('unknownText')}><ul class="card quota-untold">${quotas.map((quota) => html`<li key=${quota.account_id} class="row"><a class="cut grow" href=${href(`providers/${encodeURIComponent(quota.account_id)}`)}><${Provider} preset=${quota.preset} name=${quota.account} /></a>
    <${AskButton} quota=${quota} />${settable(quota) && html`<${Button} tone="quiet" onClick=${() => setQuery({ limits: quota.account_id })}>${t('setLimits')}<//>`}</li>`)}</ul><//>`;
}

function None() {
  return html`<${Empty} title=${t('emptyTitle')} text=${t('emptyText')} action=${may('operate') && html`<${Button} tone="primary" icon="plus" href=${href('providers', { panel: 'add' })}>${t('addProvider')}<//>`} />`;
}
