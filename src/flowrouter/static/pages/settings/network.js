/**
 * Where the gateway listens and where its own requests may go.
 */

import { useData } from '../../core/resource.js';
import { html } from '../../core/ui.js';
import { Copy } from '../../parts/bits.js';
import { Section } from '../../parts/page.js';
import { t } from '../../strings/settings-tabs.js';
import { FileSettings } from './fixed.js';

/** @param {{settings: import('./data.js').Settings}} given */
export function Network({ settings }) {
  const { data: status } = useData('/api/status');
  const urls = status?.base_urls ?? {};
  const shown = [[t('openaiUrl'), urls.openai], [t('anthropicUrl'), urls.anthropic]];
  const open = settings['process']?.egress.mode === 'open';
  return html`<${Section} title=${t('clientsUse')} lead=${t('clientsUseText')}><dl class="facts settings-urls">${shown.map(([label, url]) => html`<dt key=${`${label} t`}>${label}</dt><dd key=${label} class="row"><code class="wrap" translate="no">${url ?? '—'}</code>${url && html`<${Copy} text=${url} />`}</dd>`)}</dl><//>
    <p class="soft">${t(open ? 'egressOpen' : 'egressClosed')}</p>
    <${FileSettings} settings=${settings} groups=${['listening', 'egress', 'upstream']} />`;
}
