/**
 * A field that finds one thing among many: type a part of its name, arrows to move, Enter to take it.
 */

import { html, useEffect, useId, useMemo, useRef, useState } from '../core/ui.js';
import { t } from '../strings/picker.js';
import { colourOf } from './bits.js';
import { Icon } from './icons.js';

/** @typedef {{value: string, hint?: string, hintIsData?: boolean, icon?: string, preset?: string | null}} Choice The value is a name, not ours. */

const SHOWN = 60;

/**
 * Field and list. `choices` is searched here; `free` lets a name be taken that is not among them.
 * @param {{choices: Choice[], onPick: (value: string) => void, label: string, placeholder?: string, free?: boolean, disabled?: boolean,
 *   autofocus?: boolean, without?: Set<string>}} given
 */
export function Picker({ choices, onPick, label, placeholder, free = false, disabled = false, autofocus = false, without }) {
  const [words, setWords] = useState('');
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const id = useId();
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const found = useMemo(() => (open ? ranked(choices, words, without) : []), [choices, words, without, open]);
  const typed = words.trim();
  const own = free && typed !== '' && !found.some(({ value }) => value === typed);
  const rows = own ? [...found.slice(0, SHOWN), { value: typed, own: true }] : found.slice(0, SHOWN);
  useEffect(() => list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' }), [at]);
  useEffect(() => {
    if (autofocus) input.current?.focus();
  }, []);
  const pick = (/** @type {{value: string} | undefined} */ row) => {
    if (!row) return;
    onPick(row.value);
    setWords('');
    setOpen(false);
    setAt(0);
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.altKey || event.isComposing) return;
    if (step) {
      if (open) setAt((at + step + rows.length) % Math.max(1, rows.length));
      setOpen(true);
    } else if (event.key === 'Enter' && open && (words || at > 0)) pick(rows[at]);
    else if (event.key === 'Escape' && (open || words)) {
      setOpen(false);
      setWords('');
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const type = (/** @type {any} */ event) => {
    setWords(event.target.value);
    setAt(0);
    setOpen(true);
  };
  return html`<div class="picker"><span class="picker-field"><${Icon} name="search" /><input ref=${input} role="combobox" aria-label=${label} aria-expanded=${open} aria-controls=${`${id}-list`} aria-autocomplete="list"
      aria-activedescendant=${open && rows.length ? `${id}-${at}` : undefined} value=${words} placeholder=${placeholder} disabled=${disabled} autocomplete="off" spellcheck=${false}
      onInput=${type} onKeyDown=${key} onFocus=${() => setOpen(true)} onClick=${() => setOpen(true)} onBlur=${() => setOpen(false)} /></span>
    <span class="hidden" role="status">${open && words ? t('found', { n: found.length }) : ''}</span>
    <div class="picker-list" role="listbox" tabindex="-1" id=${`${id}-list`} aria-label=${label} ref=${list} hidden=${!open || (rows.length === 0 && !typed)} onPointerDown=${(/** @type {Event} */ event) => event.preventDefault()}>
      ${open && rows.map((row, index) => html`<${Option} key=${row.value} id=${`${id}-${index}`} row=${row} selected=${index === at} onPick=${() => pick(row)} onPoint=${() => at !== index && setAt(index)} />`)}
      ${open && found.length > SHOWN && html`<p class="soft small" role="presentation">${t('more', { n: found.length - SHOWN })}</p>`}
      ${open && rows.length === 0 && typed && html`<p class="soft small" role="presentation">${t('nothing')}</p>`}
    </div></div>`;
}

/** @param {{row: any, id: string, selected: boolean, onPick: () => void, onPoint: () => void}} given */
function Option({ row, id, selected, onPick, onPoint }) {
  const mark = row.preset
    ? html`<span class="mark" style=${{ background: colourOf(row.preset) }} aria-hidden="true"></span>`
    : html`<${Icon} name=${row.own ? 'plus' : (row.icon ?? 'models')} size=${13} />`;
  return html`<div role="option" id=${id} aria-selected=${selected} onClick=${onPick} onPointerMove=${onPoint}>${mark}${
    row.own ? html`<span class="cut grow" data-text>${t.rich('use', { words: html`<span translate="no">${row.value}</span>` })}</span>` : html`<span class="cut grow" translate="no">${row.value}</span>`}
    ${row.hint && html`<span class="soft small cut" translate=${row.hintIsData ? 'no' : undefined}>${row.hint}</span>`}</div>`;
}

/** Those that hold all words, the nearest first. @param {Choice[]} choices @param {string} words @param {Set<string>} [without] */
function ranked(choices, words, without) {
  const all = words.toLowerCase().split(/\s+/).filter(Boolean);
  const first = all[0] ?? '';
  return choices
    .filter(({ value }) => !without?.has(value))
    .map((choice) => ({ choice, text: choice.value.toLowerCase() }))
    .filter(({ text }) => all.every((word) => text.includes(word)))
    .map((entry, index) => ({ ...entry, index, rank: !first ? 0 : entry.text === words.toLowerCase() ? 0 : entry.text.startsWith(first) ? 1 : 2 }))
    .sort((one, other) => one.rank - other.rank || one.index - other.index)
    .map(({ choice }) => choice);
}
