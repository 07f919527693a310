/**
 * The settings' tabs in the palette.
 */

import { matches } from '../../core/palette.js';
import { href } from '../../core/router.js';
import { t } from '../../strings/settings.js';
import { TABS } from './tabs.js';

/** @type {import('../../core/palette.js').Source} */
export function source(words) {
  if (words.length < 2) return [];
  return TABS.map((id) => ({ title: `${t('title')}: ${t(`tab_${id}`)}`, icon: 'settings', href: href(`settings/${id}`) })).filter(({ title }) => matches(title, words));
}
