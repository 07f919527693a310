/**
 * Applying a file: its text, what it would change, and then the change.
 */

import { post } from '../../core/api.js';
import { forget } from '../../core/resource.js';
import { say } from '../../core/toast.js';
import { html, useRef, useState } from '../../core/ui.js';
import { Chip, Code } from '../../parts/bits.js';
import { Notice } from '../../parts/feedback.js';
import { Button, Field, Form, Secret, Select, TextInput } from '../../parts/forms.js';
import { Section } from '../../parts/page.js';
import { confirm } from '../../parts/panel.js';
import { t } from '../../strings/settings-code.js';

/** @typedef {{text: string, file: string, prune: string, take_over: boolean, passphrase: string, secrets: Record<string, string>}} Draft */

const PRUNE = /** @type {const} */ (['none', 'file', 'all']);
const BLANK = { text: '', file: 'gateway.toml', prune: 'none', take_over: false, passphrase: '', secrets: {} };

/** What a text refers to, each once. @param {string} text @returns {string[]} */
const referencesIn = (text) => [...new Set([...text.matchAll(/["'](env:[A-Za-z_][A-Za-z0-9_]*|file:[^"'\n]+)["']/g)].map((found) => found[1] ?? ''))];

/** @param {string} text */
const isSealed = (text) => /^\s*format\s*=\s*["']flow-router-sealed\//m.test(text);

/** @param {Draft} draft @param {boolean} dry */
function bodyOf(draft, dry) {
  const secrets = Object.fromEntries(Object.entries(draft.secrets).filter(([name, value]) => value !== '' && referencesIn(draft.text).includes(name)));
  return { text: draft.text, file: draft.file.trim() || 'gateway.toml', prune: draft.prune, take_over: draft.take_over, secrets, dry_run: dry, ...(draft.passphrase ? { passphrase: draft.passphrase } : {}) };
}

export function Apply() {
  const [draft, setDraft] = useState(/** @type {Draft} */ (BLANK));
  const [seen, setSeen] = useState(/** @type {{of: string, result: any} | null} */ (null));
  const [done, setDone] = useState(/** @type {any} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const now = JSON.stringify(draft);
  const current = seen?.of === now ? seen.result : null;
  const call = async (/** @type {boolean} */ dry) => {
    setBusy(true);
    setError(null);
    try {
      const { data } = await post('/api/apply', bodyOf(draft, dry));
      if (dry) setSeen({ of: now, result: data });
      else await finish(data);
    } catch (refused) {
      setError(refused);
    }
    setBusy(false);
  };
  const finish = async (/** @type {any} */ data) => {
    setSeen(null);
    setDone(data);
    setDraft({ ...BLANK, file: draft.file });
    await forget('/api/');
    say(t('applied', { n: data.added + data.changed + data.removed }));
  };
  const apply = async () => {
    if (current.removed > 0 && !(await confirm({ title: t('allTitle'), text: `${t('allText', { n: current.removed })} ${t('keyNote')}`, action: t('doItAll'), ...(draft.prune === 'all' ? { typed: bodyOf(draft, false).file } : {}) }))) return;
    await call(false);
  };
  const change = (/** @type {Partial<Draft>} */ values) => {
    setDraft({ ...draft, ...values });
    setDone(null);
  };
  return html`<${Section} title=${t('apply')} lead=${t('applyText')} card><${Form} onSubmit=${() => call(true)} error=${error} label=${t('apply')}><${Source} draft=${draft} onChange=${change} />
      <div class="row wraps"><${Button} type="submit" busy=${busy && !current} disabled=${!draft.text.trim()}>${t('look')}<//>
        ${current && html`<${Button} tone="primary" busy=${busy} disabled=${current.changes.length === 0} onClick=${apply}>${t(current.removed ? 'doItAll' : 'doIt')}<//>`}${seen && !current && html`<span class="soft">${t('lookAgain')}</span>`}</div><//>
    ${current && html`<${Difference} result=${current} />`}
    ${done?.minted.length > 0 && html`<${Notice} tone="ok" title=${t('minted')} text=${t('mintedText')}>${done.minted.map((/** @type {any} */ key) => html`<div key=${key.name} class="column"><span class="strong" translate="no">${key.name}</span><${Code} text=${key.token} label=${key.name} /></div>`)}<//>`}<//>`;
}

/** @param {{draft: Draft, onChange: (values: Partial<Draft>) => void}} given */
function Source({ draft, onChange }) {
  const [over, setOver] = useState(false);
  const chooser = useRef(/** @type {any} */ (null));
  const take = async (/** @type {File | undefined} */ file) => {
    if (file) onChange({ text: await file.text(), file: file.name });
  };
  const drop = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    setOver(false);
    void take(event.dataTransfer?.files[0]);
  };
  const hover = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    setOver(true);
  };
  const references = referencesIn(draft.text);
  return html`<div class=${over ? 'apply-drop over' : 'apply-drop'} onDragOver=${hover} onDragLeave=${() => setOver(false)} onDrop=${drop}><${Field} label=${t('text')} name="text" hint=${t('textHint')}><${TextInput} value=${draft.text} onChange=${(/** @type {string} */ text) => onChange({ text })} rows=${9} mono placeholder=${t('placeholder')} /><//></div>
    <div><input type="file" accept=".toml,text/plain" class="hidden" ref=${chooser} tabindex="-1" aria-label=${t('choose')} onChange=${(/** @type {any} */ event) => take(event.target.files[0])} /><${Button} icon="plus" onClick=${() => chooser.current?.click()}>${t('choose')}<//></div>
    <div class="fields"><${Field} label=${t('fileName')} name="file" hint=${t('fileHint')}><${TextInput} value=${draft.file} onChange=${(/** @type {string} */ file) => onChange({ file })} mono /><//>
      <${Field} label=${t('prune')} name="prune"><${Select} value=${draft.prune} choices=${PRUNE.map((value) => ({ value, label: t(`prune_${value}`) }))} onChange=${(/** @type {string} */ prune) => onChange({ prune })} /><//>
      ${isSealed(draft.text) && html`<${Field} label=${t('passphrase')} name="passphrase" hint=${t('isSealed')}><${Secret} value=${draft.passphrase} onChange=${(/** @type {string} */ passphrase) => onChange({ passphrase })} /><//>`}</div>
    <label class="row"><input type="checkbox" checked=${draft.take_over} onChange=${() => onChange({ take_over: !draft.take_over })} />${t('takeOver')}</label>
    ${references.length > 0 && html`<fieldset class="field plain"><legend>${t('secrets')}</legend><p class="soft small">${t('secretsText')}</p><div class="fields">${references.map((name) => html`<${Field} key=${name} label=${html`<code translate="no">${name}</code>`}><${Secret} value=${draft.secrets[name] ?? ''} onChange=${(/** @type {string} */ value) => onChange({ secrets: { ...draft.secrets, [name]: value } })} /><//>`)}</div></fieldset>`}`;
}

const SIGNS = /** @type {Record<string, [string, string]>} */ ({ added: ['+', 'ok'], changed: ['~', 'warn'], removed: ['−', 'bad'], taken_over: ['→', 'info'] });

/** @param {{result: any}} given */
function Difference({ result }) {
  const sums = /** @type {const} */ (['added', 'changed', 'removed', 'unchanged']).filter((name) => result[name] > 0);
  return html`<section class="column" role="status" aria-label=${t('diff')}><div class="row wraps"><h3>${t('diff')}</h3>${sums.map((name) => html`<${Chip} key=${name} tone=${SIGNS[name]?.[1] ?? 'plain'}>${t(name, { n: result[name] })}<//>`)}</div>
    ${result.changes.length === 0 ? html`<p class="soft">${t('nothing')}</p>` : html`<div class="card settings-list">${result.changes.map((/** @type {any} */ each) => html`<${OneChange} key=${`${each.kind} ${each.name}`} change=${each} />`)}</div>`}
    ${result.left.length > 0 && html`<p class="soft">${t.rich('left', { names: html`<code translate="no">${result.left.join(', ')}</code>` })}</p>`}</section>`;
}

/** @param {{change: any}} given */
function OneChange({ change }) {
  const [sign, tone] = SIGNS[change.action] ?? ['', 'soft'];
  const shown = (/** @type {any} */ value) => (value === null || value === undefined ? t('nothingSet') : html`<code class="wrap" translate="no">${typeof value === 'string' ? value : JSON.stringify(value)}</code>`);
  return html`<div class="apply-change"><span class=${`${tone} strong mono`} aria-hidden="true">${sign}</span><span class="row wraps"><span class="soft" translate="no">${change.kind}</span><span class="strong wrap" translate="no">${change.name}</span><span class="hidden" translate="no">${change.action}</span>${
      change.was_managed_by && html`<span class="soft small">${t.rich('was', { who: html`<span translate="no">${change.was_managed_by}</span>` })}</span>`}</span>
    ${change.fields.length > 0 && html`<span class="fields-told soft small column">${change.fields.map((/** @type {any} */ field) => html`<span key=${field.field} class="row wraps"><span translate="no">${field.field}:</span>${change.action === 'changed' && html`${shown(field.before)}<span aria-hidden="true">→</span>`}${shown(change.action === 'removed' ? field.before : field.after)}</span>`)}</span>`}</div>`;
}
