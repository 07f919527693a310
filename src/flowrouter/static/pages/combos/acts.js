/**
 * What is done with combos: saved with what was seen of them, taken back, deleted.
 */

import { get, patch, post, remove } from '../../core/api.js';
import { forget } from '../../core/resource.js';
import { go } from '../../core/router.js';
import { say, tell } from '../../core/toast.js';
import { confirm } from '../../parts/panel.js';
import { t } from '../../strings/combos.js';
import { bodyOf } from './draft.js';

/** @typedef {import('./draft.js').Draft} Draft */

/** @param {string} id */
export const pathOf = (id) => `/api/combos/${encodeURIComponent(id)}`;

/** Read again what a change of a combo concerns; `gone` is one that is no more. @param {string | null} [gone] */
export const refresh = (gone = null) => Promise.all(['/api/combos', '/api/models', '/api/plan', '/api/tags', '/api/status'].map((prefix) => forget(prefix, gone === null ? null : pathOf(gone))));

/** Store a new combo and tell so, with a way back; raises `ApiError`. @param {Draft} draft @returns {Promise<any>} The row. */
export async function create(draft) {
  const { data, etag } = await post('/api/combos', bodyOf(draft));
  void refresh();
  const undo = () => attempt(async () => {
    await remove(pathOf(data.id), { etag });
    await refresh(data.id);
    if (location.hash.includes(data.id)) go('combos');
    say(t('undone'));
  });
  say(t('created', { name: data.name }), { undo });
  return data;
}

/**
 * Store what was edited over what was seen and tell so, with a way back; raises `ApiError` (412 where somebody else changed it).
 * @param {any} before The row as it was seen. @param {Draft} draft @param {{etag: string | null, detach: boolean}} options
 */
export async function change(before, draft, { etag, detach }) {
  const path = detach ? `${pathOf(before.id)}?detach=true` : pathOf(before.id);
  const { data, etag: now } = await patch(path, bodyOf(draft), { etag });
  await refresh();
  const { name, members, strategy, attempts, first_token, wait, completion } = before;
  const undo = () => attempt(async () => {
    await patch(pathOf(before.id), { name, members, strategy, attempts, first_token, wait, completion }, { etag: now });
    await refresh();
    say(t('undone'));
  });
  say(t('saved', { name: data.name }), { undo });
  return data;
}

/** Delete a combo after asking. @param {any} combo @returns {Promise<boolean>} */
export async function destroy(combo) {
  const sure = await confirm({ title: t('removeTitle', { name: combo.name }), text: t('removeText'), action: t('remove') });
  if (!sure) return false;
  return attempt(async () => {
    const { etag } = await get(pathOf(combo.id));
    await remove(pathOf(combo.id), { etag });
    say(t('deleted', { name: combo.name }));
    await refresh(combo.id);
  });
}

/** @param {() => Promise<any>} act */
async function attempt(act) {
  try {
    await act();
    return true;
  } catch (error) {
    tell(error);
    return false;
  }
}
