/**
 * Settings, in tabs: each at its own address.
 */

import { useData } from '../core/resource.js';
import { go } from '../core/router.js';
import { may, me } from '../core/session.js';
import { html } from '../core/ui.js';
import { Notice, Problem, Skeleton } from '../parts/feedback.js';
import { Page } from '../parts/page.js';
import { Tabs } from '../parts/panel.js';
import { t } from '../strings/settings.js';
import { BackupsTab } from './settings/backups.js';
import { CodeTab } from './settings/code.js';
import { useSettings } from './settings/data.js';
import { General } from './settings/general.js';
import { Logins } from './settings/logins.js';
import { Look } from './settings/look.js';
import { Network } from './settings/network.js';
import { Retention } from './settings/retention.js';
import { TABS } from './settings/tabs.js';

/** @type {Record<string, any>} */
const PARTS = { general: General, logins: Logins, backups: BackupsTab, retention: Retention, network: Network, code: CodeTab, look: Look };

/** @param {{route: import('../core/router.js').Route}} given */
export default function Settings({ route }) {
  const settings = useSettings();
  const asked = route.rest === 'password' ? 'logins' : route.rest;
  const active = asked in PARTS ? asked : 'general';
  const Part = PARTS[active];
  const tabs = TABS.map((id) => ({ id, label: t(`tab_${id}`) }));
  return html`<${Page} title=${t('title')}><${Tabs} tabs=${tabs} active=${active} onChange=${(/** @type {string} */ id) => go(`settings/${id}`)} label=${t('tabs')} />
    <${Pending} />${!may('administer') && active !== 'look' && html`<${Notice} text=${t('viewer', { role: me.value?.role ?? '' })} />`}
    ${settings.error && !settings.data ? html`<${Problem} error=${settings.error} retry=${settings.reload} />` : settings.data ? html`<${Part} key=${active} settings=${settings.data} query=${route.query} asked=${route.rest} />` : html`<${Skeleton} lines=${9} height=${44} />`}<//>`;
}

/** What of the file waits, or is wrong. */
function Pending() {
  const { data } = useData('/api/status');
  const config = data?.config;
  if (config?.error) return html`<${Notice} tone="bad" title=${t('fileError')}><p class="wrap" translate="no">${config.error}</p><//>`;
  if (!config?.restart_needed?.length) return null;
  return html`<${Notice} tone="warn" title=${t('waits')}><p class="wrap" translate="no">${config.restart_needed.join(', ')}</p><//>`;
}
