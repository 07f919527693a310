/**
 * The filters of a list as chips, with one field to add more: type a name or a value, choose, done.
 */

import { useKeys } from '../core/keys.js';
import { html, useEffect, useId, useMemo, useRef, useState } from '../core/ui.js';
import { t } from '../strings/filters.js';
import { SpanForm, spanText, usualSpans } from './filters-time.js';
import { Icon } from './icons.js';

export { resolveTime } from './filters-time.js';

/** @typedef {{value: string, label?: string, hint?: string, data?: boolean}} Choice `data`: the label is not ours; so without one. */
/**
 * @typedef {object} Field
 * @property {string} id Its name in `values`; a field of kind `time` has `since` and `until`.
 * @property {string} label
 * @property {'choice' | 'text' | 'time'} kind
 * @property {Choice[] | ((words: string) => Choice[] | Promise<Choice[]>)} [choices]
 * @property {boolean} [free] A choice that is not among the choices can be typed.
 */
/** @typedef {Record<string, string | null | undefined>} Values */
/** @typedef {{key: string, field: Field, value: string | null, label: string, data: boolean, hint?: string}} Option Null as value: the field itself. */

const EACH = 6;
const MOST = 60;
const PAUSE_MS = 150;

/**
 * `onChange` gets what changes, null where a filter goes: `setQuery` of the router can be given as it is.
 * @param {{fields: Field[], values: Values, onChange: (changes: Record<string, string | null>) => void, label?: string, placeholder?: string}} given
 */
export function Filters({ fields, values, onChange, label = t('bar'), placeholder }) {
  const bar = useRef(/** @type {HTMLElement | null} */ (null));
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const id = useId();
  const set = fields.filter((one) => isSet(one, values));
  const state = useTyping({ fields, values, onChange, set, input });
  const { words, field, at, offers, acts } = state;
  useKeys({ '/': () => input.current?.focus() });
  const onLeave = (/** @type {FocusEvent} */ event) => {
    if (!bar.current?.contains(/** @type {Node | null} */ (event.relatedTarget))) acts.close();
  };
  return html`<div class="filters" role="group" aria-label=${label} ref=${bar} onFocusOut=${onLeave}>
    <span class="filters-icon"><${Icon} name="search" size=${14} /></span>
    ${set.map((one) => html`<${Chip} key=${one.id} field=${one} values=${values} onEdit=${() => acts.begin(one)} onDrop=${() => acts.drop([one])} />`)}
    <span class="filters-add">
      ${field && html`<span class="filters-field">${t('label', { label: field.label })}</span>`}
      <input ref=${input} type="text" role="combobox" autocomplete="off" spellcheck=${false} value=${words}
        placeholder=${field ? '' : set.length ? t('more') : (placeholder ?? t('placeholder'))} aria-label=${field ? field.label : t('more')}
        aria-expanded=${offers} aria-controls=${`${id}-list`} aria-autocomplete="list" aria-activedescendant=${offers && at >= 0 ? `${id}-${at}` : undefined}
        onFocus=${() => acts.setOpen(true)} onClick=${() => acts.setOpen(true)} onKeyDown=${(/** @type {KeyboardEvent} */ event) => press(event, state)}
        onInput=${(/** @type {any} */ event) => acts.type(event.target.value)} />
      ${offers && html`<${Popup} id=${id} values=${values} ...${state} />`}
    </span>
    ${set.length > 0 && html`<button type="button" class="filters-clear" onClick=${() => acts.drop(set)}>${t('clear')}</button>`}
  </div>`;
}

/**
 * What is being typed, what it offers, and what comes of it.
 * @param {{fields: Field[], values: Values, onChange: (changes: Record<string, string | null>) => void, set: Field[],
 *   input: {current: HTMLInputElement | null}}} given
 */
function useTyping({ fields, values, onChange, set, input }) {
  const [words, setWords] = useState('');
  const [field, setField] = useState(/** @type {Field | null} */ (null));
  const [open, setOpen] = useState(false);
  const [index, setIndex] = useState(-1);
  const { options, looking } = useOptions(fields, field, words, values);
  const restart = (/** @type {Field | null} */ next, /** @type {boolean} */ opens) => {
    setField(next);
    setWords('');
    setIndex(next ? 0 : -1);
    setOpen(opens);
  };
  const begin = (/** @type {Field | null} */ next) => {
    input.current?.focus();
    restart(next, true);
  };
  const done = (/** @type {Record<string, string | null>} */ changes) => {
    onChange(changes);
    input.current?.focus();
    restart(null, false);
  };
  const acts = {
    begin, setIndex, setOpen,
    close: () => restart(null, false),
    drop: (/** @type {Field[]} */ gone) => onChange(Object.fromEntries(gone.flatMap(namesOf).map((name) => [name, null]))),
    span: (/** @type {string | null} */ since, /** @type {string | null} */ until) => done({ since, until }),
    type: (/** @type {string} */ text) => {
      setWords(text);
      setIndex(text || field ? 0 : -1);
      setOpen(true);
    },
    choose: (/** @type {Option | undefined} */ option) => {
      if (!option) return;
      if (option.value === null) begin(option.field);
      else done(option.field.kind === 'time' ? { since: option.value, until: null } : { [option.field.id]: option.value });
    },
  };
  const offers = open && (options.length > 0 || field !== null || words !== '');
  return { words, field, open, options, looking, set, offers, acts, at: Math.min(index, options.length - 1) };
}

/** @param {Field} field */
const namesOf = (field) => (field.kind === 'time' ? ['since', 'until'] : [field.id]);

/** @param {Field} field @param {Values} values */
const isSet = (field, values) => namesOf(field).some((name) => values[name]);

/** @param {Field} field */
const listed = (field) => (Array.isArray(field.choices) ? field.choices : []);

/** @param {{field: Field, values: Values, onEdit: () => void, onDrop: () => void}} given */
function Chip({ field, values, onEdit, onDrop }) {
  const value = values[field.id] ?? '';
  const choice = listed(field).find((one) => one.value === value);
  const text = field.kind === 'time' ? spanText(values['since'] ?? undefined, values['until'] ?? undefined) : choice?.label ?? value;
  const ours = field.kind === 'time' || (choice?.label !== undefined && !choice.data);
  return html`<span class="filter">
    <button type="button" class="filter-edit" title=${t('edit', { label: field.label })} onClick=${onEdit}><span class="soft">${t('label', {
      label: field.label,
    })}</span> <span class="cut" translate=${ours ? undefined : 'no'}>${text}</span></button>
    <button type="button" class="filter-drop" aria-label=${t('remove', { label: field.label })} title=${t('remove', { label: field.label })}
      onClick=${onDrop}><${Icon} name="close" size=${11} /></button>
  </span>`;
}

/** @param {Choice} choice @param {string} words */
const matches = ({ value, label = '' }, words) => `${value} ${label}`.toLowerCase().includes(words.toLowerCase());

/** @param {Field} field @param {Choice} choice @returns {Option} */
const optionOf = (field, { value, label, data, hint }) => ({
  key: `${field.id} ${value}`, field, value, label: label ?? value, data: data ?? label === undefined, ...(hint ? { hint } : {}),
});

/**
 * What can be chosen now: fields at first, then a field's values; what is typed is looked for in both.
 * @param {Field[]} fields @param {Field | null} field @param {string} words @param {Values} values
 */
function useOptions(fields, field, words, values) {
  const [asked, setAsked] = useState({ field: '', words: '', choices: /** @type {Choice[]} */ ([]) });
  const asks = typeof field?.choices === 'function' ? field.choices : null;
  useEffect(() => {
    if (!asks || !field) return undefined;
    let current = true;
    const timer = setTimeout(async () => {
      const choices = await Promise.resolve(asks(words)).catch(() => []);
      if (current) setAsked({ field: field.id, words, choices });
    }, words ? PAUSE_MS : 0);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [field?.id, asks !== null, words]);
  const options = useMemo(() => {
    if (!field) return words ? anyOptions(fields, words) : fields.filter((one) => !isSet(one, values)).map(asOption);
    const typed = words.trim() && (field.kind === 'text' || field.free) ? [typedOption(field, words)] : [];
    if (field.kind === 'time') return usualSpans(words).map((span) => optionOf(field, { ...span, data: false }));
    if (field.kind === 'text') return typed;
    const choices = asks ? (asked.field === field.id ? asked.choices : []) : listed(field).filter((choice) => matches(choice, words));
    return [...choices.slice(0, MOST).map((choice) => optionOf(field, choice)), ...typed];
  }, [fields, field, words, values, asked]);
  return { options, looking: asks !== null && (asked.field !== field?.id || asked.words !== words) };
}

/** @param {Field} field @returns {Option} */
const asOption = (field) => ({ key: field.id, field, value: null, label: field.label, data: false });

/** @param {Field} field @param {string} words @returns {Option} */
const typedOption = (field, words) => ({ key: `${field.id} typed`, field, value: words.trim(), label: words.trim(), data: true });

/** @param {Field[]} fields @param {string} words @returns {Option[]} */
function anyOptions(fields, words) {
  const named = fields.filter((field) => field.label.toLowerCase().includes(words.toLowerCase())).map(asOption);
  const valued = fields.flatMap((field) => {
    const found = field.kind === 'time' ? usualSpans(words) : listed(field).filter((choice) => matches(choice, words));
    return found.slice(0, EACH).map((choice) => ({ ...optionOf(field, choice), hint: field.label }));
  });
  const takers = [...fields.filter(({ kind }) => kind === 'text'), ...fields.filter(({ kind, free }) => kind !== 'text' && free)];
  const typed = takers.map((field) => ({ ...typedOption(field, words), hint: field.label }));
  return [...named, ...valued, ...typed].slice(0, MOST);
}

/** What is offered. @param {ReturnType<typeof useTyping> & {id: string, values: Values}} given */
function Popup({ id, field, options, at, looking, words, values, acts }) {
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' }), [at]);
  const none = looking ? t('looking') : field?.kind === 'text' && !words ? t('typeValue') : t('nothing');
  return html`<div class="filters-popup" onPointerDown=${(/** @type {PointerEvent} */ event) => {
    if (!(/** @type {HTMLElement} */ (event.target).closest('form'))) event.preventDefault();
  }}>
    <div role="listbox" id=${`${id}-list`} aria-label=${t('suggestions')} ref=${list}>
      ${options.map(
        (option, place) => html`<div role="option" id=${`${id}-${place}`} key=${option.key} aria-selected=${place === at} class="filters-option"
          onClick=${() => acts.choose(option)}>
          <span class="cut" translate=${option.data ? 'no' : undefined}>${option.label}</span>
          ${option.hint && html`<span class="soft cut">${option.hint}</span>`}
          ${option.value === null && html`<span class="soft"><${Icon} name="right" size=${12} /></span>`}
        </div>`,
      )}
    </div>
    ${options.length === 0 && html`<p class="filters-none soft" role="status">${none}</p>`}
    ${field?.kind === 'time' && html`<${SpanForm} since=${values['since'] ?? undefined} until=${values['until'] ?? undefined} onApply=${acts.span} />`}
  </div>`;
}

/** @param {KeyboardEvent} event @param {ReturnType<typeof useTyping>} state */
function press(event, { words, field, open, at, options, set, acts }) {
  const last = set.at(-1);
  if (event.isComposing) return;
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    const step = event.key === 'ArrowDown' ? 1 : -1;
    if (open && options.length) acts.setIndex((Math.max(at, step > 0 ? -1 : 0) + step + options.length) % options.length);
    acts.setOpen(true);
  } else if (event.key === 'Enter' && open && at >= 0) acts.choose(options[at]);
  else if (event.key === 'Escape' && (words || field)) acts.begin(null);
  else if (event.key === 'Escape') {
    acts.close();
    /** @type {HTMLElement} */ (event.target).blur();
  } else if (event.key === 'Backspace' && !words && field) acts.begin(null);
  else if (event.key === 'Backspace' && !words && last) acts.drop([last]);
  else return;
  event.preventDefault();
  event.stopPropagation();
}
