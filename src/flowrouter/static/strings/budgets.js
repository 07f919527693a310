import { catalogue } from '../core/strings.js';

/** @param {number} n @param {string} one @param {string} many */
const some = (n, one, many) => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
/** @param {{who: 'key' | 'gateway', model?: string | null, until: string}} given */
const blocked = ({ who, model, until }) => {
  if (model) return `Until ${until} “${model}” is asked instead, ${who === 'key' ? 'whatever this key asks for' : 'whoever asks'}.`;
  return who === 'key' ? `Every request with this key is refused until ${until}.` : `Every request to this gateway is refused until ${until}.`;
};

export const english = {
  title: 'Budgets',
  lead: 'What keys and the gateway as a whole may use, and how far they are.',
  fine: (/** @type {{n: number}} */ { n }) => (n === 1 ? 'The budget holds; nothing is refused.' : `All ${n} budgets hold; nothing is refused.`),
  near: (/** @type {{n: number, of: number}} */ { n, of }) => `${n} of ${some(of, 'budget', 'budgets')} ${n === 1 ? 'is' : 'are'} nearly used up; nothing is refused.`,
  over: (/** @type {{n: number, of: number}} */ { n, of }) => `${n} of ${some(of, 'budget', 'budgets')} ${n === 1 ? 'is' : 'are'} used up.`,
  gateway: 'The whole gateway', gatewayLead: 'What all callers together may use.', keys: 'Keys', keysLead: 'What the holders of each gateway key may use.',
  add: 'New budget', edit: 'Change', editOf: 'Change the budget {name}', more: 'More for {name}', remove: 'Remove', requests: 'Requests of this period', usage: 'Usage of this period', openKey: 'Open the key',
  search: 'Filter by name', noMatch: 'No budget fits.', onlyFirst: 'The first {n} budgets are shown; this lists all of them:',
  adminsOnly: 'Only admins may change budgets of the whole gateway.', operatorsOnly: 'Your role may look at this, not change it.', managed: 'Set in {file}. Change it there.',
  owner: 'of {owner}', off: 'key is {state}', state_disabled: 'disabled', state_expired: 'expired', state_broken: 'broken',
  amount_usd: '{amount}', amount_tokens: (/** @type {{amount: string, n: number}} */ { amount, n }) => `${amount} ${n === 1 ? 'token' : 'tokens'}`, amount_requests: (/** @type {{amount: string, n: number}} */ { amount, n }) => `${amount} ${n === 1 ? 'request' : 'requests'}`,
  limit_day: 'of {limit} a day', limit_week: 'of {limit} a week', limit_month: 'of {limit} a month', of_day: 'a day', of_week: 'a week', of_month: 'a month',
  hard: 'hard', soft: 'soft', hardLong: 'Never overspent: what a request may cost is held before it is sent, and its answer is limited to what is left.', softLong: 'Answers may finish: the request that crosses the limit is the last.',
  ok: 'holds', warning: 'nearly used up', used_up: 'used up',
  barLabel: '{used} of {limit} used', left: '{amount} left', held: '{amount} held', heldLong: 'Held by requests under way; what they do not use comes back.',
  resetsIn: 'begins anew in', resetsLong: 'Begins anew {at}, midnight in {zone}', passed: 'So much of the period has passed', warnAt: 'Callers are warned from here on',
  early: 'Too early in the period for a forecast', comesTo: 'At this pace {amount} by the end', comesToUnused: 'Nothing used yet', runsOut: 'At this pace used up {ago}, {amount} by the end', runsOutLong: 'At this pace used up at {at}',
  thenRefuse: 'then requests are refused', thenModel: 'then {model} is asked instead', unpricedAllowed: 'models of unknown price pass',
  blocked, refused: (/** @type {{n: string, one: boolean}} */ { n, one }) => `${n} ${one ? 'request' : 'requests'} refused in this period`, refusedMany: 'more than {n} requests refused in this period', seeRefused: 'See them',
  raise: 'Raise it',
  uncertain: 'In doubt: {amount}', uncertainText: 'Processes that are no more had drawn this and did not say what became of it. It counts as used. Once your provider’s console shows that it was not spent, give it back.',
  release: 'Give back', releaseTitle: 'Give {amount} back to {name}?', releaseText: 'Do this only when you know that it was not spent at the provider: what is given back can be spent again. The ledger keeps a line of it.', released: '{amount} given back to {name}.', releasedNone: 'Nothing was given back: a process counts as gone a minute after its last sign of life. Try again then.',
  removed: 'Budget of {name} removed.', putBack: 'Budget of {name} is back, with what it had used.', saved: 'Budget of {name} saved.', undone: 'Budget of {name} is as it was.',
  newTitle: 'New budget', editTitle: 'Budget of {name}',
  who: 'Who may use it', whoHint: 'All budgets that concern a request bind.', name: 'Name', nameHint: 'A name of your own, as “house” or “march”', nameTaken: 'There is a budget of this name. Change that one.',
  amount: 'Amount', metric: 'Of', usd: 'US dollars', tokens: 'tokens', requestsMetric: 'requests', period: 'Each', day: 'day', week: 'week (from Monday)', month: 'month',
  mode: 'How strict', then: 'Once it is used up', refuse: 'refuse requests', downgrade: 'ask another model', model: 'Model or combo to ask', modelHint: 'A cheaper one. What is free always fits.',
  warn: 'Warn callers from', warnHint: 'Answers then carry x-flowrouter-budget, and the overview says so.', zone: 'Days begin at midnight in', unpriced: 'Models of unknown price', unpricedHint: 'Where nobody knows the price, a budget in dollars cannot count.', unpricedRefuse: 'refuse them', unpricedAllow: 'let them pass, uncounted',
  changesCount: 'Another unit or period counts from zero: what was used so far stays with the old one.',
  words: '{who} may use {amount} {period}. {strict} From {warn} on callers are warned; {then}.', whoKey: 'Whoever holds the key {name}', whoAll: 'All callers together',
  strict_hard: 'That is never overspent.', strict_soft: 'The answer that crosses it may finish.', save: 'Save the budget', cancel: 'Cancel', amountNeeded: 'An amount above zero', keyNeeded: 'Choose whose budget it is', nameNeeded: 'A budget of the gateway needs a name', modelNeeded: 'Name the model or combo to ask',
  gone: 'There is no such budget any more.', noKeys: 'There is no gateway key yet: budgets of keys need one.',
  emptyTitle: 'No budget yet', emptyText: 'A budget keeps a key, or everybody together, within an amount of dollars, tokens or requests for a day, a week or a month. Hard ones are never overspent.', keyAction: 'Make a key',
};

export const t = catalogue('budgets', english);
