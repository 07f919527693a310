/**
 * The way in: name and password, another provider's login, or the link that the gateway printed.
 */

import { post } from '../core/api.js';
import { useData } from '../core/resource.js';
import { keepPlace } from '../core/router.js';
import { html, useState } from '../core/ui.js';
import { Code } from '../parts/bits.js';
import { Notice, Problem } from '../parts/feedback.js';
import { Button, Field, Form, TextInput } from '../parts/forms.js';
import { t } from '../strings/login.js';

/** @param {{onEntered: () => any}} given */
export default function Login({ onEntered }) {
  const { data: ways, error, reload } = useData('/api/login');
  return html`<main class="login"><header class="row"><img src="/static/icon.svg" width="28" height="28" alt="" /><h1 translate="no">Flow Router</h1></header>
    ${error && html`<${Problem} error=${error} retry=${reload} />`}
    ${ways && (ways.on ? html`<${People} ways=${ways} onEntered=${onEntered} />` : html`<${ByLink} />`)}</main>`;
}

/** @param {{ways: any, onEntered: () => any}} given */
function People({ ways, onEntered }) {
  const [name, setName] = useState('admin');
  const [password, setPassword] = useState('');
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const enter = async () => {
    setBusy(true);
    try {
      await post('/api/login', { name, password });
      await onEntered();
    } catch (refused) {
      setError(refused);
    }
    setBusy(false);
  };
  return html`<h2>${t('title')}</h2>${ways.advice && html`<${Notice} tone="warn" text=${ways.advice} data />`}
    ${ways.password && html`<${Form} onSubmit=${enter} error=${error} label=${t('title')}>
      <${Field} label=${t('name')} name="name"><${TextInput} value=${name} onChange=${setName} autocomplete="username" /><//>
      <${Field} label=${t('password')} name="password"><${TextInput} type="password" value=${password} onChange=${setPassword} autocomplete="current-password" autofocus /><//>
      <${Button} tone="primary" type="submit" busy=${busy}>${t('submit')}<//><//>`}
    ${ways.oidc && html`<p onClick=${keepPlace}><${Button} href="/api/login/oidc/start" icon="external">${t.rich('sso', { label: html`<span translate="no">${ways.oidc.label}</span>` })}<//></p>`}`;
}

function ByLink() {
  return html`<p>${t('link')}</p><p class="soft">${t('linkAgain')}</p><${Code} text="flow-router login" />
    <h2>${t('noDashboard')}</h2><dl class="facts"><dt>${t('openai')}</dt><dd><code translate="no">${location.origin}/v1</code></dd><dt>${t('anthropic')}</dt><dd><code translate="no">${location.origin}</code></dd></dl>`;
}
