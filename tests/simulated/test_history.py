from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from gateway.model import Usage
from gateway.prices.pricing import Pricing
from gateway.providers.catalog import PROVIDERS
from gateway.records import COST_SOURCES, OUTCOMES, USAGE_SOURCES, ExchangeRecord
from gateway.simulated.history import history

DAY = 86_400_000_000
HOUR = DAY // 24
PRICING = Pricing()


def price(provider: str, model: str, usage: Usage, at_us: int) -> tuple[int | None, str, str | None]:
    priced = PRICING.price({"xai": "x-ai"}.get(provider, provider), model, usage, at_us)
    return priced.cost_nano, priced.source, priced.price_id


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e6)


MONDAY_AFTERNOON = at("2026-11-23T16:20:11")


@pytest.fixture(scope="module")
def month() -> tuple[ExchangeRecord, ...]:
    return tuple(history(MONDAY_AFTERNOON, price))


def spent(rows: Sequence[ExchangeRecord]) -> int:
    return sum(row.cost_nano or 0 for row in rows)


def test_a_month_is_as_large_as_a_small_company(month: tuple[ExchangeRecord, ...]) -> None:
    assert 12_000 <= len(month) <= 16_000
    assert 5 <= len({row.model for row in month}) <= 7
    assert {row.provider for row in month} == {"anthropic", "openai", "google", "xai"}
    assert 7 <= len({row.user for row in month}) <= 10
    assert len({row.key for row in month}) == 5
    assert {"Claude Code", "Codex", "Gemini CLI", "OpenAI SDK (Python)"} <= {row.client for row in month}
    assert {tag.split(":")[0] for row in month for tag in row.tags} == {"team", "env", "feature"}
    failed = sum(row.outcome != "ok" for row in month)
    assert 0.005 < failed / len(month) < 0.02
    assert {429, 499, 502} <= {row.status for row in month}
    assert 100e9 < spent(month) < 400e9


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    assert tuple(history(MONDAY_AFTERNOON, price, days=3)) == tuple(history(MONDAY_AFTERNOON, price, days=3))
    assert tuple(history(MONDAY_AFTERNOON, price, days=3, seed=8)) != tuple(history(MONDAY_AFTERNOON, price, days=3))


def test_rows_are_in_order_and_over_before_now(month: tuple[ExchangeRecord, ...]) -> None:
    starts = [row.started_us for row in month]
    assert starts == sorted(starts) and starts[0] >= MONDAY_AFTERNOON - 30 * DAY
    assert all(row.started_us + (row.latency_us or 0) < MONDAY_AFTERNOON for row in month)
    assert len({row.id for row in month}) == len(month)


def test_every_row_is_sound(month: tuple[ExchangeRecord, ...]) -> None:
    for row in month:
        assert row.outcome in OUTCOMES and row.usage_source in USAGE_SOURCES and row.cost_source in COST_SOURCES
        assert row.latency_us and row.latency_us > 0 and (row.ttft_us is None or row.ttft_us <= row.latency_us)
        assert len(row.attempts) == 1
        assert (row.outcome == "ok") == (row.error_type is None) == (row.status == 200)
        assert (row.usage_source == "none") == (row.input_tokens is None)
        if row.input_tokens is not None:
            assert row.cost_nano is not None
            assert (row.cached_tokens or 0) + (row.cache_write_tokens or 0) <= row.input_tokens
            assert (row.reasoning_tokens or 0) <= (row.output_tokens or 0)
        else:
            assert (row.cost_nano, row.cost_source) == (None, "none") and row.error_message


def test_costs_are_the_list_prices(month: tuple[ExchangeRecord, ...]) -> None:
    for row in [row for row in month[:200] if row.usage_source != "none"]:
        assert row.provider and row.model
        used = Usage(
            input_tokens=row.input_tokens,
            cached_tokens=row.cached_tokens,
            cache_write_tokens=row.cache_write_tokens,
            output_tokens=row.output_tokens,
        )
        assert row.cost_nano == price(row.provider, row.model, used, row.started_us)[0]


def test_offices_work_by_day_and_on_weekdays(month: tuple[ExchangeRecord, ...]) -> None:
    hours = Counter((row.started_us // HOUR) % 24 for row in month)
    assert min(hours[hour] for hour in (10, 11, 14)) > 4 * max(hours[hour] for hour in (0, 1, 4))
    days = Counter(datetime.fromtimestamp(row.started_us / 1e6, UTC).weekday() for row in month)
    assert min(days[day] for day in range(5)) > 1.8 * max(days[5], days[6])
    shifted = Counter(
        (row.started_us // HOUR + 9) % 24 for row in history(MONDAY_AFTERNOON, price, utc_offset_s=32400)
    )
    assert shifted[11] > 4 * shifted[4]


@pytest.mark.parametrize(
    "now", ["2026-11-23T04:05:00", "2026-11-22T23:50:00", "2026-11-21T12:00:30", "2026-11-25T09:00:01"]
)
def test_the_last_hours_show_something_whenever_it_is(now: str) -> None:
    rows = tuple(history(at(now), price, days=2))
    for back in range(4):
        assert sum(at(now) - (back + 1) * HOUR <= row.started_us < at(now) - back * HOUR for row in rows) >= 4, back


def test_a_longer_history_ends_like_a_shorter_one_and_grows(month: tuple[ExchangeRecord, ...]) -> None:
    longer = tuple(history(MONDAY_AFTERNOON, price, days=60))
    assert tuple(row for row in longer if row.started_us >= MONDAY_AFTERNOON - 30 * DAY) == month
    earlier = len(longer) - len(month)
    assert 0.75 * len(month) < earlier < 0.97 * len(month)


def test_one_day_at_one_provider_is_slow(month: tuple[ExchangeRecord, ...]) -> None:
    def typical(rows: Sequence[ExchangeRecord]) -> float:
        values = sorted(row.ttft_us or 0 for row in rows if row.streamed)
        return values[len(values) // 2]

    slow = [
        row
        for row in month
        if row.provider == "anthropic" and at("2026-11-20T13:30:00") <= row.started_us < at("2026-11-20T18:00:00")
    ]
    others = [row for row in month if row.provider == "anthropic" and row.started_us < at("2026-11-18T00:00:00")]
    assert typical(slow) > 2 * typical(others)


def test_what_failed_calls_its_provider_as_the_rest_of_the_program_does(month: tuple[ExchangeRecord, ...]) -> None:
    titles = {provider.name: provider.title for provider in PROVIDERS}
    said = [(titles[row.provider or ""], row.error_message or "") for row in month if row.outcome == "error"]
    assert {title for title, _ in said} == set(titles.values())
    assert [message for title, message in said if not message.startswith(f"{title} ")] == []
