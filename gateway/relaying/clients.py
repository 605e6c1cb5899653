"""Which tool is calling: known User-Agents and session headers, a row each.

Source: captures of the tools themselves, November 2026. What is not known is named by its User-Agent's product.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote

from gateway.tags import whole_list

# By which the window's own trial of a door is told from a tool's request.
TEST_AGENT, TEST_CLIENT = "faregate-test/1", "Faregate's test"
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
    ("langchainjs-", "LangChain"),
    ("llama-index/", "LlamaIndex"),
    ("pydantic-ai/", "pydantic-ai"),
    ("ai-sdk", "Vercel AI SDK"),
    ("ai/", "Vercel AI SDK"),
    ("litellm/", "LiteLLM"),
    ("curl/", "curl"),
    ("faregate-test/", TEST_CLIENT),
)
# What is built on an SDK and calls itself so behind the SDK's own name.
_BUILT_ON: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Google GenAI SDK": (
        (" langchain-google-genai/", "LangChain"),
        (" pydantic-ai/", "pydantic-ai"),
        (" google-adk/", "Google ADK"),
    )
}
# The conversation's own header comes first; the rest are what tools send by themselves.
CONVERSATION_HEADERS = (
    "x-conversation-id",
    "x-claude-code-session-id",
    "x-session-id",
    "session-id",
    "session_id",
    "thread-id",
)
# By its own session's header, that of the one for which a sub-agent works (opencode 1.18.33).
_PARENT_HEADERS = {"x-session-id": "x-parent-session-id"}
# Members of W3C baggage that name a conversation, most particular first; the first beats what tools send.
_BAGGAGE_CONVERSATIONS = ("gen_ai.conversation.id", "session.id")
_BAGGAGE_USER = "user.id"
# Tools whose key of the provider's prompt cache is the id of their conversation. Anybody else's only names a prefix.
CACHE_KEY_IS_CONVERSATION = frozenset({"Codex"})
LONGEST_ID = 256
# The standard's own limit.
_LONGEST_BAGGAGE = 8192
_PRODUCT = re.compile(r"[A-Za-z0-9._@ -]{1,40}")


def client_name(user_agent: str | None) -> str | None:
    """The tool behind a User-Agent, else its product name, None where there is none."""
    if not user_agent:
        return None
    for start, name in USER_AGENTS:
        if user_agent.startswith(start):
            return next((built for product, built in _BUILT_ON.get(name, ()) if product in user_agent), name)
    product = _PRODUCT.match(user_agent.partition("/")[0])
    return product[0].strip() if product else None


def conversation_ids(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """(the conversation's, that of the session around it where that is another)."""
    own = usable_id(headers.get(CONVERSATION_HEADERS[0]))
    carried = baggage(whole_list(headers, "baggage"))
    outermost, around = (usable_id(carried.get(name)) for name in _BAGGAGE_CONVERSATIONS)
    tool = next(filter(None, (usable_id(headers.get(name)) for name in CONVERSATION_HEADERS[1:])), None)
    conversation = own or outermost or tool or around
    return conversation, next((id for id in (tool, around) if id and id != conversation), None)


def parent_conversation(headers: Mapping[str, str], conversation: str | None) -> str | None:
    """The conversation for which that of a sub-agent works, as its tool tells; None of any other."""
    for own, parent in _PARENT_HEADERS.items():
        if conversation is not None and headers.get(own) == conversation != headers.get(parent):
            return usable_id(headers.get(parent))
    return None


def baggage_user(headers: Mapping[str, str]) -> str | None:
    return usable_id(baggage(whole_list(headers, "baggage")).get(_BAGGAGE_USER))


def usable_id(value: str | None) -> str | None:
    """An id as rows keep it: not empty, not long, nothing invisible in it."""
    return value if value and len(value) <= LONGEST_ID and value.isprintable() else None


def baggage(header: str) -> Mapping[str, str]:
    """The members of a W3C `baggage` header, decoded; what is malformed is left out."""
    if len(header) > _LONGEST_BAGGAGE:
        return {}
    pairs = (member.partition(";")[0].partition("=") for member in header.split(","))
    return {name.strip(): unquote(value.strip()) for name, equals, value in pairs if equals and name.strip()}
