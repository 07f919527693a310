/**
 * Making a key, and the one time that it is shown.
 */

import { post } from '../../core/api.js';
import { go } from '../../core/router.js';
import { html, useState } from '../../core/ui.js';
import { Code, copyText } from '../../parts/bits.js';
import { Notice } from '../../parts/feedback.js';
import { Button, Form } from '../../parts/forms.js';
import { Panel, confirm } from '../../parts/panel.js';
import { t } from '../../strings/keys.js';
import { refresh } from './data.js';
import { bodyOf, draftOf } from './draft.js';
import { KeyFields } from './form.js';
import { ClientLines } from './lines.js';

/** @param {{onClose: () => void}} given */
export function MakePanel({ onClose }) {
  const [draft, setDraft] = useState(draftOf(null));
  const [made, setMade] = useState(/** @type {{value: any, notices: string[]} | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  if (made) return html`<${Made} ...${made} />`;
  const make = async () => {
    setBusy(true);
    setError(null);
    try {
      const { data, notices } = await post('/api/keys', bodyOf(draft));
      setMade({ value: data, notices });
      void refresh();
    } catch (refused) {
      setError(refused);
    }
    setBusy(false);
  };
  return html`<${Panel} title=${t('makeTitle')} onClose=${onClose} wide><${Form} onSubmit=${make} error=${error} label=${t('makeTitle')}>
    <${KeyFields} draft=${draft} onChange=${(/** @type {any} */ change) => setDraft({ ...draft, ...change })} isLocked=${() => false} fresh />
    <div class="row"><${Button} tone="primary" type="submit" busy=${busy} disabled=${!draft['name'].trim()}>${t('make')}<//><${Button} tone="quiet" onClick=${onClose}>${t('cancel')}<//></div><//><//>`;
}

/** @param {{value: any, notices: string[]}} given */
function Made({ value, notices }) {
  const [copied, setCopied] = useState(false);
  const close = async () => {
    if (copied || (await confirm({ title: t('closeTitle'), text: t('closeText'), action: t('closeAction') }))) go(`keys/${value.id}`);
  };
  const copy = async () => {
    setCopied(true);
    await copyText(value.token).catch(() => setCopied(false));
  };
  const seen = (/** @type {any} */ event) => event.target.closest('.copy') && setCopied(true);
  return html`<${Panel} title=${t('madeTitle', { name: value.name })} onClose=${close} wide><div class="form" onClick=${seen} onCopy=${() => setCopied(true)}>
    <${Notice} tone="ok" title=${t('store1')} text=${t('storeText')} action=${html`<${Button} tone="primary" icon=${copied ? 'check' : 'copy'} onClick=${copy}>${t('copyKey')}<//>`} />
    <${Code} text=${value.token} label=${t('token')} />
    ${notices.map((notice) => html`<${Notice} key=${notice} tone="warn" text=${notice} data />`)}
    <h3>${t('use')}</h3><p class="soft">${t('useNew')}</p><${ClientLines} token=${value.token} bounds=${value.policy.models ?? []} />
    <div class="row"><${Button} tone="primary" onClick=${() => go(`keys/${value.id}`)}>${t('done')}<//></div></div><//>`;
}
