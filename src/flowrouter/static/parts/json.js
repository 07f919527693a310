/**
 * A JSON value as a tree that opens, is searched and copied from; megabytes are drawn piece by piece.
 */

import { count } from '../core/format.js';
import { html, useComputed, useEffect, useMemo, useRef, useState } from '../core/ui.js';
import { t } from '../strings/json.js';
import { Copy } from './bits.js';
import { Icon } from './icons.js';
import { below, CHUNK, isParent, keysOf, MORE_TEXT, search, sizeOf, TEXT, Tree, written } from './json-tree.js';

export { Diff } from './diff.js';

/** @typedef {import('./json-tree.js').Path} Path */
/** @typedef {import('./json-tree.js').Match} Match */

const PREVIEW = 64;

/**
 * `open` levels are open at first. What is open stays so when another value comes, such as one that grows.
 * @param {{value: any, open?: number, label?: string, tools?: boolean}} given
 */
export function JsonTree({ value, open = 2, label = t('tree'), tools = true }) {
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  const tree = useMemo(() => new Tree(open), []);
  const onClick = (/** @type {MouseEvent} */ event) => {
    const row = /** @type {HTMLElement} */ (event.target).closest('.json-row');
    const item = row?.parentElement;
    if (!item || /** @type {HTMLElement} */ (event.target).closest('button:not(.json-fold)')) return;
    const pointer = item.dataset['pointer'] ?? '';
    tree.active.value = pointer;
    const opens = item.getAttribute('aria-expanded');
    if (opens !== null && String(getSelection() ?? '') === '') tree.change(pointer, { open: opens !== 'true' });
  };
  const onOver = (/** @type {PointerEvent} */ event) => {
    const row = event.pointerType === 'mouse' ? /** @type {HTMLElement} */ (event.target).closest('.json-row') : null;
    if (row) tree.active.value = row.parentElement?.dataset['pointer'] ?? '';
  };
  return html`<div class="json">
    ${tools && html`<${Tools} tree=${tree} value=${value} root=${root} />`}
    <div class="json-tree" role="tree" aria-label=${label} translate="no" ref=${root} onClick=${onClick} onPointerOver=${onOver}
      onKeyDown=${(/** @type {KeyboardEvent} */ event) => steer(event, tree, root.current)}>
      <${Node} tree=${tree} value=${value} path=${[]} pointer="" level=${0} />
    </div>
  </div>`;
}

/**
 * @typedef {object} Place
 * @property {Tree} tree
 * @property {any} value
 * @property {Path} path
 * @property {string} pointer
 * @property {number} level
 */

/** One value with what is below it. @param {Place} place */
function Node({ tree, value, path, pointer, level }) {
  const active = useComputed(() => tree.active.value === pointer);
  const match = useComputed(() => tree.match.value === pointer);
  const parent = isParent(value) && sizeOf(value) > 0;
  const open = parent && tree.isOpen(pointer, level);
  const name = path.at(-1);
  const text = parent && !open ? `${preview(value)} ` : '';
  const size = parent ? t(Array.isArray(value) ? 'items' : 'keys', { n: sizeOf(value), shown: count(sizeOf(value)) }) : '';
  return html`<div role="treeitem" class="json-item" data-pointer=${pointer} aria-level=${level + 1} aria-expanded=${parent ? open : undefined}
    aria-selected=${active.value} tabindex=${active.value ? 0 : -1}
    onFocus=${(/** @type {FocusEvent} */ event) => {
      if (event.target === event.currentTarget) tree.active.value = pointer;
    }}>
    <div class="json-row ${active.value ? 'active' : ''} ${match.value ? 'match' : ''}" style=${{ '--level': level }}>
      ${parent ? html`<span class="json-fold ${open ? 'open' : ''}" aria-hidden="true"><${Icon} name="right" size=${12} /></span>` : html`<span class="json-fold"></span>`}
      <span class="json-text">${name !== undefined && html`<span class=${typeof name === 'number' ? 'json-index' : 'json-key'}><${Marked} tree=${tree}
        text=${String(name)} /></span><span class="soft">: </span>`}${
        parent
          ? html`<span class="json-preview">${text}</span><span class="json-count">${size}</span>`
          : html`<${Leaf} tree=${tree} value=${value} pointer=${pointer} />`
      }</span>
      ${active.value && html`<span class="json-acts"><${Copy} label=${t('copyPath')} text=${written(path)} /><${Copy} label=${t('copyValue')}
        text=${copied(value)} /></span>`}
    </div>
    ${open && html`<div role="group"><${Children} ...${{ tree, value, path, pointer, level }} /></div>`}
  </div>`;
}

/** @param {Place} place */
function Children({ tree, value, path, pointer, level }) {
  const { from, to } = tree.state(pointer).value;
  const keys = useMemo(() => keysOf(value), [value]);
  const list = Array.isArray(value);
  const size = list ? value.length : keys.length;
  const end = Math.min(size, Math.max(to, from + CHUNK));
  const earlier = Math.min(CHUNK, from);
  const later = Math.min(CHUNK * (to > from + CHUNK ? 5 : 1), size - end);
  const more = (/** @type {number} */ n, /** @type {number} */ left, /** @type {() => void} */ act) => html`<button type="button" class="json-more"
    style=${{ '--level': level + 1 }} onClick=${act}>${t('moreChildren', { n: count(n), left: count(left) })}</button>`;
  return html`
    ${from > 0 && more(earlier, from, () => tree.change(pointer, { from: from - earlier, to: end }))}
    ${Array.from({ length: end - from }, (_, offset) => {
      const name = list ? from + offset : keys[from + offset] ?? '';
      return html`<${Node} key=${name} tree=${tree} value=${value[name]} path=${[...path, name]} pointer=${below(pointer, name)} level=${level + 1} />`;
    })}
    ${end < size && more(later, size - end, () => tree.change(pointer, { to: end + later }))}`;
}

/** @param {{tree: Tree, value: any, pointer: string}} given */
function Leaf({ tree, value, pointer }) {
  if (typeof value !== 'string') {
    const kind = value === null ? 'null' : typeof value;
    return html`<span class="json-${kind}"><${Marked} tree=${tree} text=${scalar(value)} /></span>`;
  }
  const { to } = tree.state(pointer).value;
  const end = value.length > TEXT ? Math.max(TEXT, to) : value.length;
  const left = value.length - end;
  return html`<span class="json-string">"<${Marked} tree=${tree} text=${value.slice(0, end)} />${left > 0 ? '…' : '"'}</span>${left > 0 &&
  html` <button type="button" class="json-more inline" onClick=${() => tree.change(pointer, { to: end + MORE_TEXT })}>${t('moreText', {
    n: count(Math.min(left, MORE_TEXT)), left: count(left),
  })}</button>`}`;
}

/** Text with what is searched for marked in it. @param {{tree: Tree, text: string}} given */
function Marked({ tree, text }) {
  const words = tree.words.value.toLowerCase();
  if (!words) return text;
  const lower = text.toLowerCase();
  /** @type {any[]} */
  const pieces = [];
  let from = 0;
  for (let at = lower.indexOf(words); at >= 0; at = lower.indexOf(words, from)) {
    pieces.push(text.slice(from, at), html`<mark>${text.slice(at, at + words.length)}</mark>`);
    from = at + words.length;
  }
  return pieces.length ? [...pieces, text.slice(from)] : text;
}

/** @param {any} value */
const scalar = (value) => (isParent(value) ? (Array.isArray(value) ? '[]' : '{}') : String(value));

/** @param {any} value */
const copied = (value) => (typeof value === 'string' ? value : JSON.stringify(value, null, 2) ?? '');

/** What a closed value holds, in a few words. @param {any} value */
function preview(value) {
  const list = Array.isArray(value);
  const names = list ? [...value.slice(0, 4).keys()] : Object.keys(value).slice(0, 4);
  let text = '';
  for (const name of names) {
    const child = value[name];
    const short = isParent(child) ? (Array.isArray(child) ? '[…]' : '{…}') : typeof child === 'string' ? JSON.stringify(child.slice(0, 28)) : String(child);
    const next = `${text ? ', ' : ''}${list ? '' : `${name}: `}${short}`;
    if (text.length + next.length > PREVIEW) break;
    text += next;
  }
  const rest = sizeOf(value) > names.length || text === '' ? (text ? ', …' : '…') : '';
  return list ? `[${text}${rest}]` : `{${text}${rest}}`;
}

/** @param {KeyboardEvent} event @param {Tree} tree @param {HTMLElement | null} root */
function steer(event, tree, root) {
  const item = /** @type {HTMLElement} */ (event.target);
  if (!root || item.getAttribute('role') !== 'treeitem' || event.ctrlKey || event.metaKey || event.altKey) return;
  const items = [...root.querySelectorAll('[role="treeitem"]')].map((one) => /** @type {HTMLElement} */ (one));
  const at = items.indexOf(item);
  const pointer = item.dataset['pointer'] ?? '';
  const opens = item.getAttribute('aria-expanded');
  const outer = /** @type {HTMLElement | null | undefined} */ (item.parentElement?.closest('[role="treeitem"]'));
  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowDown: () => items[at + 1]?.focus(),
    ArrowUp: () => items[at - 1]?.focus(),
    Home: () => items[0]?.focus(),
    End: () => items.at(-1)?.focus(),
    ArrowRight: () => (opens === 'false' ? tree.change(pointer, { open: true }) : opens && items[at + 1]?.focus()),
    ArrowLeft: () => (opens === 'true' ? tree.change(pointer, { open: false }) : outer?.focus()),
    Enter: () => opens && tree.change(pointer, { open: opens !== 'true' }),
    ' ': () => opens && tree.change(pointer, { open: opens !== 'true' }),
  };
  if (!(event.key in keys)) return;
  keys[event.key]?.();
  event.preventDefault();
  event.stopPropagation();
}

/** Search and what holds for the whole value. @param {{tree: Tree, value: any, root: {current: HTMLElement | null}}} given */
function Tools({ tree, value, root }) {
  const [words, setWords] = useState('');
  const [state, setState] = useState({ matches: /** @type {Match[]} */ ([]), done: true, more: false });
  const [at, setAt] = useState(0);
  const show = (/** @type {Match[]} */ matches, /** @type {number} */ index) => {
    const match = matches[index];
    if (!match) return;
    setAt(index);
    tree.reveal(value, match.path, match.letter);
    requestAnimationFrame(() => root.current?.querySelector('.json-row.match')?.scrollIntoView({ block: 'nearest' }));
  };
  useEffect(() => {
    tree.words.value = words;
    tree.match.value = null;
    setState({ matches: [], done: words === '', more: false });
    if (!words) return undefined;
    let shown = false;
    return search(value, words, (matches, done, more) => {
      setState({ matches, done, more });
      if (!shown && matches.length) show(matches, 0);
      shown ||= matches.length > 0;
    });
  }, [words, value]);
  const n = state.matches.length;
  const step = (/** @type {number} */ by) => n > 0 && show(state.matches, (at + by + n) % n);
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
    else if (event.key === 'Escape' && words) setWords('');
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const told = n ? t('found', { at: at + 1, n, more: state.more || !state.done }) : state.done ? t('nothing') : t('searching');
  const button = (/** @type {string} */ icon, /** @type {string} */ text, /** @type {() => void} */ act, off = false) => html`<button type="button"
    class="json-tool" aria-label=${text} title=${text} disabled=${off} onClick=${act}><${Icon} name=${icon} size=${14} /></button>`;
  return html`<div class="json-tools">
    <label class="json-search"><${Icon} name="search" size=${14} /><input type="search" placeholder=${t('search')} aria-label=${t('search')} value=${words}
      onInput=${(/** @type {any} */ event) => setWords(event.target.value)} onKeyDown=${onKey} /></label>
    <span class="json-found" role="status">${words && told}</span>
    ${words && html`${button('up', t('previous'), () => step(-1), n === 0)}${button('down', t('next'), () => step(1), n === 0)}`}
    <span class="grow"></span>
    ${isParent(value) && html`${button('plus', t('expand'), () => tree.openAll(value))}${button('close', t('collapse'), () => tree.closeAll())}`}
    <${CopyAll} value=${value} />
  </div>`;
}

/** The text is made when it is wanted. @param {{value: any}} given */
function CopyAll({ value }) {
  const [text, setText] = useState('');
  return html`<span onPointerEnter=${() => setText(copied(value))} onFocusCapture=${() => setText(copied(value))}><${Copy} label=${t('copyAll')} text=${text} /></span>`;
}
