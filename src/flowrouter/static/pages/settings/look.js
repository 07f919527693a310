/**
 * Language and theme: of this browser.
 */

import { moment, money, count, PICO } from '../../core/format.js';
import { choose, locale, locales } from '../../core/strings.js';
import { choice } from '../../core/theme.js';
import { html } from '../../core/ui.js';
import { Field, Select } from '../../parts/forms.js';
import { Icon } from '../../parts/icons.js';
import { Section } from '../../parts/page.js';
import { t } from '../../strings/settings-tabs.js';

const THEMES = /** @type {const} */ ([['system', 'system'], ['light', 'sun'], ['dark', 'moon']]);
const PSEUDO = 'pseudo';

/** A language by its own name. @param {string} code */
const nameOf = (code) => new Intl.DisplayNames([code], { type: 'language' }).of(code) ?? code;

export function Look() {
  const codes = locale === PSEUDO ? [...locales, PSEUDO] : locales;
  const choices = codes.map((code) => (code === PSEUDO ? { value: code, label: t('pseudo') } : { value: code, label: nameOf(code), data: true }));
  return html`<${Section} title=${t('theme')} lead=${t('thisBrowser')}><div class="segments settings-themes" role="group" aria-label=${t('theme')}>${THEMES.map(([id, icon]) => html`<button type="button" key=${id} aria-pressed=${choice.value === id}
      onClick=${() => (choice.value = id)}><${Icon} name=${icon} size=${14} /> ${t(`theme_${id}`)}</button>`)}</div><//>
    <${Section} title=${t('language')} lead=${t('languageText')}><div class="settings-short"><${Field} label=${t('language')} hint=${t('languageHint')}><${Select} value=${locale} choices=${choices} onChange=${choose} disabled=${choices.length < 2} /><//></div>
      <p class="soft small">${t('formats')} <span class="numbers">${count(1234567)} · ${money(1.5 * PICO)} · ${moment(Date.now())}</span></p><//>`;
}
