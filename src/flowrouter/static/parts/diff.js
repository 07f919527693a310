/**
 * Two texts or JSON values side by side, line by line; one below the other where there is no room.
 */

import { count } from '../core/format.js';
import { html, useMemo, useState } from '../core/ui.js';
import { t } from '../strings/json.js';
import { compare } from './diff-lines.js';

/** @typedef {{left: number | null, right: number | null}} Pair */
/** @typedef {{pairs: Pair[], changed: boolean}} Run Lines that are the same, or that are not. */

const CONTEXT = 3;
const SHOWN = 400;
const MORE = 2000;

/** @param {{left: any, right: any, labels?: [string, string]}} given */
export function Diff({ left, right, labels = [t('left'), t('right')] }) {
  const [open, setOpen] = useState(/** @type {Set<number>} */ (new Set()));
  const [limit, setLimit] = useState(SHOWN);
  const told = useMemo(() => {
    const texts = { left: linesOf(left), right: linesOf(right) };
    const { steps, rough } = compare(texts.left, texts.right);
    return { ...texts, rough, runs: runsOf(steps), ...sums(steps) };
  }, [left, right]);
  const rows = useMemo(() => told.runs.flatMap((run, index) => rowsOf(run, index, told.runs.length, open)), [told, open]);
  if (told.added + told.removed === 0) return html`<p class="diff-same soft">${t('same')}</p>`;
  const unfold = (/** @type {number} */ run) => setOpen(new Set([...open, run]));
  return html`<div class="diff" role="table" aria-label=${t('diff', { left: labels[0], right: labels[1] })}>
    <div class="diff-head" role="row"><span role="columnheader" translate="no">${labels[0]}</span><span role="columnheader" translate="no">${labels[1]}</span></div>
    <p class="diff-sum" role="row"><span role="cell"><span class="bad">−</span> ${t('removed', { n: told.removed })}</span><span role="cell"><span class="ok">+</span>
      ${' '}${t('added', { n: told.added })}</span>${told.rough && html`<span role="cell" class="soft">${t('rough')}</span>`}</p>
    ${rows.slice(0, limit).map((row) =>
      'fold' in row
        ? html`<div role="row" key=${`f${row.fold}`}><span role="cell"><button type="button" class="diff-fold" onClick=${() => unfold(row.fold)}>${t('unchanged', {
            n: row.lines,
          })}</button></span></div>`
        : html`<${Line} key=${`${row.left}-${row.right}`} row=${row} left=${told.left} right=${told.right} />`,
    )}
    ${rows.length > limit && html`<div role="row"><span role="cell"><button type="button" class="diff-fold" onClick=${() => setLimit(limit + MORE)}>${t('moreLines', {
      n: count(Math.min(MORE, rows.length - limit)), left: count(rows.length - limit),
    })}</button></span></div>`}
  </div>`;
}

/** @param {any} value @returns {string[]} */
function linesOf(value) {
  if (typeof value === 'string') return value.split('\n');
  return (JSON.stringify(sorted(value), null, 2) ?? '').split('\n');
}

/** The same value with its keys in order, which JSON gives no meaning. @param {any} value @returns {any} */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])]));
}

/** @param {Pair[]} steps */
function sums(steps) {
  const added = steps.filter(({ left }) => left === null).length;
  return { added, removed: steps.filter(({ right }) => right === null).length };
}

/** Join steps to runs; what was taken away stands beside what came for it. @param {Pair[]} steps @returns {Run[]} */
function runsOf(steps) {
  /** @type {Run[]} */
  const runs = [];
  for (const step of steps) {
    const changed = step.left === null || step.right === null;
    const run = runs.at(-1);
    if (run?.changed === changed) run.pairs.push(step);
    else runs.push({ pairs: [step], changed });
  }
  return runs.map((run) => (run.changed ? { ...run, pairs: beside(run.pairs) } : run));
}

/** @param {Pair[]} pairs @returns {Pair[]} */
function beside(pairs) {
  const left = pairs.flatMap((pair) => (pair.left === null ? [] : [pair.left]));
  const right = pairs.flatMap((pair) => (pair.right === null ? [] : [pair.right]));
  return Array.from({ length: Math.max(left.length, right.length) }, (_, at) => ({ left: left[at] ?? null, right: right[at] ?? null }));
}

/** @typedef {{left: number | null, right: number | null, changed: boolean} | {fold: number, lines: number}} Row */

/** @param {Run} run @param {number} index @param {number} runs @param {Set<number>} open @returns {Row[]} */
function rowsOf({ pairs, changed }, index, runs, open) {
  const rows = pairs.map((pair) => ({ ...pair, changed }));
  const [head, tail] = [index === 0 ? 0 : CONTEXT, index === runs - 1 ? 0 : CONTEXT];
  const lines = rows.length - head - tail;
  if (changed || open.has(index) || lines < 3) return rows;
  return [...rows.slice(0, head), { fold: index, lines }, ...(tail ? rows.slice(-tail) : [])];
}

/** @param {{row: Pair & {changed: boolean}, left: string[], right: string[]}} given */
function Line({ row, left, right }) {
  const one = row.left === null ? null : (left[row.left] ?? '');
  const other = row.right === null ? null : (right[row.right] ?? '');
  const [first, second] = row.changed && one !== null && other !== null ? within(one, other) : [one, other];
  const side = (/** @type {number | null} */ at, /** @type {any} */ text, /** @type {string} */ kind, /** @type {string} */ sign) =>
    at === null
      ? html`<span role="cell" class="diff-none"></span>`
      : html`<span role="cell" class="diff-side ${row.changed ? kind : ''}"><span class="diff-number">${at + 1}</span><span class="diff-sign">${row.changed ? sign : ''}</span
          ><span class="diff-text" translate="no">${text}</span></span>`;
  return html`<div role="row" class="diff-row ${row.changed ? 'changed' : ''}">${side(row.left, first, 'gone', '−')}${side(row.right, second, 'new', '+')}</div>`;
}

/** Mark the part of two lines in which they differ. @param {string} one @param {string} other @returns {[any, any]} */
function within(one, other) {
  const most = Math.min(one.length, other.length);
  let [start, end] = [0, 0];
  while (start < most && one[start] === other[start]) start += 1;
  while (end < most - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  if (start + end < most * 0.3) return [one, other];
  const marked = (/** @type {string} */ text) => html`${text.slice(0, start)}<mark>${text.slice(start, text.length - end)}</mark>${text.slice(text.length - end)}`;
  return [marked(one), marked(other)];
}
