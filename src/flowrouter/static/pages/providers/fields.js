/**
 * The fields of an account that hold further secrets: extra headers, and where access tokens come from.
 */

import { html, useState } from '../../core/ui.js';
import { Button, Field, Secret, Select, TextInput } from '../../parts/forms.js';
import { t } from '../../strings/providers.js';

/**
 * Extra headers: stored ones show their names only. `changes` maps names to values, null takes one away.
 * @param {{names: string[], changes: Record<string, string | null>, onChange: (changes: Record<string, string | null>) => void, disabled: boolean}} given
 */
export function HeadersField({ names, changes, onChange, disabled }) {
  const [name, setName] = useState('');
  const [value, setValue] = useState('');
  const without = (/** @type {string} */ gone) => Object.fromEntries(Object.entries(changes).filter(([each]) => each !== gone));
  const add = () => {
    onChange({ ...changes, [name.trim()]: value });
    setName('');
    setValue('');
  };
  const fresh = Object.keys(changes).filter((each) => changes[each] !== null);
  return html`<fieldset class="field plain"><legend>${t('headers')}</legend>
    ${(names.length > 0 || fresh.length > 0) && html`<ul class="plain-list">${names.filter((each) => !fresh.includes(each)).map((each) => html`<li class="row" key=${each}><code class=${changes[each] === null ? 'gone grow cut' : 'grow cut'} translate="no">${each}</code>
        <span class="soft small">${changes[each] === null ? t('headerGoes') : t('headerKept')}</span>${!disabled && (changes[each] === null
          ? html`<${Button} tone="quiet" icon="refresh" label=${t('keepHeader', { name: each })} onClick=${() => onChange(without(each))} />`
          : html`<${Button} tone="quiet" icon="close" label=${t('removeHeader', { name: each })} onClick=${() => onChange({ ...changes, [each]: null })} />`)}</li>`)}
      ${fresh.map((each) => html`<li class="row" key=${each}><code class="grow cut" translate="no">${each}</code><${Button} tone="quiet" icon="close" label=${t('removeHeader', { name: each })} onClick=${() => onChange(without(each))} /></li>`)}</ul>`}
    ${!disabled && html`<div class="header-add"><${TextInput} value=${name} onChange=${setName} label=${t('headerName')} placeholder=${t('headerName')} mono /><${Secret} value=${value} onChange=${setValue} label=${t('headerValue')} placeholder=${t('headerValue')} />
      <${Button} onClick=${add} disabled=${name.trim() === '' || value === ''} icon="plus" label=${t('addHeader')} /></div>`}
    <p class="soft small">${t('headersHint')}</p></fieldset>`;
}

/** Where access tokens come from. @param {{oauth: Record<string, any>, onChange: (oauth: Record<string, any>) => void, disabled: boolean, kept: boolean}} given */
export function OAuthFields({ oauth, onChange, disabled, kept }) {
  const text = (/** @type {string} */ name, /** @type {any} */ label, /** @type {any} */ hint = undefined) => html`<${Field} label=${label} name=${`oauth.${name}`} hint=${hint}><${TextInput} value=${oauth[name]} mono
    onChange=${(/** @type {string} */ value) => onChange({ ...oauth, [name]: value })} disabled=${disabled} /><//>`;
  const secret = (/** @type {string} */ name, /** @type {any} */ label) => html`<${Field} label=${label} name=${`oauth.${name}`}><${Secret} value=${oauth[name]} kept=${kept}
    onChange=${(/** @type {string} */ value) => onChange({ ...oauth, [name]: value })} disabled=${disabled} /><//>`;
  const choose = (/** @type {string} */ name, /** @type {any} */ label, /** @type {any[]} */ choices) => html`<${Field} label=${label}><${Select} value=${oauth[name]} choices=${choices}
    onChange=${(/** @type {string} */ value) => onChange({ ...oauth, [name]: value })} disabled=${disabled} /><//>`;
  return html`<div class="fields">${text('token_url', t('tokenUrl'))}${text('client_id', t('clientId'))}
      ${choose('grant', t('grant'), [{ value: 'refresh_token', label: t('grantRefresh') }, { value: 'client_credentials', label: t('grantClient') }])}
      ${oauth['grant'] === 'refresh_token' && secret('refresh_token', t('refreshToken'))}${secret('client_secret', t('clientSecret'))}${text('scope', t('scope'))}
      ${choose('client_auth', t('clientAuth'), [{ value: 'basic', label: t('authBasic') }, { value: 'body', label: t('authBody') }])}
      <${Field} label=${t('params')} hint=${t('paramsHint')}><${TextInput} value=${oauth['params']} rows=${2} mono onChange=${(/** @type {string} */ value) => onChange({ ...oauth, params: value })} disabled=${disabled} /><//></div>
    ${kept && html`<p class="soft small">${t('oauthAgain')}</p>`}`;
}
