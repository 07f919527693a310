/**
 * A conversation as people read it: who said what, what was called, what came back.
 */

import { html, useState } from '../../core/ui.js';
import { Chip } from '../../parts/bits.js';
import { JsonTree } from '../../parts/json.js';
import { t, told } from '../../strings/requests.js';

/** @typedef {import('./reading-parts.js').Part} Part */
/** @typedef {import('./reading-parts.js').Message} Message */

const LONG = 1_500;

/**
 * @param {{asked: import('./reading-parts.js').Asked | null, answer: Message | null}} given
 */
export function Conversation({ asked, answer }) {
  if (asked === null && answer === null) return html`<p class="soft">${t('unreadable')}</p>`;
  const settings = Object.entries(asked?.settings ?? {});
  return html`<div class="conversation">
    ${asked && (asked.tools.length > 0 || settings.length > 0) && html`<details><summary class="soft small"><span>${t('settingsSent')}</span>${asked.tools.length > 0 && html` <span>· ${t('toolsOffered', { n: asked.tools.length })}</span>`}</summary>
      <div class="column">${asked.tools.length > 0 && html`<div class="row wraps">${asked.tools.map((name, index) => html`<${Chip} key=${index} data>${name}<//>`)}</div>`}
        ${settings.length > 0 && html`<${JsonTree} value=${asked.settings} open=${1} />`}</div></details>`}
    ${asked?.messages.map((message, index) => html`<${Said} key=${index} message=${message} />`)}
    ${answer && html`<${Said} message=${answer} last />`}</div>`;
}

/** One message. @param {{message: Message, last?: boolean}} given */
export function Said({ message, last = false }) {
  const role = told(`role_${message.role}`);
  return html`<article class=${`said ${message.role} ${last ? 'last' : ''}`}><h3 class="small soft">${role ?? html`<span translate="no">${message.role}</span>`}</h3>
    <div class="column">${message.parts.length === 0 && html`<p class="soft small">${t('nothingYet')}</p>`}${message.parts.map((part, index) => html`<${Piece} key=${index} part=${part} />`)}</div></article>`;
}

/** @param {{part: Part}} given */
function Piece({ part }) {
  switch (part.kind) {
    case 'text': return html`<${Words} text=${part.text ?? ''} />`;
    case 'thinking': return part.text === undefined ? html`<p class="soft small">${t('thinkingHidden')}</p>` : html`<details class="thinking"><summary class="soft small">${t('thinking')}</summary><${Words} text=${part.text} /></details>`;
    case 'image': return part.source ? html`<img class="said-picture" src=${part.source} alt=${t('image')} />` : html`<p class="row"><${Chip}>${t('image')}<//><span class="small wrap" translate="no">${part.text}</span></p>`;
    case 'call': return html`<div class="said-call"><p class="row"><${Chip} tone="accent">${t('call')}<//><code translate="no">${part.name}</code></p>${part.value !== undefined && html`<${JsonTree} value=${part.value} open=${2} tools=${false} />`}</div>`;
    case 'result': return html`<div class="said-call"><p class="row"><${Chip}>${t('result')}<//><code translate="no" class="cut">${part.name ?? part.id}</code></p><${Words} text=${part.text ?? ''} mono /></div>`;
    case 'refusal': return html`<div class="row"><${Chip} tone="warn">${t('refusal')}<//><${Words} text=${part.text ?? ''} /></div>`;
    case 'error': return html`<div class="row"><${Chip} tone="bad">${t('answerError')}<//><${Words} text=${part.text ?? ''} /></div>`;
    case 'other': return html`<div class="said-call"><p><${Chip}>${t('other')}<//></p><${JsonTree} value=${part.value} open=${1} /></div>`;
    default: return html`<p class="row wraps"><${Chip}>${t(part.kind)}<//><span class="small wrap" translate="no">${part.name ?? part.media ?? ''}</span>${part.text && html`<${Words} text=${part.text} mono />`}</p>`;
  }
}

/** Text as it was written; what is long is cut until it is wanted. @param {{text: string, mono?: boolean}} given */
function Words({ text, mono = false }) {
  const [whole, setWhole] = useState(text.length <= LONG);
  const shown = whole || text.length <= LONG ? text : `${text.slice(0, LONG)}…`;
  return html`<div class=${`words wrap ${mono ? 'mono' : ''}`} translate="no">${shown}</div>${text.length > LONG && html`<button type="button" class="button quiet" onClick=${() => setWhole(!whole)}>${t(whole ? 'less' : 'more')}</button>`}`;
}
