/**
 * One account: how it does model by model, what is left of it, how it is set.
 */

import { moment } from '../../core/format.js';
import { href } from '../../core/router.js';
import { may } from '../../core/session.js';
import { say } from '../../core/toast.js';
import { html } from '../../core/ui.js';
import { useKeys } from '../../core/keys.js';
import { Chip, copyText, Dot, Time } from '../../parts/bits.js';
import { Empty, Notice, Skeleton } from '../../parts/feedback.js';
import { Button } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Page, Section } from '../../parts/page.js';
import { Menu } from '../../parts/panel.js';
import { t } from '../../strings/providers.js';
import { QuotaCard } from '../quotas/card.js';
import { destroy, isOn, refreshModels, resume, show, testing } from './actions.js';
import { ModelsSection } from './models.js';
import { OnSwitch, TroubleLine } from './row.js';

/** @typedef {import('./standing.js').Standing} Standing */

/** @param {{standing: Standing | null, waiting: boolean, presets: any[]}} given */
export function Detail({ standing, waiting, presets }) {
  const back = html`<a class="row small back" href=${href('providers')}><${Icon} name="left" size=${12} />${t('title')}</a>`;
  if (!standing) {
    if (waiting) return html`<${Page} title=${t('title')} back=${back}><${Skeleton} lines=${8} height=${28} /><//>`;
    return html`<${Page} title=${t('unknownAccount')} back=${back}><${Empty} title=${t('unknownAccount')} text=${t('unknownAccountText')} action=${html`<${Button} href=${href('providers')}>${t('toList')}<//>`} /><//>`;
  }
  const { account } = standing;
  const preset = presets.find((one) => one.id === account.preset) ?? null;
  const lead = html`<span class="row wraps"><${Dot} state=${isOn(account) ? standing.state : 'off'} label=${isOn(account) ? standing.words : t('switchedOff')} /><span translate="no">${preset?.name ?? account.preset}</span></span>`;
  return html`<${Page} title=${account.name} data back=${back} lead=${lead} actions=${html`<${Actions} account=${account} />`}>
    <${TroubleLine} standing=${standing} full />
    <${Ownership} account=${account} />
    <div class="provider-halves"><div class="column gap3"><${ModelsSection} standing=${standing} /></div>
      <div class="column gap3"><${QuotaSide} standing=${standing} /><${Facts} account=${account} preset=${preset} /></div></div><//>`;
}

/** @param {{account: any}} given */
function Actions({ account }) {
  const operate = may('operate');
  const stored = !account.read_only;
  useKeys({ ...(operate ? { t: () => (testing.value = account) } : {}), ...(operate && stored ? { e: () => show(account, 'edit') } : {}) });
  const remove = () => destroy(account, () => (location.hash = href('providers')));
  const items = [
    operate && { label: t('resumeAll'), icon: 'play', onClick: () => resume(account) },
    operate && { label: t('refreshModels'), icon: 'refresh', onClick: () => refreshModels(account) },
    { label: t('requests'), icon: 'requests', href: href('requests', { account: account.id }) },
    { label: t('copyId'), icon: 'copy', onClick: async () => { await copyText(account.id); say(t('copied')); } },
    operate && stored && { label: t('delete'), icon: 'trash', danger: true, onClick: remove },
  ];
  const why = operate ? undefined : t('viewer');
  return html`<${OnSwitch} account=${account} /><${Button} icon="bolt" title=${why} disabled=${!operate} onClick=${() => (testing.value = account)}>${t('test')}<//>
    ${stored && html`<${Button} icon="edit" title=${why} disabled=${!operate} onClick=${() => show(account, 'edit')}>${t('edit')}<//>`}
    <${Menu} items=${items} label=${t('actionsOf', { name: account.name })} />`;
}

/** @param {{account: any}} given */
function Ownership({ account }) {
  if (account.source === 'config') return html`<${Notice} title=${t('managedAll', { file: account.declared_in ?? '' })} text=${t('managedAllText')} />`;
  return account.source === 'embedded' ? html`<${Notice} title=${t('program')} text=${t('programText')} />` : null;
}

/** @param {{standing: Standing}} given */
function QuotaSide({ standing: { account, quota } }) {
  const actions = html`<${Button} tone="quiet" href=${href('quotas', { q: account.name })}>${t('allQuotas')}<//>`;
  return html`<${Section} title=${t('quotaTitle')} actions=${actions}>${quota && quota.windows.length ? html`<${QuotaCard} quota=${quota} account=${account} narrow />` : html`<div class="card soft">${t('quotaNone')}</div>`}<//>`;
}

/** @param {{account: any, preset: any | null}} given */
function Facts({ account, preset }) {
  const own = preset ? Object.values(preset.dialects).find(Boolean) : null;
  const code = (/** @type {any} */ text) => html`<code translate="no" class="wrap">${text}</code>`;
  const soft = (/** @type {any} */ text) => html`<span class="soft">${text}</span>`;
  const chips = (/** @type {string[]} */ words, /** @type {any} */ none) => (words.length ? html`<span class="row wraps">${words.map((word) => html`<${Chip} key=${word} data>${word}<//>`)}</span>` : soft(none));
  const key = account.oauth ? html`${t('oauth')} ${code(account.oauth.client_id)}` : account.key_tail ? t('key', { tail: account.key_tail }) : account.has_key ? t('headerKept') : soft(t('noKey'));
  const facts = [
    [t('factKey'), key],
    [t('factUrl'), account.base_url ? code(account.base_url) : html`${own ? code(own) : ''} ${soft(t('presetOwn'))}`],
    [t('dialects'), chips(account.dialects, preset ? html`<span translate="no">${Object.keys(preset.dialects).join(', ')}</span>` : t('allDialects'))],
    [t('priorityField'), account.priority],
    [t('weight'), account.weight],
    [t('concurrency'), account.max_concurrency ?? html`${preset?.max_concurrency ?? '—'} ${soft(t('presetOwn'))}`],
    [t('tags'), chips(account.tags, t('none'))],
    [t('unsupported'), t(`unsupported_${/** @type {'auto' | 'drop' | 'refuse' | null} */ (account.unsupported) ?? 'none'}`)],
    [t('headers'), chips(account.header_names, t('none'))],
    [t('factSource'), html`${t(`source_${/** @type {'store'} */ (account.source)}`)}${account.managed_in && html` ${code(account.managed_in)}`}`],
    account.created_at_ms ? [t('added'), html`<span title=${moment(account.created_at_ms)}><${Time} at=${account.created_at_ms} /></span>`] : null,
    ['id', code(account.id)],
  ].filter((fact) => fact !== null);
  return html`<${Section} title=${t('facts')}><dl class="facts card">${facts.map(([name, value]) => html`<dt translate=${name === 'id' ? 'no' : undefined}>${name}</dt><dd>${value}</dd>`)}</dl><//>`;
}
