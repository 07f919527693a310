// What the JavaScript drivers share: jobs come in as lines of JSON, facts go out as lines of JSON.
// The packages are found below .clients/npm, wherever this file lies.

import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const packages = new URL("../../../.clients/npm/package.json", import.meta.url).href;

export const load = (name) => import(import.meta.resolve(name, packages));

const path = { type: "string", description: "the file" };
const object = (properties) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

export const TOOLS = {
  read_file: { description: "Read a file.", schema: object({ path }) },
  write_file: { description: "Write a text to a file.", schema: object({ path, text: { type: "string" } }) },
};
export const PERSON = object({ name: { type: "string" }, age: { type: "integer" } });
export const ROUNDS = 6;

const RUN = {
  read_file: ({ path }) => readFileSync(path, "utf8"),
  write_file: ({ path, text }) => {
    writeFileSync(path, text);
    return "written";
  },
};

export const useTool = (name, args) => RUN[name](args);

// Runs the turns of a conversation until the model calls no more tools: `turn` returns what it said and called,
// and `answer` puts the results into the conversation.
export const converse = async (turn, answer) => {
  let reasoning = "";
  for (let round = 0; round < ROUNDS; round += 1) {
    const said = await turn();
    reasoning += said.reasoning ?? "";
    if (said.calls.length === 0) return { text: said.text ?? "", reasoning };
    await answer(said.calls.map((call) => ({ ...call, result: useTool(call.name, call.arguments) })));
  }
  throw new Error("the model never came to an end");
};

export const serve = async (operations) => {
  for await (const line of createInterface({ input: process.stdin })) {
    const job = JSON.parse(line);
    let facts;
    try {
      facts = await operations[job.operation](job);
    } catch (error) {
      facts = { error: `${error?.name}: ${error?.message}` };
    }
    process.stdout.write(`${JSON.stringify(facts)}\n`);
  }
};

process.on("unhandledRejection", (error) => process.stderr.write(`unhandled: ${error}\n`));
