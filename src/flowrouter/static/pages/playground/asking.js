/**
 * Sending what the playground holds and reading what comes back: once for each lane, drawn once for each frame.
 */

import { ApiError, address, failure, get, send, stream } from '../../core/api.js';
import { onSettled } from '../../core/live.js';
import { me } from '../../core/session.js';
import { batch, effect, signal } from '../../core/ui.js';
import { t } from '../../strings/playground.js';
import { DIALECTS, bodyOf, readTools } from './dialects/index.js';
import { Said, parsed } from './dialects/shapes.js';
import { changed, draft, fresh, lanes, setup, stepsOf, talk, targetOf, write } from './store.js';

/** @typedef {import('./dialects/shapes.js').Turn} Turn */
/** @typedef {import('./dialects/shapes.js').Ask} Ask */
/** @typedef {import('./store.js').Answer} Answer */
/** @typedef {import('./store.js').Exchange} Exchange */
/** @typedef {import('./store.js').Lane} Lane */

/** What is being answered, with what ends it. @type {Map<Answer, AbortController>} */
const running = new Map();
/** How many are being answered. */
export const busy = signal(0);

/** Milliseconds until the request log is asked for a row that nobody told of. */
const ROW_WAIT = 2_500;

/** Begin a turn with the draft, in every lane. */
export function submit() {
  const { text, images } = draft.value;
  if (!text.trim() && images.length === 0) return;
  /** @type {Exchange} */
  const exchange = { id: fresh(), text, images, lanes: Object.fromEntries(lanes().map((lane) => [lane, []])) };
  batch(() => {
    talk.value = [...talk.value, exchange];
    write({ text: '', images: [] });
    for (const lane of lanes()) void answer(exchange, lane);
  });
}

/** Send what the calls of an answer gave, and go on. @param {Exchange} exchange @param {Lane} lane @param {import('./dialects/shapes.js').Result[]} results */
export function sendResults(exchange, lane, results) {
  exchange.lanes[lane] = [...stepsOf(exchange, lane), { kind: 'results', id: fresh(), results }];
  void answer(exchange, lane);
}

/** Ask once more for an answer that failed. @param {Exchange} exchange @param {Lane} lane @param {Answer} failed */
export function again(exchange, lane, failed) {
  exchange.lanes[lane] = stepsOf(exchange, lane).filter((step) => step !== failed);
  void answer(exchange, lane);
}

/** End whatever is being answered. */
export function stop() {
  for (const control of running.values()) control.abort();
}

effect(() => {
  if (me.value === null) stop();
});

/** What is asked now: the conversation with what is being written, or as it was last sent. @param {Lane} lane @param {string} example @returns {Ask} */
export function present(lane, example) {
  const { text, images } = draft.value;
  const before = talk.value.flatMap((exchange) => turnsOf(exchange, lane));
  /** @type {Turn[]} */
  const now = text.trim() || images.length ? [{ role: 'user', text, images }] : [];
  const turns = now.length ? [...before, ...now] : before.length ? before.slice(0, before.findLastIndex(({ role }) => role !== 'assistant') + 1) : [{ role: /** @type {const} */ ('user'), text: example, images: [] }];
  return askOf(lane, turns);
}

/** @param {Lane} lane @param {Turn[]} turns @param {string | null} [style] @returns {Ask} */
function askOf(lane, turns, style = styles.get(targetOf(lane)) ?? null) {
  const { system, temperature, cap, effort, stream: streamed, useTools, tools, more } = setup.value;
  const model = targetOf(lane);
  const own = turns.map((turn) => (turn.role === 'assistant' && turn.raw && turn.raw.model !== model ? { ...turn, raw: null } : turn.role === 'assistant' && turn.raw ? { ...turn, raw: turn.raw.value } : turn));
  return { model, system, temperature, cap, effort, style, stream: streamed, tools: useTools ? toolsOr(tools) : [], more: moreOr(more), turns: own };
}

/** @param {string} text */
function toolsOr(text) {
  try {
    return readTools(text);
  } catch {
    return [];
  }
}

/** @param {string} text @returns {Record<string, any>} */
function moreOr(text) {
  const value = parsed(text || '{}');
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};
}

/** One turn as a lane had it. @param {Exchange} exchange @param {Lane} lane @returns {Turn[]} */
function turnsOf(exchange, lane) {
  /** @type {Turn[]} */
  const turns = [{ role: 'user', text: exchange.text, images: exchange.images }];
  /** @type {import('./dialects/shapes.js').Part[]} */
  let open = [];
  for (const step of [...stepsOf(exchange, lane), null]) {
    if (step?.kind === 'results') {
      turns.push({ role: 'results', results: step.results });
      open = [];
      continue;
    }
    if (open.length) turns.push({ role: 'results', results: open.map(unrun) });
    open = [];
    if (step === null) break;
    const whole = step.state === 'done';
    const parts = step.said.parts.map((part, index) => (part.kind === 'call' && !part.id ? { ...part, id: madeId(step, index) } : part)).filter(({ kind }) => whole || kind !== 'call');
    if (parts.length === 0) continue;
    const raw = whole && step.said.raw && step.dialect === setup.value.dialect ? { model: step.model, value: step.said.raw } : null;
    turns.push({ role: 'assistant', parts, raw });
    open = parts.filter(({ kind }) => kind === 'call');
  }
  return turns;
}

/** A call that nobody answered must be answered all the same. @param {import('./dialects/shapes.js').Part} call */
const unrun = ({ id = '', name = '' }) => ({ id, name, text: 'This call was not run.', failed: true });

/** The id of a call that came without one. @param {Answer} step @param {number} index */
export const madeId = (step, index) => `here_${step.id}_${index}`;

/** How models are told to think, by their names. @type {Map<string, string | null>} */
const styles = new Map();

/** @param {string} model */
async function learnStyle(model) {
  if (styles.has(model) || setup.value.effort === '') return;
  const names = [model, model.slice(model.indexOf('/') + 1)];
  try {
    const { data } = await get('/api/models', { search: names[1], limit: 100 });
    const known = data.find((/** @type {any} */ row) => row.accounts.length > 0 && names.includes(row.id));
    const told = known ? await get(`/api/models/${known.id.split('/').map(encodeURIComponent).join('/')}`) : null;
    styles.set(model, told?.data.accounts?.[0]?.capabilities?.thinking_style ?? null);
  } catch {
    // It is asked again next time; until then the words are those that most models take.
  }
}

/** Answer a turn in a lane. @param {Exchange} exchange @param {Lane} lane */
async function answer(exchange, lane) {
  const { dialect } = setup.value;
  const model = targetOf(lane);
  const streamed = setup.value.stream;
  /** @type {Answer} */
  const step = {
    kind: 'answer', id: fresh(), dialect, model, state: 'waiting', said: new Said(), stream: streamed, requestId: null, target: '', losses: [],
    began: performance.now(), first: null, took: null, error: null, row: null, version: signal(0),
  };
  const before = talk.value.flatMap((one) => turnsOf(one, lane));
  exchange.lanes[lane] = [...stepsOf(exchange, lane), step];
  const control = new AbortController();
  running.set(step, control);
  busy.value = running.size;
  changed();
  const forgetRow = watchRow(step);
  try {
    await learnStyle(model);
    step.began = performance.now();
    await receive(step, askOf(lane, before), control.signal);
    step.state = step.error ? 'failed' : step.said.finish === null ? 'cut' : 'done';
  } catch (error) {
    step.state = control.signal.aborted ? 'stopped' : 'failed';
    step.error = control.signal.aborted ? null : toldOf(error);
    if (error instanceof ApiError && error.requestId) step.requestId = error.requestId;
  }
  step.took = performance.now() - step.began;
  running.delete(step);
  batch(() => {
    busy.value = running.size;
    step.version.value += 1;
    changed();
  });
  forgetRow();
}

/** A failure as it can be kept; what is not the gateway's own is a connection that was lost. @param {any} error */
const toldOf = (error) =>
  error instanceof ApiError
    ? { message: error.message, status: error.status, code: error.code, fix: error.fix }
    : { message: t('lost'), status: 0, code: '', fix: t('lostFix') };

/** @param {Answer} step @param {Ask} ask @param {AbortSignal} signal */
async function receive(step, ask, signal) {
  const dialect = DIALECTS[step.dialect];
  const body = bodyOf(step.dialect, ask);
  const { tried } = dialect.endpoint(ask);
  const path = address(`/api/try/${step.dialect}`, tried);
  const reader = new dialect.Reader();
  step.said = reader.said;
  const draw = perFrame(step);
  /** @param {(any)[]} events */
  const take = (events) => {
    for (const event of events) {
      reader.take(event);
      if (step.first === null && step.said.parts.length) step.first = performance.now() - step.began;
    }
    if (step.said.error) step.error = { ...step.said.error, status: 200, fix: null };
    step.state = 'streaming';
    draw();
  };
  if (ask.stream) {
    await stream(path, {
      method: 'POST', body, signal, onOpen: (response) => head(step, response),
      onEvents: (events) => take(events.map(({ data }) => parsed(data)).filter((event) => event !== null && typeof event === 'object')),
    });
    return;
  }
  const response = await send('POST', path, body, { signal });
  const told = await response.json().catch(() => null);
  if (!response.ok || told === null) throw failure(response, told);
  head(step, response);
  reader.whole(told);
}

/** @param {Answer} step @param {Response} response */
function head(step, { headers }) {
  step.requestId = headers.get('x-request-id');
  step.target = headers.get('x-flowrouter-target') ?? '';
  step.losses = (headers.get('x-flowrouter-losses') ?? '').split(',').map((name) => name.trim()).filter(Boolean);
}

/** Tell of changes at most once in a frame. @param {Answer} step */
function perFrame(step) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      step.version.value += 1;
    });
  };
}

/** Fetch what the request cost, as soon as the log has it; returns what is to be called at the end. @param {Answer} step */
function watchRow(step) {
  /** @param {Record<string, any>} row */
  const put = (row) => {
    step.row = row;
    leave();
    batch(() => {
      step.version.value += 1;
      changed();
    });
  };
  const leave = onSettled((rows) => {
    const row = rows.find(({ id }) => step.requestId !== null && id === step.requestId);
    if (row) put(row);
  });
  return () => {
    const { requestId } = step;
    if (requestId === null) return leave();
    setTimeout(async () => {
      if (step.row === null) await get(`/api/requests/${requestId}`).then(({ data }) => put(data), () => undefined);
      leave();
    }, ROW_WAIT);
  };
}
