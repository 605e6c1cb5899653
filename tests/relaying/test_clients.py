"""Which tool called, in which conversation and trace: told from headers, and never from what cannot be trusted."""

import pytest
from multidict import CIMultiDict

from gateway.relaying.clients import baggage_user, client_name, conversation_ids, parent_conversation


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("claude-cli/2.0.1 (external, cli)", "Claude Code"),
        ("codex_cli_rs/0.9 (Linux)", "Codex"),
        ("GeminiCLI/0.4", "Gemini CLI"),
        ("AsyncOpenAI/Python 3.54.0", "OpenAI SDK (Python)"),
        ("OpenAI/JS 6.1", "OpenAI SDK (JavaScript)"),
        ("Anthropic/Python 2.12.0", "Anthropic SDK (Python)"),
        ("google-genai-sdk/3.4.0 gl-python/3.11", "Google GenAI SDK"),
        ("google-genai-sdk/2.34.0 gl-python/3.12.1 google-adk/2.13.0 gl-python/3.12.1", "Google ADK"),
        ("google-genai-sdk/2.34.0 gl-python/3.12.1 pydantic-ai/2.68.0", "pydantic-ai"),
        ("google-genai-sdk/3.6.1 gl-python/3.12.1 langchain-google-genai/4.4.3-ChatGoogleGenerativeAI", "LangChain"),
        ("langchainjs-openai/1.0.0 ((node/v20.20.2; linux; x64))", "LangChain"),
        ("ai-sdk/openai-compatible/2.0.92 ai-sdk/provider-utils/4.0.65 runtime/node.js/v20.20.2", "Vercel AI SDK"),
        ("ai/6.0.326 ai-sdk/provider-utils/4.0.65 runtime/node.js/v20.20.2", "Vercel AI SDK"),
        ("air/1.0", "air"),
        ("curl/8.5.0", "curl"),
        ("python-requests/2.32", "python-requests"),
        ("Mozilla/5.0 (X11)", "Mozilla"),
        ("\x1b[31mred", None),
        ("x" * 100, "x" * 40),
        ("", None),
        (None, None),
    ],
)
def test_cc_switch_5405_the_tool_behind_a_user_agent(agent: str | None, name: str | None) -> None:
    assert client_name(agent) == name


@pytest.mark.parametrize(
    ("headers", "id"),
    [
        ({"x-conversation-id": "mine", "x-claude-code-session-id": "theirs"}, "mine"),
        ({"x-claude-code-session-id": "theirs"}, "theirs"),
        ({"session_id": "codex"}, "codex"),
        ({"x-conversation-id": "", "thread-id": "t"}, "t"),
        ({"x-conversation-id": "x" * 257}, None),
        ({"x-conversation-id": "a\x1bb"}, None),
        ({"x-conversation-id": "a\udcffb"}, None),
        ({"baggage": "session.id=s1,gen_ai.conversation.id=c%201;p=2"}, "c 1"),
        ({"baggage": "session.id=s1", "session-id": "tool"}, "tool"),
        ({"baggage": "a=b, session.id = s1 "}, "s1"),
        ({"baggage": "gen_ai.conversation.id=c1", "session-id": "tool"}, "c1"),
        ({"baggage": "gen_ai.conversation.id=c1", "x-conversation-id": "mine"}, "mine"),
        ({"baggage": "gen_ai.conversation.id=%0a"}, None),
        ({"baggage": ",=,;,session.id"}, None),
        ({"baggage": "session.id=" + "x" * 9000}, None),
        ({}, None),
    ],
)
def test_the_conversation(headers: dict[str, str], id: str | None) -> None:
    assert conversation_ids(headers)[0] == id


@pytest.mark.parametrize(
    ("headers", "session"),
    [
        ({"x-conversation-id": "mine", "x-claude-code-session-id": "theirs"}, "theirs"),
        ({"x-conversation-id": "mine", "x-session-id": "mine"}, None),
        ({"x-conversation-id": "mine", "baggage": "session.id=s1"}, "s1"),
        ({"x-conversation-id": "mine", "session-id": "tool", "baggage": "session.id=s1"}, "tool"),
        ({"baggage": "session.id=s1,gen_ai.conversation.id=c1"}, "s1"),
        ({"baggage": "session.id=s1", "session-id": "tool"}, "s1"),
        ({"x-claude-code-session-id": "theirs"}, None),
        ({"x-conversation-id": "mine", "session-id": "x" * 257}, None),
        ({}, None),
    ],
)
def test_the_session_around_a_conversation_that_has_another_id(headers: dict[str, str], session: str | None) -> None:
    assert conversation_ids(headers)[1] == session


@pytest.mark.parametrize(
    ("headers", "parent"),
    [
        ({"x-session-id": "ses_2", "x-parent-session-id": "ses_1"}, "ses_1"),
        ({"x-session-id": "ses_1"}, None),
        ({"x-session-id": "ses_1", "x-parent-session-id": "ses_1"}, None),
        ({"x-session-id": "ses_2", "x-parent-session-id": "x" * 257}, None),
        # Who names the conversation says where it is.
        ({"x-conversation-id": "mine", "x-session-id": "ses_2", "x-parent-session-id": "ses_1"}, None),
        ({"x-parent-session-id": "ses_1"}, None),
    ],
)
def test_the_conversation_for_which_a_sub_agent_works(headers: dict[str, str], parent: str | None) -> None:
    assert parent_conversation(headers, conversation_ids(headers)[0]) == parent


def test_the_user_of_baggage() -> None:
    assert baggage_user({"baggage": "user.id=ana%40example.org,session.id=1"}) == "ana@example.org"
    assert baggage_user({"baggage": "user.id="}) is None and baggage_user({}) is None


def test_baggage_in_several_lines_is_one() -> None:
    headers = CIMultiDict([("baggage", "gen_ai.conversation.id=c1"), ("baggage", "user.id=ana,session.id=s1")])
    assert (conversation_ids(headers), baggage_user(headers)) == (("c1", "s1"), "ana")
