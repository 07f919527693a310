/**
 * One key: what it did, what holds for it, and what can be done with it.
 */

import { patch } from '../../core/api.js';
import { ago, compact, moment, money } from '../../core/format.js';
import { useKeys } from '../../core/keys.js';
import { forget, useData } from '../../core/resource.js';
import { go, href } from '../../core/router.js';
import { may } from '../../core/session.js';
import { say } from '../../core/toast.js';
import { tokensOf } from '../../core/tokens.js';
import { html, useMemo, useState } from '../../core/ui.js';
import { Chip, Money, Stat, Time } from '../../parts/bits.js';
import { Chart } from '../../parts/chart.js';
import { Empty, Notice, Problem, Skeleton } from '../../parts/feedback.js';
import { Button, Form } from '../../parts/forms.js';
import { Page, Section } from '../../parts/page.js';
import { Panel } from '../../parts/panel.js';
import { t } from '../../strings/keys.js';
import { amend, barred, enable, locked, pathOf, refresh, revoke, since, useBudgets } from './data.js';
import { changesOf, draftOf } from './draft.js';
import { KeyFields } from './form.js';
import { ClientLines, PLACEHOLDER } from './lines.js';
import { Budget, Chips, State, amountOf, limitsOf } from './words.js';

/** @typedef {import('./data.js').Key} Key */

const LIVE_MS = 15_000;

/** @param {{id: string, editing: boolean}} given */
export function Detail({ id, editing }) {
  const { data: key, error, reload, etag } = useData(pathOf(id), undefined, { every: LIVE_MS });
  const back = html`<a class="small" href=${href('keys')}>← ${t('back')}</a>`;
  useKeys({ Escape: () => go('keys') }, { when: !editing });
  if (error && !key) {
    const missing = error.status === 404 ? html`<${Empty} title=${t('missing')} text=${t('missingText')} action=${html`<${Button} href=${href('keys')}>${t('back')}<//>`} />` : html`<${Problem} error=${error} retry=${reload} />`;
    return html`<${Page} title=${t('title')} back=${back}>${missing}<//>`;
  }
  if (!key) return html`<${Page} title=${t('title')} back=${back}><${Skeleton} lines=${8} /><//>`;
  const close = () => go(`keys/${id}`);
  return html`<${Page} title=${key.name} data back=${back} actions=${html`<${Actions} value=${key} />`}>
    <${Standing} value=${key} /><${Figures} value=${key} />
    <div class="key-halves"><${Policy} value=${key} /><${Budgets} value=${key} /></div>
    ${key.state !== 'revoked' && html`<${Section} title=${t('use')} lead=${t.rich('useText', { placeholder: html`<code translate="no">${PLACEHOLDER}</code>` })} card><${ClientLines} token=${null} bounds=${key.policy.models ?? []} /><//>`}
    ${editing && barred(key, 'edit') === null && html`<${EditPanel} value=${key} etag=${etag} onClose=${close} />`}<//>`;
}

/** @param {{value: Key}} given */
function Actions({ value }) {
  const on = value['disabled_at_ms'] === null;
  const [edit, flip, end] = [barred(value, 'edit'), barred(value, 'switch'), barred(value, 'revoke')];
  const id = value['id'];
  const change = () => go(`keys/${id}`, { panel: 'edit' });
  useKeys({ e: change }, { when: edit === null });
  return html`<${Button} tone="quiet" icon="requests" href=${href('requests', { key: id })}>${t('seeRequests')}<//><${Button} tone="quiet" icon="usage" href=${href('usage', { key: id })}>${t('seeUsage')}<//>
    ${may('administer') && html`<${Button} tone="quiet" icon="audit" href=${href('audit', { target: id })}>${t('seeAudit')}<//>`}
    <${Button} icon="edit" onClick=${change} disabled=${edit !== null} title=${edit ?? undefined}>${t('edit')}<//>
    <${Button} onClick=${() => enable([value], !on)} disabled=${flip !== null} title=${flip ?? undefined}>${t(on ? 'disable' : 'enable')}<//>
    <${Button} tone="danger" onClick=${() => revoke(value)} disabled=${end !== null} title=${end ?? undefined}>${t('revoke')}<//>`;
}

/** @param {{value: Key}} given */
function Standing({ value }) {
  const ends = value['expires_at_ms'];
  return html`<div class="column"><div class="row wraps gap2"><${State} value=${value} /><code translate="no" title=${t('shownOnce')}>${value['shown']}</code>
      ${value['scopes'].map((/** @type {'admin'} */ scope) => html`<${Chip} key=${scope} tone="info">${t(`scope_${scope}`)}<//>`)}
      ${value['state'] !== 'revoked' && ends !== null && html`<span title=${moment(ends)}>${t.rich(ends > Date.now() ? 'endsSoon' : 'ended', { when: html`<${Time} at=${ends} />` })}</span>`}</div>
    ${value['problem'] && html`<${Notice} tone="bad" title=${t('brokenTitle')}><p class="wrap" translate="no">${value['problem']}</p><//>`}
    ${value['managed_in'] !== null && html`<${Notice} title=${t.rich('ownedBy', { file: html`<code translate="no">${value['managed_in']}</code>` })} text=${t('ownedText')} />`}
    ${!may('operate') && html`<p class="soft small">${t('whyViewer')}</p>`}</div>`;
}

/** @param {{value: Key}} given */
function Figures({ value }) {
  const asked = { key: value['id'], since: since() };
  const summary = useData('/api/usage/summary', asked);
  const series = useData('/api/usage/series', { ...asked, split: 'model', span: 'day', top: 6 });
  const now = summary.data?.now;
  const before = summary.data?.before;
  const change = (/** @type {string} */ name) => (before?.[name] ? (now[name] - before[name]) / before[name] : null);
  const tokens = now && tokensOf(now);
  const lines = useMemo(() => (series.data?.series ?? []).map((/** @type {any} */ each) => ({ label: each.name ?? each.group ?? '—', data: true, values: each.charge_pusd, stack: true })), [series.data]);
  if (!summary.data && !summary.error) return html`<${Skeleton} lines=${2} height=${60} />`;
  const used = value['last_used_at_ms'];
  return html`<div class="key-figures">
      <${Stat} label=${t('charge')} value=${html`<${Money} pusd=${now?.charge_pusd ?? null} estimated=${Boolean(now?.charge_unknown)} />`} hint=${t('days30')} change=${change('charge_pusd')} href=${href('usage', { key: value['id'] })} />
      <${Stat} label=${t('requests')} value=${compact(now?.requests)} hint=${t('days30')} change=${change('requests')} href=${href('requests', { key: value['id'] })} />
      <${Stat} label=${t('errors')} value=${compact(now?.errors)} hint=${t('days30')} href=${href('requests', { key: value['id'], outcome: 'error' })} />
      <${Stat} label=${t('tokens')} value=${compact(tokens)} hint=${t('days30')} />
      <${Stat} label=${t('lastUse')} value=${used === null ? t('notYet') : html`<${Time} at=${used} />`} /></div>
    ${lines.length > 0 ? html`<${Section} title=${t('overTime')} card><${Chart} label=${t('overTime')} points=${series.data.points} series=${lines} span="day" kind="bars" height=${170} format=${money} /><//>` : series.data && html`<p class="soft">${t('nothingSpent')}</p>`}`;
}

/** @param {{value: Key}} given */
function Policy({ value }) {
  const policy = value['policy'];
  const many = (/** @type {string[] | undefined} */ words, /** @type {string} */ none) => html`<${Chips} words=${words ?? []} none=${none} data most=${20} />`;
  const rows = [
    [t('models'), many(policy.models, t('everything'))],
    [t('accounts'), many(policy.accounts, t('everything'))],
    [t('dialects'), many(policy.dialects, t('everything'))],
    [t('limits'), html`<${Chips} words=${limitsOf(value)} none=${t('noLimit')} most=${20} />`],
    [t('tags'), many(policy.tags, '—')],
    [t('recording'), policy.recording === undefined ? soft('asGateway') : t(policy.recording ? 'recorded' : 'neverRecorded')],
    [t('completion'), policy.completion ? t(/** @type {'completion_error'} */ (`completion_${policy.completion}`)) : soft('asGateway')],
    [t('unsupported'), policy.unsupported ? t(/** @type {'unsupported_auto'} */ (`unsupported_${policy.unsupported}`)) : soft('asAccount')],
    [t('store'), t(policy.responses_store ? 'kept' : 'notKept')],
    [t('owner'), html`<code translate="no">${value['owner_id']}</code>`],
    [t('made'), html`<${Time} at=${value['created_at_ms']} />`],
    [t('expires'), value['expires_at_ms'] === null ? soft('never') : moment(value['expires_at_ms'])],
  ];
  return html`<${Section} title=${t('policy')} card><dl class="facts">${rows.map(([name, shown]) => html`<dt key=${`${name} t`}>${name}</dt><dd key=${name}>${shown}</dd>`)}</dl><//>`;
}

/** @param {'asGateway' | 'asAccount' | 'never'} key */
const soft = (key) => html`<span class="soft">${t(key)}</span>`;

/** @param {{value: Key}} given */
function Budgets({ value }) {
  const mine = useBudgets().filter(({ key_id: id }) => id === value['id']);
  return html`<${Section} title=${t('budgets')} card>${mine.length === 0 ? html`<p class="soft">${t('noLimit')}</p>`
    : mine.map((standing) => html`<div key=${standing.id} class="column"><${Budget} standing=${standing} /><span class="row wraps soft small"><${Chip}>${t(/** @type {'hard'} */ (standing.budget.mode ?? 'soft'))}<//>
      <span>${t('resets', { when: ago(standing.resets_at_ms) })}</span>${standing.held > 0 && html`<span>${t('held', { amount: amountOf(standing.budget.metric ?? 'usd', standing.held) })}</span>`}</span></div>`)}<//>`;
}

/** @param {{value: Key, etag: string | null, onClose: () => void}} given */
function EditPanel({ value, etag, onClose }) {
  const [base] = useState(() => ({ draft: draftOf(value), etag }));
  const [draft, setDraft] = useState(base.draft);
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const body = changesOf(draft, base.draft);
  const idle = Object.keys(body).length === 0;
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      const { data } = await patch(pathOf(value['id']), body, { etag: base.etag });
      await Promise.all([refresh(), forget('/api/usage')]);
      say(t('saved', { name: data.name }), { undo: () => takeBack(value['id'], changesOf(base.draft, draft)) });
      onClose();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return html`<${Panel} title=${t('editTitle', { name: value['name'] })} onClose=${onClose} wide><${Form} onSubmit=${save} error=${error} label=${t('editTitle', { name: value['name'] })}>
    ${value['managed_in'] !== null && html`<${Notice} title=${t.rich('ownedBy', { file: html`<code translate="no">${value['managed_in']}</code>` })} text=${t('ownedText')} />`}
    <${KeyFields} draft=${draft} onChange=${(/** @type {any} */ change) => setDraft({ ...draft, ...change })} isLocked=${(/** @type {string} */ field) => locked(value, field)} fresh=${false} />
    <div class="row"><${Button} tone="primary" type="submit" busy=${busy} disabled=${idle} title=${idle ? t('unchanged') : undefined}>${t('save')}<//><${Button} tone="quiet" onClick=${onClose}>${t('cancel')}<//></div><//><//>`;
}

/** @param {string} id @param {Record<string, any>} body */
async function takeBack(id, body) {
  await amend(id, body);
  await refresh();
}
