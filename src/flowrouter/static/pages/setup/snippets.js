/**
 * What each client is configured with: lines to copy, made for one address, key and model.
 */

/** @typedef {{openai: string, anthropic: string, key: string, model: string}} Facts */
/** @typedef {{where: string | null, text: string}} Lines `where`: the file that they belong in, null for a shell. */
/** @typedef {{id: string, name: string | null, key: string, lines: (facts: Facts) => Lines[]}} Client `name` is the product's, `key` a name for its gateway key. */

/** What goes for a key while none is needed; clients always send one. */
export const ANY = 'any';
/** What stands for a key where one is needed and none is at hand. */
export const PLACEHOLDER = 'YOUR_KEY';
const QUESTION = 'What does this project do?';
/** @param {string} model */
const isClaude = (model) => /^(?:anthropic\/)?claude/.test(model);
/** @param {string} text @returns {Lines[]} */
const shell = (text) => [{ where: null, text }];

/** @type {Client[]} */
export const CLIENTS = [
  {
    id: 'claude-code', name: 'Claude Code', key: 'claude-code',
    lines: ({ anthropic, key, model }) => shell(`export ANTHROPIC_BASE_URL=${anthropic}\nexport ANTHROPIC_AUTH_TOKEN=${key}\n${
      isClaude(model) ? '' : `export ANTHROPIC_MODEL=${model} ANTHROPIC_SMALL_FAST_MODEL=${model}\n`}claude`),
  },
  {
    id: 'codex', name: 'Codex', key: 'codex',
    lines: ({ openai, key, model }) => [
      { where: '~/.codex/config.toml', text: `model = "${model}"\nmodel_provider = "flow-router"\n\n[model_providers.flow-router]\nname = "Flow Router"\nbase_url = "${openai}"\nwire_api = "responses"\nenv_key = "FLOW_ROUTER_KEY"` },
      ...shell(`export FLOW_ROUTER_KEY=${key}\ncodex exec "${QUESTION}"`),
    ],
  },
  {
    id: 'gemini-cli', name: 'Gemini CLI', key: 'gemini-cli',
    lines: ({ anthropic, key, model }) => shell(`export GOOGLE_GEMINI_BASE_URL=${anthropic} GEMINI_API_KEY=${key}\ngemini -m ${model} -p "${QUESTION}"`),
  },
  {
    id: 'opencode', name: 'OpenCode', key: 'opencode',
    lines: ({ openai, key, model }) => [
      {
        where: 'opencode.json',
        text: JSON.stringify({
          $schema: 'https://opencode.ai/config.json',
          provider: { 'flow-router': { npm: isClaude(model) ? '@ai-sdk/anthropic' : '@ai-sdk/openai-compatible', name: 'Flow Router', options: { baseURL: openai, apiKey: key }, models: { [model]: {} } } },
        }, null, 2),
      },
      ...shell(`opencode run -m flow-router/${model} "${QUESTION}"`),
    ],
  },
  {
    id: 'aider', name: 'aider', key: 'aider',
    lines: ({ openai, key, model }) => shell(`export OPENAI_API_BASE=${openai} OPENAI_API_KEY=${key}\naider --model openai/${model}`),
  },
  { id: 'other', name: null, key: 'editor', lines: () => [] },
  {
    id: 'curl', name: 'curl', key: 'curl',
    lines: ({ openai, key, model }) => shell(`curl ${openai}/chat/completions \\\n  -H "authorization: Bearer ${key}" \\\n  -H "content-type: application/json" \\\n  -d '${JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }] })}'`),
  },
  {
    id: 'python', name: 'Python', key: 'python',
    lines: ({ openai, key, model }) => [
      ...shell('pip install openai'),
      { where: 'hello.py', text: `from openai import OpenAI\n\nclient = OpenAI(base_url="${openai}", api_key="${key}")\nreply = client.chat.completions.create(\n    model="${model}",\n    messages=[{"role": "user", "content": "Hello!"}],\n)\nprint(reply.choices[0].message.content)` },
    ],
  },
  {
    id: 'javascript', name: 'JavaScript', key: 'javascript',
    lines: ({ openai, key, model }) => [
      ...shell('npm install openai'),
      { where: 'hello.mjs', text: `import OpenAI from "openai";\n\nconst client = new OpenAI({ baseURL: "${openai}", apiKey: "${key}" });\nconst reply = await client.chat.completions.create({\n  model: "${model}",\n  messages: [{ role: "user", content: "Hello!" }],\n});\nconsole.log(reply.choices[0].message.content);` },
    ],
  },
];
