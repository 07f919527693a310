/**
 * One answer as it comes in: thinking, words, calls, what went wrong, and what it took. It alone is drawn while it grows.
 */

import { href } from '../../core/router.js';
import { html, useEffect, useLayoutEffect, useState } from '../../core/ui.js';
import { Chip } from '../../parts/bits.js';
import { Button } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { JsonTree } from '../../parts/json.js';
import { t } from '../../strings/playground.js';
import { again, busy } from './asking.js';
import { parsed } from './dialects/shapes.js';
import { Figures } from './figures.js';
import { Words } from './words.js';

/** @typedef {import('./store.js').Answer} Answer */
/** @typedef {import('./dialects/shapes.js').Part} Part */

const NEAR_END = 120;
let following = true;
let lastY = 0;
addEventListener('scroll', () => {
  // Only a person scrolls up; what grows below pushes nothing.
  const left = document.documentElement.scrollHeight - innerHeight - scrollY;
  if (left < NEAR_END) following = true;
  else if (scrollY < lastY - 2) following = false;
  lastY = scrollY;
}, { passive: true });

/** Show the end of the page again, as long as nobody has scrolled away from it. @param {boolean} [now] */
export function follow(now = false) {
  if (now) following = true;
  if (following) scrollTo(0, document.documentElement.scrollHeight);
}

/** @param {{step: Answer, exchange: import('./store.js').Exchange, lane: import('./store.js').Lane, last: boolean}} given */
export function AnswerView({ step, exchange, lane, last }) {
  const version = step.version.value;
  const live = step.state === 'waiting' || step.state === 'streaming';
  useLayoutEffect(() => {
    if (last && (live || step.row !== null)) follow();
  }, [version]);
  const { parts } = step.said;
  const written = parts.some(({ kind }) => kind !== 'thinking');
  return html`<article class="play-answer" aria-label=${t('answerOf', { model: step.model })} aria-busy=${live}>
    <header class="row small"><span class="mono cut soft" translate="no">${step.model}</span><span class="soft">·</span><span class="soft cut">${t(step.dialect)}</span></header>
    ${parts.map((part, index) => html`<${Piece} key=${index} part=${part} live=${live && index === parts.length - 1} thinks=${live && !written} />`)}
    ${step.state === 'waiting' && parts.length === 0 && html`<${Waiting} since=${step.began} />`}
    ${step.state === 'done' && parts.length === 0 && html`<p class="soft">${t('nothing')}</p>`}
    ${step.state === 'stopped' && html`<p class="soft small">${t('stopped')}</p>`}
    ${step.state === 'cut' && html`<p class="small warn">${t('cutOff')}</p>`}
    ${step.state === 'done' && html`<${Finish} finish=${step.said.finish} />`}
    ${step.error && html`<${Failed} ...${{ step, exchange, lane, last }} />`}
    ${!live && html`<${Figures} step=${step} />`}</article>`;
}

/** Nothing has come yet: says for how long. @param {{since: number}} given */
function Waiting({ since }) {
  const [tenths, setTenths] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTenths(Math.floor((performance.now() - since) / 1000)), 250);
    return () => clearInterval(timer);
  }, [since]);
  return html`<p class="soft play-waiting"><span class="caret" aria-hidden="true"></span>${tenths > 1 ? t('waitingSince', { s: tenths }) : t('waiting')}</p>`;
}

/** @param {{part: Part, live: boolean, thinks: boolean}} given */
function Piece({ part, live, thinks }) {
  if (part.kind === 'text') return html`<${Words} text=${part.text} live=${live} />`;
  if (part.kind === 'thinking') return html`<${Thinking} text=${part.text} live=${thinks} />`;
  if (part.kind === 'call') return html`<${Call} part=${part} live=${live} />`;
  if (part.kind === 'image') return html`<img class="play-image" src=${part.text.startsWith('data:') ? part.text : undefined} alt=${t('picture')} />`;
  if (part.kind === 'refusal') return html`<div class="play-refusal"><${Chip} tone="warn">${t('refusal')}<//><${Words} text=${part.text} /></div>`;
  return html`<div class="play-call"><${JsonTree} value=${parsed(part.text) ?? part.text} open=${1} tools=${false} /></div>`;
}

/** Closed until it is wanted; then it grows as it comes. @param {{text: string, live: boolean}} given */
function Thinking({ text, live }) {
  const [open, setOpen] = useState(false);
  return html`<details class="play-thinking" open=${open} onToggle=${(/** @type {any} */ event) => setOpen(event.target.open)}>
    <summary class="soft small">${live ? html`<span class="caret" aria-hidden="true"></span>` : null}<span>${t(live ? 'thinking' : 'thought')}</span></summary>
    ${open && html`<div class="soft"><${Words} text=${text} live=${live} /></div>`}</details>`;
}

/** A call that the model wants made. @param {{part: Part, live: boolean}} given */
function Call({ part, live }) {
  const value = parsed(part.text || '{}');
  return html`<div class="play-call"><p class="row"><${Icon} name="bolt" size=${14} /><span class="soft small">${t('call')}</span><code translate="no" class="cut">${part.name}</code></p>
    ${value === undefined || live ? html`<pre translate="no" class="wrap">${part.text}</pre>` : Object.keys(value).length > 0 && html`<${JsonTree} value=${value} open=${2} tools=${false} label=${t('arguments')} />`}</div>`;
}

const ORDINARY = ['stop', 'completed', 'end_turn', 'STOP', 'tool_calls', 'tool_use', 'stop_sequence', 'function_call'];
const CAPPED = ['length', 'max_output_tokens', 'max_tokens', 'MAX_TOKENS', 'model_context_window_exceeded'];

/** Why it ended, where that is not the ordinary way. @param {{finish: string | null}} given */
function Finish({ finish }) {
  if (finish === null || ORDINARY.includes(finish)) return null;
  return html`<p class="small warn">${t(CAPPED.includes(finish) ? 'capped' : 'ended')} <code translate="no">${finish}</code></p>`;
}

/** The failure in full, and what can be done about it. @param {{step: Answer, exchange: any, lane: any, last: boolean}} given */
function Failed({ step, exchange, lane, last }) {
  const { error } = step;
  const advice = adviceOf(error);
  return html`<div class="notice bad" role="alert"><${Icon} name="warning" /><div class="grow">
      <p class="row wraps"><span class="strong">${t(step.said.parts.length ? 'failedMidway' : 'failed')}</span>${error.status > 0 && error.status !== 200 && html`<${Chip} tone="bad" data>${error.status}<//>`}${error.code !== '' && html`<code translate="no">${error.code}</code>`}</p>
      <p class="wrap" translate="no">${error.message}</p>${error.fix && html`<p class="soft wrap" translate="no">${error.fix}</p>`}
      ${advice && html`<p class="soft">${advice.text}${advice.to && html` <a href=${advice.to}>${advice.label}</a>`}</p>`}</div>
    ${last && html`<${Button} icon="refresh" disabled=${busy.value > 0} onClick=${() => again(exchange, lane, step)}>${t('tryAgain')}<//>`}</div>`;
}

/** What to do, by what went wrong. @param {any} error @returns {{text: string, to?: string, label?: string} | null} */
function adviceOf({ status, code }) {
  if (/model_not_found|not_found|NOT_FOUND|model_disabled/.test(code) || status === 404) return { text: t('adviceModel'), to: href('models'), label: t('models') };
  if (/upstream_auth|upstream_billing/.test(code) || status === 401) return { text: t('adviceAccount'), to: href('providers'), label: t('providers') };
  if (/budget|unpriced/.test(code) || status === 402) return { text: t('adviceBudget'), to: href('budgets'), label: t('budgets') };
  if (status === 429 || /rate_limit|RESOURCE_EXHAUSTED|targets_paused/.test(code)) return { text: t('adviceLimit'), to: href('quotas'), label: t('quotas') };
  if (status === 0) return null;
  if (status >= 500) return { text: t('adviceProvider'), to: href('providers'), label: t('providers') };
  return status === 400 || status === 422 ? { text: t('adviceRequest'), to: href('playground', { view: 'as' }), label: t('view_as') } : null;
}
