/**
 * The log, live: newest at the foot, followed as long as one stays there.
 */

import { get } from '../core/api.js';
import { useStream } from '../core/follow.js';
import { timeOf } from '../core/format.js';
import { useKeys } from '../core/keys.js';
import { setQuery } from '../core/router.js';
import { html, useCallback, useEffect, useLayoutEffect, useRef, useState } from '../core/ui.js';
import { Empty, Notice, Problem, Skeleton } from '../parts/feedback.js';
import { Button, Select, TextInput } from '../parts/forms.js';
import { Page } from '../parts/page.js';
import { t } from '../strings/logs.js';

const KEPT = 2000;
const LEVELS = /** @type {const} */ (['debug', 'info', 'warning', 'error']);
const NEAR = 40;

/** @param {{route: import('../core/router.js').Route}} given */
export default function Logs({ route }) {
  const level = route.query['level'] ?? 'info';
  const words = route.query['words'] ?? '';
  const log = useLines(level);
  const shown = log.lines?.filter((line) => matches(line, words.toLowerCase()));
  const find = useRef(/** @type {any} */ (null));
  useKeys({ '/': () => find.current?.querySelector('input')?.focus(), p: log.toggle });
  const actions = html`<${Button} icon=${log.paused ? 'play' : 'pause'} onClick=${log.toggle}>${t(log.paused ? 'resume' : 'pause')}<//>
    <${Button} icon="download" disabled=${!shown?.length} onClick=${() => save(shown ?? [])}>${t('download')}<//>`;
  return html`<${Page} title=${t('title')} lead=${t('lead')} actions=${actions}>
    <div class="row wraps logs-tools" ref=${find}><${Select} value=${level} label=${t('level')} onChange=${(/** @type {string} */ value) => setQuery({ level: value })}
        choices=${LEVELS.map((name) => ({ value: name, label: t(name) }))} />
      <${TextInput} type="search" value=${words} label=${t('filter')} placeholder=${t('filter')} onChange=${(/** @type {string} */ value) => setQuery({ words: value })} />
      ${log.waiting > 0 && html`<${Button} tone="primary" onClick=${log.toggle}>${t('paused', { n: log.waiting })}<//>`}</div>
    ${log.state === 'cut' && html`<${Notice} tone="warn" text=${t('cut')} />`}
    ${log.error && html`<${Problem} error=${log.error} />`}
    ${shown ? html`<${Lines} lines=${shown} follow=${!log.paused} none=${log.lines?.length ? t('noMatch') : null} />` : !log.error && html`<${Skeleton} lines=${12} />`}<//>`;
}

/** The lines of a level, kept up to date; while paused new ones wait. @param {string} level */
function useLines(level) {
  const [lines, setLines] = useState(/** @type {any[] | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [paused, setPaused] = useState(false);
  const [waiting, setWaiting] = useState(0);
  const held = useRef(/** @type {any[] | null} */ (null));
  useEffect(() => {
    let current = true;
    setLines(null);
    get('/api/logs', { level, limit: 500 }).then(({ data }) => current && setLines((before) => joined(data.toReversed(), before ?? [])), (failed) => current && setError(failed));
    return () => {
      current = false;
    };
  }, [level]);
  const take = useCallback((/** @type {import('../core/api.js').StreamEvent[]} */ events) => {
    const fresh = events.filter(({ event }) => event === 'line').map(({ data }) => JSON.parse(data));
    if (held.current) {
      held.current.push(...fresh);
      held.current.splice(0, held.current.length - KEPT);
      setWaiting(held.current.length);
    } else setLines((before) => joined(before ?? [], fresh));
  }, []);
  const toggle = () => {
    const late = held.current;
    held.current = late ? null : [];
    if (late) setLines((before) => joined(before ?? [], late));
    setWaiting(0);
    setPaused(!late);
  };
  const state = useStream(error ? null : '/api/logs/stream', { query: { level }, onEvents: take });
  return { lines, error, paused, waiting, toggle, state };
}

/** @param {any[]} before @param {any[]} fresh */
function joined(before, fresh) {
  const known = new Set(before.slice(-200).map(({ id }) => id));
  return [...before, ...fresh.filter(({ id }) => !known.has(id))].slice(-KEPT);
}

/** @param {any} line @param {string} words */
function matches(line, words) {
  return !words || `${line.logger} ${line.message} ${JSON.stringify(line.fields)}`.toLowerCase().includes(words);
}

/** @param {{lines: any[], follow: boolean, none: string | null}} given */
function Lines({ lines, follow, none }) {
  const box = useRef(/** @type {any} */ (null));
  const below = useRef(true);
  useLayoutEffect(() => {
    if (follow && below.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, follow]);
  const scrolled = (/** @type {any} */ { target }) => {
    below.current = target.scrollHeight - target.scrollTop - target.clientHeight < NEAR;
  };
  if (lines.length === 0) return html`<${Empty} title=${t('emptyTitle')} text=${none ?? t('emptyText')} />`;
  return html`<div class="logs" role="log" aria-label=${t('lines')} aria-live="off" tabindex="0" ref=${box} onScroll=${scrolled}>${lines.map((line) => html`<${Line} line=${line} key=${line.id} />`)}</div>`;
}

/** @param {{line: any}} given */
function Line({ line }) {
  const fields = Object.entries(line.fields);
  return html`<p class=${`logs-line ${line.level}`} translate="no"><time title=${new Date(line.ts_ms).toISOString()}>${timeOf(line.ts_ms)}</time><span class="level">${line.level}</span
    ><span class="text">${line.message}${fields.map(([name, value]) => html` <span class="field-name">${name}=</span>${typeof value === 'string' ? value : JSON.stringify(value)}`)}</span><span class="logger">${line.logger}</span></p>`;
}

/** @param {any[]} lines */
function save(lines) {
  const text = lines.map((line) => JSON.stringify(line)).join('\n');
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/x-ndjson' }));
  link.download = 'flow-router-log.jsonl';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
