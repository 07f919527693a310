import { catalogue } from '../core/strings.js';

export const english = {
  backups: 'Backups', lead: 'Copies of the whole store, made while the gateway works.', make: 'Make one now', note: 'What it is for', noteHint: 'Optional, such as “before the move”.', cancel: 'Cancel',
  making: 'A backup is being made', makingText: (/** @type {any} */ { size }) => (size ? `About ${size} to copy, for {took} now. You can leave this page.` : 'For {took} now. You can leave this page.'), made: 'A backup of {size} is made',
  keyTitle: 'The key is not in it', keyText: 'Secrets in a backup are sealed with a key that is kept apart. A backup without that key is half a backup: keep a copy of it somewhere else.',
  adminsOnly: 'Only admins see backups.', emptyTitle: 'No backup yet', emptyText: 'The first is made five minutes after a start, then as the schedule says. Make one now before you change much.',
  kind_manual: 'made by hand', 'kind_scheduled': 'scheduled', 'kind_before-upgrade': 'before an upgrade', 'kind_before-restore': 'before a restore',
  rows: '{n} rows', schema: 'schema {n}', key: 'key {id}', noManifest: 'made before there were manifests', damaged: 'put aside damaged',
  verify: 'Prove it', good: 'Whole: it can be put back here', bad: 'It cannot be put back', download: 'Download', restore: 'Put back', remove: 'Delete',
  check_file: 'File', check_sha256: 'Bytes as written', check_integrity: 'Database sound', check_schema: 'Schema known', check_rows: 'Rows counted', check_key: 'Key at hand',
  removeTitle: 'Delete this backup?', removeText: 'The copy is removed for good.', removed: 'The backup is deleted',
  restoreTitle: 'Put {id} back?', restoreText: 'At the next start the store becomes what it was {when}. What was written since is lost from it, revoked keys are valid again; what is there now is backed up first.', staged: 'A backup is put back at the next start', stagedText: '{id} replaces what the store holds when the gateway starts again. Until then nothing changes.', unstage: 'Not after all', unstaged: 'Nothing is put back', failedRestore: 'The last restore was not done', chip: 'put back at the next start',
  schedule: 'Schedule',
};
export const t = catalogue('settings-backups', english);
