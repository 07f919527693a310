/**
 * One account in the list: how it does, what is left of it, what can be done with it.
 */

import { ago, millis, percent } from '../../core/format.js';
import { href } from '../../core/router.js';
import { may } from '../../core/session.js';
import { html } from '../../core/ui.js';
import { Chip, Countdown, Dot, Provider } from '../../parts/bits.js';
import { Button, Switch } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Menu } from '../../parts/panel.js';
import { QuotaBrief } from '../../parts/quota.js';
import { t } from '../../strings/providers.js';
import { destroy, enable, isOn, refreshModels, resume, show, switching, testing } from './actions.js';
import { hostOf, locked } from './data.js';

/** @typedef {import('./standing.js').Standing} Standing */

/**
 * @param {{standing: Standing, selected: boolean, onSelect: () => void, onNudge: ((way: -1 | 1) => void) | null, onGrab: ((event: PointerEvent) => void) | null,
 *   dragged: boolean}} given `onNudge`: null where the order cannot be changed.
 */
export function Row({ standing, selected, onSelect, onNudge, onGrab, dragged }) {
  const { account } = standing;
  const open = () => show(account);
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.target !== event.currentTarget) return;
    const way = event.altKey ? { ArrowUp: /** @type {const} */ (-1), ArrowDown: /** @type {const} */ (1) }[event.key] : undefined;
    if (way) onNudge?.(way);
    else if (event.altKey || event.ctrlKey || event.metaKey) return;
    else if (event.key === 'Enter') open();
    else if (event.key === 'x') onSelect();
    else if (event.key === 't' && may('operate')) testing.value = account;
    else return;
    event.preventDefault();
  };
  return html`<li class="provider-row ${selected ? 'selected' : ''} ${dragged ? 'dragged' : ''} ${isOn(account) ? '' : 'off'}" tabindex="0" data-row data-id=${account.id}
    aria-keyshortcuts="Enter x t Alt+ArrowUp Alt+ArrowDown" onKeyDown=${key}>
    <span class="provider-pick">${onGrab ? html`<span class="handle" title=${t('dragLong')} onPointerDown=${onGrab}><${Icon} name="drag" /></span>` : html`<span class="handle none"></span>`}
      <input type="checkbox" checked=${selected} onChange=${onSelect} aria-label=${t('select', { name: account.name })} tabindex="-1" /></span>
    <${Identity} account=${account} />
    <${State} standing=${standing} />
    <${QuotaBrief} windows=${standing.windows} name=${account.name} />
    <span class="provider-models soft numbers">${account.known_models === null ? html`<span title=${t('modelsUnknown')}>—</span>` : t('models', { n: account.known_models })}</span>
    <${Actions} account=${account} onNudge=${onNudge} />
    <${TroubleLine} standing=${standing} /></li>`;
}

/** @param {{account: import('./data.js').Account}} given */
function Identity({ account }) {
  const host = hostOf(account);
  const access = account.oauth ? t('oauth') : account.source === 'embedded' ? t('embedded') : account.key_tail ? t('key', { tail: account.key_tail }) : account.has_key ? null : t('noKey');
  return html`<span class="provider-name column"><a class="cut strong" href=${href(`providers/${encodeURIComponent(account.id)}`)} tabindex="-1"><${Provider} preset=${account.preset} name=${account.name} /></a>
    <span class="row wraps small soft"><span translate="no">${account.preset}</span>${access && html`<span>${access}</span>`}${host && html`<span class="cut" translate="no">${host}</span>`}
      ${account.managed_by === 'file' && html`<${Chip} title=${t('fromFileLong', { file: account.managed_in ?? '' })}>${t('fromFile')}<//>`}
      ${account.tags.map((/** @type {string} */ tag) => html`<${Chip} key=${tag} data>${tag}<//>`)}</span></span>`;
}

/** @param {{standing: Standing}} given */
function State({ standing }) {
  const { account, success, firstToken, usedAt, inFlight } = standing;
  const on = isOn(account);
  const told = [
    inFlight > 0 && t('inFlight', { n: inFlight }),
    success !== null && t('success', { share: percent(Math.round(success * 100) / 100) }),
    firstToken !== null && t('firstToken', { time: millis(firstToken) }),
    usedAt !== null && t('usedAgo', { ago: ago(usedAt) }),
  ].filter(Boolean);
  return html`<span class="provider-state column"><${Dot} state=${on ? standing.state : 'off'} label=${on ? standing.words : t('switchedOff')} />
    <span class="small soft cut">${on ? (told.length ? told.slice(0, 3).join(' · ') : t('unused')) : ''}</span></span>`;
}

/** @param {{account: import('./data.js').Account, onNudge: ((way: -1 | 1) => void) | null}} given */
function Actions({ account, onNudge }) {
  const operate = may('operate');
  const stored = !account.read_only;
  const items = [
    operate && stored && { label: t('edit'), icon: 'edit', onClick: () => show(account, 'edit') },
    operate && { label: t('resumeAll'), icon: 'play', onClick: () => resume(account) },
    operate && { label: t('refreshModels'), icon: 'refresh', onClick: () => refreshModels(account) },
    { label: t('requests'), icon: 'requests', href: href('requests', { account: account.id }) },
    onNudge && { label: t('moveUp'), icon: 'up', onClick: () => onNudge(-1) },
    onNudge && { label: t('moveDown'), icon: 'down', onClick: () => onNudge(1) },
    operate && stored && { label: t('delete'), icon: 'trash', danger: true, onClick: () => destroy(account) },
  ];
  return html`<span class="provider-actions row"><${Button} tone="quiet" icon="bolt" label=${t('testNamed', { name: account.name })} title=${operate ? undefined : t('viewer')} disabled=${!operate} onClick=${() => (testing.value = account)} />
    <${Menu} items=${items} label=${t('actionsOf', { name: account.name })} />
    <${OnSwitch} account=${account} /></span>`;
}

/** @param {{account: import('./data.js').Account}} given */
export function OnSwitch({ account }) {
  const why = !may('operate') ? t('viewer') : locked(account, 'enabled') ? t('fromFileLong', { file: account.managed_in ?? account.source }) : undefined;
  return html`<span title=${why} class="row"><${Switch} value=${isOn(account)} label=${t('on', { name: account.name })} disabled=${Boolean(why) || account.id in switching.value}
    onChange=${(/** @type {boolean} */ enabled) => enable([account], enabled)} /></span>`;
}

/** What is wrong and what to do about it, with the buttons for it. @param {{standing: Standing, full?: boolean}} given */
export function TroubleLine({ standing, full = false }) {
  const { account, trouble } = standing;
  if (!trouble || !isOn(account)) return null;
  const cures = may('operate') ? trouble.cures.filter((cure) => allowed(cure, account)).slice(0, full ? 4 : 2) : [];
  return html`<div class=${`trouble is-${trouble.tone}`} role="note"><${Icon} name="warning" /><div class="grow"><p><span class="strong">${trouble.text}</span> ${trouble.fix}
      ${trouble.until !== null && trouble.until > Date.now() && html` <span class="soft">${t.rich('askedAgain', { time: html`<${Countdown} at=${trouble.until} />` })}</span>`}</p>
      ${trouble.said && full && html`<p class="small soft wrap">${t('theySay')} <span translate="no">${trouble.said}</span></p>`}</div>
    <span class="row wraps">${cures.map((cure, index) => html`<${Button} key=${cure} tone=${index === 0 ? 'plain' : 'quiet'} onClick=${() => heal(cure, account)}>${t(`cure_${cure}`)}<//>`)}</span></div>`;
}

/** @param {import('./trouble.js').Cure} cure @param {import('./data.js').Account} account */
function allowed(cure, account) {
  if (cure === 'resume' || cure === 'test' || cure === 'quota') return true;
  if (cure === 'disable') return !locked(account, 'enabled');
  return !account.read_only;
}

/** @param {import('./trouble.js').Cure} cure @param {import('./data.js').Account} account */
function heal(cure, account) {
  const acts = {
    key: () => show(account, 'edit'),
    edit: () => show(account, 'edit'),
    models: () => show(account, 'edit'),
    disable: () => enable([account], false),
    resume: () => resume(account),
    test: () => (testing.value = account),
    quota: () => (location.hash = href('quotas', { q: account.name })),
  };
  return acts[cure]();
}
