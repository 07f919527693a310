/**
 * Settings that are tables of rows: told in short, changed in a panel, stored as a whole.
 */

import { html, useState } from '../../core/ui.js';
import { Button, Field, Form, NumberInput, Select, TagsInput, TextInput } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Panel } from '../../parts/panel.js';
import { words } from '../../strings/settings-names.js';
import { t } from '../../strings/settings.js';

/** @typedef {{id: string, kind: 'text' | 'mono' | 'model' | 'tags' | 'numbers' | 'select' | 'when', label: string, choices?: string[], needed?: boolean}} Column */

const FAILURES = ['request_fault', 'param_unsupported', 'context_overflow', 'content_filter', 'auth', 'billing', 'model_missing', 'rate_limit', 'overloaded', 'server', 'network', 'timeout', 'cancelled', 'bad_reply'];
const DIALECTS = ['openai_chat', 'openai_responses', 'anthropic', 'gemini'];

/** @type {Record<string, {columns: Column[], fresh: Record<string, any>, told: (row: any) => string}>} */
const TABLES = {
  'routing.mapping': {
    columns: [{ id: 'model', kind: 'text', label: 'col_model', needed: true }, { id: 'to', kind: 'model', label: 'col_to', needed: true }, { id: 'when', kind: 'when', label: 'col_when' }],
    fresh: { model: '', to: '', when: {} }, told: (row) => `${row.model} → ${row.to}`,
  },
  'routing.intents': {
    columns: [{ id: 'name', kind: 'text', label: 'col_name', needed: true }, { id: 'pattern', kind: 'mono', label: 'col_pattern', needed: true }, { id: 'tag', kind: 'text', label: 'col_tag', needed: true },
      { id: 'model', kind: 'model', label: 'col_answer_model' }, { id: 'where', kind: 'tags', label: 'col_where', choices: ['user', 'system', 'tool', 'assistant'] }],
    fresh: { name: '', pattern: '', tag: 'local', where: ['user', 'system', 'tool'], model: '' }, told: (row) => `${row.name} → ${row.tag}`,
  },
  'routing.rules': {
    columns: [{ id: 'failure', kind: 'select', label: 'col_failure', choices: FAILURES }, { id: 'reason', kind: 'text', label: 'col_reason' }, { id: 'status', kind: 'numbers', label: 'col_status' },
      { id: 'code', kind: 'tags', label: 'col_code' }, { id: 'kind', kind: 'tags', label: 'col_kind' }, { id: 'text', kind: 'tags', label: 'col_text' }, { id: 'pattern', kind: 'mono', label: 'col_pattern' },
      { id: 'dialect', kind: 'tags', label: 'col_dialect', choices: DIALECTS }, { id: 'preset', kind: 'text', label: 'col_preset' }],
    fresh: { failure: 'rate_limit', reason: '', status: [], code: [], kind: [], text: [], pattern: '', dialect: [], preset: '' }, told: (row) => [row.failure, ...(row.status ?? []), row.reason].filter(Boolean).join(' · '),
  },
  'routing.rotations': {
    columns: [{ id: 'preset', kind: 'text', label: 'col_preset', needed: true }, { id: 'rotation', kind: 'select', label: 'col_rotation', choices: ['fill_first', 'round_robin', 'weighted'] }],
    fresh: { preset: '', rotation: 'round_robin' }, told: (row) => `${row.preset} · ${words(`routing.rotation=${row.rotation}`)}`,
  },
};

const CONDITIONS = /** @type {const} */ ([['min_tokens', 'number'], ['max_tokens', 'number'], ['images', 'either'], ['tools', 'either'], ['thinking', 'either'], ['web_search', 'either'], ['user_agent', 'text'], ['tags', 'tags'], ['hours', 'text']]);
const EITHER = [{ value: null, label: t('anyValue') }, { value: true, label: t('yes') }, { value: false, label: t('no') }];
const SHOWN = 3;

/** @param {import('./spec.js').Spec} spec @param {any} value @returns {any[]} */
const rowsOf = (spec, value) => (spec.kind === 'map' ? Object.entries(value ?? {}).map(([preset, rotation]) => ({ preset, rotation })) : (value ?? []));

/** @param {import('./spec.js').Spec} spec @param {any[]} rows */
const valueOf = (spec, rows) => (spec.kind === 'map' ? Object.fromEntries(rows.map(({ preset, rotation }) => [preset.trim(), rotation])) : rows.map(tidy));

/** A row without what says nothing. @param {any} row @returns {any} */
function tidy(row) {
  const kept = Object.entries(row).map(([name, value]) => [name, name === 'when' ? tidy(value ?? {}) : value]);
  return Object.fromEntries(kept.filter(([name, value]) => !(value === null || value === '' || (Array.isArray(value) && value.length === 0) || (name === 'when' && Object.keys(value).length === 0))));
}

/** @param {import('./row.js').Control} given */
export function ListSetting({ spec, value, onStore, disabled, label, models }) {
  const [open, setOpen] = useState(false);
  const rows = rowsOf(spec, value);
  const table = TABLES[spec.name];
  if (!table) return null;
  const keep = async (/** @type {any[]} */ next) => {
    setOpen(false);
    await onStore(valueOf(spec, next));
  };
  return html`<span class="column setting-rows">${rows.slice(0, SHOWN).map((row, at) => html`<code key=${at} class="cut" translate="no">${table.told(row)}</code>`)}
      <span class="row">${rows.length === 0 ? html`<span class="soft">${t('empty')}</span>` : rows.length > SHOWN && html`<span class="soft small">${t('entries', { n: rows.length })}</span>`}
        <${Button} icon="edit" onClick=${() => setOpen(true)} disabled=${disabled} label=${`${t('edit')}: ${label}`}>${t('edit')}<//></span></span>
    ${open && html`<${RowsPanel} title=${label} table=${table} rows=${rows} models=${models} onSave=${keep} onClose=${() => setOpen(false)} />`}`;
}

/** @param {{title: string, table: {columns: Column[], fresh: any}, rows: any[], models: string[], onSave: (rows: any[]) => any, onClose: () => void}} given */
function RowsPanel({ title, table, rows, models, onSave, onClose }) {
  const [draft, setDraft] = useState(() => (rows.length ? rows.map((row) => ({ ...table.fresh, ...row })) : [{ ...table.fresh }]));
  const change = (/** @type {number} */ at) => (/** @type {any} */ values) => setDraft(draft.map((row, index) => (index === at ? { ...row, ...values } : row)));
  const up = (/** @type {number} */ at) => () => setDraft(draft.map((row, index) => (index === at - 1 ? draft[at] : index === at ? draft[at - 1] : row)));
  const ready = draft.every((row) => table.columns.every(({ id, needed }) => !needed || String(row[id] ?? '').trim()));
  return html`<${Panel} title=${title} onClose=${onClose} wide><${Form} onSubmit=${() => onSave(draft)} label=${title}>
    ${draft.map((row, at) => html`<fieldset class="card setting-entry" key=${at}><legend class="hidden">${at + 1}</legend>
      <div class="fields">${table.columns.filter(({ kind }) => kind !== 'when').map((column) => html`<${Cell} key=${column.id} column=${column} value=${row[column.id]} models=${models} onChange=${(/** @type {any} */ value) => change(at)({ [column.id]: value })} />`)}</div>
      ${table.columns.some(({ kind }) => kind === 'when') && html`<${When} value=${row.when ?? {}} onChange=${(/** @type {any} */ when) => change(at)({ when })} />`}
      <div class="row">${at > 0 && html`<${Button} tone="quiet" icon="up" onClick=${up(at)}>${t('up')}<//>`}<${Button} tone="quiet" icon="trash" onClick=${() => setDraft(draft.filter((_, index) => index !== at))}>${t('remove')}<//></div></fieldset>`)}
    <div><${Button} icon="plus" onClick=${() => setDraft([...draft, { ...table.fresh }])}>${t('add')}<//></div>
    <div class="row"><${Button} tone="primary" type="submit" disabled=${!ready}>${t('save')}<//><${Button} tone="quiet" onClick=${onClose}>${t('cancel')}<//></div><//><//>`;
}

/** @param {{column: Column, value: any, models: string[], onChange: (value: any) => void}} given */
function Cell({ column, value, models, onChange }) {
  const { kind, choices } = column;
  const numbers = (/** @type {string[]} */ texts) => onChange(texts.map((text) => (/^\d+$/.test(text) ? Number(text) : text)));
  return html`<${Field} label=${words(column.label)}>${
    kind === 'select' ? html`<${Select} value=${value} choices=${(choices ?? []).map((choice) => (column.id === 'rotation' ? { value: choice, label: words(`routing.rotation=${choice}`) } : choice))} onChange=${onChange} />`
    : kind === 'tags' ? html`<${TagsInput} value=${value ?? []} choices=${choices} onChange=${onChange} />`
    : kind === 'numbers' ? html`<${TagsInput} value=${(value ?? []).map(String)} onChange=${numbers} />`
    : html`<${TextInput} value=${value} mono=${kind === 'mono'} list=${kind === 'model' ? models : undefined} onChange=${onChange} />`}<//>`;
}

/** @param {{value: any, onChange: (value: any) => void}} given */
function When({ value, onChange }) {
  const set = (/** @type {string} */ name) => (/** @type {any} */ next) => onChange({ ...value, [name]: next });
  const any = Object.keys(tidy(value)).length > 0;
  return html`<details class="more" open=${any}><summary><${Icon} name="right" size=${12} />${t('conditions')}</summary><div class="fields setting-when">${CONDITIONS.map(([name, kind]) => html`<${Field} key=${name} label=${words(`when_${name}`)}>${
    kind === 'number' ? html`<${NumberInput} value=${value[name] ?? null} min=${1} step=${1} onChange=${set(name)} />`
    : kind === 'either' ? html`<${Select} value=${value[name] ?? null} choices=${EITHER} onChange=${set(name)} />`
    : kind === 'tags' ? html`<${TagsInput} value=${value[name] ?? []} onChange=${set(name)} />`
    : html`<${TextInput} value=${value[name] ?? ''} onChange=${set(name)} />`}<//>`)}</div></details>`;
}
