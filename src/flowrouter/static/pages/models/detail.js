/**
 * One name in a panel: a model with all that is known of it, an alias, or a name that nobody lists.
 */

import { dayOf } from '../../core/format.js';
import { useData } from '../../core/resource.js';
import { useWhole } from '../../core/whole.js';
import { go, href } from '../../core/router.js';
import { may } from '../../core/session.js';
import { html, useEffect } from '../../core/ui.js';
import { Copy } from '../../parts/bits.js';
import { Notice, Problem, Skeleton } from '../../parts/feedback.js';
import { Button } from '../../parts/forms.js';
import { JsonTree } from '../../parts/json.js';
import { Section } from '../../parts/page.js';
import { Menu, Panel } from '../../parts/panel.js';
import { t } from '../../strings/models.js';
import { hide, pathOf } from './acts.js';
import { AliasPanel, Names } from './alias.js';
import { factsOf } from './facts.js';
import { Prices } from './prices.js';
import { Who } from './who.js';

/** @param {{id: string, price: string | null, asAlias: boolean, onClose: () => void}} given `asAlias`: the alias is meant where there is a model of its name too. */
export function Detail({ id, price, asAlias, onClose }) {
  const { kind, alias, combo } = useKind(id);
  useEffect(() => {
    if (combo) go(`combos/${encodeURIComponent(id)}`);
  }, [combo]);
  if (alias && (asAlias || kind === 'alias')) return html`<${AliasPanel} key=${alias.models.join('\n')} alias=${alias} onClose=${onClose} />`;
  if (kind === 'model') return html`<${Model} id=${id} price=${price} alias=${alias} onClose=${onClose} />`;
  if (kind === 'none') return html`<${Panel} title=${id} data onClose=${onClose}><${Notice} title=${t('unlisted')} text=${t('unlistedText')} /><${Who} name=${id} /><//>`;
  return html`<${Panel} title=${id} data onClose=${onClose} wide><${Skeleton} lines=${8} /><//>`;
}

/** What a name is; it is looked up in lists, where a name that is none is no error. @param {string} id */
function useKind(id) {
  const models = useWhole('/api/models');
  const aliases = useWhole('/api/aliases');
  const named = aliases.rows?.filter((row) => row.id === id) ?? [];
  const alias = named.find(({ hidden }) => !hidden) ?? named[0] ?? null;
  const row = models.rows?.find((one) => one.id === id);
  const read = models.rows !== undefined && !models.loading && (aliases.rows !== undefined || aliases.error);
  const hidden = useWhole(read && !row && !alias ? '/api/models' : null, { hidden: true, search: id.slice(0, SEARCH_MOST) });
  if (row) return { kind: row.kind, alias, combo: row.kind === 'combo' };
  if (alias) return { kind: 'alias', alias, combo: false };
  if (!read || hidden.rows === undefined) return { kind: null, alias: null, combo: false };
  return { kind: hidden.rows.some((one) => one.id === id) ? 'model' : 'none', alias: null, combo: false };
}

const SEARCH_MOST = 200;

/** @param {{id: string, price: string | null, alias: any, onClose: () => void}} given */
function Model({ id, price, alias, onClose }) {
  const { data: model, error, reload } = useData(pathOf('models', id));
  if (!model) return html`<${Panel} title=${id} data onClose=${onClose} wide>${error ? html`<${Problem} error=${error} retry=${reload} />` : html`<${Skeleton} lines=${8} />`}<//>`;
  return html`<${Known} model=${model} price=${price} alias=${alias} onClose=${onClose} />`;
}

/** @param {{model: any, price: string | null, alias: any, onClose: () => void}} given */
function Known({ model, price, alias, onClose }) {
  const operate = may('operate');
  const globbed = model.hidden_by !== null && model.hidden_by !== model.id;
  const items = [
    { label: t('requests'), icon: 'requests', href: href('requests', { model: model.id }) },
    operate && !globbed && { label: t(model.hidden ? 'unhide' : 'hide'), icon: model.hidden ? 'show' : 'hide', onClick: () => hide([model.id], !model.hidden) },
  ];
  const actions = html`<${Copy} text=${model.id} />${!model.hidden && html`<${Button} icon="playground" href=${href('playground', { model: model.id })}>${t('tryIt')}<//>`}<${Menu} items=${items} />`;
  const unhide = globbed ? html`<${Button} href=${href('settings')}>${t('openSettings')}<//>` : operate && html`<${Button} icon="show" onClick=${() => hide([model.id], false)}>${t('unhide')}<//>`;
  return html`<${Panel} title=${model.id} data wide onClose=${onClose} actions=${actions}>
    ${model.hidden && html`<${Notice} tone="warn" title=${t('hiddenTitle')} text=${globbed ? t.rich('hiddenBy', { glob: html`<code translate="no">${model.hidden_by}</code>` }) : t('hiddenText')} action=${unhide} />`}
    ${alias && html`<${Notice} text=${t.rich('aliasBefore', { models: html`<span translate="no">${alias.models.join(', ')}</span>` })} action=${html`<${Button} href=${href(`models/${encodeURIComponent(model.id)}`, { as: 'alias' })}>${t('showAlias')}<//>`} />`}
    <div class="model-detail"><div class="column gap3"><${Abilities} model=${model} /></div><div class="column gap3">${!model.hidden && html`<${Who} name=${model.id} />`}<${Names} name=${model.id} aliases=${model.aliases} combos=${model.combos} /></div></div>
    <${Prices} model=${model} editing=${price} /><//>`;
}

/** Where the facts come from. @param {{accounts: any[]}} given */
function Origins({ accounts }) {
  const rows = new Map(accounts.flatMap(({ facts }) => facts).map((/** @type {any} */ fact) => [fact.source, fact]));
  const lists = accounts.filter(({ listed }) => listed);
  if (rows.size === 0 && lists.length === 0) return html`<p class="soft small">${t('unknownModel')}</p>`;
  return html`<div class="column origins soft small"><h3>${t('factsFrom')}</h3>${lists.map(({ account }) => html`<p key=${account} data-text>${t.rich('inList', { account: html`<span translate="no">${account}</span>` })}</p>`)}
    ${[...rows.values()].map((fact) => html`<p class="wrap" key=${fact.source}><span translate="no" title=${fact.note || undefined}>${fact.source}</span> · ${t('readOn', { date: dayOf(Date.parse(fact.date)) })}</p>`)}
    ${rows.size === 0 && html`<p>${t('unknownModel')}</p>`}</div>`;
}

/** What it can do, once where all accounts agree. @param {{model: any}} given */
function Abilities({ model }) {
  const known = model.accounts.filter((/** @type {any} */ at) => at.capabilities);
  const differ = new Set(known.map((/** @type {any} */ at) => JSON.stringify(factsOf(at.capabilities)))).size > 1;
  const told = differ ? known : known.slice(0, 1);
  return html`<${Section} title=${t('limits')} label=${t('limits')}>${told.map((/** @type {any} */ at) => html`<div class="column" key=${at.account_id}>${differ && html`<h3 class="soft">${t.rich('limitsAt', { account: html`<span translate="no">${at.account}</span>` })}</h3>`}
      <dl class="facts">${factsOf(at.capabilities).map(({ name, value, data }) => html`<dt key=${name}>${name}</dt><dd data-text=${data ? undefined : ''} translate=${data ? 'no' : undefined}>${value}</dd>`)}</dl></div>`)}
    <${Origins} accounts=${model.accounts} />
    <details class="combo-more"><summary class="small soft">${t('allFacts')}</summary><${JsonTree} value=${Object.fromEntries(model.accounts.map((/** @type {any} */ at) => [at.account, { dialects: at.dialects, capabilities: at.capabilities, price: at.price }]))} open=${1} /></details><//>`;
}
