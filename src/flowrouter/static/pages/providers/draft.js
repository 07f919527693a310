/**
 * What a form holds of an account, and what of it is to be sent: only what differs.
 */

/** @typedef {Record<string, any>} Draft As `/api/accounts` takes it, with secrets empty where they are kept. */

const OAUTH = { token_url: '', client_id: '', client_secret: '', refresh_token: '', grant: 'refresh_token', scope: '', client_auth: 'basic', params: '' };

/** @param {Record<string, any>} account @returns {Draft} */
export function draftOf(account) {
  return {
    name: account['name'], preset: account['preset'], base_url: account['base_url'] ?? '', dialects: account['dialects'], models: account['models'],
    priority: account['priority'], weight: account['weight'], max_concurrency: account['max_concurrency'], unsupported: account['unsupported'], tags: account['tags'],
    quota: account['quota'], reserve: account['reserve'], enabled: account['enabled'],
    api_key: '', headers: {}, by: account['oauth'] ? 'oauth' : 'key', oauth: { ...OAUTH, ...account['oauth'] },
  };
}

/** @param {any} preset @param {string} name @returns {Draft} */
export const newDraft = (preset, name) =>
  draftOf({ name, preset: preset.id, dialects: [], models: [], priority: 1, weight: 1, max_concurrency: null, unsupported: null, tags: [], quota: [], reserve: '', enabled: true });

const PLAIN = ['name', 'dialects', 'models', 'priority', 'weight', 'max_concurrency', 'unsupported', 'tags', 'quota', 'reserve', 'enabled'];

/** What of `draft` is not as in `base`, as a merge patch. @param {Draft} draft @param {Draft} base @returns {Record<string, any>} */
export function changesOf(draft, base) {
  /** @type {Record<string, any>} */
  const body = {};
  for (const name of PLAIN) if (!same(draft[name], base[name])) body[name] = draft[name];
  if (draft['base_url'].trim() !== base['base_url']) body['base_url'] = draft['base_url'].trim() || null;
  if (Object.keys(draft['headers']).length > 0) body['headers'] = draft['headers'];
  const oauth = draft['by'] === 'oauth';
  if (oauth && (!same(draft['oauth'], base['oauth']) || base['by'] !== 'oauth')) body['oauth'] = oauthOf(draft['oauth']);
  if (oauth !== (base['by'] === 'oauth')) body[oauth ? 'api_key' : 'oauth'] = null;
  if (!oauth && draft['api_key'] === null) body['api_key'] = null;
  else if (!oauth && draft['api_key'].trim() !== '') body['api_key'] = draft['api_key'].trim();
  return body;
}

/** What a new account is made of. @param {Draft} draft @param {Draft} blank */
export function bodyOf(draft, blank) {
  const { base_url: url, ...rest } = changesOf(draft, blank);
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null));
  return { name: draft['name'].trim(), preset: draft['preset'], ...given, ...(url ? { base_url: url } : {}) };
}

/** Values of `base` again for what `body` changes, as far as they are known. @param {Record<string, any>} body @param {Draft} base */
export function undoOf(body, base) {
  if (['api_key', 'headers', 'oauth', 'base_url'].some((name) => name in body)) return null;
  return Object.fromEntries(Object.keys(body).map((name) => [name, base[name]]));
}

/** @param {any} one @param {any} other */
const same = (one, other) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);

/** @param {Record<string, string>} oauth */
function oauthOf({ params, ...oauth }) {
  const given = Object.fromEntries(Object.entries(oauth).filter(([, value]) => value !== '' && value !== null));
  const fields = (params ?? '').split('\n').map((line) => line.split(/=(.*)/s)).filter(([name]) => name?.trim());
  return { ...given, ...(fields.length ? { params: Object.fromEntries(fields.map(([name, value]) => [name?.trim(), value?.trim() ?? ''])) } : {}) };
}
