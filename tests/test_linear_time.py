"""Words and arguments of several megabytes, and calls by the thousand, cost time in proportion, however they are cut.

BerriAI/litellm#26181 parsed its whole buffer again at every chunk; what is quadratic fails here by a wide margin.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from itertools import product

import msgspec
import pytest

from app.parts.fences import markdown
from gateway.dialects import DIALECTS
from gateway.dialects.openai_chat.peek import UsageCutter
from gateway.dialects.redaction import LONGEST, redact, without_key_in_json
from gateway.errors import ClientError
from gateway.events import Delta, Event, Finish, PartEnd, PartStart, Start, UsageReport
from gateway.model import FinishReason, Message, Request, Role, Target, Text, Tool, ToolCall, ToolCallResponse
from gateway.number_filters import parse_number
from gateway.reconcile.forms import plain_name
from gateway.relaying.tally import Tally
from gateway.relaying.translator import Translator
from gateway.sse import WholeEvents, encode
from gateway.store.chain import plain
from gateway.store.summaries import summary_of
from gateway.wrapped import element_of
from tests.benchmarks import chat, held
from tests.dialects.feeding import folded, only_choice, read, written
from tests.large_calls import (
    CONTEXT,
    MB,
    PIECE,
    USAGE,
    arguments,
    assert_linear,
    call_events,
    call_stream,
    cpu_costs,
    cut,
    word_events,
)

SIZES = (MB // 2, 4 * MB)
FEW_SIZES = (MB // 4, 2 * MB)
NAMES = tuple(DIALECTS)
PAIRS = tuple(product(NAMES, NAMES))
TARGET = Target(model="model", max_output_tokens=4096)


def test_noise_is_measured_again_and_what_is_quadratic_is_told() -> None:
    noisy = iter([[0.002, 0.05], [0.002, 0.017]])
    assert_linear((1, 8), lambda: next(noisy))
    with pytest.raises(AssertionError):
        assert_linear((1, 8), lambda: [0.001, 0.064])


def _read(dialect: str, chunks: list[bytes]) -> Tally:
    """What the relay does with a stream that passes as it is."""
    reader, tally = DIALECTS[dialect].reader(), Tally()
    for chunk in chunks:
        for event in reader.feed(chunk):
            tally.feed(event)
    for event in reader.close():
        tally.feed(event)
    assert tally.settled
    assert not tally.failed
    return tally


def _translate(upstream: str, door: str, chunks: list[bytes]) -> bytes:
    """What the relay does with a stream that is written anew."""
    reader, tally = DIALECTS[upstream].reader(), Tally()
    translator = Translator(writer=DIALECTS[door].writer(CONTEXT))
    out = []
    for chunk in chunks:
        events = reader.feed(chunk)
        for event in events:
            tally.feed(event)
        out.append(translator.feed(chunk, events))
    out.append(translator.feed(b"", reader.close()))
    return b"".join([*out, translator.close()])


def _arguments_in(dialect: str, stream: bytes) -> object:
    reader = DIALECTS[dialect].reader()
    answer = folded([*reader.feed(stream), *reader.close()]).response()
    (call,) = [part for part in only_choice(answer).parts if isinstance(part, ToolCall)]
    assert (call.name, answer.usage and answer.usage.output_tokens) == ("write_file", USAGE.output_tokens)
    return msgspec.json.decode(call.arguments)


@pytest.mark.parametrize("dialect", NAMES)
def test_a_reader_takes_time_in_proportion(dialect: str) -> None:
    streams = [cut(call_stream(dialect, arguments(size)), PIECE) for size in SIZES]
    assert_linear(SIZES, partial(cpu_costs, [partial(_read, dialect, chunks) for chunks in streams]))


@pytest.mark.parametrize("dialect", NAMES)
def test_a_reader_takes_single_bytes_in_proportion(dialect: str) -> None:
    # Streams of about 256 kB and an eighth of it; Responses says its arguments four times over.
    sizes = (MB // 128, MB // 16) if dialect == "openai_responses" else (MB // 32, MB // 4)
    streams = [cut(call_stream(dialect, arguments(size)), 1) for size in sizes]
    assert_linear(sizes, partial(cpu_costs, [partial(_read, dialect, chunks) for chunks in streams]))


@pytest.mark.parametrize("dialect", NAMES)
def test_a_writer_takes_time_in_proportion(dialect: str) -> None:
    texts = [arguments(size) for size in SIZES]
    assert_linear(SIZES, partial(cpu_costs, [partial(call_stream, dialect, text) for text in texts]))


@pytest.mark.parametrize("dialect", NAMES)
def test_fragments_of_single_characters_are_read_and_written_in_proportion(dialect: str) -> None:
    sizes = (MB // 256, MB // 32)

    def pass_on(text: str) -> None:
        _read(dialect, cut(call_stream(dialect, text, 1), PIECE))

    texts = [arguments(size) for size in sizes]
    assert_linear(sizes, partial(cpu_costs, [partial(pass_on, text) for text in texts]))


@pytest.mark.parametrize("kind", ["text", "reasoning"])
@pytest.mark.parametrize("dialect", NAMES)
def test_words_are_written_and_read_in_proportion(dialect: str, kind: str) -> None:
    def write(size: int) -> bytes:
        return written(DIALECTS[dialect].writer(CONTEXT), list(word_events(kind, size)))

    assert_linear(FEW_SIZES, partial(cpu_costs, [partial(write, size) for size in FEW_SIZES]))
    streams = [cut(write(size), PIECE) for size in FEW_SIZES]
    assert_linear(FEW_SIZES, partial(cpu_costs, [partial(_read, dialect, chunks) for chunks in streams]))


def test_a_signature_that_comes_in_pieces_is_read_in_proportion() -> None:
    def event(kind: str, **fields: object) -> bytes:
        return encode(msgspec.json.encode({"type": kind, **fields}), kind)

    def stream(size: int) -> list[bytes]:
        piece = {"type": "signature_delta", "signature": "A" * PIECE}
        block = {"type": "thinking", "thinking": "", "signature": ""}
        usage = {"input_tokens": 61, "output_tokens": 1}
        return [
            event("message_start", message={"id": "msg_1", "usage": usage}),
            event("content_block_start", index=0, content_block=block),
            *[event("content_block_delta", index=0, delta=piece)] * (size // PIECE),
            event("content_block_stop", index=0),
            event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 96}),
            event("message_stop"),
        ]

    streams = [stream(size) for size in SIZES]
    assert_linear(SIZES, partial(cpu_costs, [partial(_read, "anthropic", chunks) for chunks in streams]))
    answer = folded(read(DIALECTS["anthropic"].reader(), streams[0])).response()
    (thinking,) = only_choice(answer).parts
    assert thinking.extra["anthropic"]["signature"] == "A" * SIZES[0]


@pytest.mark.parametrize(("upstream", "door"), PAIRS)
def test_an_answer_is_translated_in_proportion(upstream: str, door: str) -> None:
    streams = [cut(call_stream(upstream, arguments(size)), PIECE) for size in FEW_SIZES]
    outs: dict[int, bytes] = {}

    def translate(at: int) -> None:
        outs[at] = _translate(upstream, door, streams[at])

    assert_linear(FEW_SIZES, partial(cpu_costs, [partial(translate, at) for at in range(len(FEW_SIZES))]))
    assert _arguments_in(door, outs[1]) == msgspec.json.decode(arguments(FEW_SIZES[1]))


def _history(size: int) -> Request:
    call = ToolCall("call_1", "write_file", arguments(size))
    return Request(
        model="",
        messages=(
            Message(Role.USER, (Text("Write it."),)),
            Message(Role.ASSISTANT, (call,)),
            Message(Role.TOOL, (ToolCallResponse("call_1", (Text("Written."),), "write_file"),)),
        ),
        tools=(Tool(name="write_file", parameters={"type": "object", "properties": {"path": {"type": "string"}}}),),
        max_output_tokens=400,
    )


def _body(dialect: str, size: int) -> bytes:
    return DIALECTS[dialect].render_request(_history(size), TARGET).body


def _said_again(door: str, upstream: str, body: bytes) -> bytes:
    request = DIALECTS[door].parse_request(body, "model", False)
    return DIALECTS[upstream].render_request(request, TARGET).body


@pytest.mark.parametrize(("door", "upstream"), PAIRS)
def test_a_history_is_translated_in_proportion(door: str, upstream: str) -> None:
    bodies = [_body(door, size) for size in FEW_SIZES]
    outs: dict[int, bytes] = {}

    def translate(at: int) -> None:
        outs[at] = _said_again(door, upstream, bodies[at])

    assert_linear(FEW_SIZES, partial(cpu_costs, [partial(translate, at) for at in range(len(FEW_SIZES))]))
    request = DIALECTS[upstream].parse_request(outs[1], "model", False)
    calls = [part for message in request.messages for part in message.parts if isinstance(part, ToolCall)]
    assert [msgspec.json.decode(call.arguments) for call in calls] == [msgspec.json.decode(arguments(FEW_SIZES[1]))]


def test_what_is_measured_is_a_call_of_that_size() -> None:
    (delta,) = [event for event in call_events(arguments(MB), 2 * MB) if hasattr(event, "text")]
    assert abs(len(delta.text) - MB) < 100


@pytest.mark.parametrize("piece", [PIECE, 8 * MB])
def test_the_usage_cutter_takes_time_in_proportion(piece: int) -> None:
    """In events of 4 kB, and in one event of the whole size."""
    streams = [cut(call_stream("openai_chat", arguments(size), piece), PIECE) for size in SIZES]

    def feed(chunks: list[bytes]) -> bytes:
        cutter = UsageCutter()
        return b"".join([*(cutter.feed(chunk) for chunk in chunks), cutter.close()])

    assert_linear(SIZES, partial(cpu_costs, [partial(feed, chunks) for chunks in streams]))
    assert feed(streams[0]).count(b'"choices":[]') == 0


WORDY_SIZES = (MB // 256, MB // 32)


@pytest.mark.parametrize("said", ["org-", "-", "organization ", "bearer ", "key=", "sk-", "AQ.", "\\", "\\u006b"])
def test_a_provider_s_words_are_searched_for_keys_in_proportion(said: str) -> None:
    """Whatever a provider repeats in an error: all others wait meanwhile."""
    texts = [f"org{said * (size // len(said))}" for size in WORDY_SIZES]

    def search(text: str) -> object:
        return redact(text, "key-0123456789"), without_key_in_json(text.encode(), "key-0123456789")

    assert_linear(WORDY_SIZES, partial(cpu_costs, [partial(search, text) for text in texts]))


@pytest.mark.parametrize("dialect", NAMES)
@pytest.mark.parametrize("said", ["org-", "words ", "organization "])
@pytest.mark.parametrize("status", [400, 429])
def test_of_a_megabyte_that_a_provider_says_in_an_error_little_is_searched(
    dialect: str, said: str, status: int
) -> None:
    """Its JSON is read, which takes a hundredth of what a search does."""

    def body(size: int) -> bytes:
        return msgspec.json.encode({"error": {"message": f"No: {said * (size // len(said))}"}})

    def parse(data: bytes) -> str:
        return DIALECTS[dialect].parse_error(status, data, {}).message

    short, long = body(LONGEST - 100), body(MB)
    costs = cpu_costs([partial(parse, short), partial(parse, long)])
    assert costs[1] < 8 * costs[0], costs
    assert parse(long).startswith("No:") and len(parse(long)) <= LONGEST


COUNTS = (150, 1200)


def _parallel_history(count: int) -> Request:
    calls = tuple(ToolCall(f"call_{n}", "read", '{"n":1}') for n in range(count))
    results = tuple(ToolCallResponse(call.id, (Text("Read."),), "read") for call in calls)
    return Request(
        model="",
        messages=(Message(Role.USER, (Text("Read."),)), Message(Role.ASSISTANT, calls), Message(Role.TOOL, results)),
        tools=(Tool(name="read"),),
    )


@pytest.mark.parametrize("dialect", NAMES)
def test_many_calls_of_one_turn_are_parsed_and_rendered_in_proportion(dialect: str) -> None:
    requests = [_parallel_history(count) for count in COUNTS]
    bodies = [DIALECTS[dialect].render_request(request, TARGET).body for request in requests]
    assert_linear(
        COUNTS, partial(cpu_costs, [partial(DIALECTS[dialect].render_request, item, TARGET) for item in requests])
    )
    assert_linear(
        COUNTS, partial(cpu_costs, [partial(DIALECTS[dialect].parse_request, body, "m", False) for body in bodies])
    )
    again = DIALECTS[dialect].parse_request(bodies[1], "m", False)
    results = [part for message in again.messages for part in message.parts if isinstance(part, ToolCallResponse)]
    assert len(results) == COUNTS[1]


def test_gemini_s_results_without_ids_find_their_calls_in_proportion() -> None:
    """In the opposite order, each under a name of its own: the worst case for a search from the front."""
    counts = (300, 2400)

    def body(count: int) -> bytes:
        calls = [{"functionCall": {"name": f"read_{n}", "args": {}}} for n in range(count)]
        results = [{"functionResponse": {"name": f"read_{n}", "response": {}}} for n in reversed(range(count))]
        turns = [("user", [{"text": "Read."}]), ("model", calls), ("user", results)]
        return msgspec.json.encode({"contents": [{"role": role, "parts": parts} for role, parts in turns]})

    bodies = [body(count) for count in counts]
    parse = DIALECTS["gemini"].parse_request
    assert_linear(counts, partial(cpu_costs, [partial(parse, item, "m", False) for item in bodies]))
    _, made, given = parse(bodies[1], "m", False).messages
    ids = [part.id for part in made.parts if isinstance(part, ToolCall)]
    assert [part.id for part in given.parts if isinstance(part, ToolCallResponse)] == ids[::-1]


def _interleaved(count: int) -> list[Event]:
    """Calls of which each has said half before any ends."""
    events: list[Event] = [Start("answer", "model")]
    events += [PartStart(n, "tool_call", call_id=f"call_{n}", name="read") for n in range(count)]
    events += [Delta(n, half) for half in ('{"n":', "1}") for n in range(count)]
    events += [PartEnd(n) for n in range(count)]
    return [*events, UsageReport(USAGE), Finish(FinishReason.TOOL_CALLS)]


@pytest.mark.parametrize("dialect", NAMES)
def test_many_interleaved_calls_are_written_and_read_in_proportion(dialect: str) -> None:
    events = [_interleaved(count) for count in COUNTS]

    def write(at: int) -> bytes:
        return written(DIALECTS[dialect].writer(CONTEXT), events[at])

    assert_linear(COUNTS, partial(cpu_costs, [partial(write, at) for at in range(2)]))
    streams = [cut(write(at), PIECE) for at in range(2)]
    assert_linear(COUNTS, partial(cpu_costs, [partial(_read, dialect, chunks) for chunks in streams]))
    answer = folded(read(DIALECTS[dialect].reader(), streams[1])).response()
    calls = [part for part in only_choice(answer).parts if isinstance(part, ToolCall)]
    assert [msgspec.json.decode(call.arguments) for call in calls] == [{"n": 1}] * COUNTS[1]


@pytest.mark.parametrize("provider", chat.MODELS)
@pytest.mark.parametrize("door", chat.DOORS)
def test_forty_tools_cost_little_more_than_their_json(door: str, provider: str) -> None:
    """90 kB with 40 tools hold the loop for a few milliseconds: about twice what its JSON alone takes."""
    data = held.body(door, provider, chat.SIZES[1])
    assert len(held.translate(door, provider, data)) > 80_000

    def plain() -> bytes:
        return msgspec.json.encode(msgspec.json.decode(data))

    least, translated = cpu_costs([plain, partial(held.translate, door, provider, data)], runs=8)
    assert translated < 5 * least


def _refused_number(size: int) -> None:
    with suppress(ClientError):
        parse_number("cost", " " * size + "x!")


def _unfinished_comment(size: int) -> None:
    events = WholeEvents()
    events.feed(b":")
    for _ in range(size // 16):
        assert events.feed(b"x" * 256) == b""


# What would be made to take for ever: texts that almost are what a pattern looks for.
ALMOST: Mapping[str, Callable[[int], object]] = {
    "a filter's number": _refused_number,
    "spaces before a line's end": lambda size: plain(f"a \n{' ' * size}b"),
    "tags without an end": lambda size: element_of("<a>" + " <a" * size),
    "a tag's name without an end": lambda size: element_of("<" + "a" * size),
    "a fence": lambda size: list(markdown(f"```{'a' * size}`")),
    "spaces behind a fence": lambda size: list(markdown(f"```{' ' * size}`")),
    "a long fence": lambda size: list(markdown(f"{'~' * size}`")),
    "a provider's web page": lambda size: DIALECTS["openai_chat"].parse_error(502, b" " * size, {}),
    "a unit in a bill's title": lambda size: plain_name(f"a{' ' * size}b"),
    "a comment in a stream": _unfinished_comment,
    "summaries that do not end": lambda size: summary_of(Message(Role.ASSISTANT, (Text("<summary>" * size),))),
}


@pytest.mark.parametrize("look", ALMOST.values(), ids=ALMOST)
def test_what_almost_fits_a_pattern_is_looked_through_in_proportion(look: Callable[[int], object]) -> None:
    sizes = (1_000, 16_000)
    assert_linear(sizes, partial(cpu_costs, [partial(look, size) for size in sizes]))
