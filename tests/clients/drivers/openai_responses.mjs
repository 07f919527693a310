// openai-node, Responses: nothing is stored, the reasoning travels encrypted.

import { PERSON, TOOLS, converse, load, serve } from "./serving.mjs";

const { default: OpenAI } = await load("openai");

const clientOf = (job) => new OpenAI({ baseURL: `${job.base_url}/v1`, apiKey: job.key, timeout: 30_000 });
const asked = (job, more = {}) => ({
  model: job.model,
  instructions: "Answer plainly.",
  input: job.prompt,
  store: false,
  ...more,
});
const factsOf = (done) => ({ text: done.output_text, finish: done.incomplete_details?.reason ?? done.status });
const create = (job, more) => clientOf(job).responses.create(asked(job, more));
const tools = Object.entries(TOOLS).map(([name, { description, schema }]) => ({
  type: "function",
  name,
  description,
  parameters: schema,
  strict: true,
}));

const talk = (job, input, thinking) =>
  converse(
    async () => {
      const client = clientOf(job);
      const more = { include: ["reasoning.encrypted_content"], reasoning: { effort: "high", summary: "auto" } };
      const done = thinking
        ? await client.responses.stream(asked(job, { input, tools, ...more })).finalResponse()
        : await create(job, { input, tools });
      for (const { parsed_arguments, ...item } of done.output) {
        for (const part of item.content ?? []) delete part.parsed;
        input.push(item);
      }
      const calls = done.output
        .filter((item) => item.type === "function_call")
        .map((item) => ({ id: item.call_id, name: item.name, arguments: JSON.parse(item.arguments) }));
      const thoughts = done.output.filter((item) => item.type === "reasoning").flatMap((item) => item.summary);
      return { text: done.output_text, reasoning: thoughts.map((part) => part.text).join(""), calls };
    },
    (results) => {
      for (const { id, result } of results)
        input.push({ type: "function_call_output", call_id: id, output: result });
    },
  );

await serve({
  text: async (job) => factsOf(await create(job)),
  stream: async (job) => {
    const said = [];
    let final;
    const events = await create(job, { stream: true });
    for await (const event of events) {
      if (event.type === "response.output_text.delta") said.push(event.delta);
      if (event.type === "response.completed" || event.type === "response.incomplete") final = event.response;
      if (event.type === "response.failed") return { error: event.response.error.message };
      if (said.length && job.cancel) {
        events.controller.abort();
        return { cancelled: true };
      }
    }
    if (!final) return { error: "the stream ended without a final event" };
    const finish = final.incomplete_details?.reason ?? final.status;
    return { text: said.join(""), pieces: said.length, finish, usage: final.usage.total_tokens };
  },
  tools: async (job) => ({ text: (await talk(job, [{ role: "user", content: job.prompt }], false)).text }),
  thinking: async (job) => {
    const input = [{ role: "user", content: job.prompt }];
    const first = await talk(job, input, true);
    input.push({ role: "user", content: job.followup });
    return { text: first.text, reasoning: first.reasoning, followup: (await talk(job, input, true)).text };
  },
  image: async (job) => {
    const content = [
      { type: "input_text", text: job.prompt },
      { type: "input_image", detail: "auto", image_url: `data:image/png;base64,${job.image}` },
    ];
    return factsOf(await create(job, { input: [{ role: "user", content }] }));
  },
  structured: async (job) => {
    const text = { format: { type: "json_schema", name: "person", strict: true, schema: PERSON } };
    return { value: JSON.parse((await create(job, { text })).output_text) };
  },
  length: async (job) => factsOf(await create(job, { max_output_tokens: job.cap })),
});
