"""Which tool is calling: known User-Agents and session headers, a row each.

Source: captures of the tools themselves, November 2026. What is not known is named by its User-Agent's product.
"""

import re
from collections.abc import Mapping

USER_AGENTS: tuple[tuple[str, str], ...] = (
    ("claude-cli/", "Claude Code"),
    ("codex_exec/", "Codex"),
    ("codex_cli_rs/", "Codex"),
    ("codex-tui/", "Codex"),
    ("GeminiCLI", "Gemini CLI"),
    ("opencode/", "opencode"),
    ("QwenCode/", "qwen-code"),
    ("OpenAI/Python", "OpenAI SDK (Python)"),
    ("AsyncOpenAI/Python", "OpenAI SDK (Python)"),
    ("OpenAI/JS", "OpenAI SDK (JavaScript)"),
    ("Anthropic/Python", "Anthropic SDK (Python)"),
    ("AsyncAnthropic/Python", "Anthropic SDK (Python)"),
    ("Anthropic/JS", "Anthropic SDK (JavaScript)"),
    ("google-genai-sdk/", "Google GenAI SDK"),
    ("Agents/Python", "OpenAI Agents SDK"),
    ("langchain-", "LangChain"),
    ("llama-index/", "LlamaIndex"),
    ("pydantic-ai/", "pydantic-ai"),
    ("ai-sdk", "Vercel AI SDK"),
    ("litellm/", "LiteLLM"),
    ("curl/", "curl"),
)
# The conversation's own header comes first; the rest are what tools send by themselves.
CONVERSATION_HEADERS = (
    "x-conversation-id",
    "x-claude-code-session-id",
    "x-session-id",
    "session-id",
    "session_id",
    "thread-id",
)
_PRODUCT = re.compile(r"[A-Za-z0-9._@ -]{1,40}")


def client_name(user_agent: str | None) -> str | None:
    """The tool behind a User-Agent, else its product name, None where there is none."""
    if not user_agent:
        return None
    for start, name in USER_AGENTS:
        if user_agent.startswith(start):
            return name
    product = _PRODUCT.match(user_agent.partition("/")[0])
    return product[0].strip() if product else None


def conversation_id(headers: Mapping[str, str]) -> str | None:
    for name in CONVERSATION_HEADERS:
        if (value := headers.get(name)) and len(value) <= 256 and value.isprintable():
            return value
    return None
