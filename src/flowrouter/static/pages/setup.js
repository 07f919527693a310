/**
 * The first run: a provider, a first answer, a tool that uses the gateway. Each step is done when it worked.
 */

import { useData } from '../core/resource.js';
import { href, setQuery } from '../core/router.js';
import { may } from '../core/session.js';
import { html, useEffect, useRef, useState } from '../core/ui.js';
import { Notice, Problem, Skeleton } from '../parts/feedback.js';
import { Button } from '../parts/forms.js';
import { Icon } from '../parts/icons.js';
import { Page } from '../parts/page.js';
import { t } from '../strings/setup.js';
import { AskStep } from './setup/asking.js';
import { ClientStep } from './setup/client.js';
import { ProviderStep } from './setup/provider.js';

/** @param {{route: import('../core/router.js').Route}} given */
export default function Setup({ route }) {
  const status = useData('/api/status', {}, { every: 10_000 });
  const accounts = useData('/api/accounts', { limit: 200 }, { every: 10_000 });
  const models = useData('/api/models', { limit: 200 });
  const [adding, setAdding] = useState(false);
  const [ready, setReady] = useState(/** @type {{name: string, result: import('./setup/testing.js').Result | null} | null} */ (null));
  const [trying, setTrying] = useState(false);
  const [answered, setAnswered] = useState(false);
  const [picked, setPicked] = useState(/** @type {string | null} */ (null));
  const error = status.error ?? accounts.error;
  if (!status.data || !accounts.data || (!models.data && !models.error))
    return html`<${Page} title=${t('title')} lead=${t('lead')}>${error ? html`<${Problem} error=${error} retry=${() => Promise.all([status.reload(), accounts.reload()])} />` : html`<${Skeleton} lines=${6} height=${30} />`}<//>`;
  const usable = accounts.data.filter((/** @type {any} */ { source, enabled, problem }) => source !== 'found' && enabled && !problem);
  const names = modelsOf(models.data ?? [], usable);
  const model = picked ?? (route.query['model'] || null) ?? ready?.result?.model ?? names[0] ?? '';
  const chosen = route.query['preset'] ?? null;
  const provided = !adding && !trying && chosen === null && (ready !== null || usable.some((/** @type {any} */ { source }) => source !== 'embedded'));
  const asking = provided || ready !== null;
  /** @param {any} account @param {import('./setup/testing.js').Result | null} result */
  const take = (account, result) => {
    setReady({ name: account.name, result });
    setAdding(false);
    setTrying(false);
    setPicked(result?.model ?? null);
    setQuery({ preset: null });
  };
  const again = may('operate') && html`<${Button} tone="quiet" icon="plus" onClick=${() => setAdding(true)}>${t('addAnother')}<//>`;
  const choices = names.includes(model) || !model ? names : [model, ...names];
  return html`<${Page} title=${t('title')} lead=${t('lead')} actions=${html`<${Button} href=${href('overview')} tone="quiet">${t('skip')}<//>`}>
    ${!may('operate') && html`<${Notice} title=${t('viewer')} text=${t('viewerText')} />`}
    <ol class="setup">
      <${Step} number=${1} title=${t('stepProvider')} text=${t('stepProviderText')} done=${provided} summary=${summary(ready, usable)} actions=${provided && again}>
        ${!provided && may('operate') && html`<${ProviderStep} accounts=${accounts.data} chosen=${chosen} onTrying=${setTrying} onReady=${take} />`}<//>
      <${Step} number=${2} title=${t('stepAsk')} text=${t('stepAskText')} done=${answered} waits=${!asking}>
        ${asking && may('operate') && html`<${AskStep} models=${choices} model=${model} onModel=${setPicked} onAnswered=${() => setAnswered(true)} />`}<//>
      <${Step} number=${3} title=${t('stepClient')} text=${t('stepClientText')} waits=${!asking && may('operate')} into=${route.query['step'] === 'client'}>
        ${(asking || !may('operate')) && html`<${ClientStep} status=${status.data} models=${choices} model=${model} onModel=${setPicked} chosen=${route.query['client']} />`}<//>
    </ol><//>`;
}

/** @param {{number: number, title: string, text: string, done?: boolean, waits?: boolean, summary?: any, actions?: any, into?: boolean, children?: any}} given */
function Step({ number, title, text, done = false, waits = false, summary, actions, into = false, children }) {
  const box = useRef(/** @type {any} */ (null));
  useEffect(() => {
    if (into) box.current?.scrollIntoView({ block: 'start' });
  }, [into]);
  return html`<li ref=${box} class=${`setup-step card ${waits ? 'waits' : ''}`}><header class="row"><span class=${`setup-number ${done ? 'done' : ''}`} aria-hidden="true">${done ? html`<${Icon} name="check" size=${14} />` : number}</span>
      <div class="grow"><h2>${title}${done && html` <span class="hidden">${t('done')}</span>`}</h2><p class="soft small">${done && summary ? summary : text}</p></div>${actions}</header>
    ${children && html`<div class="setup-body">${children}</div>`}</li>`;
}

/** @param {{name: string, result: import('./setup/testing.js').Result | null} | null} ready @param {any[]} usable */
function summary(ready, usable) {
  if (ready?.result) return t.rich('testedWell', { name: html`<strong translate="no">${ready.name}</strong>`, model: html`<span translate="no">${ready.result.model ?? '—'}</span>` });
  const own = usable.filter(({ source }) => source !== 'embedded');
  const shown = own.length ? own : usable;
  const names = html`<strong translate="no">${shown.slice(0, 4).map(({ name }) => name).join(', ')}</strong>`;
  return shown.length > 4 ? t.rich('haveMany', { names, n: shown.length - 4 }) : t.rich('haveProviders', { names });
}

/** Names that can be asked: combos first, the built-in model's last. @param {any[]} models @param {any[]} usable @returns {string[]} */
function modelsOf(models, usable) {
  const embedded = new Set(usable.filter(({ source }) => source === 'embedded').map(({ name }) => name));
  const rank = (/** @type {any} */ { owned_by: owner, accounts = [] }) => (owner === 'combo' ? 0 : accounts.length > 0 && accounts.every((/** @type {string} */ name) => embedded.has(name)) ? 2 : 1);
  return models.filter(({ generates }) => generates !== false).sort((a, b) => rank(a) - rank(b)).map(({ id }) => id);
}
