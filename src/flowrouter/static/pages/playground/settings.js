/**
 * How it is asked: dialect, system text, sampling, thinking, tools, and whatever else the body may hold.
 */

import { html, useState } from '../../core/ui.js';
import { Button, Field, NumberInput, Select, Switch, TextInput } from '../../parts/forms.js';
import { t } from '../../strings/playground.js';
import { IDS, readTools } from './dialects/index.js';
import { EXAMPLE_TOOLS, change, setup } from './store.js';

const EFFORTS = /** @type {const} */ (['', 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);

/** What is wrong with the JSON that was typed. @returns {{tools: string | null, more: string | null}} */
export function wrongs() {
  const { tools, more } = setup.value;
  return { tools: problemOf(() => readTools(tools)), more: more.trim() ? problemOf(() => objectOf(more)) : null };
}

/** @param {() => any} read @returns {string | null} */
function problemOf(read) {
  try {
    read();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @param {string} text */
function objectOf(text) {
  const value = JSON.parse(text);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Error(t('moreNoObject'));
}

/** @param {{wrong: ReturnType<typeof wrongs>}} given */
export function Settings({ wrong }) {
  const { dialect, system, temperature, cap, effort, stream, useTools, tools, more } = setup.value;
  const [extra, setExtra] = useState(more !== '');
  return html`<div class="play-settings">
    <${Field} label=${t('dialect')} hint=${t(`${dialect}_hint`)}><${Select} value=${dialect} choices=${IDS.map((id) => ({ value: id, label: t(id) }))} onChange=${(/** @type {any} */ id) => change({ dialect: id })} /><//>
    <${Field} label=${t('system')}><${TextInput} rows=${3} value=${system} placeholder=${t('systemHint')} onChange=${(/** @type {string} */ text) => change({ system: text })} /><//>
    <div class="play-pair"><${Field} label=${t('temperature')}><${NumberInput} value=${temperature} min=${0} max=${2} step=${0.1} placeholder=${t('default')} onChange=${(/** @type {number | null} */ value) => change({ temperature: value })} /><//>
      <${Field} label=${t('cap')}><${NumberInput} value=${cap} min=${1} step=${1} placeholder=${t('default')} onChange=${(/** @type {number | null} */ value) => change({ cap: value })} /><//></div>
    <${Field} label=${t('effort')} hint=${effort ? t('effortHint') : undefined}><${Select} value=${effort} choices=${EFFORTS.map((id) => ({ value: id, label: t(`effort_${id || 'default'}`) }))} onChange=${(/** @type {any} */ value) => change({ effort: value })} /><//>
    <div class="play-switches">
      <${Toggle} label=${t('stream')} value=${stream} onChange=${(/** @type {boolean} */ value) => change({ stream: value })} />
      <${Toggle} label=${t('tools')} value=${useTools} onChange=${(/** @type {boolean} */ value) => change({ useTools: value })} />
      <${Toggle} label=${t('more')} value=${extra} onChange=${(/** @type {boolean} */ value) => { setExtra(value); if (!value) change({ more: '' }); }} /></div>
    ${useTools && html`<${Field} label=${t('toolsLabel')} hint=${t('toolsHint')} error=${wrong.tools && t('wrongJson', { why: wrong.tools })}><${TextInput} mono rows=${10} value=${tools} onChange=${(/** @type {string} */ text) => change({ tools: text })} /><//>
      ${tools !== EXAMPLE_TOOLS && html`<${Button} tone="quiet" onClick=${() => change({ tools: EXAMPLE_TOOLS })}>${t('exampleTools')}<//>`}`}
    ${extra && html`<${Field} label=${t('moreLabel')} hint=${t('moreHint')} error=${wrong.more && t('wrongJson', { why: wrong.more })}><${TextInput} mono rows=${3} value=${more} placeholder='{"seed": 7}' onChange=${(/** @type {string} */ text) => change({ more: text })} /><//>`}
  </div>`;
}

/** @param {{label: string, value: boolean, onChange: (value: boolean) => void}} given */
function Toggle({ label, value, onChange }) {
  return html`<div class="row apart"><span>${label}</span><${Switch} value=${value} onChange=${onChange} label=${label} /></div>`;
}
