import { catalogue } from '../core/strings.js';

export const english = {
  title: 'Log in',
  name: 'Name',
  password: 'Password',
  submit: 'Log in',
  or: 'or',
  sso: 'Log in with {label}',
  link: 'Open the link that the gateway printed when it started. It signs this browser in, once.',
  linkAgain: 'Lost it? On the machine of the gateway, this prints a new one:',
  noDashboard: 'Base URLs for clients',
  openai: 'OpenAI and Gemini clients',
  anthropic: 'Anthropic clients',
};
export const t = catalogue('login', english);
