/**
 * Anthropic Messages: how a conversation is asked in it, and how its answers are read.
 */

import { BUDGETS, Said, argumentsOf, digest, given, list, membersOf, opened } from './shapes.js';

/** @typedef {import('./shapes.js').Ask} Ask @typedef {import('./shapes.js').Turn} Turn @typedef {import('./shapes.js').Node} Node */

/** Tokens for an answer where nobody said how many; the dialect wants a number. */
const DEFAULT_CAP = 4096;
/** The vendor takes no smaller budget, and most models write no more than 64,000 tokens in all. */
const LEAST_BUDGET = 1024;
const MOST_BUDGET = 59_904;

/** @param {Ask} ask */
export const endpoint = (ask) => ({ path: '/v1/messages', query: {}, tried: {}, stream: ask.stream });

/** @param {Ask} ask */
export function build(ask) {
  const tools = ask.tools.map(({ name, description, parameters }) => ({ ...given({ name, description }), input_schema: parameters }));
  const { cap, ...thinking } = thinkingOf(ask);
  return {
    model: ask.model,
    max_tokens: cap,
    ...given({ system: ask.system }),
    messages: ask.turns.flatMap(messagesOf),
    ...given({ temperature: ask.temperature }),
    ...thinking,
    ...(tools.length ? { tools } : {}),
    ...(ask.stream ? { stream: true } : {}),
  };
}

/** The cap and what is said of thinking. @param {Ask} ask @returns {{cap: number, thinking?: any, output_config?: any}} */
function thinkingOf({ effort, cap, style }) {
  const own = cap ?? DEFAULT_CAP;
  if (effort === '') return { cap: own };
  if (effort === 'none') return { cap: own, thinking: { type: 'disabled' } };
  if (style === 'adaptive' || style === 'both') return { cap: own, thinking: { type: 'adaptive' }, output_config: { effort: effort === 'minimal' ? 'low' : effort } };
  const wanted = Math.min(MOST_BUDGET, Math.max(LEAST_BUDGET, BUDGETS[effort] ?? LEAST_BUDGET));
  const budget = cap === null ? wanted : Math.min(wanted, Math.max(LEAST_BUDGET, cap - 1));
  return { cap: cap ?? budget + DEFAULT_CAP, thinking: { type: 'enabled', budget_tokens: budget } };
}

/** @param {Turn} turn @returns {any[]} */
function messagesOf(turn) {
  if (turn.role === 'results') {
    const content = turn.results.map(({ id, text, failed }) => ({ type: 'tool_result', tool_use_id: id, content: text, ...(failed ? { is_error: true } : {}) }));
    return [{ role: 'user', content }];
  }
  if (turn.role === 'user') {
    const images = turn.images.map(({ url }) => {
      const { type, data } = opened(url);
      return { type: 'image', source: { type: 'base64', media_type: type, data } };
    });
    return [{ role: 'user', content: images.length ? [...images, ...(turn.text ? [{ type: 'text', text: turn.text }] : [])] : turn.text }];
  }
  const content = turn.raw ?? turn.parts.flatMap(/** @returns {any[]} */ (/** @type {import('./shapes.js').Part} */ part) => {
    if (part.kind === 'call') return [{ type: 'tool_use', id: part.id, name: part.name, input: argumentsOf(part.text) }];
    return part.kind === 'text' && part.text.trim() ? [{ type: 'text', text: part.text }] : [];
  });
  return content.length ? [{ role: 'assistant', content }] : [];
}

/** Reads answers, whole or in events. */
export class Reader {
  constructor() {
    this.said = new Said();
    /** @type {Map<number, {part: import('./shapes.js').Part | null, raw: any, input: string}>} */
    this.blocks = new Map();
    /** @type {any} */
    this.counted = {};
  }

  /** @param {any} event */
  take(event) {
    if (event.type === 'error' || event.error) return this.said.fail(event);
    if (event.type === 'message_start') this.count(event.message?.usage);
    else if (event.type === 'content_block_start') this.begin(event.content_block ?? {}, event.index);
    else if (event.type === 'content_block_delta') this.delta(event.delta ?? {}, event.index);
    else if (event.type === 'content_block_stop') this.stop(event.index);
    else if (event.type === 'message_delta') {
      this.count(event.usage);
      if (event.delta?.stop_reason) this.end(event.delta.stop_reason);
    }
  }

  /** @param {any} body */
  whole(body) {
    list(body.content).forEach((block, index) => {
      this.begin(block, index);
      this.stop(index);
    });
    this.count(body.usage);
    this.end(body.stop_reason ?? 'end_turn');
  }

  /** @param {any} block @param {number} index */
  begin(block, index) {
    const raw = { ...block };
    const kinds = /** @type {const} */ ({ text: 'text', thinking: 'thinking', tool_use: 'call', server_tool_use: 'other', redacted_thinking: 'thinking' });
    const kind = kinds[/** @type {keyof typeof kinds} */ (block.type)] ?? 'other';
    const text = block.text ?? block.thinking ?? (kind === 'other' ? JSON.stringify(block, null, 2) : '');
    const part = { kind, text, ...(kind === 'call' ? { id: block.id, name: block.name } : {}) };
    const input = kind === 'call' && Object.keys(block.input ?? {}).length ? JSON.stringify(block.input) : '';
    if (input) part.text = input;
    this.blocks.set(index, { part, raw, input });
    if (block.type !== 'redacted_thinking') this.said.parts.push(part);
  }

  /** @param {any} delta @param {number} index */
  delta(delta, index) {
    const block = this.blocks.get(index);
    if (!block?.part) return;
    const { part, raw } = block;
    if (delta.type === 'text_delta') part.text = raw.text = (raw.text ?? '') + delta.text;
    else if (delta.type === 'thinking_delta') part.text = raw.thinking = (raw.thinking ?? '') + delta.thinking;
    else if (delta.type === 'signature_delta') raw.signature = (raw.signature ?? '') + delta.signature;
    else if (delta.type === 'citations_delta') raw.citations = [...(raw.citations ?? []), delta.citation];
    else if (delta.type === 'input_json_delta') {
      block.input += delta.partial_json;
      if (part.kind === 'call') part.text = block.input;
    }
  }

  /** @param {number} index */
  stop(index) {
    const block = this.blocks.get(index);
    if (block?.input) block.raw.input = argumentsOf(block.input);
  }

  /** @param {any} usage */
  count(usage) {
    this.counted = { ...this.counted, ...given(usage ?? {}) };
    const { input_tokens: fresh = 0, cache_read_input_tokens: cached = 0, cache_creation_input_tokens: written = 0, output_tokens: output = 0 } = this.counted;
    this.said.usage = { input: fresh + cached + written, cached, output, reasoning: this.counted.output_tokens_details?.thinking_tokens ?? 0 };
  }

  /** @param {string} reason */
  end(reason) {
    this.said.finish = reason;
    const blocks = [...this.blocks].sort(([one], [other]) => one - other).map(([, { raw }]) => raw);
    this.said.raw = blocks.filter((raw) => raw.type !== 'text' || raw.text.trim());
  }
}

const NAMES = { max_tokens: 'cap', thinking: 'effort', output_config: 'effort', stop_sequences: 'stop', metadata: 'user' };

/** The pieces of a request, by what they are in every dialect. @param {any} body @returns {Node[]} */
export function nodes(body) {
  const { system, messages, tools, ...rest } = body;
  const before = typeof system === 'string' ? [{ key: 'system', path: 'system', value: system }] : list(system).map((part, index) => ({ key: 'system', path: `system[${index}]`, value: part }));
  return [
    ...before,
    ...list(messages).flatMap((message, index) => said(message, `messages[${index}]`)),
    ...list(tools).map((tool, index) => ({ key: `tool:${tool.name ?? tool.type}`, path: `tools[${index}]`, value: tool })),
    ...membersOf(rest, NAMES),
  ];
}

/** @param {any} message @param {string} at @returns {Node[]} */
function said({ role, content }, at) {
  if (typeof content === 'string') return [{ key: role === 'system' ? 'system' : `${role}:${digest(content)}`, path: `${at}.content`, value: content }];
  return list(content).map((part, index) => ({ key: keyOf(part, role), path: `${at}.content[${index}]`, value: part }));
}

/** @param {any} part @param {string} role */
function keyOf(part, role) {
  if (role === 'system') return 'system';
  if (part.type === 'tool_use') return `call:${part.id}`;
  if (part.type === 'tool_result') return `result:${part.tool_use_id}`;
  if (part.type === 'thinking') return `thinking:${digest(part.thinking)}`;
  if (part.type === 'image') return `image:${digest(part.source?.data ?? part.source?.url ?? '')}`;
  return part.type === 'text' ? `${role}:${digest(part.text)}` : `part:${digest(part)}`;
}
