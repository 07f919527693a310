/**
 * Making and changing a budget, with what it will do said in a sentence while it is filled in.
 */

import { percent } from '../../core/format.js';
import { useData } from '../../core/resource.js';
import { may } from '../../core/session.js';
import { say } from '../../core/toast.js';
import { html, useMemo, useState } from '../../core/ui.js';
import { Notice } from '../../parts/feedback.js';
import { Button, Field, Form, NumberInput, Select, TextInput } from '../../parts/forms.js';
import { Panel } from '../../parts/panel.js';
import { t } from '../../strings/budgets.js';
import { replaceRule, takeBack } from './saving.js';
import { full, limitOf } from './words.js';

/** @typedef {import('./words.js').Budget} Budget */
/** @typedef {{whose: string | null, name: string, amount: number | null, metric: import('./words.js').Metric, period: 'day' | 'week' | 'month', mode: 'hard' | 'soft', then: 'refuse' | 'model', downgrade: string, warn: number | null, unpriced: 'allow' | 'refuse', zone: string}} Draft */

const GATEWAY = 'gateway';

/** @param {Budget | null} row @param {string | null} whose @returns {Draft} */
function draftOf(row, whose) {
  const rule = full(row?.budget ?? { amount: 0, zone: Intl.DateTimeFormat().resolvedOptions().timeZone });
  return {
    ...rule,
    whose: row ? (row.key_id ?? GATEWAY) : whose,
    name: row?.name ?? '',
    amount: row ? Number(rule.amount) : null,
    then: rule.downgrade ? 'model' : 'refuse',
    downgrade: rule.downgrade ?? '',
    warn: Math.round(rule.warn * 1000) / 10,
  };
}

/** What is missing, by field; null where nothing is. @param {Draft} draft @param {boolean} taken @returns {Record<string, string> | null} */
function missing(draft, taken) {
  if (draft.whose === null) return { whose: t('keyNeeded') };
  if (draft.whose === GATEWAY && !draft.name.trim()) return { name: t('nameNeeded') };
  if (draft.whose === GATEWAY && taken) return { name: t('nameTaken') };
  if (!draft.amount || draft.amount <= 0) return { amount: t('amountNeeded') };
  if (draft.then === 'model' && !draft.downgrade.trim()) return { downgrade: t('modelNeeded') };
  return null;
}

/** @param {Draft} draft @returns {import('./words.js').Full} */
const ruleOf = ({ amount, metric, period, mode, then, downgrade, warn, unpriced, zone }) => ({
  amount: amount ?? 0, metric, period, mode, zone: zone.trim() || 'UTC', warn: (warn ?? 80) / 100, unpriced,
  downgrade: then === 'model' ? downgrade.trim() : null,
});

/**
 * @param {{row: Budget | null, whose: string | null, keys: any[], names: string[], onClose: () => void}} given
 * `row`: what is changed, null for a new one; `names`: of the gateway's budgets there are.
 */
export function BudgetForm({ row, whose, keys, names, onClose }) {
  const first = useMemo(() => draftOf(row, whose), []);
  const [draft, setDraft] = useState(first);
  const [error, setError] = useState(/** @type {any} */ (null));
  const [lacks, setLacks] = useState(/** @type {Record<string, string> | null} */ (null));
  const [busy, setBusy] = useState(false);
  const set = (/** @type {Partial<Draft>} */ changes) => {
    setDraft({ ...draft, ...changes });
    setLacks(null);
  };
  const key = keys.find(({ id }) => id === draft.whose);
  const save = async () => {
    const lack = missing(draft, !row && names.includes(draft.name.trim()));
    setLacks(lack);
    if (lack) return;
    setBusy(true);
    try {
      const name = draft.whose === GATEWAY ? draft.name.trim() : (key?.name ?? row?.name ?? '');
      const target = { of: /** @type {'key' | 'gateway'} */ (draft.whose === GATEWAY ? 'gateway' : 'key'), name, key_id: draft.whose === GATEWAY ? null : draft.whose };
      const undo = await replaceRule(target, row?.budget ?? null, ruleOf(draft));
      say(t('saved', { name }), { undo: () => takeBack(undo, row ? t('undone', { name }) : t('removed', { name })) });
      onClose();
    } catch (refused) {
      setError(refused);
    }
    setBusy(false);
  };
  const title = row ? t('editTitle', { name: row.name }) : t('newTitle');
  const other = row && (draft.metric !== first.metric || draft.period !== first.period);
  return html`<${Panel} title=${title} onClose=${onClose}><${Form} onSubmit=${save} error=${error} label=${title}>
    ${!row && html`<${Whose} draft=${draft} set=${set} keys=${keys} lacks=${lacks} />`}
    <${HowMuch} draft=${draft} set=${set} lacks=${lacks} />
    ${other && html`<${Notice} text=${t('changesCount')} />`}
    <${Then} draft=${draft} set=${set} lacks=${lacks} />
    <${Rest} draft=${draft} set=${set} />
    <${Words} draft=${draft} name=${key?.name ?? null} />
    <div class="row"><${Button} tone="primary" type="submit" busy=${busy}>${t('save')}<//><${Button} onClick=${onClose}>${t('cancel')}<//></div><//><//>`;
}

/** @typedef {{draft: Draft, set: (changes: Partial<Draft>) => void, lacks?: Record<string, string> | null}} Part */

/** @param {Part & {keys: any[]}} given */
function Whose({ draft, set, keys, lacks }) {
  const all = { value: GATEWAY, label: t('gateway') };
  const choices = [...(may('administer') ? [all] : []), ...keys.map(({ id, name }) => ({ value: id, label: name, data: true }))];
  return html`<${Field} label=${t('who')} hint=${choices.length ? t('whoHint') : t('noKeys')} error=${lacks?.['whose']}><${Select} value=${draft.whose} choices=${choices} onChange=${(/** @type {string} */ value) => set({ whose: value })} /><//>
    ${draft.whose === GATEWAY && html`<${Field} label=${t('name')} hint=${t('nameHint')} error=${lacks?.['name']}><${TextInput} value=${draft.name} onChange=${(/** @type {string} */ name) => set({ name })} /><//>`}`;
}

/** @param {Part} given */
function HowMuch({ draft, set, lacks }) {
  const metrics = [{ value: 'usd', label: t('usd') }, { value: 'tokens', label: t('tokens') }, { value: 'requests', label: t('requestsMetric') }];
  const periods = /** @type {const} */ (['day', 'week', 'month']).map((value) => ({ value, label: t(value) }));
  return html`<div class="budget-much"><${Field} label=${t('amount')} name="amount" error=${lacks?.['amount']}><${NumberInput} value=${draft.amount} min=${0} onChange=${(/** @type {number | null} */ amount) => set({ amount })} autofocus /><//>
    <${Field} label=${t('metric')} name="metric"><${Select} value=${draft.metric} choices=${metrics} onChange=${(/** @type {Draft['metric']} */ metric) => set({ metric })} /><//>
    <${Field} label=${t('period')} name="period"><${Select} value=${draft.period} choices=${periods} onChange=${(/** @type {Draft['period']} */ period) => set({ period })} /><//></div>
    <${Field} label=${t('mode')} name="mode" hint=${t(draft.mode === 'hard' ? 'hardLong' : 'softLong')}><${Select} value=${draft.mode} choices=${[{ value: 'soft', label: t('soft') }, { value: 'hard', label: t('hard') }]} onChange=${(/** @type {Draft['mode']} */ mode) => set({ mode })} /><//>`;
}

/** @param {Part} given */
function Then({ draft, set, lacks }) {
  const models = useData(draft.then === 'model' ? '/api/models' : null, { limit: 200 });
  const names = (models.data ?? []).filter((/** @type {any} */ model) => model.generates && !model.hidden).map((/** @type {any} */ model) => model.id);
  const choices = [{ value: 'refuse', label: t('refuse') }, { value: 'model', label: t('downgrade') }];
  return html`<${Field} label=${t('then')}><${Select} value=${draft.then} choices=${choices} onChange=${(/** @type {Draft['then']} */ then) => set({ then })} /><//>
    ${draft.then === 'model' && html`<${Field} label=${t('model')} hint=${t('modelHint')} name="downgrade" error=${lacks?.['downgrade']}><${TextInput} value=${draft.downgrade} list=${names} onChange=${(/** @type {string} */ downgrade) => set({ downgrade })} /><//>`}`;
}

/** @param {Part} given */
function Rest({ draft, set }) {
  const zones = useMemo(() => ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')], []);
  const unpriced = [{ value: 'refuse', label: t('unpricedRefuse') }, { value: 'allow', label: t('unpricedAllow') }];
  return html`<div class="fields"><${Field} label=${t('warn')} hint=${t('warnHint')} name="warn"><${NumberInput} value=${draft.warn} min=${1} max=${100} unit="%" onChange=${(/** @type {number | null} */ warn) => set({ warn })} /><//>
    <${Field} label=${t('zone')} name="zone"><${TextInput} value=${draft.zone} list=${zones} onChange=${(/** @type {string} */ zone) => set({ zone })} /><//></div>
    ${draft.metric === 'usd' && html`<${Field} label=${t('unpriced')} hint=${t('unpricedHint')} name="unpriced"><${Select} value=${draft.unpriced} choices=${unpriced} onChange=${(/** @type {Draft['unpriced']} */ value) => set({ unpriced: value })} /><//>`}`;
}

/** What it will do. @param {{draft: Draft, name: string | null}} given */
function Words({ draft, name }) {
  const rule = ruleOf(draft);
  if (!draft.amount || draft.whose === null) return null;
  const data = (/** @type {string} */ text) => html`<span class="strong" translate="no">${text}</span>`;
  const holes = {
    who: draft.whose === GATEWAY ? t('whoAll') : t.rich('whoKey', { name: data(name ?? '') }),
    amount: html`<span class="strong">${limitOf(rule)}</span>`,
    period: t(`of_${rule.period}`),
    strict: t(`strict_${rule.mode}`),
    warn: percent(rule.warn),
    then: rule.downgrade ? t.rich('thenModel', { model: data(rule.downgrade) }) : t('thenRefuse'),
  };
  return html`<p class="budget-words" data-text aria-live="polite">${t.rich('words', holes)}</p>`;
}
