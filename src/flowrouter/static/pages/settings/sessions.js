/**
 * Browsers that are signed in, and a link for one more.
 */

import { post, remove } from '../../core/api.js';
import { forget, useData } from '../../core/resource.js';
import { may, me } from '../../core/session.js';
import { say, tell } from '../../core/toast.js';
import { html, useState } from '../../core/ui.js';
import { Chip, Code, Time } from '../../parts/bits.js';
import { Problem, Skeleton } from '../../parts/feedback.js';
import { Button } from '../../parts/forms.js';
import { Section } from '../../parts/page.js';
import { t } from '../../strings/settings-people.js';

const LIMIT = 100;
const BROWSERS = /** @type {[string, RegExp][]} */ ([['Edge', /Edg\//], ['Opera', /OPR\//], ['Firefox', /Firefox\//], ['Chrome', /Chrom(e|ium)\//], ['Safari', /Safari\//], ['curl', /^curl\//]]);
const SYSTEMS = /** @type {[string, RegExp][]} */ ([['iPhone', /iPhone/], ['iPad', /iPad/], ['Android', /Android/], ['Windows', /Windows/], ['macOS', /Mac OS/], ['Linux', /Linux/]]);

/** A browser by its product and system. @param {string | null} agent */
function browserOf(agent) {
  const names = [BROWSERS, SYSTEMS].map((known) => known.find(([, pattern]) => pattern.test(agent ?? ''))?.[0]).filter(Boolean);
  return names.length ? names.join(' · ') : null;
}

/** @param {any} session */
async function end(session) {
  try {
    await remove(`/api/sessions/${encodeURIComponent(session.id)}`);
    if (session.current) {
      me.value = null;
      return;
    }
    say(t('ended', { name: session.name }));
  } catch (error) {
    tell(error);
  }
  await forget('/api/sessions');
}

export function Sessions() {
  const { data, error, next, reload } = useData('/api/sessions', { limit: LIMIT }, { every: 30_000 });
  const [link, setLink] = useState(/** @type {string | null} */ (null));
  const make = async () => {
    try {
      const { data: made } = await post('/api/handover');
      setLink(made.url);
    } catch (refused) {
      tell(refused);
    }
  };
  const rows = [...(data ?? [])].sort((/** @type {any} */ one, /** @type {any} */ other) => Number(other.current) - Number(one.current) || other.seen_at_ms - one.seen_at_ms);
  return html`<${Section} title=${t('sessions')} lead=${t(may('administer') ? 'sessionsAll' : 'sessionsMine')} actions=${may('administer') && html`<${Button} icon="link" onClick=${make} title=${t('linkText')}>${t('linkMaker')}<//>`}>
    ${link && html`<p class="soft small">${t('linkText')}</p><${Code} text=${link} label=${t('linkMaker')} />`}
    ${error && !data ? html`<${Problem} error=${error} retry=${reload} />` : !data ? html`<${Skeleton} lines=${3} height=${40} />`
    : html`<ul class="people card">${rows.map((session) => html`<${Browser} key=${session.id} session=${session} />`)}</ul>`}
    ${next && html`<p class="soft small">${t('more')}</p>`}<//>`;
}

/** @param {{session: any}} given */
function Browser({ session }) {
  const via = /** @type {'via_password'} */ (`via_${session.via}`);
  const program = browserOf(session.client);
  return html`<li><span class="who column"><span class="row wraps"><span class="strong cut" translate="no">${session.name}</span><${Chip}>${t(/** @type {'role_admin'} */ (`role_${session.role}`))}<//>${session.current && html`<${Chip} tone="accent">${t('thisOne')}<//>`}</span>
      <span class="soft small row wraps" title=${session.client ?? undefined} translate="no"><span>${program ?? t('unknownBrowser')}</span><span>${t(via)}</span>${session.address && html`<span>${t('from', { address: session.address })}</span>`}</span></span>
    <span class="soft small">${t.rich('seen', { when: html`<${Time} at=${session.seen_at_ms} />` })} · ${t.rich('ends', { when: html`<${Time} at=${session.ends_at_ms} />` })}</span>
    <span class="acts"><${Button} onClick=${() => end(session)} label=${`${t(session.current ? 'endThis' : 'end')}: ${session.name}`}>${t(session.current ? 'endThis' : 'end')}<//></span></li>`;
}
