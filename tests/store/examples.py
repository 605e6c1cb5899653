"""Records for tests: one with everything said, a builder with defaults, and strategies that draw whole histories."""

from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.number_filters import NUMBERS
from gateway.records import OPERATORS, AttemptRecord, ExchangeRecord, NumberCondition, TagCondition, UsageQuery

# 2026-03-28T22:00Z: the night of Europe's change to summer time follows.
BASE_US = 1_774_735_200_000_000
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US

FULL = ExchangeRecord(
    id="req_full",
    started_us=BASE_US,
    door="anthropic",
    key_id="key_1",
    key="laptop",
    principal="ada",
    end_user="bob",
    provider="openai",
    model_requested="gpt-alias",
    model="gpt-5",
    conversation_id="conv_1",
    tags=("team:ml-ops", "urgent"),
    byok=True,
    streamed=True,
    status=200,
    outcome="ok",
    error_type="none",
    error_message="Nothing went wrong.",
    input_tokens=100,
    cached_tokens=40,
    cache_write_tokens=7,
    cache_write_1h_tokens=3,
    cache_write_12h_tokens=2,
    input_audio_tokens=2,
    output_tokens=50,
    reasoning_tokens=20,
    output_audio_tokens=1,
    rare_counts=(("cached_audio", 1), ("output_image", 9)),
    web_searches=4,
    usage_source="provider",
    cost_nano=1_234_567_890,
    cost_source="list",
    price_id="gpt-5",
    price_fuzzy=True,
    service_tier="flex",
    speed="fast",
    inference_geo="us",
    latency_us=2_500_000,
    ttft_us=500_000,
    overhead_us=900,
    attempts=(
        AttemptRecord(n=1, provider="xai", model="grok", started_us=BASE_US, latency_us=5, error_type="timeout"),
        AttemptRecord(
            n=2,
            provider="openai",
            model="gpt-5",
            started_us=BASE_US + 6,
            latency_us=7,
            status=200,
            input_tokens=100,
            output_tokens=50,
            cost_nano=1_234_567_890,
            upstream_request_id="up_1",
        ),
    ),
    dropped=("logit_bias", "seed"),
    adapted=("tool_choice",),
    trace_id="0af7651916cd43dd8448eb211c80319c",
    span_id="b7ad6b7169203331",
    client="claude-code",
    app="notebook",
    upstream_request_id="up_1",
)


def record(number: int, **fields: Any) -> ExchangeRecord:
    """A finished exchange; each number is another second."""
    given = {
        "id": f"req_{number}",
        "started_us": BASE_US + number * 1_000_000,
        "door": "openai_chat",
        "key_id": "key_1",
        "key": "laptop",
        "provider": "openai",
        "model": "gpt-5",
        "status": 200,
        "outcome": "ok",
        "input_tokens": 10,
        "output_tokens": 5,
        "usage_source": "provider",
        "cost_nano": 1000,
        "cost_source": "list",
        "latency_us": 1_000_000,
        **fields,
    }
    return ExchangeRecord(**given)


def unmeasured(number: int, **fields: Any) -> ExchangeRecord:
    """One of which nothing was counted and nothing is known to have a cost."""
    uncounted = {"input_tokens": None, "output_tokens": None, "usage_source": "none"}
    return record(number, **{**uncounted, "cost_nano": None, "cost_source": "none", "outcome": "error", **fields})


def attempt(status: int | None) -> AttemptRecord:
    return AttemptRecord(n=1, provider="openai", model="gpt-5", started_us=BASE_US, latency_us=5, status=status)


# A provider may have worked on these, and nothing tells what that used.
UNKNOWN_USE: dict[str, dict[str, Any]] = {
    "killed": {"outcome": "interrupted", "status": 0, "latency_us": None},
    "no answer": {"status": 504, "error_type": "timeout", "attempts": (attempt(None),)},
    "unreadable": {"status": 502, "error_type": "unreadable_answer", "attempts": (attempt(200),)},
    "no second answer": {"status": 504, "attempts": (attempt(400), replace(attempt(None), n=2))},
}
# And these used nothing, or nothing that costs.
NO_USE: dict[str, dict[str, Any]] = {
    "refused here": {"status": 400, "error_type": "bad_request"},
    "refused there": {"status": 429, "attempts": (attempt(429),)},
    "redirected": {"status": 502, "attempts": (attempt(302),)},
    "left before it was asked": {"outcome": "aborted", "status": 499},
    "stopped before it was asked": {"outcome": "interrupted", "status": 0},
    "killed before it had a provider": {"outcome": "interrupted", "latency_us": None, "provider": None},
}

TAGS = ("team:a", "team:b", "env:dev", "env:prod", "urgent")
counts = st.none() | st.integers(0, 10_000)
durations = st.none() | st.integers(0, 4_000_000_000)
attempts = st.sampled_from([(), (attempt(None),), (attempt(200),), (attempt(500),)])


def _priced(nano: int | None) -> dict[str, Any]:
    return {"cost_nano": nano, "cost_source": "none" if nano is None else "list"}


@st.composite
def histories(draw: st.DrawFn, most: int = 40) -> list[ExchangeRecord]:
    """Records within four days around a change of the clocks, with few values so that they meet."""
    size = draw(st.integers(0, most))
    return [
        ExchangeRecord(
            id=f"req_{number}",
            started_us=BASE_US + draw(st.integers(-DAY_US, 3 * DAY_US)),
            door=draw(st.sampled_from(["openai_chat", "anthropic"])),
            key_id="k",
            key=draw(st.sampled_from(["laptop", "server"])),
            principal=draw(st.sampled_from([None, "ada"])),
            end_user=draw(st.sampled_from([None, "bob"])),
            provider=draw(st.sampled_from([None, "openai", "xai"])),
            model=draw(st.sampled_from([None, "gpt-5", "grok"])),
            conversation_id=draw(st.sampled_from([None, "c1", "c2"])),
            tags=tuple(draw(st.lists(st.sampled_from(TAGS), unique=True, max_size=4))),
            streamed=draw(st.booleans()),
            status=draw(st.sampled_from([0, 200, 429])),
            outcome=draw(st.sampled_from(["ok", "error", "aborted", "interrupted"])),
            input_tokens=draw(counts),
            cached_tokens=draw(counts),
            output_tokens=draw(counts),
            usage_source=draw(st.sampled_from(["provider", "partial", "estimated", "none"])),
            **_priced(draw(st.none() | st.integers(0, 10**12))),
            price_fuzzy=draw(st.booleans()),
            latency_us=draw(durations),
            ttft_us=draw(durations),
            attempts=draw(attempts),
            client=draw(st.sampled_from([None, "codex"])),
            app=draw(st.sampled_from([None, "notebook"])),
        )
        for number in range(size)
    ]


tag_conditions = st.builds(
    TagCondition,
    any_of=st.lists(st.sampled_from([*TAGS, "team", "env", "no-such"]), min_size=1, max_size=2, unique=True).map(
        tuple
    ),
    negated=st.booleans(),
)
number_conditions = st.builds(
    NumberCondition,
    field=st.sampled_from(NUMBERS),
    operator=st.sampled_from(OPERATORS),
    value=st.sampled_from([0, 200, 429, 5000, 2_000_000_000]),
)


@st.composite
def usage_queries(draw: st.DrawFn) -> UsageQuery:
    """Any range, with few or many filters, in zones with whole, half and quarter hours."""

    def some(*values: str) -> tuple[str, ...]:
        if draw(st.integers(0, 4)):
            return ()
        return tuple(draw(st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)))

    moment = st.none() | st.integers(BASE_US - 2 * DAY_US, BASE_US + 4 * DAY_US)
    return UsageQuery(
        start_us=draw(moment),
        end_us=draw(moment),
        tz=draw(st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu"])),
        provider=some("openai", "xai", "unheard-of"),
        model=some("gpt-5", "grok"),
        key=some("laptop", "server"),
        user=some("ada", "bob"),
        door=some("anthropic", "openai_chat"),
        client=some("codex"),
        app=some("notebook"),
        conversation=some("c1", "c2"),
        outcome=some("ok", "error", "interrupted"),
        tags=tuple(draw(st.lists(tag_conditions, max_size=2))),
        numbers=() if draw(st.integers(0, 3)) else tuple(draw(st.lists(number_conditions, max_size=2))),
        text=some("GPT", "o", "bob", "%", "_"),
    )
