/**
 * A stream of `/api` that comes back by itself, for as long as a component is on show.
 */

import { stream } from './api.js';
import { useEffect, useState } from './ui.js';

const WAITS = [500, 1000, 2000, 5000, 10_000];

/**
 * Follow `path`; null follows nothing. Returns 'live', 'cut' or 'off'. `onEvents` must keep its identity.
 * @param {string | null} path
 * @param {{query?: import('./api.js').Query, onEvents: (events: import('./api.js').StreamEvent[]) => void, silence?: number}} options
 */
export function useStream(path, { query = {}, onEvents, silence = 40_000 }) {
  const [state, setState] = useState(/** @type {'live' | 'cut' | 'off'} */ ('off'));
  const key = JSON.stringify(query);
  useEffect(() => {
    if (path === null) return undefined;
    const mine = new AbortController();
    void (async () => {
      for (let tries = 0; !mine.signal.aborted; tries += 1) {
        const onOpen = () => {
          tries = 0;
          setState('live');
        };
        await stream(path, { query, onEvents, onOpen, silence, signal: mine.signal }).catch(() => undefined);
        if (mine.signal.aborted) return;
        setState('cut');
        await new Promise((resolve) => setTimeout(resolve, WAITS[Math.min(tries, WAITS.length - 1)]));
      }
    })();
    return () => mine.abort();
  }, [path, key, onEvents]);
  return state;
}
