/**
 * A target to choose by typing: a model, one account's model, an alias, a combo, or any name at all.
 */

import { matches } from '../../core/palette.js';
import { useData } from '../../core/resource.js';
import { html, useEffect, useId, useRef, useState } from '../../core/ui.js';
import { Chip } from '../../parts/bits.js';
import { Icon } from '../../parts/icons.js';
import { t } from '../../strings/playground.js';

/** @typedef {{name: string, kind: 'combo' | 'alias' | 'model' | 'account', hint: string}} Choice */

const SHOWN = 80;
const PAUSE_MS = 160;

/** What can be asked for, combos first. @param {any[]} rows @returns {Choice[]} */
export function choicesOf(rows) {
  const names = rows.filter(({ generates }) => generates !== false).map((row) => {
    const kind = row.accounts.length ? 'model' : (row.kind ?? row.owned_by) === 'combo' ? 'combo' : 'alias';
    return { name: row.id, kind: /** @type {Choice['kind']} */ (kind), hint: kind === 'model' ? row.accounts.join(', ') : row.display_name === row.id ? '' : row.display_name, accounts: row.accounts };
  });
  /** @type {Record<string, number>} */
  const order = { combo: 0, alias: 1, model: 2, account: 3 };
  const alone = names.flatMap(({ name, accounts }) => accounts.map((/** @type {string} */ account) => ({ name: `${account}/${name}`, kind: /** @type {const} */ ('account'), hint: '' })));
  return [...names.map(({ name, kind, hint }) => ({ name, kind, hint })), ...alone].sort((one, other) => (order[one.kind] ?? 0) - (order[other.kind] ?? 0));
}

/** @param {{value: string, onChange: (name: string) => void, label: string, disabled?: boolean, autofocus?: boolean}} given */
export function Picker({ value, onChange, label, disabled = false }) {
  const [open, setOpen] = useState(false);
  const [words, setWords] = useState('');
  const [asked, setAsked] = useState('');
  const [active, setActive] = useState(0);
  const box = useRef(/** @type {any} */ (null));
  const id = useId();
  const first = useData('/api/models', { limit: 200 });
  const found = useData(first.next && asked ? '/api/models' : null, { limit: 200, search: asked });
  useEffect(() => {
    const timer = setTimeout(() => setAsked(words.split('/').at(-1) ?? ''), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [words]);
  useEffect(() => {
    if (!open) return undefined;
    const outside = (/** @type {Event} */ event) => !box.current?.contains(event.target) && setOpen(false);
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, [open]);
  const rows = [...new Map([...(first.data ?? []), ...(found.data ?? [])].map((row) => [row.id, row])).values()];
  const fitting = choicesOf(rows).filter(({ name }) => words === '' || matches(name, words)).slice(0, SHOWN);
  const free = words.trim() && !fitting.some(({ name }) => name === words.trim()) ? [{ name: words.trim(), kind: /** @type {const} */ ('model'), hint: t('asTyped') }] : [];
  const shown = /** @type {Choice[]} */ ([...fitting, ...free]);
  const take = (/** @type {string | undefined} */ name) => {
    if (name) onChange(name);
    setOpen(false);
    setWords('');
  };
  const begin = () => {
    setWords('');
    setActive(Math.max(0, choicesOf(rows).slice(0, SHOWN).findIndex(({ name }) => name === value)));
    setOpen(true);
  };
  const step = (/** @type {number} */ by) => {
    const next = (active + by + shown.length) % Math.max(1, shown.length);
    setActive(next);
    document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: 'nearest' });
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    /** @type {Record<string, () => void>} */
    const acts = open
      ? { ArrowDown: () => step(1), ArrowUp: () => step(-1), Enter: () => take(shown[active]?.name), Escape: () => setOpen(false) }
      : { ArrowDown: begin, Enter: begin };
    if (event.key === 'Tab') setOpen(false);
    if (!(event.key in acts) || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]?.();
  };
  return html`<div class="play-picker" ref=${box}><input class="mono" role="combobox" aria-label=${label} aria-expanded=${open} aria-controls=${`${id}-list`} aria-autocomplete="list"
      aria-activedescendant=${open && shown.length ? `${id}-${active}` : undefined} translate="no" disabled=${disabled} placeholder=${open && value ? value : t('chooseTarget')} autocomplete="off" spellcheck="false"
      value=${open ? words : value} onFocus=${begin} onClick=${() => open || begin()} onKeyDown=${key}
      onInput=${(/** @type {any} */ event) => { setWords(event.target.value); setActive(0); setOpen(true); }} /><${Icon} name="down" size=${14} />
    ${open && html`<div class="play-choices" role="listbox" id=${`${id}-list`} aria-label=${label}>${shown.length === 0 && html`<p class="soft small" role="option" aria-disabled="true" aria-selected="false">${t(first.data ? 'noTarget' : 'loadingTargets')}</p>`}
      ${shown.map((choice, index) => html`<div role="option" key=${`${choice.kind} ${choice.name}`} id=${`${id}-${index}`} aria-selected=${index === active}
        onPointerMove=${() => index === active || setActive(index)} onPointerDown=${(/** @type {Event} */ event) => { event.preventDefault(); take(choice.name); }}>
        <span class="grow cut mono" translate="no">${choice.name}</span>${choice.hint && html`<span class="soft small cut" translate=${choice.hint === t('asTyped') ? undefined : 'no'}>${choice.hint}</span>`}
        ${choice.kind !== 'model' && html`<${Chip} tone=${choice.kind === 'combo' ? 'accent' : 'plain'}>${t(`kind_${choice.kind}`)}<//>`}</div>`)}</div>`}</div>`;
}
