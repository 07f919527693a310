/**
 * ⌘K: one field that finds pages, providers, models and requests, and runs actions. And the list of keys.
 */

import { legend } from '../core/keys.js';
import { open, provide, search } from '../core/palette.js';
import { html, useEffect, useRef, useState } from '../core/ui.js';
import { t } from '../strings/shell.js';
import { Kbd } from './bits.js';
import { Icon } from './icons.js';
import { Dialog, Shade, useFocusWithin } from './panel.js';
import { SOURCES } from './places.js';

const SHOWN = 60;

/** @type {Promise<any> | null} */
let further = null;

/** @param {[string, () => Promise<{source: import('../core/palette.js').Source}>]} entry */
async function add([id, load]) {
  provide(id, (await load()).source);
}

export function Palette() {
  const [words, setWords] = useState('');
  const [entries, setEntries] = useState(/** @type {import('../core/palette.js').Entry[]} */ ([]));
  const [at, setAt] = useState(0);
  const box = useRef(/** @type {any} */ (null));
  useFocusWithin(box);
  useEffect(() => {
    let current = true;
    const timer = setTimeout(async () => {
      await (further ??= Promise.all(Object.entries(SOURCES).map(add)));
      const found = await search(words.trim());
      if (!current) return;
      setEntries(found.slice(0, SHOWN));
      setAt(0);
    }, words ? 60 : 0);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [words]);
  useEffect(() => box.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' }), [at]);
  const close = () => (open.value = false);
  const pick = (/** @type {import('../core/palette.js').Entry | undefined} */ entry) => {
    if (!entry) return;
    close();
    if (entry.href) location.hash = entry.href;
    else entry.run?.();
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (step) setAt((at + step + entries.length) % Math.max(1, entries.length));
    else if (event.key === 'Enter') pick(entries[at]);
    else if (event.key === 'Escape') close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<${Shade} onClose=${close} place="top">
    <div class="palette" role="dialog" aria-modal="true" aria-label=${t('searchLong')} ref=${box}>
      <div class="row"><${Icon} name="search" /><input class="grow" autoFocus ref=${focus} value=${words} placeholder=${t('searchLong')} aria-label=${t('searchLong')} role="combobox"
        aria-expanded="true" aria-controls="palette-list" aria-activedescendant=${`palette-${at}`} onInput=${(/** @type {any} */ event) => setWords(event.target.value)} onKeyDown=${key} spellcheck=${false} /></div>
      <div class="palette-list" id="palette-list" role="listbox" aria-label=${t('searchLong')}>${entries.map((entry, index) => html`<div role="option" id=${`palette-${index}`} key=${index} aria-selected=${index === at}
        onPointerMove=${() => at !== index && setAt(index)} onClick=${() => pick(entry)}><${Icon} name=${entry.icon ?? 'right'} /><span class="grow cut" translate=${entry.data ? 'no' : undefined}>${entry.title}</span>
        ${entry.hint && html`<span class="soft small cut">${entry.hint}</span>`}</div>`)}
        ${words && entries.length === 0 && html`<p class="soft">${t.rich('nothing', { words: html`<span translate="no">${words}</span>` })}</p>`}</div>
      <footer class="row soft small"><${Kbd} keys="↑ ↓" />${t('hintMove')}<${Kbd} keys="Enter" />${t('hintOpen')}<${Kbd} keys="Esc" />${t('hintClose')}</footer></div><//>`;
}

/** @param {HTMLElement | null} element */
function focus(element) {
  element?.focus();
}

/** Every key there is. @param {{onClose: () => void}} given */
export function Legend({ onClose }) {
  return html`<${Dialog} title=${t('shortcuts')} onClose=${onClose}><dl class="legend">${legend.value.map(({ keys, text }) => html`<div class="row apart" key=${keys}><dt>${text}</dt><dd><${Kbd} keys=${keys} /></dd></div>`)}</dl><//>`;
}
