/**
 * A combo in plain words: who is asked first, and which requests a member is for.
 */

import { compact, percent } from '../../core/format.js';
import { t } from '../../strings/combos.js';

export const STRATEGIES = /** @type {const} */ (['priority', 'round_robin', 'weighted', 'random', 'cost_optimal', 'least_latency', 'least_busy', 'sticky']);
/** Those that draw by weight. */
export const WEIGHTED = new Set(['weighted', 'random', 'sticky']);
export const FLAGS = /** @type {const} */ (['images', 'tools', 'thinking', 'web_search']);

/** @typedef {typeof STRATEGIES[number]} Strategy */
/** @typedef {Record<string, any>} When */
/** @typedef {{model: string, weight: number, when: When}} Member */

/** Every strategy with its line, to choose from. */
export const strategyChoices = () => STRATEGIES.map((value) => ({ value, label: t('choice', { name: t(value), line: t(`${value}Line`) }) }));

/** What share of the turns each member has. @param {Member[]} members */
export function shares(members) {
  const sum = members.reduce((total, { weight }) => total + (weight || 0), 0);
  return members.map(({ weight }) => (sum ? (weight || 0) / sum : 0));
}

/** Who is asked, as one sentence in pieces: names stand in elements of their own. @param {{strategy: Strategy, members: Member[]}} combo @param {(name: string) => any} named */
export function plainly({ strategy, members }, named) {
  const first = members[0];
  if (!first) return '';
  if (members.length === 1) return t.rich('onlyPlain', { first: named(first.model) });
  if (!WEIGHTED.has(strategy)) return t.rich(`${strategy}Plain`, { first: named(first.model) });
  const parts = shares(members).map((share, index) => [index ? ', ' : '', named(members[index]?.model ?? ''), ' ', percent(share)]);
  return t.rich(`${strategy}Plain`, { shares: parts });
}

/** Whether a member is for every request. @param {When | undefined} when */
export const isOpen = (when) => !when || Object.values(when).every((value) => value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0));

/** The conditions in short, each a text. @param {When} when @returns {string[]} */
export function conditions(when) {
  const told = [];
  for (const name of /** @type {const} */ (['min_tokens', 'max_tokens'])) if (when[name] !== null && when[name] !== undefined) told.push(t(`told_${name}`, { n: compact(when[name]) }));
  for (const name of FLAGS) if (when[name] !== null && when[name] !== undefined) told.push(t(when[name] ? `told_${name}` : `told_no_${name}`));
  if (when['user_agent']) told.push(t('told_user_agent', { what: when['user_agent'] }));
  if (when['tags']?.length) told.push(t('told_tags', { what: when['tags'].join(', ') }));
  if (when['hours']) told.push(t('told_hours', { what: when['hours'] }));
  return told;
}
