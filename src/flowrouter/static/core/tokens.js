/**
 * Tokens by kind, in requests and in sums of them. No token is of two kinds: `output` is without `reasoning`,
 * `input` without what caches were read and written for.
 */

export const TOKENS = /** @type {const} */ (['input_tokens', 'cache_write_tokens', 'cache_read_tokens', 'output_tokens', 'reasoning_tokens']);

/** @param {Record<string, any>} row @param {readonly string[]} kinds @returns {number | null} Null where nothing is known of any. */
function known(row, kinds) {
  const told = kinds.map((kind) => row[kind]).filter((n) => n !== null && n !== undefined);
  return told.length ? told.reduce((all, n) => all + n, 0) : null;
}

/** All of them; 0 where nothing is known. @param {Record<string, any>} row */
export const tokensOf = (row) => known(row, TOKENS) ?? 0;

/** What a model wrote, thinking included; null where that is not known. @param {Record<string, any>} row */
export const writtenOf = (row) => known(row, ['output_tokens', 'reasoning_tokens']);

/** What a model read; null where that is not known. @param {Record<string, any>} row */
export const readOf = (row) => (row['input_tokens'] === null ? null : known(row, ['input_tokens', 'cache_read_tokens', 'cache_write_tokens']));
