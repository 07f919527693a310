/**
 * How long things are kept, and whether what was said is recorded.
 */

import { useData } from '../../core/resource.js';
import { bytes } from '../../core/format.js';
import { href } from '../../core/router.js';
import { html } from '../../core/ui.js';
import { Notice } from '../../parts/feedback.js';
import { Section } from '../../parts/page.js';
import { words } from '../../strings/settings-names.js';
import { t } from '../../strings/settings-tabs.js';
import { FileSettings } from './fixed.js';
import { SettingRows } from './row.js';
import { RECORDING } from './spec.js';

/** @param {{settings: import('./data.js').Settings}} given */
export function Retention({ settings }) {
  const { data: about } = useData('/api/about');
  const mode = settings['in_force'].recording.mode;
  return html`<${Section} title=${words('recording')} lead=${t('recordingText')}>${mode === 'all' && html`<${Notice} tone="warn" text=${t('recordsAll')} />`}
      <${SettingRows} settings=${settings} rows=${RECORDING} /><p class="soft small">${t.rich('recordingKeys', { keys: html`<a href=${href('keys')}>${t('keys')}</a>` })}</p><//>
    <${FileSettings} settings=${settings} groups=${['retention']} title=${words('retention')} />
    ${about?.store && html`<p class="soft">${t.rich('storeHolds', { size: html`<span class="numbers">${bytes(about.store.bytes)}</span>`, kind: html`<code translate="no">${about.store.kind}</code>` })}</p>`}`;
}
