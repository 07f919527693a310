/**
 * Reading and changing the settings: one member at a time, never over somebody else's change, with a way back.
 */

import { get, patch } from '../../core/api.js';
import { forget, useData } from '../../core/resource.js';
import { may } from '../../core/session.js';
import { say, tell } from '../../core/toast.js';
import { t } from '../../strings/settings.js';

/** @typedef {Record<string, any>} Settings The data of `/api/settings`. */

export const useSettings = () => useData('/api/settings');

/** The member of a document at a dotted name. @param {any} document @param {string} name */
export function member(document, name) {
  let found = document;
  for (const part of name.split('.')) found = found?.[part];
  return found;
}

/** A document with one member. @param {string} name @param {any} value */
function nested(name, value) {
  return name.split('.').reduceRight((inside, part) => ({ [part]: inside }), value);
}

/** Which file owns a setting, null where it may be changed here. @param {Settings} settings @param {string} name @returns {string | null} */
export function ownerOf(settings, name) {
  const path = name.split('.');
  const owns = (/** @type {string[]} */ other) => other.slice(0, path.length).every((part, at) => part === path[at]);
  return settings['managed'].find((/** @type {any} */ each) => owns(each.path))?.file ?? null;
}

/** Why a setting cannot be changed, null where it can. @param {Settings} settings @param {string} name */
export function barred(settings, name) {
  if (!may('administer')) return t('adminOnly');
  const file = ownerOf(settings, name);
  return file === null ? null : t('lockedBy', { file });
}

/**
 * Store a member (null: as the file or the program says) if it is still what was seen; says so, with a way back.
 * @param {Settings} seen @param {string} name @param {any} value @param {string} label
 */
export async function store(seen, name, value, label) {
  try {
    const { data, etag } = await get('/api/settings');
    const before = member(data.values, name);
    if (JSON.stringify(before) !== JSON.stringify(member(seen['values'], name))) {
      await forget('/api/settings');
      say(t('changedMeanwhile'), { tone: 'bad' });
      return;
    }
    const { data: after } = await patch('/api/settings', nested(name, replacing(value, before)), { etag });
    await refresh();
    say(t('saved', { name: label }), { undo: () => store(after, name, before ?? null, label) });
  } catch (error) {
    tell(error);
  }
}

/** A patch merges objects: what is to go from one must be named. @param {any} value @param {any} before */
function replacing(value, before) {
  if (!isObject(value) || !isObject(before)) return value;
  return { ...Object.fromEntries(Object.keys(before).map((name) => [name, null])), ...value };
}

/** @param {any} value */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Read again what settings concern. */
export const refresh = () => Promise.all(['/api/settings', '/api/models', '/api/aliases', '/api/status', '/api/budgets', '/api/accounts', '/api/tags'].map((path) => forget(path)));
