/**
 * Changing an account: only what was touched is sent, and only over what was seen.
 */

import { get, patch } from '../../core/api.js';
import { say } from '../../core/toast.js';
import { html, useEffect, useState } from '../../core/ui.js';
import { Notice, Problem, Skeleton } from '../../parts/feedback.js';
import { Button, Form } from '../../parts/forms.js';
import { Panel, confirm } from '../../parts/panel.js';
import { t } from '../../strings/providers.js';
import { locked, pathOf, refresh, restore } from './data.js';
import { changesOf, draftOf, undoOf } from './draft.js';
import { AccountFields } from './form.js';

/** @typedef {{account: any, etag: string | null}} Seen */

/** @param {{id: string, presets: any[], onClose: () => void}} given */
export function EditPanel({ id, presets, onClose }) {
  const [seen, setSeen] = useState(/** @type {Seen | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const look = async () => {
    try {
      const { data, etag } = await get(pathOf(id));
      const now = { account: data, etag };
      setSeen(now);
      return now;
    } catch (refused) {
      setError(refused);
      return null;
    }
  };
  useEffect(() => void look(), [id]);
  const preset = presets.find((one) => one.id === seen?.account.preset);
  return html`<${Panel} title=${t('editTitle', { name: seen?.account.name ?? '' })} onClose=${onClose}>
    ${error && html`<${Problem} error=${error} />`}${!seen && !error && html`<${Skeleton} lines=${6} height=${34} />`}
    ${seen && html`<${Editor} seen=${seen} preset=${preset ?? strange(seen.account)} onStale=${look} onClose=${onClose} />`}<//>`;
}

/** A preset that this gateway no longer has. @param {any} account */
const strange = (account) => ({ id: account.preset, name: account.preset, dialects: {}, static_models: [], needs_base_url: true, key_required: false, key_url: null, max_concurrency: 64 });

/** @param {{seen: Seen, preset: any, onStale: () => Promise<Seen | null>, onClose: () => void}} given */
function Editor({ seen, preset, onStale, onClose }) {
  const { account, etag } = seen;
  const [touched, setTouched] = useState(/** @type {Record<string, any>} */ ({}));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const [both, setBoth] = useState(/** @type {string[] | null} */ (null));
  const [detach, setDetach] = useState(false);
  const base = draftOf(account);
  const draft = { ...base, ...touched };
  const body = changesOf(draft, base);
  const isLocked = (/** @type {string} */ field) => !detach && locked(account, field);
  const save = async () => {
    if (Object.keys(body).length === 0) return say(t('nothingChanged'));
    setBusy(true);
    setError(null);
    try {
      await patch(`${pathOf(account.id)}${detach ? '?detach=true' : ''}`, body, { etag });
      await refresh();
      const undo = detach ? null : undoOf(body, base);
      say(t('saved', { name: draft['name'] }), undo ? { undo: () => restore(account.id, undo) } : {});
      return onClose();
    } catch (refused) {
      const { status } = /** @type {any} */ (refused);
      if (status === 412) await rebase();
      else setError(refused);
    }
    return setBusy(false);
  };
  const rebase = async () => {
    const now = await onStale();
    const news = now ? draftOf(now.account) : base;
    setBoth(Object.keys(touched).filter((name) => JSON.stringify(news[name]) !== JSON.stringify(base[name])));
  };
  return html`<${Form} onSubmit=${save} error=${error} label=${t('editTitle', { name: account.name })}>
    <${Ownership} account=${account} detach=${detach} onDetach=${() => setDetach(true)} />
    ${both && html`<${Notice} tone="warn" title=${t('conflict')} text=${t('conflictText')}>${both.length > 0 && html`<p>${t('conflictFields')} <code translate="no">${both.join(', ')}</code></p>`}<//>`}
    <${AccountFields} preset=${preset} account=${account} draft=${draft} isLocked=${isLocked} onChange=${(/** @type {any} */ change) => setTouched((before) => ({ ...before, ...change }))} />
    <div class="row panel-foot"><${Button} tone="primary" type="submit" busy=${busy} disabled=${Object.keys(body).length === 0}>${t('save')}<//><${Button} tone="quiet" onClick=${onClose}>${t('cancel')}<//></div><//>`;
}

/** Who else changes it. @param {{account: any, detach: boolean, onDetach: () => void}} given */
function Ownership({ account, detach, onDetach }) {
  if (account.managed_by !== 'file') return null;
  const file = account.managed_in ?? '';
  if (detach) return html`<${Notice} tone="warn" text=${t('takenOver')} />`;
  const take = async () => {
    if (await confirm({ title: t('detachTitle', { file }), text: t('detachText'), action: t('detach') })) onDetach();
  };
  return html`<${Notice} title=${t('managed', { file })} text=${t('managedText')}><p><${Button} onClick=${take}>${t('detach')}<//></p><//>`;
}
