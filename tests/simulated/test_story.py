"""The demo's conversations: each call is a sound row and is told with the same ids, and there is something of all."""

from collections import Counter

import pytest

from gateway.capture.header_masks import is_secret
from gateway.model import Blob, File, Reasoning, Role, Text, ToolCall, ToolCallResponse, Usage
from gateway.prices.pricing import Pricing
from gateway.records import ExchangeRecord
from gateway.relaying.clients import client_name
from gateway.simulated.stories import STORIES
from gateway.simulated.story import Episode, Story, episodes, tell
from gateway.simulated.workloads import WORKLOADS

DAY = 86_400_000_000
NOW = 1_795_456_980_000_000
"""Mon 23 Nov 2026, 18:03 UTC."""
PRICING = Pricing()


def price(provider: str, model: str, usage: Usage, at_us: int) -> tuple[int | None, str, str | None]:
    priced = PRICING.price({"xai": "x-ai"}.get(provider, provider), model, usage, at_us)
    return priced.cost_nano, priced.source, priced.price_id


FORTNIGHT = tuple(episodes(STORIES, NOW, price, days=14))
ROWS = tuple(episode.record for episode in FORTNIGHT)


def told(story: Story) -> list[Episode]:
    return list(tell(story, NOW, "seed", price))


def parts_of(episode: Episode) -> list[object]:
    response = episode.told.response
    request = episode.told.request
    assert request is not None
    said = [part for message in request.messages for part in message.parts]
    return [*said, *(part for choice in (response.choices if response else ()) for part in choice.parts)]


def test_a_fortnight_has_a_few_dozen_conversations() -> None:
    conversations = {row.conversation_id for row in ROWS}
    assert 40 <= len(conversations) <= 70
    assert {row.app for row in ROWS} == {load.app for load in WORKLOADS if load.app != "review-bot"}
    assert len({row.model for row in ROWS}) >= 6
    assert max(row.started_us for row in ROWS) > NOW - DAY


def test_the_same_day_gives_the_same_rows_whenever_it_is_told() -> None:
    later = {episode.record.id: episode for episode in episodes(STORIES, NOW + DAY, price, days=14)}
    again = [episode for episode in FORTNIGHT if episode.record.started_us > NOW - 12 * DAY]
    assert again and all(later[episode.record.id] == episode for episode in again)


def test_no_call_ends_after_now_or_begins_before_the_first_day() -> None:
    assert all(NOW - 14 * DAY <= row.started_us < row.started_us + (row.latency_us or 0) < NOW for row in ROWS)
    assert len({row.id for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS[:80], ids=lambda row: row.id)
def test_every_row_is_sound(row: ExchangeRecord) -> None:
    assert (row.latency_us and row.ttft_us is None) or row.ttft_us <= row.latency_us  # type: ignore[operator]
    assert (row.outcome == "ok") == (row.error_type is None) == (row.status == 200)
    if row.outcome == "ok":
        assert row.input_tokens and row.output_tokens and row.cost_nano is not None
        assert (row.cached_tokens or 0) + (row.cache_write_tokens or 0) <= row.input_tokens
        assert (row.reasoning_tokens or 0) <= row.output_tokens
        usage = Usage(
            input_tokens=row.input_tokens,
            cached_tokens=row.cached_tokens,
            cache_write_tokens=row.cache_write_tokens,
            cache_write_5m_tokens=row.cache_write_tokens,
            cache_write_1h_tokens=row.cache_write_1h_tokens,
            output_tokens=row.output_tokens,
            reasoning_tokens=row.reasoning_tokens,
        )
        assert row.cost_nano == price(str(row.provider), str(row.model), usage, row.started_us)[0]
    else:
        assert (row.input_tokens, row.cost_nano, row.usage_source) == (None, None, "none") and row.error_message


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_row_and_what_is_told_of_it_are_the_same_call(story: Story) -> None:
    for episode in told(story):
        record, said = episode.record, episode.told
        assert said.request_id == record.id and said.conversation == record.conversation_id
        assert said.scope == record.key_id and said.user == record.user
        for name in (
            "started_us",
            "provider",
            "model",
            "cost_nano",
            "outcome",
            "trace_id",
            "span_id",
            "door",
            "tags",
        ):
            assert getattr(said, name) == getattr(record, name)
        assert said.usage.input_tokens == record.input_tokens
        assert said.request is not None and said.request.messages[0].role == Role.SYSTEM
        assert (said.response is None) == (record.outcome != "ok")


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_call_s_headers_are_masked_and_tell_what_its_row_tells(story: Story) -> None:
    for episode in told(story):
        record, groups = episode.record, episode.told.headers
        asked, sent, answered, given = (dict(zip(each.names, each.values, strict=True)) for each in groups)
        assert [(each.whose, each.attempt) for each in groups] == [
            ("asked", 0), ("sent", 1), ("answered", 1), ("given", 0),
        ]  # fmt: skip
        assert client_name(asked["User-Agent"]) == record.client
        for headers, start in ((asked, "tk_…"), (sent, "")):
            secrets = [value for name, value in headers.items() if is_secret(name)]
            assert len(secrets) == 1 and start in secrets[0] and "…" in secrets[0]
        assert asked.get("x-tags", "") == ",".join(record.tags)
        assert given["x-request-id"] == record.id and given["x-faregate-model"] == record.model
        assert record.upstream_request_id in answered.values()
        assert groups[0].line.startswith("POST /api/ai/v1") and groups[1].line.startswith("POST https://")
        assert {groups[2].line, groups[3].line} == {str(record.status)}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_each_call_sends_the_history_that_it_continues(story: Story) -> None:
    made = told(story)
    for number, (say, episode) in enumerate(zip(story.turns, made, strict=True)):
        request = episode.told.request
        assert request is not None
        if number == 0 or say.own is not None:
            assert all(message.role != Role.ASSISTANT for message in request.messages)
            continue
        before = made[number - 1 if say.after is None else say.after].told
        assert before.request is not None
        length = len(before.request.messages)
        assert request.messages[:length] == before.request.messages
        if before.response is not None:
            assert request.messages[length].parts == before.response.choices[0].parts


def test_every_result_answers_a_call() -> None:
    for story in STORIES:
        for episode in told(story):
            parts = parts_of(episode)
            calls = {part.id for part in parts if isinstance(part, ToolCall)}
            assert {part.id for part in parts if isinstance(part, ToolCallResponse)} <= calls


def test_there_is_something_of_everything() -> None:
    kinds: Counter[type] = Counter()
    for story in STORIES:
        for episode in told(story):
            kinds.update(type(part) for part in parts_of(episode))
    assert {Text, Reasoning, ToolCall, ToolCallResponse, Blob, File} <= kinds.keys()
    turns = [say for story in STORIES for say in story.turns]
    assert any(say.fault for say in turns) and any(say.own for say in turns) and any(say.after == 0 for say in turns)
    assert any(say.dropped for say in turns) and any(say.adapted for say in turns) and any(say.cold for say in turns)
    assert any(part == Reasoning("") for say in turns for part in say.answered)
    assert any(say.by is not None and say.by[0] != story.by[0] for story in STORIES for say in story.turns)
