/**
 * An alias: a name of one's own and what it stands for, in the order they are asked.
 */

import { get } from '../../core/api.js';
import { href } from '../../core/router.js';
import { may } from '../../core/session.js';
import { html, useEffect, useState } from '../../core/ui.js';
import { Notice } from '../../parts/feedback.js';
import { Button, Field, Form, TextInput } from '../../parts/forms.js';
import { Section } from '../../parts/page.js';
import { Panel } from '../../parts/panel.js';
import { Picker } from '../../parts/picker.js';
import { t } from '../../strings/models.js';
import { moved } from '../combos/draft.js';
import { useNames } from '../combos/names.js';
import { pathOf, removeAlias, saveAlias } from './acts.js';
import { Who } from './who.js';

/** @param {{alias: any, wanted?: string, onClose: () => void}} given `alias` null makes one, which stands for `wanted`. */
export function AliasPanel({ alias, wanted = '', onClose }) {
  const [name, setName] = useState(alias?.id ?? '');
  const [models, setModels] = useState(/** @type {string[]} */ (alias?.models ?? (wanted ? [wanted] : [])));
  const [etag, setEtag] = useState(/** @type {string | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const names = useNames();
  useEffect(() => {
    if (alias) get(pathOf('aliases', alias.id)).then((found) => setEtag(found.etag), () => undefined);
  }, [alias?.id]);
  const locked = !may('operate') || Boolean(alias?.read_only);
  const changed = !alias || JSON.stringify(models) !== JSON.stringify(alias.models);
  const able = !locked && name.trim() !== '' && models.length > 0 && changed && (!alias || etag !== null);
  const save = async () => {
    if (!able) return;
    setBusy(true);
    try {
      await saveAlias(name.trim(), models, etag);
      onClose();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  const drop = async () => (await removeAlias(alias.id)) && onClose();
  const actions = alias && html`<${Button} icon="playground" href=${href('playground', { model: alias.id })}>${t('tryIt')}<//>`;
  return html`<${Panel} title=${alias?.id ?? t('aliasNew')} data=${Boolean(alias)} onClose=${onClose} actions=${actions}><${About} alias=${alias} />
    <${Form} onSubmit=${save} error=${error} label=${t('aliasTitle')}>
      ${!alias && html`<${Field} label=${t('aliasName')} name="id" hint=${t('aliasNameHint')}><${TextInput} value=${name} onChange=${setName} autofocus /><//>`}
      <section class="field" role="group" aria-label=${t('aliasFor')}><span class="label">${t('aliasFor')}</span>${models.length > 0 && html`<${Order} models=${models} locked=${locked} onChange=${setModels} />`}
        ${!locked && html`<${Picker} choices=${names.choices} label=${t('addModel')} placeholder=${t('addModelPlaceholder')} free without=${new Set([...models, name])} onPick=${(/** @type {string} */ model) => setModels([...models, model])} />
        <p class="soft small">${t('aliasForHint')}</p>`}</section>
      ${!locked && html`<div class="row"><${Button} tone="primary" type="submit" disabled=${!able} busy=${busy}>${t('saveAlias')}<//><span class="grow"></span>${alias && html`<${Button} tone="danger" icon="trash" onClick=${drop}>${t('remove')}<//>`}</div>`}<//>
    ${alias && html`<${Who} name=${alias.id} />`}<//>`;
}

/** What is special about an alias. @param {{alias: any}} given */
function About({ alias }) {
  if (!alias) return null;
  const file = html`<code translate="no">${alias.managed_in ?? 'config.toml'}</code>`;
  return html`${alias.read_only && html`<${Notice} text=${t.rich('aliasInFile', { file })} />`}
    ${!alias.read_only && alias.managed_by === 'file' && html`<${Notice} tone="warn" text=${t.rich('aliasKept', { file })} />`}
    ${alias.hidden && html`<${Notice} tone="warn" text=${t('aliasHidden')} />`}
    ${!may('operate') && html`<${Notice} text=${t('viewerOnly')} />`}
    ${alias.warnings.length > 0 && html`<${Notice} tone="warn" data>${alias.warnings.map((/** @type {string} */ text) => html`<p class="wrap" translate="no" key=${text}>${text}</p>`)}<//>`}`;
}

/** @param {{models: string[], locked: boolean, onChange: (models: string[]) => void}} given */
function Order({ models, locked, onChange }) {
  const last = models.length - 1;
  return html`<ol class="members">${models.map((model, index) => html`<li class="member" key=${model}><div class="member-line alias-line"><span class="member-at soft numbers">${index + 1}</span><span class="cut grow" translate="no">${model}</span>
    ${!locked && html`${last > 0 && html`<${Button} tone="quiet" icon="up" label=${t('moveUp', { name: model })} disabled=${index === 0} onClick=${() => onChange(moved(models, index, index - 1))} />
      <${Button} tone="quiet" icon="down" label=${t('moveDown', { name: model })} disabled=${index === last} onClick=${() => onChange(moved(models, index, index + 1))} />`}
      <${Button} tone="quiet" icon="close" label=${t('drop', { name: model })} onClick=${() => onChange(models.filter((other) => other !== model))} />`}</div></li>`)}</ol>`;
}

/** The aliases that lead to a name: taken away, and another one given. @param {{name: string, aliases: string[], combos: string[]}} given */
export function Names({ name, aliases, combos }) {
  const [wanted, setWanted] = useState('');
  const [error, setError] = useState(/** @type {any} */ (null));
  const operate = may('operate');
  const add = async () => {
    if (!wanted.trim()) return;
    try {
      await saveAlias(wanted.trim(), [name]);
      setWanted('');
      setError(null);
    } catch (refused) {
      setError(refused);
    }
  };
  return html`<${Section} title=${t('names')} label=${t('names')}>
    ${aliases.length + combos.length === 0 && html`<p class="soft">${t('noNames')}</p>`}
    <div class="row wraps">${aliases.map((alias) => html`<span class="chip alias-chip" key=${alias}><a href=${href(`models/${encodeURIComponent(alias)}`, { as: alias === name ? 'alias' : null })} translate="no">${alias}</a>${operate && html`<button type="button" aria-label=${t('removeAlias', { name: alias })}
        title=${t('removeAlias', { name: alias })} onClick=${() => removeAlias(alias)}>×</button>`}</span>`)}
      ${combos.map((combo) => html`<a class="chip" key=${combo} href=${href(`combos/${encodeURIComponent(combo)}`)}><span translate="no">${combo}</span><span class="soft">${t('combo')}</span></a>`)}</div>
    ${operate && html`<${Form} onSubmit=${add} error=${error} label=${t('addAlias')}><div class="row alias-add"><${TextInput} value=${wanted} label=${t('addAlias')} placeholder=${t('aliasPlaceholder')} onChange=${setWanted} /><${Button} type="submit" disabled=${!wanted.trim()} icon="plus">${t('addAlias')}<//></div><//>`}<//>`;
}
