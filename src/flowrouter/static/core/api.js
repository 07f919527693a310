/**
 * The one way to the gateway: `/api`, its envelope, its errors, its streams.
 */

import { catalogue } from './strings.js';
import { english } from '../strings/api.js';
import { me } from './session.js';

const t = catalogue('api', english);

/** Where 401 is about the password that was sent, and not about who sends it. */
const PASSWORDS = ['/api/login', '/api/me/password'];
/** How often a stream is looked after: by the clock, since timers stand still while a computer sleeps. */
const LOOK_MS = 5_000;

/** @typedef {Record<string, string | number | boolean | null | undefined>} Query */
/**
 * @typedef {object} Answer
 * @property {any} data
 * @property {string | null} next The cursor of the next page.
 * @property {string[]} notices
 * @property {string | null} etag
 */
/**
 * @typedef {object} Options
 * @property {string | null} [etag] Change only what has not changed meanwhile.
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */

/** A refusal or failure of the gateway, or that it does not answer (status 0). */
export class ApiError extends Error {
  /** @param {number} status @param {any} detail @param {string} [requestId] */
  constructor(status, detail, requestId = '') {
    super(detail.message);
    this.status = status;
    /** @type {string} */
    this.code = String(detail.code ?? detail.type ?? '');
    /** @type {string | null} */
    this.fix = detail.fix ?? null;
    /** @type {string | null} */
    this.param = detail.param ?? null;
    this.requestId = requestId;
  }
}

/** @param {string} path @param {Query} [query] */
export function address(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${path}?${text}` : path;
}

/** @param {string} path @param {Query} [query] @param {Options} [options] */
export const get = (path, query, options) => call('GET', address(path, query), undefined, options);
/** @param {string} path @param {any} [body] @param {Options} [options] */
export const post = (path, body = {}, options) => call('POST', path, body, options);
/** @param {string} path @param {any} body @param {Options} [options] */
export const put = (path, body, options) => call('PUT', path, body, options);
/** @param {string} path @param {any} body @param {Options} [options] */
export const patch = (path, body, options) => call('PATCH', path, body, options);
/** @param {string} path @param {Options} [options] */
export const remove = (path, options) => call('DELETE', path, undefined, options);

/**
 * Send one call; raises `ApiError`.
 * @param {string} method
 * @param {string} url
 * @param {any} body
 * @param {Options} [options]
 * @returns {Promise<Answer>}
 */
async function call(method, url, body, options = {}) {
  const response = await send(method, url, body, options);
  const told = await read(response);
  if (!response.ok || (told === null && !EMPTY.includes(response.status))) throw failure(response, told);
  return {
    data: told?.data,
    next: told?.next_cursor ?? null,
    notices: told?.notices ?? [],
    etag: response.headers.get('etag'),
  };
}

/**
 * Send a call and return the reply as it is; raises `ApiError` only where there is none.
 * @param {string} method
 * @param {string} url
 * @param {any} body
 * @param {Options} [options]
 */
export async function send(method, url, body, options = {}) {
  /** @type {Record<string, string>} */
  const headers = { ...options.headers };
  if (body !== undefined) headers['content-type'] ??= 'application/json';
  if (options.etag) headers['if-match'] = options.etag;
  if (method !== 'GET' && me.value?.csrf_token) headers['x-csrf-token'] = me.value.csrf_token;
  try {
    const response = await fetch(url, {
      method,
      headers,
      credentials: 'same-origin',
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    if (response.status === 401 && me.value !== null && !PASSWORDS.includes(url)) me.value = null;
    return response;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, { code: 'unreachable', message: t('unreachable'), fix: t('unreachableFix') });
  }
}

/** What comes without a body. */
const EMPTY = [204, 304];

/** Return what a reply says, null where that cannot be read. @param {Response} response */
async function read(response) {
  if (EMPTY.includes(response.status)) return null;
  try {
    return await response.json();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    return null;
  }
}

/** Return what a refused reply says. @param {Response} response @param {any} told */
export function failure(response, told) {
  const detail = told?.error ?? { code: 'unreadable', message: t('unreadable', { status: response.status }) };
  return new ApiError(response.status, detail, told?.request_id ?? response.headers.get('x-request-id') ?? '');
}

/** @typedef {{event: string, data: string}} StreamEvent */
/**
 * @typedef {object} StreamOptions
 * @property {string} [method]
 * @property {Query} [query]
 * @property {any} [body]
 * @property {Record<string, string>} [headers]
 * @property {(events: StreamEvent[]) => void} onEvents Called once for each read of the socket.
 * @property {(response: Response) => void} [onOpen]
 * @property {AbortSignal} [signal]
 * @property {number} [silence] Milliseconds without a byte after which the stream counts as dead.
 */

/**
 * Read server-sent events until the stream ends; raises `ApiError` where it cannot be had or falls silent.
 * @param {string} path
 * @param {StreamOptions} options
 */
export async function stream(path, options) {
  const dead = new AbortController();
  const giveUp = () => dead.abort();
  options.signal?.addEventListener('abort', giveUp);
  if (options.signal?.aborted) giveUp();
  const { silence = 0 } = options;
  let heardAt = Date.now();
  const look = () => Date.now() - heardAt > silence && giveUp();
  const timer = silence ? setInterval(look, Math.min(silence, LOOK_MS)) : 0;
  try {
    const headers = { accept: 'text/event-stream', ...options.headers };
    const url = address(path, options.query);
    const response = await send(options.method ?? 'GET', url, options.body, { headers, signal: dead.signal });
    if (!response.ok || response.body === null) throw failure(response, await read(response));
    options.onOpen?.(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heardAt = Date.now();
      const pieces = (rest + value).split(/\r?\n\r?\n/);
      rest = pieces.pop() ?? '';
      const events = pieces.map(eventOf).filter((event) => event !== null);
      if (events.length) options.onEvents(events);
    }
  } finally {
    clearInterval(timer);
    options.signal?.removeEventListener('abort', giveUp);
    dead.abort();
  }
}

/** @param {string} frame @returns {StreamEvent | null} */
function eventOf(frame) {
  let event = 'message';
  /** @type {string[]} */
  const data = [];
  for (const line of frame.split(/\r?\n/)) {
    if (line.startsWith('event:')) event = line.slice(6).trim();
    else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
  }
  return data.length ? { event, data: data.join('\n') } : null;
}
