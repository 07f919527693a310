/**
 * What the playground holds: the settings, the draft, the conversation.
 *
 * Settings are kept in the browser, draft and conversation as long as their tab; large pictures are not kept.
 */

import { me } from '../../core/session.js';
import { effect, signal } from '../../core/ui.js';

/** @typedef {import('./dialects/index.js').DialectId} DialectId */
/** @typedef {import('./dialects/shapes.js').Picture} Picture */
/** @typedef {import('./dialects/shapes.js').Result} Result */
/** @typedef {import('./dialects/shapes.js').Said} Said */
/** @typedef {'a' | 'b'} Lane */
/**
 * @typedef {object} Setup
 * @property {DialectId} dialect
 * @property {string} model
 * @property {string} other The target beside it.
 * @property {boolean} compare
 * @property {string} system
 * @property {number | null} temperature
 * @property {number | null} cap
 * @property {import('./dialects/shapes.js').Effort} effort
 * @property {boolean} stream
 * @property {boolean} useTools
 * @property {string} tools
 * @property {string} more
 */
/**
 * @typedef {object} Answer
 * @property {'answer'} kind
 * @property {string} id
 * @property {DialectId} dialect
 * @property {string} model As it was asked for.
 * @property {'waiting' | 'streaming' | 'done' | 'stopped' | 'failed' | 'cut'} state
 * @property {Said} said
 * @property {boolean} stream
 * @property {string | null} requestId
 * @property {string} target
 * @property {string[]} losses
 * @property {number} began
 * @property {number | null} first Milliseconds until something came.
 * @property {number | null} took
 * @property {any} error
 * @property {Record<string, any> | null} row Of the request log, once it is settled.
 * @property {import('../../vendor/signals.js').Signal<number>} version Counts what has changed; what shows the answer hears of it.
 */
/** @typedef {{kind: 'results', id: string, results: Result[]}} Results */
/** @typedef {Answer | Results} Step */
/** @typedef {{id: string, text: string, images: Picture[], lanes: Partial<Record<Lane, Step[]>>}} Exchange */

const SETUP = 'flow-router.playground';
const DRAFT = 'flow-router.playground.draft';
const TALK = 'flow-router.playground.talk';
/** Characters of pictures that a draft may keep; browsers give a page five million. */
const MOST_KEPT = 1_000_000;

export const EXAMPLE_TOOLS = JSON.stringify(
  [{
    name: 'get_weather',
    description: 'Tells the weather of a city now.',
    parameters: { type: 'object', properties: { city: { type: 'string', description: 'Name of the city' } }, required: ['city'] },
  }],
  null, 2,
);

/** @type {Setup} */
const FRESH = {
  dialect: 'openai_chat', model: '', other: '', compare: false, system: '', temperature: null, cap: null,
  effort: '', stream: true, useTools: false, tools: EXAMPLE_TOOLS, more: '',
};

/** @type {import('../../vendor/signals.js').Signal<Setup>} */
export const setup = signal({ ...FRESH });
/** @type {import('../../vendor/signals.js').Signal<{text: string, images: Picture[]}>} */
export const draft = signal({ text: '', images: [] });
/** @type {import('../../vendor/signals.js').Signal<Exchange[]>} */
export const talk = signal([]);

/** @param {Partial<Setup>} changes */
export function change(changes) {
  setup.value = { ...setup.value, ...changes };
}

/** @param {Partial<{text: string, images: Picture[]}>} changes */
export function write(changes) {
  draft.value = { ...draft.value, ...changes };
}

/** Tell that steps were added or have ended. */
export function changed() {
  talk.value = [...talk.value];
}

let last = 0;
/** An id of this page's own. */
export const fresh = () => `${Date.now().toString(36)}${(last += 1).toString(36)}`;

/** What a lane has answered to a turn; one that came later goes on from the first. @param {Exchange} exchange @param {Lane} lane */
export const stepsOf = (exchange, lane) => exchange.lanes[lane] ?? exchange.lanes.a ?? [];

/** @returns {Lane[]} */
export const lanes = () => (setup.value.compare ? ['a', 'b'] : ['a']);

/** The target of a lane. @param {Lane} lane */
export const targetOf = (lane) => (lane === 'a' ? setup.value.model : setup.value.other);

/** @param {Storage} storage @param {string} name @returns {any} */
function kept(storage, name) {
  try {
    const told = JSON.parse(storage.getItem(name) ?? 'null');
    return told?.who === (me.peek()?.name ?? '') ? told : null;
  } catch {
    return null;
  }
}

/** @param {Storage} storage @param {string} name @param {any} value */
function keep(storage, name, value) {
  try {
    storage.setItem(name, JSON.stringify({ who: whose, ...value }));
  } catch {
    // There is no room for it: then it ends with the page.
  }
}

/** @param {Picture[]} images */
const small = (images) => (images.reduce((sum, { url }) => sum + url.length, 0) > MOST_KEPT ? [] : images);

/** @param {any} step @returns {Step} */
const revived = (step) =>
  step.kind === 'results' ? step : { ...step, version: signal(0), state: /waiting|streaming/.test(step.state) ? 'stopped' : step.state };

let whose = '';

/** Take up what was left by whoever is signed in. */
export function begin() {
  const name = me.peek()?.name ?? '';
  if (whose === name) return;
  whose = name;
  setup.value = { ...FRESH, ...kept(localStorage, SETUP)?.setup };
  draft.value = kept(sessionStorage, DRAFT)?.draft ?? { text: '', images: [] };
  const said = kept(sessionStorage, TALK)?.talk ?? [];
  talk.value = said.map((/** @type {any} */ exchange) => ({
    ...exchange, lanes: Object.fromEntries(Object.entries(exchange.lanes).map(([lane, steps]) => [lane, /** @type {any[]} */ (steps).map(revived)])),
  }));
}

function store() {
  timer = 0;
  if (!whose) return;
  keep(localStorage, SETUP, { setup: setup.peek() });
  keep(sessionStorage, DRAFT, { draft: { text: draft.peek().text, images: small(draft.peek().images) } });
}

let timer = 0;
effect(() => {
  void [setup.value, draft.value];
  if (whose) timer ||= setTimeout(store, 150);
});
effect(() => {
  const said = talk.value.map((exchange) => ({ ...exchange, images: small(exchange.images) }));
  if (whose) keep(sessionStorage, TALK, { talk: said });
});
addEventListener('pagehide', store);
