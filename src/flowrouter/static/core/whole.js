/**
 * Lists that are read to their end, page after page, so that they can be searched and sorted on the spot.
 */

import { get } from './api.js';
import { useData } from './resource.js';
import { useEffect, useMemo, useState } from './ui.js';

const PAGE = 200;
const MOST = 20_000;

/**
 * All rows of a list; the first page is there at once, the others as they arrive. Null reads nothing.
 * @param {string | null} path @param {import('./api.js').Query} [query]
 * @returns {{rows: any[] | undefined, loading: boolean, error: any, reload: () => Promise<void>}} `rows` is undefined until anything is known.
 */
export function useWhole(path, query = {}) {
  const first = useData(path, { ...query, limit: PAGE });
  const [rest, setRest] = useState({ of: /** @type {any} */ (null), rows: /** @type {any[]} */ ([]), done: true });
  const key = JSON.stringify(query);
  useEffect(() => {
    if (!path || !first.data) return undefined;
    const mine = new AbortController();
    void follow(path, query, first, (rows, done) => mine.signal.aborted || setRest({ of: path + key, rows, done }));
    return () => mine.abort();
  }, [path, key, first.data]);
  const rows = useMemo(() => {
    if (first.data === undefined) return undefined;
    return rest.of === `${path}${key}` && rest.rows.length ? [...first.data, ...rest.rows] : first.data;
  }, [first.data, rest, path, key]);
  return { rows, loading: first.loading || !rest.done, error: first.error, reload: first.reload };
}

/**
 * @param {string} path @param {import('./api.js').Query} query @param {{next: string | null}} first
 * @param {(rows: any[], done: boolean) => void} tell
 */
async function follow(path, query, first, tell) {
  /** @type {any[]} */
  let rows = [];
  if (!first.next) return tell(rows, true);
  try {
    for (let cursor = /** @type {string | null} */ (first.next); cursor && rows.length < MOST; ) {
      const page = await get(path, { ...query, limit: PAGE, cursor });
      rows = [...rows, ...page.data];
      cursor = page.next;
      tell(rows, cursor === null);
    }
  } catch {
    // What was read stays on show; the next look reads on.
  }
  return tell(rows, true);
}
