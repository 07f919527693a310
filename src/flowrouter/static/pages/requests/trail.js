/**
 * Why a request went where it went, and what became of its fields on the way.
 */

import { html } from '../../core/ui.js';
import { Chip } from '../../parts/bits.js';
import { Section } from '../../parts/page.js';
import { t, told } from '../../strings/requests.js';
import { answered, attemptsOf, toneOf, verdictName } from './waterfall.js';

/** @typedef {Record<string, any>} Row */

/** How the target was found: the rule, the plan in its order, and who was passed over. @param {{row: Row, names: Record<string, string>}} given */
export function Trail({ row, names }) {
  const route = row['receipt']?.route;
  if (!route) return html`<${Section} card title=${t('why')}><p class="soft">${t('noRoute')}</p><//>`;
  const { attempts } = attemptsOf(row, names);
  const verdicts = new Map(attempts.map((attempt) => [`${attempt.account}/${attempt.model}`, attempt.verdict]));
  return html`<${Section} card title=${t('why')}>
    <dl class="facts"><dt>${t('rule')}</dt><dd translate="no">${route.step}</dd>${route.strategy && html`<dt>${t('strategy')}</dt><dd translate="no">${route.strategy}</dd>`}</dl>
    ${route.reasons.length > 0 && html`<ul class="plain small">${route.reasons.map((/** @type {string} */ reason) => html`<li class="wrap" translate="no">${reason}</li>`)}</ul>`}
    ${route.reasons.length === 0 && route.order.length === 1 && html`<p class="soft small">${t('onlyTarget')}</p>`}
    <ol class="trail" aria-label=${t('plan')}>${route.order.map((/** @type {string} */ target, /** @type {number} */ place) => html`<${Stop} key=${place} target=${target} verdict=${verdicts.get(target)} />`)}</ol>
    ${route.left_out.length > 0 && html`<h3>${t('leftOut')}</h3><ul class="trail out">${route.left_out.map((/** @type {any} */ one, /** @type {number} */ index) => html`<li key=${index} class="off">
      <span class="wrap" translate="no">${one.model ? `${one.account}/${one.model}` : one.account}</span><span class="soft small wrap" translate="no">${one.reason}</span></li>`)}</ul>`}
  <//>`;
}

/** @param {{target: string, verdict: string | undefined}} given */
function Stop({ target, verdict }) {
  const state = verdict === undefined ? 'off' : answered(verdict) ? 'ok' : toneOf(verdict);
  return html`<li class=${state}><span class="wrap" translate="no">${target}</span><span class="soft small">${verdict === undefined ? t('notReached') : verdictName(verdict)}</span></li>`;
}

const FATES = /** @type {const} */ (['refused', 'dropped', 'emulated', 'approximated', 'mapped', 'passed']);
/** @type {Record<string, 'ok' | 'warn' | 'bad' | 'info' | 'plain'>} */
const TONES = { refused: 'bad', dropped: 'warn', emulated: 'info', approximated: 'info', mapped: 'plain', passed: 'plain' };

/** What became of each field, and what was lost on either way. @param {{row: Row}} given */
export function Fates({ row }) {
  const receipt = row['receipt'];
  const lane = row['lane'];
    const actions = lane && html`<${Chip} tone=${lane === 'translate' ? 'info' : 'plain'}>${told(`lane_${lane}`)}<//>`;
  const groups = FATES.map((fate) => ({ fate, fields: (receipt?.fields ?? []).filter((/** @type {any} */ one) => one.fate === fate) })).filter(({ fields }) => fields.length);
  return html`<${Section} card title=${t('fate')} actions=${actions}>
    ${row['dialect'] && row['dialect'] !== row['client_dialect'] && html`<p class="soft small">${t.rich('fateLead', { from: told(row['client_dialect']) ?? row['client_dialect'], to: told(row['dialect']) ?? row['dialect'] })}</p>`}
    ${groups.length === 0 && html`<p class="soft">${lane === 'passthrough' ? t('allPassed') : t('noFields')}</p>`}
    ${groups.map(({ fate, fields }) => html`<div class="fates" key=${fate}><h3 class="small">${t(fate)} <span class="soft numbers">${fields.length}</span></h3><div class="row wraps">${fields.map((/** @type {any} */ one) => html`<${Chip}
      key=${one.field} tone=${TONES[fate]} title=${one.rules.length ? one.rules.join('\n') : undefined} data>${one.field}<//>`)}</div></div>`)}
    <${Losses} title=${t('lossesRequest')} losses=${receipt?.request_losses ?? []} /><${Losses} title=${t('lossesReply')} losses=${receipt?.reply_losses ?? []} />
  <//>`;
}

/** @param {{title: string, losses: {path: string, kind: string, reason: string}[]}} given */
function Losses({ title, losses }) {
  if (losses.length === 0) return null;
  return html`<h3 class="small">${title}</h3><ul class="losses">${losses.map((loss, index) => html`<li key=${index}><code class="wrap" translate="no">${loss.path}</code>
    <${Chip} tone=${TONES[loss.kind] ?? 'info'}>${told(loss.kind) ?? loss.kind}<//><span class="soft small wrap" translate="no">${loss.reason}</span></li>`)}</ul>`;
}
