/**
 * The rarer settings of a combo; what is left out is as everywhere else.
 */

import { useData } from '../../core/resource.js';
import { html, useState } from '../../core/ui.js';
import { Field, NumberInput, Select } from '../../parts/forms.js';
import { t } from '../../strings/combos.js';

const WAYS = /** @type {const} */ (['complete', 'best_effort', 'error']);

/** @param {{draft: import('./draft.js').Draft, locked: boolean, onChange: (part: Partial<import('./draft.js').Draft>) => void}} given */
export function More({ draft, locked, onChange }) {
  const { data } = useData('/api/settings');
  const routing = data?.in_force?.routing ?? {};
  const [open] = useState([draft.attempts, draft.first_token, draft.wait, draft.completion].some((value) => value !== null));
  const usual = (/** @type {any} */ value) => (value === undefined || value === null ? t('usualOnly') : t('usual', { value }));
  const number = (/** @type {'attempts' | 'first_token' | 'wait'} */ name, /** @type {any} */ rest) => html`<${Field} label=${t(name)} hint=${t(`${name}Hint`)} name=${name}><${NumberInput}
    value=${draft[name]} placeholder=${usual(routing[name])} disabled=${locked} ...${rest} onChange=${(/** @type {number | null} */ value) => onChange({ [name]: value })} /><//>`;
  const ways = [{ value: null, label: routing.completion ? t('usual', { value: t(/** @type {any} */ (routing.completion)) }) : t('usualOnly') }, ...WAYS.map((value) => ({ value, label: t(value) }))];
  return html`<details class="combo-more" open=${open}><summary><span class="strong">${t('more')}</span> <span class="soft small">${t('moreHint')}</span></summary><div class="fields">
    ${number('attempts', { min: 1, step: 1, unit: t('tries') })}${number('first_token', { min: 0, unit: t('secondsUnit') })}${number('wait', { min: 0, unit: t('secondsUnit') })}
    <${Field} label=${t('completion')} hint=${t('completionHint')} name="completion"><${Select} value=${draft.completion} choices=${ways} disabled=${locked} onChange=${(/** @type {any} */ completion) => onChange({ completion })} /><//></div></details>`;
}
