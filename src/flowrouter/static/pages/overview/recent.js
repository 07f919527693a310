/**
 * The newest requests, kept up by the live stream: taken in once per frame, never more than so many.
 */

import { useSettled } from '../../core/live.js';
import { useData } from '../../core/resource.js';
import { batch, useCallback, useEffect, useRef, useSignal } from '../../core/ui.js';

const KEPT = 60;
const FLUSH_MS = 100;
const RATE_SECONDS = 10;

/**
 * @typedef {object} Recent
 * @property {import('../../vendor/signals.js').Signal<any[]>} rows Newest first.
 * @property {import('../../vendor/signals.js').Signal<number>} rate Requests a second, of late.
 * @property {import('../../vendor/signals.js').Signal<number>} total Settled since the page was opened.
 * @property {boolean} ready
 * @property {any} error
 */

/** @param {(batch: any[]) => void} [heard] Told of each batch at once. @returns {Recent} */
export function useRecent(heard) {
  const rows = useSignal(/** @type {any[]} */ ([]));
  const rate = useSignal(0);
  const total = useSignal(0);
  const { data, error } = useData('/api/requests', { limit: KEPT });
  const waiting = useRef({ rows: /** @type {any[]} */ ([]), count: 0, frame: 0, last: 0 });
  const seconds = useRef(/** @type {number[]} */ (Array(RATE_SECONDS).fill(0)));

  const flush = useCallback(() => {
    const mine = waiting.current;
    mine.frame = 0;
    if (performance.now() - mine.last < FLUSH_MS) {
      mine.frame = requestAnimationFrame(flush);
      return;
    }
    mine.last = performance.now();
    batch(() => {
      rows.value = merged(mine.rows, rows.value);
      total.value += mine.count;
    });
    mine.rows = [];
    mine.count = 0;
  }, []);

  useSettled(
    useCallback((/** @type {any[]} */ settled) => {
      const mine = waiting.current;
      mine.count += settled.length;
      mine.rows = [...settled.slice(-KEPT).reverse(), ...mine.rows].slice(0, KEPT);
      seconds.current[0] = (seconds.current[0] ?? 0) + settled.filter(({ ts_ms: at, duration_ms: took }) => Date.now() - at - (took ?? 0) < 15_000).length;
      mine.frame ||= requestAnimationFrame(flush);
      heard?.(settled);
    }, [heard]),
  );

  useEffect(() => {
    if (data) rows.value = merged(rows.peek(), data);
  }, [data]);

  useEffect(() => {
    const timer = setInterval(() => {
      const sum = seconds.current.reduce((all, one) => all + one, 0);
      rate.value = sum / RATE_SECONDS;
      seconds.current = [0, ...seconds.current.slice(0, RATE_SECONDS - 1)];
    }, 1000);
    return () => {
      clearInterval(timer);
      cancelAnimationFrame(waiting.current.frame);
      waiting.current.frame = 0;
    };
  }, []);
  return { rows, rate, total, ready: data !== undefined, error };
}

/** Put newer rows before older ones, each once. @param {any[]} newer @param {any[]} older */
function merged(newer, older) {
  const seen = new Set(newer.map(({ id }) => id));
  return [...newer, ...older.filter(({ id }) => !seen.has(id))].slice(0, KEPT);
}
