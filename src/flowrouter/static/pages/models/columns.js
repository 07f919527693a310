/**
 * How a name of the list is shown: as cells, and as two lines on a phone.
 */

import { compact } from '../../core/format.js';
import { go, route } from '../../core/router.js';
import { may } from '../../core/session.js';
import { html } from '../../core/ui.js';
import { Chip, colourOf } from '../../parts/bits.js';
import { Icon } from '../../parts/icons.js';
import { t } from '../../strings/models.js';
import { chips, ownName, rate } from './facts.js';

/** @typedef {import('./facts.js').Row} Row */

export const COLUMNS = [
  { id: 'name', label: t('name'), width: 228, priority: 1, value: (/** @type {Row} */ row) => row['id'], render: (/** @type {Row} */ row) => html`<${Name} row=${row} />` },
  { id: 'can', label: t('can'), width: 290, priority: 3, render: (/** @type {Row} */ row) => html`<${Can} row=${row} />` },
  { id: 'context', label: t('context'), hint: t('contextHint'), width: 84, align: 'right', priority: 2, value: (/** @type {Row} */ row) => row['context_window'], render: (/** @type {Row} */ row) => size(row, 'context_window') },
  { id: 'output', label: t('output'), hint: t('outputHint'), width: 96, align: 'right', priority: 4, value: (/** @type {Row} */ row) => row['max_output'], render: (/** @type {Row} */ row) => size(row, 'max_output') },
  { id: 'input', label: t('inputColumn'), hint: t('inputHint'), width: 90, align: 'right', priority: 2, value: priced('input'), render: (/** @type {Row} */ row) => html`<${Price} row=${row} />` },
  { id: 'output_price', label: t('outputColumn'), hint: t('outputPriceHint'), width: 98, align: 'right', priority: 2, value: priced('output'), render: (/** @type {Row} */ row) => amount(row, 'output') },
  { id: 'cached', label: t('cachedColumn'), hint: t('perMillion'), width: 108, align: 'right', priority: 4, hidden: true, value: priced('cache_read'), render: (/** @type {Row} */ row) => amount(row, 'cache_read') },
  { id: 'accounts', label: t('offeredBy'), width: 136, priority: 2, value: (/** @type {Row} */ row) => row['accounts'][0] ?? null, render: (/** @type {Row} */ row) => html`<${Offered} row=${row} />` },
  { id: 'leads', label: t('leads'), width: 130, priority: 4, render: (/** @type {Row} */ row) => html`<span class="cut soft" translate="no">${[...row['aliases'], ...row['combos']].join(', ')}</span>` },
];

/** @param {string} kind */
function priced(kind) {
  return (/** @type {Row} */ row) => (row['price']?.[kind] ? Number(row['price'][kind]) : null);
}

/** @param {Row} row @param {string} kind */
const amount = (row, kind) => (row['kind'] === 'model' ? html`<span class="numbers">${rate(row['price']?.[kind])}</span>` : '');

/** @param {Row} row @param {string} member */
const size = (row, member) => (row['kind'] === 'model' ? html`<span class="numbers" title=${row[member] ?? undefined}>${compact(row[member])}</span>` : '');

/** @param {{row: Row}} given */
function Name({ row }) {
  if (row['kind'] === 'model') return html`<span class="model-name"><span class="mark" style=${{ background: colourOf(row['owned_by']) }} aria-hidden="true"></span><span class="cut" translate="no" title=${row['id']}>${row['id']}</span></span>`;
  const stands = (row['models'] ?? row['display_name'].split(' → ').slice(1).join(' → ').split(', ')).join(', ');
  return html`<span class="model-name"><${Icon} name=${row['kind'] === 'combo' ? 'combos' : 'link'} size=${13} /><span class="cut" translate="no" title=${row['display_name']}>${row['id']}${row['kind'] === 'alias' && html`<span class="soft"> → ${stands}</span>`}</span></span>`;
}

/** @param {{row: Row}} given */
function Can({ row }) {
  if (row['kind'] === 'combo') return html`<span class="soft">${t('combo')}</span>`;
  if (row['kind'] === 'alias') return html`<span class="soft">${t('alias')}</span>`;
  return html`<span class="row model-chips">${chips(row).map((text) => html`<${Chip} key=${text}>${text}<//>`)}</span>`;
}

/** @param {{row: Row}} given */
function Price({ row }) {
  if (row['kind'] !== 'model') return null;
  const own = ownName(row['price']);
  if (row['price']) return html`<span class="numbers ${own ? 'model-own' : ''}" title=${own ? t('yoursHint', { name: own }) : undefined}>${rate(row['price'].input)}</span>`;
  if (!may('administer')) return html`<span title=${t('noPriceAdmin')}>—</span>`;
  return html`<button type="button" class="model-set" tabindex="-1" title=${t('noPrice')} onClick=${() => go(`models/${encodeURIComponent(row['id'])}`, { ...route.value.query, price: row['id'] })}>${t('setPrice')}</button>`;
}

/** @param {{row: Row}} given */
function Offered({ row }) {
  const [first, ...others] = row['accounts'];
  return html`<span class="row"><span class="cut" translate="no">${first ?? ''}</span>${others.length > 0 && html`<span class="soft" title=${others.join(', ')} translate="no">+${others.length}</span>`}</span>`;
}

/** @param {Row} row */
export function card(row) {
  const prices = row['price'] ? `${rate(row['price'].input)} / ${rate(row['price'].output)}` : '—';
  const said = row['kind'] === 'model' ? [row['context_window'] === null ? null : compact(row['context_window']), ...chips(row)].filter(Boolean).join(' · ') : t(row['kind']);
  return html`<span class="row apart"><${Name} row=${row} /><span class="numbers small" title=${t('perMillion')}>${row['kind'] === 'model' ? prices : ''}</span></span>
    <span class="row apart soft small"><span class="cut" data-text>${said}</span><span class="cut" translate="no">${row['accounts'].join(', ')}</span></span>`;
}
