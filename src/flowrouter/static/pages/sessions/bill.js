/**
 * One session: the sentence that explains its bill, the strip of its turns, and the turns in numbers.
 */

import { compact, count, duration, millis, moment, money, percent, timeOf } from '../../core/format.js';
import { useKeys } from '../../core/keys.js';
import { useSoonAfter } from '../../core/live.js';
import { useData } from '../../core/resource.js';
import { go, href } from '../../core/router.js';
import { html, useCallback, useEffect, useMemo, useState } from '../../core/ui.js';
import { Copy, Stat, Time } from '../../parts/bits.js';
import { Empty, Problem, Skeleton } from '../../parts/feedback.js';
import { Button } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Page, Section } from '../../parts/page.js';
import { Table } from '../../parts/table.js';
import { t } from '../../strings/sessions.js';
import { Share } from './list.js';
import { Strip } from './strip.js';

/** @typedef {Record<string, any>} Turn A line of the bill, with the request's row where it was found. */

const BREATH_MS = 1_500;
const keyOf = (/** @type {Turn} */ turn) => turn['id'];
const linkTo = (/** @type {Turn} */ turn) => href(`requests/${turn['id']}`);

/** All that a turn read. @param {Turn} turn */
export const readOf = (turn) => turn['fresh_tokens'] + turn['cached_tokens'];

/** @param {Turn} turn */
export const failed = (turn) => turn['row']?.outcome === 'error' || (readOf(turn) === 0 && turn['output_tokens'] === 0);

/** @param {{id: string}} given */
export function SessionBill({ id }) {
  const { data: bill, error, reload } = useData(`/api/usage/sessions/${encodeURIComponent(id)}`);
  const rows = useData('/api/requests', { session: id, limit: 200 });
  useEffect(() => scrollTo(0, 0), []);
  const mine = useCallback((/** @type {any[]} */ batch) => batch.some((row) => row['session_id'] === id), [id]);
  useSoonAfter(() => Promise.all([reload(), rows.reload()]), BREATH_MS, mine);
  useKeys({ Escape: () => go('sessions') });
  const turns = useMemo(() => {
    const known = new Map((rows.data ?? []).map((/** @type {any} */ row) => [row.id, row]));
    return (bill?.lines ?? []).map((/** @type {Turn} */ line) => ({ ...line, row: known.get(line['id']) }));
  }, [bill, rows.data]);
  const up = html`<nav class="row request-back"><a class="row" href=${href('sessions')}><${Icon} name="left" size=${14} />${t('back')}</a></nav>`;
  const actions = html`<${Copy} text=${id} /><${Button} icon="requests" href=${href('requests', { session: id })}>${t('allRequests')}<//>`;
  return html`<${Page} title=${id} data back=${up} lead=${turns.length > 0 && html`<${Began} turns=${turns} />`} actions=${actions}>
    ${error && error.status !== 404 && html`<${Problem} error=${error} retry=${reload} />`}${error?.status === 404 && html`<${Empty} title=${t('noTurns')} />`}
    ${!bill ? !error && html`<${Skeleton} lines=${8} height=${18} />` : turns.length === 0 ? html`<${Empty} title=${t('noTurns')} />` : html`<${Whole} bill=${bill} turns=${turns} />`}<//>`;
}

/** @param {{bill: Record<string, any>, turns: Turn[]}} given */
function Whole({ bill, turns }) {
  const [at, setAt] = useState(/** @type {string | null} */ (null));
  const columns = useMemo(() => columnsOf(turns), [turns]);
  const shown = at ?? turns.at(-1)?.['id'] ?? null;
  return html`<p class="sentence" translate="no">${bill['sentence']}</p><${Figures} bill=${bill} turns=${turns} />
    <${Section} card title=${t('story')} lead=${t('storyLead')}><${Strip} turns=${turns} at=${shown} onPoint=${setAt} onOpen=${(/** @type {string} */ id) => go(`requests/${id}`)} /><//>
    <${Tools} bill=${bill} />
    <${Section} title=${t('turns')}><${Table} id="turns" label=${t('turns')} columns=${columns} rows=${turns} keyOf=${keyOf} onOpen=${(/** @type {Turn} */ turn) => go(`requests/${turn['id']}`)} hrefOf=${linkTo}
      tone=${(/** @type {Turn} */ turn) => (failed(turn) ? 'bad' : turn['missed_tokens'] ? 'warn' : undefined)} card=${card} primary /><//>`;
}

/** @param {{bill: Record<string, any>, turns: Turn[]}} given */
function Figures({ bill, turns }) {
  const sum = (/** @type {string} */ name) => turns.reduce((total, turn) => total + turn[name], 0);
  const input = sum('fresh_tokens') + sum('cached_tokens');
  const largest = turns.reduce((best, turn) => (readOf(turn) > readOf(best) ? turn : best), /** @type {Turn} */ (turns[0]));
  const first = turns[0]?.['ts_ms'];
  const last = turns.at(-1);
  const unknown = bill['charge_unknown'];
  return html`<div class="request-figures">
    <${Stat} label=${t('cost')} value=${`${unknown ? '≥ ' : ''}${money(bill['charge_pusd'])}`} hint=${unknown ? t('unknownPart', { n: unknown }) : t('perTurn', { money: money(bill['charge_pusd'] / turns.length) })} />
    <${Stat} label=${t('turns')} value=${count(turns.length)} hint=${duration((last?.['ts_ms'] ?? 0) + (last?.['row']?.duration_ms ?? 0) - first)} />
    <${Stat} label=${t('cached')} value=${input ? percent(Math.round((1000 * sum('cached_tokens')) / input) / 1000) : '—'} hint=${t('ofInput')} />
    <${Stat} label=${t('missed')} value=${money(bill['missed_pusd'])} hint=${t('missedHint')} tone=${bill['missed_pusd'] > 0 ? 'warn' : undefined} />
    <${Stat} label=${t('biggest')} value=${compact(readOf(largest))} hint=${t('biggestHint', { n: largest['number'] })} />
  </div>`;
}

/** Who ran it, and when it began. @param {{turns: Turn[]}} given */
function Began({ turns }) {
  const client = turns.at(-1)?.['row']?.client;
  return html`<span>${client && html`<span translate="no">${client}</span> · `}<span data-text>${t.rich('began', { when: html`<${Time} at=${turns[0]?.['ts_ms']} />` })}</span></span>`;
}

/** What reading the results of each tool cost. @param {{bill: Record<string, any>}} given */
function Tools({ bill }) {
  const tools = /** @type {[string, number][]} */ (Object.entries(bill['by_tool']));
  if (tools.length === 0) return null;
  const most = Math.max(...tools.map(([, cost]) => cost), 1);
  return html`<${Section} card title=${t('byTool')}><ul class="by-tool">${tools.slice(0, 12).map(([name, cost]) => html`<li key=${name}><span class="cut" translate="no">${name}</span>
    <span class="share-bar" aria-hidden="true"><span style=${{ width: `${(100 * cost) / most}%` }}></span></span><span class="numbers end">${money(cost)}</span></li>`)}</ul><//>`;
}

/** Why a turn was dear. @param {{turn: Turn}} given */
function Cause({ turn }) {
  const cause = failed(turn) ? 'failed' : turn['cause'];
  const title = turn['missed_tokens'] ? t('missedTokens', { n: count(turn['missed_tokens']) }) : undefined;
  return html`<span class=${cause === 'failed' ? 'bad' : cause === 'cache_miss' ? 'warn' : ''} title=${title}>${t(/** @type {'cause_tool'} */ (`cause_${cause}`))}</span>`;
}

/** @param {Turn[]} turns @returns {import('../../parts/table-columns.js').Column<Turn>[]} */
function columnsOf(turns) {
  const most = Math.max(...turns.map((turn) => turn['charge_pusd'] ?? 0), 1);
  return [
    { id: 'turn', label: t('turn'), width: 68, priority: 1, value: (turn) => turn['number'], render: (turn) => html`<span class="numbers">${turn['number']}</span>` },
    { id: 'time', label: t('time'), width: 96, priority: 2, render: (turn) => html`<time class="numbers" title=${moment(turn['ts_ms'])}>${timeOf(turn['ts_ms'])}</time>` },
    { id: 'model', label: t('models'), width: 140, grow: 2, priority: 3, render: (turn) => html`<span class="cut" translate="no">${turn['model'] ?? '—'}</span>` },
    { id: 'fresh', label: t('input'), width: 90, align: 'right', priority: 2, value: (turn) => turn['fresh_tokens'], render: (turn) => compact(turn['fresh_tokens']) },
    { id: 'hits', label: t('fromCache'), width: 126, align: 'right', priority: 2, value: (turn) => turn['cached_tokens'], render: (turn) => compact(turn['cached_tokens']) },
    { id: 'cached', label: t('cached'), width: 118, align: 'right', priority: 3, value: (turn) => shareOf(turn), render: (turn) => html`<${Share} share=${shareOf(turn)} />` },
    { id: 'output', label: t('output'), width: 80, align: 'right', priority: 3, value: (turn) => turn['output_tokens'], render: (turn) => compact(turn['output_tokens']) },
    { id: 'duration', label: t('lasted'), width: 80, align: 'right', priority: 4, value: (turn) => turn['row']?.duration_ms, render: (turn) => millis(turn['row']?.duration_ms) },
    { id: 'tool', label: t('tool'), width: 110, grow: 1, priority: 4, render: (turn) => html`<span class="cut" translate="no">${turn['tool'] ?? ''}</span>` },
    { id: 'cause', label: t('cause'), width: 112, priority: 2, render: (turn) => html`<${Cause} turn=${turn} />` },
    { id: 'cost', label: t('cost'), width: 128, align: 'right', priority: 1, value: (turn) => turn['charge_pusd'],
      render: (turn) => html`<span class="share wide"><span class="share-bar" aria-hidden="true"><span style=${{ width: `${(100 * (turn['charge_pusd'] ?? 0)) / most}%` }}></span></span><span class="numbers">${money(turn['charge_pusd'])}</span></span>` },
  ];
}

/** @param {Turn} turn */
const shareOf = (turn) => (readOf(turn) ? turn['cached_tokens'] / readOf(turn) : null);

/** @param {Turn} turn */
const card = (turn) => html`<div class="row apart"><span class="strong">${t('turnN', { n: turn['number'] })}</span><span class="numbers">${money(turn['charge_pusd'])}</span></div>
  <div class="row apart soft small"><span class="row"><${Time} at=${turn['ts_ms']} /><${Cause} turn=${turn} /></span><${Share} share=${shareOf(turn)} /></div>`;
