/**
 * OpenAI Responses: how a conversation is asked in it, and how its answers are read.
 *
 * Nothing is kept at the vendor: each request brings the whole conversation, reasoning in its encrypted form.
 */

import { Said, digest, given, list, membersOf } from './shapes.js';

/** @typedef {import('./shapes.js').Ask} Ask @typedef {import('./shapes.js').Turn} Turn @typedef {import('./shapes.js').Node} Node */

/** @param {Ask} ask */
export const endpoint = (ask) => ({ path: '/v1/responses', query: {}, tried: {}, stream: ask.stream });

/** @param {Ask} ask */
export function build(ask) {
  const thinks = ask.effort !== '' && ask.effort !== 'none';
  const tools = ask.tools.map((tool) => ({ type: 'function', ...given({ ...tool }), strict: false }));
  return {
    model: ask.model,
    ...given({ instructions: ask.system }),
    input: ask.turns.flatMap(itemsOf),
    ...given({ temperature: ask.temperature, max_output_tokens: ask.cap }),
    ...(ask.effort ? { reasoning: { effort: ask.effort, ...(thinks ? { summary: 'auto' } : {}) } } : {}),
    ...(thinks ? { include: ['reasoning.encrypted_content'] } : {}),
    ...(tools.length ? { tools } : {}),
    store: false,
    ...(ask.stream ? { stream: true } : {}),
  };
}

/** @param {Turn} turn @returns {any[]} */
function itemsOf(turn) {
  if (turn.role === 'results') return turn.results.map(({ id, text }) => ({ type: 'function_call_output', call_id: id, output: text }));
  if (turn.role === 'user') {
    const images = turn.images.map(({ url }) => ({ type: 'input_image', image_url: url, detail: 'auto' }));
    return [{ role: 'user', content: [...images, ...(turn.text ? [{ type: 'input_text', text: turn.text }] : [])] }];
  }
  if (turn.raw) return turn.raw;
  return turn.parts.flatMap(/** @returns {any[]} */ (/** @type {import('./shapes.js').Part} */ part) => {
    if (part.kind === 'call') return [{ type: 'function_call', call_id: part.id, name: part.name, arguments: part.text || '{}' }];
    return part.kind === 'text' ? [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: part.text }] }] : [];
  });
}

/** Reads answers, whole or in events. */
export class Reader {
  constructor() {
    this.said = new Said();
    /** The part that grows, by the place of its item and what of the item it is. @type {Map<string, import('./shapes.js').Part>} */
    this.open = new Map();
    /** @type {Map<number, any>} */
    this.items = new Map();
  }

  /** @param {any} event */
  take(event) {
    const type = String(event.type ?? '');
    const place = event.output_index ?? 0;
    if (type === 'error' || event.error) return this.said.fail(event);
    if (type === 'response.output_item.added') this.item(event.item ?? {}, place, false);
    else if (type === 'response.output_item.done') this.item(event.item ?? {}, place, true);
    else if (type.endsWith('.delta') && typeof event.delta === 'string') this.delta(type, event, place);
    else if (/^response\.(completed|incomplete|failed)$/.test(type)) this.end(event.response ?? {});
  }

  /** @param {any} body */
  whole(body) {
    list(body.output).forEach((item, place) => this.item(item, place, true));
    this.end(body);
  }

  /** @param {string} type @param {any} event @param {number} place */
  delta(type, event, place) {
    const call = /arguments|input/.test(type);
    const kind = call ? 'call' : type.includes('reasoning') ? 'thinking' : type.includes('refusal') ? 'refusal' : 'text';
    const key = `${place}:${kind}`;
    const number = event.summary_index ?? event.content_index ?? 0;
    let part = this.open.get(key);
    if (!part) {
      part = { kind, text: '', ...(call ? { id: '', name: '' } : {}) };
      this.open.set(key, part);
      this.said.parts.push(part);
    }
    if (kind === 'thinking' && part.text && number > Number(part.id ?? 0)) part.text += '\n\n';
    if (kind === 'thinking') part.id = String(number);
    part.text += event.delta;
  }

  /** @param {any} item @param {number} place @param {boolean} whole */
  item(item, place, whole) {
    const key = (/** @type {string} */ kind) => `${place}:${kind}`;
    const put = (/** @type {import('./shapes.js').Part} */ part) => {
      const known = this.open.get(key(part.kind));
      if (known) Object.assign(known, whole || !known.text ? part : { ...part, text: known.text });
      else if (part.text || part.kind === 'call') {
        this.open.set(key(part.kind), part);
        this.said.parts.push(part);
      }
    };
    if (whole) this.items.set(place, item);
    if (item.type === 'function_call') put({ kind: 'call', text: item.arguments ?? '', id: item.call_id, name: item.name });
    if (item.type === 'custom_tool_call') put({ kind: 'call', text: item.input ?? '', id: item.call_id, name: item.name });
    if (item.type === 'reasoning') put({ kind: 'thinking', text: [...list(item.summary), ...list(item.content)].map(({ text }) => text ?? '').join('\n\n') });
    if (item.type === 'message' && whole) {
      const text = list(item.content).filter(({ type }) => type === 'output_text').map((part) => part.text).join('');
      const refusal = list(item.content).map((part) => part.refusal ?? '').join('');
      put({ kind: 'text', text });
      put({ kind: 'refusal', text: refusal });
    }
    if (item.type === 'image_generation_call' && item.result) this.said.parts.push({ kind: 'image', text: `data:image/png;base64,${item.result}` });
  }

  /** @param {any} response */
  end(response) {
    const { said } = this;
    if (response.error) said.fail(response);
    if (response.usage) said.usage = usageOf(response.usage);
    if (this.items.size === 0) list(response.output).forEach((item, place) => this.item(item, place, true));
    said.finish = response.incomplete_details?.reason ?? response.status ?? null;
    said.raw = [...this.items].sort(([one], [other]) => one - other).flatMap(([, item]) => back(item));
  }
}

/** An item as it goes back; what only the vendor's own memory could complete stays out. @param {any} item */
function back(item) {
  const { id: _id, status: _status, ...rest } = item;
  if (item.type === 'reasoning' && !item.encrypted_content) return [];
  return [rest];
}

/** @param {any} usage */
const usageOf = (usage) => ({
  input: usage.input_tokens ?? 0, cached: usage.input_tokens_details?.cached_tokens ?? 0,
  output: usage.output_tokens ?? 0, reasoning: usage.output_tokens_details?.reasoning_tokens ?? 0,
});

/** The pieces of a request, by what they are in every dialect. @param {any} body @returns {Node[]} */
export function nodes(body) {
  const { instructions, input, tools, ...rest } = body;
  return [
    ...(instructions ? [{ key: 'system', path: 'instructions', value: instructions }] : []),
    ...(typeof input === 'string' ? [{ key: `user:${digest(input)}`, path: 'input', value: input }] : list(input).flatMap((item, index) => itemNodes(item, `input[${index}]`))),
    ...list(tools).map((tool, index) => ({ key: `tool:${tool.name ?? tool.type}`, path: `tools[${index}]`, value: tool })),
    ...membersOf(rest, { max_output_tokens: 'cap', reasoning: 'effort' }),
  ];
}

/** @param {any} item @param {string} at @returns {Node[]} */
function itemNodes(item, at) {
  if (/call_output$/.test(item.type ?? '')) return [{ key: `result:${item.call_id}`, path: at, value: item }];
  if (/_call$/.test(item.type ?? '')) return [{ key: `call:${item.call_id}`, path: at, value: item }];
  if (item.type === 'reasoning') return [{ key: `thinking:${digest(list(item.summary).map(({ text }) => text).join(''))}`, path: at, value: item }];
  const content = typeof item.content === 'string' ? [item.content] : list(item.content);
  return content.map((part, index) => {
    const path = typeof item.content === 'string' ? `${at}.content` : `${at}.content[${index}]`;
    if (item.role === 'system' || item.role === 'developer') return { key: 'system', path, value: part };
    if (part.image_url) return { key: `image:${digest(String(part.image_url).split(',').at(-1))}`, path, value: part };
    const text = typeof part === 'string' ? part : part.text;
    return { key: `${text === undefined ? 'part' : item.role}:${digest(text ?? part)}`, path, value: part };
  });
}
