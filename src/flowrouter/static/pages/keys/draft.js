/**
 * What a form holds of a key, and what of it is to be sent: only what differs.
 */

/** @typedef {Record<string, any>} Draft Name, end, rights, and each member of the policy. */

const LIMITS = ['requests_per_minute', 'requests_per_day', 'tokens_per_minute', 'tokens_per_day', 'concurrent'];
const POLICY = ['models', 'accounts', 'dialects', 'tags', 'budgets', 'unsupported', 'completion', 'responses_store', 'recording'];
const TOP = ['name', 'expires_at_ms', 'scopes'];
/** What a budget is where nothing is said. */
export const BUDGET = { amount: null, metric: 'usd', period: 'month', mode: 'soft', warn: 0.8, downgrade: '', unpriced: 'refuse', zone: 'UTC' };

/** @param {Record<string, any> | null} key Null: a new one. @returns {Draft} */
export function draftOf(key) {
  const policy = key?.['policy'] ?? {};
  return {
    name: key?.['name'] ?? '', expires_at_ms: key?.['expires_at_ms'] ?? null, scopes: key?.['scopes'] ?? [], owner: '',
    models: policy.models ?? [], accounts: policy.accounts ?? [], dialects: policy.dialects ?? [], tags: policy.tags ?? [],
    limits: Object.fromEntries(LIMITS.map((name) => [name, policy.limits?.[name] ?? null])),
    budgets: (policy.budgets ?? []).map((/** @type {any} */ budget) => ({ ...BUDGET, ...budget, amount: Number(budget.amount), downgrade: budget.downgrade ?? '' })),
    unsupported: policy.unsupported ?? null, completion: policy.completion ?? null, responses_store: policy.responses_store ?? null, recording: policy.recording ?? null,
  };
}

/** What of `draft` is not as in `base`, as a merge patch; null is the default. @param {Draft} draft @param {Draft} base @returns {Record<string, any>} */
export function changesOf(draft, base) {
  /** @type {Record<string, any>} */
  const body = {};
  for (const name of TOP) if (!same(draft[name], base[name])) body[name] = name === 'name' ? draft[name].trim() : draft[name];
  /** @type {Record<string, any>} */
  const policy = {};
  for (const name of POLICY) if (!same(draft[name], base[name])) policy[name] = sent(name, draft[name]);
  const limits = Object.fromEntries(LIMITS.filter((name) => draft['limits'][name] !== base['limits'][name]).map((name) => [name, draft['limits'][name]]));
  if (Object.keys(limits).length) policy['limits'] = limits;
  if (Object.keys(policy).length) body['policy'] = policy;
  return body;
}

/** What a new key is made of. @param {Draft} draft */
export function bodyOf(draft) {
  const { policy = {}, ...rest } = changesOf(draft, draftOf(null));
  const given = Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== null));
  return { ...rest, name: draft['name'].trim(), policy: given, ...(draft['owner'].trim() ? { owner: draft['owner'].trim() } : {}) };
}

/** @param {string} name @param {any} value */
function sent(name, value) {
  if (name !== 'budgets') return Array.isArray(value) && value.length === 0 ? null : value;
  return value.length ? value.map(budgetOf) : null;
}

/** A budget without what holds anyway. @param {any} budget */
function budgetOf(budget) {
  const said = { ...budget, downgrade: budget.downgrade.trim(), zone: budget.zone.trim() || 'UTC' };
  const kept = Object.entries(said).filter(([name, value]) => value !== /** @type {any} */ (BUDGET)[name]);
  return { ...Object.fromEntries(kept), amount: budget.amount === null ? '' : String(budget.amount) };
}

/** @param {any} one @param {any} other */
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
