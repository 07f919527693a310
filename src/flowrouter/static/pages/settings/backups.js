/**
 * Backups: made, proven, downloaded, put back at the next start.
 */

import { post, remove } from '../../core/api.js';
import { bytes, count, duration, moment, ago } from '../../core/format.js';
import { forget, useData } from '../../core/resource.js';
import { may } from '../../core/session.js';
import { say, tell } from '../../core/toast.js';
import { html, signal, useEffect, useState } from '../../core/ui.js';
import { Chip, Time } from '../../parts/bits.js';
import { Empty, Notice, Problem, Skeleton } from '../../parts/feedback.js';
import { Button, Field, Form, TextInput } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Section } from '../../parts/page.js';
import { Menu, confirm } from '../../parts/panel.js';
import { t } from '../../strings/settings-backups.js';
import { FileSettings } from './fixed.js';

/** When the backup that is being made was begun; it goes on while other pages are looked at. @type {import('../../vendor/signals.js').Signal<number | null>} */
const making = signal(null);
const TICK_MS = 1000;

/** @param {string} id */
const pathOf = (id) => `/api/backups/${encodeURIComponent(id)}`;
const refresh = () => Promise.all([forget('/api/backups'), forget('/api/status'), forget('/api/about')]);

/** @param {string} note */
async function make(note) {
  making.value = Date.now();
  try {
    const { data } = await post('/api/backups', { note });
    say(t('made', { size: bytes(data.bytes) }));
  } catch (error) {
    tell(error);
  }
  making.value = null;
  await refresh();
}

/** @param {any} backup */
async function restore(backup) {
  const sure = await confirm({ title: t('restoreTitle', { id: backup.id }), text: t('restoreText', { when: ago(backup.created_at_ms) }), action: t('restore'), typed: backup.id });
  if (!sure) return;
  try {
    await post(`${pathOf(backup.id)}/restore`);
    say(t('staged'), { undo: () => unstage(backup) });
  } catch (error) {
    tell(error);
  }
  await refresh();
}

/** @param {any} backup */
async function unstage(backup) {
  try {
    await remove(`${pathOf(backup.id)}/restore`);
    say(t('unstaged'));
  } catch (error) {
    tell(error);
  }
  await refresh();
}

/** @param {any} backup */
async function destroy(backup) {
  if (!(await confirm({ title: t('removeTitle'), text: t('removeText'), action: t('remove'), typed: backup.id }))) return;
  try {
    await remove(pathOf(backup.id));
    say(t('removed'));
  } catch (error) {
    tell(error);
  }
  await refresh();
}

/** @param {{settings: import('./data.js').Settings}} given */
export function BackupsTab({ settings }) {
  const admin = may('administer');
  const { data, error, notices, reload } = useData(admin ? '/api/backups' : null, { limit: 200 });
  const [asking, setAsking] = useState(false);
  const staged = data?.find((/** @type {any} */ backup) => backup.staged);
  const busy = making.value !== null;
  const begin = html`<${Button} icon="plus" tone="primary" busy=${busy} onClick=${() => setAsking(true)}>${t('make')}<//>`;
  if (!admin) return html`<p class="soft">${t('adminsOnly')}</p><${FileSettings} settings=${settings} groups=${['schedule']} title=${t('schedule')} />`;
  return html`${staged && html`<${Notice} tone="warn" title=${t('staged')} action=${html`<${Button} onClick=${() => unstage(staged)}>${t('unstage')}<//>`}><p class="wrap">${t.rich('stagedText', { id: html`<code translate="no">${staged.id}</code>` })}</p><//>`}
    ${notices?.map((notice) => html`<${Notice} key=${notice} tone="bad" title=${t('failedRestore')}><p class="wrap" translate="no">${notice}</p><//>`)}
    <${Section} title=${t('backups')} lead=${t('lead')} actions=${data?.length && !asking ? begin : null}>
      ${asking && html`<${Asking} onMake=${(/** @type {string} */ note) => { setAsking(false); void make(note); }} onClose=${() => setAsking(false)} />`}${busy && html`<${Making} />`}
      ${error && !data ? html`<${Problem} error=${error} retry=${reload} />` : !data ? html`<${Skeleton} lines=${3} height=${44} />`
      : data.length === 0 ? html`<${Empty} title=${t('emptyTitle')} text=${t('emptyText')} code="flow-router backup create" action=${asking ? null : begin} />`
      : html`<ul class="people card">${data.map((/** @type {any} */ backup) => html`<${Row} key=${backup.id} backup=${backup} />`)}</ul>`}
      <${Notice} title=${t('keyTitle')} text=${t('keyText')} /><//>
    <${FileSettings} settings=${settings} groups=${['schedule']} title=${t('schedule')} />`;
}

/** @param {{onMake: (note: string) => void, onClose: () => void}} given */
function Asking({ onMake, onClose }) {
  const [note, setNote] = useState('');
  return html`<div class="card"><${Form} onSubmit=${() => onMake(note)} label=${t('make')}><${Field} label=${t('note')} hint=${t('noteHint')}><${TextInput} value=${note} onChange=${setNote} autofocus /><//>
    <div class="row"><${Button} tone="primary" type="submit">${t('make')}<//><${Button} tone="quiet" onClick=${onClose}>${t('cancel')}<//></div><//></div>`;
}

/** How long it has been going on, and how much there is to copy. */
function Making() {
  const { data: about } = useData('/api/about');
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  const size = about?.store?.bytes ? bytes(about.store.bytes) : null;
  return html`<${Notice} title=${t('making')} text=${t('makingText', { size, took: duration(Math.max(0, now - (making.value ?? now))) })} />`;
}

/** @param {{backup: any}} given */
function Row({ backup }) {
  const [verdict, setVerdict] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const { manifest } = backup;
  const verify = async () => {
    setBusy(true);
    try {
      setVerdict((await post(`${pathOf(backup.id)}/verify`)).data);
    } catch (error) {
      tell(error);
    }
    setBusy(false);
  };
  const rows = manifest ? Object.values(manifest.rows).reduce((/** @type {number} */ sum, n) => sum + Number(n), 0) : 0;
  const facts = manifest?.damage ? t('damaged') : manifest ? [t('rows', { n: count(rows) }), t('schema', { n: manifest.schema }), ...(manifest.key_id ? [t('key', { id: manifest.key_id })] : [])].join(' · ') : t('noManifest');
  const items = [
    { label: t('download'), icon: 'download', onClick: () => (location.href = `${pathOf(backup.id)}/file`) },
    { label: t('restore'), icon: 'refresh', onClick: () => restore(backup), disabled: backup.staged },
    { label: t('remove'), icon: 'trash', danger: true, onClick: () => destroy(backup) },
  ];
  return html`<li data-backup=${backup.id}><span class="who column"><span class="row wraps"><span class="strong" title=${moment(backup.created_at_ms)}><${Time} at=${backup.created_at_ms} /></span><${Chip}>${t(/** @type {'kind_manual'} */ (`kind_${backup.kind}`))}<//>${backup.staged && html`<${Chip} tone="warn">${t('chip')}<//>`}${
      manifest?.note && html`<span class="cut" translate="no">${manifest.note}</span>`}</span><code class="soft cut" translate="no">${backup.id}</code></span>
    <span class="soft small">${facts}</span><span class="numbers">${bytes(backup.bytes)}</span>
    <span class="row acts"><${Button} busy=${busy} onClick=${verify}>${t('verify')}<//><${Menu} items=${items} /></span>
    ${verdict && html`<${Verdict} verdict=${verdict} />`}</li>`;
}

/** @param {{verdict: any}} given */
function Verdict({ verdict }) {
  return html`<div class="backup-verdict" role="status"><ul class="backup-checks"><li class=${verdict.ok ? 'ok strong' : 'bad strong'}>${t(verdict.ok ? 'good' : 'bad')}</li>${verdict.checks.map((/** @type {any} */ check) => html`<li key=${check.name} class="row"><span class=${check.ok ? 'ok' : 'bad'}><${Icon} name=${check.ok ? 'check' : 'close'} size=${12} /></span>
    <span>${t(/** @type {'check_file'} */ (`check_${check.name}`))}</span><span class="soft wrap" translate="no">${check.found}</span></li>`)}${verdict.fix && html`<li class="wrap" translate="no">${verdict.fix}</li>`}</ul></div>`;
}
