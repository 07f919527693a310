/**
 * The fields of an account: what it needs first, the rest behind "More settings" where it is new.
 */

import { useData } from '../../core/resource.js';
import { html } from '../../core/ui.js';
import { Field, NumberInput, Secret, Select, Switch, TagsInput, TextInput } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { t } from '../../strings/providers.js';
import { HeadersField, OAuthFields } from './fields.js';
import { LimitsField } from '../quotas/limits-field.js';

/** @typedef {import('./draft.js').Draft} Draft */
/**
 * @typedef {object} Given
 * @property {any} preset
 * @property {any | null} account What is stored, null for a new one.
 * @property {Draft} draft
 * @property {(change: Record<string, any>) => void} onChange
 * @property {(field: string) => boolean} isLocked
 */

/** @param {Given} given */
export function AccountFields(given) {
  const fresh = given.account === null;
  return html`<${Essentials} ...${given} />${
    fresh ? html`<details class="more"><summary><${Icon} name="right" size=${12} />${t('more')}</summary><div class="form"><${Rest} ...${given} /></div></details>` : html`<${Rest} ...${given} />`}`;
}

/** @param {Given} given */
function Essentials({ preset, account, draft, onChange, isLocked }) {
  const set = (/** @type {string} */ name) => (/** @type {any} */ value) => onChange({ [name]: value });
  const needsUrl = preset.needs_base_url;
  const both = needsUrl || account;
  return html`<div class=${both ? 'fields' : 'column'}><${Field} label=${t('name')} name="name" hint=${t('nameHint')}><${TextInput} value=${draft['name']} onChange=${set('name')} disabled=${isLocked('name')} /><//>
      ${both && html`<${BaseUrl} ...${{ preset, account, draft, onChange, isLocked }} />`}</div>
    ${draft['by'] === 'key' ? html`<${KeyField} ...${{ preset, account, draft, onChange, isLocked }} />` : html`<${OAuthFields} oauth=${draft['oauth']} onChange=${set('oauth')} disabled=${isLocked('oauth')} kept=${Boolean(account?.oauth)} />`}`;
}

/** @param {Given} given */
function KeyField({ preset, account, draft, onChange, isLocked }) {
  const kept = Boolean(account?.has_key) && draft['api_key'] !== null;
  const hint = kept ? t('keyKept', { tail: account?.key_tail ?? '' }) : preset.key_required ? t('keyHint') : t('keyOptional');
  const label = html`${t('apiKey')}`;
  return html`<${Field} label=${label} name="api_key" hint=${html`${hint} ${preset.key_url && html`<a href=${preset.key_url} target="_blank" rel="noreferrer">${t('getKey')}</a>`}`}>
      <${Secret} value=${draft['api_key'] ?? ''} onChange=${(/** @type {string} */ value) => onChange({ api_key: value })} kept=${kept} placeholder=${kept ? undefined : preset.key_required ? t('pasteKey') : ''} disabled=${isLocked('api_key')} autofocus=${account === null} /><//>
    ${kept && !preset.key_required && !isLocked('api_key') && html`<label class="row"><input type="checkbox" checked=${false} onChange=${() => onChange({ api_key: null })} />${t('removeKey')}</label>`}`;
}

/** @param {Given} given */
function BaseUrl({ preset, account, draft, onChange, isLocked }) {
  const own = Object.values(preset.dialects).find(Boolean) ?? null;
  const hint = account?.has_key || account?.oauth ? t('baseUrlMoves') : own ? t('baseUrlDefault') : t('baseUrlNeeded');
  return html`<${Field} label=${t('baseUrl')} name="base_url" hint=${hint}><${TextInput} value=${draft['base_url']} onChange=${(/** @type {string} */ value) => onChange({ base_url: value })} mono
    placeholder=${own ?? 'http://127.0.0.1:8000/v1'} disabled=${isLocked('base_url')} /><//>`;
}

/** @param {Given} given */
function Rest(given) {
  const { preset, account, draft, onChange, isLocked } = given;
  const tags = useData('/api/tags', { limit: 200 });
  const listed = useData(account ? `/api/accounts/${encodeURIComponent(account.id)}/models` : null, { limit: 200 });
  const set = (/** @type {string} */ name) => (/** @type {any} */ value) => onChange({ [name]: value });
  const models = [...new Set([...preset.static_models, ...(listed.data ?? []).map((/** @type {any} */ model) => model.id)])];
  const access = [{ value: 'key', label: t('byKey') }, { value: 'oauth', label: t('byOauth') }];
  return html`<${Field} label=${t('modelsField')} name="models" hint=${t('modelsHint')}><${TagsInput} value=${draft['models']} onChange=${set('models')} choices=${models} disabled=${isLocked('models')} /><//>
    <${Field} label=${t('tags')} name="tags" hint=${t('tagsHint')}><${TagsInput} value=${draft['tags']} onChange=${set('tags')} choices=${(tags.data ?? []).map((/** @type {any} */ tag) => tag.tag ?? tag.name)} disabled=${isLocked('tags')} /><//>
    <div class="fields"><${Field} label=${t('priorityField')} name="priority" hint=${t('priorityHint')}><${NumberInput} value=${draft['priority']} onChange=${set('priority')} min=${1} step=${1} disabled=${isLocked('priority')} /><//>
      <${Field} label=${t('weight')} name="weight" hint=${t('weightHint')}><${NumberInput} value=${draft['weight']} onChange=${set('weight')} min=${1} step=${1} disabled=${isLocked('weight')} /><//>
      <${Field} label=${t('concurrency')} name="max_concurrency" hint=${t('concurrencyHint', { n: preset.max_concurrency })}><${NumberInput} value=${draft['max_concurrency']} onChange=${set('max_concurrency')} min=${1} step=${1} disabled=${isLocked('max_concurrency')} /><//>
      <${Field} label=${t('unsupported')} name="unsupported" hint=${t('unsupportedHint')}><${Select} value=${draft['unsupported']} onChange=${set('unsupported')} choices=${UNSUPPORTED} disabled=${isLocked('unsupported')} /><//></div>
    <${Dialects} ...${given} />
    <${LimitsField} limits=${draft['quota']} reserve=${draft['reserve']} onChange=${onChange} isLocked=${isLocked} />
    <div class="fields">${account === null && !preset.needs_base_url && html`<${BaseUrl} ...${given} />`}
      ${(preset.key_required || draft['by'] === 'oauth') && html`<${Field} label=${t('access')}><${Select} value=${draft['by']} onChange=${set('by')} choices=${access} disabled=${isLocked('api_key') || isLocked('oauth')} /><//>`}
      <${Field} label=${t('enabledField')} name="enabled"><${Switch} value=${draft['enabled']} onChange=${set('enabled')} disabled=${isLocked('enabled')} /><//></div>
    <${HeadersField} names=${account?.header_names ?? []} changes=${draft['headers']} onChange=${set('headers')} disabled=${isLocked('headers')} />`;
}

const UNSUPPORTED = [
  { value: null, label: t('unsupported_none') },
  { value: 'auto', label: t('unsupported_auto') },
  { value: 'drop', label: t('unsupported_drop') },
  { value: 'refuse', label: t('unsupported_refuse') },
];

/** @param {Given} given */
function Dialects({ preset, draft, onChange, isLocked }) {
  const spoken = Object.keys(preset.dialects);
  if (spoken.length < 2) return null;
  const chosen = /** @type {string[]} */ (draft['dialects']);
  const flip = (/** @type {string} */ name) => onChange({ dialects: chosen.includes(name) ? chosen.filter((each) => each !== name) : spoken.filter((each) => each === name || chosen.includes(each)) });
  return html`<fieldset class="field plain"><legend>${t('dialects')}</legend><div class="row wraps gap2">${spoken.map((name) => html`<label class="row" key=${name}><input type="checkbox" checked=${chosen.includes(name)}
    onChange=${() => flip(name)} disabled=${isLocked('dialects')} /><code translate="no">${name}</code></label>`)}</div><p class="soft small">${t('dialectsHint')}</p></fieldset>`;
}
