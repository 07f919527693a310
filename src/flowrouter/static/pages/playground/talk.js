/**
 * The conversation: what was asked, and beneath it what each target answered.
 */

import { may } from '../../core/session.js';
import { say } from '../../core/toast.js';
import { batch, html, useState } from '../../core/ui.js';
import { Button, Field, Switch, TextInput } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { t } from '../../strings/playground.js';
import { AnswerView } from './answer.js';
import { busy, madeId, sendResults } from './asking.js';
import { Differences } from './figures.js';
import { draft, lanes, stepsOf, talk, write } from './store.js';

/** @typedef {import('./store.js').Exchange} Exchange */
/** @typedef {import('./store.js').Answer} Answer */
/** @typedef {import('./store.js').Lane} Lane */

export function Talk() {
  const all = talk.value;
  return html`<div class="play-talk" role="log" aria-live="off" aria-label=${t('conversation')}>${all.map((exchange, index) => html`<${Turn} key=${exchange.id} exchange=${exchange} last=${index === all.length - 1} />`)}</div>
    <p class="hidden" role="status">${busy.value > 0 ? t('answering') : all.length ? t('answered') : ''}</p>`;
}

/** @param {{exchange: Exchange, last: boolean}} given */
function Turn({ exchange, last }) {
  // The exchange stays the same while steps are added to it.
  void talk.value;
  const shown = lanes().filter((lane) => lane === 'a' || exchange.lanes.b);
  const [one, other] = shown.map((lane) => stepsOf(exchange, lane).at(-1));
  const compared = one?.kind === 'answer' && other?.kind === 'answer' && [one, other].every(({ state }) => /done|stopped|cut/.test(state));
  return html`<section class="play-turn" aria-label=${t('turn')}><${Question} exchange=${exchange} />
    <div class=${shown.length > 1 ? 'play-lanes two' : 'play-lanes'}>${shown.map((lane) => html`<${LaneView} key=${lane} exchange=${exchange} lane=${lane} last=${last} />`)}</div>
    ${compared && html`<${Differences} one=${one} other=${other} />`}</section>`;
}

/** What was asked; it can be taken back to be written anew. @param {{exchange: Exchange}} given */
function Question({ exchange }) {
  const edit = () => {
    const [before, words] = [talk.value, draft.value];
    batch(() => {
      write({ text: exchange.text, images: exchange.images });
      talk.value = before.slice(0, before.indexOf(exchange));
    });
    say(t('takenBack'), { undo: () => batch(() => { talk.value = before; draft.value = words; }) });
  };
  return html`<div class="play-question"><div class="play-asked">
      ${exchange.images.length > 0 && html`<div class="row wraps">${exchange.images.map((image) => html`<img class="play-image" key=${image.url} src=${image.url} alt=${image.name} translate="no" />`)}</div>`}
      ${exchange.text && html`<p class="wrap" translate="no">${exchange.text}</p>`}</div>
    <${Button} tone="quiet" icon="edit" label=${t('edit')} disabled=${busy.value > 0 || !may('operate')} onClick=${edit} /></div>`;
}

/** @param {{exchange: Exchange, lane: Lane, last: boolean}} given */
function LaneView({ exchange, lane, last }) {
  void talk.value;
  const steps = stepsOf(exchange, lane);
  const end = steps.at(-1);
  const open = last && end?.kind === 'answer' && end.state === 'done' && end.said.parts.some(({ kind }) => kind === 'call') ? end : null;
  return html`<div class="play-lane">${steps.map((step) => (step.kind === 'answer'
    ? html`<${AnswerView} key=${step.id} ...${{ step, exchange, lane, last: last && step === end }} />`
    : html`<${Given} key=${step.id} step=${step} />`))}
    ${open && may('operate') && html`<${ResultsForm} key=${`${open.id}-results`} step=${open} onSend=${(/** @type {any} */ results) => sendResults(exchange, lane, results)} />`}</div>`;
}

/** Results that were sent back. @param {{step: import('./store.js').Results}} given */
function Given({ step }) {
  return html`<div class="play-given" aria-label=${t('results')} role="group">${step.results.map((result) => html`<div key=${result.id}><p class="row small soft"><${Icon} name=${result.failed ? 'warning' : 'check'} size=${13} /><span>${t(result.failed ? 'resultFailed' : 'result')}</span><code translate="no">${result.name}</code></p>
    <pre class="wrap" translate="no">${result.text}</pre></div>`)}</div>`;
}

/** The arguments of a call in a few letters. @param {string | undefined} text */
const inShort = (text = '') => (text.length > 60 ? `(${text.slice(0, 58)}…)` : `(${text})`);

/** Here one says what the calls gave. @param {{step: Answer, onSend: (results: import('./dialects/shapes.js').Result[]) => void}} given */
function ResultsForm({ step, onSend }) {
  const calls = step.said.parts.map((part, index) => ({ ...part, id: part.id || madeId(step, index), name: part.name ?? '' })).filter(({ kind }) => kind === 'call');
  const [results, setResults] = useState(calls.map(({ id, name }) => ({ id, name, text: '', failed: false })));
  const put = (/** @type {number} */ place, /** @type {any} */ changes) => setResults(results.map((result, index) => (index === place ? { ...result, ...changes } : result)));
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    onSend(results);
  };
  const key = (/** @type {KeyboardEvent} */ event) => event.key === 'Enter' && (event.ctrlKey || event.metaKey) && busy.value === 0 && submit(event);
  return html`<form class="play-results" onSubmit=${submit} onKeyDown=${key} aria-label=${t('resultsForm')}>${results.map((result, index) => html`<div key=${result.id} class="column"><${Field} label=${html`${t.rich('resultOf', { name: html`<code translate="no">${result.name}${inShort(calls[index]?.text)}</code>` })}`}>
        <${TextInput} mono rows=${2} value=${result.text} placeholder='{"celsius": 21}' onChange=${(/** @type {string} */ text) => put(index, { text })} /><//>
      <div class="row small"><${Switch} value=${result.failed} label=${t('itFailed')} onChange=${(/** @type {boolean} */ failed) => put(index, { failed })} /><span>${t('itFailed')}</span></div></div>`)}
    <div class="row"><${Button} type="submit" icon="play" disabled=${busy.value > 0}>${t('sendResults', { n: results.length })}<//></div></form>`;
}
