import { catalogue } from '../core/strings.js';

/** @param {number} n @param {string} one @param {string} many */
const some = (n, one, many) => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;

export const english = {
  title: 'Usage',
  period: '{from} – {to}',
  periodNow: '{from} – now',
  leadCompared: '{period}, compared with the period before',
  range: 'Period', range_24h: '24 hours', range_7d: '7 days', range_30d: '30 days', range_90d: '90 days', range_12m: '12 months',
  short_24h: '24 h', short_7d: '7 d', short_30d: '30 d', short_90d: '90 d', short_12m: '12 mo',
  own: 'Own', ownLong: 'Choose a period of your own', back: 'Back to {range}',
  span: 'Steps', hour: 'Hours', day: 'Days', tooLong: 'Hours can be shown of 31 days at most', tooShort: 'A day or less is shown in hours',
  split: 'Split by', split_preset: 'Provider', split_model: 'Model', split_account: 'Account', split_key: 'Key', split_client: 'Client', split_combo: 'Combo',
  split_outcome: 'Outcome', split_none: 'Nothing',
  compare: 'Compare', compareLong: 'Show the period before as a thin line',
  exports: 'Export', exportCsv: '{what} as CSV', exportJson: '{what} as JSON', exportSeries: 'The chart as JSON', byGroup: 'By {split}', byHour: 'By hour', byDay: 'By day',
  keysRange: 'Choose a period', keysBack: 'Leave the period you zoomed into',
  spend: 'Spend', tokens: 'Tokens', requests: 'Requests', errors: 'Errors', cached: 'From caches', saved: 'Saved by caching',
  before: 'before: {amount}', beforeLong: '{from} – {to}', ofPrompts: 'of all prompt tokens',
  providersTook: 'providers took {amount}', providersTookLong: 'What providers are believed to charge, failed attempts included. Spend is what counts against callers.',
  savedLong: 'What was read from caches, at the price of fresh input less the price of cached input, at today’s prices',
  savedUnknown: 'No price is known for what was read from caches.',
  unpricedTitle: (/** @type {{n: number}} */ { n }) => `${some(n, 'request', 'requests')} of unknown price ${n === 1 ? 'is' : 'are'} missing in these sums`,
  unpricedText: 'Nobody knows what {models} cost. Once a price is set, requests from then on count.',
  unpricedMore: (/** @type {{n: number}} */ { n }) => `${some(n, 'more model', 'more models')}`,
  setPrices: 'Set prices',
  unpriced: (/** @type {{n: number}} */ { n }) => `${some(n, 'request', 'requests')} of unknown price not counted`,
  measure: 'What the chart shows',
  mainLabel: '{measure} by {split}, {period}', mainPlain: '{measure}, {period}',
  byKind: 'Tokens by kind', input_tokens: 'Input', cache_write_tokens: 'Cache written', cache_read_tokens: 'Cache read', output_tokens: 'Output', reasoning_tokens: 'Reasoning',
  outcomes: 'Requests by outcome', ok: 'answered', error: 'failed', partial: 'broke off', cancelled: 'cancelled',
  latency: 'Whole answer', ttft: 'First token', p50: 'p50', p95: 'p95', p99: 'p99', estimate: '≈ {value}',
  sampled: 'From the newest {n} of {of} requests', sampledAll: 'From all {n} requests',
  rest: 'all others', all: 'all', none_preset: 'no provider', none_model: 'no model', none_account: 'no account', none_key: 'no key', none_client: 'unnamed client',
  none_combo: 'by model name', none_outcome: 'unknown',
  table: 'Sums by {split}', tableDay: 'Sums by day', tableHour: 'Sums by hour', hour_one: 'Hour', day_one: 'Day',
  input: 'Input', output: 'Output', share: 'Share', shareLong: 'Part of the spend', each: 'A request', eachLong: 'Spend for each request of known price', cacheShare: 'Cached',
  cacheShareLong: 'Part of the prompt tokens that was read from caches', cost: 'Providers took', inputLong: 'Prompt tokens that no cache had, those written to caches included',
  outputLong: 'With reasoning', cachedTokens: 'Cache read', showRequests: 'Requests of {name}',
  rowsHint: 'Click a row to see only that.', rowsHintTime: 'Click a row to zoom into it.',
  emptyTitle: 'No requests yet', emptyText: 'Point a tool at the gateway. What it uses and costs appears here as soon as it is answered.', emptyAction: 'Set up a tool',
  nothingTitle: 'No requests in this period', nothingFiltered: 'None match these filters in this period.', nothingText: 'There are requests at other times.', clear: 'Clear the filters', longer: 'Show 12 months',
};

export const t = catalogue('usage', english);
