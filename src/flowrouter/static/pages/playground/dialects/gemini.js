/**
 * Gemini's generateContent: how a conversation is asked in it, and how its answers are read.
 */

import { BUDGETS, Said, argumentsOf, digest, given, list, membersOf, opened, parsed } from './shapes.js';

/** @typedef {import('./shapes.js').Ask} Ask @typedef {import('./shapes.js').Turn} Turn @typedef {import('./shapes.js').Node} Node */

/** Flash takes no larger budget. */
const MOST_BUDGET = 24_576;

/** @param {Ask} ask */
export const endpoint = (ask) => ({
  path: `/v1beta/models/${ask.model}:${ask.stream ? 'streamGenerateContent' : 'generateContent'}`,
  query: ask.stream ? { alt: 'sse' } : {},
  tried: { model: ask.model, stream: ask.stream },
  stream: ask.stream,
});

/** @param {Ask} ask */
export function build(ask) {
  const declared = ask.tools.map(({ name, description, parameters }) => ({ ...given({ name, description }), parametersJsonSchema: parameters }));
  const config = given({ temperature: ask.temperature, maxOutputTokens: ask.cap, thinkingConfig: thinkingOf(ask) });
  return {
    ...(ask.system ? { systemInstruction: { parts: [{ text: ask.system }] } } : {}),
    contents: ask.turns.flatMap(contentsOf),
    ...(declared.length ? { tools: [{ functionDeclarations: declared }] } : {}),
    ...(Object.keys(config).length ? { generationConfig: config } : {}),
  };
}

/** @param {Ask} ask */
function thinkingOf({ effort, style }) {
  if (effort === '') return null;
  if (style === 'level') return { thinkingLevel: { none: 'minimal', minimal: 'minimal', low: 'low', medium: 'medium' }[/** @type {string} */ (effort)] ?? 'high', includeThoughts: effort !== 'none' };
  return { thinkingBudget: Math.min(MOST_BUDGET, BUDGETS[effort] ?? 0), includeThoughts: effort !== 'none' };
}

/** @param {Turn} turn @returns {any[]} */
function contentsOf(turn) {
  if (turn.role === 'results') {
    const parts = turn.results.map(({ id, name, text, failed }) => {
      const value = parsed(text);
      const response = failed ? { error: text } : value !== null && typeof value === 'object' && !Array.isArray(value) ? value : { result: text };
      return { functionResponse: { ...(id.startsWith('here_') ? {} : given({ id })), name, response } };
    });
    return [{ role: 'user', parts }];
  }
  if (turn.role === 'user') {
    const images = turn.images.map(({ url }) => {
      const { type, data } = opened(url);
      return { inlineData: { mimeType: type, data } };
    });
    return [{ role: 'user', parts: [...images, ...(turn.text ? [{ text: turn.text }] : [])] }];
  }
  const parts = turn.raw ?? turn.parts.flatMap(/** @returns {any[]} */ (/** @type {import('./shapes.js').Part} */ part) => {
    if (part.kind === 'call') return [{ functionCall: { ...given({ id: part.id }), name: part.name, args: argumentsOf(part.text) } }];
    return part.kind === 'text' && part.text ? [{ text: part.text }] : [];
  });
  return parts.length ? [{ role: 'model', parts }] : [];
}

/** Reads answers, whole or in chunks, which have the same form. */
export class Reader {
  constructor() {
    this.said = new Said();
    this.calls = 0;
  }

  /** @param {any} chunk */
  take(chunk) {
    const { said } = this;
    if (chunk.error) return said.fail(chunk);
    if (chunk.usageMetadata) said.usage = usageOf(chunk.usageMetadata);
    if (chunk.promptFeedback?.blockReason) said.finish = chunk.promptFeedback.blockReason;
    const candidate = list(chunk.candidates)[0];
    if (!candidate) return;
    for (const part of list(candidate.content?.parts)) this.part(part);
    if (candidate.finishReason) said.finish = candidate.finishReason;
  }

  /** @param {any} body */
  whole(body) {
    for (const chunk of list(body)) this.take(chunk);
  }

  /** @param {any} part */
  part(part) {
    const { said } = this;
    const raw = (said.raw ??= []);
    const last = raw.at(-1);
    if (typeof part.text === 'string') {
      said.say(part.thought ? 'thinking' : 'text', part.text);
      const grows = last && typeof last.text === 'string' && Boolean(last.thought) === Boolean(part.thought) && !last.thoughtSignature;
      if (grows) Object.assign(last, part, { text: last.text + part.text });
      else if (part.text || part.thoughtSignature) raw.push({ ...part });
      return;
    }
    raw.push(part);
    const called = part.functionCall;
    const data = part.inlineData;
    this.calls += called ? 1 : 0;
    if (called) said.parts.push({ kind: 'call', id: called.id ?? '', name: called.name, text: JSON.stringify(called.args ?? {}) });
    else if (data && /^image\//.test(data.mimeType ?? '')) said.parts.push({ kind: 'image', text: `data:${data.mimeType};base64,${data.data}` });
    else said.parts.push({ kind: 'other', text: JSON.stringify(part, null, 2) });
  }
}

/** @param {any} usage */
const usageOf = (usage) => ({
  input: usage.promptTokenCount ?? 0, cached: usage.cachedContentTokenCount ?? 0,
  output: (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0), reasoning: usage.thoughtsTokenCount ?? 0,
});

const NAMES = { maxOutputTokens: 'cap', thinkingConfig: 'effort', stopSequences: 'stop', candidateCount: 'n', topP: 'top_p', topK: 'top_k', frequencyPenalty: 'frequency_penalty', presencePenalty: 'presence_penalty' };

/** The pieces of a request, by what they are in every dialect. @param {any} body @returns {Node[]} */
export function nodes(body) {
  const { systemInstruction, contents, tools, generationConfig, ...rest } = body;
  let calls = 0;
  let results = 0;
  const spoken = list(contents).flatMap((content, index) =>
    list(content.parts).map((part, place) => {
      const path = `contents[${index}].parts[${place}]`;
      if (part.functionCall) return { key: `call:${part.functionCall.id ?? `#${calls++}`}`, path, value: part };
      if (part.functionResponse) return { key: `result:${part.functionResponse.id ?? `#${results++}`}`, path, value: part };
      return { key: keyOf(part, content.role), path, value: part };
    }),
  );
  const declared = list(tools).flatMap((tool, index) =>
    tool.functionDeclarations
      ? list(tool.functionDeclarations).map((one, place) => ({ key: `tool:${one.name}`, path: `tools[${index}].functionDeclarations[${place}]`, value: one }))
      : [{ key: `tool:${Object.keys(tool)[0]}`, path: `tools[${index}]`, value: tool }],
  );
  return [
    ...list(systemInstruction?.parts).map((part, index) => ({ key: 'system', path: `systemInstruction.parts[${index}]`, value: part })),
    ...spoken, ...declared,
    ...membersOf(generationConfig, NAMES, 'generationConfig.'), ...membersOf(rest, {}),
  ];
}

/** @param {any} part @param {string} role */
function keyOf(part, role) {
  if (part.inlineData) return `image:${digest(part.inlineData.data ?? '')}`;
  if (part.thought) return `thinking:${digest(part.text)}`;
  return typeof part.text === 'string' ? `${role === 'model' ? 'assistant' : 'user'}:${digest(part.text)}` : `part:${digest(part)}`;
}
