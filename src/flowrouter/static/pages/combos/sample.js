/**
 * The request that the preview asks about: a few words and what else it carries, or JSON as it is.
 */

import { signal } from '../../core/ui.js';

/** @typedef {{text: string, images: boolean, tools: boolean, thinking: boolean, web_search: boolean, tokens: number | null, client: string, tags: string[], json: string | null, dialect: string}} Sample */

/** Kept while the dashboard is open, so that several combos can be held against one request. @type {import('../../vendor/signals.js').Signal<Sample>} */
export const sample = signal({ text: '', images: false, tools: false, thinking: false, web_search: false, tokens: null, client: '', tags: [], json: null, dialect: 'openai_chat' });

export const DIALECTS = /** @type {const} */ (['openai_chat', 'openai_responses', 'anthropic', 'gemini']);

const PIXEL = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const BYTES_A_TOKEN = 3.6;
/** What a body of `/api` has room for. */
export const TOKENS_MOST = 250_000;

/** Whether anything is said of the request at all. @param {Sample} given */
export const isBare = (given) => given.json === null && !given.text.trim() && !given.images && !given.tools && !given.thinking && !given.web_search && !given.tokens;

/** The request as a Chat Completions body. @param {Sample} given @returns {Record<string, any>} */
export function bodyOf(given) {
  if (given.json !== null) return JSON.parse(given.json || '{}');
  const text = given.text.trim() || 'Hello';
  const content = given.images ? [{ type: 'text', text }, { type: 'image_url', image_url: { url: PIXEL } }] : text;
  const tool = { type: 'function', function: { name: 'look_up', parameters: { type: 'object', properties: {} } } };
  return {
    messages: [...padding(given.tokens), { role: 'user', content }],
    ...(given.tools ? { tools: [tool] } : {}),
    ...(given.thinking ? { reasoning_effort: 'medium' } : {}),
    ...(given.web_search ? { web_search_options: {} } : {}),
  };
}

/** Text as long as so many tokens are by estimate. @param {number | null} tokens */
function padding(tokens) {
  if (!tokens) return [];
  return [{ role: 'system', content: 'so on '.repeat(Math.ceil((Math.min(tokens, TOKENS_MOST) * BYTES_A_TOKEN) / 6)) }];
}

/** The question for `POST /api/plan`; raises `SyntaxError` for JSON that is none. @param {Sample} given @param {Record<string, any>} combo */
export function questionOf(given, combo) {
  const whose = { ...(given.client ? { headers: { 'user-agent': given.client } } : {}), ...(given.tags.length ? { tags: given.tags } : {}) };
  // Conditions are left open where nothing is known of the request; a client or a key is something.
  if (isBare(given) && !given.client && !given.tags.length) return { combo };
  return { combo, body: bodyOf(given), ...whose, ...(given.json === null ? {} : { dialect: given.dialect }) };
}
