/**
 * Which requests a member is for.
 */

import { html } from '../../core/ui.js';
import { Button, Field, NumberInput, Select, TagsInput, TextInput } from '../../parts/forms.js';
import { t } from '../../strings/combos.js';
import { FLAGS, isOpen } from './words.js';

const AGENTS = ['claude-cli/*', 'codex_cli_rs/*', 'opencode/*', 'python-*', 'curl/*'];

/** @param {{when: Record<string, any>, onChange: (when: Record<string, any>) => void, locked: boolean}} given */
export function ConditionsForm({ when, onChange, locked }) {
  const set = (/** @type {string} */ name) => (/** @type {any} */ value) => onChange({ ...when, [name]: value === '' ? null : value });
  const either = [{ value: null, label: t('any') }, { value: true, label: t('with') }, { value: false, label: t('without') }];
  return html`<div class="member-conditions column gap2"><p class="soft small">${t('conditionLead')}</p><div class="fields">
    ${/** @type {const} */ (['min_tokens', 'max_tokens']).map((name) => html`<${Field} key=${name} label=${t(name)}><${NumberInput} value=${when[name]} min=${1} step=${1000} unit=${t('tokens')} disabled=${locked} onChange=${set(name)} /><//>`)}
    ${FLAGS.map((name) => html`<${Field} key=${name} label=${t(name)}><${Select} value=${when[name] ?? null} choices=${either} disabled=${locked} onChange=${set(name)} /><//>`)}
    <${Field} label=${t('user_agent')} hint=${t('user_agentHint')}><${TextInput} mono value=${when['user_agent'] ?? ''} placeholder="claude-cli/*" list=${AGENTS} disabled=${locked} onChange=${set('user_agent')} /><//>
    <${Field} label=${t('tags')}><${TagsInput} value=${when['tags'] ?? []} disabled=${locked} onChange=${set('tags')} /><//>
    <${Hours} value=${when['hours'] ?? null} disabled=${locked} onChange=${set('hours')} /></div>
    ${!locked && !isOpen(when) && html`<div><${Button} tone="quiet" icon="close" onClick=${() => onChange({})}>${t('clearConditions')}<//></div>`}</div>`;
}

/** Two times of day, as `22:00-06:00`. @param {{value: string | null, onChange: (value: string | null) => void, disabled: boolean}} given */
function Hours({ value, onChange, disabled }) {
  const [from = '', to = ''] = (value ?? '').split('-');
  const change = (/** @type {string} */ start, /** @type {string} */ end) => onChange(start || end ? `${start || '00:00'}-${end || '00:00'}` : null);
  const time = (/** @type {string} */ told, /** @type {string} */ label, /** @type {(at: string) => void} */ set) =>
    html`<input type="time" value=${told} aria-label=${label} disabled=${disabled} onChange=${(/** @type {any} */ event) => set(event.target.value)} />`;
  return html`<div class="field" role="group" aria-label=${t('hours')}><span class="label">${t('hours')}</span>
    <span class="row">${time(from, t('hoursFrom'), (start) => change(start, start ? to : ''))}<span class="soft">–</span>${time(to, t('hoursTo'), (end) => change(end ? from : '', end))}</span>
    <p class="soft small">${t('hoursHint')}</p></div>`;
}
