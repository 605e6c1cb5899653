"""Each door before a provider of its own dialect: bytes pass as they are in both directions, less the named splices.

`test_verbatim.py` has the chat door's splices in detail; here every door meets the same oddities. CLIProxyAPI#2172:
any other spelling of the same JSON breaks thinking signatures and prompt caches.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.dialects.recordings import Recording
from tests.endtoend.scripted import Scripted, answer, stream_head
from tests.endtoend.serving import CHAT, PROVIDERS, Reply, Served, upstreams

GENERATE = "/api/ai/v1beta/models/{}:generateContent"
STREAM = "/api/ai/v1beta/models/{}:streamGenerateContent?alt=sse"
ASKED = b'"stream_options":{"include_usage":true}'


@dataclass(frozen=True)
class Spoken:
    """A door's dialect: where it is asked, and for what. `messages` is what any of its bodies holds."""

    dialect: str
    model: str
    alias: str
    messages: bytes
    path: str = ""

    def members(self, model: str) -> bytes:
        if not self.path:
            return self.messages
        return b'"model":"%b",%b' % (model.encode(), self.messages)

    def ask(self, gateway: Served, body: bytes, *, stream: bool = False, model: str | None = None) -> Reply:
        path = self.path or (STREAM if stream else GENERATE).format(model or self.model)
        return gateway.ask("POST", path, body, key=gateway.key(), timeout=60)

    def streaming(self, members: bytes) -> bytes:
        """The members of a body that asks for a stream; chat's also for the usage, so that nothing is added."""
        asked = {"openai_chat": b'"stream": true , %b,' % ASKED, "gemini": b""}.get(self.dialect, b'"stream": true ,')
        return asked + members


SPOKEN = [
    Spoken("openai_chat", "gpt-4.1-mini", "GPT-4.1 mini", b'"messages":[{"role":"user","content":"Hi"}]', CHAT),
    Spoken("openai_responses", "gpt-5.4", "GPT-5.4", b'"input":"Hi"', "/api/ai/v1/responses"),
    Spoken("anthropic", "claude-sonnet-4-6", "claude-sonnet-4.6", b'"max_tokens":9,"messages":[{"role":"user","content":"Hi"}]', "/api/ai/v1/messages"),
    Spoken("gemini", "gemini-2.5-flash", "Gemini 2.5 Flash", b'"contents":[{"parts":[{"text":"Hi"}]}]'),
]  # fmt: skip
each_door = pytest.mark.parametrize("door", SPOKEN, ids=[door.dialect for door in SPOKEN])

# Bodies of which one parser or another makes something else; %b is the members that the door needs.
ODD = {
    "spaces": b"\r\n {\t%b ,\n\n \"x\" : [ 1 ,2] }\r\n\t ",
    "escapes": b'{"\\u0078":"\\u00e9\\ud83d\\ude00\\/\\b",%b}',
    "half a surrogate pair": b'{%b,"x":"\\ud800 \\udc00\\ud800"}',
    "numbers": b'{%b,"a":1e400,"b":-0.0,"c":1E+2,"d":123456789012345678901234567890,"e":0.10,"f":-1e-400}',
    "unknown": b'{"new_field":{"deep":[{"er":null}]},%b,"cache_control":{}}',
    "twice": b'{"x":1,"x":2,%b,"x":{"x":3,"x":4}}',
    "byte order mark": b"\xef\xbb\xbf {%b}",
    "empty keys": b'{"":{"":[]},%b," ":[{}]}',
    "deep": b'{%b,"x":' + b"[" * 500 + b"]" * 500 + b"}",
    "raw": '{%b,"x":"é\u2028\u2029\ufeff\x7f🎈"}'.encode(),
}  # fmt: skip


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Scripted]]:
    """A gateway before a provider, of every dialect, whose next answer a test sets."""
    with Scripted(lambda _sent, _send: None) as provider:
        urls = dict.fromkeys(PROVIDERS, provider.url)
        served = Served(tmp_path_factory.mktemp("doors") / "home", **upstreams(urls))
        served.key()
        with served:
            yield served, provider


def whole(door: Spoken) -> bytes:
    body = Recording(door.dialect, "text").whole
    assert body is not None
    return body


def hashed(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@each_door
@pytest.mark.parametrize("odd", ODD)
def test_requests_pass_as_they_are(pair: tuple[Served, Scripted], door: Spoken, odd: str) -> None:
    gateway, provider = pair
    provider.script = lambda _sent, send: send(answer(whole(door)))
    body = ODD[odd] % door.members(door.model)
    reply = door.ask(gateway, body)
    assert reply.status == 200, reply
    assert provider.requests[-1].body == body
    assert reply.body == whole(door)


@each_door
@pytest.mark.parametrize("odd", ["spaces", "half a surrogate pair", "numbers", "twice"])
def test_requests_for_streams_pass_as_they_are(pair: tuple[Served, Scripted], door: Spoken, odd: str) -> None:
    gateway, provider = pair
    stream = Recording(door.dialect, "text").stream
    provider.script = lambda _sent, send: send(stream_head() + stream)
    body = ODD[odd] % door.streaming(door.members(door.model))
    reply = door.ask(gateway, body, stream=True)
    assert (reply.status, reply.body) == (200, stream)
    assert provider.requests[-1].body == body


@pytest.mark.parametrize("odd", ODD)
def test_chat_s_usage_is_asked_for_beside_any_oddity(pair: tuple[Served, Scripted], odd: str) -> None:
    gateway, provider = pair
    door = SPOKEN[0]
    recording = Recording("openai_chat", "text").stream
    provider.script = lambda _sent, send: send(stream_head() + recording)
    body = ODD[odd] % (b'"stream":true,' + door.members(door.model))
    reply = door.ask(gateway, body)
    begun = body.index(b"{") + 1
    assert provider.requests[-1].body == body[:begun] + ASKED + b"," + body[begun:]
    usage = next(block for block in recording.split(b"\n\n") if b'"choices":[],"usage":{' in block)
    assert reply.body == recording.replace(usage + b"\n\n", b"")
    assert gateway.row(reply.id).usage_source == "provider"


@each_door
@pytest.mark.parametrize("odd", ["spaces", "half a surrogate pair", "numbers", "twice", "byte order mark"])
def test_an_aliased_name_is_all_that_changes(pair: tuple[Served, Scripted], door: Spoken, odd: str) -> None:
    gateway, provider = pair
    provider.script = lambda _sent, send: send(answer(whole(door)))
    body = ODD[odd] % (door.members(door.alias) + b',"metadata":{"user_id":"u","model":"%b"}' % door.alias.encode())
    reply = door.ask(gateway, body, model=door.alias.replace(" ", "%20"))
    assert reply.status == 200, reply
    sent = provider.requests[-1]
    named = b'"model":"%b",' % door.alias.encode()
    assert sent.body == (body.replace(named, b'"model":"%b",' % door.model.encode(), 1) if door.path else body)
    # Gemini's model is in the path, and there it is the provider's own.
    assert door.path or f"/models/{door.model}:" in sent.path
    assert gateway.row(reply.id).model_requested == door.alias


def odd_answer(door: Spoken) -> bytes:
    """The recorded answer with oddities in front, which no reader of ours takes part in."""
    return (
        b' \r\n{ "odd" : [1e400, -0.0 ,123456789012345678901234567890,"\\ud800"],"odd":null,'
        + whole(door)[1:]
        + b"\n "
    )


@each_door
def test_whole_answers_pass_as_they_are_and_are_counted(pair: tuple[Served, Scripted], door: Spoken) -> None:
    gateway, provider = pair
    provider.script = lambda _sent, send: send(answer(odd_answer(door), kind="application/json; odd=1"))
    reply = door.ask(gateway, b"{" + door.members(door.model) + b"}")
    assert (reply.body, reply.headers["content-type"]) == (odd_answer(door), "application/json; odd=1")
    row = gateway.row(reply.id)
    counted = Recording(door.dialect, "text").codec.parse_response(whole(door)).usage
    assert counted is not None
    assert (row.usage_source, row.input_tokens, row.output_tokens) == (
        "provider",
        counted.input_tokens,
        counted.output_tokens,
    )


@each_door
@pytest.mark.parametrize("cut", ["whole", "in bytes"])
def test_streams_pass_as_they_are_and_are_counted(pair: tuple[Served, Scripted], door: Spoken, cut: str) -> None:
    gateway, provider = pair
    odd = b'data: { "odd" : [1e400, 123456789012345678901234567890,"\\ud800"],'
    stream = b": hello\r\n\r\nretry: 7\nid: 1\n\n" + Recording(door.dialect, "text").stream.replace(b"data: {", odd)

    def script(_sent: object, send: object) -> None:
        assert callable(send)
        send(stream_head())
        for piece in [stream] if cut == "whole" else [stream[at : at + 1] for at in range(len(stream))]:
            send(piece)

    provider.script = script
    reply = door.ask(gateway, b"{" + door.streaming(door.members(door.model)) + b"}", stream=True)
    assert reply.body == stream
    row = gateway.row(reply.id)
    counted = Recording(door.dialect, "text").codec.parse_response(whole(door)).usage
    assert counted is not None
    assert (row.outcome, row.usage_source) == ("ok", "provider")
    assert (row.input_tokens, row.output_tokens) == (counted.input_tokens, counted.output_tokens)


# Events of a form that nobody here knows, and one that no reader of the dialect could take for its own.
NEWER: dict[str, list[bytes]] = {
    "openai_chat": [
        b'{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","type":"hologram","hologram":{}}]}}]}',
        b'{"choices":{"0":{}}}',
    ],
    "openai_responses": [
        b'{"type":"response.output_item.done","output_index":7,"item":{"type":"function_call","call_id":"c"}}',
        b'{"type":"response.output_text.delta","output_index":8,"delta":{"words":"x"}}',
    ],
    "anthropic": [
        b'{"type":"content_block_start","index":7,"content_block":{"type":"tool_use","id":"t"}}',
        b'{"type":"content_block_delta","index":7,"delta":{"type":"input_json_delta","partial_json":"{}"}}',
    ],
    "gemini": [
        b'{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.a"}]}}]},"index":0}]}',
        b'{"candidates":[{"content":{"parts":[{"text":{"words":"x"}}]},"index":0}]}',
    ],
}


def with_events(door: Spoken, *events: bytes) -> bytes:
    """The recorded stream with these behind its first event."""
    first, end, rest = Recording(door.dialect, "text").stream.partition(b"\n\n")
    return first + end + b"".join(b"data: " + event + b"\n\n" for event in events) + rest


@each_door
def test_what_a_stream_says_in_a_form_that_is_not_known_here_passes(
    pair: tuple[Served, Scripted], door: Spoken
) -> None:
    gateway, provider = pair
    stream = with_events(door, *NEWER[door.dialect])
    provider.script = lambda _sent, send: send(stream_head() + stream)
    reply = door.ask(gateway, b"{" + door.streaming(door.members(door.model)) + b"}", stream=True)
    assert (reply.status, reply.body) == (200, stream)
    row = gateway.row(reply.id)
    counted = Recording(door.dialect, "text").codec.parse_response(whole(door)).usage
    assert counted is not None
    assert (row.outcome, row.usage_source, row.output_tokens) == ("ok", "provider", counted.output_tokens)


# What tells why an answer ended, in a form that nobody here knows, and the provider's mark that it did.
NEWER_ENDS: dict[str, tuple[bytes, bytes]] = {
    "openai_chat": (b'{"choices":{"0":{"finish_reason":{"word":"stop"}}}}', b"[DONE]"),
    "openai_responses": (b'{"type":"response.rested"}', b'{"type":"response.completed","response":["whole"]}'),
    "anthropic": (b'{"type":"message_delta","delta":"end_turn","usage":{}}', b'{"type":"message_stop"}'),
}


@pytest.mark.parametrize(
    "door", [door for door in SPOKEN if door.dialect in NEWER_ENDS], ids=lambda door: door.dialect
)
@pytest.mark.parametrize("said", [True, False], ids=["said", "nothing known"])
def test_a_stream_that_its_provider_ended_has_ended_whatever_its_last_event_says(
    pair: tuple[Served, Scripted], door: Spoken, said: bool
) -> None:
    gateway, provider = pair
    events = Recording(door.dialect, "text").stream.split(b"\n\n")
    begun = [*events[:2], b""] if said else [b""]
    stream = b"\n\n".join(begun) + b"".join(b"data: %b\n\n" % event for event in NEWER_ENDS[door.dialect])
    provider.script = lambda _sent, send: send(stream_head() + stream)
    reply = door.ask(gateway, b"{" + door.streaming(door.members(door.model)) + b"}", stream=True)
    assert (reply.status, reply.body) == (200, stream)
    row = gateway.row(reply.id)
    assert (row.outcome, row.error_type) == ("ok", None)
    assert row.usage_source in ("partial", "estimated")


@each_door
def test_what_is_no_json_object_ends_a_stream(pair: tuple[Served, Scripted], door: Spoken) -> None:
    gateway, provider = pair
    provider.script = lambda _sent, send: send(stream_head() + with_events(door, b'{"cut'))
    reply = door.ask(gateway, b"{" + door.streaming(door.members(door.model)) + b"}", stream=True)
    assert b"could not be read" in reply.body
    assert gateway.row(reply.id).error_type == "unreadable_answer"


LARGE = 20_000_000


@each_door
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_litellm_26181_twenty_megabytes_there_and_back(
    pair: tuple[Served, Scripted], door: Spoken, stream: bool
) -> None:
    gateway, provider = pair
    filler = b"iVBORw0KGgo" * (LARGE // 11)
    if stream:
        said = Recording(door.dialect, "text").stream.replace(b"data: {", b'data: {"odd":"' + filler + b'",', 1)
        raw = stream_head() + said
    else:
        said = b'{"odd":"' + filler + b'",' + whole(door)[1:]
        raw = answer(said)
    provider.script = lambda _sent, send: send(raw)
    members = door.streaming(door.members(door.alias)) if stream else door.members(door.alias)
    body = b'{"odd":"' + filler + b'", ' + members + b" }"
    reply = door.ask(gateway, body, stream=stream, model=door.model)
    named = b'"model":"%b"' % door.alias.encode()
    expected = body.replace(named, b'"model":"%b"' % door.model.encode())
    sent = provider.requests.pop()
    assert (hashed(sent.body), len(sent.body)) == (hashed(expected), len(expected))
    assert (hashed(reply.body), len(reply.body)) == (hashed(said), len(said))
    assert gateway.row(reply.id).usage_source == "provider"
