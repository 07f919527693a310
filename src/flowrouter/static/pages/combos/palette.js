/**
 * Combos in the palette: each by its name, trying it, and making one.
 */

import { get } from '../../core/api.js';
import { matches } from '../../core/palette.js';
import { href } from '../../core/router.js';
import { may } from '../../core/session.js';
import { t } from '../../strings/combos.js';

const FRESH_MS = 5_000;
const FROM = 2;
/** @type {{at: number, combos: Promise<any[]>} | null} */
let kept = null;

function combos() {
  if (!kept || Date.now() - kept.at > FRESH_MS) kept = { at: Date.now(), combos: get('/api/combos', { limit: 200 }).then(({ data }) => data) };
  return kept.combos;
}

/** @type {import('../../core/palette.js').Source} */
export async function source(words) {
  if (words.length < FROM) return [];
  const all = (await combos()).filter(({ hidden }) => !hidden);
  const pages = all.map((combo) => ({ title: combo.name, hint: t('asCombo'), icon: 'combos', data: true, href: href(`combos/${encodeURIComponent(combo.id)}`), found: combo.name }));
  const tries = all.map((combo) => ({ title: t('paletteTry', { name: combo.name }), icon: 'playground', href: href('playground', { model: combo.name }), found: t('paletteTry', { name: combo.name }) }));
  const add = may('operate') ? [{ title: t('add'), icon: 'plus', href: href('combos/new'), found: t('add') }] : [];
  return [...pages, ...tries, ...add].filter(({ found }) => matches(found, words));
}
