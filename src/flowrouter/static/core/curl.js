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

/** Return the command that sends `body` in a dialect. @param {string} dialect @param {string} url @param {string} body @param {boolean} stream */
export function curlOf(dialect, url, body, stream) {
  return [
    `curl ${stream ? '-N ' : ''}${quoted(url)}`,
    `-H "${KEY_HEADERS[dialect] ?? KEY_HEADERS['openai_chat']}"`,
    ...(dialect === 'anthropic' ? ["-H 'anthropic-version: 2023-06-01'"] : []),
    "-H 'content-type: application/json'",
    `-d ${quoted(body)}`,
  ].join(' \\\n  ');
}
