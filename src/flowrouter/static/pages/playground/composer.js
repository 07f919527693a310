/**
 * Where a message is written: text, pictures, send and stop.
 */

import { useKeys } from '../../core/keys.js';
import { may } from '../../core/session.js';
import { html, useRef, useState } from '../../core/ui.js';
import { Kbd } from '../../parts/bits.js';
import { Button } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { t } from '../../strings/playground.js';
import { busy, stop, submit } from './asking.js';
import { TYPES, add, filesOf } from './images.js';
import { draft, lanes, setup, targetOf, write } from './store.js';

/** Why nothing can be sent now, or null. @param {{tools: string | null, more: string | null}} wrong */
export function obstacle(wrong) {
  if (!may('operate')) return t('viewer');
  if (lanes().some((lane) => !targetOf(lane))) return t('noModel');
  if (wrong.tools && setup.value.useTools) return t('toolsWrongShort');
  return wrong.more ? t('moreWrongShort') : null;
}

/** @param {{wrong: {tools: string | null, more: string | null}}} given */
export function Composer({ wrong }) {
  const file = useRef(/** @type {any} */ (null));
  const field = useRef(/** @type {any} */ (null));
  const [over, setOver] = useState(false);
  const { text, images } = draft.value;
  const runs = busy.value > 0;
  const why = obstacle(wrong);
  const ready = !runs && why === null && (text.trim() !== '' || images.length > 0);
  const send = () => ready && submit();
  useKeys({ 'mod+Enter': send, '/': () => field.current?.focus() });
  useKeys({ Escape: stop }, { when: runs });
  const take = (/** @type {any} */ event, /** @type {DataTransfer | null} */ data) => {
    const files = filesOf(data);
    if (!files.length) return;
    event.preventDefault();
    void add(files);
  };
  return html`<form class=${over ? 'play-composer over' : 'play-composer'} aria-label=${t('composer')} onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); send(); }}
      onDragOver=${(/** @type {DragEvent} */ event) => { event.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)}
      onDrop=${(/** @type {DragEvent} */ event) => { setOver(false); event.preventDefault(); take(event, event.dataTransfer); }}>
    ${images.length > 0 && html`<ul class="play-pictures">${images.map((image, index) => html`<li key=${image.url}><img src=${image.url} alt=${image.name} title=${image.name} translate="no" />
      <button type="button" aria-label=${t('removePicture', { name: image.name })} title=${t('removePicture', { name: image.name })} onClick=${() => write({ images: images.filter((_, other) => other !== index) })}><${Icon} name="close" size=${12} /></button></li>`)}</ul>`}
    <textarea ref=${field} rows="2" aria-label=${t('message')} placeholder=${t('placeholder')} value=${text} disabled=${!may('operate')}
      onInput=${(/** @type {any} */ event) => write({ text: event.target.value })} onPaste=${(/** @type {ClipboardEvent} */ event) => take(event, event.clipboardData)}></textarea>
    <div class="row"><input ref=${file} type="file" class="hidden" accept=${TYPES.join(',')} multiple tabindex="-1" aria-label=${t('addPicture')}
        onChange=${(/** @type {any} */ event) => { void add([...event.target.files]); event.target.value = ''; }} />
      <${Button} tone="quiet" icon="image" label=${t('addPicture')} disabled=${!may('operate')} onClick=${() => file.current?.click()} />
      <span class="grow soft small cut">${why ?? html`<span class="wide-only">${t('pictureHint')}</span>`}</span>
      ${runs
        ? html`<${Button} icon="stop" onClick=${stop} title=${t('stopLong')}>${t('stop')} <span class="wide-only"><${Kbd} keys="Esc" /></span><//>`
        : html`<${Button} tone="primary" type="submit" icon="play" disabled=${!ready} title=${why ?? t('sendLong')}>${t('send')}<//><span class="wide-only"><${Kbd} keys="mod+Enter" /></span>`}</div></form>`;
}
