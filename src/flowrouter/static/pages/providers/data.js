/**
 * What the pages of providers read, and the one way they change an account: never over somebody else's change.
 */

import { get, patch } from '../../core/api.js';
import { forget, useData } from '../../core/resource.js';
import { tell } from '../../core/toast.js';
import { useEffect, useState } from '../../core/ui.js';

/** @typedef {Record<string, any>} Account A row of `/api/accounts`. */
/** @typedef {Record<string, any>} Target A row of `/api/health/targets`. */
/** @typedef {Record<string, any>} Preset A row of `/api/presets`. */

const PAGE = 200;
const LIVE_MS = 10_000;

/** @param {string} id */
export const pathOf = (id) => `/api/accounts/${encodeURIComponent(id)}`;

/**
 * All rows of a list, its further pages included.
 * @param {string | null} path @param {{every?: number}} [options]
 */
export function useAll(path, options) {
  const first = useData(path, { limit: PAGE }, options);
  const [rest, setRest] = useState(/** @type {any[]} */ ([]));
  useEffect(() => {
    let current = true;
    const more = async () => {
      const rows = [];
      for (let cursor = first.next; cursor && path; ) {
        const page = await get(path, { limit: PAGE, cursor });
        rows.push(...page.data);
        cursor = page.next;
      }
      if (current) setRest(rows);
    };
    if (first.next) more().catch(() => undefined);
    else if (rest.length) setRest([]);
    return () => {
      current = false;
    };
  }, [first.data]);
  return { ...first, data: first.data === undefined ? undefined : /** @type {any[]} */ (rest.length ? [...first.data, ...rest] : first.data) };
}

export const useAccounts = () => useAll('/api/accounts', { every: LIVE_MS });
export const useTargets = () => useAll('/api/health/targets', { every: LIVE_MS });
export const useQuotas = () => useAll('/api/quotas', { every: LIVE_MS });
export const usePresets = () => useData('/api/presets', { limit: PAGE });

/** Read again what a change of an account concerns. @param {string | null} [gone] The path of an account that is no more. */
export function refresh(gone = null) {
  return Promise.all(['/api/accounts', '/api/health', '/api/quotas', '/api/models', '/api/status', '/api/tags'].map((path) => forget(path, gone)));
}

/**
 * Change an account as it is now; raises `ApiError`, also where somebody else was quicker. Returns it as it is then.
 * @param {string} id @param {Record<string, any>} body
 */
export async function amend(id, body) {
  const { etag } = await get(pathOf(id));
  const { data } = await patch(pathOf(id), body, { etag });
  void refresh();
  return data;
}

/** Put an account back as it was. @param {string} id @param {Record<string, any>} body */
export const restore = (id, body) => amend(id, body).catch(tell);

/** @param {string} wanted @param {Account[]} accounts */
export function freeName(wanted, accounts) {
  const taken = new Set(accounts.filter(({ source }) => source !== 'found').map(({ name }) => name));
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
  return name;
}

/** Whether a field of an account belongs to a file or to the program. @param {Account} account @param {string} field */
export const locked = (account, field) => account.read_only || account.managed_fields.includes('*') || account.managed_fields.includes(field);

/** The host that an account is reached at, where it is not its preset's own. @param {Account} account */
export function hostOf(account) {
  try {
    return account.base_url ? new URL(account.base_url).host : null;
  } catch {
    return account.base_url;
  }
}
