import { catalogue } from '../core/strings.js';

export const english = {
  use: 'Use {words} as it is',
  nothing: 'Nothing has this name.',
  more: (/** @type {{n: number}} */ { n }) => `${n} more. Type to narrow down.`,
  found: (/** @type {{n: number}} */ { n }) => (n === 1 ? '1 match' : `${n} matches`),
};
export const t = catalogue('picker', english);
