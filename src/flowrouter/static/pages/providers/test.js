/**
 * The test of an account in a panel, step by step as it happens.
 */

import { stream } from '../../core/api.js';
import { millis } from '../../core/format.js';
import { href } from '../../core/router.js';
import { html, useEffect, useState } from '../../core/ui.js';
import { Notice, Problem } from '../../parts/feedback.js';
import { Button } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Panel } from '../../parts/panel.js';
import { t } from '../../strings/providers.js';
import { show } from './actions.js';
import { pathOf, refresh } from './data.js';

/** @typedef {{at_ms: number, name: string, text: string, ok: boolean}} Step */
/** @typedef {{steps: Step[], busy: boolean, result: any | null, error: any | null}} Trial */

const NOTHING = { steps: [], busy: true, result: null, error: null };

/**
 * Test an account as often as `turn` changes; leaving ends the test.
 * @param {string} id @param {number} turn @returns {Trial}
 */
function useTrial(id, turn) {
  const [trial, setTrial] = useState(/** @type {Trial} */ (NOTHING));
  useEffect(() => {
    const mine = new AbortController();
    const more = (/** @type {(before: Trial) => Partial<Trial>} */ change) => mine.signal.aborted || setTrial((before) => ({ ...before, ...change(before) }));
    setTrial(NOTHING);
    const onEvents = (/** @type {import('../../core/api.js').StreamEvent[]} */ events) => {
      const steps = events.filter(({ event }) => event === 'step').map(({ data }) => JSON.parse(data));
      const result = events.find(({ event }) => event === 'result');
      more((before) => ({ steps: [...before.steps, ...steps], ...(result ? { result: JSON.parse(result.data), busy: false } : {}) }));
    };
    stream(`${pathOf(id)}/test`, { method: 'POST', body: {}, onEvents, signal: mine.signal })
      .catch((error) => more(() => ({ error })))
      .finally(() => {
        more(() => ({ busy: false }));
        void refresh();
      });
    return () => mine.abort();
  }, [id, turn]);
  return trial;
}

/** @param {{account: any, onClose: () => void, lead?: any}} given */
export function TestPanel({ account, onClose, lead }) {
  const [turn, setTurn] = useState(0);
  const { steps, busy, result, error } = useTrial(account.id, turn);
  const edit = () => {
    onClose();
    show(account, 'edit');
  };
  return html`<${Panel} title=${t('testTitle', { name: account.name })} onClose=${onClose}>${lead}<p class="soft">${t('testLead')}</p>
    <ol class="test-steps" aria-live="polite" aria-busy=${busy}>${steps.map((step, index) => html`<li key=${index}><span class=${step.ok ? 'ok' : 'bad'}><${Icon} name=${step.ok ? 'check' : 'close'} size=${13} /></span>
      <span class="grow wrap" translate="no">${step.text || step.name}</span><span class="soft numbers">${millis(step.at_ms)}</span></li>`)}
      ${busy && html`<li class="soft"><span class="dot live" aria-hidden="true"></span>…</li>`}</ol>
    ${error && html`<${Problem} error=${error} />`}
    ${result && (result.ok ? html`<${Well} result=${result} />` : html`<${Notice} tone="bad" title=${t('testBad')}><p translate="no" class="wrap">${result.error}</p>${advice(result)}<//>`)}
    <div class="row wraps">${(error || (result && !result.ok)) && !account.read_only && html`<${Button} tone="primary" icon="edit" onClick=${edit}>${t('edit')}<//>`}
      ${result?.ok && result.model && html`<${Button} tone="primary" icon="playground" href=${href('playground', { model: `${account.name}/${result.model}` })}>${t('tryIt')}<//>`}
      <${Button} icon="refresh" busy=${busy} onClick=${() => setTurn(turn + 1)}>${t('testAgain')}<//></div><//>`;
}

/** What to do: here rather than on the command line, where that is known. @param {any} result */
function advice({ error, advice: told }) {
  const failure = { 401: 'auth', 402: 'billing', 403: 'auth', 429: 'rate_limit' }[/answered (\d{3})\b/.exec(error ?? '')?.[1] ?? ''];
  if (failure) return html`<p class="soft wrap">${t(/** @type {'authFix'} */ (`${failure}Fix`))}</p>`;
  return told && html`<p class="soft wrap" translate="no">${told}</p>`;
}

/** @param {{result: any}} given */
function Well({ result }) {
  const told = result.model && result.took_ms !== null ? t('testAnswered', { model: result.model, time: millis(result.took_ms) }) : null;
  return html`<${Notice} tone="ok" title=${t('testWell')}><p class="wrap">${told} ${result.models !== null ? t('testListed', { n: result.models }) : ''}</p>
    ${result.reply && html`<p class="soft wrap">${t('testReply')} <q translate="no">${result.reply}</q></p>`}<//>`;
}
