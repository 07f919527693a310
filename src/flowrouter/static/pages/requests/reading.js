/**
 * What the four dialects say, as one conversation: messages of parts. Bodies may be cut, foreign or broken:
 * whatever is not understood is kept as `other`, nothing is left out.
 */

import { anthropicPart, content, geminiPart, list, parsed, picture, words } from './reading-parts.js';
import { responsesAnswer, responsesItems } from './reading-responses.js';
import { assembled } from './reading-streams.js';

/** @typedef {import('./reading-parts.js').Kind} Kind */
/** @typedef {import('./reading-parts.js').Part} Part */
/** @typedef {import('./reading-parts.js').Message} Message */
/** @typedef {import('./reading-parts.js').Asked} Asked */

/** Read a client's request. @param {string} dialect @param {any} body @returns {Asked | null} */
export function readRequest(dialect, body) {
  if (body === null || typeof body !== 'object') return null;
  const reader = REQUESTS[dialect];
  return reader ? reader(body) : null;
}

/** Read a whole answer. @param {string} dialect @param {any} body @returns {Message | null} */
export function readAnswer(dialect, body) {
  if (body === null || typeof body !== 'object') return null;
  const failed = body.error ?? (Array.isArray(body) ? body[0]?.error : null);
  if (failed) return { role: 'assistant', parts: [{ kind: 'error', text: words(failed.message ?? failed) }] };
  if (dialect === 'anthropic') return { role: 'assistant', parts: list(body.content).map(anthropicPart) };
  if (dialect === 'gemini') return { role: 'assistant', parts: geminiAnswer(body) };
  if (dialect === 'openai_responses') return { role: 'assistant', parts: responsesAnswer(body) };
  return { role: 'assistant', parts: chatMessage(body.choices?.[0]?.message ?? {}) };
}

/** Read an answer from its events. @param {string} dialect @param {any[]} events Parsed data, in their order. @returns {Message} */
export const readStream = (dialect, events) => ({ role: 'assistant', parts: assembled(dialect, events) });

/** What an answer says, as plain text to compare. @param {Message | null} message */
export const plain = (message) =>
  (message?.parts ?? []).map((part) => (part.kind === 'call' ? `${part.name}(${words(part.value)})` : (part.text ?? words(part.value)))).join('\n\n');

/** @type {Record<string, (body: any) => Asked>} */
const REQUESTS = {
  openai_chat: (body) => {
    const { messages, tools, stream, ...settings } = body;
    return { messages: list(messages).map(chatTurn), tools: list(tools).map((tool) => tool.function?.name ?? tool.type), settings, stream: stream === true };
  },
  openai_responses: (body) => {
    const { input, instructions, tools, stream, ...settings } = body;
    const system = instructions ? [{ role: 'system', parts: [{ kind: /** @type {Kind} */ ('text'), text: words(instructions) }] }] : [];
    return { messages: [...system, ...responsesItems(input)], tools: list(tools).map((tool) => tool.name ?? tool.type), settings, stream: stream === true };
  },
  anthropic: (body) => {
    const { messages, system, tools, stream, ...settings } = body;
    const first = system ? [{ role: 'system', parts: content(system, anthropicPart) }] : [];
    return { messages: [...first, ...list(messages).map((one) => ({ role: one.role, parts: content(one.content, anthropicPart) }))], tools: list(tools).map((tool) => tool.name ?? tool.type), settings, stream: stream === true };
  },
  gemini: (body) => {
    const { contents, systemInstruction, system_instruction: other, tools, ...settings } = body;
    const system = systemInstruction ?? other;
    const first = system ? [{ role: 'system', parts: list(system.parts ?? system).map(geminiPart) }] : [];
    const names = list(tools).flatMap((tool) => list(tool.functionDeclarations ?? tool.function_declarations).map((one) => one.name));
    return { messages: [...first, ...list(contents).map((one) => ({ role: one.role ?? 'user', parts: list(one.parts).map(geminiPart) }))], tools: names, settings, stream: false };
  },
};

/** @param {any} message @returns {Message} */
function chatTurn(message) {
  if (message?.role === 'tool') {
    const parts = content(message.content, chatPart);
    return { role: 'tool', parts: [{ kind: 'result', id: message.tool_call_id, text: parts.map((part) => part.text ?? words(part.value)).join('\n') }] };
  }
  return { role: message?.role ?? 'user', parts: chatMessage(message ?? {}) };
}

/** @param {any} message @returns {Part[]} */
function chatMessage(message) {
  const thinking = message.reasoning_content ?? message.reasoning;
  return [
    ...(thinking ? [{ kind: /** @type {Kind} */ ('thinking'), text: words(thinking) }] : []),
    ...(message.content ? content(message.content, chatPart) : []),
    ...(message.refusal ? [{ kind: /** @type {Kind} */ ('refusal'), text: words(message.refusal) }] : []),
    ...list(message.tool_calls).map((call) => ({ kind: /** @type {Kind} */ ('call'), name: call.function?.name ?? call.custom?.name, id: call.id, value: parsed(call.function?.arguments) ?? call.function?.arguments ?? call.custom?.input })),
  ];
}

/** @param {any} part @returns {Part} */
function chatPart(part) {
  if (part.type === 'text') return { kind: 'text', text: words(part.text) };
  if (part.type === 'refusal') return { kind: 'refusal', text: words(part.refusal) };
  if (part.type === 'image_url') return picture(part.image_url?.url ?? part.image_url);
  if (part.type === 'input_audio') return { kind: 'audio', media: part.input_audio?.format };
  if (part.type === 'file') return { kind: 'file', name: part.file?.filename ?? part.file?.file_id };
  return { kind: 'other', value: part };
}

/** @param {any} body */
const geminiAnswer = (body) => list(body).flatMap((one) => list(one.candidates?.[0]?.content?.parts)).map(geminiPart);
