/**
 * The second step: a first question, sent from here and answered by the provider.
 */

import { stream } from '../../core/api.js';
import { millis } from '../../core/format.js';
import { href } from '../../core/router.js';
import { html, useRef, useState } from '../../core/ui.js';
import { Problem } from '../../parts/feedback.js';
import { Button, Field, Form, Select, TextInput } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { t } from '../../strings/setup.js';

/** @param {{models: string[], model: string, onModel: (model: string) => void, onAnswered: () => void}} given */
export function AskStep({ models, model, onModel, onAnswered }) {
  const [text, setText] = useState(t('firstQuestion'));
  const [answer, setAnswer] = useState('');
  const [done, setDone] = useState(/** @type {{id: string, target: string, took: number} | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const stop = useRef(/** @type {AbortController | null} */ (null));
  const ask = async () => {
    stop.current = new AbortController();
    setBusy(true);
    setError(null);
    setDone(null);
    setAnswer('');
    const began = performance.now();
    const head = { id: '', target: '' };
    try {
      const body = { model, stream: true, max_tokens: 200, messages: [{ role: 'user', content: text }] };
      await stream('/api/try/openai_chat', {
        method: 'POST',
        body,
        signal: stop.current.signal,
        onOpen: ({ headers }) => Object.assign(head, { id: headers.get('x-request-id') ?? '', target: headers.get('x-flowrouter-target') ?? '' }),
        onEvents: (events) => setAnswer((before) => before + events.map(({ data }) => said(data)).join('')),
      });
      setDone({ ...head, took: performance.now() - began });
      onAnswered();
    } catch (failed) {
      if (!stop.current.signal.aborted) setError(failed);
    }
    setBusy(false);
  };
  return html`<div class="column gap2"><${Form} onSubmit=${ask} label=${t('ask')}>
      <div class="setup-ask"><${Field} label=${t('model')}><${Select} value=${model} choices=${models} onChange=${onModel} /><//>
        <${Field} label=${t('question')}><${TextInput} value=${text} onChange=${setText} /><//>
        <${Button} tone="primary" type="submit" icon="play" busy=${busy} disabled=${!model || !text.trim()}>${t('send')}<//></div><//>
    ${(answer || busy) && html`<div class="setup-answer" aria-live="polite"><p translate="no">${answer}${busy && html`<span class="caret" aria-hidden="true"></span>`}</p>
      ${done && html`<p class="soft small row wraps"><span class="ok"><${Icon} name="check" size=${13} /></span><span>${t.rich('answeredBy', { target: html`<span translate="no">${done.target}</span>`, took: millis(done.took) })}</span>
        ${done.id && html`<a href=${href(`requests/${done.id}`)}>${t('whatHappened')}</a>`}</p>`}</div>`}
    ${error && html`<${Problem} error=${error} retry=${ask} />`}</div>`;
}

/** @param {string} data */
function said(data) {
  if (data === '[DONE]') return '';
  const event = JSON.parse(data);
  if (event.error) throw event.error;
  return event.choices?.[0]?.delta?.content ?? '';
}
