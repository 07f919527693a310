/**
 * Whether everything is fine, in one plain sentence.
 */

import { millis } from '../../core/format.js';
import { live } from '../../core/live.js';
import { html } from '../../core/ui.js';
import { Time } from '../../parts/bits.js';
import { t } from '../../strings/overview.js';

const LATELY_MS = 600_000;
const ENOUGH = 4;

/** @typedef {{tone: 'ok' | 'warn' | 'bad' | 'off', text: string}} Judgement */

/** Whether a request failed by more than its sender's own mistake, which no provider ever heard of. @param {any} row */
const failed = ({ outcome, status, attempts }) => outcome === 'error' && (attempts.length > 0 || status >= 500 || status === 429);

/**
 * Judge the gateway as a whole: can it answer, does it answer, is there anything to look at?
 * @param {any} status @param {import('./states.js').Standing[]} standings @param {any[]} rows
 * @returns {Judgement}
 */
export function judge(status, standings, rows) {
  const codes = new Set(status.warnings.map((/** @type {any} */ warning) => warning.code));
  const enabled = standings.filter(({ account }) => account.enabled);
  const down = enabled.filter(({ state }) => state === 'bad');
  const lately = rows.filter(({ ts_ms: at, outcome }) => at > Date.now() - LATELY_MS && outcome !== 'cancelled');
  const errors = lately.filter(failed).length;
  if (codes.has('key_needed')) return { tone: 'bad', text: t('verdictKey') };
  if (enabled.length === 0) return { tone: 'bad', text: t('verdictNone') };
  if (down.length === enabled.length) return { tone: 'bad', text: t('verdictDown') };
  if (lately.length >= ENOUGH && errors / lately.length > 0.5) return { tone: 'bad', text: t('verdictFailing') };
  if (codes.has('store_unavailable')) return { tone: 'warn', text: t('verdictStore') };
  if (lately.length >= ENOUGH && errors / lately.length > 0.15) return { tone: 'warn', text: t('verdictErrors', { n: errors, of: lately.length }) };
  if (down.length) return { tone: 'warn', text: t('verdictSome', { n: down.length, of: enabled.length }) };
  const left = status.warnings.length;
  if (left) return { tone: 'warn', text: t('verdictWarnings', { n: left }) };
  return { tone: 'ok', text: t('verdictFine') };
}

/** @param {{status: any, standings: import('./states.js').Standing[], rows: any[]}} given */
export function Verdict({ status, standings, rows }) {
  const { tone, text } = judge(status, standings, rows);
  const enabled = standings.filter(({ account }) => account.enabled);
  const usable = enabled.filter(({ state }) => state !== 'bad').length;
  const last = rows[0];
  return html`<span class="verdict" role="status"><span class=${`dot ${tone === 'ok' && live.value === 'live' ? 'live' : tone}`} aria-hidden="true"></span><strong>${text}</strong>
    <span class="soft small verdict-more">${t('usable', { n: usable, of: enabled.length })}${last && html` · ${t.rich('lastRequest', { ago: html`<${Time} at=${last.ts_ms} />`, took: millis(last.duration_ms) })}`}</span></span>`;
}
