/**
 * OpenAI Chat Completions: how a conversation is asked in it, and how its answers are read.
 */

import { Said, digest, given, list, membersOf } from './shapes.js';

/** @typedef {import('./shapes.js').Ask} Ask @typedef {import('./shapes.js').Turn} Turn @typedef {import('./shapes.js').Node} Node */

/** @param {Ask} ask */
export const endpoint = (ask) => ({ path: '/v1/chat/completions', query: {}, tried: {}, stream: ask.stream });

/** @param {Ask} ask */
export function build(ask) {
  const system = ask.system ? [{ role: 'system', content: ask.system }] : [];
  const tools = ask.tools.map((tool) => ({ type: 'function', function: given({ ...tool }) }));
  return {
    model: ask.model,
    messages: [...system, ...ask.turns.flatMap(messagesOf)],
    ...given({ temperature: ask.temperature, max_completion_tokens: ask.cap, reasoning_effort: ask.effort }),
    ...(tools.length ? { tools } : {}),
    ...(ask.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  };
}

/** @param {Turn} turn @returns {any[]} */
function messagesOf(turn) {
  if (turn.role === 'results') return turn.results.map(({ id, text }) => ({ role: 'tool', tool_call_id: id, content: text }));
  if (turn.role === 'user') {
    const images = turn.images.map(({ url }) => ({ type: 'image_url', image_url: { url } }));
    return [{ role: 'user', content: images.length ? [...images, ...(turn.text ? [{ type: 'text', text: turn.text }] : [])] : turn.text }];
  }
  if (turn.raw) return [turn.raw];
  const calls = turn.parts.filter(({ kind }) => kind === 'call');
  const text = turn.parts.filter(({ kind }) => kind === 'text').map((part) => part.text).join('');
  if (!text && calls.length === 0) return [];
  const tool_calls = calls.map(({ id, name, text: written }) => ({ id, type: 'function', function: { name, arguments: written || '{}' } }));
  return [{ role: 'assistant', content: text || null, ...(calls.length ? { tool_calls } : {}) }];
}

const GROWING = ['content', 'refusal', 'reasoning_content', 'reasoning'];

/** Reads answers, whole or in chunks. */
export class Reader {
  constructor() {
    this.said = new Said();
    /** @type {Map<number, {part: import('./shapes.js').Part, raw: any}>} */
    this.calls = new Map();
  }

  /** @param {any} chunk */
  take(chunk) {
    const { said } = this;
    if (chunk.error) return said.fail(chunk);
    if (chunk.usage) said.usage = usageOf(chunk.usage);
    const choice = list(chunk.choices).find(({ index = 0 }) => index === 0);
    if (!choice) return;
    if (choice.finish_reason) said.finish = choice.finish_reason;
    this.delta(choice.delta ?? {});
  }

  /** @param {any} body */
  whole(body) {
    const choices = list(body.choices).map((choice) => ({ ...choice, delta: choice.message }));
    this.take({ ...body, choices });
  }

  /** @param {any} delta */
  delta(delta) {
    const { said } = this;
    const raw = (said.raw ??= { role: 'assistant', content: null });
    said.say('thinking', delta.reasoning_content ?? delta.reasoning);
    if (typeof delta.content === 'string') said.say('text', delta.content);
    else for (const part of list(delta.content)) said.say('text', part.text);
    said.say('refusal', delta.refusal);
    for (const name of GROWING) if (typeof delta[name] === 'string' && delta[name]) raw[name] = (raw[name] ?? '') + delta[name];
    for (const name of ['reasoning_signatures', 'reasoning_details']) if (delta[name]) raw[name] = [...(raw[name] ?? []), ...list(delta[name])];
    for (const { image_url: image } of list(delta.images)) if (image?.url) said.parts.push({ kind: 'image', text: image.url });
    list(delta.tool_calls).forEach((piece, place) => this.call(piece, piece.index ?? place));
  }

  /** @param {any} piece @param {number} index */
  call(piece, index) {
    const words = piece.function?.arguments ?? '';
    let known = this.calls.get(index);
    if (!known) {
      known = { part: { kind: 'call', text: '', id: '', name: '' }, raw: { id: '', type: 'function', function: { name: '', arguments: '' } } };
      this.calls.set(index, known);
      this.said.parts.push(known.part);
      (this.said.raw.tool_calls ??= []).push(known.raw);
    }
    const { part, raw } = known;
    part.id = raw.id ||= piece.id ?? '';
    part.name = raw.function.name ||= piece.function?.name ?? '';
    part.text = raw.function.arguments += words;
  }
}

/** @param {any} usage */
const usageOf = (usage) => ({
  input: usage.prompt_tokens ?? 0, cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
  output: usage.completion_tokens ?? 0, reasoning: usage.completion_tokens_details?.reasoning_tokens ?? 0,
});

const NAMES = { max_tokens: 'cap', max_completion_tokens: 'cap', reasoning_effort: 'effort', stream_options: 'stream' };

/** The pieces of a request, by what they are in every dialect. @param {any} body @returns {Node[]} */
export function nodes(body) {
  const { messages, tools, ...rest } = body;
  return [
    ...list(messages).flatMap((message, index) => said(message, `messages[${index}]`)),
    ...list(tools).map((tool, index) => ({ key: `tool:${tool.function?.name ?? tool.type}`, path: `tools[${index}]`, value: tool })),
    ...membersOf(rest, NAMES),
  ];
}

/** @param {any} message @param {string} at @returns {Node[]} */
function said(message, at) {
  const { role, content, tool_calls: calls, tool_call_id: id, ...rest } = message;
  const parts = typeof content === 'string' ? [{ text: content, path: `${at}.content`, value: content }] : list(content).map((part, index) => ({ text: part.text, path: `${at}.content[${index}]`, value: part }));
  const spoken = parts.map(({ text, path, value }) => {
    if (role === 'tool') return { key: `result:${id}`, path: at, value: { role, tool_call_id: id, content: value } };
    if (role === 'system' || role === 'developer') return { key: 'system', path, value };
    const kind = value?.image_url ? 'image' : text === undefined ? 'part' : role;
    return { key: `${kind}:${digest(kind === 'image' ? (value.image_url.url ?? '').split(',').at(-1) : (text ?? value))}`, path, value };
  });
  const called = list(calls).map((call, index) => ({ key: `call:${call.id}`, path: `${at}.tool_calls[${index}]`, value: call }));
  const others = membersOf(rest, { reasoning_content: 'thinking', reasoning: 'thinking', reasoning_details: 'thinking', reasoning_signatures: 'thinking' }, `${at}.`);
  return [...others.map((node) => (node.key === 'thinking' ? { ...node, key: `thinking:${digest(node.value)}` } : node)), ...spoken, ...called];
}
