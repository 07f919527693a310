/**
 * What runs here, how it does, and whose work it is made of.
 */

import { bytes, seconds } from '../core/format.js';
import { useData } from '../core/resource.js';
import { html, useState } from '../core/ui.js';
import { Chip, Copy, Dot } from '../parts/bits.js';
import { Notice, Problem, Skeleton } from '../parts/feedback.js';
import { TextInput } from '../parts/forms.js';
import { Grid, Page, Section } from '../parts/page.js';
import { t } from '../strings/about.js';

export default function About() {
  const about = useData('/api/about');
  const status = useData('/api/status', {}, { every: 10_000 });
  return html`<${Page} title=${t('title')}>
    ${about.error && html`<${Problem} error=${about.error} retry=${about.reload} />`}
    <${Grid} min=${420}><${Section} title=${t('gateway')} card>${about.data ? html`<${Facts} about=${about.data} />` : html`<${Skeleton} lines=${6} />`}<//>
      <${Section} title=${t('state')} card>${status.data ? html`<${State} status=${status.data} />` : html`<${Skeleton} lines=${4} />`}<//><//>
    <${Section} title=${t('licences')} lead=${t('licencesLead')}>${about.data ? html`<${Licences} rows=${about.data.licences} />` : html`<${Skeleton} lines=${8} />`}<//><//>`;
}

/** @param {{about: any}} given */
function Facts({ about }) {
  const store = about.store && t.rich('storeSize', { kind: html`<span translate="no">${about.store.kind}</span>`, size: bytes(about.store.bytes ?? about.store.size_bytes) });
  const rows = [
    [t('version'), html`<span translate="no">${about.version}</span>`],
    [t('python'), html`<span translate="no">${about.python}</span>`],
    [t('platform'), html`<span translate="no">${about.platform}</span>`],
    [t('uptime'), seconds(about.uptime_s)],
    about.data && [t('data'), html`<span class="row"><code translate="no" class="wrap">${about.data}</code><${Copy} text=${about.data} /></span>`],
    store && [t('store'), store],
    [t('features'), about.features.length ? html`<span class="row wraps">${about.features.map((/** @type {string} */ name) => html`<${Chip} data key=${name}>${name}<//>`)}</span>` : t('none')],
  ];
  return html`<dl class="facts">${rows.filter(Boolean).map((row) => html`<dt>${/** @type {any[]} */ (row)[0]}</dt><dd>${/** @type {any[]} */ (row)[1]}</dd>`)}</dl>
    <p class="soft small">${t('guide')} <a href="/api/openapi.json" translate="no">/api/openapi.json</a> ${t('describes')}</p>`;
}

/** @param {{status: any}} given */
function State({ status }) {
  const { log } = status.store;
  const lines = [
    [t('store'), html`<${Dot} state=${status.store.ok ? 'ok' : 'bad'} label=${t(status.store.ok ? 'answers' : 'silent')} />`],
    [t('log'), log.queued ? t('waiting', { n: log.queued }) : t('written')],
    [t('configuration'), status.snapshot.age_s > 5 ? t('stale', { age: seconds(status.snapshot.age_s) }) : t('inForce', { version: status.snapshot.version })],
  ];
  const warnings = status.warnings ?? [];
  return html`<dl class="facts">${lines.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
    ${warnings.length === 0 && html`<${Notice} tone="ok" text=${t('fine')} />`}
    ${warnings.map((/** @type {any} */ warning) => html`<${Notice} key=${warning.code + warning.text} tone="warn" text=${warning.text} data>${warning.fix && html`<p class="soft" translate="no">${warning.fix}</p>`}<//>`)}`;
}

/** @param {{rows: any[]}} given */
function Licences({ rows }) {
  const [words, setWords] = useState('');
  const shown = rows.filter(({ name, licence }) => `${name} ${licence}`.toLowerCase().includes(words.toLowerCase()));
  return html`<div class="about-filter"><${TextInput} value=${words} onChange=${setWords} label=${t('filter')} placeholder=${t('filter')} type="search" /></div>
    <table class="about-licences"><thead><tr><th>${t('name')}</th><th>${t('version')}</th><th>${t('licence')}</th></tr></thead><tbody translate="no">${shown.map((row) => html`<tr key=${row.name}>
      <td>${row.url ? html`<a href=${row.url} rel="noreferrer noopener" target="_blank">${row.name}</a>` : row.name}</td><td>${row.version}</td><td class="wrap">${row.licence ?? '—'}</td></tr>`)}</tbody></table>`;
}
