/**
 * Models and aliases in the palette: found by the gateway, so that ten thousand of them cost nothing here.
 */

import { get } from '../../core/api.js';
import { matches } from '../../core/palette.js';
import { href } from '../../core/router.js';
import { may } from '../../core/session.js';
import { t } from '../../strings/models.js';

const FOUND = 12;
const SEARCH_MOST = 200;
const FROM = 2;

/** @type {import('../../core/palette.js').Source} */
export async function source(words) {
  if (words.length < FROM) return [];
  const longest = words.split(/\s+/).sort((one, other) => other.length - one.length)[0] ?? words;
  const { data } = await get('/api/models', { search: longest.slice(0, SEARCH_MOST), limit: 50 });
  const names = data.filter((/** @type {any} */ row) => row.kind !== 'combo' && matches(row.id, words)).slice(0, FOUND);
  const add = { title: t('paletteAlias'), icon: 'plus', href: href('models', { new: 'alias' }) };
  return [
    ...names.map((/** @type {any} */ row) => ({ title: row.id, hint: row.kind === 'alias' ? t('alias') : t('paletteModel'), icon: row.kind === 'alias' ? 'link' : 'models', data: true, href: href(`models/${encodeURIComponent(row.id)}`) })),
    ...(may('operate') && matches(add.title, words) ? [add] : []),
  ];
}
