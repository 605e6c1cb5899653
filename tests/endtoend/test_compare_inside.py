"""A comparison as the window runs it: told while it grows, given up by one or in all, estimated before it costs."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gateway import (
    Changes,
    ClientError,
    ComparedAnswer,
    DataFolder,
    FaregateError,
    Gateway,
    RatedAnswer,
    Text,
    UsageQuery,
    load_settings,
)
from gateway.comparing.comparer import TOLD_EVERY_S
from gateway.comparing.comparison_estimates import ASSUMED_OUTPUT, MEDIA_TOKENS
from gateway.comparing.ratings import Ratings
from gateway.configuration.setting_values import DAY_US
from tests.endtoend.serving import MODELS, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import until, wait_until

TWO = [MODELS["openai"], MODELS["anthropic"]]


@pytest.fixture
async def gateway(provider: ProviderProcess, tmp_path: Path) -> AsyncIterator[Gateway]:
    environ = {"FAREGATE_VAULT": "memory", "FAREGATE_PORT": "0", **upstreams(provider.base_urls)}
    del environ["FAREGATE_XAI_API_KEY"]
    made = Gateway(DataFolder(tmp_path), load_settings(tmp_path, environ))
    await made.start()
    yield made
    await made.close()


def body(text: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}], **more}


def text_of(answer: ComparedAnswer) -> str:
    return "".join(part.text for part in answer.parts if isinstance(part, Text))


async def rows_after(gateway: Gateway, count: int) -> list[Any]:
    """The rows once there are so many, newest first."""
    found: list[Any] = []

    async def are_there() -> bool:
        found[:] = (await gateway.requests(UsageQuery())).rows
        return len(found) >= count and all(row.outcome != "interrupted" or row.latency_us for row in found)

    await until(are_there)
    return found


async def test_answers_are_told_while_they_grow_and_the_last_word_is_the_row(gateway: Gateway) -> None:
    told: list[ComparedAnswer] = []
    times: dict[int, list[float]] = {0: [], 1: []}

    def tell(answer: ComparedAnswer) -> None:
        told.append(answer)
        times[answer.place].append(time.perf_counter())

    made = await gateway.compare(TWO, body("Rivers [[slow:60]]"), id="cmp_mine", told=tell)
    assert made.id == "cmp_mine" and [answer.model for answer in made.answers] == TWO
    rows = {row.id: row for row in await rows_after(gateway, 2)}
    for place, answer in enumerate(made.answers):
        seen = [each for each in told if each.place == place]
        texts = [text_of(each) for each in seen]
        assert (seen[0].state, texts[0], seen[0].record, seen[0].ttft_us) == ("waiting", "", None, None)
        assert {each.state for each in seen[1:-1]} <= {"waiting", "answering"} and len(seen) > 3
        assert seen[-1] == answer and answer.state == "ok"
        assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
        assert answer.record == rows[answer.request_id] and answer.record.ttft_us is not None
        assert answer.ttft_us == answer.record.ttft_us
        assert (answer.record.key, answer.record.client) == ("Faregate window", "Faregate")
        # The end is told at once; everything between keeps its distance.
        between = times[place][1:-1]
        assert all(b - a >= TOLD_EVERY_S * 0.9 for a, b in pairwise(between))
    assert gateway.completeness().seen == 2


async def test_one_is_given_up_and_the_other_goes_on(gateway: Gateway, provider: ProviderProcess) -> None:
    provider.order("stall", provider="anthropic")
    heard: dict[int, ComparedAnswer] = {}
    asking = asyncio.create_task(
        gateway.compare(TWO, body("Hi"), id="cmp_a", told=lambda a: heard.update({a.place: a}))
    )
    await until(lambda: heard.get(0) and heard[0].state == "ok" and heard[1].state == "answering")
    assert not asking.done()
    gateway.cancel_comparison("cmp_other", 1)
    gateway.cancel_comparison("cmp_a", 1)
    made = await asking
    assert [answer.state for answer in made.answers] == ["ok", "aborted"]
    assert text_of(made.answers[1]) and made.answers[1].record is not None
    assert made.answers[1].record.usage_source == "partial"
    kept = await gateway.comparisons()
    assert [(each.outcome, each.place) for each in kept] == [("ok", 0), ("aborted", 1)]


async def test_an_answer_is_rated_while_another_is_still_being_given(
    gateway: Gateway, provider: ProviderProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = Ratings.keep

    def late(ratings: Ratings, answer: ComparedAnswer) -> None:
        time.sleep(0.1)
        keep(ratings, answer)

    monkeypatch.setattr(Ratings, "keep", late)
    provider.order("stall", provider="anthropic")
    rating: list[asyncio.Task[RatedAnswer]] = []

    def tell(answer: ComparedAnswer) -> None:
        # At once, before the answer can be kept.
        if answer.place == 0 and answer.record is not None:
            rating.append(asyncio.create_task(gateway.rate(answer.request_id, 4, "to the point")))

    asking = asyncio.create_task(gateway.compare(TWO, body("Hi"), id="cmp_rated", told=tell))
    await until(lambda: bool(rating) and rating[0].done())
    assert not asking.done()
    rated = await rating[0]
    assert (rated.stars, rated.note, rated.place) == (4, "to the point", 0)
    gateway.cancel_comparison("cmp_rated")
    await asking
    assert [(each.place, each.stars) for each in await gateway.comparisons()] == [(0, 4), (1, None)]


async def test_the_rating_that_was_given_last_stands_however_long_one_before_it_takes(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, rate = Ratings.keep, Ratings.rate

    def keep_late(ratings: Ratings, answer: ComparedAnswer) -> None:
        time.sleep(0.1)
        keep(ratings, answer)

    def rate_late(ratings: Ratings, request_id: str, stars: int, note: str = "", **of: Any) -> RatedAnswer:
        time.sleep(0.1)
        return rate(ratings, request_id, stars, note, **of)

    monkeypatch.setattr(Ratings, "keep", keep_late)
    monkeypatch.setattr(Ratings, "rate", rate_late)
    ratings: list[asyncio.Task[RatedAnswer]] = []

    def tell(answer: ComparedAnswer) -> None:
        # At once, before the answer can be kept.
        if answer.place == 0 and answer.record is not None:
            ratings.append(asyncio.create_task(gateway.rate(answer.request_id, 4)))
            ratings.append(asyncio.create_task(gateway.remove_rating(answer.request_id)))

    await gateway.compare(TWO, body("Hi"), told=tell)
    assert [each.stars for each in await asyncio.gather(*ratings)] == [4, None]
    assert [each.stars for each in await gateway.comparisons()] == [None, None]


async def test_what_was_answered_is_kept_though_nobody_waits_for_the_rest(
    gateway: Gateway, provider: ProviderProcess
) -> None:
    provider.order("stall", provider="anthropic")
    heard: dict[int, ComparedAnswer] = {}
    asking = asyncio.create_task(gateway.compare(TWO, body("Hi"), told=lambda a: heard.update({a.place: a})))
    await until(lambda: heard.get(0) and heard[0].state == "ok" and heard[1].state == "answering")
    await gateway.rate(heard[0].request_id, 5)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert [(each.place, each.stars) for each in await gateway.comparisons()] == [(0, 5)]


async def test_who_listens_and_fails_ends_no_exchange(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    def tell(_answer: ComparedAnswer) -> None:
        raise RuntimeError("The window is gone.")

    made = await gateway.compare(TWO, body("Hi"), told=tell)
    assert [answer.state for answer in made.answers] == ["ok", "ok"]
    assert [each.outcome for each in await gateway.comparisons()] == ["ok", "ok"]
    await until(lambda: gateway.completeness().written == 2)
    assert (gateway.completeness().seen, gateway.completeness().open) == (2, 0)
    assert "The window is gone." in caplog.text


async def test_each_answer_that_is_kept_is_told(gateway: Gateway, provider: ProviderProcess) -> None:
    provider.order("stall", provider="anthropic")
    heard: list[Changes] = []
    gateway.changed = heard.append
    asking = asyncio.create_task(gateway.compare(TWO, body("Hi"), id="cmp_heard"))
    for place in (0, 1):
        await until(lambda: any(changes.comparisons for changes in heard))
        assert [answer.place for answer in await gateway.comparisons()] == list(range(place + 1))
        heard.clear()
        gateway.cancel_comparison("cmp_heard")
    await asking


async def test_all_are_given_up(gateway: Gateway, provider: ProviderProcess) -> None:
    asking = asyncio.create_task(gateway.compare(TWO, body("[[stall]]"), id="cmp_b"))
    await asyncio.to_thread(_wait_open, provider, 2)
    gateway.cancel_comparison("cmp_b")
    assert [answer.state for answer in (await asking).answers] == ["aborted", "aborted"]
    await asyncio.to_thread(provider.wait_idle)
    asking = asyncio.create_task(gateway.compare(TWO, body("[[stall]]")))
    await asyncio.to_thread(_wait_open, provider, 2)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert [row.status for row in await rows_after(gateway, 4)] == [499] * 4
    await asyncio.to_thread(provider.wait_idle)


async def test_a_gateway_that_stops_ends_what_the_window_asked(gateway: Gateway, provider: ProviderProcess) -> None:
    asking = asyncio.create_task(gateway.compare(TWO, body("[[stall]]")))
    await asyncio.to_thread(_wait_open, provider, 2)
    await gateway.stop(0.05)
    assert [answer.state for answer in (await asking).answers] == ["interrupted", "interrupted"]
    assert {row.error_type for row in await rows_after(gateway, 2)} == {"interrupted"}
    with pytest.raises(FaregateError, match="switch it on"):
        await gateway.compare(TWO, body("Hi"))
    await gateway.start()
    assert (await gateway.compare(TWO, body("Hi"))).answers[0].state == "ok"


async def test_what_it_would_cost_is_told_before_and_what_cannot_be_asked_costs_nothing(gateway: Gateway) -> None:
    models = [*TWO, "no-such-model", MODELS["xai"], "gpt-9-unheard-of"]
    found = gateway.estimate_comparison(models, body("x" * 391))
    known, other, unknown, keyless, unpriced = found
    # "Be brief." and the question: 400 bytes.
    assert {each.input_tokens for each in found} == {100} and {each.output_tokens for each in found} == {
        ASSUMED_OUTPUT
    }
    assert (known.provider, known.bounded, known.problem) == ("openai", False, None)
    # gpt-4.1-mini: $0.40 and $1.60 a million; claude-sonnet-4-6: $3 and $15.
    assert (known.cost_nano, other.cost_nano) == (
        100 * 400 + ASSUMED_OUTPUT * 1600,
        100 * 3000 + ASSUMED_OUTPUT * 15000,
    )
    assert unknown.cost_nano is None and unknown.problem and "no-such-model" in unknown.problem
    assert keyless.problem and "No key for xAI" in keyless.problem and keyless.cost_nano
    assert (unpriced.provider, unpriced.cost_nano, unpriced.problem) == ("openai", None, None)
    bounded = gateway.estimate_comparison(TWO, body("Hi", max_completion_tokens=50))
    assert {(each.output_tokens, each.bounded) for each in bounded} == {(50, True)}
    picture = [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]
    seen = gateway.estimate_comparison(TWO, {"messages": [{"role": "user", "content": picture}]})
    assert {each.input_tokens for each in seen} == {MEDIA_TOKENS}
    for models, request in ((TWO[:1], body("Hi")), (TWO, {"messages": []}), (TWO, {})):
        with pytest.raises(ClientError):
            await gateway.compare(models, request)
    await gateway.switch_provider("openai", False)
    off = gateway.estimate_comparison(TWO, body("Hi"))[0]
    assert off.problem == "OpenAI is switched off: switch it on under Providers." and off.cost_nano
    assert gateway.completeness().seen == 0


async def test_what_is_too_old_goes_and_what_was_rated_stays(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    rated, _ = (await gateway.compare(TWO, body("Rated"), id="cmp_r")).answers
    await gateway.rate(rated.request_id, 5, "good")
    await gateway.compare(TWO, body("Unrated"), id="cmp_u")

    async def prompts() -> list[str | None]:
        return [each.prompt for each in await gateway.comparisons()]

    async def are_kept() -> bool:
        return None not in await prompts()

    await until(are_kept)
    assert await prompts() == ["Unrated", "Unrated", "Rated", "Rated"]
    now_ns = time.time_ns()
    _later(monkeypatch, now_ns, days=31)
    await gateway.clean_up()
    assert await prompts() == [None] * 4
    _later(monkeypatch, now_ns, days=400)
    await gateway.clean_up()
    (left, beside) = await gateway.comparisons()
    assert (left.comparison, left.stars, left.note, beside.comparison, beside.stars) == (
        "cmp_r",
        5,
        "good",
        "cmp_r",
        None,
    )


def _later(monkeypatch: pytest.MonkeyPatch, now_ns: int, *, days: int) -> None:
    shifted: Callable[[], int] = lambda: now_ns + days * DAY_US * 1000  # noqa: E731
    monkeypatch.setattr("gateway.upkeep.time.time_ns", shifted)


def _wait_open(provider: ProviderProcess, count: int) -> None:
    wait_until(lambda: provider.open() == count)
