// @google/genai, generateContent.

import { PERSON, TOOLS, converse, load, serve } from "./serving.mjs";

const { GoogleGenAI } = await load("@google/genai");

const clientOf = (job) =>
  new GoogleGenAI({
    apiKey: job.key,
    httpOptions: { baseUrl: job.base_url, timeout: 30_000, retryOptions: { attempts: 3 } },
  });
const user = (text) => ({ role: "user", parts: [{ text }] });
const asked = (job, config = {}, contents = job.prompt) => ({
  model: job.model,
  contents,
  config: { systemInstruction: "Answer plainly.", ...config },
});
const factsOf = (done) => ({ text: done.text, finish: done.candidates[0].finishReason });
const create = async (job, ...more) =>
  factsOf(await clientOf(job).models.generateContent(asked(job, ...more)));
const tools = [
  {
    functionDeclarations: Object.entries(TOOLS).map(([name, { description, schema }]) => ({
      name,
      description,
      parametersJsonSchema: schema,
    })),
  },
];

const partsOf = async (job, contents, thinking) => {
  const { models } = clientOf(job);
  if (!thinking) return (await models.generateContent(asked(job, { tools }, contents))).candidates[0].content.parts;
  const parts = [];
  const thinkingConfig = { includeThoughts: true };
  for await (const chunk of await models.generateContentStream(asked(job, { tools, thinkingConfig }, contents)))
    parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
  return parts;
};

const talk = (job, contents, thinking) =>
  converse(
    async () => {
      const parts = await partsOf(job, contents, thinking);
      contents.push({ role: "model", parts });
      const calls = parts
        .filter((part) => part.functionCall)
        .map(({ functionCall }) => ({ id: functionCall.id, name: functionCall.name, arguments: functionCall.args }));
      const spoken = (thought) =>
        parts
          .filter((part) => part.text && Boolean(part.thought) === thought)
          .map((part) => part.text)
          .join("");
      return { text: spoken(false), reasoning: spoken(true), calls };
    },
    (results) => {
      const parts = results.map(({ id, name, result }) => ({ functionResponse: { id, name, response: { result } } }));
      contents.push({ role: "user", parts });
    },
  );

await serve({
  text: (job) => create(job),
  stream: async (job) => {
    const said = [];
    let finish;
    let usage;
    const stop = new AbortController();
    const chunks = await clientOf(job).models.generateContentStream(asked(job, { abortSignal: stop.signal }));
    for await (const chunk of chunks) {
      usage = chunk.usageMetadata ?? usage;
      finish = chunk.candidates?.[0]?.finishReason ?? finish;
      if (chunk.text) said.push(chunk.text);
      if (said.length && job.cancel) {
        stop.abort();
        return { cancelled: true };
      }
    }
    return { text: said.join(""), pieces: said.length, finish, usage: usage?.totalTokenCount };
  },
  tools: async (job) => ({ text: (await talk(job, [user(job.prompt)], false)).text }),
  thinking: async (job) => {
    const contents = [user(job.prompt)];
    const first = await talk(job, contents, true);
    contents.push(user(job.followup));
    return { text: first.text, reasoning: first.reasoning, followup: (await talk(job, contents, true)).text };
  },
  image: (job) => {
    const inlineData = { mimeType: "image/png", data: job.image };
    return create(job, {}, [{ role: "user", parts: [{ text: job.prompt }, { inlineData }] }]);
  },
  structured: async (job) => {
    const config = { responseMimeType: "application/json", responseJsonSchema: PERSON };
    return { value: JSON.parse((await create(job, config)).text) };
  },
  length: (job) => create(job, { maxOutputTokens: job.cap }),
});
