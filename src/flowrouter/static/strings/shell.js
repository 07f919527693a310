import { catalogue } from '../core/strings.js';

export const english = {
  now: 'Now', route: 'Route', money: 'Money', try: 'Try', admin: 'Admin',
  overview: 'Overview', requests: 'Requests', sessions: 'Sessions', providers: 'Providers', models: 'Models', combos: 'Combos',
  usage: 'Usage', budgets: 'Budgets', quotas: 'Quotas', playground: 'Playground', keys: 'Keys', settings: 'Settings',
  audit: 'Audit', logs: 'Logs', about: 'About', setup: 'Set-up',
  skip: 'Skip to the content',
  pages: 'Pages',
  more: 'More',
  search: 'Search or run',
  searchLong: 'Search pages, providers, models, requests; run actions',
  live: 'Live', cut: 'Reconnecting', off: 'Not live',
  liveLong: 'Traffic is shown as it happens', cutLong: 'The stream was cut; it comes back by itself', offLong: 'Nothing on this page is live',
  theme: 'Theme', system: 'As the system', light: 'Light', dark: 'Dark',
  account: 'Signed in as {name}', role_admin: 'admin', role_operator: 'operator', role_viewer: 'viewer',
  logout: 'Log out', password: 'Change password',
  shortcuts: 'Keyboard shortcuts', nothing: 'Nothing found for “{words}”', hintMove: 'to move', hintOpen: 'to open', hintClose: 'to close',
  dismiss: 'Dismiss', undo: 'Undo', messages: 'Messages',
  broken: 'This page stopped working', brokenText: 'Reload it; the gateway itself is not concerned.', reload: 'Reload',
  unknownPage: 'There is no such page', unknownPageText: 'The link may be old.', toOverview: 'To the overview',
  goPage: 'Go to {page}', keysPalette: 'Search, run anything', keysHelp: 'This list', keysSearch: 'Filter the list', keysMove: 'Move in a list',
  openRequest: 'Open the request',
  keysOpen: 'Open', keysSelect: 'Select', keysClose: 'Close, back',
  unreachable: 'The gateway does not answer', unreachableText: 'This page goes on by itself as soon as it is back.',
};
export const t = catalogue('shell', english);
