/**
 * People with a password: their role, whether they get in, a new password for them.
 */

import { get, patch, post, remove } from '../../core/api.js';
import { forget, useData } from '../../core/resource.js';
import { may, me } from '../../core/session.js';
import { say, tell } from '../../core/toast.js';
import { html, useState } from '../../core/ui.js';
import { Chip, Time } from '../../parts/bits.js';
import { Empty, Problem, Skeleton } from '../../parts/feedback.js';
import { Button, Field, Form, Secret, Select, TextInput } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Section } from '../../parts/page.js';
import { Menu, Panel, confirm } from '../../parts/panel.js';
import { t } from '../../strings/settings-people.js';

/** @typedef {{id: string, name: string, role: 'viewer' | 'operator' | 'admin', enabled: boolean, seen_at_ms: number | null, managed: any}} User */

const ROLES = /** @type {const} */ (['viewer', 'operator', 'admin']);
const choices = ROLES.map((role) => ({ value: role, label: t(`role_${role}`) }));

/** @param {string} id */
const pathOf = (id) => `/api/users/${encodeURIComponent(id)}`;
const refresh = () => Promise.all([forget('/api/users'), forget('/api/sessions'), forget('/api/login')]);

/** Change somebody as they are now; says so. @param {User} user @param {Record<string, any>} body @param {string} text @param {(() => any) | undefined} [undo] */
async function amend(user, body, text, undo) {
  try {
    const { etag } = await get(pathOf(user.id));
    await patch(pathOf(user.id), body, { etag });
    say(text, undo ? { undo } : {});
  } catch (error) {
    tell(error);
  }
  await refresh();
}

/** @param {User} user @param {User['role']} role @returns {Promise<void>} */
const setRole = (user, role) => amend(user, { role }, t('changed', { name: user.name, role: t(`role_${role}`) }), () => setRole({ ...user, role }, user.role));
/** @param {User} user @param {boolean} enabled @returns {Promise<void>} */
const setEnabled = (user, enabled) => amend(user, { enabled }, t(enabled ? 'isOnNow' : 'isOffNow', { name: user.name }), () => setEnabled(user, !enabled));

/** @param {User} user */
async function destroy(user) {
  if (!(await confirm({ title: t('removeTitle', { name: user.name }), text: t('removeText'), action: t('remove'), typed: user.name }))) return;
  try {
    const { etag } = await get(pathOf(user.id));
    await remove(pathOf(user.id), { etag });
    say(t('removed', { name: user.name }));
  } catch (error) {
    tell(error);
  }
  await refresh();
}

/** @param {{least: number}} given */
export function Users({ least }) {
  const { data, error, reload } = useData(may('administer') ? '/api/users' : null, { limit: 200 });
  const [open, setOpen] = useState(/** @type {User | 'new' | null} */ (null));
  if (!may('administer')) return html`<${Section} title=${t('users')}><p class="soft">${t('usersAdmins')}</p><//>`;
  const add = html`<${Button} icon="plus" onClick=${() => setOpen('new')}>${t('addUser')}<//>`;
  return html`<${Section} title=${t('users')} lead=${t('usersText')} actions=${data?.length ? add : null}>
    ${error && !data ? html`<${Problem} error=${error} retry=${reload} />` : !data ? html`<${Skeleton} lines=${3} height=${40} />`
    : data.length === 0 ? html`<${Empty} title=${t('noUsers')} text=${t('noUsersText')} action=${add} />`
    : html`<ul class="people card">${data.map((/** @type {User} */ user) => html`<${Person} key=${user.id} user=${user} onPassword=${() => setOpen(user)} />`)}</ul>`}
    ${open === 'new' && html`<${NewUser} least=${least} onClose=${() => setOpen(null)} />`}
    ${open && open !== 'new' && html`<${NewPassword} user=${open} least=${least} onClose=${() => setOpen(null)} />`}<//>`;
}

/** @param {{user: User, onPassword: () => void}} given */
function Person({ user, onPassword }) {
  const self = me.value?.via === 'password' && me.value.name === user.name;
  const file = user.managed?.file ?? null;
  const items = [
    { label: t('setPassword'), icon: 'keys', onClick: onPassword, disabled: file !== null },
    { label: t(user.enabled ? 'disable' : 'enable'), icon: user.enabled ? 'pause' : 'play', onClick: () => setEnabled(user, !user.enabled), disabled: self },
    { label: t('remove'), icon: 'trash', danger: true, onClick: () => destroy(user), disabled: self || file !== null },
  ];
  return html`<li data-user=${user.name}><span class="who column"><span class="row"><${Icon} name="user" /><span class="strong cut" translate="no">${user.name}</span>${self && html`<${Chip} tone="accent">${t('you')}<//>`}${!user.enabled && html`<${Chip} tone="warn">${t('off')}<//>`}</span>
      <span class="soft small">${user.seen_at_ms === null ? t('never') : t.rich('lastSeen', { when: html`<${Time} at=${user.seen_at_ms} />` })}${file && html` · ${t.rich('fromFile', { file: html`<code translate="no">${file}</code>` })}`}</span></span>
    <span class="row acts"><span class="soft small wide-only">${t(`roleWhat_${user.role}`)}</span><${Select} value=${user.role} choices=${choices} onChange=${(/** @type {User['role']} */ role) => setRole(user, role)} label=${`${t('role')}: ${user.name}`} disabled=${self || file !== null} />
      <${Menu} items=${items} /></span></li>`;
}

/** @param {{least: number, onClose: () => void}} given */
function NewUser({ least, onClose }) {
  const [draft, setDraft] = useState({ name: '', password: '', role: 'viewer' });
  const send = async () => {
    await post('/api/users', draft);
    say(t('made', { name: draft.name }));
  };
  return html`<${Asking} title=${t('addUser')} action=${t('make')} send=${send} ready=${Boolean(draft.name.trim() && draft.password)} onClose=${onClose}>
    <${Field} label=${t('name')} name="name"><${TextInput} value=${draft.name} onChange=${(/** @type {string} */ name) => setDraft({ ...draft, name })} autofocus /><//>
    <${Field} label=${t('role')} name="role"><${Select} value=${draft.role} choices=${ROLES.map((role) => ({ value: role, label: `${t(`role_${role}`)}: ${t(`roleWhat_${role}`)}` }))} onChange=${(/** @type {string} */ role) => setDraft({ ...draft, role })} /><//>
    <${Field} label=${t('password')} name="password" hint=${t('passwordHint', { n: least })}><${Secret} value=${draft.password} onChange=${(/** @type {string} */ password) => setDraft({ ...draft, password })} /><//><//>`;
}

/** @param {{user: User, least: number, onClose: () => void}} given */
function NewPassword({ user, least, onClose }) {
  const [password, setPassword] = useState('');
  const send = async () => {
    const { etag } = await get(pathOf(user.id));
    await patch(pathOf(user.id), { password }, { etag });
    say(t('passwordSet', { name: user.name }));
  };
  return html`<${Asking} title=${t('setPasswordFor', { name: user.name })} action=${t('save')} send=${send} ready=${password !== ''} onClose=${onClose}>
    <${Field} label=${t('password')} name="password" hint=${t('passwordHint', { n: least })}><${Secret} value=${password} onChange=${setPassword} autofocus /><//><//>`;
}

/** @param {{title: string, action: string, send: () => Promise<void>, ready: boolean, onClose: () => void, children?: any}} given */
function Asking({ title, action, send, ready, onClose, children }) {
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      await send();
      await refresh();
      onClose();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return html`<${Panel} title=${title} onClose=${onClose}><${Form} onSubmit=${submit} error=${error} label=${title}>${children}
    <div class="row"><${Button} tone="primary" type="submit" busy=${busy} disabled=${!ready}>${action}<//><${Button} tone="quiet" onClick=${onClose}>${t('cancel')}<//></div><//><//>`;
}
