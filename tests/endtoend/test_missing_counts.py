"""What a provider leaves out of its usage is estimated and said so: never priced as nought, in no row, sum or file.

Each answer says "Hello.", whose six bytes are two tokens; the prompt is estimated from the request's own bytes.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.scripted import Scripted, answer, stream_head
from tests.endtoend.serving import PROVIDERS, USAGE, Served, upstreams
from tests.golden.test_costs import ANSWERS
from tests.golden.test_through_a_gateway import asked

SAID = 2
HUGE = 2**63
# Dollars per million tokens: input, output.
PRICES = {
    "openai_chat": ("gpt-4.1", 2, 8),
    "openai_responses": ("gpt-4.1", 2, 8),
    "anthropic": ("claude-opus-4-6", 5, 25),
    "gemini": ("gemini-2.5-flash", Decimal("0.3"), Decimal("2.5")),
}


@dataclass(frozen=True)
class Odd:
    """A usage object, and the row's input (None: estimated), output and source of counts."""

    dialect: str
    usage: Any
    input: int | None
    output: int
    source: str


CASES = {
    "chat without usage": Odd("openai_chat", {"usage": None}, None, SAID, "estimated"),
    "chat of a total alone": Odd("openai_chat", {"usage": {"total_tokens": 90}}, None, SAID, "estimated"),
    "chat without output": Odd("openai_chat", {"usage": {"prompt_tokens": 90}}, 90, SAID, "partial"),
    "chat without input": Odd("openai_chat", {"usage": {"completion_tokens": 7}}, None, 7, "estimated"),
    "chat of too much": Odd(
        "openai_chat", {"usage": {"prompt_tokens": 90, "completion_tokens": HUGE}}, 90, SAID, "partial"
    ),
    "chat of noughts": Odd("openai_chat", {"usage": {"prompt_tokens": 0, "completion_tokens": 0}}, 0, 0, "provider"),
    "responses without output": Odd("openai_responses", {"usage": {"input_tokens": 90}}, 90, SAID, "partial"),
    "responses below nought": Odd(
        "openai_responses", {"usage": {"input_tokens": -9, "output_tokens": 7}}, None, 7, "estimated"
    ),
    "claude without output": Odd("anthropic", {"input_tokens": 90}, 90, SAID, "partial"),
    "claude without usage": Odd("anthropic", {}, None, SAID, "estimated"),
    "claude of too much": Odd("anthropic", {"input_tokens": HUGE, "output_tokens": 7}, None, 7, "estimated"),
    "gemini of a total alone": Odd("gemini", {"usageMetadata": {"totalTokenCount": 90}}, None, SAID, "estimated"),
    "gemini of a traffic type alone": Odd(
        "gemini", {"usageMetadata": {"trafficType": "ON_DEMAND"}}, None, SAID, "estimated"
    ),
    "gemini of a prompt alone": Odd("gemini", {"usageMetadata": {"promptTokenCount": 90}}, 90, SAID, "partial"),
    "gemini of noughts, which Google leaves out": Odd(
        "gemini", {"usageMetadata": {"promptTokenCount": 90, "totalTokenCount": 90}}, 90, 0, "provider"
    ),
}
# In how many events of a stream the usage stands, where it is not the one at the end.
STREAMED = {"anthropic": 2, "gemini": 1}
# The same dialect passes its bytes as they are; the other door's are translated.
DOORS = {
    "openai_chat": "anthropic",
    "openai_responses": "openai_responses",
    "anthropic": "gemini",
    "gemini": "openai_chat",
}


@dataclass(frozen=True)
class Called:
    odd: Odd
    request_bytes: int


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, dict[str, Called]]]:
    """Every case, whole and streamed, at two doors; by the request's id."""
    called: dict[str, Called] = {}
    with Scripted(lambda _sent, _send: None) as provider:
        urls = dict.fromkeys(PROVIDERS, provider.url)
        with Served(tmp_path_factory.mktemp("missing") / "home", **upstreams(urls)) as gateway:
            for name, odd in CASES.items():
                for door in {odd.dialect, DOORS[odd.dialect]}:
                    for stream in (False, True):
                        said = reply_of(odd, stream)
                        provider.script = lambda _sent, send, said=said: send(said)
                        path, body = asked(door, PRICES[odd.dialect][0], stream)
                        text = json.dumps(body).encode()
                        reply = gateway.ask("POST", path, text, key=gateway.key())
                        assert reply.status == 200 and b'"error": {' not in reply.body, (name, door, reply)
                        called[reply.id] = Called(odd, len(text))
            gateway.key("admin")
            yield gateway, called


def reply_of(odd: Odd, stream: bool) -> bytes:
    case = {"model": PRICES[odd.dialect][0], "whole": odd.usage}
    if odd.dialect in STREAMED:
        case["stream"] = [odd.usage] * STREAMED[odd.dialect]
    if stream:
        return stream_head() + bytes(ANSWERS[odd.dialect].stream(case))
    return answer(json.dumps(ANSWERS[odd.dialect].whole(case)).encode())


def counts(called: Called) -> tuple[int, int]:
    estimated = -(-called.request_bytes // 4)
    return estimated if called.odd.input is None else called.odd.input, called.odd.output


def nano(called: Called) -> int:
    _, input_price, output_price = PRICES[called.odd.dialect]
    read, said = counts(called)
    return int((read * Decimal(input_price) + said * Decimal(output_price)) * 1000)


def dollars(nano: int) -> str:
    return f"{nano // 10**9}.{nano % 10**9:09d}"


def test_a_row_says_what_was_estimated_and_costs_that(calls: tuple[Served, dict[str, Called]]) -> None:
    gateway, called = calls
    rows = {row.id: row for row in gateway.records()}
    assert rows.keys() == called.keys()
    for id, call in called.items():
        row = rows[id]
        told = (row.input_tokens, row.output_tokens, row.usage_source, row.outcome)
        assert told == (*counts(call), call.odd.source, "ok"), call
        assert (row.cost_nano, row.cost_source) == (nano(call), "list"), call


def test_sums_and_files_say_the_same(calls: tuple[Served, dict[str, Called]]) -> None:
    gateway, called = calls
    total = dollars(sum(nano(call) for call in called.values()))
    sources = {
        source: sum(call.odd.source == source for call in called.values())
        for source in ("provider", "partial", "estimated", "none")
    }
    (bucket,) = gateway.get(f"{USAGE}/timeseries?bucket=month")["buckets"]
    for sums in (gateway.get(f"{USAGE}/summary"), bucket):
        assert (sums["cost_usd"], sums["usage_sources"]) == (total, sources)
        assert sums["output_tokens"] == sum(call.odd.output for call in called.values())
    exported = {
        format: gateway.ask("GET", f"{USAGE}/export.{format}", key=gateway.key("admin")).body.decode()
        for format in ("csv", "jsonl")
    }
    cells = {row["id"]: row for row in csv.DictReader(io.StringIO(exported["csv"], newline=""))}
    lines = {row["id"]: row for row in map(json.loads, exported["jsonl"].splitlines())}
    for id, call in called.items():
        money = dollars(nano(call))
        assert (cells[id]["cost_usd"], cells[id]["usage_source"]) == (money, call.odd.source)
        assert (lines[id]["cost_usd"], lines[id]["usage_source"]) == (money, call.odd.source)
        assert cells[id]["cached_tokens"] == ("" if lines[id]["cached_tokens"] is None else "0")


def test_what_a_client_named_instead_of_sending_it_counts_as_sent(tmp_path: Path) -> None:
    said = reply_of(Odd("gemini", {"usageMetadata": {"totalTokenCount": 9}}, None, SAID, "estimated"), False)
    asked: dict[str, Any] = {"model": PRICES["gemini"][0], "input": "word " * 4000}
    with Scripted(lambda _sent, send: send(said)) as provider:
        urls = dict.fromkeys(PROVIDERS, provider.url)
        with Served(tmp_path / "home", **upstreams(urls)) as gateway:
            first = gateway.ask("POST", "/api/ai/v1/responses", asked, key=gateway.key())
            more = {**asked, "input": "More.", "previous_response_id": first.json["id"]}
            second = gateway.ask("POST", "/api/ai/v1/responses", more, key=gateway.key())
            assert (first.status, second.status) == (200, 200)
            before, after = (gateway.row(reply.id).input_tokens for reply in (first, second))
            assert before is not None and after is not None and after > before > 5000
