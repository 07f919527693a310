/**
 * The four dialects by their ids, each of the same shape: where it is asked, how, and how its answers are read.
 */

import * as anthropic from './anthropic.js';
import * as gemini from './gemini.js';
import * as openai_chat from './openai_chat.js';
import * as openai_responses from './openai_responses.js';
import { joined, list } from './shapes.js';

/** @typedef {import('./shapes.js').Ask} Ask */
/** @typedef {import('./shapes.js').Said} Said */
/** @typedef {import('./shapes.js').Tool} Tool */
/** @typedef {'openai_chat' | 'openai_responses' | 'anthropic' | 'gemini'} DialectId */
/**
 * @typedef {object} Dialect
 * @property {(ask: Ask) => {path: string, query: Record<string, any>, tried: Record<string, any>, stream: boolean}} endpoint `tried`: the query of `/api/try`.
 * @property {(ask: Ask) => any} build
 * @property {new () => {said: Said, take: (event: any) => void, whole: (body: any) => void}} Reader
 * @property {(body: any) => import('./shapes.js').Node[]} nodes
 */

/** @type {Record<DialectId, Dialect>} */
export const DIALECTS = { openai_chat, openai_responses, anthropic, gemini };
/** @type {DialectId[]} */
export const IDS = ['openai_chat', 'openai_responses', 'anthropic', 'gemini'];

/** The body of a request, with what the visitor adds to it. @param {DialectId} dialect @param {Ask} ask */
export const bodyOf = (dialect, ask) => joined(DIALECTS[dialect].build(ask), ask.more);

/** Read tools as any dialect writes them; raises `Error` with the place of what is none. @param {string} text @returns {Tool[]} */
export function readTools(text) {
  if (!text.trim()) return [];
  return list(JSON.parse(text)).flatMap((entry) => list(entry?.functionDeclarations ?? entry)).map((entry, index) => {
    const tool = entry?.function ?? entry;
    if (typeof tool?.name !== 'string' || tool.name === '') throw new Error(`[${index}].name`);
    const parameters = tool.parameters ?? tool.input_schema ?? tool.parametersJsonSchema ?? { type: 'object', properties: {} };
    return { name: tool.name, description: tool.description ?? '', parameters };
  });
}
