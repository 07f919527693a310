/**
 * The third step: lines for the tool of one's choice, a key for it, and waiting for its first request.
 */

import { post } from '../../core/api.js';
import { millis, usd } from '../../core/format.js';
import { live, useSettled } from '../../core/live.js';
import { forget, useData } from '../../core/resource.js';
import { href, setQuery } from '../../core/router.js';
import { may } from '../../core/session.js';
import { html, useCallback, useState } from '../../core/ui.js';
import { Code, Copy } from '../../parts/bits.js';
import { Notice } from '../../parts/feedback.js';
import { Button, Field, Form, Select, TextInput } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Tabs } from '../../parts/panel.js';
import { t } from '../../strings/setup.js';
import { ANY, CLIENTS, PLACEHOLDER } from './snippets.js';

/** What the gateway calls requests that were sent from these pages. */
const OURS = 'dashboard';

/** @param {{status: any, models: string[], model: string, onModel: (model: string) => void, chosen: string | undefined}} given */
export function ClientStep({ status, models, model, onModel, chosen }) {
  const [token, setToken] = useState(/** @type {string | null} */ (null));
  const client = CLIENTS.find(({ id }) => id === chosen) ?? CLIENTS[0];
  if (!client) return null;
  const key = token ?? (status.key_needed ? PLACEHOLDER : ANY);
  const facts = { ...status.base_urls, key, model: model || 'MODEL' };
  const tabs = CLIENTS.map(({ id, name }) => ({ id, label: name === null ? t('otherClient') : html`<span translate="no">${name}</span>` }));
  return html`<div class="column gap2"><${Tabs} tabs=${tabs} active=${client.id} onChange=${(/** @type {string} */ id) => setQuery({ client: id })} label=${t('clients')} />
    <div class="setup-ask"><${Field} label=${t('model')}><${Select} value=${model} choices=${models} onChange=${onModel} /><//></div>
    ${client.name === null ? html`<${Other} facts=${facts} />` : client.lines(facts).map(({ where, text }) => html`<div class="column" key=${where ?? text.slice(0, 20)}>
      <p class="soft small">${where ? t.rich('inFile', { file: html`<code translate="no">${where}</code>` }) : t('inShell')}</p><${Code} text=${text} label=${where ?? t('inShell')} /></div>`)}
    <${Key} client=${client} needed=${status.key_needed} token=${token} onToken=${setToken} />
    <${Waiting} /></div>`;
}

/** @param {{facts: import('./snippets.js').Facts}} given */
function Other({ facts }) {
  const rows = [
    [t('openaiUrl'), facts.openai], [t('anthropicUrl'), facts.anthropic], [t('geminiUrl'), facts.anthropic], [t('key'), facts.key], [t('model'), facts.model],
  ];
  return html`<p class="soft">${t('otherText')}</p><dl class="facts setup-facts">${rows.map(([label, value]) => html`<dt key=${`${label} t`}>${label}</dt><dd key=${label} class="row"><code translate="no" class="wrap">${value}</code><${Copy} text=${value} /></dd>`)}</dl>
    <p class="soft small">${t('otherLimits')}</p>`;
}

/** @param {{client: import('./snippets.js').Client, needed: boolean, token: string | null, onToken: (token: string) => void}} given */
function Key({ client, needed, token, onToken }) {
  const { data: keys } = useData(may('operate') ? '/api/keys' : null, { limit: 200 });
  const [typed, setTyped] = useState(/** @type {string | null} */ (null));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const name = typed ?? freeName(client.key, keys ?? []);
  if (token) return html`<${Notice} tone="ok" title=${t('keyMade')} text=${t('keyOnce')} action=${html`<${Copy} text=${token} label=${t('copyKey')} />`} />`;
  if (!may('operate')) return html`<p class="soft small">${needed ? t('askForKey') : t('noKeyNeeded')}</p>`;
  const make = async () => {
    setBusy(true);
    setError(null);
    try {
      const { data } = await post('/api/keys', { name });
      onToken(data.token);
      await Promise.all([forget('/api/keys'), forget('/api/status')]);
    } catch (refused) {
      setError(refused);
    }
    setBusy(false);
  };
  return html`<${Form} onSubmit=${make} error=${error} label=${t('makeKey')}><div class="setup-ask"><${Field} label=${t('keyName')} name="name"><${TextInput} value=${name} onChange=${setTyped} /><//>
      <${Button} type="submit" icon="keys" busy=${busy} disabled=${!name.trim()}>${t('makeKey')}<//></div>
    <p class="soft small">${needed ? t('keyIsNeeded') : t('keyIsOptional')}</p><//>`;
}

/** Turns green with the first request that is not ours. */
function Waiting() {
  const [row, setRow] = useState(/** @type {any} */ (null));
  useSettled(useCallback((/** @type {any[]} */ rows) => setRow((/** @type {any} */ before) => before ?? rows.find(({ client }) => client !== OURS) ?? null), []));
  if (row === null)
    return html`<div class="setup-waiting" role="status"><span class=${`dot ${live.value === 'live' ? 'live' : 'warn'}`} aria-hidden="true"></span><span>${live.value === 'cut' ? t('waitingCut') : t('waiting')}</span></div>`;
  const good = row.outcome === 'ok';
  const told = { model: html`<strong translate="no">${row.requested_model ?? row.model ?? '—'}</strong>`, took: millis(row.duration_ms), cost: usd(row.charge_usd ?? row.cost_usd) };
  return html`<div class=${`setup-waiting ${good ? 'arrived' : 'failed'}`} role="status"><span class=${good ? 'ok' : 'bad'}><${Icon} name=${good ? 'check' : 'warning'} size=${18} /></span>
    <span class="grow wrap">${good ? html`<strong>${t('works')}</strong> ${t.rich('arrived', told)}` : html`<strong>${t('arrivedFailed')}</strong> <span translate="no">${row.error_text ?? row.status}</span>`}</span>
    <span class="row wraps"><${Button} href=${href(`requests/${row.id}`)}>${t('whatHappened')}<//><${Button} tone="primary" href=${href('overview')}>${t('toOverview')}<//></span></div>`;
}

/** @param {string} stem @param {any[]} keys */
function freeName(stem, keys) {
  const taken = new Set(keys.map(({ name }) => name));
  let name = stem;
  for (let number = 2; taken.has(name); number += 1) name = `${stem}-${number}`;
  return name;
}
