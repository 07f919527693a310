/**
 * What a model can do and costs, in words.
 */

import { UNKNOWN, compact } from '../../core/format.js';
import { numberLocale } from '../../core/strings.js';
import { t } from '../../strings/models.js';

/** @typedef {Record<string, any>} Row A row of `/api/models`. */

export const ABILITIES = /** @type {const} */ (['images', 'pdf', 'audio', 'tools', 'json_schema', 'reasoning']);
/** Those worth a chip in the list; what nearly all can is not. */
const CHIPS = /** @type {const} */ (['images', 'pdf', 'audio', 'tools', 'reasoning']);

/** @param {Row} row @returns {string[]} */
export const chips = (row) => (row['kind'] === 'model' && !row['generates'] ? [t('can_embeddings')] : CHIPS.filter((name) => row[name]).map((name) => t(`can_${name}`)));

const dollars = new Intl.NumberFormat(numberLocale, { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol', minimumFractionDigits: 2, maximumFractionDigits: 4 });

/** Decimal text of dollars per million. @param {string | null | undefined} text */
export const rate = (text) => (text === null || text === undefined ? UNKNOWN : Number(text) === 0 ? t('free') : dollars.format(Number(text)));

/** The name under `prices` where the price is one's own. @param {{source: string} | null | undefined} price */
export const ownName = (price) => (price?.source.startsWith('prices.') ? price.source.slice('prices.'.length) : null);

/** @param {number | null | undefined} n */
const tokens = (n) => (n === null || n === undefined ? t('unknown') : t('tokens', { n: compact(n) }));

/** What is known of a model at an account, as names and values; `data` values are not ours. @param {any} able @returns {{name: string, value: string, data?: boolean}[]} */
export function factsOf(able) {
  const list = (/** @type {(string | false | null)[]} */ texts) => texts.filter(Boolean).join(', ');
  const reads = list([t('text'), able.vision && t('can_images'), able.pdf && t('can_pdf'), able.audio_in && t('can_audio')]);
  const tools = able.tools === null ? t('unknown') : able.tools ? list([t('calls'), able.parallel_tools && t('parallel')]) : t('noTools');
  const rows = /** @type {{name: string, value: string, data?: boolean}[]} */ ([
    { name: t('contextWindow'), value: tokens(able.context_window) },
    { name: t('maxOutput'), value: tokens(able.max_output) },
    { name: t('reads'), value: reads },
    { name: t('tools'), value: tools },
    { name: t('reasoning'), value: reasoning(able) },
    { name: t('structured'), value: list([able.json_object && t('jsonObject'), able.json_schema && t('jsonSchema')]) || t('no') },
  ]);
  if (able.hosted.length) rows.push({ name: t('hosted'), value: able.hosted.join(', '), data: true });
  if (able.rejects.length) rows.push({ name: t('rejects'), value: [...able.rejects].sort().join(', '), data: true });
  return rows;
}

/** @param {any} able */
function reasoning(able) {
  if (able.thinking_style === null) return t('unknown');
  if (able.thinking_style === 'none') return t('no');
  const said = [];
  if (able.efforts.length) said.push(t('efforts', { list: able.efforts.join(', ') }));
  if (able.budget_min !== null && able.budget_max !== null) said.push(t('budget', { from: compact(able.budget_min), to: compact(able.budget_max) }));
  if (!able.can_disable_thinking) said.push(t('always'));
  return said.join('; ') || t('yes');
}
