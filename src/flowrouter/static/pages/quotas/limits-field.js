/**
 * Limits of one's own and the reserve, as fields of a form.
 */

import { html } from '../../core/ui.js';
import { Button, Field, NumberInput, TextInput } from '../../parts/forms.js';
import { t } from '../../strings/quotas.js';

const WINDOWS = ['minute', 'hour', '5h', 'day', 'week', '7d', 'month'];
const AMOUNTS = /** @type {const} */ (['requests', 'tokens', 'usd']);

/**
 * @param {{limits: any[], reserve: string, onChange: (change: {quota?: any[], reserve?: string}) => void, isLocked: (field: string) => boolean}} given
 */
export function LimitsField({ limits, reserve, onChange, isLocked }) {
  const locked = isLocked('quota');
  const change = (/** @type {number} */ at, /** @type {Record<string, any>} */ values) =>
    onChange({ quota: limits.map((limit, index) => (index === at ? trimmed({ ...limit, ...values }) : limit)) });
  return html`<fieldset class="field plain"><legend>${t('limits')}</legend><p class="soft small">${t('limitsLead')}</p>
    ${limits.map((limit, at) => html`<div class="limit" key=${at} role="group" aria-label=${t('limitNumber', { n: at + 1 })}>
      <${Field} label=${t('limitWindow')} name=${`quota[${at}].window`}><${TextInput} value=${limit.window} onChange=${(/** @type {string} */ window) => change(at, { window })} list=${WINDOWS} disabled=${locked} /><//>
      ${AMOUNTS.map((name) => html`<${Field} key=${name} label=${t(name)} name=${`quota[${at}].${name}`}><${NumberInput} value=${limit[name] ?? null} min=${0} step=${name === 'usd' ? 'any' : 1} disabled=${locked}
        onChange=${(/** @type {number | null} */ value) => change(at, { [name]: name === 'usd' && value !== null ? String(value) : value })} /><//>`)}
      <${Field} label=${t('zone')} name=${`quota[${at}].zone`}><${TextInput} value=${limit.zone ?? ''} placeholder="UTC" mono onChange=${(/** @type {string} */ zone) => change(at, { zone })} disabled=${locked} /><//>
      ${!locked && html`<${Button} tone="quiet" icon="trash" label=${t('removeLimit')} onClick=${() => onChange({ quota: limits.filter((_, index) => index !== at) })} />`}</div>`)}
    ${!locked && html`<div class="row wraps"><${Button} icon="plus" onClick=${() => onChange({ quota: [...limits, { window: 'day' }] })}>${t('addLimit')}<//><span class="soft small">${t('limitWindowHint')}</span></div>`}</fieldset>
    <${Field} label=${t('reserve')} name="reserve" hint=${t('reserveHint')}><${TextInput} value=${reserve} onChange=${(/** @type {string} */ value) => onChange({ reserve: value })} placeholder="20%, week:33%" mono disabled=${isLocked('reserve')} /><//>`;
}

/** What is not said is left out, as the gateway tells it. @param {Record<string, any>} limit */
const trimmed = (limit) => Object.fromEntries(Object.entries(limit).filter(([name, value]) => value !== null && !(name === 'zone' && (value === '' || value === 'UTC'))));
