import { catalogue } from '../core/strings.js';

export const english = {
  bar: 'Filters',
  placeholder: 'Filter',
  more: 'Add a filter',
  suggestions: 'Suggestions',
  remove: 'Remove the filter {label}',
  edit: 'Change the filter {label}',
  clear: 'Clear all',
  label: '{label}:',
  use: '{label}: {words}',
  nothing: 'Nothing matches. Press Escape to go back.',
  typeValue: 'Type a value and press Enter',
  looking: 'Looking…',
  lastMinutes: (/** @type {{n: number}} */ { n }) => (n === 1 ? 'Last minute' : `Last ${n} minutes`),
  lastHours: (/** @type {{n: number}} */ { n }) => (n === 1 ? 'Last hour' : `Last ${n} hours`),
  lastDays: (/** @type {{n: number}} */ { n }) => (n === 1 ? 'Last day' : `Last ${n} days`),
  today: 'Today',
  since: 'Since {from}',
  until: 'Until {to}',
  between: '{from} – {to}',
  from: 'From',
  to: 'To',
  apply: 'Apply',
};

export const t = catalogue('filters', english);
