/**
 * Requests as they happen: a short list that rests while somebody points at it.
 */

import { compact, count, figure, millis, money, timeOf } from '../../core/format.js';
import { live } from '../../core/live.js';
import { href } from '../../core/router.js';
import { readOf, tokensOf, writtenOf } from '../../core/tokens.js';
import { html, useRef, useState } from '../../core/ui.js';
import { Chip, Provider, Time } from '../../parts/bits.js';
import { Empty, Problem, Skeleton } from '../../parts/feedback.js';
import { Button } from '../../parts/forms.js';
import { Section } from '../../parts/page.js';
import { t } from '../../strings/overview.js';
import { programOf } from './layout.js';

const SHOWN = 12;
/** Requests a second beyond which arrivals are no longer lit up: it would be a flicker. */
const CALM = 8;
/** @type {Record<string, import('../../parts/bits.js').Tone>} */
const TONES = { error: 'bad', partial: 'warn', cancelled: 'plain' };

/** @param {{recent: import('./recent.js').Recent, names: Map<string, string>, address: string | null}} given `names` of accounts by id. */
export function Ticker({ recent, names, address }) {
  const [paused, setPaused] = useState(false);
  const held = useRef({ rows: /** @type {any[]} */ ([]), total: 0 });
  if (!paused) held.current = { rows: recent.rows.value.slice(0, SHOWN), total: recent.total.value };
  const { rows, total } = held.current;
  const fresh = paused ? recent.total.value - total : 0;
  const rate = recent.rate.value;
  const state = html`<span class="row small soft ticker-state">${
    paused ? html`<${Chip} tone="info">${fresh ? t('pausedNew', { n: compact(fresh) }) : t('paused')}<//>` : live.value === 'cut' ? html`<span>${t('cut')}</span>` : html`<span class="numbers">${rate > 0 ? t('rate', { n: figure(rate) }) : t('quiet')}</span>`
  }</span><${Button} href=${href('requests')} tone="quiet">${t('allRequests')}<//>`;
  return html`<${Section} title=${t('ticker')} actions=${state}>
    ${recent.error && rows.length === 0 && html`<${Problem} error=${recent.error} />`}
    ${!recent.ready && rows.length === 0 && !recent.error && html`<${Skeleton} lines=${6} height=${18} />`}
    ${recent.ready && rows.length === 0 && html`<${Empty} title=${t('noRequests')} text=${t('noRequestsText')} code=${address ? `curl ${address}/models` : undefined}
      action=${html`<${Button} href=${href('setup', { step: 'client' })} tone="primary">${t('pointTool')}<//>`} />`}
    ${rows.length > 0 && html`<ol class=${rate > CALM ? 'ticker card' : 'ticker card calm'} onPointerEnter=${() => setPaused(true)} onPointerLeave=${() => setPaused(false)} onFocusIn=${() => setPaused(true)} onFocusOut=${() => setPaused(false)}>
      ${rows.map((row) => html`<${Row} key=${row.id} row=${row} account=${names.get(row.account_id)} />`)}</ol>`}<//>`;
}

/** @param {{row: any, account: string | undefined}} given */
function Row({ row, account }) {
  const tokens = readOf(row) === null && writtenOf(row) === null ? null : tokensOf(row);
  const bad = row.outcome !== 'ok';
  const program = programOf(row.client);
  return html`<li class="tick"><a href=${href(`requests/${row.id}`)}>
    <span class="tick-time soft numbers" title=${timeOf(row.ts_ms)}><${Time} at=${row.ts_ms} /></span>
    <span class="tick-client cut" translate=${program ? 'no' : undefined}>${program || t('no_client')}</span>
    <span class="tick-model cut" translate="no">${row.requested_model ?? row.model ?? '—'}</span>
    <span class="tick-account cut">${row.account_id ? html`<${Provider} preset=${row.preset} name=${account ?? row.preset} />` : html`<span class="soft">${t('no_account')}</span>`}</span>
    <span class="tick-tokens end numbers soft" title=${t('tokensOf', { n: count(tokens) })}>${tokens === null ? '' : compact(tokens)}</span>
    <span class="tick-money end numbers">${row.account_id ? money(row.charge_pusd ?? row.cost_pusd) : ''}</span>
    <span class="tick-took end numbers soft">${millis(row.duration_ms)}</span>
    <span class="tick-state end">${bad ? html`<${Chip} tone=${TONES[row.outcome] ?? 'plain'} title=${row.error_text ?? undefined} data>${row.outcome === 'error' ? row.status : t(/** @type {any} */ (`outcome_${row.outcome}`))}<//>` : html`<span class="dot ok" aria-hidden="true"></span><span class="hidden">${t('outcome_ok')}</span>`}</span></a></li>`;
}
