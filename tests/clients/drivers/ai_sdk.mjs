// Vercel's AI SDK by one of its provider packages: responses, chat, compatible, anthropic, google.

import { TOOLS, load, serve, useTool } from "./serving.mjs";

const { Output, generateText, isStepCount, stepCountIs, streamText, tool } = await load("ai");
const { z } = await load("zod");

const which = process.argv[2];
const v1 = (job) => ({ baseURL: `${job.base_url}/v1`, apiKey: job.key });
const openai = async (job) => (await load("@ai-sdk/openai")).createOpenAI(v1(job));
const MODELS = {
  responses: async (job) => (await openai(job)).responses(job.model),
  chat: async (job) => (await openai(job)).chat(job.model),
  compatible: async (job) => {
    const { createOpenAICompatible } = await load("@ai-sdk/openai-compatible");
    const settings = { name: "gateway", includeUsage: true, supportsStructuredOutputs: true, ...v1(job) };
    return createOpenAICompatible(settings)(job.model);
  },
  anthropic: async (job) => (await load("@ai-sdk/anthropic")).createAnthropic(v1(job))(job.model),
  google: async (job) => {
    const { createGoogleGenerativeAI } = await load("@ai-sdk/google");
    return createGoogleGenerativeAI({ baseURL: `${job.base_url}/v1beta`, apiKey: job.key })(job.model);
  },
};
const THINKING = {
  responses: { openai: { store: false, reasoningEffort: "high", reasoningSummary: "auto", include: ["reasoning.encrypted_content"], forceReasoning: true } },
  chat: { openai: { reasoningEffort: "high", forceReasoning: true } },
  compatible: { gateway: { reasoningEffort: "high" } },
  anthropic: { anthropic: { thinking: { type: "enabled", budgetTokens: 2000 } } },
  google: { google: { thinkingConfig: { includeThoughts: true } } },
};
const PLAIN = { responses: { openai: { store: false } } };

const asked = async (job, more = {}) => ({
  model: await MODELS[which](job),
  instructions: "Answer plainly.",
  prompt: job.prompt,
  providerOptions: PLAIN[which],
  ...more,
});
const factsOf = (done) => ({ text: done.text, finish: done.finishReason });
const create = async (job, more) => factsOf(await generateText(await asked(job, more)));

const fields = { read_file: { path: z.string() }, write_file: { path: z.string(), text: z.string() } };
const tools = Object.fromEntries(
  Object.entries(TOOLS).map(([name, { description }]) => [
    name,
    tool({ description, inputSchema: z.object(fields[name]), execute: async (args) => useTool(name, args) }),
  ]),
);
const stopWhen = (isStepCount ?? stepCountIs)(6);

const talk = async (job, messages) => {
  let failed;
  const { prompt, ...given } = await asked(job, { tools, stopWhen, providerOptions: THINKING[which] });
  const run = streamText({ ...given, messages, onError: ({ error }) => (failed = error) });
  await run.consumeStream();
  if (failed) throw failed;
  messages.push(...((await run.responseMessages) ?? (await run.response).messages));
  const steps = await run.steps;
  return { text: await run.text, reasoning: steps.map((step) => step.reasoningText ?? "").join("") };
};

await serve({
  text: (job) => create(job),
  stream: async (job) => {
    const said = [];
    const stop = new AbortController();
    let failed;
    const onError = ({ error }) => (failed = error);
    const run = streamText(await asked(job, { abortSignal: stop.signal, onError }));
    for await (const piece of run.textStream) {
      said.push(piece);
      if (job.cancel) {
        stop.abort();
        return { cancelled: true };
      }
    }
    if (failed) return { error: `${failed.name}: ${failed.message ?? JSON.stringify(failed)}`, text: said.join("") };
    const usage = (await run.usage).totalTokens;
    return { text: said.join(""), pieces: said.length, finish: await run.finishReason, usage };
  },
  tools: (job) => create(job, { tools, stopWhen }),
  thinking: async (job) => {
    const messages = [{ role: "user", content: job.prompt }];
    const first = await talk(job, messages);
    messages.push({ role: "user", content: job.followup });
    const facts = { text: first.text, followup: (await talk(job, messages)).text };
    // The chat model of @ai-sdk/openai knows no reasoning text.
    return which === "chat" ? facts : { ...facts, reasoning: first.reasoning };
  },
  image: async (job) => {
    const { prompt, ...given } = await asked(job);
    const content = [
      { type: "text", text: prompt },
      { type: "image", image: Buffer.from(job.image, "base64"), mediaType: "image/png" },
    ];
    return factsOf(await generateText({ ...given, messages: [{ role: "user", content }] }));
  },
  structured: async (job) => {
    const schema = z.object({ name: z.string(), age: z.number().int() });
    const done = await generateText(await asked(job, { output: Output.object({ schema }) }));
    return { value: done.output };
  },
  length: (job) => create(job, { maxOutputTokens: job.cap }),
});
