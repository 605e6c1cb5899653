"""Further faults of other gateways in answers: all pairs of upstream and door, read by the official SDKs."""

import json

import pytest

from gateway.dialects import DIALECTS
from gateway.sse import Decoder
from tests.dialects.grammars import CONTEXT, GRAMMARS
from tests.dialects.openai_responses.grammar import Codex
from tests.faults.answers import CALLED, STOPPED, Call, Piece, Thought, Words, stream, whole
from tests.faults.clients import WIRES, Heard, ask, rewritten, sent, through

UPSTREAMS = pytest.mark.parametrize("upstream", WIRES)
DOORS = pytest.mark.parametrize("door", WIRES)
BOTH = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
LIMIT = {"openai_chat": "length", "openai_responses": "incomplete/max_output_tokens", "anthropic": "max_tokens", "gemini": "MAX_TOKENS"}  # fmt: skip
FILTER = {"openai_chat": "content_filter", "openai_responses": "incomplete/content_filter", "anthropic": "refusal", "gemini": "SAFETY"}  # fmt: skip
LOOK = Words("Let me look that up.")
ONE, TWO = Call("call_1", "weather", {"city": "Köln"}), Call("call_2", "clock", {"zone": "CET"})


@UPSTREAMS
def test_portkey_1275_a_single_call_keeps_its_index_of_nought(upstream: str) -> None:
    """An index of 0 is none that is missing."""
    data = sent(upstream, "openai_chat", [ONE], CALLED[upstream], True)
    chunks = [json.loads(item.data) for item in Decoder().feed(data) if item.data != b"[DONE]"]
    calls = [call for chunk in chunks for item in chunk["choices"] for call in item["delta"].get("tool_calls", ())]
    assert len(calls) > 1 and all(call["index"] == 0 and type(call["index"]) is int for call in calls)


INTERLEAVED = [
    {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"ci'}}]},
    {"tool_calls": [{"index": 1, "id": "call_2", "type": "function", "function": {"name": "clock", "arguments": '{"zo'}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": 'ty": "K\\u00f6'}}, {"index": 1, "function": {"arguments": 'ne": "'}}]},
    {"content": "Let me look "},
    {"tool_calls": [{"index": 1, "function": {"arguments": 'CET"}'}}]},
    {"content": "that up."},
    {"tool_calls": [{"index": 0, "function": {"arguments": 'ln"}'}}]},
]  # fmt: skip


@DOORS
def test_bifrost_3441_fragments_of_two_calls_may_alternate(door: str) -> None:
    """And ollama/ollama#17101: the door's own blocks never overlap, and both inputs are whole."""
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in INTERLEAVED]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    data = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    written = rewritten("openai_chat", door, data)
    GRAMMARS[door](written)
    heard = ask(door, written, True)
    assert sorted(heard.calls, key=lambda call: call.id) == [ONE, TWO]
    assert (heard.words, heard.ending) == (LOOK.text, CALLED[door])


@UPSTREAMS
@DOORS
@BOTH
def test_hermes_agent_43478_a_limit_is_told_also_with_calls_or_without_words(
    upstream: str, door: str, streamed: bool
) -> None:
    """And BerriAI/litellm#21041: truncation hidden behind tool_calls or stop, or an exception at an empty answer."""
    for pieces in ([ONE], [LOOK], list[Piece]()):
        heard = through(upstream, door, pieces, LIMIT[upstream], streamed)
        assert heard.ending == LIMIT[door]
        assert heard.words == "".join(piece.text for piece in pieces if isinstance(piece, Words))


@UPSTREAMS
@DOORS
@BOTH
def test_what_a_filter_stopped_is_no_plain_stop(upstream: str, door: str, streamed: bool) -> None:
    heard = through(upstream, door, [LOOK], FILTER[upstream], streamed)
    assert heard.ending == FILTER[door] and heard.words == LOOK.text


@UPSTREAMS
@DOORS
def test_litellm_32357_thinking_and_words_keep_apart_and_lose_no_letter(upstream: str, door: str) -> None:
    """Thinking inside a text, the first word lost where one gives way to the other, thinking dropped."""
    thought, words = "Erst ⟨denken⟩ 🎈, dann 'reden'.", "\n\n  Grüße — \t“so” \u2028 weit.  "
    pieces: list[Piece] = [Thought(thought, "c2ln"), Words(words)]
    for streamed in (False, True):
        heard = through(upstream, door, pieces, STOPPED[upstream], streamed)
        assert (heard.thoughts, heard.words, heard.ending) == (thought, words, STOPPED[door])


@UPSTREAMS
def test_codex_12798_codex_reads_every_upstream_s_stream(upstream: str) -> None:
    """And BerriAI/litellm#28899: items announced, told and finished, and the whole in the last event."""
    pieces: list[Piece] = [Thought("Hm.", "c2ln"), LOOK, ONE, TWO]
    codex = Codex()
    codex.feed(rewritten(upstream, "openai_responses", stream(upstream, pieces, CALLED[upstream])))
    assert (codex.ended, codex.text) == ("response.completed", LOOK.text)
    assert [(call["call_id"], json.loads(call["arguments"])) for call in codex.calls] == [
        ("call_1", ONE.arguments),
        ("call_2", TWO.arguments),
    ]


@UPSTREAMS
def test_pydantic_ai_3748_no_thinking_block_is_unsigned(upstream: str) -> None:
    for streamed in (False, True):
        heard = through(upstream, "anthropic", [Thought("Hm.", "c2ln"), LOOK], STOPPED[upstream], streamed)
        thoughts = [piece for piece in heard.pieces if isinstance(piece, Thought)]
        assert [thought.text for thought in thoughts] == ["Hm."] and thoughts[0].state


# Counts: of 50 tokens of input 10 were cached; of 20 of output 5 were thinking, where the format says so.
THINKING_IS_SAID = ("openai_chat", "openai_responses", "gemini")


def counted(door: str, heard: Heard) -> tuple[int, int, int, int]:
    """Input, of which cached; output, of which thinking: by what the door's SDK says."""
    usage = heard.usage
    match door:
        case "openai_chat":
            details, more = usage.prompt_tokens_details, usage.completion_tokens_details
            found = (usage.prompt_tokens, details.cached_tokens, usage.completion_tokens, more.reasoning_tokens)
        case "openai_responses":
            details, more = usage.input_tokens_details, usage.output_tokens_details
            found = (usage.input_tokens, details.cached_tokens, usage.output_tokens, more.reasoning_tokens)
        case "anthropic":
            read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
            thinking = (usage.output_tokens_details.thinking_tokens or 0) if usage.output_tokens_details else 0
            found = (usage.input_tokens + read + written, read, usage.output_tokens, thinking)
        case _:
            thinking = usage.thoughts_token_count or 0
            prompt, cached = usage.prompt_token_count, usage.cached_content_token_count or 0
            found = (prompt, cached, usage.candidates_token_count + thinking, thinking)
    return tuple(value or 0 for value in found)  # type: ignore[return-value]


@UPSTREAMS
@DOORS
@BOTH
def test_portkey_496_counts_are_the_provider_s_streamed_or_not(upstream: str, door: str, streamed: bool) -> None:
    """And BerriAI/litellm#9812 and #41406, confident-ai/deepeval#2943: additive or inclusive, with or without
    thinking, at the stream's beginning or its end."""
    heard = through(upstream, door, [LOOK], STOPPED[upstream], streamed)
    assert counted(door, heard) == (50, 10, 20, 5 if upstream in THINKING_IS_SAID else 0)


@BOTH
def test_litellm_9812_cache_counts_of_anthropic_are_inclusive_at_openai_s_door(streamed: bool) -> None:
    """10 fresh, 100 written and 1,000 read are 1,110 there, and 10, 100 and 1,000 again at Anthropic's."""
    told = b'"input_tokens": 40, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 0'
    true = b'"input_tokens": 10, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 100'
    make = stream if streamed else whole
    data = make("anthropic", [LOOK], "end_turn").replace(told, true)
    assert true in data
    usage = ask("openai_chat", answered("anthropic", "openai_chat", data, streamed), streamed).usage
    assert (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens) == (1110, 1000)
    usage = ask("anthropic", answered("anthropic", "anthropic", data, streamed), streamed).usage
    read, written = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    assert (usage.input_tokens, written, read) == (10, 100, 1000)


def answered(upstream: str, door: str, data: bytes, streamed: bool) -> bytes:
    if streamed:
        return rewritten(upstream, door, data)
    return DIALECTS[door].render_response(DIALECTS[upstream].parse_response(data), CONTEXT)
