/**
 * The attempts of a request on an axis of time: one bar each, its phases, and what came of it at its end.
 */

import { millis } from '../../core/format.js';
import { html } from '../../core/ui.js';
import { Chip, Provider, colourOf } from '../../parts/bits.js';
import { t, told } from '../../strings/requests.js';

/**
 * @typedef {{phase: 'gateway' | 'wait' | 'head' | 'first' | 'stream' | 'failed', from: number, to: number}} Phase
 * @typedef {{number: number, account: string, preset: string, model: string, status: number | null, verdict: string,
 *   reason: string | null, trial: boolean, paused: number | null, started: number, ended: number, phases: Phase[]}} Attempt
 */

const FINE = new Set(['answered', 'ok']);
const CALM = new Set(['hedged', 'cancelled', 'open']);

/** Whether an attempt answered. @param {string} verdict */
export const answered = (verdict) => FINE.has(verdict);

/** @param {string} verdict @returns {'ok' | 'plain' | 'warn' | 'bad'} */
export const toneOf = (verdict) => (FINE.has(verdict) ? 'ok' : CALM.has(verdict) ? 'plain' : verdict === 'cut' ? 'warn' : 'bad');

/** What a verdict is called. @param {string} verdict */
export const verdictName = (verdict) => told(`verdict_${verdict}`) ?? t('verdict_other');

/**
 * Return what is drawn of a request.
 * @param {Record<string, any>} row @param {Record<string, string>} names Accounts by id.
 * @returns {{attempts: Attempt[], total: number}}
 */
export function attemptsOf(row, names) {
  const receipt = row['receipt'];
  /** @type {any[]} */
  const notes = receipt?.attempts?.length ? receipt.attempts : row['attempts'];
  const first = receipt?.first_content_ms ?? row['ttft_ms'];
  const total = Math.max(row['duration_ms'] ?? 0, receipt?.duration_ms ?? 0, ...notes.map((note) => note.started_ms + (note.duration_ms ?? 0)), 1);
  const last = notes.findLastIndex((note) => answered(note.verdict ?? note.outcome));
  const attempts = notes.map((note, index) => {
    const verdict = note.verdict ?? note.outcome;
    const started = note.started_ms;
    const ended = started + (note.duration_ms ?? Math.max(0, total - started));
    const speaks = answered(verdict) || verdict === 'cut' || verdict === 'cancelled';
    return {
      number: index + 1, account: note.account ?? names[note.account_id] ?? note.account_id, preset: note.preset, model: note.model,
      status: note.status, verdict, reason: note.reason ?? note.error ?? null, trial: note.trial ?? false, paused: note.paused_ms ?? null,
      started, ended, phases: phasesOf({ started, ended, head: note.head_ms ?? null, first: speaks && (index === last || last < 0) ? first : null, speaks }),
    };
  });
  return { attempts, total };
}

/**
 * @param {{started: number, ended: number, head: number | null, first: number | null, speaks: boolean}} times
 * @returns {Phase[]}
 */
function phasesOf({ started, ended, head, first, speaks }) {
  if (!speaks) return [{ phase: 'failed', from: started, to: ended }];
  const began = Math.min(ended, Math.max(started, head ?? first ?? ended));
  const spoke = Math.min(ended, Math.max(began, first ?? began));
  return /** @type {Phase[]} */ ([
    { phase: 'head', from: started, to: began },
    { phase: 'first', from: began, to: spoke },
    { phase: 'stream', from: spoke, to: ended },
  ]).filter(({ from, to }) => to > from);
}

/** Return round steps of an axis up to `total`. @param {number} total in milliseconds */
export function ticksOf(total) {
  const rough = total / 5;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * size >= rough) ?? 10) * size;
  return Array.from({ length: Math.floor(total / step + 1e-9) + 1 }, (_, index) => index * step);
}

/** @param {{row: Record<string, any>, names: Record<string, string>}} given */
export function Waterfall({ row, names }) {
  const { attempts, total } = attemptsOf(row, names);
  if (attempts.length === 0) return html`<p class="soft">${t('attemptsNone')}</p>`;
  const at = (/** @type {number} */ ms) => `${(100 * Math.max(0, Math.min(total, ms))) / total}%`;
  const ticks = ticksOf(total).filter((tick) => tick / total < 0.97);
  const used = new Set(attempts.flatMap(({ phases }) => phases.map(({ phase }) => phase)));
  const gaps = gapsOf(attempts, row['receipt']?.waited_ms ?? null);
  for (const gap of gaps) if (gap) used.add(gap.phase);
  return html`<div class="waterfall">
    <div class="waterfall-axis" aria-hidden="true"><span></span><div>${ticks.map((tick) => html`<span key=${tick} style=${{ left: at(tick) }}>${tick === 0 ? '0' : millis(tick)}</span>`)}</div></div>
    <ol>${attempts.map((attempt, index) => html`<${Line} key=${attempt.number} ...${{ attempt, at, ticks, gap: gaps[index] }} />`)}</ol>
    ${row['receipt']?.seams?.length > 0 && html`<${Seams} seams=${row['receipt'].seams} />`}
    ${row['receipt']?.not_completed && html`<p class="soft small wrap">${t.rich('notCompleted', { reason: html`<span translate="no">${row['receipt'].not_completed}</span>` })}</p>`}
    <p class="waterfall-legend soft small" aria-hidden="true">${[...used].map((phase) => html`<span key=${phase}><i class=${`phase ${phase}`}></i>${t(`phase_${phase}`)}</span>`)}</p>
  </div>`;
}

/**
 * Return what passed in front of each attempt: before the first one the gateway's own work, unless it is known to have waited.
 * @param {Attempt[]} attempts @param {number | null} waited @returns {(Phase | null)[]}
 */
function gapsOf(attempts, waited) {
  return attempts.map((attempt, index) => {
    const before = Math.max(0, ...attempts.slice(0, index).map(({ ended }) => ended));
    const gap = attempt.started - before;
    return gap > 0 ? { phase: index === 0 && (waited ?? 0) < gap / 2 ? 'gateway' : 'wait', from: before, to: attempt.started } : null;
  });
}

/** @param {{attempt: Attempt, at: (ms: number) => string, ticks: number[], gap: Phase | null | undefined}} given */
function Line({ attempt, at, ticks, gap }) {
  const { account, preset, model, status, verdict, reason, trial, paused, started, ended } = attempt;
  const said = t('barLong', { n: attempt.number, target: `${account}/${model}`, start: millis(started), time: millis(ended - started), verdict: verdictName(verdict) });
  const bar = (/** @type {Phase} */ { phase, from, to }) => html`<i class=${`phase ${phase}`} key=${phase} title=${`${t(`phase_${phase}`)}: ${millis(to - from)}`}
    style=${{ left: at(from), width: `calc(${at(to - from)} + 0.5px)`, '--of': colourOf(preset) }}></i>`;
  return html`<li>
    <div class="waterfall-name"><${Provider} preset=${preset} name=${account} /><span class="soft small cut" translate="no">${model}</span></div>
    <div class="waterfall-track" role="img" aria-label=${said}>${ticks.map((tick) => html`<b key=${tick} style=${{ left: at(tick) }}></b>`)}${gap && bar(gap)}${attempt.phases.map(bar)}</div>
    <div class="waterfall-end row wraps"><${Chip} tone=${toneOf(verdict)}>${verdictName(verdict)}${status !== null && html` <span class="numbers">${status}</span>`}<//>
      <span class="numbers soft small">${millis(ended - started)}</span>
      ${trial && html`<${Chip} tone="info">${t('trial')}<//>`}${paused !== null && html`<${Chip} tone="warn">${t('pauses', { time: millis(paused) })}<//>`}
      ${reason && html`<span class="soft small wrap grow" translate="no">${reason}</span>`}</div>
  </li>`;
}

/** @param {{seams: {at: number, way: string, account: string, model: string, reason: string}[]}} given */
function Seams({ seams }) {
  return html`<ul class="seams">${seams.map((seam, index) => html`<li key=${index} class="row wraps"><${Chip} tone="warn">${t('seamAt', { n: seam.at })}<//>
    <span class="small" translate="no">${seam.account}/${seam.model} · ${seam.way} · ${seam.reason}</span></li>`)}</ul>`;
}
