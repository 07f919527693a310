/**
 * The providers to choose from, by search and tags.
 */

import { html, useRef, useState } from '../../core/ui.js';
import { useKeys } from '../../core/keys.js';
import { Chip, colourOf } from '../../parts/bits.js';
import { Button, TextInput } from '../../parts/forms.js';
import { t } from '../../strings/setup.js';

const FIRST = ['openai', 'anthropic', 'gemini', 'openrouter', 'deepseek', 'ollama'];
const SHOWN = 24;
const NO_FIT = 9;

/** @param {{presets: any[], heading: string | null, onChoose: (id: string) => void}} given */
export function Presets({ presets, heading, onChoose }) {
  const [words, setWords] = useState('');
  const [tag, setTag] = useState(/** @type {string | null} */ (null));
  const [all, setAll] = useState(false);
  const box = useRef(/** @type {any} */ (null));
  useKeys({ '/': () => box.current?.querySelector('input')?.focus() });
  const tags = [...new Set(presets.map((preset) => preset.tag).filter(Boolean))];
  const fitting = presets.filter((preset) => (tag === null || preset.tag === tag) && fit(preset, words) < NO_FIT).sort((a, b) => fit(a, words) - fit(b, words) || rank(a) - rank(b));
  const shown = all ? fitting : fitting.slice(0, SHOWN);
  const enter = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'Enter' && words && fitting[0]) onChoose(fitting[0].id);
  };
  return html`<div class="column setup-presets" ref=${box}>${heading && html`<h3>${heading}</h3>`}
    <div class="row wraps gap2"><span class="setup-search" onKeyDown=${enter}><${TextInput} value=${words} onChange=${setWords} placeholder=${t('searchPresets')} label=${t('searchPresets')} type="search" /></span>
      <div class="row wraps" role="group" aria-label=${t('tags')}>${tags.map((name) => html`<button type="button" key=${name} class="setup-tag" aria-pressed=${tag === name} onClick=${() => setTag(tag === name ? null : name)}><span translate="no">${name}</span></button>`)}</div></div>
    <ul class="setup-grid">${shown.map((preset) => html`<li key=${preset.id}><button type="button" class="setup-preset" onClick=${() => onChoose(preset.id)}><span class="mark" style=${{ background: colourOf(preset.id) }} aria-hidden="true"></span>
      <span class="grow cut" translate="no">${preset.name}</span>${preset.tag && preset.tag !== 'custom' && html`<${Chip} data>${preset.tag}<//>`}</button></li>`)}</ul>
    ${fitting.length === 0 && html`<p class="soft">${t('noPreset')}</p>`}
    ${fitting.length > shown.length && html`<div><${Button} tone="quiet" onClick=${() => setAll(true)}>${t('showAll', { n: fitting.length })}<//></div>`}</div>`;
}

/** How well a preset fits what was typed: by its names, its models, or what else is said of it. @param {any} preset @param {string} words */
function fit(preset, words) {
  const typed = words.toLowerCase().trim().split(/\s+/);
  const told = [[preset.id, preset.name, preset.vendor, ...preset.aliases], preset.static_models, [preset.tag, ...preset.kinds, preset.notes]];
  let text = '';
  const at = told.findIndex((more) => {
    text += ` ${more.join(' ').toLowerCase()}`;
    return typed.every((word) => text.includes(word));
  });
  return at < 0 ? NO_FIT : at;
}

/** Those that most people look for stand first, those that need an address of their own last. @param {any} preset */
function rank(preset) {
  const at = FIRST.indexOf(preset.id);
  return at >= 0 ? at : preset.tag === 'custom' ? 1000 : FIRST.length;
}
