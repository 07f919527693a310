/**
 * What an answer took: time, tokens, cost, who gave it, what was left out; and how two answers differ.
 */

import { compact, count, figure, millis, money, percent } from '../../core/format.js';
import { href } from '../../core/router.js';
import { html } from '../../core/ui.js';
import { Chip, Money } from '../../parts/bits.js';
import { t } from '../../strings/playground.js';

/** @typedef {import('./store.js').Answer} Answer */

/** Tokens written in a second, once there was something to read. @param {Answer} step */
function pace(step) {
  const { first, took } = step;
  const usage = usageOf(step);
  if (first === null || took === null || !usage || took - first < 50) return null;
  return usage.output / ((took - first) / 1000);
}

/** @param {Answer} step */
const costOf = ({ row }) => row?.['cost_pusd'] ?? null;

/** What was counted: by the provider, else by the request log. @param {Answer} step @returns {import('./dialects/shapes.js').Usage | null} */
function usageOf({ said, row }) {
  if (said.usage || !row || row['input_tokens'] === null) return said.usage;
  const [cached, reasoning] = [row['cache_read_tokens'] ?? 0, row['reasoning_tokens'] ?? 0];
  return { input: (row['input_tokens'] ?? 0) + cached + (row['cache_write_tokens'] ?? 0), cached, output: (row['output_tokens'] ?? 0) + reasoning, reasoning };
}

/** @param {{step: Answer}} given */
export function Figures({ step }) {
  const { first, took, target, requestId, losses, row } = step;
  const speed = pace(step);
  const usage = usageOf(step);
  return html`<footer class="play-figures soft small numbers">
    ${step.stream && first !== null && html`<span title=${t('firstLong')}>${t('first', { time: millis(first) })}</span>`}
    <span title=${t('tookLong')}>${t('took', { time: millis(took) })}</span>
    ${usage && html`<span title=${t('usageLong', { input: count(usage.input), cached: count(usage.cached), output: count(usage.output), reasoning: count(usage.reasoning) })}>${t('usage', { input: compact(usage.input), output: compact(usage.output) })}</span>`}
    ${speed !== null && html`<span>${t('pace', { n: figure(speed) })}</span>`}
    ${requestId && (row ? html`<span><${Money} pusd=${row['cost_pusd']} estimated=${row['usage_estimated'] === true} /></span>` : html`<span title=${t('costComing')}>…</span>`)}
    ${target && html`<span class="cut" translate="no" title=${target}>${target}</span>`}
    ${losses.length > 0 && html`<${Chip} tone="warn" title=${t('lossesLong', { names: losses.join(', ') })}>${t('losses', { names: losses.join(', ') })}<//>`}
    ${requestId && html`<a href=${href(`requests/${requestId}`)}>${t('request')}</a>`}</footer>`;
}

/** @typedef {{id: string, values: (number | null)[], show: (value: number | null) => string, less: boolean}} Row `less`: less is better. */

/** @param {Answer} one @param {Answer} other @returns {Row[]} */
function rowsOf(one, other) {
  const both = [one, other];
  const of = (/** @type {(step: Answer) => number | null | undefined} */ read) => both.map((step) => read(step) ?? null);
  return [
    { id: 'first', values: of((step) => (step.stream ? step.first : null)), show: millis, less: true },
    { id: 'took', values: of((step) => step.took), show: millis, less: true },
    { id: 'output', values: of((step) => usageOf(step)?.output), show: count, less: true },
    { id: 'pace', values: of(pace), show: (value) => (value === null ? '—' : t('pace', { n: figure(value) })), less: false },
    { id: 'cost', values: of(costOf), show: money, less: true },
  ];
}

/** How two answers to one question differ, in figures. @param {{one: Answer, other: Answer}} given */
export function Differences({ one, other }) {
  // Costs come after the answers.
  void [one.version.value, other.version.value];
  return html`<div class="play-differences card"><table><caption class="hidden">${t('differences')}</caption>
    <thead><tr><th>${t('differences')}</th><th class="end"><span class="mono cut" translate="no">${one.model}</span></th><th class="end"><span class="mono cut" translate="no">${other.model}</span></th><th class="end">${t('difference')}</th></tr></thead>
    <tbody>${rowsOf(one, other).map(({ id, values, show, less }) => {
      const [left = null, right = null] = values;
      const known = left !== null && right !== null;
      const better = !known || left === right ? null : left < right === less ? 0 : 1;
      return html`<tr key=${id}><th scope="row">${t(`differs_${/** @type {'first'} */ (id)}`)}</th>
        ${values.map((value, index) => html`<td class=${index === better ? 'end strong' : 'end'}>${show(value)}</td>`)}
        <td class="end soft">${known && left !== 0 ? (left === right ? t('same') : html`${right > left ? '+' : '−'}${percent(Math.abs(right - left) / left)}`) : '—'}</td></tr>`;
    })}</tbody></table></div>`;
}
