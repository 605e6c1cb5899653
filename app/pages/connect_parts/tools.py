"""Every tool that the Connect page knows, a row each: what is pasted where, and by what name its requests come.

Source: the tools themselves run against this gateway, November 2026. `key` is the stem of the names of its keys,
`client` the name by which the gateway knows it (None: it sends another's User-Agent, or an unknown one), `door` the
door that it calls with what is pasted, `models` those that stand there until others are chosen ("": it asks none).
"""

from msgspec import Struct

from app.pages.connect_parts.snippets import Models, Snippet
from app.translation import later

AGENTS, SDKS = later("Agents and command line"), later("SDKs")
FRAMEWORKS, OTHER = later("Frameworks"), later("Anything else")
CATEGORIES = (AGENTS, SDKS, FRAMEWORKS, OTHER)
_KEY_VARIABLE = (("FAREGATE_API_KEY", "<key>"),)


class Tool(Struct, frozen=True, kw_only=True):
    """`note` is what people stumble over; `sends_spans`: it tells of calls rather than making them here."""

    key: str
    title: str
    category: str
    icon: str
    snippets: tuple[Snippet, ...]
    models: Models = Models("gpt-4.1-mini")
    door: str = "openai_chat"
    client: str | None = None
    note: str = ""
    words: str = ""
    sends_spans: bool = False


def _python(install: str, text: str) -> tuple[Snippet, ...]:
    return (
        Snippet(step=later("Install it"), text=install),
        Snippet(step=later("Run this"), text=text, runs="python"),
    )


def _javascript(install: str, text: str) -> tuple[Snippet, ...]:
    return (
        Snippet(step=later("Install it"), text=install),
        Snippet(step=later("Save as hello.mjs, run with node"), text=text),
    )


TOOLS: tuple[Tool, ...] = (
    Tool(
        key="claude-code",
        title="Claude Code",
        category=AGENTS,
        icon="bot",
        client="Claude Code",
        words="anthropic agent",
        note=later("The address has no /v1. ANTHROPIC_API_KEY would take precedence, so it is unset first."),
        models=Models("claude-sonnet-4-6", "claude-haiku-4-5-20251001"),
        door="anthropic",
        snippets=(
            Snippet(
                step=later("In the terminal from which it is started"),
                unset=("ANTHROPIC_API_KEY",),
                variables=(
                    ("ANTHROPIC_BASE_URL", "<base>"),
                    ("ANTHROPIC_AUTH_TOKEN", "<key>"),
                    ("ANTHROPIC_MODEL", "<model>"),
                    ("ANTHROPIC_DEFAULT_HAIKU_MODEL", "<small>"),
                ),
                command='claude -p "hello"',
            ),
        ),
    ),
    Tool(
        key="codex",
        title="Codex",
        category=AGENTS,
        icon="terminal",
        client="Codex",
        words="openai agent responses",
        models=Models("gpt-5-codex"),
        door="openai_responses",
        snippets=(
            Snippet(
                step=later("In ~/.codex/config.toml"),
                text='model = "<model>"\n'
                'model_provider = "faregate"\n\n'
                "[model_providers.faregate]\n"
                'name = "Faregate"\n'
                'base_url = "<base>/v1"\n'
                'env_key = "FAREGATE_API_KEY"\n'
                'wire_api = "responses"',
            ),
            Snippet(step=later("In the terminal"), variables=_KEY_VARIABLE, command='codex exec "hello"'),
        ),
    ),
    Tool(
        key="gemini-cli",
        title="Gemini CLI",
        category=AGENTS,
        icon="terminal",
        client="Gemini CLI",
        words="google agent",
        note=later(
            "The address has no version. It renames some models: an alias must match what it sends. With -p it runs "
            "only in a folder that you trust: start it there once without."
        ),
        models=Models("gemini-2.5-pro"),
        door="gemini",
        snippets=(
            Snippet(
                step=later("In ~/.gemini/settings.json"),
                text='{"security": {"auth": {"selectedType": "gemini-api-key"}}}',
            ),
            Snippet(
                step=later("In the terminal"),
                variables=(("GOOGLE_GEMINI_BASE_URL", "<base>"), ("GEMINI_API_KEY", "<key>")),
                command='gemini -m <model> -p "hello"',
            ),
        ),
    ),
    Tool(
        key="cursor",
        title="Cursor",
        category=AGENTS,
        icon="pencil",
        words="editor ide",
        note=later(
            "Cursor's servers make the calls: they reach this gateway only at a public address, not on loopback."
        ),
        snippets=(
            Snippet(step=later("Settings → Models: switch on “Override OpenAI Base URL”"), text="<base>/v1"),
            Snippet(step=later("As the OpenAI API key"), text="<key>"),
        ),
    ),
    Tool(
        key="opencode",
        title="opencode",
        category=AGENTS,
        icon="terminal",
        client="opencode",
        words="agent",
        models=Models("gpt-4o", "gpt-4o-mini"),
        snippets=(
            Snippet(
                step=later("In opencode.json"),
                text="{\n"
                '  "model": "faregate/<model>",\n'
                '  "small_model": "faregate/<small>",\n'
                '  "provider": {\n'
                '    "faregate": {\n'
                '      "npm": "@ai-sdk/openai-compatible",\n'
                '      "name": "Faregate",\n'
                '      "options": {"baseURL": "<base>/v1", "apiKey": "{env:FAREGATE_API_KEY}"},\n'
                '      "models": {<both>}\n'
                "    }\n"
                "  }\n"
                "}",
            ),
            Snippet(step=later("In the terminal"), variables=_KEY_VARIABLE, command='opencode run "hello"'),
        ),
    ),
    Tool(
        key="continue",
        title="Continue",
        category=AGENTS,
        icon="pencil",
        words="editor ide cn",
        note=later("The address ends in a slash. Its gemini provider does not reach a gateway: use provider openai."),
        models=Models("gpt-4o"),
        snippets=(
            Snippet(
                step=later("In ~/.continue/config.yaml"),
                text="name: Faregate\n"
                "version: 1.0.0\n"
                "schema: v1\n"
                "models:\n"
                "  - name: Faregate\n"
                "    provider: openai\n"
                "    model: <model>\n"
                '    apiBase: "<base>/v1/"\n'
                "    apiKey: <key>",
            ),
        ),
    ),
    Tool(
        key="aider",
        title="aider",
        category=AGENTS,
        icon="terminal",
        words="agent litellm",
        note=later("It calls itself LiteLLM or OpenAI's SDK: only its key tells it apart."),
        models=Models("gpt-4o"),
        snippets=(
            Snippet(
                step=later("In the terminal"),
                variables=(("OPENAI_API_BASE", "<base>/v1"), ("OPENAI_API_KEY", "<key>")),
                command='aider --model openai/<model> --message "hello"',
            ),
        ),
    ),
    Tool(
        key="qwen-code",
        title="qwen-code",
        category=AGENTS,
        icon="terminal",
        client="qwen-code",
        words="agent",
        note=later("Its authentication must be set to openai."),
        models=Models("gpt-4o"),
        snippets=(
            Snippet(
                step=later("In the terminal"),
                variables=(
                    ("OPENAI_BASE_URL", "<base>/v1"),
                    ("OPENAI_API_KEY", "<key>"),
                    ("OPENAI_MODEL", "<model>"),
                ),
                command="qwen -p hello",
            ),
        ),
    ),
    Tool(
        key="llm",
        title="llm",
        category=AGENTS,
        icon="terminal",
        words="command line",
        note=later("It calls itself OpenAI's SDK: only its key tells it apart."),
        models=Models("gpt-4o"),
        snippets=(
            Snippet(
                step=later("In extra-openai-models.yaml in llm's user folder"),
                text="- model_id: faregate\n"
                "  model_name: <model>\n"
                '  api_base: "<base>/v1"\n'
                "  api_key_name: faregate\n"
                "  supports_tools: true\n"
                "  supports_schema: true",
            ),
            Snippet(
                step=later("In the terminal"),
                text='llm keys set faregate --value <key>\nllm -m faregate "hello"',
            ),
        ),
    ),
    Tool(
        key="openai-python",
        title="OpenAI SDK (Python)",
        category=SDKS,
        icon="cpu",
        client="OpenAI SDK (Python)",
        snippets=_python(
            "pip install openai",
            "from openai import OpenAI\n\n"
            'client = OpenAI(base_url="<base>/v1", api_key="<key>")\n'
            "answer = client.chat.completions.create(\n"
            '    model="<model>",\n'
            '    messages=[{"role": "user", "content": "Hello"}],\n'
            ")\n"
            "print(answer.choices[0].message.content)",
        ),
    ),
    Tool(
        key="openai-js",
        title="OpenAI SDK (JavaScript)",
        category=SDKS,
        icon="cpu",
        client="OpenAI SDK (JavaScript)",
        words="node typescript",
        snippets=_javascript(
            "npm install openai",
            'import OpenAI from "openai";\n\n'
            'const client = new OpenAI({ baseURL: "<base>/v1", apiKey: "<key>" });\n'
            "const answer = await client.chat.completions.create({\n"
            '  model: "<model>",\n'
            '  messages: [{ role: "user", content: "Hello" }],\n'
            "});\n"
            "console.log(answer.choices[0].message.content);",
        ),
    ),
    Tool(
        key="anthropic-python",
        title="Anthropic SDK (Python)",
        category=SDKS,
        icon="cpu",
        client="Anthropic SDK (Python)",
        words="claude",
        note=later("The address has no /v1."),
        models=Models("claude-sonnet-4-6"),
        door="anthropic",
        snippets=_python(
            "pip install anthropic",
            "from anthropic import Anthropic\n\n"
            'client = Anthropic(base_url="<base>", auth_token="<key>")\n'
            "answer = client.messages.create(\n"
            '    model="<model>",\n'
            "    max_tokens=200,\n"
            '    messages=[{"role": "user", "content": "Hello"}],\n'
            ")\n"
            "print(answer.content[0].text)",
        ),
    ),
    Tool(
        key="anthropic-js",
        title="Anthropic SDK (JavaScript)",
        category=SDKS,
        icon="cpu",
        client="Anthropic SDK (JavaScript)",
        words="claude node typescript",
        note=later("The address has no /v1."),
        models=Models("claude-sonnet-4-6"),
        door="anthropic",
        snippets=_javascript(
            "npm install @anthropic-ai/sdk",
            'import Anthropic from "@anthropic-ai/sdk";\n\n'
            'const client = new Anthropic({ baseURL: "<base>", apiKey: "<key>" });\n'
            "const answer = await client.messages.create({\n"
            '  model: "<model>",\n'
            "  max_tokens: 200,\n"
            '  messages: [{ role: "user", content: "Hello" }],\n'
            "});\n"
            "console.log(answer.content[0].text);",
        ),
    ),
    Tool(
        key="google-genai",
        title="Google GenAI SDK (Python)",
        category=SDKS,
        icon="cpu",
        client="Google GenAI SDK",
        words="gemini",
        note=later("The address has no version."),
        models=Models("gemini-2.5-flash"),
        door="gemini",
        snippets=_python(
            "pip install google-genai",
            "from google import genai\n\n"
            'client = genai.Client(api_key="<key>", http_options={"base_url": "<base>"})\n'
            "answer = client.models.generate_content(\n"
            '    model="<model>",\n'
            '    contents="Hello",\n'
            ")\n"
            "print(answer.text)",
        ),
    ),
    Tool(
        key="google-genai-js",
        title="Google GenAI SDK (JavaScript)",
        category=SDKS,
        icon="cpu",
        words="gemini node typescript",
        note=later("The address has no version."),
        models=Models("gemini-2.5-flash"),
        door="gemini",
        snippets=_javascript(
            "npm install @google/genai",
            'import { GoogleGenAI } from "@google/genai";\n\n'
            'const client = new GoogleGenAI({ apiKey: "<key>", httpOptions: { baseUrl: "<base>" } });\n'
            "const answer = await client.models.generateContent({\n"
            '  model: "<model>",\n'
            '  contents: "Hello",\n'
            "});\n"
            "console.log(answer.text);",
        ),
    ),
    Tool(
        key="langchain",
        title="LangChain",
        category=FRAMEWORKS,
        icon="link",
        words="openai python",
        note=later("ChatAnthropic and ChatGoogleGenerativeAI take the address without /v1."),
        snippets=_python(
            "pip install langchain-openai",
            "from langchain_openai import ChatOpenAI\n\n"
            'model = ChatOpenAI(model="<model>", base_url="<base>/v1", api_key="<key>")\n'
            'print(model.invoke("Hello").content)',
        ),
    ),
    Tool(
        key="llamaindex",
        title="LlamaIndex",
        category=FRAMEWORKS,
        icon="link",
        client="LlamaIndex",
        words="python rag",
        snippets=_python(
            "pip install llama-index-llms-openai-like",
            "from llama_index.llms.openai_like import OpenAILike\n\n"
            "model = OpenAILike(\n"
            '    model="<model>",\n'
            '    api_base="<base>/v1",\n'
            '    api_key="<key>",\n'
            "    is_chat_model=True,\n"
            ")\n"
            'print(model.complete("Hello"))',
        ),
    ),
    Tool(
        key="vercel-ai-sdk",
        title="Vercel AI SDK",
        category=FRAMEWORKS,
        icon="link",
        client="Vercel AI SDK",
        words="node typescript javascript",
        snippets=_javascript(
            "npm install ai @ai-sdk/openai-compatible",
            'import { generateText } from "ai";\n'
            'import { createOpenAICompatible } from "@ai-sdk/openai-compatible";\n\n'
            "const faregate = createOpenAICompatible({\n"
            '  name: "faregate",\n'
            '  baseURL: "<base>/v1",\n'
            '  apiKey: "<key>",\n'
            "  includeUsage: true,\n"
            "  supportsStructuredOutputs: true,\n"
            "});\n"
            'const { text } = await generateText({ model: faregate("<model>"), prompt: "Hello" });\n'
            "console.log(text);",
        ),
    ),
    Tool(
        key="pydantic-ai",
        title="pydantic-ai",
        category=FRAMEWORKS,
        icon="link",
        client="pydantic-ai",
        words="python agent",
        snippets=_python(
            'pip install "pydantic-ai-slim[openai]"',
            "from pydantic_ai import Agent\n"
            "from pydantic_ai.models.openai import OpenAIChatModel\n"
            "from pydantic_ai.providers.openai import OpenAIProvider\n\n"
            'provider = OpenAIProvider(base_url="<base>/v1", api_key="<key>")\n'
            'agent = Agent(OpenAIChatModel("<model>", provider=provider))\n'
            'print(agent.run_sync("Hello").output)',
        ),
    ),
    Tool(
        key="openai-agents",
        title="OpenAI Agents SDK",
        category=FRAMEWORKS,
        icon="link",
        client="OpenAI Agents SDK",
        words="python",
        snippets=_python(
            "pip install openai-agents",
            "from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled\n"
            "from openai import AsyncOpenAI\n\n"
            "set_tracing_disabled(True)\n"
            'client = AsyncOpenAI(base_url="<base>/v1", api_key="<key>")\n'
            'model = OpenAIChatCompletionsModel(model="<model>", openai_client=client)\n'
            'print(Runner.run_sync(Agent(name="hello", model=model), "Hello").final_output)',
        ),
    ),
    Tool(
        key="litellm",
        title="LiteLLM",
        category=FRAMEWORKS,
        icon="link",
        words="python proxy",
        snippets=_python(
            "pip install litellm",
            "import litellm\n\n"
            "answer = litellm.completion(\n"
            '    model="openai/<model>",\n'
            '    api_base="<base>/v1",\n'
            '    api_key="<key>",\n'
            '    messages=[{"role": "user", "content": "Hello"}],\n'
            ")\n"
            "print(answer.choices[0].message.content)",
        ),
    ),
    Tool(
        key="curl",
        title="curl",
        category=OTHER,
        icon="terminal",
        client="curl",
        words="http rest shell powershell",
        snippets=(
            Snippet(
                step=later("In the terminal"),
                command="curl <base>/v1/chat/completions \\\n"
                '  -H "Authorization: Bearer <key>" \\\n'
                '  -H "Content-Type: application/json" \\\n'
                '  -d \'{"model": "<model>", "messages": [{"role": "user", "content": "Hello"}]}\'',
                by_shell={
                    "powershell": "Invoke-RestMethod <base>/v1/chat/completions -Method Post `\n"
                    "  -Headers @{ Authorization = 'Bearer <key>' } -ContentType 'application/json' `\n"
                    '  -Body \'{"model": "<model>", "messages": [{"role": "user", "content": "Hello"}]}\''
                },
                runs="sh",
            ),
        ),
    ),
    Tool(
        key="opentelemetry",
        title="OpenTelemetry",
        category=OTHER,
        icon="activity",
        words="otel otlp spans traces instrumentation openllmetry openinference langfuse content",
        sends_spans=True,
        door="otlp",
        models=Models(""),
        note=later("Most libraries leave out messages until that is switched on. gRPC is not supported."),
        snippets=(
            Snippet(
                step=later("Where the app is started"),
                variables=(
                    ("OTEL_EXPORTER_OTLP_ENDPOINT", "<origin>"),
                    ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20<key>"),
                    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
                ),
            ),
            Snippet(
                step=later("Messages, with opentelemetry-instrumentation-genai"),
                variables=(("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY"),),
            ),
            Snippet(
                step=later("The same with opentelemetry-instrumentation-openai-v2"),
                variables=(
                    ("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental"),
                    ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "span_only"),
                ),
            ),
            Snippet(
                step=later("OpenLLMetry and OpenInference send it already; this keeps it back"),
                variables=(
                    ("TRACELOOP_TRACE_CONTENT", "false"),
                    ("OPENINFERENCE_HIDE_INPUTS", "true"),
                    ("OPENINFERENCE_HIDE_OUTPUTS", "true"),
                ),
            ),
            Snippet(
                step=later("Claude Code's own telemetry, with messages"),
                variables=(
                    ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
                    ("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1"),
                    ("OTEL_TRACES_EXPORTER", "otlp"),
                    ("OTEL_LOGS_EXPORTER", "otlp"),
                    ("OTEL_METRICS_EXPORTER", "otlp"),
                    ("OTEL_LOG_USER_PROMPTS", "1"),
                    ("OTEL_LOG_ASSISTANT_RESPONSES", "1"),
                    ("OTEL_LOG_TOOL_DETAILS", "1"),
                    ("OTEL_LOG_TOOL_CONTENT", "1"),
                ),
            ),
        ),
    ),
)
BY_KEY = {tool.key: tool for tool in TOOLS}


def found(text: str) -> tuple[Tool, ...]:
    """The tools in which every word of `text` occurs, whatever its case; all for an empty text."""
    wanted = text.casefold().split()
    told = {tool.key: f"{tool.title} {tool.key} {tool.category} {tool.words}".casefold() for tool in TOOLS}
    return tuple(tool for tool in TOOLS if all(word in told[tool.key] for word in wanted))
