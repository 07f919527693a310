/**
 * Who gets in: whether people log in, by which ways, who they are, and which browsers are signed in.
 */

import { post } from '../../core/api.js';
import { forget, useData } from '../../core/resource.js';
import { may, me } from '../../core/session.js';
import { say } from '../../core/toast.js';
import { html, useEffect, useRef, useState } from '../../core/ui.js';
import { Code, Dot } from '../../parts/bits.js';
import { Skeleton } from '../../parts/feedback.js';
import { Button, Field, Form, TextInput } from '../../parts/forms.js';
import { Section } from '../../parts/page.js';
import { t } from '../../strings/settings-people.js';
import { FileSettings } from './fixed.js';
import { Oidc } from './oidc.js';
import { Sessions } from './sessions.js';
import { Users } from './users.js';

const SWITCH = '[admin]\nlogin = "on"';
const FIRST = 'flow-router admin password';

/** @param {{settings: import('./data.js').Settings, asked: string}} given */
export function Logins({ settings, asked }) {
  const { process } = settings;
  return html`<${Standing} process=${process} />${me.value?.via === 'password' && html`<${OwnPassword} least=${process?.admin.password_length ?? 12} wanted=${asked === 'password'} />`}
    <${Users} least=${process?.admin.password_length ?? 12} /><${Sessions} />${process && html`<${Oidc} process=${process} />`}
    <${FileSettings} settings=${settings} groups=${['sessions']} title=${t('settings')} />`;
}

/** @param {{process: any}} given */
function Standing({ process }) {
  const { data: ways } = useData('/api/login');
  if (!ways) return html`<${Skeleton} lines=${2} />`;
  const file = html`<code class="wrap" translate="no">${process?.file ?? 'config.toml'}</code>`;
  const nobody = ways.on && !ways.password && ways.oidc === null;
  return html`<${Section} title=${t('login')} card><p><${Dot} state=${ways.on ? 'ok' : 'off'} label=${t(ways.on ? 'isOn' : 'isOff')} /></p><p class="soft">${t(ways.on ? 'onText' : 'offText')}</p>
    ${nobody && html`<p>${t('noWay')}</p><${Code} text=${FIRST} />`}
    ${!ways.on && may('administer') && html`<p class="soft small">${t.rich('switchOn', { file })}</p><${Code} text=${SWITCH} />`}<//>`;
}

/** @param {{least: number, wanted: boolean}} given `wanted`: it is why the visitor came. */
function OwnPassword({ least, wanted }) {
  const blank = { present: '', next: '', again: '' };
  const [draft, setDraft] = useState(blank);
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const box = useRef(/** @type {any} */ (null));
  useEffect(() => {
    if (wanted) box.current?.querySelector('input')?.focus();
  }, [wanted]);
  const set = (/** @type {string} */ name) => (/** @type {string} */ value) => setDraft({ ...draft, [name]: value });
  const differ = draft.again !== '' && draft.again !== draft.next;
  const change = async () => {
    setBusy(true);
    setError(null);
    try {
      const { data } = await post('/api/me/password', { present: draft.present, next: draft.next });
      me.value = data;
      setDraft(blank);
      await forget('/api/sessions');
      say(t('ownDone'));
    } catch (refused) {
      setError(refused);
    }
    setBusy(false);
  };
  const field = (/** @type {'present' | 'next' | 'again'} */ name, /** @type {any} */ more = {}) => html`<${Field} label=${t(name)} name=${name} ...${more}><${TextInput} type="password" value=${draft[name]} onChange=${set(name)} autocomplete=${name === 'present' ? 'current-password' : 'new-password'} /><//>`;
  return html`<${Section} title=${t('own')} lead=${t('ownText')} card><div ref=${box}><${Form} onSubmit=${change} error=${error} label=${t('own')}><div class="fields">${field('present')}${field('next', { hint: t('passwordHint', { n: least }) })}${field('again', differ ? { error: t('differ') } : {})}</div>
    <div><${Button} type="submit" busy=${busy} disabled=${!draft.present || !draft.next || draft.again !== draft.next}>${t('change')}<//></div><//></div><//>`;
}
