import { catalogue } from '../core/strings.js';

/** @param {number} n @param {string} one @param {string} many */
const some = (n, one, many) => `${n} ${n === 1 ? one : many}`;

export const english = {
  title: 'Combos',
  lead: 'A name of your own for several models. Each request goes to one of them, the others step in when it fails.',
  add: 'New combo', search: 'Search combos', name: 'Name', chooses: 'Who is asked', members: 'Members', state: 'State',
  emptyTitle: 'No combo yet', emptyText: 'Put a few models behind one name. When the first is slow, paused or out of money, the next one answers, and your programs notice nothing.', noMatch: 'No combo has this name.',
  fromFile: 'in the configuration file', hiddenByFile: 'not in force', fine: 'in force', problems: (/** @type {{n: number}} */ { n }) => some(n, 'remark', 'remarks'),
  applied: 'kept by a file',
  viewerOnly: 'Your role may look at combos, not change them.',

  priority: 'In order', round_robin: 'In turn', weighted: 'By weight', random: 'Drawn', cost_optimal: 'Cheapest', least_latency: 'Quickest', least_busy: 'Least busy', sticky: 'By session',
  priorityLine: 'the first that can answers, the others are its fallbacks', round_robinLine: 'each has its turn, request by request', weightedLine: 'in turn, as often as its weight says',
  randomLine: 'drawn for each request, by weight', cost_optimalLine: 'whoever bills this request lowest', least_latencyLine: 'whoever began its answers soonest lately',
  least_busyLine: 'whoever has the most room left', stickyLine: 'every session keeps the member it was given', choice: '{name}: {line}',
  priorityPlain: 'Asks {first} first, then down the list.', round_robinPlain: 'Asks each in turn.', weightedPlain: 'Asks in turn: {shares}.', randomPlain: 'Draws one for each request: {shares}.',
  cost_optimalPlain: 'Asks whoever is cheapest for the request.', least_latencyPlain: 'Asks whoever answered quickest lately.', least_busyPlain: 'Asks whoever has the most room left.',
  stickyPlain: 'Gives each session one member and stays with it: {shares}.', onlyPlain: 'Asks {first} only.',

  back: 'All combos', newTitle: 'New combo', namePlaceholder: 'team', nameHint: 'What clients ask for as the model. Case does not tell names apart.',
  strategy: 'Who comes first', addMember: 'Add a member', addPlaceholder: 'Model, account/model or combo',
  dragHint: 'Drag to reorder, or {keys} on a member.',
  noMembers: 'No member yet. Type a part of a model’s name above and press Enter.', memberOf: '{name}, {at} of {of}', move: 'Move {name}', moved: '{name} is now {at} of {of}', removeMember: 'Remove {name}', removed: '{name} taken out',
  weightOf: 'Weight of {name}', shareOf: '{share} of the turns', conditionsOf: 'Conditions of {name}', always: 'for every request',
  asCombo: 'combo', paletteTry: 'Try the combo {name}', asAlias: 'alias', asTier: 'tier', atMany: (/** @type {{n: number}} */ { n }) => some(n, 'account', 'accounts'),

  only: 'only {what}', conditionLead: 'All that is filled in must hold, or this member is left out for the request.',
  min_tokens: 'From input tokens', max_tokens: 'Up to input tokens', tokens: 'tokens', images: 'Pictures', tools: 'Tools', thinking: 'Reasoning asked for', web_search: 'Provider’s web search',
  user_agent: 'Client', user_agentHint: 'A pattern of its User-Agent.', tags: 'Key has tags', hours: 'Time of day', hoursFrom: 'From', hoursTo: 'Until', hoursHint: 'Where the gateway runs; may pass midnight.', any: 'with or without', with: 'only with', without: 'only without', clearConditions: 'For every request',
  told_min_tokens: 'from {n} tokens', told_max_tokens: 'up to {n} tokens', told_images: 'with pictures', told_no_images: 'without pictures', told_tools: 'with tools', told_no_tools: 'without tools',
  told_thinking: 'with reasoning', told_no_thinking: 'without reasoning', told_web_search: 'with web search', told_no_web_search: 'without web search', told_user_agent: 'from {what}', told_tags: 'for keys tagged {what}', told_hours: 'at {what}',

  more: 'More', moreHint: 'Tries, waiting, broken answers', attempts: 'Most tries of one request', attemptsHint: 'After so many failures the request fails.', first_token: 'Time to begin', first_tokenHint: 'A member that has said nothing by then gives way to the next.',
  wait: 'Wait when all pause', waitHint: 'How long a request may wait for a member to come back.', completion: 'When an answer breaks off', completionHint: 'What happens to a stream that ends too soon.',
  usual: 'as everywhere ({value})', usualOnly: 'as everywhere', secondsUnit: 'seconds', tries: 'tries', complete: 'go on where the join is sure', best_effort: 'go on as well as possible', error: 'end with an error',

  save: 'Save', create: 'Create combo', saved: 'Combo {name} saved', created: 'Combo {name} made. Clients can ask for it now.', discard: 'Discard changes', unsaved: 'not saved', undone: 'Taken back', remove: 'Delete', removeTitle: 'Delete the combo {name}?',
  removeText: 'Requests for this name will be answered as if it had never been there. Its members stay.', deleted: 'Combo {name} deleted', duplicate: 'Duplicate', tryIt: 'Try it', requests: 'Requests',
  lockedTitle: 'This combo stands in {file}', lockedText: 'It is shown here and changed there. Duplicate it to have one of your own.', appliedTitle: '{file} keeps this combo', appliedText: 'What you save here would be overwritten when the file is applied again.', takeOver: 'Take it over and change it here',
  hiddenTitle: 'Not in force', hiddenText: 'The configuration file has a combo of the same name, and that one answers.', conflictTitle: 'Somebody changed this combo meanwhile', conflictText: 'Yours is still here.', loadTheirs: 'Show theirs', saveMine: 'Save mine over it', gone: 'There is no combo {name}', goneText: 'It may have been deleted. Names and ids both work here.',
  keysSave: 'Save the combo', keysMove: 'Move a member', keysNew: 'New combo',

  preview: 'What would happen to this request', previewTitle: 'What would happen', previewLead: 'to this request. Nobody is asked.', prompt: 'What is asked', promptPlaceholder: 'Write a request, or leave this empty', with_tools: 'tools', with_images: 'a picture', with_thinking: 'reasoning', with_web_search: 'web search', carries: 'The request has',
  size: 'Long conversation', sizeUnit: 'tokens', sizeHint: 'At most {n}.', client: 'Client', keyTags: 'Tags of its key', details: 'Client and key', dialect: 'Client speaks', openai_chat: 'OpenAI Chat', openai_responses: 'OpenAI Responses', anthropic: 'Anthropic', gemini: 'Gemini', asJson: 'As JSON', asForm: 'As a form', jsonLabel: 'The request’s body', badJson: 'This is no JSON yet.',
  needsMembers: 'Add a member to see who would answer.', answers: '{target} would answer.', answersAfter: 'All pause at present. {target} is tried first.', standBy: (/** @type {{n: number}} */ { n }) => `${some(n, 'other stands', 'others stand')} by.`, alone: 'Nobody else stands by.', nobody: 'Nobody would answer.', closest: 'Close to it: {names}',
  order: 'Order of tries', leftOut: 'Left out', why: 'Why', pauseUntil: 'pauses until {time}', pauses: 'pauses', trial: 'on trial', tooLong: 'too long for it', translated: 'translated', translatedHint: 'It speaks another dialect than the client; the request is translated.', estimateHint: 'What the request would cost there, estimated', firstToken: 'begins in {time}', busy: '{share} in use', sizeTold: (/** @type {{n: number, tokens: string}} */ { tokens }) => `About ${tokens} input tokens`, foundBy: 'Found by: {step}', window: '{n} context',
};
export const t = catalogue('combos', english);
