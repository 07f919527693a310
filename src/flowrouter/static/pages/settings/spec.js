/**
 * Which settings there are: those that can be changed here by section, and those of the configuration file.
 */

/**
 * @typedef {object} Spec
 * @property {string} name As in the configuration file.
 * @property {'switch' | 'choice' | 'number' | 'text' | 'model' | 'models' | 'tags' | 'share' | 'list' | 'map'} kind
 * @property {string[]} [choices]
 * @property {number} [min]
 * @property {number} [max]
 * @property {number} [step]
 * @property {string} [unit]
 * @property {boolean} [empty] Nothing is a value, too.
 * @property {string} [needs] The setting without which it says nothing.
 */

/** @type {{id: string, rows: Spec[]}[]} */
export const GENERAL = [
  { id: 'answers', rows: [
    { name: 'reply_model', kind: 'choice', choices: ['answered', 'asked'] },
    { name: 'routing.default_model', kind: 'model' },
  ] },
  { id: 'choosing', rows: [
    { name: 'routing.rotation', kind: 'choice', choices: ['fill_first', 'round_robin', 'weighted'] },
    { name: 'routing.rotations', kind: 'map', choices: ['fill_first', 'round_robin', 'weighted'] },
    { name: 'routing.disabled_models', kind: 'models' },
    { name: 'routing.affinity.enabled', kind: 'switch' },
    { name: 'routing.affinity.minutes', needs: 'routing.affinity.enabled', kind: 'number', min: 1, unit: 'min' },
  ] },
  { id: 'failing', rows: [
    { name: 'routing.attempts', kind: 'number', min: 1, step: 1, unit: 'times' },
    { name: 'routing.wait', kind: 'number', min: 0, unit: 's' },
    { name: 'routing.pause_max', kind: 'number', min: 1, max: 86_400, unit: 's' },
    { name: 'routing.completion', kind: 'choice', choices: ['complete', 'best_effort', 'error'] },
    { name: 'routing.slow_tokens', kind: 'number', min: 0, unit: 'tps' },
    { name: 'routing.failover_on_content_filter', kind: 'switch' },
    { name: 'routing.probes', kind: 'switch' },
    { name: 'routing.hedging.enabled', kind: 'switch' },
    { name: 'routing.hedging.quantile', needs: 'routing.hedging.enabled', kind: 'share', min: 50, max: 99.9 },
    { name: 'routing.hedging.min_wait', needs: 'routing.hedging.enabled', kind: 'number', min: 0.1, unit: 's' },
    { name: 'routing.hedging.spend_share', needs: 'routing.hedging.enabled', kind: 'share', min: 0, max: 100 },
  ] },
  { id: 'tiers', rows: [
    { name: 'routing.tiers.enabled', kind: 'switch' },
    { name: 'routing.tiers.cheap', kind: 'models' },
    { name: 'routing.tiers.standard', kind: 'models' },
    { name: 'routing.tiers.strong', kind: 'models' },
    { name: 'routing.tiers.cheap_max_chars', needs: 'routing.tiers.enabled', kind: 'number', min: 1, step: 1, unit: 'chars' },
    { name: 'routing.tiers.standard_max_chars', needs: 'routing.tiers.enabled', kind: 'number', min: 1, step: 1, unit: 'chars' },
    { name: 'routing.tiers.strong_on_code', needs: 'routing.tiers.enabled', kind: 'switch' },
    { name: 'routing.tiers.strong_on_images', needs: 'routing.tiers.enabled', kind: 'switch' },
    { name: 'routing.tiers.strong_on_effort', needs: 'routing.tiers.enabled', kind: 'switch' },
    { name: 'routing.tiers.strong_min_turns', needs: 'routing.tiers.enabled', kind: 'number', min: 1, step: 1, unit: 'turns' },
    { name: 'routing.tiers.strong_min_output', needs: 'routing.tiers.enabled', kind: 'number', min: 1, step: 1, unit: 'tokens', empty: true },
  ] },
  { id: 'mapping', rows: [{ name: 'routing.mapping', kind: 'list' }] },
  { id: 'intents', rows: [{ name: 'routing.intents', kind: 'list' }] },
  { id: 'bypass', rows: [
    { name: 'routing.bypass.enabled', kind: 'switch' },
    { name: 'routing.bypass.warmup', needs: 'routing.bypass.enabled', kind: 'switch' },
    { name: 'routing.bypass.count', needs: 'routing.bypass.enabled', kind: 'switch' },
    { name: 'routing.bypass.title_prefill', needs: 'routing.bypass.enabled', kind: 'switch' },
    { name: 'routing.bypass.topic', needs: 'routing.bypass.enabled', kind: 'switch' },
    { name: 'routing.bypass.patterns', needs: 'routing.bypass.enabled', kind: 'tags' },
    { name: 'routing.bypass.answer', needs: 'routing.bypass.enabled', kind: 'text' },
  ] },
  { id: 'rules', rows: [{ name: 'routing.rules', kind: 'list' }] },
  { id: 'found', rows: [{ name: 'discovery.dismissed', kind: 'tags' }] },
];

/** @type {Spec[]} */
export const RECORDING = [
  { name: 'recording.mode', kind: 'choice', choices: ['off', 'keys', 'errors', 'all'] },
  { name: 'recording.max_bytes', kind: 'number', min: 1000, max: 64_000_000, step: 1, unit: 'bytes' },
  { name: 'recording.days', kind: 'number', min: 1, step: 1, unit: 'days' },
];

/** @typedef {{name: string, unit?: string}} Fixed */
/** @param {string} table @param {string[]} names Each perhaps with `:unit`. @returns {Fixed[]} */
const fixed = (table, names) => names.map((text) => {
  const [name = '', unit] = text.split(':');
  return { name: `${table}.${name}`, ...(unit ? { unit } : {}) };
});

/** What the configuration file alone says, by group. @type {Record<string, Fixed[]>} */
export const FILE = {
  server: fixed('server', ['workers', 'reload', 'body_limit_mib:mib', 'header_limit_kib:kib', 'header_count', 'header_timeout:s', 'body_timeout:s', 'memory_share:share', 'backlog']),
  timeouts: fixed('timeouts', ['connect:s', 'first_byte:s', 'first_byte_plain:s', 'first_event:s', 'first_event_reasoning:s', 'stall:s', 'total:s', 'head_grace:s', 'heartbeat:s', 'wait:s', 'drain:s']),
  logs: [...fixed('logs', ['level', 'format', 'access']), ...fixed('metrics', ['enabled', 'public']), ...fixed('tracing', ['enabled', 'endpoint', 'sample:share', 'forward'])],
  local: [...fixed('local', ['mode', 'model', 'idle_minutes:min']), ...fixed('discovery', ['enabled']), ...fixed('quotas', ['refresh_minutes:min'])],
  state: fixed('state', ['redis', 'prefix', 'timeout:s']),
  sessions: fixed('admin', ['idle_minutes:min', 'session_hours:h', 'password_length:letters', 'free_attempts', 'require_if_match']),
  retention: [...fixed('retention', ['days:days', 'rows:rows', 'receipt_days:days']), ...fixed('admin', ['audit_days:days'])],
  schedule: fixed('backups', ['scheduled', 'every_hours:h', 'keep', 'folder']),
  listening: [...fixed('server', ['host', 'port', 'allowed_hosts', 'allowed_origins']), ...fixed('admin', ['public_url'])],
  egress: fixed('egress', ['mode', 'hosts', 'private', 'pictures', 'picture_hosts']),
  upstream: fixed('upstream', ['client', 'proxy', 'direct']),
};
