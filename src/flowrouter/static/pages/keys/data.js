/**
 * What the pages of keys read, and what can be done with a key: never over somebody else's change.
 */

import { get, patch, remove } from '../../core/api.js';
import { forget, useData } from '../../core/resource.js';
import { may } from '../../core/session.js';
import { say, tell } from '../../core/toast.js';
import { useMemo } from '../../core/ui.js';
import { useWhole } from '../../core/whole.js';
import { confirm } from '../../parts/panel.js';
import { t } from '../../strings/keys.js';

/** @typedef {Record<string, any>} Key A row of `/api/keys`. */

export const DAYS = 30;
const DAY_MS = 86_400_000;

/** The day that the figures of a key begin with. */
export const since = () => new Date(Date.now() - (DAYS - 1) * DAY_MS).toISOString().slice(0, 10);

/** @param {string} id */
export const pathOf = (id) => `/api/keys/${encodeURIComponent(id)}`;

/** All keys, what each used in these days, and how its budgets stand. */
export function useKeyRows() {
  const keys = useWhole('/api/keys');
  const usage = useData('/api/usage', { group_by: 'key', since: since() });
  const budgets = useBudgets();
  const used = useMemo(() => new Map((usage.data ?? []).map((/** @type {any} */ row) => [row.group, row])), [usage.data]);
  const rows = useMemo(
    () => keys.rows?.map((key) => ({ ...key, usage: used.get(key.id) ?? null, standing: budgets.filter(({ key_id: id }) => id === key.id) })),
    [keys.rows, used, budgets],
  );
  return { ...keys, rows };
}

/** How the budgets of keys stand. @returns {any[]} */
export function useBudgets() {
  const { data } = useData('/api/budgets', { limit: 200 });
  return useMemo(() => data ?? [], [data]);
}

/** Read again what a change of a key concerns. */
export const refresh = () => Promise.all(['/api/keys', '/api/budgets', '/api/status', '/api/tags'].map((path) => forget(path)));

/** Why something cannot be done with a key, null where it can. @param {Key} key @param {'edit' | 'switch' | 'revoke'} what @returns {string | null} */
export function barred(key, what) {
  if (!may('operate')) return t('whyViewer');
  if (key['state'] === 'revoked') return t('whyRevoked');
  const off = what === 'switch' && key['state'] !== 'disabled';
  if (key['scopes'].includes('admin') && !may('administer') && !off) return t('whyAdmin');
  if (what === 'revoke' && key['managed_fields'].length) return t('whyFile', { file: key['managed_in'], name: key['name'] });
  return what === 'switch' && locked(key, 'enabled') ? t('whyFileState', { file: key['managed_in'] }) : null;
}

/** Whether a file owns a field, such as `policy.models`. @param {Key | null} key @param {string} field */
export const locked = (key, field) => Boolean(key?.['managed_fields'].some((/** @type {string} */ name) => name === '*' || name === field || field.startsWith(`${name}.`)));

/** Change a key as it is now; raises `ApiError`. @param {string} id @param {Record<string, any>} body */
export async function amend(id, body) {
  const { etag } = await get(pathOf(id));
  const { data } = await patch(pathOf(id), body, { etag });
  return data;
}

/** @param {Key[]} keys @param {boolean} enabled */
export async function enable(keys, enabled) {
  /** @type {Key[]} */
  const done = [];
  for (const key of keys.filter((each) => barred(each, 'switch') === null && (each['disabled_at_ms'] === null) !== enabled)) {
    try {
      done.push(await amend(key['id'], { enabled }));
    } catch (error) {
      tell(error);
    }
  }
  await refresh();
  if (done.length === 0) return;
  const text = done.length === 1 ? t(enabled ? 'enabled' : 'disabled', { name: done[0]?.['name'] }) : t(enabled ? 'enabledMany' : 'disabledMany', { n: done.length });
  say(text, { undo: () => enable(done, !enabled) });
}

/** @param {Key} key */
export async function revoke(key) {
  const sure = await confirm({ title: t('revokeTitle', { name: key['name'] }), text: t('revokeText'), action: t('revoke'), typed: key['name'] });
  if (!sure) return;
  try {
    const { etag } = await get(pathOf(key['id']));
    const { notices } = await remove(pathOf(key['id']), { etag });
    await refresh();
    say(t('revokedNow', { name: key['name'] }));
    for (const notice of notices) say(notice, { data: true });
  } catch (error) {
    tell(error);
  }
}
