/**
 * One combo: its name, who comes first, its members, the rarer settings, and what would happen to a request.
 */

import { get } from '../../core/api.js';
import { useKeys, useLegend } from '../../core/keys.js';
import { useData } from '../../core/resource.js';
import { go, href } from '../../core/router.js';
import { may } from '../../core/session.js';
import { tell } from '../../core/toast.js';
import { html, useEffect, useState } from '../../core/ui.js';
import { Chip, Copy } from '../../parts/bits.js';
import { Notice, Problem, Skeleton } from '../../parts/feedback.js';
import { Button, Field, Form, Select, TextInput } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Page } from '../../parts/page.js';
import { Menu } from '../../parts/panel.js';
import { t } from '../../strings/combos.js';
import { change, create, destroy, pathOf, refresh } from './acts.js';
import { blank, bodyOf, draftOf, member, same } from './draft.js';
import { Members } from './members.js';
import { More } from './more.js';
import { useNames } from './names.js';
import { Preview } from './preview.js';
import { plainly, strategyChoices } from './words.js';

/** @typedef {import('./draft.js').Draft} Draft */
/** @typedef {{draft: Draft, base: Draft, row: any, etag: string | null}} Kept */

/** What was begun and not saved, by id; it is there again when its page is. @type {Map<string, Kept>} */
const begun = new Map();

const NEW = 'new';

/** A new combo, empty or with what the query says. @param {{query: Record<string, string>}} given */
export function NewCombo({ query }) {
  const from = useData(query['from'] ? pathOf(query['from']) : null);
  if (query['from'] && !from.data && !from.error) return html`<${Page} title=${t('newTitle')} back=${html`<${Back} />`}><${Skeleton} lines=${6} /><//>`;
  const start = from.data ? { ...draftOf(from.data), name: `${from.data.name}-copy` } : { ...blank(), members: (query['members'] ?? '').split(',').filter(Boolean).map(member) };
  const id = `${NEW} ${query['from'] ?? ''} ${query['members'] ?? ''}`;
  return html`<${Builder} key=${id} id=${id} row=${null} etag=${null} start=${start} />`;
}

/** @param {{id: string}} given */
export function OneCombo({ id }) {
  const { data, error, etag, reload } = useData(pathOf(id));
  if (error?.status === 404 && !data) return html`<${Page} title=${t('title')} back=${html`<${Back} />`}><${Notice} tone="warn" title=${t.rich('gone', { name: html`<span translate="no">${id}</span>` })} text=${t('goneText')} /><//>`;
  if (error && !data) return html`<${Page} title=${t('title')} back=${html`<${Back} />`}><${Problem} error=${error} retry=${reload} /><//>`;
  if (!data) return html`<${Page} title=${t('title')} back=${html`<${Back} />`}><${Skeleton} lines=${6} /><//>`;
  return html`<${Builder} key=${data.id} id=${data.id} row=${data} etag=${etag} start=${draftOf(data)} />`;
}

const Back = () => html`<a class="soft small back" href=${href('combos')}><${Icon} name="left" size=${12} />${t('back')}</a>`;

/** The draft with what it came from; a newer row replaces one that was not touched. @param {string} id @param {any} row @param {string | null} etag @param {Draft} start */
function useDraft(id, row, etag, start) {
  const [kept, set] = useState(() => begun.get(id) ?? { draft: start, base: start, row, etag });
  const dirty = !same(kept.draft, kept.base);
  useEffect(() => {
    if (row && row.version > (kept.row?.version ?? -1) && !dirty) set({ draft: draftOf(row), base: draftOf(row), row, etag });
  }, [row?.version, dirty]);
  useEffect(() => {
    if (dirty) begun.set(id, kept);
    else begun.delete(id);
  }, [kept, dirty]);
  const reset = (/** @type {any} */ now, /** @type {string | null} */ tag) => {
    begun.delete(id);
    set(now ? { draft: draftOf(now), base: draftOf(now), row: now, etag: tag } : { draft: kept.base, base: kept.base, row: kept.row, etag: kept.etag });
  };
  const edit = (/** @type {Partial<Draft>} */ part) => set((before) => ({ ...before, draft: { ...before.draft, ...part } }));
  return { ...kept, dirty, edit, reset };
}

/** @param {{id: string, row: any, etag: string | null, start: Draft}} given */
function Builder({ id, row, etag, start }) {
  const kept = useDraft(id, row, etag, start);
  const { draft, dirty, edit } = kept;
  const names = useNames();
  const saving = useSaving({ id, row, kept });
  const { locked, error, busy, save } = saving;
  const ready = draft.members.length > 0;
  const able = !locked && ready && draft.name.trim() !== '' && (dirty || !row);
  useKeys({ 'mod+Enter': save, 'mod+s': save }, { when: able && !busy });
  useLegend([{ keys: 'mod+Enter', text: t('keysSave') }, { keys: 'Alt+↑', text: t('keysMove') }]);
  const sentence = plainly(draft, (name) => html`<span translate="no">${name}</span>`);
  const actions = html`${dirty && row && html`<${Chip} tone="warn">${t('unsaved')}<//><${Button} tone="quiet" onClick=${() => kept.reset(null, null)}>${t('discard')}<//>`}
    ${row && html`<${Links} row=${row} />`}${!locked && html`<${Button} tone="primary" disabled=${!able} busy=${busy} onClick=${save} label=${row ? undefined : t('create')}>${row ? t('save') : t('create')}<//>`}`;
  const combo = bodyOf(draft);
  return html`<${Page} title=${row ? row.name : t('newTitle')} data=${Boolean(row)} back=${html`<${Back} />`} lead=${sentence || undefined} actions=${actions}>
    <${Standing} row=${row} saving=${saving} kept=${kept} />
    <div class="combo-edit"><div class="column gap3"><${Form} onSubmit=${() => able && save()} error=${error?.status === 412 ? null : error} label=${t('title')}>
      <div class="fields combo-head"><${Field} label=${t('name')} name="name" hint=${row ? undefined : t('nameHint')}><${TextInput} value=${draft.name} disabled=${locked} placeholder=${t('namePlaceholder')} autofocus=${!row && !draft.name} onChange=${(/** @type {string} */ name) => edit({ name })} /><//>
        <${Field} label=${t('strategy')} name="strategy"><${Select} value=${draft.strategy} choices=${strategyChoices()} disabled=${locked} onChange=${(/** @type {any} */ strategy) => edit({ strategy })} /><//></div>
      <section class="column" aria-label=${t('members')}><h2>${t('members')}</h2><${Members} draft=${draft} names=${names} locked=${locked} self=${row?.name ?? draft.name.trim()} onChange=${(/** @type {any} */ members) => edit({ members })} /></section>
      <${More} draft=${draft} locked=${locked} onChange=${edit} /><//></div>
      <aside class="combo-aside"><${Preview} combo=${{ ...combo, name: combo.name || 'new-combo' }} ready=${ready} /></aside></div><//>`;
}

/**
 * Saving, and what stands in its way.
 * @param {{id: string, row: any, kept: ReturnType<typeof useDraft>}} given
 */
function useSaving({ id, row, kept }) {
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const [detach, setDetach] = useState(false);
  const applied = row?.managed_by === 'file' && !row.read_only;
  const locked = !may('operate') || Boolean(row?.read_only) || (applied && !detach);
  const store = async (/** @type {string | null} */ tag, /** @type {any} */ before = kept.row) => {
    setBusy(true);
    setError(null);
    try {
      if (row) {
        const data = await change(before, kept.draft, { etag: tag, detach });
        kept.reset(data, `"${data.version}"`);
      } else {
        const data = await create(kept.draft);
        begun.delete(id);
        go(`combos/${encodeURIComponent(data.id)}`);
      }
    } catch (refused) {
      setError(refused);
    }
    setBusy(false);
  };
  return { locked, error, setError, busy, applied, detach, setDetach, save: () => store(kept.etag), store };
}

/** What is special about this combo. @param {{row: any, saving: ReturnType<typeof useSaving>, kept: ReturnType<typeof useDraft>}} given */
function Standing({ row, saving, kept }) {
  if (!row) return may('operate') ? null : html`<${Notice} text=${t('viewerOnly')} />`;
  const file = html`<code translate="no">${row.managed_in ?? 'config.toml'}</code>`;
  const conflict = saving.error?.status === 412;
  const latest = () => get(pathOf(row.id)).catch(tell);
  const theirs = async () => {
    const now = await latest();
    if (!now) return;
    saving.setError(null);
    kept.reset(now.data, now.etag);
    await refresh();
  };
  const mine = async () => {
    const now = await latest();
    if (now) await saving.store(now.etag, now.data);
  };
  return html`${conflict && html`<${Notice} tone="warn" title=${t('conflictTitle')} text=${t('conflictText')}
      action=${html`<span class="row wraps"><${Button} onClick=${theirs}>${t('loadTheirs')}<//><${Button} onClick=${mine}>${t('saveMine')}<//></span>`} />`}
    ${row.read_only && html`<${Notice} title=${t.rich('lockedTitle', { file })} text=${t('lockedText')}
      action=${may('operate') && html`<${Button} icon="copy" href=${href('combos/new', { from: row.id })}>${t('duplicate')}<//>`} />`}
    ${saving.applied && !saving.detach && html`<${Notice} title=${t.rich('appliedTitle', { file })} text=${t('appliedText')} action=${may('operate') && html`<${Button} onClick=${() => saving.setDetach(true)}>${t('takeOver')}<//>`} />`}
    ${row.hidden && html`<${Notice} tone="warn" title=${t('hiddenTitle')} text=${t('hiddenText')} />`}
    ${!may('operate') && !row.read_only && html`<${Notice} text=${t('viewerOnly')} />`}
    ${row.warnings.length > 0 && !kept.dirty && html`<${Notice} tone="warn" data>${row.warnings.map((/** @type {string} */ text) => html`<p class="wrap" translate="no" key=${text}>${text}</p>`)}<//>`}`;
}

/** Where one goes from here. @param {{row: any}} given */
function Links({ row }) {
  const gone = async () => (await destroy(row)) && go('combos');
  const items = [
    { label: t('requests'), icon: 'requests', href: href('requests', { combo: row.name }) },
    may('operate') && { label: t('duplicate'), icon: 'copy', href: href('combos/new', { from: row.id }) },
    may('operate') && !row.read_only && { label: t('remove'), icon: 'trash', danger: true, onClick: gone },
  ];
  return html`<${Copy} text=${row.name} /><${Button} icon="playground" href=${href('playground', { model: row.name })}>${t('tryIt')}<//><${Menu} items=${items} />`;
}
