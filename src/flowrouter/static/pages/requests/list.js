/**
 * The list of requests: filters in the address, the newest arriving at the top while the top is in view.
 */

import { address } from '../../core/api.js';
import { useKeys, useLegend } from '../../core/keys.js';
import { go, href, setQuery } from '../../core/router.js';
import { say } from '../../core/toast.js';
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../../core/ui.js';
import { copyText } from '../../parts/bits.js';
import { Empty, Problem } from '../../parts/feedback.js';
import { Filters } from '../../parts/filters.js';
import { Button } from '../../parts/forms.js';
import { Page } from '../../parts/page.js';
import { Table } from '../../parts/table.js';
import { scrollerOf } from '../../parts/table-window.js';
import { t } from '../../strings/requests.js';
import { cardOf, columnsOf } from './columns.js';
import { Compared } from './compare.js';
import { useFields } from './fields.js';
import { useNames } from './names.js';
import { asked } from './rows.js';

/** @typedef {import('./rows.js').Row} Row */

const TOP_PX = 140;
const keyOf = (/** @type {Row} */ row) => row['id'];
const linkTo = (/** @type {Row} */ row) => href(`requests/${row['id']}`);
const toneOf = (/** @type {Row} */ row) => /** @type {'bad' | 'warn' | undefined} */ ({ error: 'bad', partial: 'warn' }[/** @type {string} */ (row['outcome'])]);

/** @param {{query: Record<string, string>, log: import('./rows.js').Log}} given */
export function RequestList({ query, log }) {
  const names = useNames();
  const fields = useFields(names);
  const [selected, setSelected] = useState(/** @type {Set<string>} */ (new Set()));
  const [comparing, setComparing] = useState(false);
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  log.accounts = names.accounts;
  useScroll(log, box);
  useEffect(() => {
    void log.show(query);
    setSelected(new Set());
  }, [JSON.stringify(query)]);
  const toggle = () => {
    log.paused.value = !log.paused.value;
    if (!log.paused.value && log.atTop()) log.letIn();
  };
  useKeys({ p: toggle, n: () => news(log) });
  useLegend([{ keys: 'p', text: `${t('pause')}, ${t('resume')}` }, { keys: 'n', text: t('freshLong') }]);
  const columns = useMemo(() => columnsOf(names), [names]);
  const card = useMemo(() => cardOf(names), [names]);
  const known = [...fields.map(({ id }) => id), 'since', 'until'];
  const filtered = known.some((name) => query[name]);
  const clear = () => setQuery(Object.fromEntries(known.map((name) => [name, null])));
  const empty = html`<${Empty} title=${t('none')} text=${t('noneText')} action=${html`<${Button} onClick=${clear}>${t('clear')}<//>`} />`;
  const nothing = !filtered && !log.loading.value && !log.error.value && log.rows.value.length === 0;
  return html`<${Page} title=${t('title')} lead=${t('lead')} actions=${html`<${Actions} log=${log} onPause=${toggle} query=${query} />`}>
    ${!nothing && html`<${Filters} fields=${fields} values=${query} onChange=${setQuery} />`}
    ${log.error.value && html`<${Problem} error=${log.error.value} retry=${() => log.reload()} />`}
    <div class="requests" ref=${box}>${selected.size > 0 && html`<${Chosen} selected=${selected} onClear=${() => setSelected(new Set())} onCompare=${() => setComparing(true)} />`}
      <${Fresh} log=${log} />
      ${nothing ? html`<${Nothing} />` : html`<${Table} id="requests" label=${t('list')} columns=${columns} rows=${log.rows.value} keyOf=${keyOf} onOpen=${(/** @type {Row} */ row) => go(`requests/${row['id']}`)} hrefOf=${linkTo}
        onMore=${() => log.onward()} more=${log.more.value} loading=${log.loading.value} empty=${log.error.value ? null : empty} selected=${selected} onSelect=${setSelected} card=${card} tone=${toneOf} primary />`}</div>
    ${comparing && html`<${Compared} ids=${[...selected]} onClose=${() => setComparing(false)} />`}<//>`;
}

/** Show what was held back, from the top. @param {import('./rows.js').Log} log */
function news(log) {
  if (log.held.value === 0) return;
  scrollTo(0, 0);
  log.letIn();
}

/** Tell the log whether its top is seen; come back to where it was left. @param {import('./rows.js').Log} log @param {{current: HTMLElement | null}} box */
function useScroll(log, box) {
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const scroller = scrollerOf(element);
    const above = log.scrolled;
    if (above > 0) requestAnimationFrame(() => (scroller.scrollTop = above));
    log.atTop = () => scroller.scrollTop < TOP_PX;
    const moved = () => {
      log.scrolled = scroller.scrollTop;
      if (log.atTop() && !log.paused.peek() && log.held.peek() > 0) log.letIn();
    };
    addEventListener('scroll', moved, { passive: true });
    return () => {
      removeEventListener('scroll', moved);
      log.atTop = () => false;
    };
  }, []);
}

/** The button with the number of rows held back. @param {{log: import('./rows.js').Log}} given */
function Fresh({ log }) {
  const n = log.held.value;
  return html`<div class="news" aria-live="polite">${n > 0 && html`<button type="button" class="news-pill" title=${t('freshLong')} onClick=${() => news(log)}>↑ ${t('fresh', { n })}</button>`}</div>`;
}

/** @param {{log: import('./rows.js').Log, onPause: () => void, query: Record<string, string>}} given */
function Actions({ log, onPause, query }) {
  const paused = log.paused.value;
  const link = () => (location.href = address('/api/requests.csv', asked(query)));
  return html`<${Button} tone="quiet" icon=${paused ? 'play' : 'pause'} pressed=${paused} title=${t(paused ? 'resumeLong' : 'pauseLong')} onClick=${onPause}>${t(paused ? 'resume' : 'pause')}<//>
    <${Button} tone="quiet" icon="download" title=${t('csvLong')} onClick=${link}>${t('csv')}<//>`;
}

/** @param {{selected: Set<string>, onClear: () => void, onCompare: () => void}} given */
function Chosen({ selected, onClear, onCompare }) {
  const copy = async () => {
    await copyText([...selected].join('\n'));
    say(t('copied'));
  };
  return html`<div class="chosen row" role="toolbar" aria-label=${t('chosen', { n: selected.size })}><span class="strong">${t('chosen', { n: selected.size })}</span><span class="grow"></span>
    <${Button} icon="copy" onClick=${copy}>${t('copyIds')}<//><${Button} disabled=${selected.size !== 2} title=${t('compareLong')} onClick=${onCompare}>${t('compare')}<//>
    <${Button} tone="quiet" onClick=${onClear}>${t('unselect')}<//></div>`;
}

function Nothing() {
  const code = `curl ${location.origin}/v1/chat/completions \\\n  -H "authorization: Bearer $FLOW_ROUTER_KEY" -H 'content-type: application/json' \\\n  -d '{"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}'`;
  return html`<${Empty} title=${t('empty')} text=${t('emptyText')} code=${code} action=${html`<${Button} href=${href('setup')}>${t('emptyAction')}<//>`} />`;
}
