// openai-node, Chat Completions.

import { PERSON, TOOLS, converse, load, serve } from "./serving.mjs";

const { default: OpenAI } = await load("openai");

const clientOf = (job) => new OpenAI({ baseURL: `${job.base_url}/v1`, apiKey: job.key, timeout: 30_000 });
const question = (job) => [
  { role: "system", content: "Answer plainly." },
  { role: "user", content: job.prompt },
];
const tools = Object.entries(TOOLS).map(([name, { description, schema }]) => ({
  type: "function",
  function: { name, description, parameters: schema },
}));
const factsOf = (done) => ({ text: done.choices[0].message.content, finish: done.choices[0].finish_reason });
const create = (job, more = {}) =>
  clientOf(job).chat.completions.create({ model: job.model, messages: question(job), ...more });

const talk = (job, messages, thinking) =>
  converse(
    async () => {
      const body = { model: job.model, messages, tools };
      const client = clientOf(job);
      // The accumulator knows no reasoning text, so that is gathered from the chunks.
      let reasoning = "";
      const done = thinking
        ? await client.chat.completions
            .stream({ ...body, reasoning_effort: "high" })
            .on("chunk", (chunk) => (reasoning += chunk.choices[0]?.delta.reasoning_content ?? ""))
            .finalChatCompletion()
        : await client.chat.completions.create(body);
      const { parsed, ...message } = done.choices[0].message;
      if (reasoning) message.reasoning_content = reasoning;
      messages.push(message);
      const calls = (message.tool_calls ?? []).map((call) => ({
        id: call.id,
        name: call.function.name,
        arguments: JSON.parse(call.function.arguments),
      }));
      for (const call of message.tool_calls ?? []) delete call.function.parsed_arguments;
      return { text: message.content, reasoning, calls };
    },
    (results) => {
      for (const { id, result } of results) messages.push({ role: "tool", tool_call_id: id, content: result });
    },
  );

await serve({
  text: async (job) => factsOf(await create(job)),
  stream: async (job) => {
    const said = [];
    let finish;
    let usage;
    const chunks = await create(job, { stream: true, stream_options: { include_usage: true } });
    for await (const chunk of chunks) {
      usage = chunk.usage ?? usage;
      for (const choice of chunk.choices) {
        finish = choice.finish_reason ?? finish;
        if (choice.delta.content) said.push(choice.delta.content);
      }
      if (said.length && job.cancel) {
        chunks.controller.abort();
        return { cancelled: true };
      }
    }
    return { text: said.join(""), pieces: said.length, finish, usage: usage?.total_tokens };
  },
  tools: async (job) => ({ text: (await talk(job, question(job), false)).text }),
  thinking: async (job) => {
    const messages = question(job);
    const first = await talk(job, messages, true);
    messages.push({ role: "user", content: job.followup });
    return { text: first.text, reasoning: first.reasoning, followup: (await talk(job, messages, true)).text };
  },
  image: async (job) => {
    const url = `data:image/png;base64,${job.image}`;
    const content = [
      { type: "text", text: job.prompt },
      { type: "image_url", image_url: { url } },
    ];
    return factsOf(await create(job, { messages: [{ role: "user", content }] }));
  },
  structured: async (job) => {
    const format = { type: "json_schema", json_schema: { name: "person", strict: true, schema: PERSON } };
    return { value: JSON.parse(factsOf(await create(job, { response_format: format })).text) };
  },
  length: async (job) => factsOf(await create(job, { max_completion_tokens: job.cap })),
});
