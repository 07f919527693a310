/**
 * A new account: choose who the provider is, say what it needs, and see at once whether it works.
 */

import { post } from '../../core/api.js';
import { go, setQuery } from '../../core/router.js';
import { html, useEffect, useRef, useState } from '../../core/ui.js';
import { Provider } from '../../parts/bits.js';
import { Problem, Skeleton } from '../../parts/feedback.js';
import { Button, Form } from '../../parts/forms.js';
import { Panel } from '../../parts/panel.js';
import { t } from '../../strings/providers.js';
import { Presets } from '../setup/presets.js';
import { testing } from './actions.js';
import { freeName, refresh } from './data.js';
import { bodyOf, newDraft } from './draft.js';
import { AccountFields } from './form.js';

/** @param {{accounts: any[], presets: any, chosen: string | null, onClose: () => void}} given */
export function AddPanel({ accounts, presets, chosen, onClose }) {
  const preset = presets.data?.find((/** @type {any} */ one) => one.id === chosen) ?? null;
  const choose = (/** @type {string | null} */ id) => setQuery({ preset: id });
  return html`<${Panel} title=${t('addTitle')} onClose=${onClose}>
    ${presets.error && !presets.data && html`<${Problem} error=${presets.error} retry=${presets.reload} />`}
    ${!presets.data && !presets.error && html`<${Skeleton} lines=${6} height=${34} />`}
    ${presets.data && (preset ? html`<${NewAccount} key=${preset.id} preset=${preset} accounts=${accounts} onBack=${() => choose(null)} onClose=${onClose} />` : html`<${Choice} presets=${presets.data} onChoose=${choose} />`)}<//>`;
}

/** @param {{presets: any[], onChoose: (id: string) => void}} given */
function Choice({ presets, onChoose }) {
  const box = useRef(/** @type {any} */ (null));
  useEffect(() => box.current?.querySelector('input')?.focus(), []);
  return html`<div ref=${box}><${Presets} presets=${presets} heading=${null} onChoose=${onChoose} /></div>`;
}

/** @param {{preset: any, accounts: any[], onBack: () => void, onClose: () => void}} given */
function NewAccount({ preset, accounts, onBack, onClose }) {
  const [blank] = useState(() => newDraft(preset, freeName(preset.id, accounts)));
  const [draft, setDraft] = useState(blank);
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const add = async () => {
    setBusy(true);
    setError(null);
    try {
      const { data } = await post('/api/accounts', bodyOf(draft, blank));
      await refresh();
      go('providers');
      if (data.enabled) testing.value = data;
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  const missing = (draft['by'] === 'key' && preset.key_required && draft['enabled'] && !draft['api_key'].trim()) || (preset.needs_base_url && !draft['base_url'].trim());
  return html`<div class="row"><${Button} tone="quiet" icon="left" label=${t('back')} onClick=${onBack} /><h3 class="grow"><${Provider} preset=${preset.id} name=${preset.name} /></h3></div>
    ${preset.notes && html`<p class="soft small" translate="no">${preset.notes}</p>`}
    <${Form} onSubmit=${() => missing || add()} error=${error} label=${t('addTitle')}><${AccountFields} preset=${preset} account=${null} draft=${draft} isLocked=${never}
        onChange=${(/** @type {any} */ change) => setDraft((before) => ({ ...before, ...change }))} />
      <div class="row"><${Button} tone="primary" type="submit" busy=${busy} disabled=${missing}>${t('saveAndTest')}<//><${Button} tone="quiet" onClick=${onClose}>${t('cancel')}<//></div><//>`;
}

const never = () => false;
