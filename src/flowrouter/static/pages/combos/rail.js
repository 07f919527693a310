/**
 * A plan as a vertical rail: who is tried, in which order, and who is left out and why.
 */

import { compact, millis, percent, timeOf } from '../../core/format.js';
import { href } from '../../core/router.js';
import { html } from '../../core/ui.js';
import { Chip, Money, colourOf } from '../../parts/bits.js';
import { Icon } from '../../parts/icons.js';
import { t } from '../../strings/combos.js';

/** @typedef {Record<string, any>} Plan What `/api/plan` answers. */

/** @param {{plan: Plan, quiet?: boolean}} given `quiet`: without the sentence above. */
export function Rail({ plan, quiet = false }) {
  const out = plan['notes'].filter((/** @type {any} */ note) => !note.taken);
  return html`<div class="plan">${!quiet && html`<${Verdict} plan=${plan} />`}
    ${plan['targets'].length > 0 && html`<ol class="rail-targets" aria-label=${t('order')}>${plan['targets'].map((/** @type {any} */ target, /** @type {number} */ index) =>
      html`<${Target} key=${`${target.account_id} ${target.model} ${target.dialect}`} target=${target} index=${index} />`)}</ol>`}
    ${out.length > 0 && html`<h3 class="soft">${t('leftOut')}</h3><ul class="rail-targets out">${out.map((/** @type {any} */ note, /** @type {number} */ index) => html`<${Out} key=${index} note=${note} />`)}</ul>`}
    <${Why} plan=${plan} /></div>`;
}

/** The answer in one sentence. @param {{plan: Plan}} given */
function Verdict({ plan }) {
  const [first, ...others] = plan['targets'];
  if (!first) {
    const names = plan['suggestions'].map((/** @type {string} */ name, /** @type {number} */ index) => html`${index ? ', ' : ''}<a href=${href(`models/${encodeURIComponent(name)}`)} translate="no">${name}</a>`);
    return html`<p class="plan-verdict"><span class="strong bad">${t('nobody')}</span> ${names.length > 0 && html`<span data-text>${t.rich('closest', { names })}</span>`}</p>`;
  }
  const target = html`<span class="wrap" translate="no">${first.account}/${first.model}</span>`;
  const stuck = first.pause && !first.on_trial;
  return html`<p class="plan-verdict"><span class="strong" data-text>${t.rich(stuck ? 'answersAfter' : 'answers', { target })}</span>
    <span class="soft"> ${others.length ? t('standBy', { n: others.length }) : t('alone')}</span></p>`;
}

/** @param {{target: any, index: number}} given */
function Target({ target, index }) {
  const paused = target.pause && !target.on_trial;
  const until = target.paused_until_ms ? t('pauseUntil', { time: timeOf(target.paused_until_ms) }) : t('pauses');
  return html`<li class=${paused ? 'paused' : ''}><span class="rail-dot" aria-hidden="true">${index + 1}</span>
    <div class="grow column"><span class="row rail-name"><span class="mark" style=${{ background: colourOf(target.preset) }} aria-hidden="true"></span><a class="cut" translate="no" href=${href(`providers/${encodeURIComponent(target.account_id)}`)}>${target.account}</a><span class="cut mono" translate="no" title=${target.model}>${target.model}</span></span>
      <span class="row wraps rail-marks">
        ${target.bill_pusd !== null && html`<span class="small"><${Money} pusd=${target.bill_pusd} estimated why=${t('estimateHint')} /></span>`}
        ${target.pause && html`<${Chip} tone="warn" title=${until}><span translate="no">${target.pause}</span><//><span class="soft small">${target.on_trial ? t('trial') : until}</span>`}
        ${target.fits === false && html`<${Chip} tone="bad">${t('tooLong')}<//>`}
        ${target.lane === 'translate' && html`<span class="soft small" title=${t('translatedHint')}>${t('translated')}</span>`}
        ${target.context_window !== null && html`<span class="soft small">${t('window', { n: compact(target.context_window) })}</span>`}
        ${target.first_token_ms !== null && html`<span class="soft small">${t('firstToken', { time: millis(target.first_token_ms) })}</span>`}
        ${target.in_flight_share > 0 && html`<span class="soft small">${t('busy', { share: percent(target.in_flight_share) })}</span>`}</span></div></li>`;
}

/** @param {{note: any}} given */
function Out({ note }) {
  const name = [note.account, note.model].filter(Boolean).join('/');
  return html`<li><span class="rail-dot" aria-hidden="true"><${Icon} name="close" size=${9} /></span><div class="grow column"><span class="mono wrap" translate="no">${name}</span><span class="soft small wrap" translate="no">${note.reason}</span></div></li>`;
}

/** @param {{plan: Plan}} given */
function Why({ plan }) {
  return html`<details class="plan-why"><summary class="soft small">${t('why')}</summary><div class="column small soft">
    <p>${t.rich('foundBy', { step: html`<span translate="no">${plan['step']}</span>` })}</p>
    ${plan['input_tokens'] !== null && html`<p>${t('sizeTold', { tokens: compact(plan['input_tokens']) })}</p>`}
    ${plan['reasons'].map((/** @type {string} */ reason) => html`<p class="wrap" translate="no" key=${reason}>${reason}</p>`)}</div></details>`;
}
