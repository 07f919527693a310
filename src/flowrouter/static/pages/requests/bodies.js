/**
 * What was said in a request, where it was recorded; and how to switch recording on where it was not.
 *
 * That somebody read a recording is noted in the audit log, so it is read when it is asked for, not before.
 */

import { get, patch, remove } from '../../core/api.js';
import { bytes } from '../../core/format.js';
import { forget, useData } from '../../core/resource.js';
import { href, route, setQuery } from '../../core/router.js';
import { may } from '../../core/session.js';
import { say, tell } from '../../core/toast.js';
import { html, signal, useEffect, useMemo, useState } from '../../core/ui.js';
import { Code } from '../../parts/bits.js';
import { Empty, Notice, Problem, Skeleton } from '../../parts/feedback.js';
import { Button } from '../../parts/forms.js';
import { JsonTree } from '../../parts/json.js';
import { Section } from '../../parts/page.js';
import { Tabs, confirm } from '../../parts/panel.js';
import { t } from '../../strings/requests.js';
import { Conversation } from './conversation.js';
import { readAnswer, readRequest, readStream } from './reading.js';
import { parsed } from './reading-parts.js';
import { framesOf } from './reading-streams.js';
import { Timeline } from './timeline.js';

/**
 * @typedef {{size: number, kept: number, cut: boolean, text: string | null, frames: {at_ms: number, text: string}[] | null, base64: string | null}} Body
 * @typedef {{number: number, dialect: string, method: string, url: string, request_headers: Record<string, string>, request: Body | null,
 *   status: number | null, reply_headers: Record<string, string>, reply: Body}} Tried
 * @typedef {{dialect: string, request_headers: Record<string, string>, request: Body, attempts: Tried[], answer_headers: Record<string, string>, answer: Body}} Recording
 */

/** Whether recordings are shown without a question: they were asked for once. */
const wanted = signal(false);

/** Read a request's recording. @param {string} id @returns {Promise<Recording>} */
export const readRecording = async (id) => (await get(`/api/requests/${encodeURIComponent(id)}/bodies`)).data;

/** Read a recorded answer. @param {string} dialect @param {Body} body */
export function answerOf(dialect, body) {
  if (body.frames) return readStream(dialect, framesOf(body.frames).map(({ json }) => json));
  return readAnswer(dialect, parsed(body.text) ?? null);
}

/** @param {{row: Record<string, any>, onChange: () => any}} given */
export function Bodies({ row, onChange }) {
  if (!row['recorded']) return html`<${NotRecorded} />`;
  if (!may('administer')) return html`<${Section} card title=${t('said')}><p class="soft">${t('notRecordedRole')}</p><//>`;
  return html`<${Recorded} row=${row} onChange=${onChange} />`;
}

/** @param {{row: Record<string, any>, onChange: () => any}} given */
function Recorded({ row, onChange }) {
  const [recording, setRecording] = useState(/** @type {Recording | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const shown = wanted.value || 'view' in route.value.query;
  const read = () => {
    setError(null);
    readRecording(row['id']).then(setRecording, setError);
  };
  useEffect(() => {
    if (shown) read();
  }, [shown]);
  const drop = async () => {
    if (!(await confirm({ title: t('forgetTitle'), text: t('forgetText'), action: t('forgetAction') }))) return;
    try {
      await remove(`/api/requests/${encodeURIComponent(row['id'])}/bodies`);
      say(t('forgotten'));
      await onChange();
    } catch (failed) {
      tell(failed);
    }
  };
  const actions = html`<${Button} tone="quiet" icon="trash" label=${t('forgetBodies')} onClick=${drop} />`;
  if (!shown) {
    return html`<${Section} card title=${t('said')} lead=${t('saidLead')} actions=${actions}><p><${Button} icon="show" onClick=${() => (wanted.value = true)}>${t('show')}<//></p><//>`;
  }
  return html`<${Section} card title=${t('said')} actions=${actions}>${error ? html`<${Problem} error=${error} retry=${read} />` : recording ? html`<${Views} recording=${recording} />` : html`<${Skeleton} lines=${6} />`}<//>`;
}

/** @param {{recording: Recording}} given */
function Views({ recording }) {
  const { dialect, request, answer, attempts } = recording;
  const tabs = [
    { id: 'conversation', label: t('viewConversation') }, { id: 'request', label: t('viewRequest') }, { id: 'answer', label: t('viewAnswer') },
    ...attempts.map(({ number }) => ({ id: `attempt-${number}`, label: t('viewAttempt', { n: number }) })),
  ];
  const view = tabs.find(({ id }) => id === route.value.query['view'])?.id ?? 'conversation';
  const asked = useMemo(() => readRequest(dialect, parsed(request.text) ?? null), [recording]);
  const said = useMemo(() => answerOf(dialect, answer), [recording]);
  const tried = attempts.find(({ number }) => view === `attempt-${number}`);
  return html`<${Tabs} tabs=${tabs} active=${view} onChange=${(/** @type {string} */ id) => setQuery({ view: id })} label=${t('said')} />
    ${view === 'conversation' && html`<${Conversation} asked=${asked} answer=${said} />`}
    ${view === 'request' && html`<${Headers} headers=${recording.request_headers} /><${BodyView} body=${request} dialect=${dialect} />`}
    ${view === 'answer' && html`<${Headers} headers=${recording.answer_headers} /><${BodyView} body=${answer} dialect=${dialect} />`}
    ${tried && html`<p class="wrap"><code translate="no">${tried.method} ${tried.url}</code></p>
      <h3>${t('viewRequest')}</h3><${Headers} headers=${tried.request_headers} />${tried.request ? html`<${BodyView} body=${tried.request} dialect=${tried.dialect} />` : html`<p class="soft">${t('asClient')}</p>`}
      <h3>${t('viewAnswer')} <span class="soft numbers">${tried.status ?? ''}</span></h3><${Headers} headers=${tried.reply_headers} /><${BodyView} body=${tried.reply} dialect=${tried.dialect} key=${tried.number} />`}`;
}

/** @param {{headers: Record<string, string>}} given */
function Headers({ headers }) {
  const rows = Object.entries(headers);
  if (rows.length === 0) return null;
  return html`<details><summary class="soft small">${t('headers')} <span class="numbers">${rows.length}</span></summary><dl class="facts small" translate="no">${rows.map(([name, value]) => html`<dt><code>${name}</code></dt><dd><code>${value}</code></dd>`)}</dl></details>`;
}

/** A body as what it is: a stream, JSON, text, or bytes. @param {{body: Body, dialect: string}} given */
function BodyView({ body, dialect }) {
  const value = useMemo(() => (body.text === null ? undefined : parsed(body.text)), [body]);
  return html`<div class="column">${body.cut && html`<${Notice} tone="warn" text=${t('cut', { kept: bytes(body.kept), size: bytes(body.size) })} />`}
    ${body.frames ? html`<${Timeline} frames=${body.frames} dialect=${dialect} />` : value !== undefined ? html`<${JsonTree} value=${value} open=${3} />`
      : body.text ? html`<${Code} text=${body.text} />` : html`<p class="soft">${body.base64 ? t('binary', { size: bytes(body.size) }) : t('bodyEmpty')}</p>`}</div>`;
}

/** Why nothing was recorded, and how something is. */
function NotRecorded() {
  const { data: settings, error, etag } = useData('/api/settings');
  const recording = settings?.in_force?.recording;
  const stored = settings?.values?.recording ?? null;
  const mode = recording?.mode ?? 'off';
  const set = async (/** @type {'errors' | 'all'} */ next) => {
    try {
      await patch('/api/settings', { recording: { ...stored, mode: next } }, { etag });
      await forget('/api/settings');
      say(t('recordOn', { mode: t(`mode_${next}`) }), { undo: () => patch('/api/settings', { recording: stored }).then(() => forget('/api/settings'), tell) });
    } catch (error) {
      tell(error);
    }
  };
  const action = html`${may('administer') && mode !== 'errors' && mode !== 'all' && html`<${Button} onClick=${() => set('errors')}>${t('recordErrors')}<//>`}
    ${may('administer') && mode !== 'all' && html`<${Button} onClick=${() => set('all')}>${t('recordAll')}<//>`}${may('administer') && html`<${Button} tone="quiet" href=${href('settings')}>${t('recordSettings')}<//>`}`;
  const text = html`${mode === 'off' ? t('notRecordedOff') : t('notRecordedOther', { mode: t(`mode_${/** @type {'all'} */ (mode)}`) })}${recording?.days && html` ${t('recordPrivacy', { days: recording.days })}`}`;
  return html`<${Section} title=${t('said')}>${settings || error ? html`<${Empty} title=${t('notRecorded')} text=${text} action=${action} />` : html`<${Skeleton} lines=${3} />`}<//>`;
}
