/**
 * The flow picture: who asks whom, through which key and combo, alive while traffic passes.
 */

import { compact, count, money } from '../../core/format.js';
import { useSettled } from '../../core/live.js';
import { useData } from '../../core/resource.js';
import { href } from '../../core/router.js';
import { html, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../../core/ui.js';
import { colourOf, Dot } from '../../parts/bits.js';
import { Problem } from '../../parts/feedback.js';
import { Button, Select } from '../../parts/forms.js';
import { t } from '../../strings/overview.js';
import { bow, curve, FOLDED, layout } from './layout.js';
import { Pulses } from './pulses.js';

/** @typedef {import('./layout.js').Node} Node */
/** @typedef {import('./layout.js').Strand} Strand */
/** @typedef {import('./layout.js').Picture} Picture */

const NARROW = 620;
const MOST = 7;
/** The width of a letter in a node, in pixels. */
const LETTER = 6.6;
const FEW_ERRORS = 0.05;
const RELOAD_MS = 5_000;
const SOON_MS = 400;
const LEAST_MS = 1_500;
const LONGEST = 1440;
export const WINDOWS = [15, 60, 360, LONGEST];
const ANSWERED = new Set(['answered', 'ok', 'open', 'cancelled', 'hedged']);

/** @param {{minutes: number, onMinutes: (minutes: number) => void, standings: import('./states.js').Standing[]}} given */
export function Flow({ minutes, onMinutes, standings }) {
  const { data, error, reload } = useData('/api/usage/flow', { minutes }, { every: 30_000 });
  const kept = useRef(/** @type {any} */ (null));
  if (data) kept.current = data;
  const shown = data ?? kept.current;
  const known = useRef((/** @type {any} */ _row) => true);
  useReloads(reload, known);
  const choices = WINDOWS.map((value) => ({ value, label: t('window', { minutes: value }) }));
  return html`<section class="flow card" aria-label=${t('flow')}>
    <header class="row apart"><h2>${t('flow')}</h2><span class="flow-window"><${Select} value=${minutes} choices=${choices} onChange=${onMinutes} label=${t('windowLabel')} /></span></header>
    ${error && !shown && html`<${Problem} error=${error} retry=${reload} />`}
    <${Stage} flow=${shown} minutes=${minutes} standings=${standings} known=${known} onMinutes=${onMinutes} /></section>`;
}

/**
 * Read the sums again while requests are settled: soon where one went a way that is not on show, else now and then.
 * @param {() => Promise<void>} reload @param {{current: ((row: any) => boolean)}} known
 */
function useReloads(reload, known) {
  const again = useRef(reload);
  again.current = reload;
  const due = useRef({ timer: 0, at: Infinity, last: 0 });
  useSettled(
    useCallback((/** @type {any[]} */ rows) => {
      const mine = due.current;
      const wait = rows.every((row) => known.current(row)) ? RELOAD_MS : SOON_MS;
      const at = Math.max(Date.now() + wait, mine.last + LEAST_MS);
      if (at >= mine.at) return;
      clearTimeout(mine.timer);
      mine.at = at;
      mine.timer = setTimeout(() => {
        mine.at = Infinity;
        mine.last = Date.now();
        if (!document.hidden) void again.current();
      }, at - Date.now());
    }, []),
  );
  useEffect(() => () => clearTimeout(due.current.timer), []);
}

/** @param {{flow: any, minutes: number, standings: import('./states.js').Standing[], known: {current: (row: any) => boolean}, onMinutes: (minutes: number) => void}} given `known` is told which ways are on show. */
function Stage({ flow, minutes, standings, known, onMinutes }) {
  const box = useRef(/** @type {any} */ (null));
  const canvas = useRef(/** @type {any} */ (null));
  const [width, setWidth] = useState(0);
  const [at, setAt] = useState(/** @type {string | null} */ (null));
  useLayoutEffect(() => {
    const measure = () => setWidth(Math.floor(box.current.clientWidth));
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const idle = standings.filter(({ account }) => account.enabled).map(({ account: { id, name, preset, priority } }) => ({ id, name, preset, weight: priority }));
  const idleKey = idle.map(({ id, name }) => id + name).join();
  const picture = useMemo(
    () => (flow && width ? layout(flow.links, idle, { width, narrow: width < NARROW, most: MOST }) : null),
    [flow, idleKey, width],
  );
  known.current = (row) => picture === null || strandOf(row, picture) !== undefined;
  usePulses(canvas, picture);
  const states = new Map(standings.map((standing) => [standing.account.id, standing]));
  const since = flow?.since_ms ? flow.since_ms - (flow.since_ms % 60_000) : null;
  const height = picture?.height ?? 220;
  return html`<div class="flow-body" onPointerLeave=${() => setAt(null)}>
    <div class="flow-heads" aria-hidden="true">${picture?.kinds.map((kind) => html`<span key=${kind} style=${{ width: `${picture.nodes.flat()[0]?.width ?? 120}px` }}>${t(`column_${kind}`)}</span>`)}</div>
    <div class="flow-stage" ref=${box} style=${{ height: `${height}px` }} aria-busy=${picture === null || undefined}>
      ${picture && html`<svg width=${picture.width} height=${height} aria-hidden="true"><${Ribbons} picture=${picture} at=${at} setAt=${setAt} since=${since} /></svg>`}
      <canvas ref=${canvas} aria-hidden="true"></canvas>
      ${picture?.nodes.flat().map((node) => html`<${Box} key=${`${node.kind} ${node.id}`} node=${node} state=${node.kind === 'account' ? states.get(node.id) : undefined} since=${since} setAt=${setAt} />`)}
      ${picture && picture.strands.length === 0 && html`<div class="flow-none soft"><p>${t('noneInWindow', { minutes })}</p>${minutes < LONGEST && html`<${Button} onClick=${() => onMinutes(LONGEST)}>${t('showWindow', { minutes: LONGEST })}<//>`}</div>`}
    </div>
    <p class="flow-caption soft small" aria-live="off">${caption(picture, at, flow, minutes)}</p>
    ${picture && html`<${AsTable} flow=${flow} />`}</div>`;
}

/** @param {{picture: Picture, at: string | null, setAt: (at: string | null) => void, since: number | null}} given */
function Ribbons({ picture, at, setAt, since }) {
  return html`${picture.strands.map((strand) => html`<a key=${strand.id} href=${strandLink(strand, picture, since)} tabindex="-1"
      class=${`strand ${at !== null && !touches(strand, at) ? 'faint' : at !== null ? 'lit' : ''}`} onPointerEnter=${() => setAt(`strand\n${strand.id}`)}
      style=${{ stroke: strand.preset === null ? 'var(--line-strong)' : colourOf(strand.preset) }}>
      ${strand.pieces.map((piece, index) => html`<path key=${index} d=${curve(piece)} stroke-width=${strand.width} />`)}
      ${strand.width < 8 && strand.pieces.map((piece, index) => html`<path key=${`t${index}`} class="target" d=${curve(piece)} />`)}</a>`)}
    ${picture.notches.map((notch) => html`<g key=${notch.id} class=${`failing ${at !== null && !touches(notch, at) ? 'faint' : ''}`}>
      <path class="try" d=${curve(notch.piece)} />
      ${notch.detour && html`<path class="detour" d=${bow(notch.detour)} style=${{ stroke: colourOf(notch.preset) }} />`}
      <path class="notch" d=${`M${notch.piece.x1 - 7},${notch.piece.y1 - 5}l7,5l-7,5z`} /></g>`)}`;
}

/** @param {{node: Node, state?: import('./states.js').Standing | undefined, since: number | null, setAt: (at: string | null) => void}} given */
function Box({ node, state, since, setAt }) {
  const name = nameOf(node);
  const mine = `${node.kind}\n${node.id}`;
  const tall = node.height >= 44;
  const figures = node.idle ? t('idle') : t('nodeFigures', { n: node.requests, tokens: compact(node.tokens) });
  const bad = troubleOf(node);
  const short = bad ?? compact(node.tokens);
  const label = [name, figures, bad, state?.words].filter(Boolean).join(', ');
  return html`<a class=${`flow-node ${node.idle ? 'idle' : ''} ${tall ? 'tall' : ''}`} href=${nodeLink(node, since)} aria-label=${label}
      style=${{ left: `${node.x}px`, top: `${node.y}px`, width: `${node.width}px`, height: `${node.height}px` }}
      onPointerEnter=${() => setAt(mine)} onFocus=${() => setAt(mine)} onBlur=${() => setAt(null)}>
    ${node.kind === 'account' && node.id !== FOLDED && html`<span class="mark" style=${{ background: node.preset === null ? 'var(--line-strong)' : colourOf(node.preset) }} aria-hidden="true"></span>`}
    <span class="grow"><span class="row"><span class="cut grow" translate=${node.name === null || node.id === '' ? undefined : 'no'}>${name}</span>
      ${!tall && !node.idle && hasRoom(node, name + short) && html`<span class=${bad ? 'bad numbers' : 'soft numbers'}>${short}</span>`}${state && html`<${Dot} state=${state.state} title=${state.words} />`}</span>
      ${tall && html`<span class=${`cut flow-sums ${bad ? 'bad' : 'soft'}`}>${bad ?? figures}</span>`}</span></a>`;
}

/** What went wrong there, where it is worth a red word: any failed attempt at a provider, else errors that are more than a few. @param {Node} node */
function troubleOf(node) {
  if (node.kind === 'account' && node.failed > 0) return t('failedAttempts', { n: node.failed });
  return node.errors > node.requests * FEW_ERRORS ? t('errorsOf', { n: node.errors }) : null;
}

/** Whether a name and what stands beside it fit. @param {Node} node @param {string} text */
const hasRoom = (node, text) => node.width - (node.kind === 'account' ? 61 : 36) > text.length * LETTER;

/** @param {Node} node */
function nameOf(node) {
  if (node.id === FOLDED) return t('others', { n: node.folded });
  return node.name ?? t(`no_${node.kind}`);
}

/** @param {Node} node @param {number | null} since */
function nodeLink(node, since) {
  if (node.id === FOLDED || node.id === '') return href('requests', { since });
  return href('requests', { [node.kind]: node.id, since });
}

/** @param {Strand} strand @param {Picture} picture @param {number | null} since */
function strandLink(strand, picture, since) {
  const named = picture.kinds.map((kind, at) => [kind, strand.ids[at]]).filter(([, id]) => id !== FOLDED && id !== '');
  return href('requests', { ...Object.fromEntries(named), since });
}

/** Whether what the pointer is on belongs to a way. @param {{id: string, ids: string[]}} way @param {string} at */
function touches(way, at) {
  const cut = at.indexOf('\n');
  const [kind, id] = [at.slice(0, cut), at.slice(cut + 1)];
  if (kind === 'strand') return way.id === id;
  const column = way.ids.length === 2 ? (kind === 'client' ? 0 : 1) : -1;
  return column >= 0 ? way.ids[column] === id : way.ids.includes(id);
}

/** @param {Picture | null} picture @param {string | null} at @param {any} flow @param {number} minutes */
function caption(picture, at, flow, minutes) {
  if (!picture) return '\u00a0';
  const strands = at === null ? picture.strands : picture.strands.filter((strand) => touches(strand, at));
  const sum = (/** @type {(strand: Strand) => number} */ of) => strands.reduce((all, strand) => all + of(strand), 0);
  const figures = t('sums', { n: sum((strand) => strand.requests), tokens: compact(sum((strand) => strand.tokens)), money: money(sum((strand) => strand.charge)) });
  const errors = sum((strand) => strand.errors);
  const failed = sum((strand) => strand.failed);
  const more = [errors ? t('errorsOf', { n: errors }) : '', failed ? t('failedAttempts', { n: failed }) : ''].filter(Boolean).map((text) => html` · <span class="bad">${text}</span>`);
  const one = at?.startsWith('strand\n') ? strands[0] : undefined;
  const names = one && one.ids.map((id, column) => picture.nodes[column]?.find((node) => node.id === id)).filter((node) => node !== undefined);
  const where = names ? html`<span translate="no">${names.map(nameOf).join(' → ')}</span> · ` : '';
  return html`${where}${figures}${more}${at === null ? html` · ${t('window', { minutes })}${flow?.truncated ? html` · ${t('truncated', { n: count(flow.sampled) })}` : ''}` : ''}`;
}

/** The same for whoever cannot see it. @param {{flow: any}} given */
function AsTable({ flow }) {
  return html`<div class="hidden"><table><caption>${t('flow')}</caption><thead><tr>${['client', 'key', 'combo', 'account'].map((kind) => html`<th key=${kind} scope="col">${t(/** @type {any} */ (`column_${kind}`))}</th>`)}
    <th scope="col">${t('requests')}</th><th scope="col">${t('tokens')}</th><th scope="col">${t('errors')}</th><th scope="col">${t('attemptsFailed')}</th></tr></thead>
    <tbody>${flow.links.slice(0, 50).map((/** @type {any} */ link, /** @type {number} */ index) => html`<tr key=${index}><td translate="no">${link.client}</td><td translate="no">${link.key}</td><td translate="no">${link.combo}</td>
      <td translate="no">${link.account}</td><td>${count(link.requests)}</td><td>${count(link.tokens)}</td><td>${count(link.errors)}</td><td>${count(link.failed_attempts)}</td></tr>`)}</tbody></table></div>`;
}

/** Let a pulse run for each settled request. @param {{current: any}} canvas @param {Picture | null} picture */
function usePulses(canvas, picture) {
  const shown = useRef(picture);
  shown.current = picture;
  const pulses = useRef(/** @type {Pulses | null} */ (null));
  useEffect(() => {
    pulses.current = new Pulses(canvas.current);
    return () => pulses.current?.stop();
  }, []);
  const [width, height] = [picture?.width, picture?.height];
  useEffect(() => {
    if (width && height) pulses.current?.resize(width, height);
  }, [width, height]);
  useSettled(
    useCallback((/** @type {any[]} */ rows) => {
      const at = shown.current;
      if (at === null || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
      for (const row of rows.slice(-24)) pulses.current?.add(legsOf(row, at), row.preset, (row.input_tokens ?? 0) + (row.output_tokens ?? 0));
    }, []),
  );
}

/** @param {any} row @param {Picture} picture */
function strandOf(row, picture) {
  const id = picture.place(row).join('\n');
  return picture.strands.find((strand) => strand.id === id);
}

/** Return the way a request took: to where it failed first, around, and through. @param {any} row @param {Picture} picture @returns {import('./pulses.js').Leg[]} */
function legsOf(row, picture) {
  const strand = strandOf(row, picture);
  if (!strand) return [];
  const { ids } = strand;
  const failed = (row.attempts ?? []).findLast((/** @type {any} */ attempt) => !ANSWERED.has(attempt.outcome));
  const notch = failed && picture.notches.find((one) => one.ids.at(-2) === ids.at(-2) && one.ids.at(-1) === picture.place({ ...row, account_id: failed.account_id }).at(-1));
  const last = strand.pieces.at(-1);
  if (!notch || !last) return strand.pieces;
  const around = { x0: notch.piece.x1, y0: notch.piece.y1, x1: last.x1, y1: last.y1, bow: true };
  return [...strand.pieces.slice(0, -1), { ...notch.piece, failed: true }, around];
}

