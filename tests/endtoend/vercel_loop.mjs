// A chat on the Vercel AI SDK at the Responses door: a loop of tools, then a second question, each answer kept as the
// SDK gives it. It names the second question's model, so that another provider may go on.
//
// `node --input-type=module - URL KEY MODEL [ANOTHER] < vercel_loop.mjs`, in the folder of its packages.
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const [url, key, model, another = model] = process.argv.slice(2);
const openai = createOpenAI({ baseURL: `${url}/api/ai/v1`, apiKey: key });
const look = tool({ description: "The weather.", inputSchema: z.object({}).loose(), execute: () => "sunny" });
const beside = { tools: { look }, stopWhen: stepCountIs(4), maxRetries: 0 };

const messages = [{ role: "user", content: "Weather? [[tool]] [[think]]" }];
const whole = await generateText({ ...beside, model: openai(model), messages });
messages.push(...whole.response.messages, { role: "user", content: "And tomorrow? [[tool]]" });
const streamed = streamText({ ...beside, model: openai(another), messages, onError: ({ error }) => { throw error; } });
const said = await streamed.text;
messages.push(...(await streamed.response).messages, { role: "user", content: "Thanks." });
const last = await generateText({ ...beside, model: openai(model), messages });
console.log(JSON.stringify([whole.text, said, last.text]));
