/**
 * The playground: a conversation in any dialect with any target, or two side by side; the same request in all four
 * dialects; and as code.
 */

import { useLegend } from '../core/keys.js';
import { matches, provide } from '../core/palette.js';
import { useData } from '../core/resource.js';
import { href, setQuery } from '../core/router.js';
import { may } from '../core/session.js';
import { say } from '../core/toast.js';
import { html, useEffect, useState } from '../core/ui.js';
import { Empty, Notice } from '../parts/feedback.js';
import { Button } from '../parts/forms.js';
import { Icon } from '../parts/icons.js';
import { Page } from '../parts/page.js';
import { Tabs } from '../parts/panel.js';
import { t } from '../strings/playground.js';
import { busy, stop } from './playground/asking.js';
import { CodeView } from './playground/code.js';
import { Composer } from './playground/composer.js';
import { IDS } from './playground/dialects/index.js';
import { Picker } from './playground/picker.js';
import { Settings, wrongs } from './playground/settings.js';
import { begin, change, lanes, setup, talk, write } from './playground/store.js';
import { Talk } from './playground/talk.js';
import { TranslateView } from './playground/translate.js';

const VIEWS = /** @type {const} */ (['chat', 'as', 'code']);

/** @param {{route: import('../core/router.js').Route}} given */
export default function Playground({ route }) {
  begin();
  const { query } = route;
  const view = VIEWS.find((name) => name === query['view']) ?? 'chat';
  useEffect(() => {
    if (named(query) !== written) takeQuery(query);
  }, [query['model'], query['with'], query['dialect']]);
  const { model, other, compare, dialect } = setup.value;
  useEffect(() => {
    const { model, other, compare, dialect } = setup.peek();
    const shown = { model: model || null, with: compare ? other || 'none' : null, dialect: dialect === 'openai_chat' ? null : dialect };
    written = named(shown);
    setQuery(shown);
  }, [model, other, compare, dialect]);
  useLegend([{ keys: 'mod+Enter', text: t('keysSend') }, { keys: 'Esc', text: t('keysStop') }, { keys: '/', text: t('keysWrite') }]);
  useEffect(() => provide('playground', entries), []);
  useFirstTarget();
  const wrong = wrongs();
  const tabs = VIEWS.map((id) => ({ id, label: t(`view_${id}`) }));
  return html`<${Page} title=${t('title')} actions=${html`<${Actions} />`}>
    ${!may('operate') && html`<${Notice} tone="info" title=${t('viewerTitle')} text=${t('viewer')} />`}
    <${Tabs} tabs=${tabs} active=${view} label=${t('views')} onChange=${(/** @type {string} */ id) => setQuery({ view: id === 'chat' ? null : id })} />
    ${view === 'chat' ? html`<${Chat} wrong=${wrong} />` : html`<${Targets} single />${view === 'as' ? html`<${TranslateView} />` : html`<${CodeView} />`}`}<//>`;
}

/** What we wrote into the address ourselves: taken back from there, it would undo what was chosen meanwhile. */
let written = '';

/** @param {Record<string, string | null | undefined>} query */
const named = (query) => JSON.stringify([query['model'] ?? null, query['with'] ?? null, query['dialect'] ?? null]);

/** Take what a link says over what was set before. @param {Record<string, string>} query */
function takeQuery({ model, with: other, dialect }) {
  const id = IDS.find((name) => name === dialect);
  change({
    ...(model ? { model } : {}), ...(id ? { dialect: id } : {}),
    ...(other ? { compare: true, ...(other === 'none' ? {} : { other }) } : {}),
  });
}

/** Where nothing was ever chosen: the first model that anybody answers for. */
function useFirstTarget() {
  const { data } = useData(setup.value.model ? null : '/api/models', { limit: 200 });
  useEffect(() => {
    const usable = (data ?? []).filter((/** @type {any} */ row) => row.generates !== false);
    const first = usable.find((/** @type {any} */ row) => row.accounts.length > 0) ?? usable[0];
    if (first && !setup.value.model) change({ model: first.id });
  }, [data]);
}

/** @param {string} words */
function entries(words) {
  const all = [
    { title: t('fresh'), icon: 'plus', run: startAnew },
    { title: t(setup.value.compare ? 'compareOff' : 'compareOn'), icon: 'playground', run: () => change({ compare: !setup.value.compare }) },
    { title: t('view_as'), icon: 'playground', href: href('playground', { view: 'as' }) },
    { title: t('view_code'), icon: 'playground', href: href('playground', { view: 'code' }) },
  ];
  return words ? all.filter(({ title }) => matches(title, words)) : [];
}

function startAnew() {
  const before = talk.value;
  stop();
  talk.value = [];
  if (before.length) say(t('cleared'), { undo: () => (talk.value = before) });
}

function Actions() {
  const { compare } = setup.value;
  return html`<${Button} tone="quiet" pressed=${compare} title=${t('compareLong')} onClick=${() => change({ compare: !compare })} disabled=${busy.value > 0}>${t('compare')}<//>
    <${Button} icon="plus" onClick=${startAnew} disabled=${talk.value.length === 0}>${t('fresh')}<//>`;
}

/** The targets, one for each lane. @param {{single?: boolean}} given */
function Targets({ single = false }) {
  const { model, other, compare } = setup.value;
  const two = compare && !single;
  return html`<div class=${two ? 'play-targets two' : 'play-targets'}>
    <${Picker} value=${model} label=${t(two ? 'targetA' : 'target')} onChange=${(/** @type {string} */ name) => change({ model: name })} disabled=${busy.value > 0} />
    ${two && html`<${Picker} value=${other} label=${t('targetB')} onChange=${(/** @type {string} */ name) => change({ other: name })} disabled=${busy.value > 0} />`}</div>`;
}

/** @param {{wrong: ReturnType<typeof wrongs>}} given */
function Chat({ wrong }) {
  const [shown, setShown] = useState(false);
  const models = useData('/api/models', { limit: 200 });
  const nobody = models.data?.length === 0;
  return html`<div class="play"><div class="play-main">
      <${Targets} />
      ${talk.value.length > 0 ? html`<${Talk} />` : nobody
        ? html`<${Empty} title=${t('noProvider')} text=${t('noProviderText')} action=${html`<${Button} tone="primary" href=${href('setup')}>${t('addProvider')}<//>`} />`
        : html`<${Welcome} />`}
      <${Composer} wrong=${wrong} /></div>
    <aside class=${shown ? 'play-side card shown' : 'play-side card'} aria-label=${t('settings')}>
      <button type="button" class="play-side-toggle" aria-expanded=${shown} onClick=${() => setShown(!shown)}><span class="grow">${t('settings')}</span><span class="soft small" data-text>${summary()}</span><${Icon} name=${shown ? 'up' : 'down'} size=${14} /></button>
      <${Settings} wrong=${wrong} /></aside></div>`;
}

/** The settings in a few words, where they are folded up. */
function summary() {
  const { dialect, stream, useTools, effort } = setup.value;
  return [t(dialect), stream && t('stream'), useTools && t('tools'), effort && t(`effort_${effort}`)].filter(Boolean).join(' · ');
}

const IDEAS = /** @type {const} */ (['idea1', 'idea2', 'idea3']);

/** What one might ask. */
function Welcome() {
  return html`<div class="play-welcome"><h2>${t(lanes().length > 1 ? 'welcomeTwo' : 'welcome')}</h2><p class="soft">${t('welcomeText')}</p>
    <div class="row wraps">${IDEAS.map((key) => html`<${Button} key=${key} disabled=${!may('operate')} onClick=${() => write({ text: t(key) })}>${t(key)}<//>`)}</div></div>`;
}
