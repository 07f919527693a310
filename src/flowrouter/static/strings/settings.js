import { catalogue } from '../core/strings.js';

export const english = {
  title: 'Settings', tabs: 'Parts of the settings',
  tab_general: 'General', tab_logins: 'Logins', tab_backups: 'Backups', tab_retention: 'Retention and recording', tab_network: 'Network', tab_code: 'Configuration as code', tab_look: 'Language and theme',
  viewer: 'Your role is {role}: you may look, not change. Settings are for admins.', adminOnly: 'Only an admin may change this',
  search: 'Filter settings', noMatch: 'No setting fits', showAll: 'Show all',
  saved: '{name} is changed', changedMeanwhile: 'Somebody else changed this meanwhile. Look at it once more.',
  reset: 'Back to what the file or the program says', lockedBy: 'Said by {file}',
  waits: 'The configuration file has changed: this waits for the next start', fileError: 'The configuration file as it stands is not in force',
  inFile: 'In the configuration file', inFileLead: 'Shown here, changed in {file}, in force at the next start.', inFileNone: 'No file was read: put these into config.toml in the data folder, then start again.',
  given: 'set', givenCount: '{n} set', byDefault: 'default', howTo: 'Put this into {file} and start the gateway again:', howToAtOnce: 'Put this into {file}; it is in force as soon as the file is saved:', orVariable: 'or start it with the variable', on: 'on', off: 'off', none: 'none', nothing: 'not set',
  elsewhere: 'Kept on pages of their own', aliases: 'Names of your own and prices: Models', budgets: 'Budgets of all callers together: Budgets', combos: 'Combos',
  add: 'Add', remove: 'Remove', edit: 'Edit', save: 'Save', cancel: 'Cancel', up: 'Move up', entries: (/** @type {any} */ { n }) => (n === 1 ? '1 entry' : `${n} entries`), empty: 'None', conditions: 'Only when', anyValue: 'either', yes: 'yes', no: 'no',
};
export const t = catalogue('settings', english);
