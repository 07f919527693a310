/**
 * The rows on show: read page by page, with those that are settled meanwhile put in their place.
 */

import { get } from '../../core/api.js';
import { live, onSettled } from '../../core/live.js';
import { effect, signal } from '../../core/ui.js';
import { resolveTime } from '../../parts/filters.js';

/** @typedef {Record<string, any>} Row A row of `/api/requests`. */
/** @typedef {Record<string, string>} Query */

const PAGE = 100;
/** Rows kept while they only grow at the top. */
const MOST = 4_000;
const TRIMMED = 2_000;
/** Rows held back; beyond, the list is read anew when they are wanted. */
const HELD_MOST = 1_000;
const BREATH_MS = 250;

const FILTERS = ['outcome', 'model', 'preset', 'account', 'key', 'session', 'dialect', 'client', 'combo'];

/** Return what `/api` is asked for a list's state in the address. @param {Query} query @returns {Query} */
export function asked(query) {
  const given = Object.entries(query).filter(([name, value]) => FILTERS.includes(name) && value !== '');
  const span = [['since', resolveTime(query['since'])], ['until', resolveTime(query['until'])]].filter(([, at]) => at !== null);
  return Object.fromEntries([...given, ...span.map(([name, at]) => [name, String(at)])]);
}

/** Newest first; of one millisecond, the greater id first. @param {Row} one @param {Row} other */
const order = (one, other) => other['ts_ms'] - one['ts_ms'] || (one['id'] < other['id'] ? 1 : -1);

/** The log as one list shows it; it lives as long as the page, so that the way back from a request is short. */
export class Log {
  constructor() {
    /** @type {import('../../vendor/signals.js').Signal<Row[]>} */
    this.rows = signal(/** @type {Row[]} */ ([]));
    this.held = signal(0);
    this.loading = signal(true);
    this.more = signal(false);
    this.paused = signal(false);
    /** @type {import('../../vendor/signals.js').Signal<any>} */
    this.error = signal(null);
    /** Says whether the top is in view: only then may rows arrive. */
    this.atTop = () => false;
    /** Where the list was scrolled to when it was left. */
    this.scrolled = 0;
    /** @type {string | null} */
    this.key = null;
    /** @type {Query} */
    this.query = {};
    /** @type {Record<string, string>} Names of accounts by id. */
    this.accounts = {};
    /** @type {Set<string>} */
    this.ids = new Set();
    /** @type {Row[]} */
    this.kept = [];
    /** @type {Row[]} */
    this.arrived = [];
    /** @type {string | null} */
    this.cursor = null;
    this.timer = 0;
    this.turn = 0;
  }

  /** Hear of settled requests until what is returned is called. */
  follow() {
    const deaf = onSettled((batch) => this.hear(batch));
    const still = effect(() => {
      if (live.value === 'live' && this.key !== null) void this.catchUp();
    });
    return () => {
      deaf();
      still();
      clearTimeout(this.timer);
    };
  }

  /** Show what `query` means; the same again changes nothing. @param {Query} query */
  async show(query) {
    const key = JSON.stringify(query);
    if (key === this.key) return;
    this.key = key;
    this.query = query;
    this.scrolled = 0;
    this.rows.value = [];
    await this.reload();
  }

  /** Read the list anew. */
  async reload() {
    const turn = ++this.turn;
    this.loading.value = true;
    this.error.value = null;
    try {
      const { data, next } = await get('/api/requests', { ...asked(this.query), limit: PAGE });
      if (turn === this.turn) this.replace(data, next);
    } catch (error) {
      if (turn === this.turn) this.error.value = error;
    }
    if (turn === this.turn) this.loading.value = false;
  }

  /** Read the next page. */
  async onward() {
    if (this.loading.value || !this.more.value) return;
    const turn = this.turn;
    this.loading.value = true;
    try {
      const { data, next } = await get('/api/requests', { ...asked(this.query), limit: PAGE, ...this.place() });
      if (turn === this.turn) {
        const fresh = data.filter((/** @type {Row} */ row) => !this.ids.has(row['id']));
        for (const { id } of fresh) this.ids.add(id);
        this.rows.value = [...this.rows.value, ...fresh];
        this.cursor = next;
        this.more.value = next !== null;
      }
    } catch (error) {
      if (turn === this.turn) this.error.value = error;
    }
    if (turn === this.turn) this.loading.value = false;
  }

  /** Let the rows in that were held back. */
  letIn() {
    const held = this.kept;
    this.kept = [];
    const overflown = this.held.value > held.length;
    this.held.value = 0;
    if (overflown) void this.reload();
    else this.put(held);
  }

  /** Return where the next page begins; where rows were dropped, by the time of the last one. */
  place() {
    if (this.cursor !== null) return { cursor: this.cursor };
    const oldest = this.rows.value.at(-1);
    return oldest ? { until: String(oldest['ts_ms'] + 1) } : {};
  }

  /** @param {Row[]} rows @param {string | null} next */
  replace(rows, next) {
    this.ids = new Set(rows.map(({ id }) => id));
    this.kept = [];
    this.arrived = [];
    this.held.value = 0;
    this.cursor = next;
    this.more.value = next !== null;
    this.rows.value = rows;
  }

  /** The stream is there (again): what it did not tell is read. */
  async catchUp() {
    if (this.rows.peek().length === 0 && this.loading.peek()) return;
    const turn = this.turn;
    try {
      const { data, next } = await get('/api/requests', { ...asked(this.query), limit: PAGE });
      if (turn !== this.turn) return;
      const gap = next !== null && !data.some((/** @type {Row} */ row) => this.ids.has(row['id']));
      if (gap && this.atTop()) this.replace(data, next);
      else this.hear(data);
    } catch {
      // The stream is cut again; it comes back, and this with it.
    }
  }

  /** @param {Row[]} batch */
  hear(batch) {
    if (this.key === null) return;
    const mine = batch.filter((row) => !this.ids.has(row['id']) && this.fits(row));
    if (mine.length === 0) return;
    if (this.held.value >= HELD_MOST) {
      this.held.value += mine.length;
      return;
    }
    for (const { id } of mine) this.ids.add(id);
    this.arrived.push(...mine);
    this.timer ||= setTimeout(() => this.settle(), BREATH_MS);
  }

  /** Put what arrived where it belongs: in the list, or behind the button. */
  settle() {
    this.timer = 0;
    const arrived = this.arrived;
    this.arrived = [];
    if (!this.paused.value && this.atTop() && this.held.value === 0) {
      this.put(arrived);
      return;
    }
    this.held.value += arrived.length;
    this.kept = [...this.kept, ...arrived].slice(-HELD_MOST);
  }

  /** @param {Row[]} arrived */
  put(arrived) {
    const rows = this.rows.value;
    const news = [...arrived].sort(order);
    /** @type {Row[]} */
    const merged = [];
    let at = 0;
    for (const row of news) {
      while (at < rows.length && order(/** @type {Row} */ (rows[at]), row) < 0) merged.push(/** @type {Row} */ (rows[at++]));
      merged.push(row);
    }
    const all = merged.concat(rows.slice(at));
    this.rows.value = all.length > MOST && this.atTop() ? this.trim(all) : all;
  }

  /** @param {Row[]} rows */
  trim(rows) {
    const kept = rows.slice(0, TRIMMED);
    this.ids = new Set(kept.map(({ id }) => id));
    this.cursor = null;
    this.more.value = true;
    return kept;
  }

  /** Return whether a settled request belongs to the list. @param {Row} row */
  fits(row) {
    const { since, until, account, client, ...same } = asked(this.query);
    const columns = { outcome: 'outcome', model: 'model', preset: 'preset', key: 'key_id', session: 'session_id', dialect: 'client_dialect', combo: 'combo' };
    if (since && row['ts_ms'] < Number(since)) return false;
    if (until && row['ts_ms'] >= Number(until)) return false;
    if (client && !(row['client'] ?? '').startsWith(client)) return false;
    if (account && row['account_id'] !== account && this.accounts[row['account_id']] !== account) return false;
    return Object.entries(same).every(([name, value]) => row[columns[/** @type {keyof typeof columns} */ (name)]] === value);
  }
}
