/**
 * The pages: where they are in the rail, their key after `g`, and how each is loaded.
 */

/**
 * @typedef {'overview' | 'requests' | 'sessions' | 'providers' | 'models' | 'combos' | 'usage' | 'budgets' | 'quotas' | 'playground'
 *   | 'keys' | 'settings' | 'audit' | 'logs' | 'about'} Place
 * @typedef {'now' | 'route' | 'money' | 'try' | 'admin'} Group
 */

/** @type {{group: Group, places: {id: Place, key: string}[]}[]} */
export const RAIL = [
  { group: 'now', places: [{ id: 'overview', key: 'o' }, { id: 'requests', key: 'r' }, { id: 'sessions', key: 's' }] },
  { group: 'route', places: [{ id: 'providers', key: 'p' }, { id: 'models', key: 'm' }, { id: 'combos', key: 'c' }] },
  { group: 'money', places: [{ id: 'usage', key: 'u' }, { id: 'budgets', key: 'b' }, { id: 'quotas', key: 'q' }] },
  { group: 'try', places: [{ id: 'playground', key: 'y' }] },
  { group: 'admin', places: [{ id: 'keys', key: 'k' }, { id: 'settings', key: ',' }, { id: 'audit', key: 'a' }, { id: 'logs', key: 'l' }, { id: 'about', key: 'i' }] },
];

/** What stands in the bottom bar of a phone; the rest is behind "More". @type {Place[]} */
export const FIRST = ['overview', 'requests', 'providers', 'usage'];

/** Each page's module has a default export: a component that is given the route. @type {Record<string, () => Promise<{default: any}>>} */
export const MODULES = {
  overview: () => import('../pages/overview.js'),
  setup: () => import('../pages/setup.js'),
  requests: () => import('../pages/requests.js'),
  sessions: () => import('../pages/sessions.js'),
  providers: () => import('../pages/providers.js'),
  models: () => import('../pages/models.js'),
  combos: () => import('../pages/combos.js'),
  usage: () => import('../pages/usage.js'),
  budgets: () => import('../pages/budgets.js'),
  quotas: () => import('../pages/quotas.js'),
  playground: () => import('../pages/playground.js'),
  keys: () => import('../pages/keys.js'),
  settings: () => import('../pages/settings.js'),
  audit: () => import('../pages/audit.js'),
  logs: () => import('../pages/logs.js'),
  about: () => import('../pages/about.js'),
};

/** What else the palette finds, by page; loaded when it is first opened. @type {Record<string, () => Promise<{source: import('../core/palette.js').Source}>>} */
export const SOURCES = {
  providers: () => import('../pages/providers/palette.js'),
  models: () => import('../pages/models/palette.js'),
  combos: () => import('../pages/combos/palette.js'),
  keys: () => import('../pages/keys/palette.js'),
  settings: () => import('../pages/settings/palette.js'),
  setup: () => import('../pages/setup/palette.js'),
};
