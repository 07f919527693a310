/**
 * Where the visitor is: `#/page/rest?query`. Lists keep their state in the query, so every view is a link.
 */

import { signal } from './ui.js';

/** @typedef {{page: string, rest: string, query: Record<string, string>}} Route */

const KEPT = 'flow-router.place';
comeBack();

/** @type {import('../vendor/signals.js').Signal<Route>} */
export const route = signal(read());

addEventListener('hashchange', () => {
  route.value = read();
});

/** Remember where the visitor is, before another site is asked who they are. */
export function keepPlace() {
  sessionStorage.setItem(KEPT, location.hash);
}

/** Go where the visitor was before they left. */
function comeBack() {
  const kept = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  if (kept && !location.hash) history.replaceState(null, '', kept);
}

/** @returns {Route} */
function read() {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
  const [page = '', ...rest] = path.split('/');
  return {
    page: page || 'overview',
    rest: rest.map(decoded).join('/'),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Return the link to a place. Names inside `path` must be encoded by the caller (`encodeURIComponent`).
 * @param {string} path @param {Record<string, string | number | null | undefined>} [query]
 */
export function href(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `#/${path}${text ? `?${text}` : ''}`;
}

/** Go to a place. @param {string} path @param {Record<string, string | number | null | undefined>} [query] */
export function go(path, query) {
  location.hash = href(path, query);
}

/**
 * Change parts of the query where one is; null takes a part out. History gets no entry.
 * @param {Record<string, string | number | null | undefined>} changes
 */
export function setQuery(changes) {
  const { page, rest, query } = route.value;
  const path = rest ? `${page}/${rest.split('/').map(encodeURIComponent).join('/')}` : page;
  history.replaceState(null, '', href(path, { ...query, ...changes }));
  route.value = read();
}
