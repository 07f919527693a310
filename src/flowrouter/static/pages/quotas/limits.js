/**
 * The panel in which an account's own limits and reserve are set.
 */

import { get, patch } from '../../core/api.js';
import { say } from '../../core/toast.js';
import { html, useEffect, useState } from '../../core/ui.js';
import { Problem, Skeleton } from '../../parts/feedback.js';
import { Button, Form } from '../../parts/forms.js';
import { Panel } from '../../parts/panel.js';
import { t } from '../../strings/quotas.js';
import { locked, pathOf, refresh, restore } from '../providers/data.js';
import { LimitsField } from './limits-field.js';

/** @typedef {{quota: any[], reserve: string}} Limits */

/** @param {{id: string, onClose: () => void}} given */
export function LimitsPanel({ id, onClose }) {
  const [seen, setSeen] = useState(/** @type {{account: any, etag: string | null} | null} */ (null));
  const [limits, setLimits] = useState(/** @type {Limits} */ ({ quota: [], reserve: '' }));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    get(pathOf(id)).then(({ data, etag }) => {
      setSeen({ account: data, etag });
      setLimits({ quota: data.quota, reserve: data.reserve });
    }, setError);
  }, [id]);
  const save = async () => {
    if (!seen) return;
    setBusy(true);
    try {
      await patch(pathOf(id), limits, { etag: seen.etag });
      await refresh();
      const before = { quota: seen.account.quota, reserve: seen.account.reserve };
      say(t('limitsSaved', { name: seen.account.name }), { undo: () => restore(id, before) });
      onClose();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  const isLocked = (/** @type {string} */ field) => Boolean(seen && locked(seen.account, field));
  return html`<${Panel} title=${t('limitsTitle', { name: seen?.account.name ?? '' })} onClose=${onClose}>
    ${error && !seen && html`<${Problem} error=${error} />`}${!seen && !error && html`<${Skeleton} lines=${4} height=${34} />`}
    ${seen && html`<${Form} onSubmit=${save} error=${error} label=${t('limits')}>${isLocked('quota') && html`<p class="soft">${t('lockedBy', { file: seen.account.managed_in ?? '' })}</p>`}
      <${LimitsField} limits=${limits.quota} reserve=${limits.reserve} isLocked=${isLocked} onChange=${(/** @type {Partial<Limits>} */ change) => setLimits({ ...limits, ...change })} />
      <div class="row"><${Button} tone="primary" type="submit" busy=${busy}>${t('save')}<//><${Button} tone="quiet" onClick=${onClose}>${t('cancel')}<//></div><//>`}<//>`;
}
