/**
 * The first step: a provider. What was found on this machine, the built-in model, or one of the presets with a key.
 */

import { patch, post, remove } from '../../core/api.js';
import { forget, useData } from '../../core/resource.js';
import { href, setQuery } from '../../core/router.js';
import { tell } from '../../core/toast.js';
import { html, useEffect, useRef, useState } from '../../core/ui.js';
import { Provider } from '../../parts/bits.js';
import { Notice, Problem, Skeleton } from '../../parts/feedback.js';
import { Button, Field, Form, Secret, TextInput } from '../../parts/forms.js';
import { t } from '../../strings/setup.js';
import { Presets } from './presets.js';
import { Steps, test } from './testing.js';

/** @typedef {import('./testing.js').Step} Step */
/** @typedef {import('./testing.js').Result} Result */

/**
 * @param {{accounts: any[], chosen: string | null, onTrying: (trying: boolean) => void, onReady: (account: any, result: Result | null) => void}} given
 * `chosen`: the id of a preset. `onTrying`: whether an account is on its way, which may have been made and not work.
 */
export function ProviderStep({ accounts, chosen, onTrying, onReady }) {
  const presets = useData('/api/presets', { limit: 200 });
  const trial = useTrial(onReady, onTrying);
  const found = accounts.filter(({ source }) => source === 'found');
  const embedded = accounts.find(({ source, enabled }) => source === 'embedded' && enabled);
  const preset = presets.data?.find((/** @type {any} */ one) => one.id === chosen) ?? null;
  if (presets.error && !presets.data) return html`<${Problem} error=${presets.error} retry=${presets.reload} />`;
  if (!presets.data) return html`<${Skeleton} lines=${5} height=${34} />`;
  if (preset) return html`<${Connect} key=${preset.id} preset=${preset} accounts=${accounts} trial=${trial} onBack=${() => { trial.clear(); setQuery({ preset: null }); }} />`;
  return html`
    ${(found.length > 0 || embedded || trial.at !== null) && html`<div class="column setup-found"><h3>${t('onThisMachine')}</h3>
      ${found.map((account) => html`<${Found} key=${account.id} account=${account} trial=${trial} />`)}
      ${embedded && html`<div class="setup-row"><${Provider} preset=${embedded.preset} name=${t('builtIn')} /><span class="grow soft small">${t('builtInText')}</span><${Button} onClick=${() => onReady(embedded, null)}>${t('useBuiltIn')}<//></div>`}
      ${trial.at !== null && html`<${Outcome} trial=${trial} />`}</div>`}
    <${Presets} presets=${presets.data} heading=${found.length > 0 || embedded ? t('orChoose') : null} onChoose=${(/** @type {string} */ id) => setQuery({ preset: id })} />`;
}

/**
 * One account on its way: made or taken up, then tried.
 * @param {(account: any, result: Result | null) => void} onReady @param {(trying: boolean) => void} onTrying
 */
function useTrial(onReady, onTrying) {
  const [at, setAt] = useState(/** @type {string | null} */ (null));
  const [steps, setSteps] = useState(/** @type {Step[]} */ ([]));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const [result, setResult] = useState(/** @type {Result | null} */ (null));
  const [account, setAccount] = useState(/** @type {any} */ (null));
  const clear = () => {
    onTrying(false);
    setAt(null);
    setSteps([]);
    setError(null);
    setResult(null);
    setAccount(null);
  };
  /** @param {string} name @param {() => Promise<any>} make returns the account to try. */
  const run = async (name, make) => {
    onTrying(true);
    setAt(name);
    setSteps([]);
    setError(null);
    setResult(null);
    setBusy(true);
    try {
      const made = await make();
      setAccount(made);
      const outcome = await test(made.id, (step) => setSteps((all) => [...all, step]));
      setResult(outcome);
      if (outcome.ok) onReady(made, outcome);
    } catch (refused) {
      setError(refused);
    }
    setBusy(false);
    await Promise.all([forget('/api/accounts'), forget('/api/models'), forget('/api/status')]);
  };
  return { at, steps, busy, error, result, account, run, clear };
}

/** @typedef {ReturnType<typeof useTrial>} Trial */

/** @param {{account: any, trial: Trial}} given */
function Found({ account, trial }) {
  const adopt = () => trial.run(account.id, async () => (await post(`/api/accounts/${encodeURIComponent(account.id)}/adopt`)).data);
  const where = /:\d+$/.test(account.found_in) ? 'foundAt' : 'foundIn';
  return html`<div class="setup-row"><${Provider} preset=${account.preset} name=${account.name} />
    <span class="grow soft small">${t.rich(where, { where: html`<code translate="no">${account.found_in}</code>` })}</span>
    <${Button} tone="primary" onClick=${adopt} busy=${trial.busy && trial.at === account.id} disabled=${trial.busy}>${t('adopt')}<//></div>`;
}

/** @param {{preset: any, accounts: any[], trial: Trial, onBack: () => void}} given */
function Connect({ preset, accounts, trial, onBack }) {
  const [key, setKey] = useState('');
  const [url, setUrl] = useState('');
  const [name, setName] = useState(() => freeName(preset.id, accounts));
  const [more, setMore] = useState(preset.needs_base_url);
  const box = useRef(/** @type {any} */ (null));
  useEffect(() => {
    box.current?.querySelector('input')?.focus({ preventScroll: true });
    box.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  const save = () =>
    trial.run(preset.id, async () => {
      const sent = { ...(key && { api_key: key.trim() }), ...(url && { base_url: url.trim() }) };
      if (trial.account) return (await patch(`/api/accounts/${encodeURIComponent(trial.account.id)}`, { ...sent, name })).data;
      return (await post('/api/accounts', { name, preset: preset.id, ...sent })).data;
    });
  const local = Object.values(preset.dialects).find((one) => one) ?? null;
  return html`<div class="column gap2" ref=${box}>
    <div class="row"><${Button} tone="quiet" icon="left" label=${t('back')} onClick=${onBack} /><h3><${Provider} preset=${preset.id} name=${preset.name} /></h3>
      <span class="grow"></span>${preset.key_url && html`<a href=${preset.key_url} target="_blank" rel="noreferrer">${t('getKey')}</a>`}</div>
    ${preset.notes && html`<p class="soft small" translate="no">${preset.notes}</p>`}
    <${Form} onSubmit=${save} error=${trial.error} label=${t('connect', { name: preset.name })}>
      ${(preset.key_required || !preset.local) && html`<${Field} label=${t('key')} name="api_key" hint=${preset.key_required ? t('keyHint') : t('keyOptional')}><${Secret} value=${key} onChange=${setKey} placeholder=${preset.key_required ? t('pasteKey') : ''} /><//>`}
      ${more && html`<div class="fields"><${Field} label=${t('baseUrl')} name="base_url" hint=${local ? t('baseUrlDefault') : t('baseUrlNeeded')}><${TextInput} value=${url} onChange=${setUrl} mono placeholder=${local ?? 'http://127.0.0.1:8000/v1'} /><//>
        <${Field} label=${t('name')} name="name"><${TextInput} value=${name} onChange=${setName} /><//></div>`}
      <div class="row wraps"><${Button} tone="primary" type="submit" busy=${trial.busy} disabled=${(preset.key_required && key.trim() === '') || (preset.needs_base_url && url.trim() === '')}>${t('saveAndTest')}<//>
        ${!more && html`<${Button} tone="quiet" onClick=${() => setMore(true)}>${t('moreOptions')}<//>`}</div><//>
    ${trial.at !== null && html`<${Outcome} trial=${trial} form />`}</div>`;
}

/** What the test told so far, and what to do where it failed. @param {{trial: Trial, form?: boolean}} given */
function Outcome({ trial, form = false }) {
  const drop = async () => {
    try {
      await remove(`/api/accounts/${encodeURIComponent(trial.account.id)}`);
      await forget('/api/accounts');
      trial.clear();
    } catch (error) {
      tell(error);
    }
  };
  const failed = trial.result && !trial.result.ok ? trial.result : null;
  return html`<div class="column"><${Steps} steps=${trial.steps} busy=${trial.busy} />
    ${failed && html`<${Notice} tone="bad" title=${failed.error ?? t('testFailed')} text=${failed.advice} data action=${html`<span class="row wraps"><${Button} onClick=${drop}>${t('removeAgain')}<//>${!form && html`<${Button} href=${href(`providers/${encodeURIComponent(trial.account.id)}`)}>${t('openProvider')}<//>`}</span>`}>
      <p class="soft small">${form ? t('mendAndTest') : t('mendThere')}</p><//>`}
    ${!form && trial.error && html`<${Problem} error=${trial.error} />`}</div>`;
}

/** @param {string} stem @param {any[]} accounts */
function freeName(stem, accounts) {
  const taken = new Set(accounts.filter(({ source }) => source !== 'found').map(({ name }) => name));
  let name = stem;
  for (let number = 2; taken.has(name); number += 1) name = `${stem}-${number}`;
  return name;
}
