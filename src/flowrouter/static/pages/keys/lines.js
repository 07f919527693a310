/**
 * Lines for clients, with a key in them or a place for one.
 */

import { useData } from '../../core/resource.js';
import { html, useState } from '../../core/ui.js';
import { Code, Copy } from '../../parts/bits.js';
import { Skeleton } from '../../parts/feedback.js';
import { Field, Select } from '../../parts/forms.js';
import { Tabs } from '../../parts/panel.js';
import { t } from '../../strings/keys.js';
import { CLIENTS } from '../setup/snippets.js';

/** Where a key stands that is not known. */
export const PLACEHOLDER = 'YOUR_KEY';
const KNOWN = CLIENTS.filter(({ name }) => name !== null);

/** Models that a key may ask for, by its list of names and globs. @param {string[]} bounds @param {string[]} models */
function allowed(bounds, models) {
  const names = bounds.filter((each) => !/[*?[]/.test(each));
  const globs = bounds.filter((each) => /[*?[]/.test(each)).map((glob) => new RegExp(`^${glob.toLowerCase().replace(/[.+^${}()|\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.')}$`));
  const fitting = bounds.length ? models.filter((model) => globs.some((glob) => glob.test(model.toLowerCase()))) : models;
  return [...new Set([...names, ...fitting])];
}

/** @param {{token: string | null, bounds: string[]}} given `bounds`: the names and globs that the key may use. */
export function ClientLines({ token, bounds }) {
  const status = useData('/api/status');
  const models = useData('/api/models', { limit: 200 });
  const [id, setId] = useState(KNOWN[0]?.id ?? '');
  const [chosen, setChosen] = useState(/** @type {string | null} */ (null));
  if (!status.data || !(models.data || models.error)) return html`<${Skeleton} lines=${4} />`;
  const names = allowed(bounds, (models.data ?? []).filter((/** @type {any} */ model) => !model.hidden).map((/** @type {any} */ model) => model.id));
  const model = chosen ?? names[0] ?? 'auto';
  const facts = { ...status.data.base_urls, key: token ?? PLACEHOLDER, model };
  const client = CLIENTS.find((each) => each.id === id);
  const tabs = KNOWN.map((each) => ({ id: each.id, label: html`<span translate="no">${each.name}</span>` }));
  return html`<div class="column gap2"><${Tabs} tabs=${tabs} active=${id} onChange=${setId} label=${t('client')} />
    <div class="key-model"><${Field} label=${t('model')}><${Select} value=${model} choices=${names.length ? names : ['auto']} onChange=${setChosen} /><//></div>
    ${client?.lines(facts).map(({ where, text }) => html`<div class="column" key=${`${id} ${where ?? ''}`}><p class="soft small">${where ? t.rich('inFile', { file: html`<code translate="no">${where}</code>` }) : t('inShell')}</p><${Code} text=${text} label=${where ?? t('inShell')} /></div>`)}
    <dl class="facts key-urls"><dt>${t('openaiUrl')}</dt><dd class="row"><code class="wrap" translate="no">${facts.openai}</code><${Copy} text=${facts.openai} /></dd><dt>${t('anthropicUrl')}</dt><dd class="row"><code class="wrap" translate="no">${facts.anthropic}</code><${Copy} text=${facts.anthropic} /></dd></dl></div>`;
}
