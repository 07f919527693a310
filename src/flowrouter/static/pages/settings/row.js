/**
 * One setting that can be changed: its words at the left, its control at the right; it is stored at once.
 */

import { useData } from '../../core/resource.js';
import { html, useEffect, useState } from '../../core/ui.js';
import { Button, NumberInput, Select, Switch, TagsInput, TextInput } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { words } from '../../strings/settings-names.js';
import { t } from '../../strings/settings.js';
import { barred, member, ownerOf, store } from './data.js';
import { ListSetting } from './lists.js';

/** @typedef {import('./spec.js').Spec} Spec */
/** @typedef {{spec: Spec, value: any, onStore: (value: any) => void, disabled: boolean, label: string, models: string[]}} Control */

/** @param {{settings: import('./data.js').Settings, rows: Spec[]}} given */
export function SettingRows({ settings, rows }) {
  const { data } = useData('/api/models', { limit: 200 });
  const models = (data ?? []).map((/** @type {any} */ model) => model.id);
  return html`<ul class="settings-list card">${rows.map((spec) => html`<${SettingRow} key=${spec.name} settings=${settings} spec=${spec} models=${models} />`)}</ul>`;
}

/** @param {{settings: import('./data.js').Settings, spec: Spec, models: string[]}} given */
function SettingRow({ settings, spec, models }) {
  const label = words(spec.name);
  const [pending, setPending] = useState(/** @type {{value: any} | null} */ (null));
  const why = barred(settings, spec.name);
  const file = ownerOf(settings, spec.name);
  const stored = member(settings['values'], spec.name) !== undefined;
  const value = pending ? pending.value : (member(settings['in_force'], spec.name) ?? null);
  const onStore = async (/** @type {any} */ next) => {
    setPending({ value: next ?? value });
    await store(settings, spec.name, next, label);
    setPending(null);
  };
  const hint = words(`${spec.name}?`);
  const wide = spec.kind === 'list' || spec.kind === 'map';
  return html`<li class=${wide ? 'setting wide' : 'setting'} data-setting=${spec.name}><div class="setting-words"><span class="row wraps"><span class="strong">${label}</span>${
      file !== null && html`<span class="soft small row setting-owner"><${Icon} name="lock" size=${12} />${t.rich('lockedBy', { file: html`<code class="cut" translate="no">${file}</code>` })}</span>`}</span>
      ${hint && html`<p class="soft small">${hint}</p>`}</div>
    <div class="setting-control" title=${why ?? undefined}>${stored && why === null && html`<${Button} tone="quiet" icon="undo" label=${t('reset')} onClick=${() => onStore(null)} />`}
      <${CONTROLS[spec.kind]} spec=${spec} value=${value} onStore=${onStore} disabled=${why !== null} label=${label} models=${models} /></div></li>`;
}

/** @type {Record<Spec['kind'], any>} */
const CONTROLS = {
  switch: (/** @type {Control} */ { value, onStore, disabled, label }) => html`<${Switch} value=${value} onChange=${onStore} disabled=${disabled} label=${label} />`,
  choice: (/** @type {Control} */ { spec, value, onStore, disabled, label }) => html`<${Select} value=${value} onChange=${onStore} disabled=${disabled} label=${label}
    choices=${(spec.choices ?? []).map((choice) => ({ value: choice, label: words(`${spec.name}=${choice}`) }))} />`,
  number: Typed,
  share: Typed,
  text: Typed,
  model: Typed,
  models: (/** @type {Control} */ { value, onStore, disabled, label, models }) => html`<${TagsInput} value=${value ?? []} onChange=${onStore} disabled=${disabled} label=${label} choices=${models} />`,
  tags: (/** @type {Control} */ { value, onStore, disabled, label }) => html`<${TagsInput} value=${value ?? []} onChange=${onStore} disabled=${disabled} label=${label} />`,
  list: ListSetting,
  map: ListSetting,
};

/** What is typed is stored with Enter or on leaving; Esc takes it back. @param {Control} given */
function Typed({ spec, value, onStore, disabled, label, models }) {
  const shown = spec.kind === 'share' && value !== null ? Math.round(value * 1000) / 10 : value;
  const [typed, setTyped] = useState(shown);
  useEffect(() => setTyped(shown), [shown]);
  const commit = () => {
    if (typed === shown || (typed === null && !spec.empty)) return setTyped(shown);
    return onStore(spec.kind === 'share' ? Number(typed) / 100 : typed);
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'Enter') commit();
    if (event.key === 'Escape') setTyped(shown);
  };
  const unit = spec.kind === 'share' ? words('u_share') : spec.unit ? words(`u_${spec.unit}`) : undefined;
  const common = { value: typed, onChange: setTyped, disabled, label };
  return html`<span class=${spec.kind === 'number' || spec.kind === 'share' ? 'setting-number' : 'setting-text'} onFocusOut=${commit} onKeyDown=${key}>${
    spec.kind === 'number' || spec.kind === 'share' ? html`<${NumberInput} ...${common} min=${spec.min} max=${spec.max} step=${spec.step ?? 'any'} unit=${unit} />`
      : html`<${TextInput} ...${common} list=${spec.kind === 'model' ? models : undefined} />`}</span>`;
}
