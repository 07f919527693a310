/**
 * A request as code that sends it: for a terminal, for the vendors' own SDKs in Python and JavaScript.
 */

import { curlOf } from '../../core/curl.js';
import { DIALECTS, bodyOf } from './dialects/index.js';

/** @typedef {import('./dialects/index.js').DialectId} DialectId */
/** @typedef {import('./dialects/index.js').Ask} Ask */
/** @typedef {'curl' | 'python' | 'javascript'} Language */

/** @type {Language[]} */
export const LANGUAGES = ['curl', 'python', 'javascript'];

/** @param {Language} language @param {DialectId} dialect @param {Ask} ask @param {string} origin The gateway's address. */
export const snippet = (language, dialect, ask, origin) => WRITERS[language](dialect, ask, origin);

/** @type {Record<Language, (dialect: DialectId, ask: Ask, origin: string) => string>} */
const WRITERS = { curl, python: (dialect, ask, origin) => PYTHON[dialect](ask, origin), javascript: (dialect, ask, origin) => JAVASCRIPT[dialect](ask, origin) };

/** @param {DialectId} dialect @param {Ask} ask @param {string} origin */
function curl(dialect, ask, origin) {
  const { path, query, stream } = DIALECTS[dialect].endpoint(ask);
  const search = new URLSearchParams(query).toString();
  return curlOf(dialect, `${origin}${path}${search ? `?${search}` : ''}`, JSON.stringify(bodyOf(dialect, ask), null, 2), stream);
}

/** A JSON value as Python writes it. @param {any} value @param {number} [depth] @returns {string} */
export function pythonOf(value, depth = 0) {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value !== 'object') return JSON.stringify(value);
  const entries = Array.isArray(value) ? value.map((one) => pythonOf(one, depth + 1)) : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${pythonOf(one, depth + 1)}`);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const line = `${open}${entries.join(', ')}${close}`;
  if (line.length < 80 && !line.includes('\n')) return line;
  const pad = '    '.repeat(depth + 1);
  return `${open}\n${entries.map((entry) => `${pad}${entry},\n`).join('')}${'    '.repeat(depth)}${close}`;
}

/** Members as arguments of a call. @param {Record<string, any>} members */
const named = (members) => Object.entries(members).map(([name, value]) => `    ${name}=${pythonOf(value, 1)},\n`).join('');

/** What the SDK's own signature need not know goes another way. @param {Ask} ask */
const extra = ({ more }) => (Object.keys(more).length ? { extra_body: more } : {});

/** @param {string} install @param {string} imports @param {string} client @param {string} rest */
const pythonFile = (install, imports, client, rest) => `# pip install ${install}\nimport os\n\n${imports}\n\nclient = ${client}\n${rest}`;

/** @param {string} origin */
const openaiPython = (origin) => `OpenAI(base_url="${origin}/v1", api_key=os.environ["FLOW_ROUTER_KEY"])`;

/** @type {Record<DialectId, (ask: Ask, origin: string) => string>} */
const PYTHON = {
  openai_chat: (ask, origin) => {
    const call = `client.chat.completions.create(\n${named({ ...DIALECTS.openai_chat.build(ask), ...extra(ask) })})`;
    return pythonFile('openai', 'from openai import OpenAI', openaiPython(origin), ask.stream
      ? `for chunk in ${call}:\n    if chunk.choices:\n        print(chunk.choices[0].delta.content or "", end="", flush=True)\nprint()`
      : `reply = ${call}\nprint(reply.choices[0].message.content)`);
  },
  openai_responses: (ask, origin) => {
    const call = `client.responses.create(\n${named({ ...DIALECTS.openai_responses.build(ask), ...extra(ask) })})`;
    return pythonFile('openai', 'from openai import OpenAI', openaiPython(origin), ask.stream
      ? `for event in ${call}:\n    if event.type == "response.output_text.delta":\n        print(event.delta, end="", flush=True)\nprint()`
      : `reply = ${call}\nprint(reply.output_text)`);
  },
  anthropic: (ask, origin) => {
    // The SDK refuses to wait for a long answer that is not streamed, unless it is told for how long.
    const wait = ask.stream ? {} : { timeout: 600 };
    const call = `client.messages.create(\n${named({ ...DIALECTS.anthropic.build(ask), ...wait, ...extra(ask) })})`;
    return pythonFile('anthropic', 'from anthropic import Anthropic', `Anthropic(base_url="${origin}", api_key=os.environ["FLOW_ROUTER_KEY"])`, ask.stream
      ? `for event in ${call}:\n    if event.type == "content_block_delta" and event.delta.type == "text_delta":\n        print(event.delta.text, end="", flush=True)\nprint()`
      : `reply = ${call}\nprint("".join(block.text for block in reply.content if block.type == "text"))`);
  },
  gemini: (ask, origin) => {
    const { contents, config } = googleParts(ask, snake, { extra_body: ask.more });
    const call = `client.models.generate_content${ask.stream ? '_stream' : ''}(\n${named({ model: ask.model, contents, ...(Object.keys(config).length ? { config } : {}) })})`;
    return pythonFile('google-genai', 'from google import genai', `genai.Client(api_key=os.environ["FLOW_ROUTER_KEY"], http_options={"base_url": "${origin}"})`, ask.stream
      ? `for chunk in ${call}:\n    print(chunk.text or "", end="", flush=True)\nprint()`
      : `reply = ${call}\nprint(reply.text)`);
  },
};

/** Google's SDKs take the settings in one object. @param {Ask} ask @param {(value: any) => any} spelled @param {any} options */
function googleParts(ask, spelled, options) {
  const { contents, systemInstruction, tools, generationConfig } = DIALECTS.gemini.build(ask);
  const config = { ...(systemInstruction ? { systemInstruction: ask.system } : {}), ...generationConfig, ...(tools ? { tools } : {}) };
  const more = Object.keys(ask.more).length ? { http_options: options } : {};
  return { contents: spelled(contents), config: { ...spelled(config), ...(spelled === snake ? more : {}) } };
}

/** Names of members that hold what is the user's own, and stays as it is. */
const OWN = ['parametersJsonSchema', 'args', 'response'];

/** The same with the names that Python's SDK has for the members. @param {any} value @returns {any} */
function snake(value) {
  if (Array.isArray(value)) return value.map(snake);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), OWN.includes(name) ? one : snake(one)]));
}

/** @param {string} install @param {string} imports @param {string} client @param {string} rest */
const scriptFile = (install, imports, client, rest) => `// npm install ${install}\n${imports}\n\nconst client = ${client};\n${rest}`;
/** @param {string} origin */
const openaiScript = (origin) => `new OpenAI({ baseURL: "${origin}/v1", apiKey: process.env.FLOW_ROUTER_KEY })`;
/** @param {any} value */
const json = (value) => JSON.stringify(value, null, 2);

/** @type {Record<DialectId, (ask: Ask, origin: string) => string>} */
const JAVASCRIPT = {
  openai_chat: (ask, origin) => {
    const call = `await client.chat.completions.create(${json(bodyOf('openai_chat', ask))})`;
    return scriptFile('openai', 'import OpenAI from "openai";', openaiScript(origin), ask.stream
      ? `for await (const chunk of ${call}) process.stdout.write(chunk.choices[0]?.delta?.content ?? "");`
      : `const reply = ${call};\nconsole.log(reply.choices[0].message.content);`);
  },
  openai_responses: (ask, origin) => {
    const call = `await client.responses.create(${json(bodyOf('openai_responses', ask))})`;
    return scriptFile('openai', 'import OpenAI from "openai";', openaiScript(origin), ask.stream
      ? `for await (const event of ${call}) if (event.type === "response.output_text.delta") process.stdout.write(event.delta);`
      : `const reply = ${call};\nconsole.log(reply.output_text);`);
  },
  anthropic: (ask, origin) => {
    const call = `await client.messages.create(${json(bodyOf('anthropic', ask))}${ask.stream ? '' : ', { timeout: 600_000 }'})`;
    return scriptFile('@anthropic-ai/sdk', 'import Anthropic from "@anthropic-ai/sdk";', `new Anthropic({ baseURL: "${origin}", apiKey: process.env.FLOW_ROUTER_KEY })`, ask.stream
      ? `for await (const event of ${call}) if (event.delta?.type === "text_delta") process.stdout.write(event.delta.text);`
      : `const reply = ${call};\nconsole.log(reply.content.map((block) => block.text ?? "").join(""));`);
  },
  gemini: (ask, origin) => {
    const { contents, config } = googleParts(ask, (value) => value, null);
    const more = Object.keys(ask.more).length ? { httpOptions: { extraBody: ask.more } } : {};
    const all = { ...config, ...more };
    const call = `await client.models.generateContent${ask.stream ? 'Stream' : ''}(${json({ model: ask.model, contents, ...(Object.keys(all).length ? { config: all } : {}) })})`;
    return scriptFile('@google/genai', 'import { GoogleGenAI } from "@google/genai";', `new GoogleGenAI({ apiKey: process.env.FLOW_ROUTER_KEY, httpOptions: { baseUrl: "${origin}" } })`, ask.stream
      ? `for await (const chunk of ${call}) process.stdout.write(chunk.text ?? "");`
      : `const reply = ${call};\nconsole.log(reply.text);`);
  },
};
