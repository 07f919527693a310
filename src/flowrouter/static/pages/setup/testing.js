/**
 * The test of an account, step by step as it happens.
 */

import { post, stream } from '../../core/api.js';
import { millis } from '../../core/format.js';
import { html } from '../../core/ui.js';
import { Icon } from '../../parts/icons.js';
import { t } from '../../strings/setup.js';

/** @typedef {{at_ms: number, name: string, text: string, ok: boolean}} Step */
/** @typedef {{ok: boolean, model: string | null, reply: string | null, took_ms: number | null, models: number | null, error: string | null, advice: string | null}} Result */

/**
 * Make one real, tiny call through an account; raises `ApiError` where it cannot even be tried.
 * @param {string} id @param {(step: Step) => void} onStep @returns {Promise<Result>}
 */
export async function test(id, onStep) {
  const path = `/api/accounts/${encodeURIComponent(id)}/test`;
  /** @type {Result | null} */
  let result = null;
  await stream(path, {
    method: 'POST',
    body: {},
    onEvents: (events) => {
      for (const { event, data } of events) {
        if (event === 'step') onStep(JSON.parse(data));
        if (event === 'result') result = JSON.parse(data);
      }
    },
  });
  return result ?? (await post(path)).data;
}

/** @param {{steps: Step[], busy: boolean}} given */
export function Steps({ steps, busy }) {
  return html`<ol class="test-steps" aria-live="polite">${steps.map((step, index) => html`<li key=${index}><span class=${step.ok ? 'ok' : 'bad'}><${Icon} name=${step.ok ? 'check' : 'close'} size=${13} /></span>
      <span class="grow wrap" translate="no">${step.text || step.name}</span><span class="soft numbers">${millis(step.at_ms)}</span></li>`)}
    ${busy && html`<li><span class="dot live" aria-hidden="true"></span><span class="soft">${t('testing')}</span></li>`}</ol>`;
}
