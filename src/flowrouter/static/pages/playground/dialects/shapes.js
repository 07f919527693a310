/**
 * What all four dialects are made of: a conversation in no vendor's words, and an answer as it comes in.
 */

/**
 * @typedef {object} Part A piece of an answer; of a call `text` holds the arguments as they came.
 * @property {'text' | 'thinking' | 'refusal' | 'call' | 'image' | 'other'} kind
 * @property {string} text
 * @property {string} [id]
 * @property {string} [name]
 */
/** @typedef {{input: number, cached: number, output: number, reasoning: number}} Usage `input` holds the cached, `output` the reasoning. */
/** @typedef {{message: string, code: string}} Failure */
/** @typedef {{name: string, type: string, url: string}} Picture `url` is a data URL. */
/** @typedef {{id: string, name: string, text: string, failed: boolean}} Result */
/** @typedef {{name: string, description: string, parameters: any}} Tool */
/**
 * @typedef {{role: 'user', text: string, images: Picture[]}} UserTurn
 * @typedef {{role: 'assistant', parts: Part[], raw: any}} AnswerTurn `raw`: as the same target said it in the same dialect, or null.
 * @typedef {{role: 'results', results: Result[]}} ResultTurn
 * @typedef {UserTurn | AnswerTurn | ResultTurn} Turn
 */
/** @typedef {'' | 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max'} Effort '' says nothing of it. */
/**
 * @typedef {object} Ask
 * @property {string} model
 * @property {string} system
 * @property {number | null} temperature
 * @property {number | null} cap
 * @property {Effort} effort
 * @property {string | null} style How the model is told to think, where that is known: `adaptive`, `both`, `manual`, `budget`, `level` …
 * @property {boolean} stream
 * @property {Tool[]} tools
 * @property {Record<string, any>} more Members of the body that nothing here has a field for.
 * @property {Turn[]} turns
 */
/** @typedef {{key: string, path: string, value: any}} Node A piece of a request: `key` is the same in every dialect. */

/** Tokens that an effort stands for, as the gateway counts them. @type {Record<string, number>} */
export const BUDGETS = { none: 0, minimal: 512, low: 1024, medium: 8192, high: 24_576, xhigh: 32_768, max: 128_000 };

/** An answer as far as it has come; the dialects' readers fill it. */
export class Said {
  constructor() {
    /** @type {Part[]} */
    this.parts = [];
    /** @type {Usage | null} */
    this.usage = null;
    /** The vendor's word for why it ended. @type {string | null} */
    this.finish = null;
    /** @type {Failure | null} */
    this.error = null;
    /** What goes back in the next request of the same dialect. @type {any} */
    this.raw = null;
  }

  /** Add to the last part where it is of the same kind, else begin one. @param {Part['kind']} kind @param {any} text */
  say(kind, text) {
    if (typeof text !== 'string' || text === '') return;
    const last = this.parts.at(-1);
    if (last?.kind === kind) last.text += text;
    else this.parts.push({ kind, text });
  }

  /** @param {any} error */
  fail(error) {
    const told = error?.error ?? error;
    this.error = { message: String(told?.message ?? JSON.stringify(told)), code: String(told?.code ?? told?.type ?? told?.status ?? '') };
  }
}

/** The type and the data of a data URL. @param {string} url */
export function opened(url) {
  const found = /^data:([^;,]+);base64,(.*)$/s.exec(url);
  return { type: found?.[1] ?? 'application/octet-stream', data: found?.[2] ?? '' };
}

/** @param {string} text @returns {any} */
export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Arguments of a call as an object; a model may have written something else. @param {string} text */
export function argumentsOf(text) {
  const value = parsed(text || '{}');
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : { input: text };
}

/** Members that are there: null, undefined and '' are left out. @param {Record<string, any>} members */
export const given = (members) =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null && value !== undefined && value !== ''));

/** Put `more` over `body`; objects in both are joined. @param {any} body @param {any} more @returns {any} */
export function joined(body, more) {
  const plain = (/** @type {any} */ value) => value !== null && typeof value === 'object' && !Array.isArray(value);
  return Object.fromEntries(
    [...new Set([...Object.keys(body), ...Object.keys(more)])].map((name) => {
      const [own, other] = [body[name], more[name]];
      return [name, !(name in more) ? own : plain(own) && plain(other) ? joined(own, other) : other];
    }),
  );
}

/** @param {any} value @returns {any[]} */
export const list = (value) => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]);

/** Nodes of the members of an object; `names` says what some are called everywhere. @param {any} body @param {Record<string, string>} names @param {string} [at] @returns {Node[]} */
export const membersOf = (body, names, at = '') =>
  Object.entries(body ?? {}).map(([name, value]) => ({ key: names[name] ?? name, path: `${at}${name}`, value }));

/** The digest that tells a piece of a conversation from others of its kind. @param {any} value */
export const digest = (value) => (typeof value === 'string' ? value : JSON.stringify(value) ?? '').slice(0, 200).replaceAll(/\s+/g, ' ').trim();
