/**
 * The request as it stands, in all four dialects side by side, with what gets lost marked where it falls.
 */

import { post } from '../../core/api.js';
import { html, useEffect, useState } from '../../core/ui.js';
import { Chip, Copy } from '../../parts/bits.js';
import { Notice, Problem, Skeleton } from '../../parts/feedback.js';
import { t } from '../../strings/playground.js';
import { align, placesOf, written } from './alignment.js';
import { present } from './asking.js';
import { DIALECTS, IDS, bodyOf } from './dialects/index.js';
import { setup } from './store.js';

/** @typedef {import('./dialects/index.js').DialectId} DialectId */
/** @typedef {import('./alignment.js').Loss} Loss */
/** @typedef {import('./alignment.js').Row} Row */
/** @typedef {{body: any, losses: Loss[], error: any}} Column */
/** @typedef {{account: string, dialect: DialectId, lane: string, preset: string, model: string}} Target */
/** @typedef {{source: DialectId, columns: Record<DialectId, Column>, target: Target | null}} View */

const PAUSE_MS = 250;

/** @param {{message: string, param: string | null, status: number}} error @returns {Loss} */
const refused = ({ message, param }) => ({ path: param ?? '', kind: 'refused', reason: message });

/** Ask for the request in the other dialects. @param {DialectId} source @param {string} model @param {any} body @returns {Promise<View>} */
async function translated(source, model, body) {
  const target = await targetOf(source, model, body);
  const others = IDS.filter((id) => id !== source).map(async (to) => {
    const asked = target?.dialect === to ? { preset: target.preset, model: target.model } : source === 'gemini' ? { model } : {};
    try {
      const { data } = await post('/api/translate', { from: source, to, body, kind: 'request', ...asked });
      return [to, { body: data.body, losses: data.losses, error: null }];
    } catch (error) {
      return [to, { body: null, losses: [], error }];
    }
  });
  return { source, target, columns: { ...Object.fromEntries(await Promise.all(others)), [source]: { body, losses: [], error: null } } };
}

/** Who would be asked first. @param {DialectId} dialect @param {string} model @param {any} body @returns {Promise<Target | null>} */
async function targetOf(dialect, model, body) {
  try {
    const { data } = await post('/api/plan', { dialect, body, ...(model ? { model } : {}) });
    return data.targets[0] ?? null;
  } catch {
    return null;
  }
}

export function TranslateView() {
  const { dialect } = setup.value;
  const ask = present('a', t('example'));
  const body = bodyOf(dialect, ask);
  const text = JSON.stringify(body);
  const [view, setView] = useState(/** @type {View | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  useEffect(() => {
    let late = false;
    const timer = setTimeout(async () => {
      try {
        const made = await translated(dialect, ask.model, body);
        if (late) return;
        setView(made);
        setError(null);
      } catch (failed) {
        if (!late) setError(failed);
      }
    }, view ? PAUSE_MS : 0);
    return () => {
      late = true;
      clearTimeout(timer);
    };
  }, [text, dialect]);
  if (error) return html`<${Problem} error=${error} />`;
  if (view === null) return html`<${Skeleton} lines=${8} height=${18} />`;
  return html`<p class="soft">${t('asLead')}</p><${Columns} view=${view} />`;
}

/** @param {{view: View}} given */
function Columns({ view }) {
  const { source, columns, target } = view;
  const shown = [source, ...IDS.filter((id) => id !== source)];
  const outlines = Object.fromEntries(shown.filter((id) => columns[id].body).map((id) => [id, DIALECTS[id].nodes(columns[id].body)]));
  const rows = align(source, outlines);
  const told = lossesAt(view, rows);
  return html`${shown.map((id) => columns[id].error && unplaced(view, rows, id).length > 0 && html`<${Notice} key=${id} tone="bad" title=${t('refusedBy', { dialect: t(id) })} text=${columns[id].error.message} data />`)}
    <div class="play-columns" role="region" aria-label=${t('view_as')} tabindex="0"><table>
    <thead><tr><th class="play-what"><span class="hidden">${t('piece')}</span></th>${shown.map((id) => html`<th key=${id} scope="col"><${Head} id=${id} column=${columns[id]} source=${source} target=${target} /></th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<${Piece} key=${row.key} ...${{ row, shown, columns, losses: told.get(row) ?? NONE }} />`)}
      ${shown.some((id) => unplaced(view, rows, id).length > 0) && html`<tr><th scope="row" class="play-what soft">${t('elsewhere')}</th>${shown.map((id) => html`<td key=${id}>${unplaced(view, rows, id).map((loss, index) => html`<${LossNote} key=${index} loss=${loss} />`)}</td>`)}</tr>`}</tbody></table></div>`;
}

/** @type {{to: DialectId, loss: Loss}[]} */
const NONE = [];
/** Lines of a piece that are shown at first. */
const TALL = 14;

/** One piece of the request in all dialects. @param {{row: Row, shown: DialectId[], columns: Record<DialectId, Column>, losses: {to: DialectId, loss: Loss}[]}} given */
function Piece({ row, shown, columns, losses }) {
  const [open, setOpen] = useState(false);
  const tall = Object.values(row.cells).some((nodes) => nodes.some((node) => written(node).split('\n').length > TALL));
  return html`<tr class=${tall && !open ? 'tall' : undefined}><th scope="row" class="play-what soft">${labelOf(row)}${tall && html`<button type="button" class="button quiet" aria-expanded=${open} onClick=${() => setOpen(!open)}>${t(open ? 'less' : 'all')}</button>`}</th>
    ${shown.map((id) => {
      const mine = losses.filter(({ to }) => to === id);
      const empty = columns[id].error || (mine.length > 0 && !row.cells[id]);
      return html`<td key=${id}>${!empty && html`<${Cell} row=${row} id=${id} />`}${mine.map(({ loss }, index) => html`<${LossNote} key=${index} loss=${loss} />`)}</td>`;
    })}</tr>`;
}

/** @param {View} view @param {DialectId} id @returns {Loss[]} */
const lossesOf = ({ columns }, id) => (columns[id].error ? [refused(columns[id].error)] : columns[id].losses);

/** @param {View} view @param {Row[]} rows @param {DialectId} id */
const unplaced = (view, rows, id) => lossesOf(view, id).filter((loss) => placesOf(rows, view.source, id, loss.path).length === 0 || loss.path === '');

/** @param {View} view @param {Row[]} rows */
function lossesAt(view, rows) {
  /** @type {Map<Row, {to: DialectId, loss: Loss}[]>} */
  const told = new Map();
  for (const to of IDS) {
    for (const loss of lossesOf(view, to)) {
      if (loss.path === '') continue;
      for (const row of placesOf(rows, view.source, to, loss.path)) told.set(row, [...(told.get(row) ?? []), { to, loss }]);
    }
  }
  return told;
}

/** @param {{id: DialectId, column: Column, source: DialectId, target: Target | null}} given */
function Head({ id, column, source, target }) {
  const mine = target?.dialect === id ? target : null;
  return html`<div class="row"><span class="strong cut">${t(id)}</span><span class="grow"></span>${column.body && html`<${Copy} text=${JSON.stringify(column.body, null, 2)} />`}</div>
    <div class="row wraps">${id === source ? html`<${Chip} tone="accent">${t('asWritten')}<//>` : column.error ? html`<${Chip} tone="bad">${t('refused')}<//>` : column.losses.length
      ? html`<${Chip} tone="warn">${t('lossCount', { n: column.losses.length })}<//>` : html`<${Chip} tone="ok">${t('lossless')}<//>`}
      ${mine && html`<${Chip} tone="info" title=${t('sentToLong', { account: mine.account, model: mine.model })}>${t.rich('sentTo', { account: html`<span translate="no">${mine.account}</span>` })}<//>`}</div>`;
}

/** @param {{row: Row, id: DialectId}} given */
function Cell({ row, id }) {
  const nodes = row.cells[id];
  if (!nodes) return html`<span class="soft small">${id === 'gemini' && (row.kind === 'model' || row.kind === 'stream') ? t('inAddress') : '—'}</span>`;
  return nodes.map((node) => html`<div class="play-node" key=${node.path}><span class="soft" translate="no">${node.path}</span><pre translate="no">${written(node)}</pre></div>`);
}

const TONES = { dropped: 'warn', refused: 'bad', changed: 'info', emulated: 'info' };
const KINDS = /** @type {const} */ (['dropped', 'changed', 'emulated', 'refused']);

/** @param {{loss: Loss}} given */
function LossNote({ loss }) {
  const kind = KINDS.find((name) => name === loss.kind) ?? 'changed';
  return html`<p class=${`play-loss ${TONES[kind]}`}><${Chip} tone=${TONES[kind]}>${t(`loss_${kind}`)}<//> ${!loss.reason.startsWith(loss.path) && html`<code translate="no">${loss.path}</code>: `}<span translate="no">${loss.reason}</span></p>`;
}

const LABELS = /** @type {const} */ (['model', 'system', 'temperature', 'cap', 'effort', 'stream']);
const SPOKEN = /** @type {const} */ (['user', 'assistant', 'thinking', 'image', 'call', 'result', 'tool', 'part']);

/** @param {Row} row */
function labelOf({ kind, key }) {
  const known = LABELS.find((name) => name === kind) ?? SPOKEN.find((name) => `${name}:` === kind);
  return known ? t(`row_${known}`) : html`<code translate="no">${key}</code>`;
}
