import { catalogue } from '../core/strings.js';

export const english = {
  adminsOnly: 'Only admins export and apply the configuration.',
  export: 'Export', exportText: 'All that the store holds of the configuration, fit for version control. Secrets stand as references, never as themselves.', show: 'Show the export', hide: 'Hide', download: 'Download', exported: 'The configuration',
  sealed: 'With secrets, sealed', sealedText: 'For another machine: keys, passwords and all, sealed with a passphrase of yours. Nobody can open it without, you included.', passphrase: 'Passphrase', seal: 'Download sealed', sealedDone: 'The sealed export is downloaded',
  apply: 'Apply a file', applyText: 'Make the gateway what a file says, all of it or nothing. What the file does not mention is left alone.', text: 'The file', textHint: 'Paste TOML, or drop a file here.', choose: 'Choose a file', placeholder: '[models.aliases]\nquick = "gpt-5.4-mini"',
  fileName: 'Known as', fileHint: 'What it brings belongs to this name.', prune: 'What is missing in it', prune_none: 'Stays', prune_file: 'Goes, if this file brought it', prune_all: 'Goes, whoever made it', takeOver: 'Take over what another file owns',
  isSealed: 'This is a sealed export', secrets: 'Secrets it refers to', secretsText: 'The gateway looks up no variable and no file: type what these stand for..',
  look: 'Show what would change', lookAgain: 'The text was changed: look again', doIt: 'Apply', doItAll: 'Apply and remove', applied: (/** @type {any} */ { n }) => (n === 1 ? '1 change is in force' : `${n} changes are in force`),
  diff: 'What would change', nothing: 'Nothing would change: everything is as the file says.', added: '{n} added', changed: '{n} changed', removed: '{n} removed', unchanged: '{n} as they are', left: 'Brought by an earlier version of this file, and stays: {names}', was: 'was of {who}', allTitle: 'Remove what the file does not mention?', allText: (/** @type {any} */ { n }) => (n === 1 ? '1 thing is removed, whoever made it.' : `${n} things are removed, whoever made them.`), keyNote: 'A key that is removed is revoked for good.',
  minted: 'New keys: store them now', mintedText: 'They are shown this once.', nothingSet: 'nothing',
};
export const t = catalogue('settings-code', english);
