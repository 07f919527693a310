/**
 * A request of the log as a line for a terminal.
 */

import { curlOf } from '../../core/curl.js';

/**
 * Return the command that sends a request again.
 * @param {Record<string, any>} row @param {string | null} body What was recorded of it; a small example without.
 */
export function curlAgain(row, body) {
  const dialect = row['client_dialect'];
  const streamed = row['stream'] && dialect === 'gemini' ? '?alt=sse' : '';
  const path = row['endpoint'].replace('{model}', row['requested_model'] ?? '');
  return curlOf(dialect, `${location.origin}${path}${streamed}`, body ?? JSON.stringify(exampleOf(row)), row['stream'] === true);
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
