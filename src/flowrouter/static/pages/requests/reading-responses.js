/**
 * The items of OpenAI's responses as messages.
 */

import { list, parsed, picture } from './reading-parts.js';

/** @typedef {import('./reading-parts.js').Part} Part */
/** @typedef {import('./reading-parts.js').Message} Message */

/** Read the input of a request. @param {any} input @returns {Message[]} */
export function responsesItems(input) {
  if (typeof input === 'string') return [{ role: 'user', parts: [{ kind: 'text', text: input }] }];
  return list(input).map((item) => ({ role: roleOf(item), parts: itemParts(item) }));
}

/** Read an answer's output. @param {any} body @returns {Part[]} */
export const responsesAnswer = (body) => list(body.output).flatMap(itemParts);

/** @param {any} item */
function roleOf(item) {
  if (item.role) return item.role;
  return String(item.type).endsWith('_output') ? 'tool' : 'assistant';
}

/** @param {any} item @returns {Part[]} */
export function itemParts(item) {
  switch (item.type ?? 'message') {
    case 'message': return typeof item.content === 'string' ? [{ kind: 'text', text: item.content }] : list(item.content).map(contentPart);
    case 'reasoning': {
      const told = [...list(item.summary), ...list(item.content)].map((part) => part.text ?? '').join('\n\n');
      return [told ? { kind: 'thinking', text: told } : { kind: 'thinking' }];
    }
    case 'function_call':
    case 'custom_tool_call': return [{ kind: 'call', name: item.name, id: item.call_id, value: parsed(item.arguments) ?? item.arguments ?? item.input }];
    case 'function_call_output':
    case 'custom_tool_call_output': return [{ kind: 'result', id: item.call_id, text: typeof item.output === 'string' ? item.output : list(item.output).map((part) => contentPart(part).text ?? '').join('\n') }];
    default: return [{ kind: 'other', value: item }];
  }
}

/** @param {any} part @returns {Part} */
function contentPart(part) {
  if (typeof part.text === 'string') return { kind: 'text', text: part.text };
  if (part.type === 'refusal') return { kind: 'refusal', text: part.refusal };
  if (part.type === 'input_image') return picture(part.image_url ?? part.file_id);
  if (part.type === 'input_file') return { kind: 'file', name: part.filename ?? part.file_id ?? part.file_url };
  return { kind: 'other', value: part };
}
