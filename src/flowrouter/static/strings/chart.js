import { catalogue } from '../core/strings.js';

export const english = {
  whole: 'Whole period',
  latest: 'Latest',
  before: 'Period before',
  time: 'Time',
  table: 'Table',
  chart: 'Chart',
  empty: 'Nothing in this period',
  value: '{label} {value}',
  toggle: 'Show or hide {label}; Alt shows it alone',
};

export const t = catalogue('chart', english);
