/**
 * What people fill in and press. A refused field shows the gateway's reason beside it.
 */

import { createContext, html, useContext, useId, useRef, useState } from '../core/ui.js';
import { t } from '../strings/parts.js';
import { Icon } from './icons.js';

/** @type {any} */
const Refusal = createContext(/** @type {any} */ (null));
/** @type {any} */
const Labelled = createContext('');

/**
 * A button, or a link that looks like one.
 * @param {{tone?: 'primary' | 'plain' | 'danger' | 'quiet', busy?: boolean, disabled?: boolean, icon?: string, onClick?: (event: any) => any,
 *   href?: string, type?: 'button' | 'submit', title?: string, label?: string, pressed?: boolean, children?: any}} given
 */
export function Button({ tone = 'plain', busy = false, disabled = false, icon, onClick, href, type = 'button', title, label, pressed, children }) {
  const inside = html`${icon && html`<${Icon} name=${icon} />`}${children && html`<span>${children}</span>`}`;
  const names = `button ${tone} ${busy ? 'busy' : ''} ${children ? '' : 'square'}`;
  if (href) return html`<a class=${names} href=${href} title=${title} aria-label=${label}>${inside}</a>`;
  return html`<button type=${type} class=${names} disabled=${disabled || busy} onClick=${onClick} title=${title ?? (children ? undefined : label)}
    aria-label=${label} aria-pressed=${pressed} aria-busy=${busy || undefined}>${inside}</button>`;
}

/**
 * A form. `error` is what the last attempt was refused with. @param {{onSubmit: () => any, error?: any, children?: any, label?: string}} given
 */
export function Form({ onSubmit, error = null, children, label }) {
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    onSubmit();
  };
  return html`<form class="form" onSubmit=${submit} aria-label=${label} novalidate><${Refusal.Provider} value=${error}>${children}
    ${error && html`<p class="notice bad" role="alert"><${Icon} name="warning" /><span class="grow wrap" translate="no">${error.message}${
      error.fix ? html` <span class="soft">${error.fix}</span>` : ''}</span></p>`}<//></form>`;
}

/**
 * A label with what it names; `name` is the field of `/api` that a refusal may point at.
 * @param {{label: any, hint?: any, error?: any, name?: string, optional?: boolean, children?: any}} given
 */
export function Field({ label, hint, error, name, children }) {
  const id = useId();
  const refusal = useContext(Refusal);
  const refused = error ?? (name && refusal?.param && (refusal.param === name || refusal.param.startsWith(`${name}.`)) ? refusal.message : null);
  return html`<div class=${refused ? 'field refused' : 'field'}><label for=${id}>${label}</label>
    <${Labelled.Provider} value=${id}>${children}<//>
    ${refused ? html`<p class="bad small wrap" id=${`${id}-said`} translate="no">${refused}</p>` : hint && html`<p class="soft small" id=${`${id}-said`}>${hint}</p>`}</div>`;
}

/** @typedef {{value: any, onChange: (value: any) => void, placeholder?: string, disabled?: boolean, label?: string, autofocus?: boolean, required?: boolean}} Entry */

/** What all fields have in common. @param {Partial<Entry>} given */
function useEntry({ placeholder, disabled, label, autofocus, required }) {
  const id = useContext(Labelled);
  return { id: id || undefined, placeholder, disabled, required, 'aria-label': label, autoFocus: autofocus, 'aria-describedby': id ? `${id}-said` : undefined };
}

/** @param {Entry & {type?: string, rows?: number, mono?: boolean, list?: string[], autocomplete?: string}} given */
export function TextInput({ value, onChange, type = 'text', rows = 0, mono = false, list, autocomplete = 'off', ...rest }) {
  const entry = useEntry(rest);
  const own = useId();
  const change = (/** @type {any} */ event) => onChange(event.target.value);
  const name = mono ? 'mono' : '';
  if (rows) return html`<textarea ...${entry} class=${name} translate=${mono ? 'no' : undefined} rows=${rows} value=${value ?? ''} onInput=${change} spellcheck=${mono ? false : undefined}></textarea>`;
  return html`<input ...${entry} class=${name} translate=${mono ? 'no' : undefined} type=${type} value=${value ?? ''} onInput=${change} autocomplete=${autocomplete}
    list=${list ? own : undefined} spellcheck=${false} />${list && html`<datalist id=${own}>${list.map((item) => html`<option value=${item} />`)}</datalist>`}`;
}

/** A number, or null when nothing stands there. @param {Entry & {min?: number, max?: number, step?: number | 'any', unit?: string}} given */
export function NumberInput({ value, onChange, min, max, step = 'any', unit, ...rest }) {
  const entry = useEntry(rest);
  const change = (/** @type {any} */ event) => onChange(event.target.value === '' ? null : Number(event.target.value));
  return html`<span class="unit-field"><input ...${entry} type="number" inputmode="decimal" value=${value ?? ''} min=${min} max=${max} step=${step} onInput=${change} />${
    unit && html`<span class="soft">${unit}</span>`}</span>`;
}

/** @param {Entry & {choices: ({value: any, label: string, data?: boolean} | string)[]}} given A plain string is data, not ours. */
export function Select({ value, onChange, choices, ...rest }) {
  const entry = useEntry(rest);
  const rows = choices.map((choice) => (typeof choice === 'string' ? { value: choice, label: choice, data: true } : choice));
  const chosen = rows.findIndex((choice) => choice.value === value);
  const change = (/** @type {any} */ event) => onChange(rows[Number(event.target.value)]?.value);
  return html`<select ...${entry} value=${String(chosen)} onChange=${change}>${chosen < 0 && html`<option value="-1" hidden></option>`}
    ${rows.map((choice, index) => html`<option value=${String(index)} selected=${index === chosen} translate=${choice.data ? 'no' : undefined}>${choice.label}</option>`)}</select>`;
}

/** On or off. @param {Entry} given */
export function Switch({ value, onChange, disabled, label }) {
  const id = useContext(Labelled);
  return html`<button type="button" id=${id || undefined} class="switch" role="switch" aria-checked=${Boolean(value)} aria-label=${label}
    disabled=${disabled} onClick=${() => onChange(!value)}><span></span></button>`;
}

/** Several short texts. @param {Entry & {choices?: string[]}} given */
export function TagsInput({ value, onChange, choices, placeholder, ...rest }) {
  const entry = useEntry({ ...rest, placeholder: placeholder ?? t('addTag') });
  const [typed, setTyped] = useState('');
  const own = useId();
  /** @type {string[]} */
  const tags = value ?? [];
  const add = () => {
    const words = typed.split(',').map((word) => word.trim()).filter((word) => word && !tags.includes(word));
    if (words.length) onChange([...tags, ...words]);
    setTyped('');
  };
  const key = (/** @type {any} */ event) => {
    if (event.key === 'Enter' || event.key === ',') {
      event.preventDefault();
      add();
    } else if (event.key === 'Backspace' && typed === '') onChange(tags.slice(0, -1));
  };
  return html`<span class=${rest.disabled ? 'tags locked' : 'tags'}>${tags.map((tag) => html`<span class="chip" key=${tag}><span translate="no">${tag}</span>${!rest.disabled && html`<button type="button"
      aria-label=${t('removeTag', { name: tag })} onClick=${() => onChange(tags.filter((other) => other !== tag))}><${Icon} name="close" size=${10} /></button>`}</span>`)}
    <input ...${entry} value=${typed} onInput=${(/** @type {any} */ event) => setTyped(event.target.value)} onKeyDown=${key} onBlur=${add} list=${choices ? own : undefined} />
    ${choices && html`<datalist id=${own}>${choices.map((item) => html`<option value=${item} />`)}</datalist>`}</span>`;
}

/** A secret to type; what is stored is never shown. @param {Entry & {kept?: boolean}} given */
export function Secret({ value, onChange, kept = false, ...rest }) {
  const entry = useEntry({ ...rest, placeholder: rest.placeholder ?? (kept ? t('secretKept') : undefined) });
  const [shown, setShown] = useState(false);
  const field = useRef(/** @type {any} */ (null));
  return html`<span class="secret-field"><input ...${entry} ref=${field} class="mono" type=${shown ? 'text' : 'password'} value=${value ?? ''} autocomplete="new-password"
      spellcheck=${false} onInput=${(/** @type {any} */ event) => onChange(event.target.value)} />
    <${Button} tone="quiet" icon=${shown ? 'hide' : 'show'} label=${t(shown ? 'hideSecret' : 'showSecret')} onClick=${() => setShown(!shown)} /></span>`;
}
