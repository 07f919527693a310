/**
 * What is chosen above the charts: the period, its steps, the split, whether to compare; and the export.
 */

import { setQuery } from '../../core/router.js';
import { html, useState } from '../../core/ui.js';
import { SpanForm } from '../../parts/filters-time.js';
import { Button, Field, Select } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Menu } from '../../parts/panel.js';
import { t } from '../../strings/usage.js';
import { exportAddress, RANGES, SPLITS } from './view.js';

/** @typedef {import('./view.js').View} View */

/** Choose one of the usual periods. @param {import('./view.js').Range} range */
export const chooseRange = (range) => setQuery({ range: range === '30d' ? null : range, since: null, until: null, span: null });

/** @param {{view: View, query: Record<string, string>}} given */
export function Controls({ view, query }) {
  const [open, setOpen] = useState(false);
  const apply = (/** @type {string | null} */ since, /** @type {string | null} */ until) => {
    setOpen(false);
    setQuery({ since, until, span: null });
  };
  return html`<div class="usage-controls">
    <span class="segments" role="group" aria-label=${t('range')}>
      ${RANGES.map((range) => html`<${Segment} key=${range} on=${!view.own && view.range === range} title=${t(`range_${range}`)} onClick=${() => chooseRange(range)}>${t(`short_${range}`)}<//>`)}
      <${Segment} on=${view.own} title=${t('ownLong')} expanded=${open} onClick=${() => setOpen(!open)}>${t('own')}<//></span>
    ${view.own && html`<${Button} tone="quiet" icon="left" onClick=${() => chooseRange(view.range)}>${t('back', { range: t(`range_${view.range}`) })}<//>`}
    <span class="segments" role="group" aria-label=${t('span')}>
      <${Segment} on=${view.span === 'hour'} disabled=${!view.spans.hour} title=${view.spans.hour ? undefined : t('tooLong')} onClick=${() => setQuery({ span: 'hour' })}>${t('hour')}<//>
      <${Segment} on=${view.span === 'day'} disabled=${!view.spans.day} title=${view.spans.day ? undefined : t('tooShort')} onClick=${() => setQuery({ span: 'day' })}>${t('day')}<//></span>
    <${Button} tone="quiet" pressed=${view.compare} title=${t('compareLong')} onClick=${() => setQuery({ compare: view.compare ? 'off' : null })}>${t('compare')}<//>
    <span class="grow"></span>
    <span class="usage-split"><${Field} label=${t('split')}><${Select} value=${view.split} choices=${SPLITS.map((value) => ({ value, label: t(`split_${value}`) }))}
      onChange=${(/** @type {string} */ split) => setQuery({ split: split === 'preset' ? null : split, sort: null })} /><//></span>
  </div>
  ${open && html`<div class="card usage-own"><${SpanForm} since=${query['since'] ?? String(view.since)} until=${query['until']} onApply=${apply} /></div>`}`;
}

/** @param {{on: boolean, disabled?: boolean, title?: string, expanded?: boolean, onClick: () => any, children?: any}} given */
function Segment({ on, disabled = false, title, expanded, onClick, children }) {
  return html`<button type="button" aria-pressed=${on} aria-expanded=${expanded} disabled=${disabled} title=${title} onClick=${onClick}>${children}</button>`;
}

/** What can be saved. @param {{view: View, series: any}} given `series`: what the chart is drawn from. */
export function Exports({ view, series }) {
  const grouped = view.split === 'none' ? [] : [{ by: view.split, what: t('byGroup', { split: t(`split_${view.split}`).toLowerCase() }) }];
  const over = { by: view.span, what: view.span === 'hour' ? t('byHour') : t('byDay') };
  const items = [...grouped, over].flatMap(({ by, what }) =>
    /** @type {const} */ (['csv', 'json']).map((kind) => ({
      label: t(kind === 'csv' ? 'exportCsv' : 'exportJson', { what: what }), icon: 'download',
      onClick: () => save(exportAddress(view, by, kind), `usage-by-${by}.${kind}`),
    })),
  );
  const chart = { label: t('exportSeries'), icon: 'download', disabled: !series, onClick: () => saveText(JSON.stringify(series, null, 2), 'usage-series.json') };
  return html`<${Menu} items=${[...items, chart]} label=${t('exports')} icon="down" text=${html`<${Icon} name="download" /><span>${t('exports')}</span>`} />`;
}

/** @param {string} address @param {string} name */
function save(address, name) {
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
}

/** @param {string} text @param {string} name */
function saveText(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  save(address, name);
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
