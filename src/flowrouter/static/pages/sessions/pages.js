/**
 * A list of `/api` read page by page, its first page again when told so.
 */

import { address, get } from '../../core/api.js';
import { useCallback, useEffect, useRef, useState } from '../../core/ui.js';

/** @typedef {{rows: any[], next: string | null, loading: boolean, error: any}} State */

/**
 * @param {string} path @param {import('../../core/api.js').Query} query @param {(row: any) => string} keyOf
 * @returns {State & {onMore: () => void, refresh: () => void}} `refresh` reads the first page again and keeps the others.
 */
export function usePages(path, query, keyOf) {
  const url = address(path, query);
  const [state, setState] = useState(/** @type {State} */ ({ rows: [], next: null, loading: true, error: null }));
  const turn = useRef(0);
  const read = async (/** @type {string | null} */ cursor, /** @type {(before: State, data: any[], next: string | null) => State} */ merge) => {
    const mine = turn.current;
    try {
      const { data, next } = await get(path, { ...query, limit: 100, cursor });
      if (mine === turn.current) setState((before) => merge(before, data, next));
    } catch (error) {
      if (mine === turn.current) setState((before) => ({ ...before, loading: false, error }));
    }
  };
  useEffect(() => {
    turn.current += 1;
    setState({ rows: [], next: null, loading: true, error: null });
    void read(null, (_, rows, next) => ({ rows, next, loading: false, error: null }));
  }, [url]);
  const onMore = () => {
    if (state.loading || state.next === null) return;
    setState((before) => ({ ...before, loading: true }));
    void read(state.next, (before, data, next) => ({ rows: [...before.rows, ...without(data, before.rows, keyOf)], next, loading: false, error: null }));
  };
  const refresh = useCallback(() => {
    void read(null, (before, data, next) => ({
      rows: [...data, ...without(before.rows, data, keyOf)], next: before.rows.length > data.length ? before.next : next, loading: false, error: null,
    }));
  }, [url]);
  return { ...state, onMore, refresh };
}

/** @param {any[]} rows @param {any[]} others @param {(row: any) => string} keyOf */
function without(rows, others, keyOf) {
  const there = new Set(others.map(keyOf));
  return rows.filter((row) => !there.has(keyOf(row)));
}
