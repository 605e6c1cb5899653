"""Bodies and streams that pass as they are: the look at them, the splice, the cut of the added usage."""

import hashlib
import json
import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.openai_chat.embeddings import parse_embeddings, parse_embeddings_usage
from gateway.dialects.openai_chat.peek import Peek, UsageCutter, peek, splice
from gateway.errors import ClientError
from gateway.model import EmbeddingsRequest, Usage
from tests.large_calls import assert_linear, cpu_costs

WIRE = Path(__file__).parents[2] / "wire" / "openai_chat"

PEEKS: list[tuple[bytes, Peek]] = [
    (b'{"model":"m"}', Peek(model="m")),
    (b' {"model" : "m", "stream":true}\n', Peek(model="m", stream=True)),
    (b'{"model":"m","stream":null,"stream_options":null,"user":null}', Peek(model="m")),
    (b'{"model":"m","stream":true,"stream_options":{"include_usage":true}}', Peek(model="m", stream=True, include_usage=True)),
    (b'{"model":"m","stream_options":{"include_usage":false,"x":1}}', Peek(model="m")),
    (b'{"model":"m","user":"u"}', Peek(model="m", user="u")),
    (b'{"model":"m","user":"u","safety_identifier":"s","metadata":7}', Peek(model="m", user="s")),
    (b'{"model":"m","functions":[{"name":"f"}]}', Peek(model="m", legacy_functions=True)),
    (b'{"model":"m","functions":[{"name":"f"}],"tools":[]}', Peek(model="m")),
    (b'{"model":"m","functions":[]}', Peek(model="m")),
    (b'{"mod\\u0065l":"m"}', Peek(model="m")),
    # Where a key stands twice the last counts, as it does for the providers.
    (b'{"model":"a","model":"m"}', Peek(model="m")),
    # What no parser of ours takes does not fail the call.
    (b'{"model":"m","x":1e400,"y":123456789012345678901234567890}', Peek(model="m")),
    (b'{"model":"m","x":"half a pair: \\ud83d","functions":[{}],"stream":true}', Peek(model="m", stream=True, legacy_functions=True)),
    (b'{"model":"m","x":"half a pair: \\ud83d","y":1e400}', Peek(model="m")),
    (b'{"model":"m","x":"\xff"}', Peek(model="m")),
    (b'{"model":"m","temperature":"warm","messages":3}', Peek(model="m")),
]  # fmt: skip


@pytest.mark.parametrize(("body", "seen"), PEEKS)
def test_peek(body: bytes, seen: Peek) -> None:
    assert peek(body) == seen


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None),
        (b"{", None),
        (b'{"model":"m"', None),
        (b'{"model":"m"} x', None),
        (b'{"model":"m","x":NaN}', None),
        (b'{"model":"m","x":NaN,"y":"\\ud800"}', None),
        (b'{"model":"m","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", None),
        (b"[]", None),
        (b'"m"', None),
        (b"{}", "model"),
        (b'{"model":""}', "model"),
        (b'{"model":null}', "model"),
        (b'{"model":["m"]}', "model"),
        (b'{"model":3,"x":"\\ud83d"}', "model"),
        (b'{"model":"m","stream":"yes"}', "stream"),
        (b'{"model":"m","stream_options":[]}', "stream_options"),
        (b'{"model":"m","stream_options":{"include_usage":1}}', "stream_options.include_usage"),
        (b'{"model":"m","user":7}', "user"),
    ],
)
def test_peek_refuses_by_name(body: bytes, param: str | None) -> None:
    with pytest.raises(ClientError) as caught:
        peek(body)
    assert (caught.value.status, caught.value.param) == (400, param)


ASKED = b'"stream_options":{"include_usage":true}'
SPLICES: list[tuple[bytes, str | None, bool, bytes]] = [
    (b'{"model":"m"}', None, False, b'{"model":"m"}'),
    (b'{"model":"m"}', "n", False, b'{"model":"n"}'),
    (b'{"model":"m"}', 'a"b', False, b'{"model":"a\\"b"}'),
    (b'{"model":"m"}', None, True, b"{" + ASKED + b',"model":"m"}'),
    (b' \n{ "model" : "m" }\r\n', None, True, b" \n{" + ASKED + b', "model" : "m" }\r\n'),
    (b' \n{ "model" : "m" }\r\n', "n", True, b" \n{" + ASKED + b', "model" : "n" }\r\n'),
    (b"{}", None, True, b"{" + ASKED + b"}"),
    (b"{ }", "n", True, b"{" + ASKED + b" }"),
    # Only the top level counts, whatever the text of messages looks like.
    (
        b'{"messages":[{"model":"m","content":"\\"model\\":\\"m\\" \\\\"}],"model":"m","x":{"model":"m"}}',
        "n", False,
        b'{"messages":[{"model":"m","content":"\\"model\\":\\"m\\" \\\\"}],"model":"n","x":{"model":"m"}}',
    ),
    (b'{"model":"m","x":[1e400,-0.0,1E+2,"\\u00e9\\ud83d"],"model":"o"}', "n", False, b'{"model":"n","x":[1e400,-0.0,1E+2,"\\u00e9\\ud83d"],"model":"n"}'),
    (b'{"mod\\u0065l":"m"}', "n", False, b'{"mod\\u0065l":"n"}'),
    (b'{"model":"m","stream_options":{}}', None, True, b'{"model":"m","stream_options":{"include_usage":true}}'),
    (b'{"stream_options":null,"model":"m"}', None, True, b'{"stream_options":{"include_usage":true},"model":"m"}'),
    (
        b'{"model":"m","stream_options": { "include_obfuscation":false } }',
        None, True,
        b'{"model":"m","stream_options": {"include_usage":true, "include_obfuscation":false } }',
    ),
    (
        b'{"stream_options":{"x":[{"include_usage":false}],"include_usage" : false},"model":"m"}',
        "n", True,
        b'{"stream_options":{"x":[{"include_usage":false}],"include_usage" : true},"model":"n"}',
    ),
    (b'{"model":"m","stream_options":{"include_usage":null}}', None, True, b'{"model":"m","stream_options":{"include_usage":true}}'),
    (b'{"stream\\u005foptions":{},"model":"m"}', None, True, b'{"stream\\u005foptions":{"include_usage":true},"model":"m"}'),
    (
        b'{"messages":[{"content":"\\"stream_options\\" or \\"stream_options\\""},"stream_options"],"model":"m"}',
        None, True,
        b"{" + ASKED + b',"messages":[{"content":"\\"stream_options\\" or \\"stream_options\\""},"stream_options"],"model":"m"}',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "model", "include_usage", "spliced"), SPLICES)
def test_splice(body: bytes, model: str | None, include_usage: bool, spliced: bytes) -> None:
    assert splice(body, model=model, include_usage=include_usage) == spliced


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(['"', "\\", "}", "{model", '"model":"x"']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["model", "stream_options", "a", '"', "\\", "é"]), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    beside=st.lists(st.tuples(st.sampled_from(["a", "b", "é", '"', "messages"]), JSON), max_size=4),
    at=st.integers(0, 4),
    options=st.none() | st.dictionaries(st.sampled_from(["include_obfuscation", "include_usage"]), st.booleans()),
    indent=st.none() | st.integers(0, 2),
    ascii_only=st.booleans(),
)
def test_splice_changes_what_it_should_and_not_a_byte_more(
    beside: list[tuple[str, Any]], at: int, options: Any, indent: int | None, ascii_only: bool
) -> None:
    """router-for-me/CLIProxyAPI#2172: a re-serialised body breaks signatures and caches."""
    members = dict(beside)
    items = list(members.items())
    items.insert(min(at, len(items)), ("model", "MARK"))
    if options is not None:
        items.append(("stream_options", options))
    body = json.dumps(dict(items), indent=indent, ensure_ascii=ascii_only).encode()
    spliced = splice(body, model="other", include_usage=True)
    expected = dict(items) | {"model": "other", "stream_options": {**(options or {}), "include_usage": True}}
    assert json.loads(spliced) == expected
    if options is None:
        # Taking both changes back by hand gives the very same bytes.
        restored = spliced.replace(ASKED + b",", b"", 1).replace(b'"model": "other"', b'"model": "MARK"', 1)
        assert hashlib.sha256(restored).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize("content", ["x" * 8, "\\u00e9\\n", '\\"' * 2], ids=["plain", "escapes", "quotes"])
def test_large_bodies_are_spliced_in_one_pass(content: str) -> None:
    bodies = [
        f'{{"messages":[{{"role":"user","content":"{content * times}"}}],"model":"m","stream_options":{{}}}}'.encode()
        for times in (250_000, 1_000_000)
    ]
    assert_linear(
        (1, 4), partial(cpu_costs, [partial(splice, body, model="n", include_usage=True) for body in bodies])
    )
    body = bodies[-1]
    spliced = splice(body, model="n", include_usage=True)
    assert spliced.endswith(b'"model":"n","stream_options":{"include_usage":true}}')
    assert len(spliced) == len(body) + len(b'"include_usage":true')


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"a"', b'{"a":', b'{"a":[', b'{"a":1 "b":2}', b'{"a":"', b"{,}"])
def test_splice_of_what_is_no_object(body: bytes) -> None:
    with pytest.raises(ClientError):
        splice(body, model="n", include_usage=False)


# The added usage is cut out of the client's stream again.

USAGE_ONLY = ["custom_tool_call", "filtered_midway_obfuscated", "refusal_with_logprobs", "text", "two_choices", "usage_after_done", "empty_answer_length", "refusal", "text_then_two_calls_interleaved"]  # fmt: skip


def cut(chunks: list[bytes]) -> bytes:
    cutter = UsageCutter()
    return b"".join(cutter.feed(chunk) for chunk in chunks) + cutter.close()


def without_usage(stream: bytes) -> bytes:
    return b"\n\n".join(event for event in stream.split(b"\n\n") if b'"choices":[],"usage":{' not in event)


@pytest.mark.parametrize("name", sorted(path.stem for path in WIRE.glob("*.sse")))
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_the_usage_chunk_is_cut_and_all_other_bytes_pass(name: str, end: bytes) -> None:
    stream = (WIRE / f"{name}.sse").read_bytes()
    expected = without_usage(stream).replace(b"\n", end)
    assert (without_usage(stream) != stream) is (name in USAGE_ONLY)
    stream = stream.replace(b"\n", end)
    rng = random.Random(len(stream))
    cuts = sorted(rng.randrange(len(stream) + 1) for _ in range(30))
    random_cuts = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    for chunks in ([stream], random_cuts, [stream[at : at + 1] for at in range(len(stream))]):
        assert cut(chunks) == expected


def test_usage_beside_a_choice_stays_and_so_does_what_only_looks_like_it() -> None:
    for event in (
        b'data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":1}}\n\n',
        b'data: {"choices":[],"usage":null}\n\n',
        b'data: {"choices":[],"prompt_filter_results":[]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\"choices\\":[] \\"usage\\":{}"}}]}\n\n',
        b'data: {"choices":[{"delta":{"x":{"choices":[],"usage":{}}}}]}\n\n',
        b': "choices":[] "usage":{}\n\n',
        b'data: {"choices":[],"usage":{\n\n',
    ):
        assert cut([event, b"data: [DONE]\n\n"]) == event + b"data: [DONE]\n\n"
    assert cut([b'event: x\r\ndata:{"choices" : [ ] ,\ndata: "usage":{}}\n\n']) == b""
    assert cut([b'data: {"choices":[],"usage":{}}']) == b""
    assert cut([b"data: [DONE]"]) == b"data: [DONE]"


def test_bytes_wait_no_longer_than_for_the_end_of_their_event() -> None:
    cutter = UsageCutter()
    assert cutter.feed(b'data: {"a":1}\n\n') == b'data: {"a":1}\n\n'
    assert cutter.feed(b'data: {"b":1}\n\ndata: {"c"') == b'data: {"b":1}\n\n'
    assert cutter.feed(b":1}\n") == b""
    assert cutter.feed(b"\n") == b'data: {"c":1}\n\n'


def test_a_large_event_is_passed_in_linear_time() -> None:
    events = [b'data: {"choices":[{"delta":{"content":"' + b"x" * size + b'"}}]}\n\n' for size in (10**6, 4 * 10**6)]
    pieces = [[event[at : at + 1000] for at in range(0, len(event), 1000)] for event in events]
    assert_linear((1, 4), partial(cpu_costs, [partial(cut, each) for each in pieces]))
    assert cut(pieces[1]) == events[1]


# Embeddings.


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ({"input": "a"}, {"inputs": ("a",)}),
        ({"input": ["a", ""]}, {"inputs": ("a", "")}),
        ({"input": [1, 2]}, {"inputs": ((1, 2),)}),
        ({"input": [[1, 2], [3]]}, {"inputs": ((1, 2), (3,))}),
        (
            {"input": "a", "dimensions": 256, "encoding_format": "base64", "user": "u"},
            {"inputs": ("a",), "dimensions": 256, "base64": True, "user": "u"},
        ),
        ({"input": "a", "encoding_format": "float"}, {"inputs": ("a",)}),
    ],
)
def test_embeddings_requests(fields: dict[str, Any], held: dict[str, Any]) -> None:
    assert parse_embeddings(json.dumps({"model": "m", **fields}).encode()) == EmbeddingsRequest(model="m", **held)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b'{"input":"a"}', "model"),
        (b'{"model":"m"}', "input"),
        (b'{"model":"m","input":[]}', "input"),
        (b'{"model":"m","input":3}', "input"),
        (b'{"model":"m","input":["a",3]}', "input[1]"),
        (b'{"model":"m","input":[1,true]}', "input[1]"),
        (b'{"model":"m","input":[[1],"a"]}', "input[1]"),
        (b'{"model":"m","input":[[1],[]]}', "input[1]"),
        (b'{"model":"m","input":[1.5]}', "input[0]"),
        (b'{"model":"m","input":"a","dimensions":0}', "dimensions"),
        (b'{"model":"m","input":"a","encoding_format":"hex"}', "encoding_format"),
    ],
)
def test_bad_embeddings_requests(body: bytes, param: str | None) -> None:
    with pytest.raises(ClientError) as caught:
        parse_embeddings(body)
    assert caught.value.param == param


def test_embeddings_usage() -> None:
    vectors = [{"object": "embedding", "index": 0, "embedding": [0.1] * 1000}]
    body = json.dumps(
        {"object": "list", "model": "m", "data": vectors, "usage": {"prompt_tokens": 8, "total_tokens": 8}}
    )
    assert parse_embeddings_usage(body.encode()) == ("m", Usage(input_tokens=8))
    for usage in ({"total_tokens": 8}, {"prompt_tokens": None, "total_tokens": 8}):
        answer = json.dumps({"data": [], "model": "m", "usage": usage}).encode()
        assert parse_embeddings_usage(answer) == ("m", Usage(input_tokens=8))
    assert parse_embeddings_usage(b'{"data":[]}') == (None, None)
    assert parse_embeddings_usage(b"<html>") == (None, None)
