// An app on the Vercel AI SDK: two turns of one conversation through a gateway, exporting to the same gateway.
//
// `node --input-type=module - LIBRARY URL KEY MODEL < vercel_app.mjs`, in the folder of its packages.
import { createOpenAI } from "@ai-sdk/openai";
import { LegacyOpenTelemetry, OpenTelemetry } from "@ai-sdk/otel";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { generateText, registerTelemetry, streamText } from "ai";

const SYSTEM = "Be brief.";
const QUESTIONS = ["How far is the Moon?", "And the Sun?"];
const INTEGRATIONS = { "vercel-ai": OpenTelemetry, "vercel-ai-legacy": LegacyOpenTelemetry };

const [library, url, key, model] = process.argv.slice(2);
const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces`, headers: { authorization: `Bearer ${key}` } });
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": `app-${library}` }),
  spanProcessors: [new BatchSpanProcessor(exporter)],
});
provider.register();
registerTelemetry(new INTEGRATIONS[library]());

const openai = createOpenAI({ baseURL: `${url}/api/ai/v1`, apiKey: key });

async function ask(messages) {
  const request = { model: openai.chat(model), instructions: SYSTEM, messages, maxRetries: 0 };
  if (messages.length === 1) return (await generateText(request)).text;
  return await streamText(request).text;
}

await provider.getTracer("app").startActiveSpan("POST /chat", async (root) => {
  root.setAttribute("user.id", "ann");
  const messages = [];
  for (const question of QUESTIONS) {
    messages.push({ role: "user", content: question });
    messages.push({ role: "assistant", content: await ask(messages) });
  }
  console.log(root.spanContext().traceId);
  root.end();
});
await provider.shutdown();
