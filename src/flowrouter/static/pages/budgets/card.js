/**
 * One budget: how far it is, when it ends at this pace, what happens then, and what it refuses.
 */

import { ago, count, percent } from '../../core/format.js';
import { href, setQuery } from '../../core/router.js';
import { may } from '../../core/session.js';
import { say, tell } from '../../core/toast.js';
import { html, useId, useState } from '../../core/ui.js';
import { Bar, Chip, Countdown } from '../../parts/bits.js';
import { Button } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { confirm, Menu } from '../../parts/panel.js';
import { t } from '../../strings/budgets.js';
import { releaseBudget, removeBudget } from './saving.js';
import { amountOf, full, limitOf, momentOf, used } from './words.js';

/** @typedef {import('./words.js').Budget} Budget */
/** @typedef {{n: number, more: boolean}} Refused */

const TONES = /** @type {const} */ ({ ok: 'ok', warning: 'warn', used_up: 'bad' });

/** @param {{row: Budget, refused: Refused, managed: string | null, keyState: string | null, showOwner: boolean}} given */
export function Card({ row, refused, managed, keyState, showOwner }) {
  const { metric, period, mode } = full(row.budget);
  const share = used(row) / row.limit;
  const name = useId();
  return html`<article class=${`card budget is-${row.state}`} aria-labelledby=${name}>
    <header class="row"><h3 class="cut" translate="no" id=${name}>${row.name}</h3>
      <${Chip} title=${t(mode === 'hard' ? 'hardLong' : 'softLong')}>${t(mode)}<//>
      ${row.state !== 'ok' && html`<${Chip} tone=${TONES[row.state]}>${t(row.state)}<//>`}
      ${keyState && keyState !== 'live' && html`<${Chip}>${t('off', { state: t(/** @type {'state_disabled'} */ (`state_${keyState}`)) })}<//>`}
      ${showOwner && html`<span class="soft small cut" data-text>${t.rich('owner', { owner: html`<span translate="no">${row.owner_id}</span>` })}</span>`}
      <span class="grow"></span><${Actions} row=${row} managed=${managed} /></header>
    <p class="budget-amount"><span><strong>${amountOf(used(row), metric)}</strong> <span class="soft">${t(`limit_${period}`, { limit: limitOf(row.budget) })}</span></span><span class="soft numbers">${percent(tidy(share))}</span></p>
    <${Meter} row=${row} />
    <p class="budget-line soft small numbers"><span>${t('left', { amount: amountOf(row.left, metric) })}</span>${row.held > 0 && html`<span title=${t('heldLong')}>${t('held', { amount: amountOf(row.held, metric) })}</span>`}<span class="grow"></span>
      <span title=${t('resetsLong', { at: momentOf(row.resets_at_ms), zone: full(row.budget).zone })}>${t('resetsIn')} <${Countdown} at=${row.resets_at_ms} /></span></p>
    ${row.state !== 'used_up' && html`<p class="small budget-pace"><${Forecast} row=${row} /></p>`}
    <${Trouble} row=${row} refused=${refused} managed=${managed} /></article>`;
}

/** @param {number} share */
const tidy = (share) => Math.round(share * 1000) / 1000;

/** The bar, with where the period is, where callers are warned, and where this pace leads. @param {{row: Budget}} given */
function Meter({ row }) {
  const { metric, warn } = full(row.budget);
  const passed = Math.min(1, Math.max(0, (Date.now() - row.starts_at_ms) / (row.resets_at_ms - row.starts_at_ms)));
  const leads = row.forecast === null ? 0 : Math.min(1, row.forecast / row.limit);
  const at = (/** @type {number} */ share) => ({ left: `${share * 100}%` });
  return html`<div class="budget-bar"><span class="budget-leads" style=${{ width: `${leads * 100}%` }} aria-hidden="true"></span>
    <${Bar} used=${used(row)} held=${row.held} limit=${row.limit} tone=${row.state === 'ok' ? 'accent' : TONES[row.state]} label=${t('barLabel', { used: amountOf(used(row), metric), limit: limitOf(row.budget) })} />
    <span class="budget-warn" style=${at(warn)} title=${t('warnAt')}></span><span class="budget-passed" style=${at(passed)} title=${t('passed')}></span></div>`;
}

/** @param {{row: Budget}} given */
function Forecast({ row }) {
  const { metric, downgrade, unpriced } = full(row.budget);
  const then = downgrade ? t.rich('thenModel', { model: html`<code translate="no">${downgrade}</code>` }) : t('thenRefuse');
  const passes = metric === 'usd' && unpriced === 'allow' && html` · <span>${t('unpricedAllowed')}</span>`;
  const rest = html`<span class="soft"> · <span data-text>${then}</span>${passes}</span>`;
  if (row.forecast === null) return html`<span class="soft">${t('early')}</span>${rest}`;
  if (used(row) === 0) return html`<span class="soft">${t('comesToUnused')}</span>${rest}`;
  const amount = amountOf(row.forecast, metric);
  if (row.runs_out_ms === null) return html`<span>${t('comesTo', { amount })}</span>${rest}`;
  return html`<span class="warn" title=${t('runsOutLong', { at: momentOf(row.runs_out_ms) })}>${t('runsOut', { ago: ago(row.runs_out_ms), amount })}</span>${rest}`;
}

/** What it refuses, and what is in doubt. @param {{row: Budget, refused: Refused, managed: string | null}} given */
function Trouble({ row, refused, managed }) {
  const { downgrade, metric } = full(row.budget);
  const over = row.state === 'used_up';
  const link = href('requests', { outcome: 'error', since: row.starts_at_ms, ...(row.key_id ? { key: row.key_id } : {}) });
  const told = refused.more ? t('refusedMany', { n: count(refused.n) }) : t('refused', { n: count(refused.n), one: refused.n === 1 });
  return html`${(over || refused.n > 0) && html`<div class=${`budget-note small ${over ? 'bad' : 'warn'}`}><${Icon} name="warning" size=${14} /><div class="grow">
      ${over && html`<p class="strong">${t('blocked', { who: row.of, model: downgrade, until: momentOf(row.resets_at_ms) })}</p>`}
      ${refused.n > 0 && html`<p>${told}. <a href=${link}>${t('seeRefused')}</a></p>`}</div>
      ${over && changeable(row, managed) === null && html`<${Button} onClick=${() => setQuery({ edit: row.id })}>${t('raise')}<//>`}</div>`}
    ${row.uncertain > 0 && html`<div class="budget-note small warn"><${Icon} name="warning" size=${14} /><div class="grow"><p class="strong">${t('uncertain', { amount: amountOf(row.uncertain, metric) })}</p><p>${t('uncertainText')}</p></div><${Release} row=${row} /></div>`}`;
}

/** @param {{row: Budget}} given */
function Release({ row }) {
  const [busy, setBusy] = useState(false);
  const { metric } = full(row.budget);
  const release = async () => {
    const sure = await confirm({ title: t('releaseTitle', { amount: amountOf(row.uncertain, metric), name: row.name }), text: t('releaseText'), action: t('release') });
    if (!sure) return;
    setBusy(true);
    try {
      const amount = await releaseBudget(row);
      say(amount > 0 ? t('released', { amount: amountOf(amount, metric), name: row.name }) : t('releasedNone'));
    } catch (error) {
      tell(error);
    }
    setBusy(false);
  };
  return html`<${Button} onClick=${release} busy=${busy} disabled=${!may('administer')} title=${may('administer') ? undefined : t('operatorsOnly')}>${t('release')}<//>`;
}

/** Why a budget cannot be changed here; null where it can. @param {Budget} row @param {string | null} managed */
export function changeable(row, managed) {
  if (!may('operate')) return t('operatorsOnly');
  if (row.of === 'gateway' && !may('administer')) return t('adminsOnly');
  return managed === null ? null : t('managed', { file: managed });
}

/** @param {{row: Budget, managed: string | null}} given */
function Actions({ row, managed }) {
  const why = changeable(row, managed);
  const times = { since: row.starts_at_ms, ...(row.key_id ? { key: row.key_id } : {}) };
  const items = [
    { label: t('requests'), icon: 'requests', href: href('requests', times) },
    { label: t('usage'), icon: 'usage', href: href('usage', { ...times, split: 'model' }) },
    row.key_id !== null && { label: t('openKey'), icon: 'keys', href: href(`keys/${encodeURIComponent(row.key_id)}`) },
    { label: t('remove'), icon: 'trash', danger: true, disabled: why !== null, onClick: () => removeBudget(row) },
  ];
  return html`<${Button} tone="quiet" icon="edit" disabled=${why !== null} title=${why ?? t('editOf', { name: row.name })} label=${t('editOf', { name: row.name })} onClick=${() => setQuery({ edit: row.id })} />
    <${Menu} items=${items} label=${t('more', { name: row.name })} />`;
}
