import threading

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from gateway.records import Completeness
from gateway.routes import Call, Download
from gateway.telemetry.exchange_spans import Surroundings
from gateway.telemetry.own import OwnTelemetry, metrics_route
from gateway.telemetry.prometheus import prometheus_text
from gateway.telemetry.totals import OTHER, Totals
from tests.store.examples import FULL


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def told(totals: Totals, key_id: str | None = None) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    meter = None if key_id else Completeness(seen=9, written=8, priced=7, open=1)
    text = prometheus_text(totals.each(key_id), version="1.2.3", meter=meter, open_requests=None if key_id else 3)
    return samples(text)


LABELS = (("door", "anthropic"), ("key", "laptop"), ("model", "gpt-5"), ("outcome", "ok"), ("provider", "openai"))


def labelled(**more: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((*LABELS, *more.items())))


def test_sums_of_all_that_ended() -> None:
    totals = Totals()
    for _ in range(3):
        totals.add(FULL)
    found = told(totals)
    assert found[("faregate_requests_total", LABELS)] == 3
    assert found[("faregate_cost_usd_total", LABELS)] == 3.70370367
    expected = {"input": 300, "cache_read": 120, "cache_write": 21, "output": 150, "reasoning": 60}
    for word, tokens in expected.items():
        assert found[("faregate_tokens_total", labelled(type=word))] == tokens
    assert found[("faregate_exchanges_total", (("state", "seen"),))] == 9
    assert found[("faregate_open_requests", ())] == 3
    assert found[("faregate_build_info", (("version", "1.2.3"),))] == 1


def test_histograms_count_upwards() -> None:
    totals = Totals()
    for latency_us in (5_000, 10_000, 3_000_000, 500_000_000):
        totals.add(replace(FULL, latency_us=latency_us))
    found = told(totals)
    name = "faregate_request_duration_seconds_bucket"
    counts = [found[(name, labelled(le=bound))] for bound in ("0.01", "2.56", "5.12", "81.92", "+Inf")]
    assert counts == [2, 2, 3, 3, 4]
    assert found[("faregate_request_duration_seconds_count", LABELS)] == 4
    assert found[("faregate_request_duration_seconds_sum", LABELS)] == 503.015
    assert found[("faregate_time_to_first_token_seconds_sum", LABELS)] == 4 * 0.5
    assert found[("faregate_overhead_seconds_sum", LABELS)] == pytest.approx(4 * 0.0009)
    assert found[("faregate_overhead_seconds_bucket", labelled(le="0.0005"))] == 0
    assert found[("faregate_overhead_seconds_bucket", labelled(le="0.001"))] == 4


def test_no_price_is_counted_and_never_zero_dollars() -> None:
    totals = Totals()
    totals.add(replace(FULL, cost_nano=None, cost_source="none"))
    totals.add(replace(FULL, cost_nano=None, cost_source="none", usage_source="none", attempts=()))
    assert told(totals)[("faregate_unpriced_requests_total", LABELS)] == 1
    assert ("faregate_cost_usd_total", LABELS) not in told(totals)
    totals.add(replace(FULL, cost_nano=None, cost_source="none", usage_source="none"))
    assert told(totals)[("faregate_unpriced_requests_total", LABELS)] == 2, "a provider was asked, and never answered"
    totals.add(replace(FULL, cost_nano=0))
    assert told(totals)[("faregate_cost_usd_total", LABELS)] == 0


def test_what_used_nothing_costs_nothing() -> None:
    totals = Totals()
    totals.add(replace(FULL, cost_nano=None, cost_source="none", usage_source="none", attempts=()))
    assert told(totals)[("faregate_cost_usd_total", LABELS)] == 0


def test_a_key_sees_its_own_only() -> None:
    totals = Totals()
    totals.add(FULL)
    totals.add(replace(FULL, key_id="key_2", key="other"))
    names = {name for name, labels in told(totals, "key_2") if ("key", "laptop") in labels}
    assert names == set()
    assert not any(name.startswith(("faregate_exchanges", "faregate_open")) for name, _ in told(totals, "key_2"))


def test_a_new_key_of_a_revoked_ones_name_goes_on_in_its_series() -> None:
    totals = Totals()
    totals.add(FULL)
    totals.add(replace(FULL, key_id="key_2", latency_us=10_000))
    totals.add(replace(FULL, key_id="key_2", latency_us=10_000, cost_nano=None, cost_source="none"))
    found = told(totals)
    assert found[("faregate_requests_total", LABELS)] == 3
    assert found[("faregate_unpriced_requests_total", LABELS)] == 1
    assert found[("faregate_cost_usd_total", LABELS)] == pytest.approx(2 * 1.23456789)
    assert found[("faregate_tokens_total", labelled(type="output"))] == 150
    name = "faregate_request_duration_seconds"
    assert found[(f"{name}_bucket", labelled(le="0.01"))] == 2
    assert (found[(f"{name}_count", LABELS)], found[(f"{name}_sum", LABELS)]) == (3, pytest.approx(2.52))
    assert told(totals, "key_2")[("faregate_requests_total", LABELS)] == 2


def test_the_number_of_series_is_bounded_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    # Prometheus's own parser takes seconds for the lines of all that there may be.
    monkeypatch.setattr("gateway.telemetry.totals.MOST_SERIES", 40)
    totals = Totals()
    for n in range(40 + 50):
        totals.add(replace(FULL, model=f"model-{n}"))
    found = told(totals)
    requests = {labels: value for (name, labels), value in found.items() if name == "faregate_requests_total"}
    assert len(requests) == 41 and sum(requests.values()) == 40 + 50
    assert [value for labels, value in requests.items() if ("model", OTHER) in labels] == [50]


async def test_the_loop_goes_on_while_a_monitors_text_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    own = OwnTelemetry(Surroundings)
    made_by = []

    def text(*_given: object) -> bytes:
        made_by.append(threading.current_thread())
        return b"faregate"

    monkeypatch.setattr(own, "text", text)
    answer = await metrics_route(own, "1.2.3", Completeness, lambda: 0).read(Call(principal=None, query=(), rest=""))
    assert isinstance(answer, Download) and [chunk async for chunk in answer.chunks] == [b"faregate"]
    assert len(made_by) == 1 and made_by[0] is not threading.main_thread()
