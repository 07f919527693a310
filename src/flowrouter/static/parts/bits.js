/**
 * The small things that every page shows: states, money, times, providers, things to copy.
 */

import { ago, duration, moment, money, percent } from '../core/format.js';
import { html, signal, useEffect, useState } from '../core/ui.js';
import { t } from '../strings/parts.js';
import { Icon } from './icons.js';

/** @typedef {'ok' | 'warn' | 'bad' | 'info' | 'accent' | 'plain'} Tone */

/** @param {{tone?: Tone, title?: string, data?: boolean, children?: any}} given `data`: the words are not ours. */
export function Chip({ tone = 'plain', title, data = false, children }) {
  return html`<span class="chip ${tone}" title=${title} translate=${data ? 'no' : undefined}>${children}</span>`;
}

/** A state as a dot; the word beside it is `label`, or hidden. @param {{state: 'ok' | 'warn' | 'bad' | 'off' | 'live', label?: string, title?: string}} given */
export function Dot({ state, label, title }) {
  return html`<span class="dot-state" title=${title}><span class="dot ${state}" aria-hidden="true"></span>${
    label ? html`<span>${label}</span>` : html`<span class="hidden">${t(`state_${state}`)}</span>`
  }</span>`;
}

/**
 * What of a limit is used, held and kept back.
 * @param {{used: number, limit: number, held?: number, reserve?: number, tone?: Tone, label: string}} given
 */
export function Bar({ used, limit, held = 0, reserve = 0, tone, label }) {
  const of = (/** @type {number} */ value) => `${limit > 0 ? Math.max(0, Math.min(100, (value / limit) * 100)) : 0}%`;
  const share = limit > 0 ? used / limit : 0;
  const colour = tone ?? (share >= 1 ? 'bad' : share >= 0.8 ? 'warn' : 'accent');
  return html`<span class="bar ${colour}" role="meter" aria-label=${label} aria-valuemin="0" aria-valuemax=${limit}
    aria-valuenow=${Math.min(used, limit)} aria-valuetext=${percent(share)}>
    <span class="used" style=${{ width: of(used) }}></span>
    ${held > 0 && html`<span class="held" style=${{ width: of(held) }}></span>`}
    ${reserve > 0 && html`<span class="reserve" style=${{ width: of(reserve) }}></span>`}
  </span>`;
}

/** Money of 10⁻¹² USD; `why` explains an unknown or estimated amount. @param {{pusd: number | null | undefined, estimated?: boolean, why?: string}} given */
export function Money({ pusd, estimated = false, why }) {
  const unknown = pusd === null || pusd === undefined;
  const title = why ?? (unknown ? t('unknownPrice') : undefined);
  return html`<span class="numbers" title=${title}>${estimated && !unknown ? '≈ ' : ''}${money(pusd)}</span>`;
}

/** Ticks twice a minute, for what is told relative to now. */
const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 15_000);

/** When something was, relative; exact behind the pointer. @param {{at: number | null | undefined}} given */
export function Time({ at }) {
  const told = at === null || at === undefined ? undefined : new Date(at).toISOString();
  return html`<time datetime=${told} title=${moment(at)}>${ago(at, Math.max(now.value, Date.now()))}</time>`;
}

/** What is left until a moment, counting down. @param {{at: number}} given */
export function Countdown({ at }) {
  const [left, setLeft] = useState(at - Date.now());
  useEffect(() => {
    const timer = setInterval(() => setLeft(at - Date.now()), 1000);
    return () => clearInterval(timer);
  }, [at]);
  return html`<time datetime=${new Date(at).toISOString()} title=${moment(at)}>${duration(Math.max(0, left))}</time>`;
}

/** A button that copies. @param {{text: string, label?: string}} given */
export function Copy({ text, label }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await copyText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  const said = done ? t('copied') : (label ?? t('copy'));
  return html`<button type="button" class="button quiet copy" onClick=${copy} title=${said} aria-label=${said}>
    <${Icon} name=${done ? 'check' : 'copy'} />${label && html`<span>${said}</span>`}</button>`;
}

/** Put a text on the clipboard, also where the page is not served over TLS. @param {string} text */
export async function copyText(text) {
  if (navigator.clipboard && isSecureContext) {
    try {
      return await navigator.clipboard.writeText(text);
    } catch {
      // It is not allowed here; the old way may be.
    }
  }
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const field = document.createElement('textarea');
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
  before?.focus({ preventScroll: true });
}

/** Text as it is, to read or copy. @param {{text: string, copy?: boolean, label?: string}} given */
export function Code({ text, copy = true, label }) {
  return html`<div class="code"><pre translate="no" tabindex="0" aria-label=${label}>${text}</pre>${copy && html`<${Copy} text=${text} />`}</div>`;
}

/** The colour that a provider has everywhere. @param {string | null | undefined} preset */
export function colourOf(preset) {
  let sum = 7;
  for (const letter of preset ?? '') sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  return `var(--c${(FIXED[preset ?? ''] ?? sum % 10) + 1})`;
}

/** The providers most often seen together stand far apart. @type {Record<string, number>} */
const FIXED = { openai: 2, anthropic: 1, google: 0, gemini: 0, local: 8, openrouter: 3, deepseek: 6, groq: 4, mistral: 7, azure: 9, xai: 5 };

/** A provider by its mark and name. @param {{preset: string | null | undefined, name?: string | null}} given */
export function Provider({ preset, name }) {
  const shown = name ?? preset;
  return html`<span class="provider cut"><span class="mark" style=${{ background: colourOf(preset) }} aria-hidden="true"></span
    ><span class="cut" translate="no">${shown ?? '—'}</span></span>`;
}

/** Keys to press. @param {{keys: string}} given such as `mod+k` or `g o` */
export function Kbd({ keys }) {
  const mac = /Mac|iP/.test(navigator.platform);
  const shown = keys.replace('mod+', mac ? '⌘' : 'Ctrl ').split(' ');
  return html`<span class="keys" translate="no">${shown.map((key) => html`<kbd>${key}</kbd>`)}</span>`;
}

/**
 * One figure with its label; `change` is against the period before, as a share.
 * @param {{label: string, value: any, hint?: any, change?: number | null, tone?: Tone, good?: 'up' | 'down' | null, href?: string}} given
 */
export function Stat({ label, value, hint, change, tone, good = null, href }) {
  const direction = change === null || change === undefined || Math.abs(change) < 0.005 ? null : change > 0 ? 'up' : 'down';
  const judged = direction === null || good === null ? 'soft' : direction === good ? 'ok' : 'bad';
  const content = html`<span class="label">${label}</span>
    <span class="value ${tone ?? ''}">${value}</span>
    <span class="hint">${direction && html`<span class=${judged}>${direction === 'up' ? '↑' : '↓'} ${percent(Math.abs(change ?? 0))}</span> `}${hint}</span>`;
  return href ? html`<a class="stat card" href=${href}>${content}</a>` : html`<div class="stat card">${content}</div>`;
}
