/**
 * What is done with models, aliases and prices; everything can be taken back.
 */

import { ApiError, get, patch, put, remove } from '../../core/api.js';
import { forget } from '../../core/resource.js';
import { say, tell } from '../../core/toast.js';
import { t } from '../../strings/models.js';

/** Read again what such a change concerns. */
export const refresh = () => Promise.all(['/api/models', '/api/aliases', '/api/prices', '/api/plan', '/api/combos'].map((prefix) => forget(prefix)));

/** @param {string} kind @param {string} name */
export const pathOf = (kind, name) => `/api/${kind}/${encodeURIComponent(name)}`;

/** Hide models, or show them again. @param {string[]} names @param {boolean} hidden */
export async function hide(names, hidden) {
  const done = /** @type {string[]} */ ([]);
  for (const name of names) {
    try {
      const { etag } = await get(pathOf('models', name));
      await patch(pathOf('models', name), { hidden }, { etag });
      done.push(name);
    } catch (error) {
      tell(error);
    }
  }
  await refresh();
  if (done.length) say(t(hidden ? 'hidden' : 'unhidden', { n: done.length, name: done[0] }), { undo: () => hide(done, !hidden) });
}

/** @param {string} kind @param {string} name @returns {Promise<{data: any, etag: string | null} | null>} */
async function found(kind, name) {
  try {
    return await get(pathOf(kind, name));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/** Give an alias its models; raises `ApiError`. @param {string} name @param {string[]} models @param {string | null} [etag] what was seen of it; null makes a new one only */
export async function saveAlias(name, models, etag = null) {
  const before = etag ? await found('aliases', name) : null;
  const { etag: now } = await put(pathOf('aliases', name), { models }, etag ? { etag } : { headers: { 'if-none-match': '*' } });
  await refresh();
  const back = () => taken(() => (before ? put(pathOf('aliases', name), { models: before.data.models }, { etag: now }) : remove(pathOf('aliases', name), { etag: now })));
  say(t('aliasSaved', { name }), { undo: back });
}

/** @param {string} name */
export async function removeAlias(name) {
  try {
    const before = await found('aliases', name);
    if (!before) return true;
    await remove(pathOf('aliases', name), { etag: before.etag });
    await refresh();
    say(t('aliasRemoved', { name }), { undo: () => taken(() => put(pathOf('aliases', name), { models: before.data.models }, { headers: { 'if-none-match': '*' } })) });
    return true;
  } catch (error) {
    tell(error);
    return false;
  }
}

const KINDS = /** @type {const} */ (['input', 'output', 'cache_read', 'cache_write', 'cache_write_1h', 'request']);

/** @param {any} row */
const amounts = (row) => Object.fromEntries(KINDS.map((kind) => [kind, row[kind] ?? null]));

/** The price under a name, null where there is none; told by the list, where a name that is none is no error. @param {string} name */
async function priceUnder(name) {
  for (let cursor = ''; ; ) {
    const { data, next } = await get('/api/prices', { limit: 200, cursor });
    if (data.some((/** @type {any} */ row) => row.id === name)) return get(pathOf('prices', name));
    if (!next) return null;
    cursor = next;
  }
}

/** Set a price of one's own; raises `ApiError`. @param {string} name @param {Record<string, number | null>} price */
export async function savePrice(name, price) {
  const before = await priceUnder(name);
  const seen = before ? { etag: before.etag } : { headers: { 'if-none-match': '*' } };
  const { etag: now } = await put(pathOf('prices', name), price, seen);
  await refresh();
  const back = () => taken(() => (before ? put(pathOf('prices', name), amounts(before.data), { etag: now }) : remove(pathOf('prices', name), { etag: now })));
  say(t('priceSaved', { name }), { undo: back });
}

/** @param {string} name */
export async function removePrice(name) {
  try {
    const before = await priceUnder(name);
    if (!before) return;
    await remove(pathOf('prices', name), { etag: before.etag });
    await refresh();
    say(t('priceRemoved', { name }), { undo: () => taken(() => put(pathOf('prices', name), amounts(before.data), { headers: { 'if-none-match': '*' } })) });
  } catch (error) {
    tell(error);
  }
}

/** @param {() => Promise<any>} back */
async function taken(back) {
  try {
    await back();
    await refresh();
    say(t('undone'));
  } catch (error) {
    tell(error);
  }
}
