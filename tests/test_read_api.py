from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ClientError
from gateway.number_filters import NUMBERS, number_text, parse_number
from gateway.read_api import (
    FILTERS,
    parse_limit,
    parse_query,
    render_beside_page,
    render_beside_rows,
    render_bucket,
    render_money,
    render_row,
    render_summary,
    render_time,
    row_of_breakdown,
)
from gateway.records import (
    Breakdown,
    BreakdownRow,
    Completeness,
    Difference,
    Distribution,
    NumberCondition,
    RequestPage,
    Summary,
    TagCondition,
    TimeBucket,
    UsageQuery,
)
from tests.store.examples import FULL

MOMENT = 1_795_456_800_000_000  # 2026-11-23T18:00:00Z

SUMS = Summary(
    requests=3,
    errors=1,
    input_tokens=10,
    cached_tokens=None,
    cost_nano=5,
    unpriced_requests=1,
    price_fuzzy_requests=2,
    usage_sources={"provider": 3, "partial": 0, "estimated": 0, "none": 0},
    cost_sources={"provider": 1, "override": 0, "list": 2, "none": 0},
    latency_ms=Distribution(avg=1.23456, p50=1, p95=2, p99=3),
    tokens_per_s=12.3456789,
    completeness=Completeness(
        seen=4,
        written=3,
        priced=2,
        open=1,
        differences=(
            Difference(kind="running", count=1, of="written", attention=False, meaning="Still being answered."),
        ),
    ),
)
SUMS_SHAPE = {
    "requests": 3,
    "errors": 1,
    "input_tokens": 10,
    "cached_tokens": None,
    "cache_write_tokens": 0,
    "output_tokens": 0,
    "reasoning_tokens": 0,
    "cost_usd": "0.000000005",
    "unpriced_requests": 1,
    "price_fuzzy_requests": 2,
    "usage_sources": {"provider": 3, "partial": 0, "estimated": 0, "none": 0},
    "cost_sources": {"provider": 1, "override": 0, "list": 2, "none": 0},
    "latency_ms": {"avg": 1.23456, "p50": 1, "p95": 2, "p99": 3},
    "ttft_ms": {"avg": None, "p50": None, "p95": None, "p99": None},
    "tokens_per_s": 12.345679,
}


@pytest.mark.parametrize(
    ("text", "tz"),
    [
        ("2026-11-23T18:00:00Z", "UTC"),
        ("2026-11-23T18:00:00.000000Z", "UTC"),
        ("2026-11-23T19:00:00+01:00", "UTC"),
        ("2026-11-23T19:00:00 01:00", "UTC"),
        ("2026-11-23T23:30:00+0530", "UTC"),
        ("2026-11-23T19:00", "Europe/Berlin"),
        ("2026-11-23 19:00:00", "Europe/Berlin"),
        ("1795456800", "Asia/Kolkata"),
        ("1795456800.0", "UTC"),
    ],
)
def test_times_are_read_as_iso_or_as_seconds(text: str, tz: str) -> None:
    assert parse_query([("from", text), ("tz", tz)]).start_us == MOMENT


def test_a_date_is_midnight_in_the_asked_zone() -> None:
    query = parse_query([("from", "2026-11-23"), ("to", "2026-11-24"), ("tz", "Asia/Kathmandu")])
    assert query.start_us == int(datetime(2026, 11, 22, 18, 15, tzinfo=UTC).timestamp()) * 1_000_000
    assert query.end_us is not None
    assert query.end_us - query.start_us == 86_400_000_000


def test_microseconds_are_kept() -> None:
    assert parse_query([("to", "1795456800.000001")]).end_us == MOMENT + 1
    assert parse_query([("to", "2026-11-23T18:00:00.000001Z")]).end_us == MOMENT + 1


def test_every_filter_of_the_contract_is_read() -> None:
    names = ("provider", "model", "key", "user", "door", "client", "app", "conversation")
    params = [(name, f"a {name}") for name in names]
    query = parse_query([*params, ("outcome", "ok"), ("model", "second"), ("limit", "5"), ("model", "second")])
    assert query == UsageQuery(
        **{name: (f"a {name}",) for name in names if name != "model"}, model=("a model", "second"), outcome=("ok",)
    )


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("team:ml-ops", TagCondition(("team:ml-ops",))),
        ("team", TagCondition(("team",))),
        ("team:a|team:b", TagCondition(("team:a", "team:b"))),
        ("!env:dev", TagCondition(("env:dev",), negated=True)),
        ("!env:dev|env:test", TagCondition(("env:dev", "env:test"), negated=True)),
        ("url:http://x:80", TagCondition(("url:http://x:80",))),
        (" team : ml ", TagCondition(("team:ml",))),
    ],
)
def test_tag_filters(text: str, condition: TagCondition) -> None:
    assert parse_query([("tag", text)]).tags == (condition,)


@pytest.mark.parametrize(
    ("field", "text", "operator", "value", "again"),
    [
        ("status", ">=400", ">=", 400, ">=400"),
        ("status", "429", "=", 429, "429"),
        ("cost", ">0.01", ">", 10_000_000, ">0.01"),
        ("cost", "≤ $1.5", "<=", 1_500_000_000, "<=1.5"),
        ("cost", "=0", "=", 0, "0"),
        ("latency", ">5s", ">", 5_000_000, ">5s"),
        ("latency", ">5", ">", 5000, ">5ms"),
        ("latency", "<1.5s", "<", 1_500_000, "<1500ms"),
        ("ttft", "≥2min", ">=", 120_000_000, ">=120s"),
        ("latency", ">2m", ">", 120_000_000, ">120s"),
        ("overhead", ">900us", ">", 900, ">0.9ms"),
        ("tokens", ">10k", ">", 10_000, ">10000"),
        ("output", ">1.5M", ">", 1_500_000, ">1500000"),
    ],
)
def test_numbers_are_compared_in_the_rows_own_unit(
    field: str, text: str, operator: str, value: int, again: str
) -> None:
    condition = NumberCondition(field, operator, value)
    assert parse_query([(field, text)]).numbers == (condition,)
    assert number_text(condition) == again
    assert parse_number(field, again) == condition


def test_texts_and_numbers_add_up() -> None:
    query = parse_query(
        [("text", "sonnet"), ("latency", ">1s"), ("text", "ana"), ("latency", "<2s"), ("text", "ana")]
    )
    assert query.text == ("sonnet", "ana")
    assert query.numbers == (NumberCondition("latency", ">", 1_000_000), NumberCondition("latency", "<", 2_000_000))


def test_repeated_tags_must_all_match() -> None:
    assert parse_query([("tag", "a:b"), ("tag", "!c")]).tags == (
        TagCondition(("a:b",)),
        TagCondition(("c",), negated=True),
    )


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ([("tz", "Mars/Olympus")], "tz"),
        ([("tz", "../../etc/passwd")], "tz"),
        ([("from", "yesterday")], "from"),
        ([("to", "2026-13-01")], "to"),
        ([("to", "nan")], "to"),
        ([("to", "1e400")], "to"),
        ([("to", "-1e14")], "to"),
        ([("from", "0001-01-01T00:00:00+14:00")], "from"),
        ([("to", "9999-12-31")], "to"),
        ([("from", "2026-11-23"), ("from", "2026-11-24")], "from"),
        ([("from", "2026-11-24"), ("to", "2026-11-23")], "from"),
        ([("outcome", "fine")], "outcome"),
        ([("status", "error")], "status"),
        ([("status", ">=4.5")], "status"),
        ([("cost", ">0.0000000001")], "cost"),
        ([("cost", ">5s")], "cost"),
        ([("latency", "$5")], "latency"),
        ([("tokens", "=>5")], "tokens"),
        ([("tokens", ">9" + "0" * 20)], "tokens"),
        ([("text", "a" * 129)], "text"),
        ([("text", str(n)) for n in range(17)], "text"),
        ([("tag", "a,b")], "tag"),
        ([("tag", "a:b|")], "tag"),
        ([("tag", "!")], "tag"),
        ([("tag", ":x")], "tag"),
        ([("tag", "team:")], "tag"),
        ([("tag", "a!b")], "tag"),
        ([("tag", "a\nb")], "tag"),
        ([("tag", "a" * 129)], "tag"),
    ],
)
def test_what_cannot_be_read_is_the_clients_fault_and_named(params: list[tuple[str, str]], param: str) -> None:
    with pytest.raises(ClientError) as caught:
        parse_query(params)
    assert caught.value.param == param
    assert caught.value.status == 400


@given(
    st.sampled_from(["from", "to", "tz", "tag", "model", "outcome", "key", "text", *NUMBERS]), st.text(max_size=40)
)
def test_any_text_is_read_or_refused_never_a_crash(name: str, text: str) -> None:
    try:
        assert isinstance(parse_query([(name, text)]), UsageQuery)
    except ClientError as error:
        assert error.param == name


@pytest.mark.parametrize("name", FILTERS)
def test_an_empty_filter_is_no_question_about_everything(name: str) -> None:
    with pytest.raises(ClientError, match=f"The filter {name} is empty") as caught:
        parse_query([("provider", "openai"), (name, "")])
    assert (caught.value.param, caught.value.status) == (name, 400)


@pytest.mark.parametrize(("text", "limit"), [("1", 1), ("1000", 1000), ("", 100)])
def test_limits(text: str, limit: int) -> None:
    assert parse_limit([("limit", text)]) == limit


@pytest.mark.parametrize("text", ["0", "-1", "1001", "ten", "1.5", "²", "1" * 5000])
def test_limits_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(ClientError) as caught:
        parse_limit([("limit", text)])
    assert caught.value.param == "limit"


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (None, None),
        (0, "0.000000000"),
        (1, "0.000000001"),
        (1_234_567_890, "1.234567890"),
        (-1, "-0.000000001"),
        (10**18, "1000000000.000000000"),
    ],
)
def test_money_is_decimal_dollars_with_nine_places(nano: int | None, text: str | None) -> None:
    assert render_money(nano) == text


def test_times_leave_in_utc_to_the_microsecond() -> None:
    assert render_time(MOMENT + 7) == "2026-11-23T18:00:00.000007Z"
    assert parse_query([("from", render_time(MOMENT + 7))]).start_us == MOMENT + 7


def test_a_row_has_exactly_the_contracts_fields() -> None:
    assert render_row(FULL) == {
        "id": "req_full",
        "started_at": "2026-03-28T22:00:00.000000Z",
        "door": "anthropic",
        "provider": "openai",
        "model_requested": "gpt-alias",
        "model": "gpt-5",
        "key": "laptop",
        "user": "bob",
        "end_user": "bob",
        "principal": "ada",
        "conversation_id": "conv_1",
        "tags": ["team:ml-ops", "urgent"],
        "byok": True,
        "streamed": True,
        "status": 200,
        "outcome": "ok",
        "error_type": "none",
        "input_tokens": 100,
        "cached_tokens": 40,
        "cache_write_tokens": 7,
        "output_tokens": 50,
        "reasoning_tokens": 20,
        "usage_source": "provider",
        "cost_usd": "1.234567890",
        "cost_source": "list",
        "price_id": "gpt-5",
        "price_fuzzy": True,
        "latency_ms": 2500.0,
        "ttft_ms": 500.0,
        "overhead_us": 900,
        "attempts": 2,
        "dropped": ["logit_bias", "seed"],
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "client": "claude-code",
        "app": "notebook",
    }


def test_shapes_are_the_contracts() -> None:
    assert render_beside_page(RequestPage(rows=(FULL,), next_cursor="c")) == {"next_cursor": "c"}
    running = {"kind": "running", "count": 1, "of": "written", "attention": False, "meaning": "Still being answered."}
    completeness = {"seen": 4, "written": 3, "priced": 2, "open": 1, "differences": [running]}
    assert render_summary(SUMS) == {**SUMS_SHAPE, "completeness": completeness}
    assert render_summary(SUMS, SUMS)["previous"] == {**SUMS_SHAPE, "completeness": completeness}
    bucket = TimeBucket(start_us=MOMENT, end_us=MOMENT + 900_000_000, summary=SUMS)
    times = {"start": "2026-11-23T18:00:00.000000Z", "end": "2026-11-23T18:15:00.000000Z"}
    assert render_bucket(bucket) == {**times, **SUMS_SHAPE}
    assert render_bucket(bucket, "model") == {**times, "value": None, **SUMS_SHAPE}
    breakdown = Breakdown(rows=(BreakdownRow(value="a", summary=SUMS),), overlapping=True)
    assert row_of_breakdown(breakdown)(breakdown.rows[0]) == {"value": "a", **SUMS_SHAPE}
    assert render_beside_rows(breakdown) == {"overlapping": True}


def test_a_tag_of_128_characters_is_the_longest() -> None:
    assert parse_query([("tag", "a" * 128)]).tags == (TagCondition(("a" * 128,)),)


@pytest.mark.parametrize("text", ["1e300", "1e13", "99999999999999", "Infinity"])
def test_seconds_beyond_all_time_are_refused(text: str) -> None:
    with pytest.raises(ClientError) as caught:
        parse_query([("from", text)])
    assert caught.value.param == "from"


def test_where_rows_are_gone_the_answer_says_since_when_it_is_whole() -> None:
    whole = render_summary(Summary(complete_from_us=1_774_735_200_000_000))
    gap = {name: value for name, value in whole.items() if name not in render_summary(Summary())}
    assert list(gap.values()) == ["2026-03-28T22:00:00.000000Z"]
    assert gap.items() <= render_beside_page(RequestPage(rows=(), complete_from_us=1_774_735_200_000_000)).items()


def test_what_was_not_used_is_nothing_of_any_source() -> None:
    breakdown = Breakdown(rows=(BreakdownRow(value="a", summary=Summary()),))
    had = row_of_breakdown(breakdown, {})(breakdown.rows[0])["previous"]
    assert set(had["usage_sources"].values()) == {0} and (had["requests"], had["cost_usd"]) == (0, "0.000000000")
    assert "cost_sources" not in had or set(had["cost_sources"].values()) == {0}
