// @anthropic-ai/sdk, Messages.

import { PERSON, TOOLS, converse, load, serve } from "./serving.mjs";

const { default: Anthropic } = await load("@anthropic-ai/sdk");

const clientOf = (job) => new Anthropic({ baseURL: job.base_url, apiKey: job.key, timeout: 30_000 });
const question = (job) => [{ role: "user", content: job.prompt }];
const asked = (job, more = {}) => ({
  model: job.model,
  system: "Answer plainly.",
  max_tokens: 4000,
  messages: question(job),
  ...more,
});
const textOf = (message) =>
  message.content
    .filter((block) => block.type === "text")
    .map((block) => block.text)
    .join("");
const factsOf = (message) => ({ text: textOf(message), finish: message.stop_reason });
const create = async (job, more) => factsOf(await clientOf(job).messages.create(asked(job, more)));
const tools = Object.entries(TOOLS).map(([name, { description, schema }]) => ({
  name,
  description,
  input_schema: schema,
}));

const talk = (job, messages, thinking) =>
  converse(
    async () => {
      const client = clientOf(job);
      const how = { type: "enabled", budget_tokens: 2000 };
      const message = thinking
        ? await client.messages.stream(asked(job, { messages, tools, thinking: how })).finalMessage()
        : await client.messages.create(asked(job, { messages, tools }));
      messages.push({ role: "assistant", content: message.content });
      const calls = message.content
        .filter((block) => block.type === "tool_use")
        .map((block) => ({ id: block.id, name: block.name, arguments: block.input }));
      const thoughts = message.content.filter((block) => block.type === "thinking");
      return { text: textOf(message), reasoning: thoughts.map((block) => block.thinking).join(""), calls };
    },
    (results) => {
      const content = results.map(({ id, result }) => ({ type: "tool_result", tool_use_id: id, content: result }));
      messages.push({ role: "user", content });
    },
  );

await serve({
  text: (job) => create(job),
  stream: async (job) => {
    const said = [];
    const events = clientOf(job).messages.stream(asked(job));
    for await (const event of events) {
      if (event.type === "content_block_delta" && event.delta.type === "text_delta") said.push(event.delta.text);
      if (said.length && job.cancel) {
        events.abort();
        return { cancelled: true };
      }
    }
    const message = await events.finalMessage();
    return { ...factsOf(message), pieces: said.length, usage: message.usage.output_tokens };
  },
  tools: async (job) => ({ text: (await talk(job, question(job), false)).text }),
  thinking: async (job) => {
    const messages = question(job);
    const first = await talk(job, messages, true);
    messages.push({ role: "user", content: job.followup });
    return { text: first.text, reasoning: first.reasoning, followup: (await talk(job, messages, true)).text };
  },
  image: (job) => {
    const source = { type: "base64", media_type: "image/png", data: job.image };
    const content = [
      { type: "image", source },
      { type: "text", text: job.prompt },
    ];
    return create(job, { messages: [{ role: "user", content }] });
  },
  structured: async (job) => {
    const format = { type: "json_schema", schema: PERSON };
    return { value: JSON.parse((await create(job, { output_config: { format } })).text) };
  },
  length: (job) => create(job, { max_tokens: job.cap }),
});
