/**
 * Settings that only the configuration file says: shown with what they are, and how to change them there.
 */

import { count, figure } from '../../core/format.js';
import { html } from '../../core/ui.js';
import { Chip, Code } from '../../parts/bits.js';
import { Icon } from '../../parts/icons.js';
import { Section } from '../../parts/page.js';
import { words } from '../../strings/settings-names.js';
import { t } from '../../strings/settings.js';
import { member } from './data.js';
import { FILE } from './spec.js';

/** What a running gateway takes up as soon as the file is saved. */
const AT_ONCE = ['logs.level', 'logs.format'];

/** @param {{settings: import('./data.js').Settings, groups: string[], query?: string, title?: string, folded?: boolean}} given */
export function FileSettings({ settings, groups, query = '', title, folded = false }) {
  const { process } = settings;
  if (!process) return null;
  const shown = groups.map((id) => ({ id, rows: (FILE[id] ?? []).filter(({ name }) => fits(name, query)) })).filter(({ rows }) => rows.length);
  if (shown.length === 0) return null;
  const lead = process.file ? t.rich('inFileLead', { file: html`<code class="wrap" translate="no">${process.file}</code>` }) : t('inFileNone');
  const list = (/** @type {import('./spec.js').Fixed[]} */ rows) => html`<div class="settings-list card">${rows.map((row) => html`<${FileRow} key=${row.name} row=${row} process=${process} />`)}</div>`;
  const given = (/** @type {import('./spec.js').Fixed[]} */ rows) => rows.filter(({ name }) => process.given.includes(name)).length;
  return html`<${Section} title=${title ?? t('inFile')} lead=${lead}>${shown.map(({ id, rows }) => folded
    ? html`<details class="file-group card" key=${id} open=${query !== ''}><summary><${Icon} name="right" size=${12} /><span class="grow strong">${words(id)}</span>${given(rows) > 0 && html`<${Chip} tone="accent">${t('givenCount', { n: given(rows) })}<//>`}</summary>${list(rows)}</details>`
    : html`<div class="column" key=${id}>${groups.length > 1 && html`<h3>${words(id)}</h3>`}${list(rows)}</div>`)}<//>`;
}

/** @param {string} name @param {string} query */
export const fits = (name, query) => query.toLowerCase().split(/\s+/).every((word) => `${name} ${words(name)} ${words(`${name}?`)}`.toLowerCase().includes(word));

/** @param {{row: import('./spec.js').Fixed, process: any}} given */
function FileRow({ row, process }) {
  const { name } = row;
  const value = member(process, name);
  const given = process.given.includes(name);
  const hint = words(`${name}?`);
  return html`<details class="file-setting"><summary><${Icon} name="right" size=${12} /><span class="grow cut">${words(name)}</span>
      <span class="file-value cut">${told(row, value)}</span>${given ? html`<${Chip} tone="accent">${t('given')}<//>` : html`<span class="soft small file-default">${t('byDefault')}</span>`}</summary>
    <div class="column file-how">${hint && html`<p>${hint}</p>`}<p class="soft small">${t.rich(AT_ONCE.includes(name) ? 'howToAtOnce' : 'howTo', { file: html`<code class="wrap" translate="no">${process.file ?? 'config.toml'}</code>` })}</p><${Code} text=${lineOf(name, value)} />
      <p class="soft small">${t('orVariable')} <code class="wrap" translate="no">FLOW_ROUTER_${name.toUpperCase().replaceAll('.', '_')}</code></p></div></details>`;
}

/** @param {import('./spec.js').Fixed} row @param {any} value */
function told({ name, unit }, value) {
  if (value === true || value === false) return t(value ? 'on' : 'off');
  if (Array.isArray(value)) return value.length ? html`<span translate="no">${value.join(', ')}</span>` : html`<span class="soft">${t('none')}</span>`;
  if (value === '' || value === null || value === undefined) return html`<span class="soft">${t('nothing')}</span>`;
  if (typeof value === 'number') {
    const shown = unit === 'share' ? figure(value * 100) : name === 'server.port' ? String(value) : Number.isInteger(value) ? count(value) : figure(value);
    return html`<span class="numbers">${shown}</span>${unit && html` <span class="soft">${words(`u_${unit}`)}</span>`}`;
  }
  return words(`${name}=${value}`) || html`<span translate="no">${value}</span>`;
}

/** How a setting stands in the file. @param {string} name @param {any} value */
function lineOf(name, value) {
  const at = name.lastIndexOf('.');
  const shown = name === 'state.redis' ? 'env:REDIS_URL' : value;
  return `[${name.slice(0, at)}]\n${name.slice(at + 1)} = ${JSON.stringify(shown ?? '')}`;
}
