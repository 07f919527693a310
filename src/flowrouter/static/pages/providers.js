/**
 * Providers: every account in the order it is asked, and each one at its own address.
 */

import { go, route as place, setQuery } from '../core/router.js';
import { may } from '../core/session.js';
import { html, useEffect, useMemo } from '../core/ui.js';
import { Problem } from '../parts/feedback.js';
import { testing } from './providers/actions.js';
import { AddPanel } from './providers/add.js';
import { useAccounts, usePresets, useQuotas, useTargets } from './providers/data.js';
import { Detail } from './providers/detail.js';
import { EditPanel } from './providers/edit.js';
import { List } from './providers/list.js';
import { standingsOf } from './providers/standing.js';
import { TestPanel } from './providers/test.js';
import { LimitsPanel } from './quotas/limits.js';

/** @param {{route: import('../core/router.js').Route}} given */
export default function Providers({ route }) {
  const accounts = useAccounts();
  const targets = useTargets();
  const quotas = useQuotas();
  const presets = usePresets();
  useEffect(() => () => void (testing.value = null), []);
  const ready = accounts.data && (targets.data || targets.error) && (quotas.data || quotas.error) && (presets.data || presets.error);
  const standings = useMemo(
    () => (ready ? standingsOf(accounts.data ?? [], targets.data ?? [], quotas.data ?? [], presets.data ?? []) : null),
    [ready, accounts.data, targets.data, quotas.data, presets.data],
  );
  const found = useMemo(() => (accounts.data ?? []).filter(({ source }) => source === 'found'), [accounts.data]);
  const { panel, limits, ...query } = route.query;
  const close = () => go(place.value.rest ? `providers/${encodeURIComponent(place.value.rest)}` : 'providers', query);
  const one = route.rest ? (standings?.find(({ account }) => account.id === route.rest || account.name === route.rest) ?? null) : null;
  const operate = may('operate');
  const adding = panel === 'add' && operate && accounts.data;
  return html`${accounts.error && !accounts.data ? html`<${Problem} error=${accounts.error} retry=${accounts.reload} />` : null}
    ${route.rest ? html`<${Detail} key=${route.rest} standing=${one} waiting=${standings === null} presets=${presets.data ?? []} />` : html`<${List} standings=${standings} found=${standings === null ? [] : found} query=${query} busy=${Boolean(adding || testing.value)} />`}
    ${adding && html`<${AddPanel} accounts=${accounts.data} presets=${presets} chosen=${query['preset'] ?? null} onClose=${() => go('providers', { ...query, preset: null })} />`}
    ${panel === 'edit' && one && operate && !one.account.read_only && presets.data && html`<${EditPanel} key=${one.account.id} id=${one.account.id} presets=${presets.data} onClose=${close} />`}
    ${limits && operate && html`<${LimitsPanel} key=${limits} id=${limits} onClose=${() => setQuery({ limits: null })} />`}
    ${testing.value && html`<${TestPanel} key=${testing.value.id} account=${testing.value} onClose=${() => (testing.value = null)} />`}`;
}
