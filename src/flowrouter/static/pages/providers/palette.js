/**
 * Providers in the palette: each by its name, and what can be done with it.
 */

import { matches } from '../../core/palette.js';
import { get } from '../../core/api.js';
import { href } from '../../core/router.js';
import { may } from '../../core/session.js';
import { t } from '../../strings/providers.js';
import { enable, resume, show, testing } from './actions.js';

const FRESH_MS = 5_000;
const ACTIONS_FROM = 2;
/** @type {{at: number, accounts: Promise<any[]>} | null} */
let kept = null;

function accounts() {
  if (!kept || Date.now() - kept.at > FRESH_MS) kept = { at: Date.now(), accounts: get('/api/accounts', { limit: 200 }).then(({ data }) => data) };
  return kept.accounts;
}

/** @type {import('../../core/palette.js').Source} */
export async function source(words) {
  if (words.length < ACTIONS_FROM) return [];
  const all = (await accounts()).filter((/** @type {any} */ account) => account.source !== 'found');
  const pages = all.map((/** @type {any} */ account) => ({ title: account.name, hint: t('paletteOpen'), icon: 'providers', data: true, href: href(`providers/${encodeURIComponent(account.id)}`), found: `${account.name} ${account.preset}` }));
  const acts = may('operate') ? all.flatMap(actionsOf) : [];
  const add = may('operate') ? [{ title: t('paletteAdd'), icon: 'plus', href: href('providers', { panel: 'add' }), found: t('paletteAdd') }] : [];
  return [...pages, ...acts, ...add].filter(({ found }) => matches(found, words));
}

/** @param {any} account */
function actionsOf(account) {
  const { name } = account;
  const stored = !account.read_only;
  return [
    stored && { title: t(account.enabled ? 'paletteDisable' : 'paletteEnable', { name }), icon: account.enabled ? 'pause' : 'play', run: () => enable([account], !account.enabled) },
    { title: t('paletteTest', { name }), icon: 'bolt', run: () => test(account) },
    { title: t('paletteResume', { name }), icon: 'play', run: () => resume(account) },
    stored && { title: t('paletteEdit', { name }), icon: 'edit', run: () => show(account, 'edit') },
  ].flatMap((entry) => (entry ? [{ ...entry, found: `${entry.title} ${name}` }] : []));
}

/** The test's panel belongs to the pages of providers. @param {any} account */
function test(account) {
  if (!location.hash.startsWith('#/providers')) show(account);
  testing.value = account;
}
