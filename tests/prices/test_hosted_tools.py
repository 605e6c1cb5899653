"""What hosted tools cost beside the model's tokens, by hand; and that what has no known price is said to be missing."""

import json
from typing import Any

import pytest

from gateway.dialects.anthropic.body import parse_response as parse_message
from gateway.dialects.anthropic.reader import AnthropicReader
from gateway.dialects.dialect import Reader
from gateway.dialects.gemini.reader import GeminiReader
from gateway.dialects.openai_chat.answer_peek import peek_answer as peek_chat
from gateway.dialects.openai_chat.reader import ChatReader
from gateway.dialects.openai_chat.response import parse_response as parse_chat
from gateway.dialects.openai_responses.reader import ResponsesReader
from gateway.dialects.openai_responses.response import parse_response
from gateway.errors import UpstreamError
from gateway.model import UNTOLD_MODEL, Usage
from gateway.price_records import PriceOverride, UnitPrices
from gateway.prices.pricing import Priced, Pricing
from gateway.records import ExchangeRecord
from gateway.relaying.tally import Tally

# 2026-11-20.
AT_US = 1_795_132_800_000_000
PRICING = Pricing()
# A thousand tokens at $1.25 per million, a hundred at $10.
GPT_5 = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
GPT_5_NANO = 2_250_000
DRAWN = {
    "input_tokens": 100,
    "input_tokens_details": {"image_tokens": 40, "text_tokens": 60},
    "output_tokens": 4160,
    "output_tokens_details": {"image_tokens": 4000, "text_tokens": 160},
    "total_tokens": 4260,
}
IMAGE = {"type": "image_generation_call", "id": "ig", "status": "completed", "result": "aGk="}


def response(output: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    return {"id": "r", "object": "response", "status": "completed", "output": output, "usage": GPT_5, **fields}


def streamed(reader: Reader, *events: dict[str, Any]) -> Usage:
    tally = Tally()
    data = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    for event in (*reader.feed(data), *reader.close()):
        tally.feed(event)
    usage, source = tally.verdict(100, answered=True)
    assert source == "provider"
    return usage


def usage_of_response(answer: dict[str, Any]) -> Usage:
    whole = parse_response(json.dumps(answer).encode()).usage
    assert whole is not None
    assert whole == streamed(ResponsesReader(), {"type": "response.completed", "response": answer})
    return whole


def shell(container: str | None) -> dict[str, Any]:
    place = {"type": "container_reference", "container_id": container} if container else {"type": "local"}
    return {"type": "shell_call", "id": "sh", "call_id": "c", "status": "completed", "environment": place}


def python(container: str) -> dict[str, Any]:
    return {"type": "code_interpreter_call", "id": "ci", "status": "completed", "container_id": container}


def searched(action: str) -> dict[str, Any]:
    return {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": action}}


FILES = {"type": "file_search_call", "id": "fs", "status": "completed", "queries": ["a", "b"]}
RESPONSES: dict[str, tuple[dict[str, Any], int, bool]] = {
    # $2.50 per thousand calls; one that failed is none.
    "file searches": (response([FILES, FILES, {**FILES, "status": "failed"}]), GPT_5_NANO + 5_000_000, False),
    "containers": (response([python("c1"), python("c1"), shell("c2")]), GPT_5_NANO, True),
    "a local shell": (response([shell(None)]), GPT_5_NANO, False),
    # $5 and $8 per million in, $10 and $32 out.
    "an image": (
        response(
            [IMAGE],
            tools=[{"type": "image_generation", "model": "gpt-image-1.5"}],
            tool_usage={"image_gen": DRAWN, "web_search": {"num_requests": 0}},
        ),
        GPT_5_NANO + 60 * 5000 + 40 * 8000 + 160 * 10_000 + 4000 * 32_000,
        False,
    ),
    "an image from the cache": (
        response(
            [IMAGE],
            tools=[{"type": "image_generation", "model": "gpt-image-1.5"}],
            tool_usage={
                "image_gen": DRAWN
                | {
                    "cached_tokens": 50,
                    "cached_tokens_details": {"cached_image_tokens": 30, "cached_text_tokens": 20},
                }
            },
        ),
        GPT_5_NANO + 40 * 5000 + 10 * 8000 + 20 * 1250 + 30 * 2000 + 160 * 10_000 + 4000 * 32_000,
        False,
    ),
    "an image of a model that is not told": (response([IMAGE], tool_usage={"image_gen": DRAWN}), GPT_5_NANO, True),
    "an image without its tokens": (response([IMAGE]), GPT_5_NANO, True),
    "a drawing": (
        response(
            [
                {
                    **IMAGE,
                    "svg_usage": {"model": "gpt-5", "input_tokens": 10, "output_tokens": 20, "reasoning_tokens": 5},
                }
            ]
        ),
        GPT_5_NANO + 10 * 1250 + 20 * 10_000,
        False,
    ),
    # $10 per thousand; opening a page is no search.
    "searches told by their calls alone": (
        response([searched("search"), searched("search"), searched("open_page")]),
        GPT_5_NANO + 20_000_000,
        False,
    ),
    "searches told": (
        response([searched("search"), searched("search")], tool_usage={"web_search": {"num_requests": 1}}),
        GPT_5_NANO + 10_000_000,
        False,
    ),
}


@pytest.mark.parametrize(("answer", "nano", "incomplete"), RESPONSES.values(), ids=RESPONSES)
def test_hosted_tools_of_responses(answer: dict[str, Any], nano: int, incomplete: bool) -> None:
    priced = PRICING.price("openai", "gpt-5", usage_of_response(answer), AT_US)
    assert priced == Priced(nano, "list", "gpt-5", incomplete)
    row = recorded(usage_of_response(answer), priced, "openai", "gpt-5")
    explained = PRICING.explain("openai", row)
    assert explained.exact_nano == str(nano) and len(explained.parts) >= 2
    assert bool(explained.notes) == incomplete and all("not in the cost" in note for note in explained.notes)


def recorded(usage: Usage, priced: Priced, provider: str, model: str) -> ExchangeRecord:
    return ExchangeRecord(
        id="r",
        started_us=AT_US,
        door="openai_responses",
        key_id="k",
        key="laptop",
        provider=provider,
        model=model,
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        output_tokens=usage.output_tokens,
        rare_counts=usage.rare_counts or (),
        web_searches=usage.web_searches,
        usage_source="provider",
        cost_nano=priced.cost_nano,
        cost_source=priced.source,
        price_id=priced.price_id,
        price_fuzzy=priced.fuzzy,
    )


def test_how_the_cost_of_an_image_came_about() -> None:
    usage = usage_of_response(RESPONSES["an image"][0])
    row = recorded(usage, PRICING.price("openai", "gpt-5", usage, AT_US), "openai", "gpt-5")
    parts = {part.unit: (part.count, part.price_usd) for part in PRICING.explain("openai", row).parts}
    assert parts == {
        "input": (1000, "1.25"),
        "output": (100, "10"),
        "image input of gpt-image-1.5": (40, "8"),
        "input of gpt-image-1.5": (60, "5"),
        "image output of gpt-image-1.5": (4000, "32"),
        "output of gpt-image-1.5": (160, "10"),
    }


CLAUDE = {"input_tokens": 100, "cache_read_input_tokens": 50, "output_tokens": 10}
COMPACTED = {"type": "compaction", "input_tokens": 1000, "cache_creation_input_tokens": 200, "output_tokens": 300}
ADVISED = {
    "type": "advisor_message",
    "model": "claude-opus-4-6",
    "input_tokens": 40,
    "cache_read_input_tokens": 60,
    "output_tokens": 70,
}
# claude-sonnet-4-6: $3 in, $0.30 cached, $3.75 written, $15 out; claude-opus-4-6: $5, $0.50 and $25.
CLAUDE_NANO = 100 * 3000 + 50 * 300 + 10 * 15_000
MESSAGES: dict[str, tuple[dict[str, Any], int, bool]] = {
    "within the message's counts": ({"usage": CLAUDE | {"iterations": [{"type": "message", **CLAUDE}]}}, CLAUDE_NANO, False),
    "compaction": (
        {"usage": CLAUDE | {"iterations": [COMPACTED, {"type": "message", **CLAUDE}]}},
        CLAUDE_NANO + 1000 * 3000 + 200 * 3750 + 300 * 15_000,
        False,
    ),
    "an adviser": (
        {"usage": CLAUDE | {"iterations": [{"type": "message", **CLAUDE}, ADVISED, ADVISED]}},
        CLAUDE_NANO + 2 * (40 * 5000 + 60 * 500 + 70 * 25_000),
        False,
    ),
    "an adviser without a price": (
        {"usage": CLAUDE | {"iterations": [{**ADVISED, "model": "nobody-knows-it"}]}},
        CLAUDE_NANO,
        True,
    ),
    "a container": ({"usage": CLAUDE, "container": {"id": "c", "expires_at": "2026-11-20T00:00:00Z"}}, CLAUDE_NANO, True),
    "no container": ({"usage": CLAUDE, "container": None}, CLAUDE_NANO, False),
    "what nobody can read": ({"usage": CLAUDE | {"iterations": [None, 3, {"type": "compaction", "input_tokens": "x"}]}}, CLAUDE_NANO, False),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "nano", "incomplete"), MESSAGES.values(), ids=MESSAGES)
def test_hosted_tools_of_messages(fields: dict[str, Any], nano: int, incomplete: bool) -> None:
    message = {"id": "m", "model": "claude-sonnet-4-6", "content": [], "stop_reason": "end_turn", **fields}
    usage = parse_message(json.dumps(message).encode()).usage
    assert usage is not None
    delta = {"stop_reason": "end_turn", "container": fields.get("container")}
    assert usage == streamed(
        AnthropicReader(),
        {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 100, "output_tokens": 1}}},
        {"type": "message_delta", "delta": delta, "usage": fields["usage"]},
        {"type": "message_stop"},
    )
    priced = PRICING.price("anthropic", "claude-sonnet-4-6", usage, AT_US)
    assert priced == Priced(nano, "list", "claude-sonnet-4-6", incomplete)


@pytest.mark.parametrize(
    ("grounding", "nano", "incomplete"),
    [
        ({"groundingChunks": [{"web": {"uri": "u"}}]}, 0, False),
        ({"groundingChunks": [{"maps": {"uri": "u"}}, {"maps": {"uri": "v"}}]}, 0, True),
        # $14 per thousand searches.
        ({"webSearchQueries": ["a"], "imageSearchQueries": ["a", "b", 3]}, 3 * 14_000_000, False),
        ({"imageSearchQueries": "a", "groundingChunks": 3}, 0, False),
    ],
    ids=["the web", "maps", "images", "nonsense"],
)
def test_what_gemini_looked_up(grounding: dict[str, Any], nano: int, incomplete: bool) -> None:
    part = {"content": {"parts": [{"text": "hi"}]}, "index": 0, "groundingMetadata": grounding}
    counts = {"promptTokenCount": 1000, "candidatesTokenCount": 100, "totalTokenCount": 1100}
    usage = streamed(
        GeminiReader(),
        {"candidates": [part], "usageMetadata": counts},
        {"candidates": [{**part, "finishReason": "STOP"}], "usageMetadata": counts},
    )
    # $2 per million in, $12 out.
    priced = PRICING.price("google", "gemini-3.1-pro-preview", usage, AT_US)
    assert priced == Priced(1000 * 2000 + 100 * 12_000 + nano, "list", "gemini-3.1-pro-preview", incomplete)


def test_searches_that_the_list_has_no_price_for_are_not_free() -> None:
    usage = Usage(input_tokens=1000, output_tokens=0, web_searches=2)
    priced = PRICING.price("openai", "gpt-3.5-turbo", usage, AT_US)
    assert priced.cost_nano and priced.fuzzy
    told = PRICING.explain("openai", recorded(usage, priced, "openai", "gpt-3.5-turbo"))
    assert told.notes == ("The list has no price for web searches (2 used): they are not in the cost.",)


def own(**prices: str) -> Pricing:
    pricing = Pricing()
    pricing.use_overrides(
        [PriceOverride(provider="openai", model="gpt-5", prices=UnitPrices(**prices), id=1, created_us=1)]
    )
    return pricing


@pytest.mark.parametrize(
    ("prices", "uses", "nano"),
    [
        # A request that asks another model by a tool is still one.
        ({"request": "0.01"}, (("gpt-image-1.5/input", 10),), 10_050_000),
        ({"file_search": "2"}, (("file_searches", 3),), 6_000_000),
        ({"map_search": "20"}, (("map_searches", 1),), 20_000_000),
        # The other model's price is the list's: $5 in.
        ({}, (("gpt-image-1.5/input", 10),), 50_000),
        # Media: of a thousand tokens these have another price, and without one count as all others.
        ({"input_image": "7"}, (("input_image", 100),), 600_000),
        ({"cached_audio": "7", "input_video": "3"}, (("cached_audio", 0), ("input_video", 10)), 20_000),
        ({}, (("input_image", 100), ("output_video", 1)), 0),
    ],
)
def test_ones_own_prices(prices: dict[str, str], uses: tuple[tuple[str, int], ...], nano: int) -> None:
    usage = Usage(input_tokens=1000, output_tokens=100, rare_counts=uses)
    priced = own(input="1", output="10", **prices).price("openai", "gpt-5", usage, AT_US, provider="openai")
    assert priced == Priced(2_000_000 + nano, "override", "override:1")


@pytest.mark.parametrize("rare_counts", [(("file_searches", 3),), (("code_containers", 3),), None], ids=str)
def test_uses_that_ones_own_price_lacks_are_left_out_and_said(
    rare_counts: tuple[tuple[str, int], ...] | None,
) -> None:
    usage = Usage(
        input_tokens=1000, output_tokens=100, rare_counts=rare_counts, web_searches=None if rare_counts else 3
    )
    pricing = own(input="1", output="10")
    priced = pricing.price("openai", "gpt-5", usage, AT_US, provider="openai")
    assert priced == Priced(2_000_000, "override", "override:1", fuzzy=True)
    told = pricing.explain("openai", recorded(usage, priced, "openai", "gpt-5"))
    (note,) = told.notes
    assert note.startswith("Your price has none for ") and note.endswith(" (3 used): they are not in the cost.")
    assert [part.unit for part in told.parts] == ["input", "output"]


def test_a_container_that_may_serve_several_answers_has_a_doubtful_cost() -> None:
    usage = Usage(input_tokens=1000, output_tokens=100, rare_counts=(("code_containers", 2),))
    pricing = own(input="1", output="10", code_container="0.03")
    priced = pricing.price("openai", "gpt-5", usage, AT_US, provider="openai")
    assert priced == Priced(62_000_000, "override", "override:1", fuzzy=True)
    (note,) = pricing.explain("openai", recorded(usage, priced, "openai", "gpt-5")).notes
    assert note == "A code container counts in each answer that used it: one that served several is billed once."


def test_another_model_of_ones_own_price_for_any_costs_one_request_with_it() -> None:
    usage = Usage(input_tokens=1000, output_tokens=100, rare_counts=(("gpt-image-1.5/input", 10),))
    pricing = Pricing()
    prices = UnitPrices(input="1", output="10", request="0.01")
    pricing.use_overrides([PriceOverride(provider="openai", model="*", prices=prices, id=1, created_us=1)])
    priced = pricing.price("openai", "gpt-5", usage, AT_US, provider="openai")
    assert priced == Priced(2_000_000 + 10_000 + 10_000_000, "override", "override:1")


def test_media_of_ones_own_price_are_told_apart_only_where_they_have_one() -> None:
    plain = [price.unit for price in own(input="1").price_row("openai", "openai", "gpt-5", AT_US).prices]
    apart = [
        price.unit for price in own(input="1", input_image="2").price_row("openai", "openai", "gpt-5", AT_US).prices
    ]
    assert set(apart) - set(plain) == {"image input"}


def test_a_search_that_chat_shows_by_what_it_cites() -> None:
    note = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 2}}
    message = {"role": "assistant", "content": "hi", "annotations": [note, note]}
    counts = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    answer = {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": counts}
    whole = parse_chat(json.dumps(answer).encode()).usage
    assert whole == Usage(input_tokens=1000, output_tokens=100, web_searches=1)
    assert peek_chat(json.dumps(answer).encode()) is None
    delta = {"id": "c", "choices": [{"index": 0, "delta": message, "finish_reason": "stop"}]}
    assert whole == streamed(ChatReader(), delta, {"id": "c", "choices": [], "usage": counts})
    # $1.25 and $10 per million, and $10 per thousand searches; the list has none for this model's.
    assert PRICING.price("openai", "gpt-5", whole, AT_US) == Priced(12_250_000, "list", "gpt-5")
    assert PRICING.price("openai", "gpt-5-search-api", whole, AT_US) == Priced(
        2_250_000, "list", "gpt-5-search-api", True
    )
    failed = {**answer, "choices": [{"index": 0, "message": message, "finish_reason": "error"}]}
    with pytest.raises(UpstreamError) as told:
        parse_chat(json.dumps(failed).encode())
    assert told.value.usage == whole
    seen = peek_chat(json.dumps(failed).encode())
    assert seen is not None and seen.usage == whole
    for uncounted in ({**failed, "usage": None}, {"id": "c", "choices": failed["choices"]}):
        with pytest.raises(UpstreamError) as told:
            parse_chat(json.dumps(uncounted).encode())
        seen = peek_chat(json.dumps(uncounted).encode())
        assert seen is not None and told.value.usage == seen.usage == Usage(web_searches=1)
    with pytest.raises(UpstreamError) as told:
        parse_chat(json.dumps({**answer, "error": {"message": "Boom.", "code": 500}}).encode())
    assert told.value.usage == whole
    message["annotations"] = [{"type": "file_citation"}, 3]
    plain = parse_chat(json.dumps(answer).encode()).usage
    assert plain is not None and plain.web_searches is None


def broken_off(reader: Reader, *events: dict[str, Any]) -> Usage:
    """What is known of a stream that ends here."""
    tally = Tally()
    data = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    for event in (*reader.feed(data), *reader.close()):
        tally.feed(event)
    usage, source = tally.verdict(400, answered=True)
    assert tally.failed and source in ("estimated", "partial")
    return usage


def test_what_hosted_tools_did_of_an_answer_that_broke_off_is_counted() -> None:
    items = [searched("search"), FILES, {**FILES, "status": "failed"}, python("c1"), searched("open_page"), IMAGE]
    done = [{"type": "response.output_item.done", "output_index": at, "item": item} for at, item in enumerate(items)]
    begun = {"type": "response.output_item.added", "output_index": 9, "item": {**FILES, "status": "in_progress"}}
    usage = broken_off(ResponsesReader(), {"type": "response.created", "response": {"id": "r"}}, *done, begun)
    uses = (("file_searches", 1), ("code_containers", 1), ("images", 1))
    assert usage == Usage(input_tokens=100, web_searches=1, rare_counts=uses)
    # $1.25 per million, $10 and $2.50 per thousand.
    assert PRICING.price("openai", "gpt-5", usage, AT_US) == Priced(125_000 + 12_500_000, "list", "gpt-5", True)


def test_the_provider_s_last_count_of_hosted_tools_stands() -> None:
    done = {"type": "response.output_item.done", "output_index": 0, "item": searched("search")}
    told = response([searched("search")], tool_usage={"web_search": {"num_requests": 0}})
    completed = {"type": "response.completed", "response": told}
    assert streamed(ResponsesReader(), done, completed).web_searches == 0
    drawn, told = {**done, "item": IMAGE}, RESPONSES["an image"][0]
    assert streamed(ResponsesReader(), drawn, {**completed, "response": told}) == usage_of_response(told)


@pytest.mark.parametrize(
    ("blocks", "searches"),
    [
        (({"type": "web_search_tool_result", "content": []}, {"type": "text", "text": "hi"}), 1),
        (({"type": "web_search_tool_result", "content": [{"type": "web_search_result"}]},) * 2, 2),
        (({"type": "web_search_tool_result", "content": {"error_code": "unavailable"}},), None),
        (({"type": "web_fetch_tool_result", "content": []},), None),
    ],
    ids=["one", "two", "an error", "another tool"],
)
def test_searches_of_a_message_that_broke_off_are_counted(
    blocks: tuple[dict[str, Any], ...], searches: int | None
) -> None:
    begun = {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 100, "output_tokens": 1}}}
    told = [
        event
        for at, block in enumerate(blocks)
        for event in (
            {"type": "content_block_start", "index": at, "content_block": block},
            {"type": "content_block_stop", "index": at},
        )
    ]
    assert broken_off(AnthropicReader(), begun, *told).web_searches == searches
    counted = {"output_tokens": 5, "server_tool_use": {"web_search_requests": 7}}
    last = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": counted}
    assert streamed(AnthropicReader(), begun, *told, last, {"type": "message_stop"}).web_searches == 7
    unended = [event for event in told if event["type"] == "content_block_start"]
    assert streamed(AnthropicReader(), begun, *unended, last, {"type": "message_stop"}).web_searches == 7


def test_a_search_that_a_chat_answer_cited_before_it_broke_off_is_counted() -> None:
    note = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 2}}
    said = {"id": "c", "choices": [{"index": 0, "delta": {"content": "hi", "annotations": [note, note]}}]}
    assert broken_off(ChatReader(), said, said) == Usage(input_tokens=100, output_tokens=1, web_searches=1)


def test_a_search_that_is_cited_does_not_make_a_count_of_what_counts_nothing() -> None:
    """The real count follows, and the stream must not be taken for settled before it."""
    note = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 2}}
    said = {"index": 0, "delta": {"content": "hi", "annotations": [note]}, "finish_reason": "stop"}
    empty = {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}
    ended = {"id": "c", "choices": [said], "usage": empty}
    reader, tally = ChatReader(), Tally()
    for event in reader.feed(b"data: %b\n\n" % json.dumps(ended).encode()):
        tally.feed(event)
    assert tally.usage == Usage(web_searches=1) and not tally.final and not tally.settled
    counts = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    counted = {"id": "c", "choices": [], "usage": counts}
    whole = Usage(input_tokens=1000, output_tokens=100, web_searches=1)
    assert streamed(ChatReader(), ended, counted) == whole


def test_only_containers_that_were_used_are_doubtful() -> None:
    usage = Usage(input_tokens=1000, output_tokens=100, web_searches=3)
    priced = own(input="1", output="10", web_search="5", code_container="1").price(
        "openai", "gpt-5", usage, AT_US, provider="openai"
    )
    assert priced == Priced(17_000_000, "override", "override:1")


@pytest.mark.parametrize(
    ("price_provider", "model", "note"),
    [
        ("openai", UNTOLD_MODEL, "A hosted tool asked another model, and which is not told: it is not in the cost."),
        ("openai", "nobody-knows-it", "No price is known for nobody-knows-it, which a hosted tool asked: "),
        # Nobody's list is asked where the provider has none.
        ("", "gpt-image-1.5", "No price is known for gpt-image-1.5, which a hosted tool asked: "),
    ],
)
def test_a_model_without_a_price_that_a_tool_asked_is_named(price_provider: str, model: str, note: str) -> None:
    usage = Usage(input_tokens=1000, output_tokens=100, rare_counts=((f"{model}/input", 9),))
    pricing = own(input="1", output="10")
    priced = pricing.price(price_provider, "gpt-5", usage, AT_US, provider="openai")
    assert priced == Priced(2_000_000, "override", "override:1", fuzzy=True)
    (told,) = pricing.explain(price_provider, recorded(usage, priced, "openai", "gpt-5")).notes
    assert told.startswith(note) and told.endswith("it is not in the cost.")


def test_ones_own_price_of_a_model_that_a_tool_asked_explains_its_share() -> None:
    usage = Usage(input_tokens=1000, output_tokens=100, rare_counts=(("gpt-image-1.5/input", 10),))
    prices = UnitPrices(input="7")
    pricing = Pricing()
    pricing.use_overrides(
        [PriceOverride(provider="openai", model="gpt-image-1.5", prices=prices, id=1, created_us=1)]
    )
    priced = pricing.price("openai", "gpt-5", usage, AT_US, provider="openai")
    assert priced == Priced(GPT_5_NANO + 70_000, "list", "gpt-5")
    told = pricing.explain("openai", recorded(usage, priced, "openai", "gpt-5"))
    assert told.exact_nano == str(GPT_5_NANO + 70_000) and told.parts[-1].unit == "input of gpt-image-1.5"


@pytest.mark.parametrize(
    ("read", "compacted", "tier", "doubtful"),
    [(150, 100, 2, True), (201, 100, 2, False), (50, 201, 2, False), (100, 100, 1, False), (250, 0, 2, False)],
)
def test_a_tier_that_only_compacting_the_history_reaches_is_doubtful(
    read: int, compacted: int, tier: int, doubtful: bool
) -> None:
    iterations = [{"type": "compaction", "input_tokens": compacted}, {"type": "message", "input_tokens": read}]
    told = {"input_tokens": read, "output_tokens": 0, "iterations": iterations}
    answer = {"id": "m", "content": [], "stop_reason": "end_turn", "usage": told}
    usage = parse_message(json.dumps(answer).encode()).usage
    assert usage is not None and usage.input_tokens == read + compacted
    one, two = UnitPrices(input="1"), UnitPrices(input="2")
    pricing = Pricing()
    pricing.use_overrides(
        [PriceOverride(provider="p", model="m", prices=one, tier_start=200, tier_prices=two, id=1, created_us=1)]
    )
    priced = pricing.price("", "m", usage, AT_US, provider="p")
    assert priced == Priced((read + compacted) * tier * 1000, "override", "override:1", fuzzy=doubtful)
    notes = pricing.explain("", recorded(usage, priced, "p", "m")).notes
    assert bool(notes) == doubtful and all("compacting the history" in note for note in notes)


BEGUN = {"id": "c", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "A long answer."}}]}
COUNTED = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
BOOM = {"message": "Boom.", "code": 500}
UNNAMED = {
    "id": "c",
    "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}}],
}
STOPPED = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    "events",
    [
        (BEGUN, {"error": BOOM, "usage": COUNTED}),
        ({"error": BOOM, "usage": COUNTED},),
        (BEGUN, {"choices": [{"index": 0, "delta": {}, "finish_reason": "error", "error": BOOM}], "usage": COUNTED}),
        (BEGUN, UNNAMED, STOPPED, {"id": "c", "choices": [], "usage": COUNTED}),
    ],
    ids=["an error", "an error alone", "a failed choice", "a call without a name"],
)
def test_what_a_stream_counts_as_it_fails_is_kept(events: tuple[dict[str, Any], ...]) -> None:
    tally = Tally()
    reader = ChatReader()
    data = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    for event in (*reader.feed(data), *reader.close()):
        tally.feed(event)
    assert tally.failed
    usage = Usage(input_tokens=10, output_tokens=2)
    assert tally.verdict(400, answered=True) == (usage, "provider")


def test_what_a_stream_counted_before_it_failed_is_kept() -> None:
    usage = broken_off(ChatReader(), {**BEGUN, "usage": COUNTED}, {"error": BOOM})
    assert usage == Usage(input_tokens=10, output_tokens=4)


def test_an_error_that_counts_nothing_does_not_make_what_was_said_free() -> None:
    nothing = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    usage = broken_off(ChatReader(), BEGUN, {"error": BOOM, "usage": nothing})
    assert usage == Usage(input_tokens=100, output_tokens=4)
    usage = broken_off(ChatReader(), BEGUN, {"error": BOOM, "usage": {**nothing, "prompt_tokens": 10}})
    assert usage == Usage(input_tokens=10, output_tokens=4)
    # Of one that refused at once it is so.
    assert streamed(ChatReader(), {"error": BOOM, "usage": nothing}) == Usage(input_tokens=0, output_tokens=0)
