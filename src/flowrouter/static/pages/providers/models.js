/**
 * What an account answers for, and how each model did lately.
 */

import { millis, money, percent, figure } from '../../core/format.js';
import { may } from '../../core/session.js';
import { html, useMemo, useState } from '../../core/ui.js';
import { Countdown, Dot, Time } from '../../parts/bits.js';
import { Empty, Problem } from '../../parts/feedback.js';
import { Button, TextInput } from '../../parts/forms.js';
import { Section } from '../../parts/page.js';
import { Table } from '../../parts/table.js';
import { t } from '../../strings/providers.js';
import { href } from '../../core/router.js';
import { refreshModels } from './actions.js';
import { pathOf, useAll } from './data.js';

const SEARCHABLE = 12;
/** @type {Record<string, 'ok' | 'warn' | 'bad' | 'off'>} */
const DOTS = { ok: 'ok', paused: 'bad', half_open: 'warn', on_trial: 'warn', unused: 'off' };

const COLUMNS = [
  { id: 'model', label: t('model'), width: 190, grow: 3, priority: 1, value: (/** @type {any} */ row) => row.id, render: (/** @type {any} */ row) => html`<span class="cut" translate=${row.id === '*' ? undefined : 'no'} title=${row.display_name ?? undefined}>${row.id === '*' ? t('everyModel') : row.id}</span>` },
  { id: 'state', label: t('state'), width: 156, grow: 1, priority: 1, value: (/** @type {any} */ row) => row.state, render: (/** @type {any} */ row) => html`<${State} row=${row} />` },
  { id: 'success', label: t('successHead'), width: 80, align: 'right', priority: 2, value: (/** @type {any} */ row) => row.success, render: (/** @type {any} */ row) => html`<span class="numbers">${percent(row.success === null ? null : Math.round(row.success * 100) / 100)}</span>` },
  { id: 'ttft', label: t('ttft'), width: 104, align: 'right', priority: 3, value: (/** @type {any} */ row) => row.first_token_p50_ms, render: (/** @type {any} */ row) => html`<span class="numbers">${millis(row.first_token_p50_ms)}</span>` },
  { id: 'pace', label: t('pace'), width: 80, align: 'right', priority: 4, value: (/** @type {any} */ row) => row.tokens_per_second, render: (/** @type {any} */ row) => html`<span class="numbers">${figure(row.tokens_per_second)}</span>` },
  { id: 'cost', label: t('meanCost'), width: 90, align: 'right', priority: 4, value: (/** @type {any} */ row) => row.mean_cost_pusd, render: (/** @type {any} */ row) => html`<span class="numbers">${money(row.mean_cost_pusd)}</span>` },
  { id: 'origin', label: t('origin'), width: 120, priority: 4, hidden: true, value: (/** @type {any} */ row) => row.origin, render: (/** @type {any} */ row) => html`<span class="soft cut">${t(`origin_${/** @type {'used'} */ (row.origin)}`)}</span>` },
  { id: 'used', label: t('lastUsed'), width: 90, align: 'right', priority: 3, value: (/** @type {any} */ row) => row.last_used_at_ms, render: (/** @type {any} */ row) => html`<span class="soft"><${Time} at=${row.last_used_at_ms} /></span>` },
];

const UNUSED = { state: 'unused', success: null, first_token_p50_ms: null, tokens_per_second: null, mean_cost_pusd: null, last_used_at_ms: null, paused_until_ms: null };

/** @param {{row: any}} given */
function State({ row }) {
  const paused = row.state === 'paused' && row.paused_until_ms;
  const words = paused ? t.rich('pausedFor', { time: html`<${Countdown} at=${row.paused_until_ms} />` }) : t(`target_${/** @type {'ok'} */ (row.state)}`);
  return html`<${Dot} state=${DOTS[row.state] ?? 'off'} label=${words} title=${row.reason ?? undefined} />`;
}

/** @param {{standing: import('./standing.js').Standing}} given */
export function ModelsSection({ standing }) {
  const { account, targets } = standing;
  const models = useAll(`${pathOf(account.id)}/models`);
  const [words, setWords] = useState('');
  const [busy, setBusy] = useState(false);
  const rows = useMemo(() => {
    const by = new Map(targets.map((target) => [target.model, target]));
    const known = new Set((models.data ?? []).map(({ id }) => id));
    const listed = (models.data ?? []).map((model) => ({ ...UNUSED, ...by.get(model.id), ...model }));
    const others = targets.filter(({ model }) => !known.has(model)).map((target) => ({ ...target, id: target.model, origin: 'used' }));
    return [...listed, ...others].sort((a, b) => (b.last_used_at_ms ?? 0) - (a.last_used_at_ms ?? 0) || a.id.localeCompare(b.id));
  }, [models.data, targets]);
  const shown = words ? rows.filter(({ id }) => id.toLowerCase().includes(words.toLowerCase())) : rows;
  const refresh = async () => {
    setBusy(true);
    await refreshModels(account);
    setBusy(false);
  };
  const actions = html`${rows.length > SEARCHABLE && html`<span class="provider-search"><${TextInput} type="search" value=${words} onChange=${setWords} placeholder=${t('searchModels')} label=${t('searchModels')} /></span>`}
    ${may('operate') && !account.models.length && html`<${Button} icon="refresh" busy=${busy} onClick=${refresh}>${t('refreshModels')}<//>`}`;
  return html`<${Section} title=${t('health')} lead=${t('healthLead')} actions=${actions}>${models.error && html`<${Problem} error=${models.error} retry=${models.reload} />`}
    <${Table} id="provider-models" label=${t('health')} columns=${COLUMNS} rows=${shown} keyOf=${idOf} loading=${models.loading} card=${card} height=${rows.length > 14 ? 560 : undefined}
      onOpen=${(/** @type {any} */ row) => (location.hash = href('requests', { account: account.id, ...(row.id === '*' ? {} : { model: row.id }) }))} empty=${html`<${Empty} title=${t('noModels')} text=${t('noModelsText')} />`} /><//>`;
}

/** @param {any} row @returns {string} */
const idOf = (row) => row.id;

/** @param {any} row */
function card(row) {
  return html`<span class="row apart"><span class="cut strong" translate="no">${row.id}</span><${State} row=${row} /></span>
    <span class="row apart soft">${row.last_used_at_ms === null ? t(`origin_${/** @type {'used'} */ (row.origin)}`) : html`<span class="numbers">${percent(row.success)} · ${millis(row.first_token_p50_ms)}</span><${Time} at=${row.last_used_at_ms} />`}</span>`;
}
