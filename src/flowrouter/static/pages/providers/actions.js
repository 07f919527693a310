/**
 * What can be done with an account; each says what it did and how to take it back.
 */

import { get, patch, post, remove } from '../../core/api.js';
import { forget } from '../../core/resource.js';
import { go } from '../../core/router.js';
import { may } from '../../core/session.js';
import { say, tell } from '../../core/toast.js';
import { signal } from '../../core/ui.js';
import { confirm } from '../../parts/panel.js';
import { t } from '../../strings/providers.js';
import { amend, pathOf, refresh } from './data.js';
import { moves } from './order.js';

/** @typedef {import('./data.js').Account} Account */

/** What was just switched, before the gateway has said so. @type {import('../../vendor/signals.js').Signal<Record<string, boolean>>} */
export const switching = signal({});
/** Priorities that were just chosen, before the gateway has said so. @type {import('../../vendor/signals.js').Signal<Record<string, number>>} */
export const ordering = signal({});
/** The account that is being tested, in the panel over whichever page. @type {import('../../vendor/signals.js').Signal<Account | null>} */
export const testing = signal(null);

/** @param {Account} account */
export const isOn = (account) => switching.value[account.id] ?? account.enabled;

/** @param {Account[]} accounts @param {boolean} enabled */
export async function enable(accounts, enabled) {
  const changed = accounts.filter((account) => isOn(account) !== enabled);
  if (changed.length === 0) return;
  switching.value = { ...switching.value, ...Object.fromEntries(changed.map(({ id }) => [id, enabled])) };
  const done = await each(changed, (account) => amend(account.id, { enabled }));
  await refresh();
  const rest = { ...switching.value };
  for (const { id } of changed) delete rest[id];
  switching.value = rest;
  if (done.length === 0) return;
  const text = done.length === 1 ? t(enabled ? 'enabled' : 'disabled', { name: done[0]?.name }) : t(enabled ? 'enabledMany' : 'disabledMany', { n: done.length });
  say(text, { undo: () => enable(done.map((account) => ({ ...account, enabled })), !enabled) });
}

/** Do it with each; returns those it was done with. @param {Account[]} accounts @param {(account: Account) => Promise<any>} act */
async function each(accounts, act) {
  const done = [];
  for (const account of accounts) {
    try {
      await act(account);
      done.push(account);
    } catch (error) {
      tell(error);
    }
  }
  return done;
}

/** @param {Account} account */
export async function resume(account) {
  try {
    const { data } = await post(`${pathOf(account.id)}/resume`);
    await refresh();
    say(t('resumed', { name: account.name, n: data.ended }));
  } catch (error) {
    tell(error);
  }
}

/** @param {Account} account */
export async function refreshModels(account) {
  try {
    const { data } = await post(`${pathOf(account.id)}/models/refresh`);
    await refresh();
    say(t('listed', { name: account.name, n: data.models }));
  } catch (error) {
    tell(error);
  }
}

/** @param {Account} account @param {() => void} [leave] Called once it is gone. */
export async function destroy(account, leave) {
  const sure = await confirm({ title: t('deleteTitle', { name: account.name }), text: t('deleteText'), action: t('delete'), typed: account.name });
  if (!sure) return;
  try {
    const { etag } = await get(pathOf(account.id));
    await remove(pathOf(account.id), { etag });
    say(t('deleted', { name: account.name }));
    leave?.();
    await refresh(pathOf(account.id));
  } catch (error) {
    tell(error);
  }
}

/** Make an ordinary account of a found one, and see whether it works. @param {Account} account */
export async function adopt(account) {
  try {
    const { data } = await post(`${pathOf(account.id)}/adopt`);
    await refresh();
    say(t('adopted', { name: data.name }));
    testing.value = data;
  } catch (error) {
    tell(error);
  }
}

/** Do not offer a found one any more. @param {Account} account */
export async function dismiss(account) {
  try {
    await remove(pathOf(account.id));
    await refresh();
    say(t('dismissed', { name: account.name }), may('administer') ? { undo: () => offerAgain(account) } : {});
  } catch (error) {
    tell(error);
  }
}

/** @param {Account} account */
async function offerAgain(account) {
  try {
    const { data, etag } = await get('/api/settings');
    const dismissed = data.in_force.discovery.dismissed.filter((/** @type {string} */ preset) => preset !== account.preset);
    await patch('/api/settings', { discovery: { dismissed } }, { etag });
    await Promise.all([refresh(), forget('/api/settings')]);
  } catch (error) {
    tell(error);
  }
}

/**
 * Let accounts be asked in another order. @param {import('./order.js').Steps} steps @param {Account} moved
 */
export async function reorder(steps, moved) {
  const changes = moves(steps, moved.id);
  if (changes === null) return say(t('orderFixed'), { tone: 'bad' });
  if (changes.length > 0 && (await applied(changes))) say(t('reordered', { name: moved.name }), { undo: () => applied(changes.map(({ id, from, to }) => ({ id, from: to, to: from }))) });
}

/** How many changes of the order are under way, and their end. */
let waiting = 0;
let last = /** @type {Promise<any>} */ (Promise.resolve());

/** Show the changes at once, and make them after those before. @param {import('./order.js').Move[]} changes @returns {Promise<boolean>} */
function applied(changes) {
  waiting += 1;
  ordering.value = { ...ordering.value, ...Object.fromEntries(changes.map(({ id, to }) => [id, to])) };
  const done = last.then(() => made(changes));
  last = done;
  return done;
}

/** @param {import('./order.js').Move[]} changes */
async function made(changes) {
  let well = true;
  try {
    for (const { id, to } of changes) await amend(id, { priority: to });
  } catch (error) {
    tell(error);
    well = false;
  }
  if (waiting === 1) await refresh();
  waiting -= 1;
  if (waiting === 0) ordering.value = {};
  return well;
}

/** @param {Account} account @param {string} panel */
export function show(account, panel = '') {
  go(`providers/${encodeURIComponent(account.id)}`, panel ? { panel } : {});
}
