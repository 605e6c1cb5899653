"""What was said through the doors, as the read API tells it: threads, branches, traces, and what is on the disk."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.endtoend.serving import CHAT, MODELS, PROVIDERS, Served, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until

BASE = "/api/ai/v1"
CANARY = "canary-marmalade-7731"
SYSTEM = f"Be brief about {CANARY}."


@pytest.fixture(scope="module")
def gateway(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("home"), **upstreams(provider.base_urls)) as served:
        yield served


def ask(gateway: Served, messages: list[dict[str, Any]], model: str, **more: Any) -> tuple[str, str]:
    """(request id, answer)."""
    body = {"model": model, "messages": messages}
    reply = gateway.ask("POST", CHAT, json.dumps(body).encode(), key=more.pop("key", gateway.key("admin")), **more)
    assert reply.status == 200, reply.body
    return reply.id, reply.json["choices"][0]["message"]["content"]


def conversations(gateway: Served, query: str = "", **more: Any) -> list[dict[str, Any]]:
    data = gateway.get(f"{BASE}/conversations?{query}", **more)["data"]
    assert isinstance(data, list)
    return data


def conversation_of(gateway: Served, request_id: str) -> str:
    """Once it is known."""
    found: list[str] = []

    def known() -> bool:
        # Rows are written a moment after their answers.
        reply = gateway.ask("GET", f"{BASE}/usage/requests/{request_id}", key=gateway.key("admin"))
        id = reply.json.get("conversation_id")
        found[:] = [id] if id else []
        return bool(found)

    wait_until(known)
    return found[0]


def text_of(message: dict[str, Any]) -> str:
    return "".join(part["content"] for part in message["parts"] if part["type"] == "text")


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_history_that_is_sent_again_is_one_conversation(gateway: Served, name: str) -> None:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"First of {name}?"}]
    first, answer = ask(gateway, messages, MODELS[name])
    messages += [{"role": "assistant", "content": answer}, {"role": "user", "content": "Second?"}]
    second, later = ask(gateway, messages, MODELS[name])
    id = conversation_of(gateway, second)
    assert conversation_of(gateway, first) == id
    thread = gateway.get(f"{BASE}/conversations/{id}")
    assert thread["title"] == f"First of {name}?" and thread["requests"] == 2
    assert [part["content"] for part in thread["system_instructions"]] == [SYSTEM]
    said = [(message["role"], text_of(message), message["turn"]) for message in thread["messages"]]
    assert said == [
        ("user", f"First of {name}?", 0),
        ("assistant", answer, 0),
        ("user", "Second?", 1),
        ("assistant", later, 1),
    ]
    turns = thread["turns"]
    assert [turn["request_id"] for turn in turns] == [first, second]
    assert [turn["parent"] for turn in turns] == [None, 0]
    for turn in turns:
        row = gateway.get(f"{BASE}/usage/requests/{turn['request_id']}")
        for field in ("model", "provider", "input_tokens", "output_tokens", "cost_usd", "started_at", "latency_ms"):
            assert turn[field] == row[field], field


def test_nothing_that_was_said_is_in_the_folder_in_the_clear(gateway: Served) -> None:
    ask(gateway, [{"role": "user", "content": CANARY}], MODELS["openai"], headers={"x-conversation-id": "c"})
    wait_until(lambda: any(row["id"] == "c" for row in conversations(gateway)))
    for path in gateway.folder.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


def test_a_search_finds_what_was_said_whatever_its_case(gateway: Served) -> None:
    ask(
        gateway,
        [{"role": "user", "content": 'Der GRÖßTE Fisch "x"?'}],
        MODELS["xai"],
        headers={"x-conversation-id": "fish"},
    )
    wait_until(lambda: any(row["id"] == "fish" for row in conversations(gateway)))
    for text in ("gr%C3%B6%C3%9Fte", "fisch%20%22X", "FISCH"):
        found = conversations(gateway, f"q={text}")
        assert [row["id"] for row in found] == ["fish"] and "Fisch" in found[0]["match"]
    assert conversations(gateway, "q=no-such-word-was-said") == []


def test_a_key_sees_its_own_conversations_only(gateway: Served) -> None:
    ask(
        gateway,
        [{"role": "user", "content": "Mine?"}],
        MODELS["openai"],
        key=gateway.key("execute"),
        headers={"x-conversation-id": "own"},
    )
    wait_until(lambda: any(row["id"] == "own" for row in conversations(gateway)))
    assert [row["id"] for row in conversations(gateway, key=gateway.key("execute"))] == ["own"]
    # Another key gives the same id.
    ask(gateway, [{"role": "user", "content": "And mine?"}], MODELS["openai"], headers={"x-conversation-id": "own"})
    wait_until(lambda: len(conversations(gateway, "conversation=own")) == 2)
    assert {row["id"]: row["ids"] for row in conversations(gateway, "conversation=own")} == {
        "own": [],
        "own~2": ["own"],
    }
    assert [row["id"] for row in conversations(gateway, "conversation=own", key=gateway.key("execute"))] == ["own"]
    hidden = gateway.ask("GET", f"{BASE}/conversations/fish", key=gateway.key("execute"))
    assert hidden.status == 404


def test_the_session_of_a_tool_holds_its_conversations_together(gateway: Served) -> None:
    for name in ("thread-1", "thread-2"):
        headers = {"x-conversation-id": name, "x-claude-code-session-id": "visit"}
        ask(gateway, [{"role": "user", "content": f"In {name}?"}], MODELS["openai"], headers=headers)
    wait_until(lambda: len(conversations(gateway, "conversation=visit")) == 2)
    rows = conversations(gateway, "conversation=visit&sort=oldest")
    assert [(row["id"], row["sessions"]) for row in rows] == [("thread-1", ["visit"]), ("thread-2", ["visit"])]
    assert [turn["session_id"] for turn in gateway.get(f"{BASE}/conversations/thread-1")["turns"]] == ["visit"]
    # Claude Code says it in the body.
    said = {"user_id": json.dumps({"device_id": "d", "session_id": "in-the-body"})}
    body = {
        "model": MODELS["anthropic"],
        "max_tokens": 16,
        "metadata": said,
        "messages": [{"role": "user", "content": "And?"}],
    }
    reply = gateway.ask(
        "POST",
        f"{BASE}/messages",
        json.dumps(body).encode(),
        key=gateway.key("admin"),
        headers={"x-conversation-id": "thread-3"},
    )
    assert reply.status == 200, reply.body
    wait_until(lambda: bool(conversations(gateway, "conversation=in-the-body")))
    (row,) = conversations(gateway, "conversation=in-the-body")
    assert (row["id"], row["sessions"]) == ("thread-3", ["in-the-body"])


def test_a_sub_agent_of_opencode_stands_in_the_session_that_it_works_for(gateway: Served) -> None:
    """opencode 1.18.33 gives each a session of its own and names the one above it."""
    above = {
        "ses_top": {},
        "ses_sub": {"x-parent-session-id": "ses_top"},
        "ses_sub_sub": {"x-parent-session-id": "ses_sub"},
    }
    for session, parent in above.items():
        headers = {"x-session-id": session, **parent}
        messages = [
            {"role": "system", "content": f"You are {session}."},
            {"role": "user", "content": f"Do {session}."},
        ]
        ask(gateway, messages, MODELS["openai"], headers=headers)
        wait_until(lambda session=session: bool(conversations(gateway, f"conversation={session}")))
    (row,) = conversations(gateway, "conversation=ses_top")
    assert (row["id"], row["ids"], row["requests"]) == ("ses_top", ["ses_sub", "ses_sub_sub"], 3)
    assert [turn["branch"] for turn in gateway.get(f"{BASE}/conversations/ses_top")["turns"]] == [
        None,
        *["sub_agent"] * 2,
    ]


def test_a_trace_shows_the_exchange_under_its_caller(gateway: Served) -> None:
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    headers = {"traceparent": f"00-{trace}-{span}-01"}
    request, _ = ask(gateway, [{"role": "user", "content": "Traced?"}], MODELS["openai"], headers=headers)
    reply = gateway.ask("GET", f"{BASE}/traces/{trace}", key=gateway.key("admin"))
    wait_until(lambda: gateway.ask("GET", f"{BASE}/traces/{trace}", key=gateway.key("admin")).status == 200)
    reply = gateway.ask("GET", f"{BASE}/traces/{trace}", key=gateway.key("admin"))
    (found,) = reply.json["spans"]
    assert (found["parent_span_id"], found["request_id"]) == (span, request)


def test_deleted_is_gone(gateway: Served) -> None:
    ask(
        gateway,
        [{"role": "user", "content": "Forget this."}],
        MODELS["openai"],
        headers={"x-conversation-id": "gone"},
    )
    wait_until(lambda: any(row["id"] == "gone" for row in conversations(gateway)))
    path = f"{BASE}/conversations/gone"
    assert gateway.ask("DELETE", path, key=gateway.key("execute")).status == 403
    assert gateway.ask("DELETE", path, key=gateway.key("admin")).json == {"id": "gone", "deleted": True}
    assert gateway.ask("GET", path, key=gateway.key("admin")).status == 404
    assert gateway.ask("DELETE", path, key=gateway.key("admin")).status == 404


def test_metrics_for_prometheus(gateway: Served) -> None:
    ask(gateway, [{"role": "user", "content": "Counted?"}], MODELS["openai"], key=gateway.key("execute"))

    def told(role: str) -> str:
        reply = gateway.ask("GET", "/metrics", key=gateway.key(role))
        assert reply.status == 200 and reply.headers["content-type"].startswith("text/plain; version=0.0.4")
        return reply.body.decode()

    # What ended is counted a moment later.
    wait_until(lambda: 'key="execute"' in told("execute"))
    wait_until(lambda: "faregate_open_requests 0.0" in told("admin"))
    assert 'door="openai_chat"' in told("admin") and 'key="admin"' in told("admin")
    assert 'key="admin"' not in told("execute") and "faregate_open_requests" not in told("execute")
