"""Tellings for tests: conversations as clients have them, each call with its whole history."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.model import (
    Choice,
    FinishReason,
    Message,
    Part,
    Request,
    Response,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolCallResponse,
    Usage,
)
from gateway.store.signing import Signing
from gateway.store.thread_store import ThreadStore
from gateway.thread_records import Thread, ThreadQuery
from gateway.told import Told
from tests.store.migrated import lay_out_threads

START_US = 1_767_224_400_000_000
SECOND_US = 1_000_000
MINUTE_US, HOUR_US = 60 * SECOND_US, 3600 * SECOND_US
KEY = bytes(range(32))
SYSTEM = "You are careful."
READ = Tool(name="read_file", description="Reads a file.", parameters={"type": "object"})


def user(text: str) -> Message:
    return Message(Role.USER, (Text(text),))


def assistant(text: str) -> Message:
    return Message(Role.ASSISTANT, (Text(text),))


def calls(name: str, arguments: str, id: str = "call_1") -> Message:
    return Message(Role.ASSISTANT, (ToolCall(id, name, arguments),))


def result(text: str, id: str = "call_1") -> Message:
    return Message(Role.TOOL, (ToolCallResponse(id, (Text(text),)),))


def told(
    at_s: float,
    messages: Sequence[Message],
    answer: str | Sequence[Part] | None = None,
    *,
    system: str | None = SYSTEM,
    tools: tuple[Tool, ...] = (),
    others: Sequence[str] = (),
    **fields: Any,
) -> Told:
    """A call that began `at_s` seconds in and took half a second; `others` are further choices."""
    first = (Message(Role.SYSTEM, (Text(system),)),) if system else ()
    answers = [(Text(answer),) if isinstance(answer, str) else tuple(answer)] if answer is not None else []
    answers += [(Text(other),) for other in others]
    fields = {
        "source": "gateway",
        "scope": "key_1",
        "key": "laptop",
        "request_id": f"req_{at_s:g}",
        "started_us": START_US + round(at_s * SECOND_US),
        "latency_us": SECOND_US // 2,
        "provider": "anthropic",
        "model": "claude-sonnet-4-6",
        "model_requested": "claude-sonnet-4-6",
        "status": 200,
        "usage": Usage(input_tokens=100, output_tokens=10),
        "usage_source": "provider",
        "cost_nano": 1000,
        "cost_source": "list",
        "request": Request(model="claude-sonnet-4-6", messages=(*first, *messages), tools=tools),
        "response": Response(
            choices=tuple(
                Choice(index=index, parts=parts, finish_reason=FinishReason.STOP)
                for index, parts in enumerate(answers)
            )
        ),
    } | fields
    return Told(**fields)


def failed(at_s: float, messages: Sequence[Message], **fields: Any) -> Told:
    fields = {"status": 429, "outcome": "error", "error_type": "rate_limit", "cost_nano": None} | fields
    return told(at_s, messages, None, **fields)


def dialogue(*said: str) -> list[Message]:
    """User and assistant in turn."""
    return [(user, assistant)[place % 2](text) for place, text in enumerate(said)]


def session(*said: str, every_s: float = 60, **fields: Any) -> list[Told]:
    """The calls of a conversation: questions and answers in turn, the whole history with each."""
    return [
        told(place / 2 * every_s, dialogue(*said[: place + 1]), said[place + 1], **fields)
        for place in range(0, len(said), 2)
    ]


@contextmanager
def opened(folder: Path, **options: Any) -> Iterator[ThreadStore]:
    lay_out_threads(folder)
    store = ThreadStore(folder, key=KEY, **options)
    store.start()
    try:
        yield store
    finally:
        store.close()


def put(store: ThreadStore, tellings: Sequence[Told]) -> None:
    for each in tellings:
        assert store.put(each)
    assert store.flush() and store.refused == 0


def sign(store: ThreadStore) -> None:
    """Give all that was said signatures; by itself a store does that for much only."""
    Signing(store.path, store._sealed, unsigned=0).sign()


def all_threads(store: ThreadStore) -> list[Thread]:
    """Every conversation, whole, oldest first."""
    page = store.threads(ThreadQuery(sort="oldest"), limit=1000)
    found = [store.thread(row.id) for row in page.rows]
    return [thread for thread in found if thread is not None]


def by_turns(store: ThreadStore) -> list[list[str]]:
    """The requests of every conversation."""
    return [[turn.request_id or "" for turn in thread.turns] for thread in all_threads(store)]


def lines(thread: Thread) -> list[str]:
    """What is shown of a conversation, a line each: turn, role, words."""
    return [f"{message.turn} {message.role.value} {words(message.parts)}" for message in thread.messages]


def words(parts: Sequence[Any]) -> str:
    shown = []
    for part in parts:
        match part:
            case ToolCall():
                shown.append(f"{part.name}({part.arguments})")
            case ToolCallResponse():
                shown.append(words(part.content))
            case _:
                shown.append(getattr(part, "text", type(part).__name__))
    return " ".join(shown)


def shape(store: ThreadStore) -> Any:
    """All that is shown, but for numbers that only the order of arrival gives."""
    return [
        (
            thread.row.id,
            thread.row.requests,
            thread.row.cost_nano,
            [
                (turn.request_id, turn.parent, turn.branch, turn.attempt_of, turn.shortened, turn.system)
                for turn in thread.turns
            ],
            sorted((line, message.repeated) for line, message in zip(lines(thread), thread.messages, strict=True)),
        )
        for thread in all_threads(store)
    ]
