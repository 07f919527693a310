/**
 * The start: who is calling, then the frame and the page that the address names.
 */

import { get } from './core/api.js';
import { forgetAll } from './core/resource.js';
import { route } from './core/router.js';
import { me } from './core/session.js';
import { loadLocale } from './core/strings.js';
import './core/theme.js';
import { Fragment, effect, html, render, signal, useEffect, useState } from './core/ui.js';
import { Empty, Notice } from './parts/feedback.js';
import { Button } from './parts/forms.js';
import { MODULES } from './parts/places.js';
import { Shell } from './parts/shell.js';
import { t } from './strings/shell.js';

const RETRY_MS = 1500;

/** What is on show: nothing yet, the way in, the pages, or that the gateway is away. @type {import('./vendor/signals.js').Signal<'starting' | 'away' | 'out' | 'in'>} */
const state = signal('starting');

async function enter() {
  try {
    const { data } = await get('/api/me');
    forgetAll();
    me.value = data;
    state.value = 'in';
  } catch (error) {
    const status = /** @type {any} */ (error).status;
    state.value = status === 401 || status === 403 ? 'out' : 'away';
    if (state.value === 'away') setTimeout(enter, RETRY_MS);
  }
}

effect(() => {
  if (me.value === null && state.peek() === 'in') state.value = 'out';
});

function App() {
  if (state.value === 'starting') return null;
  if (state.value === 'away') return html`<div class="login"><${Notice} tone="warn" title=${t('unreachable')} text=${t('unreachableText')} /></div>`;
  if (state.value === 'out') return html`<${Loaded} load=${() => import('./pages/login.js')} given=${{ onEntered: enter }} key="login" />`;
  return html`<${Shell}><${CurrentPage} /><//>`;
}

function CurrentPage() {
  const { page } = route.value;
  const load = MODULES[page];
  if (!load) return html`<${Empty} title=${t('unknownPage')} text=${t('unknownPageText')} action=${html`<${Button} href="#/overview">${t('toOverview')}<//>`} />`;
  return html`<${Loaded} load=${load} given=${{ route: route.value }} key=${page} />`;
}

/** A page whose module comes when it is wanted. @param {{load: () => Promise<{default: any}>, given: any}} given */
function Loaded({ load, given }) {
  const [page, setPage] = useState(/** @type {{Component: any} | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  useEffect(() => {
    load().then((module) => setPage({ Component: module.default }), setError);
  }, []);
  if (error) return html`<${Notice} tone="bad" title=${t('broken')} text=${t('brokenText')} action=${html`<${Button} onClick=${() => location.reload()}>${t('reload')}<//>`} />`;
  if (page === null) return null;
  return html`<${Fragment}><${page.Component} ...${given} /><//>`;
}

await loadLocale();
await enter();
render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById('app')));
