/**
 * A request as a line for a terminal.
 */

/** What a client of each dialect gives its key as. @type {Record<string, string>} */
const KEY_HEADERS = {
  openai_chat: 'authorization: Bearer $FLOW_ROUTER_KEY', openai_responses: 'authorization: Bearer $FLOW_ROUTER_KEY',
  anthropic: 'x-api-key: $FLOW_ROUTER_KEY', gemini: 'x-goog-api-key: $FLOW_ROUTER_KEY',
};

/** @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * Return the command that sends a request again.
 * @param {Record<string, any>} row @param {string | null} body What was recorded of it; a small example without.
 */
export function curlOf(row, body) {
  const dialect = row['client_dialect'];
  const streamed = row['stream'] && dialect === 'gemini' ? '?alt=sse' : '';
  const path = row['endpoint'].replace('{model}', row['requested_model'] ?? '');
  return [
    `curl ${row['stream'] ? '-N ' : ''}${quoted(`${location.origin}${path}${streamed}`)}`,
    `-H "${KEY_HEADERS[dialect] ?? KEY_HEADERS['openai_chat']}"`,
    ...(dialect === 'anthropic' ? ["-H 'anthropic-version: 2023-06-01'"] : []),
    "-H 'content-type: application/json'",
    `-d ${quoted(body ?? JSON.stringify(exampleOf(row)))}`,
  ].join(' \\\n  ');
}

/** @param {Record<string, any>} row */
function exampleOf(row) {
  const model = row['requested_model'];
  const stream = row['stream'] ? { stream: true } : {};
  const messages = [{ role: 'user', content: 'Hello' }];
  switch (row['client_dialect']) {
    case 'gemini': return { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] };
    case 'openai_responses': return { model, input: 'Hello', ...stream };
    case 'anthropic': return { model, max_tokens: 1024, messages, ...stream };
    default: return { model, messages, ...stream };
  }
}
