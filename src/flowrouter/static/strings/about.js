import { catalogue } from '../core/strings.js';

export const english = {
  title: 'About',
  gateway: 'This gateway',
  version: 'Version', python: 'Python', platform: 'System', uptime: 'Running for', data: 'Data folder', store: 'Store', features: 'Features',
  storeSize: '{kind}, {size}',
  state: 'State', answers: 'answers', silent: 'does not answer',
  fine: 'Everything is fine.',
  log: 'Request log', waiting: '{n} rows wait to be written', written: 'every row is written',
  configuration: 'Configuration', inForce: 'in force, version {version}', stale: 'read {age} ago; the store does not answer',
  licences: 'Made with', licencesLead: 'What runs in this installation, with its licences.',
  name: 'Name', licence: 'Licence',
  filter: 'Filter',
  none: 'none',
  guide: 'The management API is described at', describes: 'for machines; the guide is in the folder docs of the program.',
};
export const t = catalogue('about', english);
