/**
 * The groups of a split: what they are called, their colours, the sums of their lines.
 */

import { TOKENS } from '../../core/tokens.js';
import { colourOf } from '../../parts/bits.js';
import { t } from '../../strings/usage.js';

/** @typedef {import('./view.js').Split} Split */
/** @typedef {Record<string, any> & {group: string | null, name: string | null, rest?: boolean}} Line A line of `/api/usage/series` or `/api/usage`. */

const COLOURS = 10;
const REST = 'var(--line-strong)';
const OUTCOMES = { ok: 'var(--c3)', error: 'var(--bad)', partial: 'var(--c2)', cancelled: 'var(--c9)' };
/** The order of outcomes upon each other: what failed stands on the ground, where it can be read. */
export const OUTCOME_ORDER = ['error', 'partial', 'cancelled', 'ok'];

/** Numbers of one line, point by point, that a measure shows. @param {Line} line @param {import('./view.js').Measure} measure @returns {number[]} */
export function valuesOf(line, measure) {
  if (measure === 'tokens') return summed(TOKENS.map((kind) => line[kind]));
  return line[{ spend: 'charge_pusd', requests: 'requests', errors: 'errors' }[measure]];
}

/** Sum up lists, place by place. @param {number[][]} lists @returns {number[]} */
export function summed(lists) {
  const [first = [], ...rest] = lists;
  return first.map((value, place) => rest.reduce((all, list) => all + (list[place] ?? 0), value));
}

/** The part of the prompts that came out of caches. @param {any} sums @returns {number | null} */
export function cachedShare(sums) {
  const prompts = sums.input_tokens + sums.cache_read_tokens + sums.cache_write_tokens;
  return prompts > 0 ? sums.cache_read_tokens / prompts : null;
}

/**
 * The colours of groups, those with a claim first: a provider has its own, others one by their name, none twice
 * as long as there are enough.
 * @param {Line[]} lines @param {Split} split @returns {(group: string | null, rest?: boolean) => string}
 */
export function coloursOf(lines, split) {
  const given = new Map();
  const taken = new Set();
  for (const { group, rest } of lines) {
    if (rest || group === null) continue;
    let place = claim(group, split);
    for (let tries = 0; taken.has(place) && tries < COLOURS; tries += 1) place = (place % COLOURS) + 1;
    taken.add(place);
    given.set(group, split === 'outcome' ? OUTCOMES[/** @type {keyof typeof OUTCOMES} */ (group)] : `var(--c${place})`);
  }
  return (group, rest = false) => (rest ? REST : group === null ? (split === 'none' ? 'var(--accent)' : 'var(--soft)') : given.get(group) ?? REST);
}

/** @param {string} group @param {Split} split */
function claim(group, split) {
  if (split === 'preset') return Number(/\d+/.exec(colourOf(group))?.[0] ?? 1);
  let sum = 11;
  for (const letter of group) sum = (sum * 33 + letter.charCodeAt(0)) >>> 0;
  return (sum % COLOURS) + 1;
}

/**
 * What a group is called; `data` where that is not our word.
 * @param {{group: string | null, name?: string | null, rest?: boolean}} line @param {Split} split
 * @returns {{text: string, data: boolean}}
 */
export function calledOf({ group, name, rest = false }, split) {
  if (rest) return { text: t('rest'), data: false };
  if (split === 'none') return { text: t('all'), data: false };
  if (group === null) return { text: t(`none_${split}`), data: false };
  if (split === 'outcome') return { text: t(/** @type {'ok'} */ (group)), data: false };
  return { text: name ?? group, data: true };
}
