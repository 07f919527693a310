/**
 * How the providers do, those in trouble first.
 */

import { millis, percent } from '../../core/format.js';
import { href } from '../../core/router.js';
import { html } from '../../core/ui.js';
import { Dot, Provider } from '../../parts/bits.js';
import { Button } from '../../parts/forms.js';
import { Section } from '../../parts/page.js';
import { t } from '../../strings/overview.js';

const SHOWN = 10;
const GRAVITY = { bad: 0, warn: 1, ok: 2, off: 3 };

/** @param {{standings: import('./states.js').Standing[]}} given */
export function Health({ standings }) {
  const sorted = [...standings].sort((a, b) => GRAVITY[a.state] - GRAVITY[b.state] || (b.usedAt ?? 0) - (a.usedAt ?? 0) || a.account.priority - b.account.priority);
  const rest = sorted.length - SHOWN;
  const actions = html`<${Button} href=${href('providers')} tone="quiet">${t('allProviders')}<//>`;
  return html`<${Section} title=${t('providers')} actions=${actions}><div class="card health-card"><table><thead><tr><th scope="col">${t('provider')}</th><th scope="col">${t('state')}</th>
      <th scope="col" class="end" title=${t('successLong')}>${t('success')}</th><th scope="col" class="end" title=${t('firstTokenLong')}>${t('firstToken')}</th></tr></thead>
    <tbody>${sorted.slice(0, SHOWN).map((standing) => html`<${Row} key=${standing.account.id} standing=${standing} />`)}</tbody></table>
    ${rest > 0 && html`<p class="soft small">${t('moreProviders', { n: rest })}</p>`}</div><//>`;
}

/** @param {{standing: import('./states.js').Standing}} given */
function Row({ standing: { account, state, words, detail, success, firstToken, inFlight } }) {
  return html`<tr><td><a class="cut" href=${href(`providers/${encodeURIComponent(account.id)}`)}><${Provider} preset=${account.preset} name=${account.name} /></a></td>
    <td><span class="column health-state"><${Dot} state=${state} label=${words} />${detail && html`<span class="soft cut" translate="no" title=${detail}>${detail}</span>`}
      ${!detail && inFlight > 0 && html`<span class="soft">${t('inFlight', { n: inFlight })}</span>`}</span></td>
    <td class="end numbers">${percent(success)}</td><td class="end numbers">${millis(firstToken)}</td></tr>`;
}
