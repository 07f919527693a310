/**
 * Answers put together from the events of a stream, as far as it had come.
 */

import { anthropicPart, geminiPart, parsed } from './reading-parts.js';
import { itemParts } from './reading-responses.js';

/** @typedef {import('./reading-parts.js').Part} Part */
/** @typedef {{event: string, data: string, at: number, json: any}} Frame */

/** @param {string} dialect @param {any[]} events @returns {Part[]} */
export function assembled(dialect, events) {
  const told = events.filter((event) => event !== null && typeof event === 'object');
  const read = STREAMS[dialect] ?? chat;
  const parts = read(told);
  const failed = told.map((event) => event.error ?? event.response?.error).find(Boolean);
  return failed ? [...parts, { kind: 'error', text: String(failed.message ?? JSON.stringify(failed)) }] : parts;
}

/** Read the frames of a recorded stream. @param {{at_ms: number, text: string}[]} frames @returns {Frame[]} */
export function framesOf(frames) {
  return frames.map(({ at_ms: at, text }) => {
    let event = '';
    /** @type {string[]} */
    const data = [];
    for (const line of text.split(/\r?\n/)) {
      if (line.startsWith('event:')) event = line.slice(6).trim();
      else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
    }
    const whole = data.join('\n');
    return { event, data: data.length ? whole : text.trim(), at, json: parsed(whole) };
  });
}

/** Add to the last part where it is of the same kind, else begin one. @param {Part[]} parts @param {Part['kind']} kind @param {string} text */
function say(parts, kind, text) {
  const last = parts.at(-1);
  if (last?.kind === kind) last.text = (last.text ?? '') + text;
  else parts.push({ kind, text });
}

/** @param {any[]} events @returns {Part[]} */
function chat(events) {
  /** @type {Part[]} */
  const parts = [];
  /** @type {Map<number, {part: Part, text: string}>} */
  const calls = new Map();
  for (const event of events) {
    const delta = event.choices?.[0]?.delta;
    if (!delta) continue;
    const thinking = delta.reasoning_content ?? delta.reasoning;
    if (typeof thinking === 'string' && thinking) say(parts, 'thinking', thinking);
    if (typeof delta.content === 'string' && delta.content) say(parts, 'text', delta.content);
    if (delta.refusal) say(parts, 'refusal', delta.refusal);
    for (const piece of delta.tool_calls ?? []) {
      const known = calls.get(piece.index ?? 0);
      const call = known ?? { part: /** @type {Part} */ ({ kind: 'call' }), text: '' };
      if (!known) {
        calls.set(piece.index ?? 0, call);
        parts.push(call.part);
      }
      call.part.name ??= piece.function?.name;
      call.part.id ??= piece.id;
      call.text += piece.function?.arguments ?? '';
      call.part.value = parsed(call.text) ?? call.text;
    }
  }
  return parts;
}

/** @param {any[]} events @returns {Part[]} */
function anthropic(events) {
  /** @type {Map<number, Part>} */
  const blocks = new Map();
  /** @type {Map<number, string>} */
  const inputs = new Map();
  for (const event of events) {
    if (event.type === 'content_block_start') blocks.set(event.index, anthropicPart(event.content_block ?? {}));
    const block = blocks.get(event.index);
    const delta = event.delta;
    if (event.type !== 'content_block_delta' || !block || !delta) continue;
    if (delta.type === 'text_delta') block.text = (block.text ?? '') + delta.text;
    else if (delta.type === 'thinking_delta') block.text = (block.text ?? '') + delta.thinking;
    else if (delta.type === 'input_json_delta') {
      const text = (inputs.get(event.index) ?? '') + delta.partial_json;
      inputs.set(event.index, text);
      block.value = parsed(text) ?? text;
    }
  }
  return [...blocks.values()];
}

/** @param {any[]} events @returns {Part[]} */
function responses(events) {
  /** @type {Map<number, Part[]>} */
  const items = new Map();
  /** @type {Map<number, string>} */
  const inputs = new Map();
  for (const event of events) {
    const place = event.output_index ?? 0;
    const type = String(event.type);
    if (type === 'response.output_item.done') items.set(place, itemParts(event.item ?? {}));
    else if (type === 'response.output_item.added') items.set(place, itemParts(event.item ?? {}).map((part) => (part.kind === 'call' ? { ...part, value: '' } : part)));
    else if (type.endsWith('.delta') && typeof event.delta === 'string') {
      const parts = items.get(place) ?? [];
      items.set(place, parts);
      if (/arguments|input/.test(type)) {
        inputs.set(place, (inputs.get(place) ?? '') + event.delta);
        for (const part of parts) if (part.kind === 'call') part.value = parsed(inputs.get(place)) ?? inputs.get(place);
      } else say(parts, /reasoning/.test(type) ? 'thinking' : /refusal/.test(type) ? 'refusal' : 'text', event.delta);
    }
  }
  return [...items.keys()].sort((one, other) => one - other).flatMap((place) => items.get(place) ?? []);
}

/** @param {any[]} events @returns {Part[]} */
function gemini(events) {
  /** @type {Part[]} */
  const parts = [];
  for (const event of events) {
    for (const piece of event.candidates?.[0]?.content?.parts ?? []) {
      const part = geminiPart(piece);
      if (part.kind === 'text' || part.kind === 'thinking') say(parts, part.kind, part.text ?? '');
      else parts.push(part);
    }
  }
  return parts;
}

/** @type {Record<string, (events: any[]) => Part[]>} */
const STREAMS = { openai_chat: chat, anthropic, openai_responses: responses, gemini };
