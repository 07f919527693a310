/**
 * The whole configuration as one text: out, and in with a look at the difference first.
 */

import { failure, send } from '../../core/api.js';
import { may } from '../../core/session.js';
import { say, tell } from '../../core/toast.js';
import { html, useState } from '../../core/ui.js';
import { Code } from '../../parts/bits.js';
import { Button, Field, Form, Secret } from '../../parts/forms.js';
import { Section } from '../../parts/page.js';
import { t } from '../../strings/settings-code.js';
import { Apply } from './apply.js';

const NAME = 'flow-router.toml';
const SEALED = 'flow-router-sealed.toml';

/** @param {string} text @param {string} name */
function save(text, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/toml' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Return the export; raises `ApiError`. @param {string} method @param {any} [body] */
async function exported(method, body) {
  const response = await send(method, '/api/export', body);
  if (!response.ok) throw failure(response, await response.json().catch(() => null));
  return response.text();
}

export function CodeTab() {
  if (!may('administer')) return html`<p class="soft">${t('adminsOnly')}</p>`;
  return html`<${Export} /><${Sealed} /><${Apply} />`;
}

function Export() {
  const [text, setText] = useState(/** @type {string | null} */ (null));
  const [busy, setBusy] = useState(false);
  const read = async (/** @type {(text: string) => void} */ use) => {
    setBusy(true);
    try {
      use(text ?? (await exported('GET')));
    } catch (error) {
      tell(error);
    }
    setBusy(false);
  };
  const actions = html`<${Button} busy=${busy} onClick=${() => (text === null ? read(setText) : setText(null))}>${t(text === null ? 'show' : 'hide')}<//><${Button} icon="download" onClick=${() => read((/** @type {string} */ found) => save(found, NAME))}>${t('download')}<//>`;
  return html`<${Section} title=${t('export')} lead=${t('exportText')} card actions=${actions}>${text !== null && html`<div class="code-export"><${Code} text=${text} label=${t('exported')} /></div>`}<//>`;
}

function Sealed() {
  const [passphrase, setPassphrase] = useState('');
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const seal = async () => {
    setBusy(true);
    setError(null);
    try {
      save(await exported('POST', { passphrase }), SEALED);
      setPassphrase('');
      say(t('sealedDone'));
    } catch (refused) {
      setError(refused);
    }
    setBusy(false);
  };
  return html`<${Section} title=${t('sealed')} lead=${t('sealedText')} card><${Form} onSubmit=${seal} error=${error} label=${t('sealed')}><div class="settings-short"><${Field} label=${t('passphrase')} name="passphrase"><${Secret} value=${passphrase} onChange=${setPassphrase} /><//></div>
    <div><${Button} type="submit" icon="download" busy=${busy} disabled=${passphrase === ''}>${t('seal')}<//></div><//><//>`;
}
