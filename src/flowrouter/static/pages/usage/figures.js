/**
 * The period in figures, each beside the equally long time before.
 */

import { compact, count, money, percent } from '../../core/format.js';
import { href } from '../../core/router.js';
import { tokensOf } from '../../core/tokens.js';
import { html } from '../../core/ui.js';
import { Money, Stat } from '../../parts/bits.js';
import { Skeleton } from '../../parts/feedback.js';
import { t } from '../../strings/usage.js';
import { cachedShare } from './groups.js';
import { hourOf } from './view.js';

/** Beyond this a share says nothing: before was next to nothing. */
const MUCH = 9.99;

/** @param {{summary: any, view: import('./view.js').View}} given */
export function Figures({ summary, view }) {
  if (!summary) return html`<div class="usage-figures">${[1, 2, 3, 4, 5, 6].map((place) => html`<div key=${place} class="card stat"><${Skeleton} lines=${3} height=${15} /></div>`)}</div>`;
  const { now, before, since_ms: since, until_ms: until } = summary;
  const had = before.requests > 0;
  const title = t('beforeLong', { from: hourOf(since - (until - since)), to: hourOf(since) });
  const change = (/** @type {(sums: any) => number | null} */ of) => {
    const [is, was] = [of(now), of(before)];
    const share = is === null || !was ? null : is / was - 1;
    return view.compare && share !== null && share <= MUCH ? share : null;
  };
  const hint = (/** @type {(sums: any) => string} */ of) => view.compare && had && html`<span title=${title}>${t('before', { amount: of(before) })}</span>`;
  const link = (/** @type {any} */ more) => href('requests', { ...view.filters, since: view.since, until: view.until, ...more });
  return html`<div class="usage-figures">
    <${Stat} label=${t('spend')} value=${html`<${Money} pusd=${now.charge_pusd} estimated=${now.charge_unknown > 0} why=${now.charge_unknown ? t('unpriced', { n: now.charge_unknown }) : undefined} />`}
      change=${change((sums) => sums.charge_pusd)} hint=${spendHint(now, hint((sums) => money(sums.charge_pusd)))} />
    <${Stat} label=${t('tokens')} value=${compact(tokensOf(now))} change=${change(tokensOf)} hint=${hint((sums) => compact(tokensOf(sums)))} />
    <${Stat} label=${t('requests')} value=${count(now.requests)} change=${change((sums) => sums.requests)} hint=${hint((sums) => count(sums.requests))} href=${link({})} />
    <${Stat} label=${t('errors')} value=${html`${count(now.errors)}${now.errors > 0 && html` <span class="soft usage-share">${percent(now.errors / now.requests)}</span>`}`}
      change=${change((sums) => sums.errors)} good="down" hint=${hint((sums) => count(sums.errors))} href=${link({ outcome: 'error' })} />
    <${Stat} label=${t('cached')} value=${percent(rounded(cachedShare(now)))} hint=${hint((sums) => percent(rounded(cachedShare(sums)))) || html`<span>${t('ofPrompts')}</span>`} />
    <${Stat} label=${t('saved')} value=${html`<${Money} pusd=${now.cache_saved_pusd} estimated why=${now.cache_saved_pusd === null ? t('savedUnknown') : t('savedLong')} />`}
      change=${change((sums) => sums.cache_saved_pusd)} good="up" hint=${hint((sums) => money(sums.cache_saved_pusd))} /></div>`;
}

/** @param {any} now @param {any} before */
function spendHint(now, before) {
  if (now.cost_pusd === now.charge_pusd) return before;
  return html`${before}${before && ' · '}<span title=${t('providersTookLong')}>${t('providersTook', { amount: money(now.cost_pusd) })}</span>`;
}

/** @param {number | null} share */
const rounded = (share) => (share === null ? null : Math.round(share * 1000) / 1000);
