/**
 * A recorded stream on its own time: every event a tick, a scrubber over them, and the answer as it stood then.
 */

import { count, millis } from '../../core/format.js';
import { html, useEffect, useMemo, useState } from '../../core/ui.js';
import { Button } from '../../parts/forms.js';
import { JsonTree } from '../../parts/json.js';
import { t } from '../../strings/requests.js';
import { Said } from './conversation.js';
import { readStream } from './reading.js';
import { framesOf } from './reading-streams.js';
import { ticksOf } from './waterfall.js';

const LONGEST_PAUSE_MS = 1_200;
const SHORTEST_STEP_MS = 16;

/** @param {{frames: {at_ms: number, text: string}[], dialect: string}} given */
export function Timeline({ frames, dialect }) {
  const events = useMemo(() => framesOf(frames), [frames]);
  const [at, setAt] = useState(events.length - 1);
  const [playing, setPlaying] = useState(false);
  const last = events.length - 1;
  const now = events[at];
  const before = events[at - 1];
  useEffect(() => {
    if (!playing) return undefined;
    const next = events[at + 1];
    if (!next || !now) {
      setPlaying(false);
      return undefined;
    }
    const timer = setTimeout(() => setAt(at + 1), Math.max(SHORTEST_STEP_MS, Math.min(LONGEST_PAUSE_MS, next.at - now.at)));
    return () => clearTimeout(timer);
  }, [playing, at]);
  const answer = useMemo(() => readStream(dialect, events.slice(0, at + 1).map(({ json }) => json)), [events, at, dialect]);
  if (!now) return html`<p class="soft">${t('bodyEmpty')}</p>`;
  const play = () => {
    if (!playing && at === last) setAt(0);
    setPlaying(!playing);
  };
  const name = now.event || now.json?.type || (now.data.startsWith(':') ? t('ping') : '');
  return html`<div class="timeline">
    ${(events.at(-1)?.at ?? 0) > (events[0]?.at ?? 0) && html`<${Strip} events=${events} at=${at} onPick=${setAt} />`}
    <div class="row"><${Button} icon=${playing ? 'pause' : 'play'} onClick=${play}>${t(playing ? 'stop' : 'play')}<//>
      <input class="grow" type="range" min="0" max=${last} value=${at} aria-label=${t('scrubber')} aria-valuetext=${`${millis(now.at)}, ${t('eventOf', { n: at + 1, total: events.length })}`}
        onInput=${(/** @type {any} */ event) => { setPlaying(false); setAt(Number(event.target.value)); }} />
      <span class="numbers small timeline-at">${millis(now.at)}</span></div>
    <div class="timeline-both"><section aria-label=${t('sofar')}><h3 class="small soft">${t('sofar')}</h3><${Said} message=${answer} last /></section>
      <section aria-label=${t('event')}><h3 class="small soft row apart"><span>${t('event')} <span class="numbers">${t('eventOf', { n: count(at + 1), total: count(events.length) })}</span></span>${before && html`<span class="numbers">${t('after', { gap: millis(now.at - before.at) })}</span>`}</h3>
        ${name && html`<p><code translate="no">${name}</code></p>`}
        ${now.json === undefined ? html`<pre class="words wrap" translate="no">${now.data}</pre>` : html`<${JsonTree} value=${now.json} open=${3} />`}</section></div></div>`;
}

/** All events as ticks; a click goes to the nearest. @param {{events: import('./reading-streams.js').Frame[], at: number, onPick: (at: number) => void}} given */
function Strip({ events, at, onPick }) {
  const from = events[0]?.at ?? 0;
  const span = Math.max(1, (events.at(-1)?.at ?? 0) - from);
  const x = (/** @type {number} */ ms) => (1000 * (ms - from)) / span;
  const path = useMemo(() => events.map((event) => `M${x(event.at).toFixed(1)} 6V34`).join(''), [events]);
  const pick = (/** @type {any} */ event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const ms = from + (span * (event.clientX - box.left)) / box.width;
    onPick(events.reduce((best, one, index) => (Math.abs(one.at - ms) < Math.abs((events[best]?.at ?? 0) - ms) ? index : best), 0));
  };
  const marks = ticksOf(span).filter((tick) => tick / span < 0.95);
  return html`<div class="timeline-strip"><svg viewBox="0 0 1000 40" preserveAspectRatio="none" aria-hidden="true" onClick=${pick}><path d=${path} vector-effect="non-scaling-stroke" />
      <path class="now" d=${`M${x(events[at]?.at ?? from)} 0V40`} vector-effect="non-scaling-stroke" /></svg>
    <div class="timeline-marks small soft" aria-hidden="true">${marks.map((tick) => html`<span key=${tick} style=${{ left: `${(100 * tick) / span}%` }}>${millis(from + tick)}</span>`)}</div></div>`;
}
