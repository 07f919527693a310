/**
 * The request as it stands, as code to copy.
 */

import { href } from '../../core/router.js';
import { html, useState } from '../../core/ui.js';
import { Copy } from '../../parts/bits.js';
import { Tabs } from '../../parts/panel.js';
import { t } from '../../strings/playground.js';
import { shortened } from './alignment.js';
import { present } from './asking.js';
import { LANGUAGES, snippet } from './snippets.js';
import { setup } from './store.js';

export function CodeView() {
  const [language, setLanguage] = useState(/** @type {import('./snippets.js').Language} */ ('curl'));
  const { dialect } = setup.value;
  const text = snippet(language, dialect, present('a', t('example')), location.origin);
  const shown = shortened(text);
  const tabs = LANGUAGES.map((id) => ({ id, label: html`<span translate="no">${NAMES[id]}</span>` }));
  return html`<${Tabs} tabs=${tabs} active=${language} label=${t('language')} onChange=${(/** @type {any} */ id) => setLanguage(id)} />
    <p class="soft">${t.rich('codeLead', { keys: html`<a href=${href('keys')}>${t('aKey')}</a>`, name: html`<code translate="no">FLOW_ROUTER_KEY</code>` })}${shown !== text && html` <span>${t('codeShortened')}</span>`}</p>
    <div class="code"><pre translate="no" tabindex="0" aria-label=${t('view_code')}>${shown}</pre><${Copy} text=${text} /></div>`;
}

const NAMES = { curl: 'curl', python: 'Python', javascript: 'JavaScript' };
