/**
 * The plain facts of a request: its figures, its money, who asked.
 */

import { bytes, count, figure, millis, money, moment, percent, usd } from '../../core/format.js';
import { href } from '../../core/router.js';
import { readOf, writtenOf } from '../../core/tokens.js';
import { html } from '../../core/ui.js';
import { Provider, Stat } from '../../parts/bits.js';
import { Section } from '../../parts/page.js';
import { t, told } from '../../strings/requests.js';
import { answered, attemptsOf, verdictName } from './waterfall.js';

/** @typedef {Record<string, any>} Row */
/** @typedef {import('./names.js').Names} Names */

/** The figures on top. @param {{row: Row}} given */
export function Figures({ row }) {
  const read = readOf(row) ?? 0;
  const written = writtenOf(row);
  const cached = read ? (row['cache_read_tokens'] ?? 0) / read : 0;
  const spoke = (row['duration_ms'] ?? 0) - (row['ttft_ms'] ?? row['duration_ms'] ?? 0);
  const speed = row['ttft_ms'] !== null && spoke > 200 && written ? t('perSecond', { n: figure((written * 1000) / spoke) }) : '';
  const tone = { ok: 'ok', error: 'bad', partial: 'warn' }[/** @type {string} */ (row['outcome'])];
  const outcome = html`<span translate="no">${row['status']}</span>`;
  return html`<div class="request-figures">
    <${Stat} label=${t('outcome')} value=${outcome} tone=${tone} hint=${t(row['outcome'])} />
    <${Stat} label=${t('duration')} value=${millis(row['duration_ms'])} hint=${row['overhead_us'] === null ? '' : t('usedOverhead', { time: millis(row['overhead_us'] / 1000) })} />
    <${Stat} label=${t('firstToken')} value=${millis(row['ttft_ms'])} hint=${speed} />
    <${Stat} label=${t('tokens')} value=${row['input_tokens'] === null ? '—' : count(read + (written ?? 0))} hint=${row['input_tokens'] === null ? '' : t('readWritten', { input: count(read), output: count(written) })} />
    <${Stat} label=${t('cost')} value=${`${row['usage_estimated'] && row['cost_pusd'] !== null ? '≈ ' : ''}${money(row['cost_pusd'])}`} hint=${cached > 0 ? t('cachedShare', { share: percent(cached) }) : row['charge_pusd'] !== row['cost_pusd'] ? t('charged', { money: money(row['charge_pusd']) }) : ''} />
  </div>`;
}

/** Tokens and money of each attempt. @param {{row: Row, names: Names}} given */
export function Ledger({ row, names }) {
  const { attempts } = attemptsOf(row, names.accounts);
  /** @type {any[]} */
  const notes = row['receipt']?.attempts ?? [];
  const lines = attempts.map((attempt, index) => ({ attempt, ...lineOf(row, notes[index], index) }));
  const budget = row['receipt']?.budget;
  const line = (/** @type {any} */ used) => html`${['input', 'cache_read', 'cache_write', 'output', 'reasoning'].map((name) => html`<td class="end">${count(used.usage[name])}</td>`)}
    <td class="end">${used.estimated && used.cost !== '—' ? '≈ ' : ''}${used.cost}</td><td class="end">${used.charge}</td>`;
  const whole = { usage: { input: row['input_tokens'], cache_read: row['cache_read_tokens'], cache_write: row['cache_write_tokens'], output: row['output_tokens'], reasoning: row['reasoning_tokens'] },
    estimated: row['usage_estimated'], cost: money(row['cost_pusd']), charge: money(row['charge_pusd']) };
  return html`<${Section} card title=${t('money')}><div class="scrolls" tabindex="0" role="region" aria-label=${t('money')}><table><thead><tr><th>${t('kind')}</th><th class="end">${t('input')}</th><th class="end">${t('cacheRead')}</th><th class="end">${t('cacheWrite')}</th>
      <th class="end">${t('output')}</th><th class="end">${t('reasoning')}</th><th class="end">${t('cost')}</th><th class="end" title=${t('chargeHint')}>${t('charge')}</th></tr></thead>
    <tbody>${lines.length > 1 && lines.map((used) => html`<tr key=${used.attempt.number}><td><span class="row"><${Provider} preset=${used.attempt.preset} name=${used.attempt.account} /><span class="soft">${answered(used.attempt.verdict) ? '' : verdictName(used.attempt.verdict)}</span></span></td>${line(used)}</tr>`)}
      <tr class="strong"><td>${lines.length === 1 ? html`<${Provider} preset=${attempts[0]?.preset} name=${attempts[0]?.account} />` : t('sum')}</td>${line(whole)}</tr></tbody></table></div>
    ${budget?.output_cap && html`<p class="small">${t('budgetCap', { n: count(budget.output_cap) })}</p>`}${budget?.stopped && html`<p class="small warn">${t('budgetStopped')}</p>`}<//>`;
}

/** @param {Row} row @param {any} note @param {number} index */
function lineOf(row, note, index) {
  if (note) return { usage: note.usage, estimated: note.estimated, cost: usd(note.cost_usd), charge: usd(note.charge_usd) };
  const kept = row['attempts'][index] ?? {};
  const usage = { input: kept.input_tokens, cache_read: kept.cache_read_tokens, cache_write: kept.cache_write_tokens, output: kept.output_tokens, reasoning: kept.reasoning_tokens };
  return { usage, estimated: false, cost: money(kept.cost_pusd), charge: money(kept.charge_pusd) };
}

/** Who asked, through what, for what. @param {{row: Row, names: Names}} given */
export function Facts({ row, names }) {
  const list = (/** @type {string} */ name, /** @type {string} */ value, /** @type {any} */ text) => html`<a href=${href('requests', { [name]: value })} translate="no">${text}</a>`;
  const key = row['key_id'] ? list('key', row['key_id'], names.keys[row['key_id']] ?? row['key_id']) : t('noKey');
  const account = row['account_id'] ? list('account', row['account_id'], names.accounts[row['account_id']] ?? row['account_id']) : '—';
  const data = (/** @type {any} */ value) => html`<span translate="no">${value ?? '—'}</span>`;
  const facts = [
    [t('arrived'), moment(row['ts_ms'])],
    [t('client'), data(row['client'])],
    [t('key'), key],
    row['session_id'] && [t('session'), html`<a class="mono wrap" href=${href(`sessions/${encodeURIComponent(row['session_id'])}`)} translate="no">${row['session_id']}</a>`],
    [t('asked'), html`<code translate="no">${row['requested_model'] ?? '—'}</code>`],
    row['combo'] && [t('combo'), html`<a href=${href(`combos/${encodeURIComponent(row['combo'])}`)} translate="no">${row['combo']}</a>`],
    [t('model'), row['model'] ? list('model', row['model'], row['model']) : '—'],
    [t('account'), account],
    [t('endpoint'), html`<code class="wrap" translate="no">${row['endpoint']}</code>`],
    [t('spoke'), html`<span>${told(row['client_dialect'])}</span>${row['dialect'] && row['dialect'] !== row['client_dialect'] ? html` → <span>${told(row['dialect'])}</span>` : ''}`],
    [t('streamed'), t(row['stream'] ? 'yes' : 'no')],
    [t('sizes'), t('sizesText', { request: bytes(row['request_bytes']), answer: bytes(row['response_bytes']) })],
    row['finish'] && [t('finish'), data(row['finish'])],
    row['tools'] && [t('tools'), data(row['tools'])],
  ].filter(Boolean);
  return html`<${Section} card title=${t('facts')}><dl class="facts wide">${facts.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl><//>`;
}
