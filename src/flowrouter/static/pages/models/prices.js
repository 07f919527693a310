/**
 * What a model costs at each of its providers, where that is known from, and a price of one's own.
 */

import { useData } from '../../core/resource.js';
import { may } from '../../core/session.js';
import { html, useState } from '../../core/ui.js';
import { Chip, Provider } from '../../parts/bits.js';
import { Notice } from '../../parts/feedback.js';
import { Button, Field, Form, NumberInput, TextInput } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Section } from '../../parts/page.js';
import { t } from '../../strings/models.js';
import { removePrice, savePrice } from './acts.js';
import { ownName, rate } from './facts.js';
import { href, setQuery } from '../../core/router.js';

const AMOUNTS = /** @type {const} */ ([['input', 'input'], ['output', 'outputAmount'], ['cache_read', 'cacheRead'], ['cache_write', 'cacheWrite'], ['cache_write_1h', 'cacheWrite1h'], ['reasoning', 'reasoningPrice']]);

/** @param {{model: any, editing: string | null}} given `editing`: the name under `prices` that is being changed. */
export function Prices({ model, editing }) {
  const admin = may('administer');
  const own = model.accounts.map((/** @type {any} */ { price }) => ownName(price)).find(Boolean);
  const shown = AMOUNTS.filter(([kind]) => kind === 'input' || kind === 'output' || model.accounts.some((/** @type {any} */ at) => at.price?.[kind] && at.price[kind] !== (kind === 'cache_write_1h' ? at.price.cache_write : kind === 'reasoning' ? at.price.output : null)));
  const act = admin && !editing && html`<${Button} icon="edit" onClick=${() => setQuery({ price: own ?? model.id })}>${own ? t('change') : t('setPrice')}<//>`;
  return html`<${Section} title=${t('offered')} lead=${t('pricesIn')} actions=${act} label=${t('offered')}><div class="price-table" tabindex="0" role="region" aria-label=${t('offered')}><table><thead><tr><th scope="col">${t('account')}</th>
      ${shown.map(([kind, label]) => html`<th scope="col" class="end" key=${kind}>${t(label)}</th>`)}<th scope="col">${t('sourceOf')}</th></tr></thead>
    <tbody>${model.accounts.map((/** @type {any} */ at) => html`<tr key=${at.account_id}><td><a href=${href(`providers/${encodeURIComponent(at.account_id)}`)}><${Provider} preset=${at.preset} name=${at.account} /></a>${!at.usable && html`<br /><${Chip} tone="warn">${t('unusable')}<//>`}</td>
      ${shown.map(([kind]) => html`<td class="end numbers" key=${kind}>${rate(at.price?.[kind])}</td>`)}<td class="soft small"><${Source} price=${at.price} /></td></tr>`)}</tbody></table></div>
    ${editing && admin && html`<${PriceForm} key=${editing} name=${editing} model=${model.id} like=${model.accounts.find((/** @type {any} */ { price }) => price)?.price ?? null} onDone=${() => setQuery({ price: null })} />`}
    ${!admin && model.accounts.some((/** @type {any} */ { price }) => !price) && html`<p class="soft small">${t('adminOnly')}</p>`}<//>`;
}

/** @param {{price: any}} given */
function Source({ price }) {
  if (!price) return html`${t('noPrice')}`;
  const own = ownName(price);
  return html`<span data-text>${t.rich(own ? 'ownPrice' : 'listOf', { name: html`<span translate="no">${own ?? price.source}</span>` })}</span>`;
}

const OPTIONAL = /** @type {const} */ ([['cache_read', 'cacheRead'], ['cache_write', 'cacheWrite'], ['cache_write_1h', 'cacheWrite1h']]);

/** @param {{name: string, model: string, like: any, onDone: () => void}} given */
function PriceForm({ name, model, like, onDone }) {
  const { data: all } = useData('/api/prices', { limit: 200 });
  const stored = all?.find((/** @type {any} */ row) => row.id === name && !row.hidden) ?? null;
  if (!all) return null;
  if (stored?.read_only) return html`<${Notice} text=${t.rich('priceInFile', { file: html`<code translate="no">${stored.managed_in ?? 'config.toml'}</code>` })} action=${html`<${Button} onClick=${onDone}>${t('cancel')}<//>`} />`;
  return html`<${Amounts} name=${name} model=${model} stored=${stored} like=${like} onDone=${onDone} />`;
}

/** @param {{name: string, model: string, stored: any, like: any, onDone: () => void}} given */
function Amounts({ name, model, stored, like, onDone }) {
  const number = (/** @type {any} */ value) => (value === null || value === undefined ? null : Number(value));
  const from = stored ?? { input: number(like?.input), output: number(like?.output), cache_read: number(like?.cache_read) };
  const [target, setTarget] = useState(name);
  const [price, setPrice] = useState(/** @type {Record<string, number | null>} */ (Object.fromEntries(['input', 'output', 'cache_read', 'cache_write', 'cache_write_1h', 'request'].map((kind) => [kind, from[kind] ?? null]))));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const set = (/** @type {string} */ kind) => (/** @type {number | null} */ value) => setPrice({ ...price, [kind]: value });
  const able = target.trim() !== '' && price['input'] !== null && price['output'] !== null;
  const save = async () => {
    if (!able) return;
    setBusy(true);
    try {
      await savePrice(target.trim(), price);
      onDone();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  const drop = async () => {
    await removePrice(name);
    onDone();
  };
  const amount = (/** @type {string} */ kind, /** @type {any} */ label, /** @type {any} */ rest) => html`<${Field} label=${t(label)} name=${kind}><${NumberInput} value=${price[kind]} min=${0} unit=${t('usdPerMillion')} ...${rest} onChange=${set(kind)} /><//>`;
  return html`<div class="card"><${Form} onSubmit=${save} error=${error} label=${t('priceTitle', { name })}><p class="soft small"><${Icon} name="budgets" size=${13} /> ${t('priceLead')}</p>
    <div class="fields price-fields">${amount('input', 'input', { autofocus: true, required: true })}${amount('output', 'outputAmount', { required: true })}
      ${OPTIONAL.map(([kind, label]) => amount(kind, label, { placeholder: t('optional') }))}${amount('request', 'request', { unit: t('usdPerThousand') })}</div>
    <${Field} label=${t('priceFor')} name="id" hint=${t('priceForHint', { name: model })}><${TextInput} mono value=${target} onChange=${setTarget} /><//>
    <div class="row wraps"><${Button} tone="primary" type="submit" disabled=${!able} busy=${busy}>${t('savePrice')}<//><${Button} tone="quiet" onClick=${onDone}>${t('cancel')}<//><span class="grow"></span>
      ${stored && html`<${Button} tone="danger" icon="trash" onClick=${drop}>${t('removePrice')}<//>`}</div><//></div>`;
}
