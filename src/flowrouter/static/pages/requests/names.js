/**
 * What people call the accounts and keys that rows name by id.
 */

import { useData } from '../../core/resource.js';
import { useMemo } from '../../core/ui.js';

/** @typedef {{accounts: Record<string, string>, keys: Record<string, string>}} Names */

const EVERY_MS = 60_000;

/** @returns {Names & {ready: boolean}} */
export function useNames() {
  const accounts = useData('/api/accounts', { limit: 200 }, { every: EVERY_MS });
  const keys = useData('/api/keys', { limit: 200 }, { every: EVERY_MS });
  return useMemo(
    () => ({ accounts: byId(accounts.data), keys: byId(keys.data), ready: Boolean(accounts.data || accounts.error) && Boolean(keys.data || keys.error) }),
    [accounts.data, keys.data, accounts.error, keys.error],
  );
}

/** @param {{id: string, name: string}[] | undefined} rows */
const byId = (rows) => Object.fromEntries((rows ?? []).map(({ id, name }) => [id, name]));

/** A program's name without what it adds about itself. @param {string | null} client */
export function programOf(client) {
  const first = client?.split(' ')[0] ?? '';
  const [name, version] = first.split('/');
  return version ? `${name} ${version}` : (name ?? '');
}

/** An id's last letters, enough to tell it from its neighbours. @param {string} id */
export const shortOf = (id) => (id.length > 14 ? `…${id.slice(-8)}` : id);
