/**
 * Set-up lines of each tool, from anywhere: the palette copies them.
 */

import { get } from '../../core/api.js';
import { matches } from '../../core/palette.js';
import { href } from '../../core/router.js';
import { say, tell } from '../../core/toast.js';
import { copyText } from '../../parts/bits.js';
import { t } from '../../strings/setup.js';
import { ANY, CLIENTS, PLACEHOLDER } from './snippets.js';

/** @type {import('../../core/palette.js').Source} */
export function source(words) {
  if (!words) return [];
  const setup = { title: t('openSetup'), icon: 'bolt', href: href('setup') };
  const copies = CLIENTS.filter(({ name }) => name !== null).map((client) => ({ title: t('copyLines', { name: client.name }), icon: 'copy', run: () => copy(client) }));
  return [setup, ...copies].filter(({ title }) => matches(title, words));
}

/** @param {import('./snippets.js').Client} client */
async function copy(client) {
  try {
    const [{ data: status }, { data: models }] = await Promise.all([get('/api/status'), get('/api/models', { limit: 1 })]);
    const facts = { ...status.base_urls, key: status.key_needed ? PLACEHOLDER : ANY, model: models[0]?.id ?? 'MODEL' };
    await copyText(client.lines(facts).map(({ where, text }) => (where ? `# ${where}\n${text}` : text)).join('\n\n'));
    say(t('copiedLines', { name: client.name }));
  } catch (error) {
    tell(error);
  }
}
