/**
 * The budgets of a key: so much of something in each period, several beside each other.
 */

import { html } from '../../core/ui.js';
import { Button, Field, NumberInput, Select, TextInput } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { t } from '../../strings/keys.js';
import { BUDGET } from './draft.js';

const METRICS = /** @type {const} */ (['usd', 'tokens', 'requests']);
const PERIODS = /** @type {const} */ (['day', 'week', 'month']);
const MODES = /** @type {const} */ (['hard', 'soft']);
const UNPRICED = /** @type {const} */ (['refuse', 'allow']);
const MOST = 8;

/** @param {{budgets: any[], onChange: (budgets: any[]) => void, disabled: boolean}} given */
export function BudgetsField({ budgets, onChange, disabled }) {
  const change = (/** @type {number} */ at) => (/** @type {any} */ values) => onChange(budgets.map((budget, index) => (index === at ? { ...budget, ...values } : budget)));
  const add = () => {
    const taken = new Set(budgets.map(({ metric, period }) => `${metric} ${period}`));
    const free = METRICS.flatMap((metric) => [...PERIODS].reverse().map((period) => ({ metric, period }))).find(({ metric, period }) => !taken.has(`${metric} ${period}`));
    onChange([...budgets, { ...BUDGET, ...free }]);
  };
  return html`<fieldset class="field plain"><legend>${t('budgets')}</legend>
    ${budgets.map((budget, at) => html`<${BudgetFields} key=${at} at=${at} budget=${budget} onChange=${change(at)} onRemove=${() => onChange(budgets.filter((_, index) => index !== at))} disabled=${disabled} />`)}
    <div><${Button} icon="plus" onClick=${add} disabled=${disabled || budgets.length >= MOST}>${t('addBudget')}<//></div></fieldset>`;
}

/** @param {{at: number, budget: any, onChange: (values: any) => void, onRemove: () => void, disabled: boolean}} given */
function BudgetFields({ at, budget, onChange, onRemove, disabled }) {
  const stem = `policy.budgets[${at}]`;
  const set = (/** @type {string} */ name) => (/** @type {any} */ value) => onChange({ [name]: value });
  const metrics = METRICS.map((value) => ({ value, label: t(`metric_${value}`) }));
  return html`<div class="key-budget-fields card"><div class="key-budget-main"><${Field} label=${t('amount')} name=${`${stem}.amount`}><${NumberInput} value=${budget.amount} min=${0} onChange=${set('amount')} disabled=${disabled} /><//>
      <${Field} label=${t('metric')} name=${`${stem}.metric`}><${Select} value=${budget.metric} choices=${metrics} onChange=${set('metric')} disabled=${disabled} /><//>
      <${Field} label=${t('period')} name=${`${stem}.period`}><${Select} value=${budget.period} choices=${PERIODS.map((value) => ({ value, label: t(value) }))} onChange=${set('period')} disabled=${disabled} /><//>
      <${Field} label=${t('mode')} name=${`${stem}.mode`}><${Select} value=${budget.mode} choices=${MODES.map((value) => ({ value, label: t(`mode_${value}`) }))} onChange=${set('mode')} disabled=${disabled} /><//>
      <${Button} tone="quiet" icon="trash" label=${t('removeBudget')} onClick=${onRemove} disabled=${disabled} /></div>
    <details class="more"><summary><${Icon} name="right" size=${12} />${t('budgetMore')}</summary><div class="fields">
      <${Field} label=${t('warn')} name=${`${stem}.warn`}><${NumberInput} value=${Math.round(budget.warn * 100)} min=${1} max=${100} step=${1} unit="%" onChange=${(/** @type {number | null} */ value) => onChange({ warn: (value ?? 80) / 100 })} disabled=${disabled} /><//>
      <${Field} label=${t('downgrade')} name=${`${stem}.downgrade`} hint=${t('downgradeHint')}><${TextInput} value=${budget.downgrade} onChange=${set('downgrade')} disabled=${disabled} /><//>
      <${Field} label=${t('zone')} name=${`${stem}.zone`}><${TextInput} value=${budget.zone} onChange=${set('zone')} disabled=${disabled} list=${ZONES} /><//>
      ${budget.metric === 'usd' && html`<${Field} label=${t('unpriced')} name=${`${stem}.unpriced`}><${Select} value=${budget.unpriced} choices=${UNPRICED.map((value) => ({ value, label: t(`unpriced_${value}`) }))} onChange=${set('unpriced')} disabled=${disabled} /><//>`}</div></details></div>`;
}

const ZONES = ['UTC', Intl.DateTimeFormat().resolvedOptions().timeZone, 'Europe/Berlin', 'Europe/London', 'America/New_York', 'America/Los_Angeles', 'Asia/Tokyo', 'Asia/Kolkata', 'Australia/Sydney'];
