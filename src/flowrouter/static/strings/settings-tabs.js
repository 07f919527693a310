import { catalogue } from '../core/strings.js';

export const english = {
  clientsUse: 'What clients are given', clientsUseText: 'As this browser reaches the gateway.', openaiUrl: 'OpenAI base URL', anthropicUrl: 'Anthropic and Gemini base URL',
  egressOpen: 'Requests may go to any public host, and where accounts lead. Metadata services of clouds are never reached.', egressClosed: 'Requests go only where the settings below say. What is refused is told to the caller as 502, and to you under Providers.',
  recordingText: 'Bodies of requests and answers, for looking at them under Requests.', recordsAll: 'Everything that is said is kept. Tell the people whose prompts these are.', recordingKeys: 'A key can say for itself that its requests are recorded, or never are: {keys}.', keys: 'Keys', storeHolds: 'The store ({kind}) holds {size} now.',
  theme: 'Theme', thisBrowser: 'Kept in this browser.', theme_system: 'As the system', theme_light: 'Light', theme_dark: 'Dark',
  language: 'Language', languageText: 'Kept in this browser. The page is loaded again.', languageHint: 'More languages follow when the texts rest.', pseudo: 'Pseudo: shows which texts can be translated', formats: 'Numbers, money and times look like this:',
};
export const t = catalogue('settings-tabs', english);
