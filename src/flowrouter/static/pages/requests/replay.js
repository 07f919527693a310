/**
 * A recorded request once more: to any target, beside what was answered then.
 */

import { failure, send, stream } from '../../core/api.js';
import { millis, money } from '../../core/format.js';
import { useSettled } from '../../core/live.js';
import { useData } from '../../core/resource.js';
import { href } from '../../core/router.js';
import { html, useCallback, useEffect, useRef, useState } from '../../core/ui.js';
import { Problem, Skeleton } from '../../parts/feedback.js';
import { Button, Field, Form, Switch, TextInput } from '../../parts/forms.js';
import { Diff } from '../../parts/json.js';
import { Panel, Tabs } from '../../parts/panel.js';
import { t } from '../../strings/requests.js';
import { answerOf, readRecording } from './bodies.js';
import { Said } from './conversation.js';
import { plain, readAnswer, readStream } from './reading.js';
import { parsed } from './reading-parts.js';

/** @typedef {import('./reading-parts.js').Message} Message */
/** @typedef {{id: string | null, message: Message, value: any, took: number, done: boolean}} Run */

/** Why a request cannot be replayed, or null. @param {Record<string, any>} row @param {(what: 'operate' | 'administer') => boolean} may */
export function unreplayable(row, may) {
  if (!may('operate')) return t('replayViewer');
  if (!may('administer')) return t('notRecordedRole');
  if (!row['recorded']) return t('replayNotRecorded');
  return /chat\/completions$|\/messages$|\/responses$|enerateContent$/.test(row['endpoint']) ? null : t('replayEndpoint');
}

/** @param {{row: Record<string, any>, onClose: () => void}} given */
export function Replay({ row, onClose }) {
  const [recording, setRecording] = useState(/** @type {import('./bodies.js').Recording | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  useEffect(() => {
    readRecording(row['id']).then(setRecording, setError);
  }, []);
  return html`<${Panel} title=${t('replayTitle')} onClose=${onClose} wide><p class="soft">${t('replayLead')}</p>
    ${error ? html`<${Problem} error=${error} />` : recording === null ? html`<${Skeleton} lines=${5} />` : recording.request.cut ? html`<p>${t('replayCut')}</p>` : html`<${Desk} row=${row} recording=${recording} />`}<//>`;
}

/** @param {{row: Record<string, any>, recording: import('./bodies.js').Recording}} given */
function Desk({ row, recording }) {
  const models = useData('/api/models', { limit: 200 });
  const [target, setTarget] = useState(row['requested_model'] ?? '');
  const [streamed, setStreamed] = useState(row['stream'] === true);
  const [run, setRun] = useState(/** @type {Run | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [settled, setSettled] = useState(/** @type {Record<string, any> | null} */ (null));
  const halt = useRef(/** @type {AbortController | null} */ (null));
  useEffect(() => () => halt.current?.abort(), []);
  const id = run?.id ?? null;
  useSettled(useCallback((batch) => setSettled((before) => batch.find((one) => id !== null && one['id'] === id) ?? before), [id]));
  const busy = run !== null && !run.done && error === null;
  const begin = async () => {
    setError(null);
    setSettled(null);
    setRun({ id: null, message: { role: 'assistant', parts: [] }, value: null, took: 0, done: false });
    halt.current = new AbortController();
    try {
      await sent({ recording, target, streamed, signal: halt.current.signal, onRun: setRun });
    } catch (failed) {
      if (!(failed instanceof DOMException)) setError(failed);
      else setRun((now) => now && { ...now, done: true });
    }
  };
  return html`<${Form} onSubmit=${begin} label=${t('replayTitle')}><div class="replay-desk">
      <${Field} label=${t('target')} hint=${t('targetHint')}><${TextInput} value=${target} onChange=${setTarget} list=${namesOf(models.data)} mono autofocus /><//>
      <${Field} label=${t('stream')}><${Switch} value=${streamed} onChange=${setStreamed} /><//>
      ${busy ? html`<${Button} icon="stop" onClick=${() => halt.current?.abort()}>${t('cancel')}<//>` : html`<${Button} tone="primary" icon="play" type="submit" disabled=${!target}>${t('send')}<//>`}</div><//>
    ${error && html`<${Problem} error=${error} />`}
    ${run && !error && html`<${Outcome} ...${{ row, recording, run, settled }} />`}`;
}

/** Every name there is, and each account's models by its own name. @param {{id: string, accounts: string[]}[] | undefined} models */
const namesOf = (models) => (models ?? []).flatMap(({ id, accounts }) => [id, ...accounts.map((account) => `${account}/${id}`)]);

/**
 * Send a recorded request to a target.
 * @param {{recording: import('./bodies.js').Recording, target: string, streamed: boolean, signal: AbortSignal, onRun: (run: Run) => void}} given
 */
async function sent({ recording, target, streamed, signal, onRun }) {
  const { dialect } = recording;
  const body = { .../** @type {any} */ (parsed(recording.request.text)) };
  const query = dialect === 'gemini' ? `?${new URLSearchParams({ model: target, stream: String(streamed) })}` : '';
  if (dialect !== 'gemini') Object.assign(body, { model: target, stream: streamed });
  if (!streamed) delete body.stream_options;
  const path = `/api/try/${dialect}${query}`;
  const began = performance.now();
  const took = () => performance.now() - began;
  /** @type {string | null} */
  let id = null;
  if (!streamed) {
    const response = await send('POST', path, body, { signal });
    const value = await response.json().catch(() => null);
    if (!response.ok) throw failure(response, value);
    id = response.headers.get('x-request-id');
    onRun({ id, message: readAnswer(dialect, value) ?? { role: 'assistant', parts: [] }, value, took: took(), done: true });
    return;
  }
  /** @type {any[]} */
  const events = [];
  const told = (/** @type {boolean} */ done) => onRun({ id, message: readStream(dialect, events), value: events, took: took(), done });
  await stream(path, {
    method: 'POST', body, signal,
    onOpen: (response) => { id = response.headers.get('x-request-id'); },
    onEvents: (batch) => {
      events.push(...batch.map(({ data }) => parsed(data)).filter((value) => value !== undefined));
      told(false);
    },
  });
  told(true);
}

/** @param {{row: Record<string, any>, recording: import('./bodies.js').Recording, run: Run, settled: Record<string, any> | null}} given */
function Outcome({ row, recording, run, settled }) {
  const [view, setView] = useState('words');
  const before = answerOf(recording.dialect, recording.answer);
  const [left, right] = [plain(before), plain(run.message)];
  const labels = [t('original'), t('replayed')];
  const tabs = [{ id: 'words', label: t('diffText') }, { id: 'json', label: t('diffJson') }];
  const json = parsed(recording.answer.text) ?? before?.parts ?? null;
  const other = parsed(recording.answer.text) && !Array.isArray(run.value) ? run.value : run.message.parts;
  return html`<div class="replay-both"><section class="card" aria-label=${t('original')}><header class="row apart"><h3>${t('original')}</h3><${Figures} row=${row} /></header>${before && html`<${Said} message=${before} />`}</section>
      <section class="card" aria-label=${t('replayed')} aria-busy=${!run.done}><header class="row apart"><h3>${t('replayed')}</h3>${settled ? html`<${Figures} row=${settled} />` : html`<span class="soft small numbers">${run.done ? millis(run.took) : t('waiting')}</span>`}</header>
        <${Said} message=${run.message} />${run.id && run.done && html`<a href=${href(`requests/${run.id}`)}>${t('openNew')}</a>`}</section></div>
    ${run.done && html`<section aria-label=${t('diff')}><h3>${t('diff')}</h3><${Tabs} tabs=${tabs} active=${view} onChange=${setView} label=${t('diff')} />
      ${view === 'words' ? (left === right ? html`<p class="soft">${t('same')}</p>` : html`<${Diff} left=${left} right=${right} labels=${labels} />`) : html`<${Diff} left=${json} right=${other} labels=${labels} />`}</section>`}`;
}

/** @param {{row: Record<string, any>}} given */
function Figures({ row }) {
  return html`<span class="soft small numbers"><span translate="no">${row['model'] ?? ''}</span> · ${millis(row['duration_ms'])} · ${money(row['cost_pusd'])}</span>`;
}
