/**
 * The fields of a key: its name and end, what it may use, how much, and how its requests are treated.
 */

import { useData } from '../../core/resource.js';
import { may } from '../../core/session.js';
import { html, useState } from '../../core/ui.js';
import { Field, NumberInput, Select, TagsInput, TextInput } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { t } from '../../strings/keys.js';
import { BudgetsField } from './budgets-field.js';

/** @typedef {{draft: import('./draft.js').Draft, onChange: (change: Record<string, any>) => void, isLocked: (field: string) => boolean, fresh: boolean}} Given */

const DIALECTS = ['openai_chat', 'openai_responses', 'anthropic', 'gemini', 'openai_completions'];
const DAY_MS = 86_400_000;
const SPANS = /** @type {const} */ ([[7, 'in7'], [30, 'in30'], [90, 'in90'], [365, 'in365']]);

/** @param {Given} given */
export function KeyFields(given) {
  const { draft, onChange, isLocked, fresh } = given;
  return html`<div class="fields"><${Field} label=${t('name')} name="name" hint=${t('nameHint')}><${TextInput} value=${draft['name']} onChange=${(/** @type {string} */ name) => onChange({ name })} disabled=${isLocked('name')} autofocus=${fresh} required /><//>
      <${Expiry} at=${draft['expires_at_ms']} onChange=${(/** @type {number | null} */ at) => onChange({ expires_at_ms: at })} disabled=${isLocked('expires_at_ms')} /></div>
    <${Uses} ...${given} /><${HowMuch} ...${given} />
    ${fresh ? html`<details class="more"><summary><${Icon} name="right" size=${12} />${t('treatment')}</summary><div class="form"><${Treatment} ...${given} /><${Rights} ...${given} /></div></details>`
      : html`<h3>${t('treatment')}</h3><${Treatment} ...${given} /><${Rights} ...${given} />`}`;
}

/** @param {number} at */
const local = (at) => new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

/** @param {{at: number | null, onChange: (at: number | null) => void, disabled: boolean}} given */
function Expiry({ at, onChange, disabled }) {
  const [how, setHow] = useState(/** @type {string | number} */ (at === null ? 'never' : 'at'));
  const choose = (/** @type {string | number} */ next) => {
    setHow(next);
    if (next === 'never') onChange(null);
    else onChange(Date.now() + (next === 'at' ? 30 : Number(next)) * DAY_MS);
  };
  const choices = [{ value: 'never', label: t('never_') }, ...SPANS.map(([days, name]) => ({ value: days, label: t(name) })), { value: 'at', label: t('at') }];
  const type = (/** @type {string} */ text) => {
    const then = new Date(text).getTime();
    if (!Number.isNaN(then)) onChange(then);
  };
  return html`<${Field} label=${t('expiry')} name="expires_at_ms"><${Select} value=${how} choices=${choices} onChange=${choose} disabled=${disabled} /><//>
    ${how === 'at' && html`<${Field} label=${t('endsAt')}><${TextInput} type="datetime-local" value=${at === null ? '' : local(at)} onChange=${type} disabled=${disabled} /><//>`}`;
}

/** @param {Given} given */
function Uses({ draft, onChange, isLocked }) {
  const models = useData('/api/models', { limit: 200 });
  const accounts = useData('/api/accounts', { limit: 200 });
  const names = (accounts.data ?? []).filter((/** @type {any} */ account) => account.source !== 'found');
  const owners = [...new Set(names.flatMap((/** @type {any} */ account) => [account.name, account.preset]))];
  const set = (/** @type {string} */ name) => (/** @type {any} */ value) => onChange({ [name]: value });
  const flip = (/** @type {string} */ name) => onChange({ dialects: draft['dialects'].includes(name) ? draft['dialects'].filter((/** @type {string} */ each) => each !== name) : [...draft['dialects'], name] });
  return html`<h3>${t('mayUse')}</h3><${Field} label=${t('models')} name="policy.models" hint=${t('modelsHint')}><${TagsInput} value=${draft['models']} onChange=${set('models')} choices=${(models.data ?? []).map((/** @type {any} */ model) => model.id)} disabled=${isLocked('policy.models')} /><//>
    <${Field} label=${t('accounts')} name="policy.accounts" hint=${t('accountsHint')}><${TagsInput} value=${draft['accounts']} onChange=${set('accounts')} choices=${owners} disabled=${isLocked('policy.accounts')} /><//>
    <fieldset class="field plain"><legend>${t('dialects')}</legend><div class="row wraps gap2">${DIALECTS.map((name) => html`<label class="row" key=${name}><input type="checkbox" checked=${draft['dialects'].includes(name)} onChange=${() => flip(name)} disabled=${isLocked('policy.dialects')} /><code translate="no">${name}</code></label>`)}</div>
      <p class="soft small">${t('dialectsHint')}</p></fieldset>`;
}

const LIMITS = /** @type {const} */ ([['requests_per_minute', 'rpm'], ['requests_per_day', 'rpd'], ['tokens_per_minute', 'tpm'], ['tokens_per_day', 'tpd'], ['concurrent', 'concurrent']]);

/** @param {Given} given */
function HowMuch({ draft, onChange, isLocked }) {
  const set = (/** @type {string} */ name) => (/** @type {number | null} */ value) => onChange({ limits: { ...draft['limits'], [name]: value } });
  return html`<h3>${t('howMuch')}</h3><div class="fields key-limits">${LIMITS.map(([name, label]) => html`<${Field} key=${name} label=${t(label)} name=${`policy.limits.${name}`}><${NumberInput} value=${draft['limits'][name]} min=${1} step=${1} onChange=${set(name)} placeholder=${t('unlimited')} disabled=${isLocked('policy.limits')} /><//>`)}</div>
    <p class="soft small">${t('limitsHint')}</p>
    <${BudgetsField} budgets=${draft['budgets']} onChange=${(/** @type {any[]} */ budgets) => onChange({ budgets })} disabled=${isLocked('policy.budgets')} />`;
}

/** @param {'unsupported' | 'completion'} name @param {string[]} values */
const choicesOf = (name, values) => [{ value: null, label: t('choice_default') }, ...values.map((value) => ({ value, label: t(/** @type {'unsupported_auto'} */ (`${name}_${value}`)) }))];
const UNSUPPORTED = choicesOf('unsupported', ['auto', 'drop', 'refuse']);
const COMPLETION = choicesOf('completion', ['complete', 'best_effort', 'error']);
const RECORDING = [{ value: null, label: t('choice_default') }, { value: true, label: t('recording_yes') }, { value: false, label: t('recording_no') }];
const STORE = [{ value: null, label: t('choice_default') }, { value: true, label: t('store_yes') }, { value: false, label: t('store_no') }];

/** @param {Given} given */
function Treatment({ draft, onChange, isLocked }) {
  const tags = useData('/api/tags', { limit: 200 });
  const pick = (/** @type {string} */ name, /** @type {any} */ label, /** @type {any[]} */ choices) => html`<${Field} label=${label} name=${`policy.${name}`}><${Select} value=${draft[name]} choices=${choices} onChange=${(/** @type {any} */ value) => onChange({ [name]: value })} disabled=${isLocked(`policy.${name}`)} /><//>`;
  return html`<${Field} label=${t('tags')} name="policy.tags" hint=${t('tagsHint')}><${TagsInput} value=${draft['tags']} onChange=${(/** @type {string[]} */ value) => onChange({ tags: value })} choices=${(tags.data ?? []).map((/** @type {any} */ tag) => tag.id)} disabled=${isLocked('policy.tags')} /><//>
    <div class="fields">${pick('recording', t('recording'), RECORDING)}${pick('completion', t('completion'), COMPLETION)}${pick('unsupported', t('unsupported'), UNSUPPORTED)}${pick('responses_store', t('store'), STORE)}</div>`;
}

/** @param {Given} given */
function Rights({ draft, onChange, isLocked, fresh }) {
  const flip = (/** @type {string} */ scope) => onChange({ scopes: draft['scopes'].includes(scope) ? draft['scopes'].filter((/** @type {string} */ each) => each !== scope) : [...draft['scopes'], scope] });
  const admin = may('administer');
  return html`<fieldset class="field plain"><legend>${t('rights')}</legend>
      <label class="row"><input type="checkbox" checked=${draft['scopes'].includes('admin')} onChange=${() => flip('admin')} disabled=${!admin || isLocked('scopes')} /><span>${t('adminScope')}${!admin && html` <span class="soft small">(${t('adminOnly')})</span>`}</span></label>
      <label class="row"><input type="checkbox" checked=${draft['scopes'].includes('metrics')} onChange=${() => flip('metrics')} disabled=${isLocked('scopes')} /><span>${t('metricsScope')}</span></label></fieldset>
    ${fresh && html`<${Field} label=${t('owner')} name="owner" hint=${t('ownerHint')}><${TextInput} value=${draft['owner']} onChange=${(/** @type {string} */ owner) => onChange({ owner })} /><//>`}`;
}
