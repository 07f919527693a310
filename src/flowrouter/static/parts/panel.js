/**
 * What opens over a page: side panels, dialogs, menus; and tabs. Focus stays inside and goes back where it was.
 */

import { html, render, useEffect, useId, useRef, useState } from '../core/ui.js';
import { useKeys } from '../core/keys.js';
import { t } from '../strings/parts.js';
import { Button, TextInput } from './forms.js';
import { Icon } from './icons.js';

const FOCUSABLE = 'a[href],button:not([disabled]),input:not([disabled]),select:not([disabled]),textarea:not([disabled]),[tabindex="0"]';

/** What keeps the focus, the newest last. @type {HTMLElement[]} */
const keepers = [];

/** Keep the focus within an element while it is on show. @param {{current: HTMLElement | null}} box */
export function useFocusWithin(box) {
  const [before] = useState(() => /** @type {HTMLElement | null} */ (document.activeElement));
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    keepers.push(element);
    const inside = () => /** @type {HTMLElement[]} */ ([...element.querySelectorAll(FOCUSABLE)]).filter((one) => one.offsetParent !== null);
    if (!element.contains(document.activeElement)) (/** @type {HTMLElement | null} */ (element.querySelector('[autofocus]')) ?? element).focus();
    /** @param {KeyboardEvent} event */
    const around = (event) => {
      if (event.key !== 'Tab' || keepers.at(-1) !== element) return;
      const all = inside();
      const [first, last] = [all[0], all.at(-1)];
      const at = document.activeElement;
      if (!element.contains(at) || (event.shiftKey ? at === first || at === element : at === last)) {
        event.preventDefault();
        (event.shiftKey ? last : first)?.focus();
      }
    };
    // On the document: a button that is disabled while it works loses the focus to the page.
    document.addEventListener('keydown', around);
    return () => {
      document.removeEventListener('keydown', around);
      keepers.splice(keepers.indexOf(element), 1);
      before?.focus?.();
    };
  }, []);
}

/**
 * What dims the page; a click on it closes, but not the end of a selection that began inside.
 * @param {{onClose: () => void, place?: string, children?: any}} given
 */
export function Shade({ onClose, place = '', children }) {
  const began = useRef(/** @type {EventTarget | null} */ (null));
  const down = (/** @type {Event} */ event) => {
    began.current = event.target;
  };
  const up = (/** @type {Event} */ event) => event.target === event.currentTarget && began.current === event.target && onClose();
  return html`<div class=${`shade ${place}`} onPointerDown=${down} onClick=${up}>${children}</div>`;
}

/**
 * A sheet at the side. @param {{title: any, onClose: () => void, wide?: boolean, actions?: any, data?: boolean, children?: any}} given
 * `data`: the title is a name, not ours.
 */
export function Panel({ title, onClose, wide = false, actions, data = false, children }) {
  const box = useRef(/** @type {any} */ (null));
  const id = useId();
  useFocusWithin(box);
  useKeys({ Escape: onClose }, { modal: true });
  return html`<${Shade} onClose=${onClose}>
    <aside class=${wide ? 'panel wide' : 'panel'} role="dialog" aria-modal="true" aria-labelledby=${id} tabindex="-1" ref=${box}>
      <header><h2 class="grow cut" id=${id} translate=${data ? 'no' : undefined}>${title}</h2>${actions}<${Button} tone="quiet" icon="close" label=${t('close')} onClick=${onClose} /></header>
      <div class="content">${children}</div></aside><//>`;
}

/** A question in the middle. @param {{title: any, onClose: () => void, actions?: any, children?: any}} given */
export function Dialog({ title, onClose, actions, children }) {
  const box = useRef(/** @type {any} */ (null));
  useFocusWithin(box);
  useKeys({ Escape: onClose }, { modal: true });
  return html`<${Shade} onClose=${onClose} place="middle">
    <div class="dialog" role="alertdialog" aria-modal="true" aria-label=${title} tabindex="-1" ref=${box}><h2>${title}</h2>
      <div class="column">${children}</div><footer class="row">${actions}</footer></div><//>`;
}

/**
 * Ask before something that cannot be undone; `typed` is a name that must be typed.
 * @param {{title: string, text?: any, action: string, typed?: string}} given
 * @returns {Promise<boolean>}
 */
export function confirm({ title, text, action, typed }) {
  return new Promise((resolve) => {
    const place = document.createElement('div');
    document.body.append(place);
    const end = (/** @type {boolean} */ answer) => {
      render(null, place);
      place.remove();
      resolve(answer);
    };
    render(html`<${Question} ...${{ title, text, action, typed, end }} />`, place);
  });
}

/** @param {{title: string, text?: any, action: string, typed?: string, end: (answer: boolean) => void}} given */
function Question({ title, text, action, typed, end }) {
  const [name, setName] = useState('');
  const ready = !typed || name === typed;
  const actions = html`<span class="grow"></span><${Button} onClick=${() => end(false)}>${t('cancel')}<//>
    <${Button} tone="danger" disabled=${!ready} onClick=${() => end(true)}>${action}<//>`;
  return html`<${Dialog} title=${title} onClose=${() => end(false)} actions=${actions}>${text && html`<p>${text}</p>`}
    ${typed && html`<p>${t.rich('typeToConfirm', { name: html`<code translate="no">${typed}</code>` })}</p>
      <${TextInput} value=${name} onChange=${setName} label=${t('typeToConfirm', { name: typed })} autofocus />`}<//>`;
}

/** @typedef {{label: string, icon?: string, onClick?: () => any, href?: string, danger?: boolean, disabled?: boolean, checked?: boolean}} MenuItem */

/** A button that opens a list of actions. @param {{items: (MenuItem | null | false)[], label?: string, icon?: string, text?: any}} given */
export function Menu({ items, label = t('menu'), icon = 'more', text }) {
  const [open, setOpen] = useState(false);
  const box = useRef(/** @type {any} */ (null));
  const rows = /** @type {MenuItem[]} */ (items.filter(Boolean));
  const close = () => {
    setOpen(false);
    box.current?.querySelector('button')?.focus();
  };
  useKeys({ Escape: close }, { when: open });
  useEffect(() => {
    if (!open) return undefined;
    box.current?.querySelector('[role^=menuitem]')?.focus();
    const outside = (/** @type {Event} */ event) => !box.current?.contains(event.target) && setOpen(false);
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, [open]);
  const move = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'Tab' && open) close();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !open) return;
    event.preventDefault();
    const all = [...box.current.querySelectorAll('[role^=menuitem]')];
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length]?.focus();
  };
  const pick = (/** @type {MenuItem} */ item) => {
    close();
    item.onClick?.();
  };
  return html`<span class="menu" ref=${box} onKeyDown=${move}><button type="button" class=${`button quiet ${text ? '' : 'square'}`} aria-haspopup="menu" aria-expanded=${open}
      aria-label=${text ? undefined : label} title=${label} onClick=${() => setOpen(!open)}>${text}<${Icon} name=${icon} /></button>
    ${open && html`<span class="menu-list" role="menu" aria-label=${label}>${rows.map((item) =>
      item.href
        ? html`<a role="menuitem" href=${item.href} onClick=${() => setOpen(false)}>${item.icon && html`<${Icon} name=${item.icon} />`}${item.label}</a>`
        : html`<button type="button" role=${item.checked === undefined ? 'menuitem' : 'menuitemradio'} aria-checked=${item.checked} disabled=${item.disabled}
            class=${item.danger ? 'bad' : ''} onClick=${() => pick(item)}>${item.icon && html`<${Icon} name=${item.icon} />`}<span class="grow">${item.label}</span>${
              item.checked && html`<${Icon} name="check" />`}</button>`)}</span>`}</span>`;
}

/** Views beside each other. @param {{tabs: {id: string, label: any, count?: any}[], active: string, onChange: (id: string) => void, label?: string}} given */
export function Tabs({ tabs, active, onChange, label }) {
  const strip = useRef(/** @type {any} */ (null));
  useEffect(() => {
    const chosen = strip.current?.querySelector('[aria-selected=true]');
    if (!chosen) return;
    const [from, room] = [strip.current.scrollLeft, strip.current.clientWidth];
    const left = chosen.offsetLeft - strip.current.offsetLeft;
    if (left < from || left + chosen.offsetWidth > from + room) strip.current.scrollLeft = left - (room - chosen.offsetWidth) / 2;
  }, [active]);
  const move = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = tabs.findIndex((tab) => tab.id === active);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (next) onChange(next.id);
    /** @type {any} */ (event.currentTarget).children[(at + step + tabs.length) % tabs.length]?.focus();
  };
  return html`<div class="tabs" ref=${strip} role="tablist" aria-label=${label} onKeyDown=${move}>${tabs.map((tab) => html`<button type="button" role="tab" key=${tab.id}
    aria-selected=${tab.id === active} tabindex=${tab.id === active ? 0 : -1} onClick=${() => onChange(tab.id)}>${tab.label}${
      tab.count !== undefined && html` <span class="soft numbers">${tab.count}</span>`}</button>`)}</div>`;
}
