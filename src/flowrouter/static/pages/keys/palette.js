/**
 * Keys in the palette: each by its name, making one, switching one off.
 */

import { get } from '../../core/api.js';
import { matches } from '../../core/palette.js';
import { href } from '../../core/router.js';
import { may } from '../../core/session.js';
import { t } from '../../strings/keys.js';
import { barred, enable } from './data.js';

const FRESH_MS = 5_000;
const FROM = 2;
/** @type {{at: number, keys: Promise<any[]>} | null} */
let kept = null;

function keys() {
  if (!kept || Date.now() - kept.at > FRESH_MS) kept = { at: Date.now(), keys: get('/api/keys', { limit: 200 }).then(({ data }) => data) };
  return kept.keys;
}

/** @type {import('../../core/palette.js').Source} */
export async function source(words) {
  if (words.length < FROM) return [];
  const present = (await keys()).filter(({ state }) => state !== 'revoked');
  const pages = present.map((key) => ({ title: key.name, hint: t('paletteOpen'), icon: 'keys', data: true, href: href(`keys/${key.id}`), found: `${key.name} ${key.shown} ${t('title')}` }));
  const make = may('operate') ? [{ title: t('make'), icon: 'plus', href: href('keys', { panel: 'make' }), found: t('make') }] : [];
  const acts = present.filter((key) => barred(key, 'switch') === null).map((key) => {
    const title = t(key.state === 'disabled' ? 'paletteEnable' : 'paletteDisable', { name: key.name });
    return { title, icon: key.state === 'disabled' ? 'play' : 'pause', run: () => enable([key], key.state === 'disabled'), found: title };
  });
  return [...make, ...pages, ...acts].filter(({ found }) => matches(found, words));
}
