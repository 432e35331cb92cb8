// What an application does with the OpenAI SDK for Node, once for each model that it is given.
// Usage: node scenario.mjs BASE_URL KEY MODEL... ; prints one JSON object.
import OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";

const [baseURL, apiKey, ...models] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });

const failure = async (promise) => {
  try {
    await promise;
    return "none";
  } catch (error) {
    return error.status;
  }
};

const streamed = async (model) => {
  const stream = client.responses.stream({ model, input: "Hello." });
  const kinds = [];
  for await (const event of stream) kinds.push(event.type);
  const response = await stream.finalResponse();
  return { first: kinds[0], last: kinds.at(-1), status: response.status };
};

const kept = async (model) => {
  const made = await client.responses.create({ model, input: "Hello." });
  const next = await client.responses.create({ model, input: "Again.", previous_response_id: made.id });
  const items = [];
  for await (const item of client.responses.inputItems.list(made.id)) items.push(item.type);
  const found = await client.responses.retrieve(made.id);
  await client.responses.delete(made.id);
  return {
    same: found.id === made.id && next.previous_response_id === made.id,
    text: made.output_text.length > 0,
    items,
    gone: await failure(client.responses.retrieve(made.id)),
  };
};

const background = async (model) => {
  let made = await client.responses.create({ model, input: "Hello.", background: true });
  const first = made.status;
  while (made.status === "queued" || made.status === "in_progress") {
    made = await client.responses.retrieve(made.id);
  }
  const numbers = [];
  const stream = await client.responses.retrieve(made.id, { stream: true, starting_after: 1 });
  for await (const event of stream) numbers.push(event.sequence_number);
  return { first, status: made.status, resumed: numbers[0] };
};

const compacted = async (model) => {
  const made = await client.responses.compact({ model, input: "Hello." });
  const next = await client.responses.create({
    model,
    input: [...made.output, { role: "user", content: "Go on." }],
  });
  return { last: made.output.at(-1).type, status: next.status };
};

const session = (model) =>
  new Promise((resolve, reject) => {
    const socket = new ResponsesWS(client);
    const said = [];
    const ask = (previous) =>
      socket.send({
        type: "response.create",
        model,
        input: "Hello.",
        store: false,
        ...(previous ? { previous_response_id: previous } : {}),
      });
    socket.on("error", reject);
    socket.on("response.completed", (event) => {
      said.push(event.response.status);
      if (said.length < 3) {
        ask(event.response.id);
      } else {
        socket.close();
        resolve(said);
      }
    });
    ask();
  });

const found = {};
for (const model of models) {
  found[model] = {
    streamed: await streamed(model),
    kept: await kept(model),
    background: await background(model),
    compacted: await compacted(model),
    session: await session(model),
  };
}
console.log(JSON.stringify(found));
