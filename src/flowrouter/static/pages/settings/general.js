/**
 * What can be changed while the gateway runs, and below it what the configuration file says.
 */

import { useKeys } from '../../core/keys.js';
import { href, setQuery } from '../../core/router.js';
import { html, useRef } from '../../core/ui.js';
import { Empty } from '../../parts/feedback.js';
import { Button, TextInput } from '../../parts/forms.js';
import { Section } from '../../parts/page.js';
import { words } from '../../strings/settings-names.js';
import { t } from '../../strings/settings.js';
import { member } from './data.js';
import { FileSettings, fits } from './fixed.js';
import { SettingRows } from './row.js';
import { FILE, GENERAL } from './spec.js';

const GROUPS = ['server', 'timeouts', 'logs', 'local', 'state'];

/** @param {{settings: import('./data.js').Settings, query: Record<string, string>}} given */
export function General({ settings, query }) {
  const box = useRef(/** @type {any} */ (null));
  const wanted = query['q'] ?? '';
  useKeys({ '/': () => box.current?.querySelector('input')?.focus() });
  const leave = (/** @type {KeyboardEvent} */ event) => event.key === 'Escape' && /** @type {HTMLElement} */ (event.target).blur();
  const shown = GENERAL.map((section) => ({ ...section, rows: section.rows.filter(({ name, needs }) => (wanted ? fits(name, wanted) || words(section.id).toLowerCase().includes(wanted.toLowerCase()) : !needs || member(settings['in_force'], needs))) })).filter(({ rows }) => rows.length);
  const none = shown.length === 0 && GROUPS.every((id) => (FILE[id] ?? []).every(({ name }) => !fits(name, wanted)));
  return html`<div class="row wraps settings-tools" ref=${box} onKeyDown=${leave}><span class="keys-search"><${TextInput} type="search" value=${wanted} onChange=${(/** @type {string} */ q) => setQuery({ q })} placeholder=${t('search')} label=${t('search')} /></span></div>
    ${none && html`<${Empty} title=${t('noMatch')} action=${html`<${Button} onClick=${() => setQuery({ q: null })}>${t('showAll')}<//>`} />`}
    ${shown.map(({ id, rows }) => html`<${Section} key=${id} title=${words(id)} lead=${words(`${id}?`) || undefined}><${SettingRows} settings=${settings} rows=${rows} /><//>`)}
    ${!wanted && html`<${Section} title=${t('elsewhere')}><div class="row wraps gap2"><a href=${href('models')}>${t('aliases')}</a><a href=${href('budgets')}>${t('budgets')}</a><a href=${href('combos')}>${t('combos')}</a></div><//>`}
    <${FileSettings} settings=${settings} groups=${GROUPS} query=${wanted} folded />`;
}
