"""A provider with a real prompt cache: what a client marks is written once and read from then on.

Known faults of other gateways: maximhq/bifrost#3942 (marks stripped), theopenco/llmgateway#3918 (written at every
request and never read, because something in front of the mark changes).
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pytest

from gateway.records import ExchangeRecord
from tests.endtoend.scripted import Scripted, Sent, answer
from tests.endtoend.serving import Served, upstreams

MOST_MARKS = 4
MODEL = "claude-sonnet-4-6"


class PrefixCache:
    """Anthropic's prompt cache: a prefix that ends in a mark is kept, and the longest known one is read."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.marks: list[int] = []

    def answer(self, sent: Sent, send: Callable[[bytes], None]) -> None:
        body = json.loads(sent.body)
        turns = [block for turn in body["messages"] for block in _blocks(turn["content"])]
        prompt = [*body.get("tools", ()), *_blocks(body.get("system", ())), *turns]
        digest, tokens, read, written = hashlib.sha256(body["model"].encode()), 0, 0, 0
        marks = 0
        for block in prompt:
            marked = block.pop("cache_control", None) is not None
            said = json.dumps(block).encode()
            digest.update(said)
            tokens += len(said) // 4
            if marked:
                marks += 1
                key = digest.hexdigest()
                read, written = (tokens, 0) if key in self.seen else (read, tokens - read)
                self.seen.add(key)
        self.marks.append(marks)
        if marks > MOST_MARKS:
            error = {"type": "invalid_request_error", "message": f"A maximum of 4 blocks, found {marks}."}
            send(answer(json.dumps({"type": "error", "error": error}).encode(), status="400 Bad Request"))
            return
        usage = {"input_tokens": tokens - read - written, "output_tokens": 1}
        usage |= {"cache_read_input_tokens": read, "cache_creation_input_tokens": written}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "usage": usage}
        message |= {"content": [{"type": "text", "text": "."}], "stop_reason": "end_turn", "stop_sequence": None}
        send(answer(json.dumps(message).encode()))


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


@pytest.fixture(scope="module")
def claude() -> Iterator[tuple[PrefixCache, Scripted]]:
    cache = PrefixCache()
    with Scripted(cache.answer) as provider:
        yield cache, provider


@pytest.fixture(scope="module")
def gateway(claude: tuple[PrefixCache, Scripted], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("cache") / "home", **upstreams({"anthropic": claude[1].url}))
    served.key()
    with served:
        yield served


LONG = "Once upon a time. " * 300
TOOL: dict[str, Any] = {"name": "look", "description": LONG, "input_schema": {"type": "object", "properties": {}}}
MARK = {"cache_control": {"type": "ephemeral"}}


def counted(row: ExchangeRecord) -> tuple[bool, bool]:
    """Whether something was written to the cache, and whether something was read."""
    return bool(row.cache_write_tokens), bool(row.cached_tokens)


def test_bifrost_3942_marks_of_the_anthropic_sdk_write_once_and_read_from_then_on(
    gateway: Served, claude: tuple[PrefixCache, Scripted]
) -> None:
    rows = []
    with anthropic.Anthropic(base_url=gateway.url + "/api/ai", api_key=gateway.key(), max_retries=0) as client:
        for _ in range(3):
            told = client.messages.create(
                model=MODEL,
                max_tokens=9,
                system=[{"type": "text", "text": LONG, **MARK}],  # type: ignore[typeddict-item]
                tools=[{**TOOL, **MARK}],  # type: ignore[list-item]
                messages=[{"role": "user", "content": [{"type": "text", "text": LONG, **MARK}]}],  # type: ignore[typeddict-item]
            ).usage
            rows.append(gateway.last())
            assert (told.cache_creation_input_tokens, told.cache_read_input_tokens) == (
                rows[-1].cache_write_tokens,
                rows[-1].cached_tokens,
            )
    assert [counted(row) for row in rows] == [(True, False), (False, True), (False, True)]
    assert claude[0].marks[-3:] == [3, 3, 3]
    costs = [row.cost_nano or 0 for row in rows]
    assert 0 < costs[1] == costs[2] < costs[0] / 8


BREAKPOINT = {"prompt_cache_breakpoint": {"mode": "explicit"}}
# The same marks as clients of OpenAI's doors say them: OpenAI's own on content, and Anthropic's on messages and tools,
# as agents do that know which model they speak to.
CHAT_TOOL: dict[str, Any] = {"type": "function", "function": {"name": "look", "parameters": TOOL["input_schema"]}}
MARKED: dict[str, tuple[str, dict[str, Any]]] = {
    "chat, by message": (
        "/api/ai/v1/chat/completions",
        {
            "tools": [{**CHAT_TOOL, **MARK}],
            "messages": [{"role": "system", "content": LONG, **MARK}, {"role": "user", "content": LONG, **MARK}],
        },
    ),
    "chat, by part": (
        "/api/ai/v1/chat/completions",
        {
            "messages": [
                {"role": "system", "content": [{"type": "text", "text": LONG, **BREAKPOINT}]},
                {"role": "user", "content": [{"type": "text", "text": LONG, **BREAKPOINT}] * 6},
            ]
        },
    ),
    "responses": (
        "/api/ai/v1/responses",
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": LONG, **BREAKPOINT}] * 6}]},
    ),
}


@pytest.mark.parametrize("client", MARKED)
def test_llmgateway_3918_marks_of_openai_s_clients_reach_claude_and_are_read(
    gateway: Served, claude: tuple[PrefixCache, Scripted], client: str
) -> None:
    """Three same requests write, read and read; of more than four marks only four are ever sent."""
    claude[0].seen.clear()
    path, asked = MARKED[client]
    rows = []
    for _ in range(3):
        reply = gateway.ask("POST", path, {"model": MODEL, **asked}, key=gateway.key())
        assert reply.status == 200, reply
        rows.append(gateway.row(reply.id))
    assert [counted(row) for row in rows] == [(True, False), (False, True), (False, True)]
    assert all(0 < marks <= MOST_MARKS for marks in claude[0].marks[-3:])
    assert all("cache" not in name for name in rows[0].dropped)
    told = reply.json["usage"]
    details = told.get("prompt_tokens_details") or told.get("input_tokens_details")
    assert details["cached_tokens"] == rows[2].cached_tokens
