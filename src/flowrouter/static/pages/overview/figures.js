/**
 * Today in five figures, each beside yesterday until the same time.
 */

import { compact, count, money, percent } from '../../core/format.js';
import { useSoonAfter } from '../../core/live.js';
import { useData } from '../../core/resource.js';
import { href } from '../../core/router.js';
import { TOKENS, tokensOf } from '../../core/tokens.js';
import { html, useEffect, useRef, useState } from '../../core/ui.js';
import { Money, Stat } from '../../parts/bits.js';
import { Problem, Skeleton } from '../../parts/feedback.js';
import { t } from '../../strings/overview.js';

const DAY_MS = 86_400_000;
const STEP_MS = 600_000;
const RELOAD_MS = 5_000;
const HOURS = 24;
/** Beyond this a share says nothing: yesterday was next to nothing. */
const MUCH = 9.99;

/** The day's bounds where the visitor is; `by` moves every ten minutes. */
function today() {
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  const start = midnight.getTime();
  midnight.setDate(midnight.getDate() - 1);
  const before = midnight.getTime();
  const passed = Date.now() - start;
  return { start, before, by: before + Math.max(STEP_MS, Math.min(DAY_MS, passed - (passed % STEP_MS))) };
}

export function Figures() {
  const [day, setDay] = useState(today);
  useEffect(() => {
    const timer = setInterval(() => setDay((known) => (same(known, today()) ? known : today())), 30_000);
    return () => clearInterval(timer);
  }, []);
  const present = useKept(useData('/api/usage/summary', { since: day.start }, { every: 30_000 }));
  const past = useKept(useData('/api/usage/summary', { since: day.before, until: day.by }));
  const hours = useKept(useData('/api/usage/series', { span: 'hour' }, { every: 120_000 }));
  useSoonAfter(present.reload, RELOAD_MS);
  if (present.error && !present.data) return html`<${Problem} error=${present.error} retry=${present.reload} />`;
  if (!present.data) return html`<div class="today">${[1, 2, 3, 4, 5].map((index) => html`<div key=${index} class="card stat"><${Skeleton} lines=${3} height=${15} /></div>`)}</div>`;
  return html`<${Cards} now=${present.data.now} before=${past.data?.now ?? null} line=${hours.data?.series[0] ?? null} since=${day.start} />`;
}

/** @param {{now: any, before: any, line: any, since: number}} given */
function Cards({ now, before, line, since }) {
  const change = (/** @type {(sums: any) => number | null} */ of) => {
    const [is, was] = [of(now), before ? of(before) : null];
    const share = is === null || was === null || was === 0 ? null : is / was - 1;
    return share === null || share > MUCH ? null : share;
  };
  const hint = (/** @type {(sums: any) => string} */ of) => (before ? html`<span title=${t('yesterdayLong')}>${t('yesterday', { amount: of(before) })}</span>` : '');
  const last = (/** @type {(index: number) => number} */ of) => (line ? line.requests.map((/** @type {number} */ _, /** @type {number} */ index) => of(index)).slice(-HOURS) : []);
  const sum = (/** @type {readonly string[]} */ names) => last((index) => names.reduce((all, name) => all + line[name][index], 0));
  const unknown = now.charge_unknown;
  const why = unknown ? t('unpriced', { n: unknown }) : undefined;
  return html`<div class="today">
    <${Figure} bars=${sum(['charge_pusd'])}><${Stat} label=${t('spent')} value=${html`<${Money} pusd=${now.charge_pusd} estimated=${unknown > 0} why=${why} />`} change=${change((sums) => sums.charge_pusd)} hint=${hint((sums) => money(sums.charge_pusd))} href=${href('usage')} /><//>
    <${Figure} bars=${sum(TOKENS)}><${Stat} label=${t('tokensToday')} value=${compact(tokensOf(now))} change=${change(tokensOf)} hint=${hint((sums) => compact(tokensOf(sums)))} href=${href('usage')} /><//>
    <${Figure} bars=${sum(['requests'])}><${Stat} label=${t('requestsToday')} value=${count(now.requests)} change=${change((sums) => sums.requests)} hint=${hint((sums) => count(sums.requests))} href=${href('requests', { since })} /><//>
    <${Figure} bars=${sum(['errors'])} bad><${Stat} label=${t('errorsToday')} value=${html`${count(now.errors)}${now.requests > 0 && now.errors > 0 && html` <span class="soft today-share">${percent(now.errors / now.requests)}</span>`}`} change=${change((sums) => sums.errors)} good="down" hint=${hint((sums) => count(sums.errors))}
      href=${href('requests', { outcome: 'error', since })} /><//>
    <${Figure} bars=${sum(['cache_read_tokens'])}><${Stat} label=${t('saved')} value=${html`<${Money} pusd=${now.cache_saved_pusd} estimated why=${now.cache_saved_pusd === null ? t('savedUnknown') : t('savedLong')} />`} change=${change((sums) => sums.cache_saved_pusd)} good="up" hint=${hint((sums) => money(sums.cache_saved_pusd))}
      href=${href('usage')} /><//></div>`;
}

/** A figure with its last twenty-four hours as bars. @param {{bars: number[], bad?: boolean, children?: any}} given */
function Figure({ bars, bad = false, children }) {
  const most = Math.max(...bars, 1e-9);
  return html`<div class="today-figure">${children}${bars.length > 0 && html`<svg class=${bad ? 'today-bars bad' : 'today-bars'} viewBox=${`0 0 ${bars.length * 4} 24`} preserveAspectRatio="none" aria-hidden="true">
    ${bars.map((value, index) => html`<rect key=${index} x=${index * 4} y=${24 - Math.max(value > 0 ? 1.5 : 0.6, (value / most) * 24)} width="2.8" height=${Math.max(value > 0 ? 1.5 : 0.6, (value / most) * 24)} />`)}</svg>`}</div>`;
}

/** @param {any} one @param {any} other */
const same = (one, other) => one.start === other.start && one.by === other.by;

/** Keep what was read while another stretch is asked for. @template {{data: any}} T @param {T} state @returns {T} */
function useKept(state) {
  const kept = useRef(/** @type {any} */ (undefined));
  if (state.data !== undefined) kept.current = state.data;
  return { ...state, data: state.data ?? kept.current };
}
