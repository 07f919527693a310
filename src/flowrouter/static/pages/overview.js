/**
 * The overview: whether all is well, today's figures, the flow of requests, and what needs a hand.
 */

import { useData } from '../core/resource.js';
import { href, setQuery } from '../core/router.js';
import { may } from '../core/session.js';
import { html, useEffect, useMemo } from '../core/ui.js';
import { Empty, Problem, Skeleton } from '../parts/feedback.js';
import { Button } from '../parts/forms.js';
import { Page } from '../parts/page.js';
import { t } from '../strings/overview.js';
import { Figures } from './overview/figures.js';
import { Flow, WINDOWS } from './overview/flow.js';
import { Health } from './overview/health.js';
import { useRecent } from './overview/recent.js';
import { standings } from './overview/states.js';
import { Ticker } from './overview/ticker.js';
import { Verdict } from './overview/verdict.js';
import { Warnings } from './overview/warnings.js';

const WINDOW = 60;

/** @param {{route: import('../core/router.js').Route}} given */
export default function Overview({ route }) {
  const status = useData('/api/status', {}, { every: 15_000 });
  const accounts = useData('/api/accounts', { limit: 200 }, { every: 30_000 });
  const targets = useData('/api/health/targets', { limit: 200 }, { every: 5_000 });
  const recent = useRecent();
  const known = useMemo(() => standings(accounts.data ?? [], targets.data ?? []), [accounts.data, targets.data]);
  const names = useMemo(() => new Map(known.map(({ account }) => [account.id, account.name])), [known]);
  const ready = status.data && accounts.data && recent.ready;
  const empty = ready && known.every(({ account }) => account.source === 'embedded') && recent.rows.value.length === 0;
  useEffect(() => {
    // Whoever opens an empty gateway is led to its set-up; whoever asks for this page gets it.
    if (empty && may('operate') && !location.hash.includes('overview')) location.replace(href('setup'));
  }, [empty]);
  const error = status.error ?? accounts.error;
  if (error && !ready) return html`<${Page} title=${t('title')}><${Problem} error=${error} retry=${() => Promise.all([status.reload(), accounts.reload()])} /><//>`;
  const lead = ready && !empty && html`<${Verdict} status=${status.data} standings=${known} rows=${recent.rows.value} />`;
  if (!ready) return html`<${Page} title=${t('title')} lead=${html`<span class="verdict">\u00a0</span>`}><${Skeleton} lines=${8} height=${22} /><//>`;
  if (empty) return html`<${Page} title=${t('title')}><${Nothing} /><//>`;
  const minutes = WINDOWS.find((value) => value === Number(route.query['window'])) ?? WINDOW;
  return html`<${Page} title=${t('title')} lead=${lead}>
    <${Warnings} warnings=${status.data.warnings} />
    <${Figures} />
    <${Flow} minutes=${minutes} onMinutes=${(/** @type {number} */ value) => setQuery({ window: value === WINDOW ? null : value })} standings=${known} />
    <div class="overview-halves"><${Ticker} recent=${recent} names=${names} address=${status.data.base_urls.openai} /><${Health} standings=${known} /></div><//>`;
}

function Nothing() {
  const action = may('operate') ? html`<${Button} tone="primary" href=${href('setup')}>${t('openSetup')}<//>` : html`<span class="soft">${t('operatorsOnly')}</span>`;
  return html`<${Empty} title=${t('emptyTitle')} text=${t('emptyText')} code="flow-router providers add" action=${action} />`;
}
