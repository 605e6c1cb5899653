"""What one request said, cut out of its conversation: blocks to read, and question and answer as JSON. Pure.

Bodies are not kept: both are rebuilt from the messages that are, in the shape of the read API, and marked so.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from app.pages.conversations_parts.block import Block
from app.pages.conversations_parts.blocks import told
from app.pages.conversations_parts.branches import by_turn, messages_of, until
from app.pages.conversations_parts.copying import CHAT_PATH, KEY_MASK, as_curl
from app.translation import tr
from gateway import ExchangeRecord, Thread, ThreadMessage, ToolCall, Turn, message_json, part_json, tool_json

MESSAGES, REQUEST, RESPONSE = "messages", "request", "response"


class Said(Struct, frozen=True):
    """`blocks` by tab; `curl` is the call as a command, its key masked."""

    blocks: Mapping[str, tuple[Block, ...]]
    curl: str


def said_of(thread: Thread, number: int, url: str, provider_title: Callable[[str], str] = str) -> Said:
    """What the turn of this number said."""
    turn = next(each for each in thread.turns if each.n == number)
    own = [message for message in thread.messages if message.turn == number]
    asked = [message for message in own if not message.output]
    earlier = _earlier(thread, turn)
    alone = replace(thread, turns=(replace(turn, parent=None, branch=None, attempt_of=None),), messages=tuple(own))
    blocks = told(alone, {}, provider_title=provider_title, sums=False).blocks
    return Said(
        blocks={
            MESSAGES: (*_history(earlier), *(_without_results(block) for block in blocks)),
            REQUEST: (_block(REQUEST, _request(thread, turn, [*earlier, *asked])),),
            RESPONSE: (_block(RESPONSE, _response(turn, [message for message in own if message.output])),),
        },
        curl=as_curl(thread, number, url),
    )


def bare_curl(row: ExchangeRecord, url: str) -> str:
    """The command for a request of which nothing is kept but its row: the message is to be filled in."""
    body = {"model": row.model_requested or row.model or "", "messages": [{"role": "user", "content": "…"}]}
    data = json.dumps(body, ensure_ascii=False).replace("'", "'\\''")
    return (
        f"curl {url}{CHAT_PATH} \\\n  -H 'content-type: application/json' \\\n"
        f"  -H \"authorization: Bearer {KEY_MASK}\" \\\n  -d '{data}'\n"
    )


def _earlier(thread: Thread, turn: Turn) -> list[ThreadMessage]:
    """What was said before on the turn's own way."""
    kept = by_turn(thread.messages)
    before = (message for step in until(thread.turns, turn.n)[:-1] for message in messages_of(step, kept))
    return [message for message in before if not message.repeated]


def _history(earlier: Sequence[ThreadMessage]) -> tuple[Block, ...]:
    if not earlier:
        return ()
    words = tr("{0} earlier messages").format(len(earlier)) if len(earlier) > 1 else tr("1 earlier message")
    return (Block(key="history", kind="divider", title=words),)


def _without_results(block: Block) -> Block:
    """What a tool gave back is said by the turn that follows, and so missing here for no reason."""
    return replace(block, notes=()) if block.kind == "tool" else block


def _block(key: str, value: Any) -> Block:
    text = json.dumps(value, ensure_ascii=False, indent=1)
    title = {REQUEST: tr("Request"), RESPONSE: tr("Response")}[key]
    # A call's arguments are shown as a tree that opens, folds and is copied whole.
    part = ToolCall(id=key, name=key, arguments=text)
    return Block(key=key, kind="body", title=title, right=tr("rebuilt from what was kept"), parts=(part,))


def _request(thread: Thread, turn: Turn, messages: Sequence[ThreadMessage]) -> Mapping[str, Any]:
    systems = dict(enumerate(thread.systems)).get(_known(turn.system), ())
    tools = dict(enumerate(thread.toolsets)).get(_known(turn.tools), ())
    return {
        "model": turn.model_requested or turn.model,
        "system_instructions": [part_json(part) for part in systems],
        "messages": [message_json(one.role, one.parts, name=one.name) for one in messages],
        "tools": [tool_json(tool) for tool in tools],
    }


def _response(turn: Turn, messages: Sequence[ThreadMessage]) -> Mapping[str, Any]:
    return {
        "model": turn.model,
        "status": turn.status,
        "messages": [message_json(one.role, one.parts, name=one.name, finish=one.finish_reason) for one in messages],
        "error": turn.error_message or turn.error_type,
    }


def _known(place: int | None) -> int:
    return -1 if place is None else place
