/**
 * The frame around every page: rail, bar, search, theme, who is signed in, messages.
 */

import { post } from '../core/api.js';
import { useKeys, useLegend } from '../core/keys.js';
import { live, useSettled } from '../core/live.js';
import { open as paletteOpen, matches, provide } from '../core/palette.js';
import { forget } from '../core/resource.js';
import { go, href, route } from '../core/router.js';
import { me } from '../core/session.js';
import { choice } from '../core/theme.js';
import { tell } from '../core/toast.js';
import { effect, html, useEffect, useState } from '../core/ui.js';
import { t } from '../strings/shell.js';
import { Kbd } from './bits.js';
import { Icon } from './icons.js';
import { Legend, Palette } from './palette.js';
import { Menu } from './panel.js';
import { FIRST, RAIL } from './places.js';
import { Toasts } from './toasts.js';

const ALL = RAIL.flatMap(({ places }) => places);

/** @param {{children?: any}} given */
export function Shell({ children }) {
  const [legend, setLegend] = useState(false);
  useKeys({
    'mod+k': () => (paletteOpen.value = !paletteOpen.value),
    '?': () => setLegend(!legend),
    ...Object.fromEntries(ALL.map(({ id, key }) => [`g ${key}`, () => go(id)])),
  });
  useLegend([
    { keys: 'mod+k', text: t('keysPalette') },
    { keys: '?', text: t('keysHelp') },
    ...ALL.map(({ id, key }) => ({ keys: `g ${key}`, text: t('goPage', { page: t(id) }) })),
    { keys: '/', text: t('keysSearch') },
    { keys: 'j k', text: t('keysMove') },
    { keys: 'Enter', text: t('keysOpen') },
    { keys: 'x', text: t('keysSelect') },
    { keys: 'Esc', text: t('keysClose') },
  ]);
  useEffect(() => provide('pages', pageEntries), []);
  useEffect(() => provide('requests', requestEntries), []);
  useEffect(refreshed, []);
  useSettled(nothing);
  return html`<a class="skip" href="#content" onClick=${skip}>${t('skip')}</a>
    <div class="shell"><${Rail} /><div class="stage"><${Bar} /><main id="content" tabindex="-1">${children}</main></div><${BottomBar} /></div>
    <${Toasts} />${paletteOpen.value && html`<${Palette} />`}${legend && html`<${Legend} onClose=${() => setLegend(false)} />`}`;
}

/** The stream is followed on every page: after a cut whatever is on show is read again. */
function refreshed() {
  let was = live.peek();
  return effect(() => {
    if (was === 'cut' && live.value === 'live') void forget('/api/');
    was = live.value;
  });
}

function nothing() {}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

/** A request by its id, with or without what all ids begin with. @param {string} words */
function requestEntries(words) {
  const id = /^(?:req_)?([0-9a-f]{24})$/.exec(words)?.[1];
  return id ? [{ title: `req_${id}`, hint: t('openRequest'), icon: 'requests', href: href(`requests/req_${id}`), data: true }] : [];
}

/** @param {string} words */
function pageEntries(words) {
  const entries = ALL.map(({ id }) => ({ title: t(id), icon: id, href: href(id) }));
  const themes = /** @type {const} */ (['system', 'light', 'dark']).map((name) => ({
    title: `${t('theme')}: ${t(name)}`, icon: name === 'system' ? 'system' : name === 'light' ? 'sun' : 'moon', run: () => (choice.value = name),
  }));
  return [...entries, ...(words ? themes : [])].filter(({ title }) => matches(title, words));
}

function Rail() {
  const at = route.value.page;
  return html`<nav class="rail" aria-label=${t('pages')}>
    <a class="brand" href=${href('overview')} aria-label="Flow Router" translate="no"><img src="/static/icon.svg" width="22" height="22" alt="" /><span translate="no">Flow Router</span></a>
    ${RAIL.map(({ group, places }) => html`<div class="rail-group" key=${group}><h2>${t(group)}</h2>${places.map(({ id }) => html`<a key=${id} href=${href(id)}
      aria-current=${id === at ? 'page' : undefined} title=${t(id)}><${Icon} name=${id} /><span>${t(id)}</span></a>`)}</div>`)}</nav>`;
}

function Bar() {
  return html`<header class="bar-top"><a class="brand small-only" href=${href('overview')} aria-label="Flow Router" translate="no"><img src="/static/icon.svg" width="22" height="22" alt="" /></a>
    <button type="button" class="find" onClick=${() => (paletteOpen.value = true)} aria-label=${t('searchLong')}><${Icon} name="search" /><span class="grow">${t('search')}</span><${Kbd} keys="mod+k" /></button>
    <span class="grow"></span>
    <span class="live-state" title=${t(`${live.value}Long`)}><span class=${`dot ${live.value === 'live' ? 'live' : live.value === 'cut' ? 'warn' : 'off'}`} aria-hidden="true"></span><span class="wide-only">${t(live.value)}</span></span>
    <${ThemeMenu} /><${PersonMenu} /></header>`;
}

function ThemeMenu() {
  const icons = { system: 'system', light: 'sun', dark: 'moon' };
  const items = /** @type {const} */ (['system', 'light', 'dark']).map((name) => ({
    label: t(name), icon: icons[name], checked: choice.value === name, onClick: () => (choice.value = name),
  }));
  return html`<${Menu} items=${items} label=${t('theme')} icon=${icons[choice.value]} />`;
}

function PersonMenu() {
  const person = me.value;
  if (!person) return null;
  const leave = async () => {
    try {
      await post('/api/logout');
      me.value = null;
    } catch (error) {
      tell(error);
    }
  };
  const items = [
    { label: t('settings'), icon: 'settings', href: href('settings') },
    person.via === 'password' && { label: t('password'), icon: 'keys', href: href('settings/password') },
    { label: t('about'), icon: 'about', href: href('about') },
    person.session_id !== null && { label: t('logout'), icon: 'leave', onClick: leave },
  ];
  return html`<${Menu} items=${items} label=${t('account', { name: `${person.name} (${person.role})` })} icon="user" />`;
}

function BottomBar() {
  const at = route.value.page;
  const rest = ALL.filter(({ id }) => !FIRST.includes(id)).map(({ id }) => ({ label: t(id), icon: id, href: href(id) }));
  return html`<nav class="bar-bottom" aria-label=${t('pages')}>${FIRST.map((id) => html`<a key=${id} href=${href(id)} aria-current=${id === at ? 'page' : undefined}>
    <${Icon} name=${id} size=${20} /><span>${t(id)}</span></a>`)}<${Menu} items=${rest} label=${t('more')} icon="more" text=${html`<span>${t('more')}</span>`} /></nav>`;
}
