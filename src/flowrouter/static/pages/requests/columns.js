/**
 * What the list of requests shows of each.
 */

import { compact, count, millis } from '../../core/format.js';
import { href } from '../../core/router.js';
import { readOf, writtenOf } from '../../core/tokens.js';
import { html } from '../../core/ui.js';
import { Money, Provider, Time } from '../../parts/bits.js';
import { t } from '../../strings/requests.js';
import { programOf, shortOf } from './names.js';

/** @typedef {import('./rows.js').Row} Row */
/** @typedef {import('./names.js').Names} Names */

/** @type {Record<string, 'ok' | 'warn' | 'bad' | 'off'>} */
const STATES = { ok: 'ok', error: 'bad', cancelled: 'off', partial: 'warn' };

/** The state of a request as a dot with its status. @param {{row: Row}} given */
export function Outcome({ row }) {
  const said = t(row['outcome']);
  return html`<span class="dot-state" title=${said}><span class=${`dot ${STATES[row['outcome']] ?? 'off'}`} aria-hidden="true"></span
    ><span class="numbers">${row['status']}</span><span class="hidden"> ${said}</span></span>`;
}

/** The model that answered, and what was asked for where that is another name. @param {{row: Row}} given */
export function Model({ row }) {
  const { model, requested_model: wanted } = row;
  const other = wanted && model && wanted !== model;
  return html`<span class="request-model" title=${other ? t('viaModel', { name: wanted }) : undefined}><span class="cut" translate="no">${model ?? wanted ?? '—'}</span>${
    other && html`<span class="soft cut" translate="no">${wanted}</span>`}</span>`;
}

/** Who answered, and how many had failed before. @param {{row: Row, names: Names}} given */
export function Target({ row, names }) {
  const before = row['attempts'].length - 1;
  if (!row['preset']) return html`<span class="soft">—</span>`;
  return html`<span class="row request-target"><${Provider} preset=${row['preset']} name=${names.accounts[row['account_id']] ?? row['preset']} />${
    before > 0 && html`<span class="warn small" title=${t('failedBefore', { n: before })}>+${before}<span class="hidden"> ${t('failedBefore', { n: before })}</span></span>`}</span>`;
}

/** What was read and written. @param {{row: Row}} given */
export function Tokens({ row }) {
  if (row['input_tokens'] === null && row['output_tokens'] === null) return html`<span class="soft">—</span>`;
  const title = t('tokensLong', {
    input: count(row['input_tokens']), cached: count(row['cache_read_tokens']), written: count(row['cache_write_tokens']),
    output: count(row['output_tokens']), reasoning: count(row['reasoning_tokens']),
  });
  return html`<span class="numbers" title=${title}>${compact(readOf(row))} <span class="soft">→</span> ${compact(writtenOf(row))}</span>`;
}

/** @param {{row: Row}} given */
export function Cost({ row }) {
  return html`<${Money} pusd=${row['cost_pusd']} estimated=${row['usage_estimated']} why=${row['usage_estimated'] ? t('estimated') : undefined} />`;
}

/** The run that a request belongs to. @param {{id: string | null}} given */
export function Session({ id }) {
  return id ? html`<a href=${href(`sessions/${encodeURIComponent(id)}`)} class="mono cut" title=${id} translate="no">${shortOf(id)}</a>` : html`<span class="soft">—</span>`;
}

/**
 * @param {Names} names
 * @returns {import('../../parts/table-columns.js').Column<Row>[]}
 */
export const columnsOf = (names) => [
  { id: 'time', label: t('time'), width: 84, priority: 1, render: (row) => html`<${Time} at=${row['ts_ms']} />` },
  { id: 'status', label: t('status'), width: 64, priority: 1, render: (row) => html`<${Outcome} row=${row} />` },
  { id: 'model', label: t('model'), width: 150, grow: 3, priority: 1, render: (row) => html`<${Model} row=${row} />` },
  { id: 'provider', label: t('provider'), width: 126, grow: 1, priority: 2, render: (row) => html`<${Target} row=${row} names=${names} />` },
  { id: 'key', label: t('key'), width: 84, grow: 1, priority: 3, render: (row) => html`<span class="cut" translate="no">${row['key_id'] ? (names.keys[row['key_id']] ?? shortOf(row['key_id'])) : '—'}</span>` },
  { id: 'client', label: t('client'), width: 112, grow: 1, priority: 4, render: (row) => html`<span class="cut" title=${row['client'] ?? undefined} translate="no">${programOf(row['client']) || '—'}</span>` },
  { id: 'session', label: t('session'), width: 84, priority: 4, render: (row) => html`<${Session} id=${row['session_id']} />` },
  { id: 'tokens', label: t('tokens'), hint: t('tokensHint'), width: 112, align: 'right', priority: 2, render: (row) => html`<${Tokens} row=${row} />` },
  { id: 'cost', label: t('cost'), width: 104, align: 'right', priority: 2, render: (row) => html`<${Cost} row=${row} />` },
  { id: 'first', label: t('firstToken'), width: 84, align: 'right', priority: 3, render: (row) => millis(row['ttft_ms']) },
  { id: 'duration', label: t('duration'), width: 76, align: 'right', priority: 2, render: (row) => millis(row['duration_ms']) },
  { id: 'asked', label: t('asked'), width: 120, hidden: true, render: (row) => html`<span class="cut" translate="no">${row['requested_model'] ?? '—'}</span>` },
  { id: 'combo', label: t('combo'), width: 90, hidden: true, render: (row) => html`<span class="cut" translate="no">${row['combo'] ?? '—'}</span>` },
  { id: 'dialect', label: t('dialect'), width: 120, hidden: true, render: (row) => html`<span class="cut">${t(row['client_dialect'])}</span>` },
];

/** A request in two lines, for phones. @param {Names} names */
export const cardOf = (names) => (/** @type {Row} */ row) => html`
  <div class="row apart"><span class="row grow cut"><${Outcome} row=${row} /><span class="cut strong" translate="no">${row['model'] ?? row['requested_model'] ?? '—'}</span></span><${Cost} row=${row} /></div>
  <div class="row apart soft small"><span class="row grow cut"><${Time} at=${row['ts_ms']} /><${Target} row=${row} names=${names} /></span><span class="numbers"><${Tokens} row=${row} /> · ${millis(row['duration_ms'])}</span></div>`;
