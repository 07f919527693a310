/**
 * The pieces that all dialects' bodies are read with: parts of messages, and what is in them.
 */

/**
 * @typedef {'text' | 'thinking' | 'image' | 'audio' | 'file' | 'call' | 'result' | 'refusal' | 'error' | 'other'} Kind
 * @typedef {{kind: Kind, text?: string, name?: string, id?: string, value?: any, media?: string, source?: string}} Part
 * @typedef {{role: string, parts: Part[]}} Message
 * @typedef {{messages: Message[], tools: string[], settings: Record<string, any>, stream: boolean}} Asked
 */

/** @param {any} value @returns {any[]} */
export const list = (value) => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]);
/** @param {any} value @returns {string} */
export const words = (value) => (typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value, null, 2));

/** Parse JSON, or return what it is not. @param {string | null | undefined} text @returns {any} */
export function parsed(text) {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {any} value @param {(part: any) => Part} read @returns {Part[]} */
export function content(value, read) {
  return typeof value === 'string' ? [{ kind: 'text', text: value }] : list(value).map((part) => (typeof part === 'string' ? { kind: 'text', text: part } : read(part)));
}

/** A picture by its address; only one that came along can be shown. @param {any} url @returns {Part} */
export function picture(url) {
  const text = words(url);
  return /^data:image\/(png|jpeg|gif|webp);base64,/.test(text) ? { kind: 'image', source: text } : { kind: 'image', text };
}

/** @param {any} part @returns {Part} */
export function anthropicPart(part) {
  const source = part.source ?? {};
  switch (part.type) {
    case 'text': return { kind: 'text', text: words(part.text) };
    case 'thinking': return { kind: 'thinking', text: words(part.thinking) };
    case 'redacted_thinking': return { kind: 'thinking' };
    case 'tool_use':
    case 'server_tool_use': return { kind: 'call', name: part.name, id: part.id, value: part.input };
    case 'tool_result': return { kind: 'result', id: part.tool_use_id, text: content(part.content, anthropicPart).map((one) => one.text ?? words(one.value)).join('\n') };
    case 'image': return picture(source.type === 'base64' ? `data:${source.media_type};base64,${source.data}` : source.url ?? source.file_id);
    case 'document': return { kind: 'file', name: part.title ?? source.url ?? source.file_id ?? source.media_type, text: source.type === 'text' ? source.data : undefined };
    default: return { kind: 'other', value: part };
  }
}

/** @param {any} part @returns {Part} */
export function geminiPart(part) {
  const data = part.inlineData ?? part.inline_data;
  const called = part.functionCall ?? part.function_call;
  const result = part.functionResponse ?? part.function_response;
  if (typeof part.text === 'string') return { kind: part.thought ? 'thinking' : 'text', text: part.text };
  if (called) return { kind: 'call', name: called.name, id: called.id, value: called.args };
  if (result) return { kind: 'result', name: result.name, id: result.id, text: words(result.response) };
  if (data) return String(data.mimeType ?? data.mime_type).startsWith('image/') ? picture(`data:${data.mimeType ?? data.mime_type};base64,${data.data}`) : { kind: 'file', media: data.mimeType ?? data.mime_type };
  if (part.fileData ?? part.file_data) return { kind: 'file', name: (part.fileData ?? part.file_data).fileUri };
  return { kind: 'other', value: part };
}
