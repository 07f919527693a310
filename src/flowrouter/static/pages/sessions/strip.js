/**
 * The turns of a session as columns: how the context grew, what the cache had of it, what each cost, which tools ran.
 */

import { compact, count, money, percent } from '../../core/format.js';
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../../core/ui.js';
import { t } from '../../strings/sessions.js';
import { failed, readOf } from './bill.js';

/** @typedef {import('./bill.js').Turn} Turn */

const WIDEST = 40;
const NARROWEST = 7;
const GAP = 2;
/** Heights of the rows, in pixels. */
const CONTEXT = 84;
const CACHE = 26;
const COST = 44;
const TOOLS = 14;

/** @param {{turns: Turn[], at: string | null, onPoint: (id: string) => void, onOpen: (id: string) => void}} given */
export function Strip({ turns, at, onPoint, onOpen }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [room, setRoom] = useState(1000);
  const index = turns.findIndex((turn) => turn['id'] === at);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const watcher = new ResizeObserver(() => setRoom(element.clientWidth));
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  useEffect(() => {
    if (box.current) box.current.scrollLeft = box.current.scrollWidth;
  }, [turns.length]);
  const chosen = turns[index];
  const step = (/** @type {KeyboardEvent} */ event) => {
    const places = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: turns.length - 1 };
    if (event.key === 'Enter' && chosen) onOpen(chosen['id']);
    else if (event.key in places) {
      const next = turns[Math.max(0, Math.min(turns.length - 1, places[/** @type {keyof typeof places} */ (event.key)]))];
      if (next) onPoint(next['id']);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<div class="strip" style=${{ '--context': `${CONTEXT}px`, '--cache': `${CACHE}px`, '--cost': `${COST}px`, '--tools': `${TOOLS}px` }}>
    <div class="strip-names small soft" aria-hidden="true"><span>${t('rowContext')}</span><span>${t('rowCache')}</span><span>${t('rowCost')}</span><span>${t('rowTools')}</span></div>
    <div class="strip-scroll" ref=${box} tabindex="0" role="slider" aria-label=${t('stripLong')} aria-valuemin="1" aria-valuemax=${turns.length} aria-valuenow=${index + 1}
      aria-valuetext=${chosen ? saying(chosen) : undefined} onKeyDown=${step}><${Columns} turns=${turns} room=${room} at=${at} onPoint=${onPoint} onOpen=${onOpen} /></div></div>
    <div class="strip-said small" aria-hidden="true">${chosen && html`<${Told} turn=${chosen} />`}</div>
    <p class="waterfall-legend soft small" aria-hidden="true"><span><i class="phase strip-hit"></i>${t('hit')}</span><span><i class="phase strip-fresh"></i>${t('fresh')}</span><span><i class="phase strip-miss"></i>${t('miss')}</span><span><i class="phase strip-wrote"></i>${t('wrote')}</span></p>`;
}

/** What a turn was, in one line. @param {Turn} turn */
function saying(turn) {
  return [t('turnN', { n: turn['number'] }), `${t('rowContext')} ${compact(readOf(turn))}`, `${t('rowCache')} ${percent(readOf(turn) ? turn['cached_tokens'] / readOf(turn) : 0)}`, `${t('rowCost')} ${money(turn['charge_pusd'])}`].join(', ');
}

/** @param {{turn: Turn}} given */
function Told({ turn }) {
  const piece = (/** @type {string} */ label, /** @type {any} */ value) => html`<span><span class="soft">${label}</span> <span class="numbers">${value}</span></span>`;
  return html`<strong>${t('turnN', { n: turn['number'] })}</strong>${piece(t('fresh'), count(turn['fresh_tokens']))}${piece(t('hit'), count(turn['cached_tokens']))}${piece(t('output'), count(turn['output_tokens']))}${piece(t('cost'), money(turn['charge_pusd']))}
    ${turn['missed_tokens'] > 0 && html`<span class="warn">${t('missedTokens', { n: count(turn['missed_tokens']) })}</span>`}${turn['tool'] && html`<span><span class="soft">${t('tool')}</span> <span translate="no">${turn['tool']}</span></span>`}
    ${failed(turn) && html`<span class="bad">${t('cause_failed')}</span>`}`;
}

/** @param {{turns: Turn[], room: number, at: string | null, onPoint: (id: string) => void, onOpen: (id: string) => void}} given */
function Columns({ turns, room, at, onPoint, onOpen }) {
  const wide = Math.max(NARROWEST, Math.min(WIDEST, Math.floor((10 * room) / turns.length) / 10));
  const parts = useMemo(() => drawn(turns, wide), [turns, wide]);
  const place = turns.findIndex((turn) => turn['id'] === at);
  const turnAt = (/** @type {any} */ event) => turns[Math.max(0, Math.min(turns.length - 1, Math.floor((event.clientX - event.currentTarget.getBoundingClientRect().left) / wide)))];
  const height = CONTEXT + CACHE + COST + TOOLS + 30;
  return html`<svg width=${turns.length * wide} height=${height} aria-hidden="true" onPointerMove=${(/** @type {any} */ event) => onPoint(turnAt(event)?.['id'])} onClick=${(/** @type {any} */ event) => onOpen(turnAt(event)?.['id'])}>
    ${place >= 0 && html`<rect class="strip-at" x=${place * wide} y="0" width=${wide} height=${height} />`}${parts}</svg>`;
}

/** @param {Turn[]} turns @param {number} wide */
function drawn(turns, wide) {
  const mostRead = Math.max(...turns.map((turn) => readOf(turn) + turn['output_tokens']), 1);
  const mostCost = Math.max(...turns.map((turn) => turn['charge_pusd'] ?? 0), 1);
  const tops = { cache: CONTEXT + 10, cost: CONTEXT + CACHE + 20, tools: CONTEXT + CACHE + COST + 28 };
  return turns.map((turn, index) => {
    const x = index * wide + GAP / 2;
    const width = wide - GAP;
    const share = readOf(turn) ? turn['cached_tokens'] / readOf(turn) : 0;
    const missed = Math.min(turn['missed_tokens'], turn['fresh_tokens']);
    let y = CONTEXT;
    const stacked = (/** @type {string} */ name, /** @type {number} */ tokens) => {
      const tall = (tokens / mostRead) * CONTEXT;
      y -= tall;
      return tall > 0 && html`<rect class=${name} x=${x} y=${y} width=${width} height=${tall} />`;
    };
    const cost = ((turn['charge_pusd'] ?? 0) / mostCost) * COST;
    return html`<g key=${turn['id']}>${stacked('strip-hit', turn['cached_tokens'])}${stacked('strip-miss', missed)}${stacked('strip-fresh', turn['fresh_tokens'] - missed)}${stacked('strip-wrote', turn['output_tokens'])}
      ${failed(turn) && html`<rect class="strip-failed" x=${x} y=${CONTEXT - 3} width=${width} height="3" />`}
      <rect class="strip-empty" x=${x} y=${tops.cache} width=${width} height=${CACHE} /><rect class="strip-hit" x=${x} y=${tops.cache + CACHE * (1 - share)} width=${width} height=${CACHE * share} />
      <rect class="strip-cost" x=${x} y=${tops.cost + COST - cost} width=${width} height=${Math.max(cost, 1)} />
      ${turn['tool'] && html`<circle class="strip-tool" cx=${x + width / 2} cy=${tops.tools + 6} r=${Math.min(4, width / 2)} />`}</g>`;
  });
}
