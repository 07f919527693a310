import { catalogue } from '../core/strings.js';

export const english = {
  title: 'Logs',
  lead: 'What the gateway writes to its log, as it is written. Each worker keeps its own lines; these are of the one that answers here.',
  level: 'Level', debug: 'Debug and above', info: 'Info and above', warning: 'Warnings and errors', error: 'Errors',
  filter: 'Filter the lines',
  pause: 'Pause', resume: 'Resume',
  paused: (/** @type {any} */ { n }) => (n === 1 ? '1 new line' : `${n} new lines`),
  follow: 'To the newest',
  clear: 'Clear',
  download: 'Download',
  cut: 'The stream was cut; it comes back by itself.',
  emptyTitle: 'No lines yet',
  emptyText: 'Nothing of this level was written since the gateway started. Lower the level, or send a request.',
  noMatch: 'No line has these words.',
  lines: 'Log lines',
  operatorOnly: 'The log is for those who see everything.',
};
export const t = catalogue('logs', english);
