"""The golden table: usage objects as each provider sends them, whole and streamed, and what they cost, worked by hand.

The arithmetic stands in the table as text and is done here in decimals, without the list of prices. Each case goes
through its dialect's own parser and reader and through the gateway's tally, as an answer of the provider does.
"""

import ast
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.dialects import DIALECTS
from gateway.model import Usage
from gateway.prices.pricing import Priced, Pricing
from gateway.providers.catalog import BY_NAME
from gateway.relaying.routing import answering_model
from gateway.relaying.tally import Tally

AT = "2026-11-23T12:00:00Z"
OWNERS = {"anthropic": "anthropic", "gemini": "google"}
AT_US = int(datetime.fromisoformat(AT).timestamp()) * 1_000_000
PRICING = Pricing()
Case = Mapping[str, Any]


def cases() -> list[Any]:
    return [
        pytest.param(path.stem, case, id=f"{path.stem}: {case['name']}")
        for path in sorted(Path(__file__).parent.glob("*.json"))
        for case in json.loads(path.read_text())
    ]


def worked(text: str) -> Decimal:
    """The value of +, * and / over decimals as they are written."""

    def value(node: ast.expr) -> Decimal:
        if isinstance(node, ast.Constant):
            written = ast.get_source_segment(text, node)
            assert written is not None
            return Decimal(written)
        assert isinstance(node, ast.BinOp)
        left, right = value(node.left), value(node.right)
        if isinstance(node.op, ast.Add):
            return left + right
        assert isinstance(node.op, ast.Mult | ast.Div)
        return left * right if isinstance(node.op, ast.Mult) else left / right

    return value(ast.parse(text, mode="eval").body)


def hand_computed(case: Case) -> int | None:
    if case["cost"] is None:
        return None
    return int((worked(case["cost"]) * 10**9).to_integral_value(ROUND_HALF_EVEN))


def expected(case: Case) -> Priced:
    source = "none" if case["cost"] is None else case.get("source", "list")
    named = case.get("price_id", case["model"])
    cost = hand_computed(case)
    return Priced(cost, source, named if source == "list" and case["cost"] != "0" else None, case.get("fuzzy", False))


def priced(dialect: str, case: Case, usage: Usage | None, said: str | None) -> Priced:
    assert usage is not None
    provider = case.get("provider") or OWNERS[dialect]
    model = answering_model(case["model"], said)
    at = datetime.fromisoformat(case.get("at", AT))
    return PRICING.price(
        BY_NAME[provider].price_provider or "",
        model,
        usage,
        int(at.timestamp() * 1_000_000),
        provider=provider,
        asked=case["model"],
    )


def said_model(case: Case) -> str:
    return str(case.get("answered", case["model"]))


def events(*named: tuple[str | None, Any]) -> bytes:
    lines = []
    for name, data in named:
        text = data if isinstance(data, str) else json.dumps(data)
        lines.append((f"event: {name}\n" if name else "") + f"data: {text}\n\n")
    return "".join(lines).encode()


class Chat:
    @staticmethod
    def whole(case: Case) -> Any:
        message = {"role": "assistant", "content": "Hello."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": said_model(case),
            "choices": [choice],
            **case["whole"],
        }

    @staticmethod
    def stream(case: Case) -> bytes:
        head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": said_model(case)}
        start = {
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hello."}, "finish_reason": None}]
        }
        told = case.get("stream")
        if told is None:
            told = [
                {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
                {"choices": [], **case["whole"]},
            ]
        return events(*((None, head | item) for item in (start, *told)), (None, "[DONE]"))


class Responses:
    @staticmethod
    def whole(case: Case) -> Any:
        text = {"type": "output_text", "text": "Hello.", "annotations": []}
        item = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
        return {
            "id": "r",
            "object": "response",
            "created_at": 1,
            "status": "completed",
            "model": said_model(case),
            "output": [item],
            **case["whole"],
        }

    @classmethod
    def stream(cls, case: Case) -> bytes:
        done = cls.whole(case)
        begun = {**done, "status": "in_progress", "output": [], "usage": None, "service_tier": "auto"}
        item = done["output"][0]
        place = {"output_index": 0, "item_id": "m", "content_index": 0}
        return events(
            *(
                (data["type"], data)
                for data in (
                    {"type": "response.created", "response": begun},
                    {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
                    {"type": "response.output_text.delta", "delta": "Hello.", **place},
                    {"type": "response.output_item.done", "output_index": 0, "item": item},
                    {"type": "response.completed", "response": done},
                )
            )
        )


class Messages:
    @staticmethod
    def whole(case: Case) -> Any:
        content = [{"type": "text", "text": "Hello."}]
        return {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": said_model(case),
            "content": content,
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": case["whole"],
        }

    @staticmethod
    def stream(case: Case) -> bytes:
        first, last = case["stream"]
        message = {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": said_model(case),
            "content": [],
            "usage": first,
        }
        ended = {"stop_reason": "end_turn", "stop_sequence": None}
        return events(
            *(
                (data["type"], data)
                for data in (
                    {"type": "message_start", "message": message},
                    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello."}},
                    {"type": "content_block_stop", "index": 0},
                    {"type": "message_delta", "delta": ended, "usage": last},
                    {"type": "message_stop"},
                )
            )
        )


class Gemini:
    @staticmethod
    def chunk(case: Case, told: Case, finish: str | None) -> Any:
        candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": [{"text": "Hello."}]}}
        if finish:
            candidate["finishReason"] = finish
        if "grounding" in told:
            candidate["groundingMetadata"] = told["grounding"]
        return {
            "candidates": [candidate],
            "usageMetadata": told["usageMetadata"],
            "modelVersion": said_model(case),
            "responseId": "g",
        }

    @classmethod
    def whole(cls, case: Case) -> Any:
        return cls.chunk(case, case["whole"], "STOP")

    @classmethod
    def stream(cls, case: Case) -> bytes:
        prompt = {name: count for name, count in case["whole"]["usageMetadata"].items() if name.startswith("prompt")}
        told = case.get("stream") or [{"usageMetadata": prompt}, case["whole"]]
        last = len(told) - 1
        return events(*((None, cls.chunk(case, item, "STOP" if n == last else None)) for n, item in enumerate(told)))


ANSWERS: Mapping[str, Any] = {
    "anthropic": Messages,
    "openai_chat": Chat,
    "openai_responses": Responses,
    "gemini": Gemini,
}


@pytest.mark.parametrize(("dialect", "case"), cases())
def test_a_whole_answer_costs_what_the_table_says(dialect: str, case: Case) -> None:
    body = json.dumps(ANSWERS[dialect].whole(case)).encode()
    parsed = DIALECTS[dialect].parse_response(body)
    assert priced(dialect, case, parsed.usage, parsed.model) == expected(case)
    look = DIALECTS[dialect].peek_answer
    if look is not None:
        seen = look(body)
        assert (seen is None) is case.get("odd", False)
        if seen is not None:
            assert priced(dialect, case, seen.usage, seen.model) == expected(case)


@pytest.mark.parametrize(("dialect", "case"), cases())
def test_a_streamed_answer_costs_the_same(dialect: str, case: Case) -> None:
    stream = ANSWERS[dialect].stream(case)
    for step in (len(stream), 7):
        reader, tally = DIALECTS[dialect].reader(), Tally()
        for start in range(0, len(stream), step):
            for event in reader.feed(stream[start : start + step]):
                tally.feed(event)
        for event in reader.close():
            tally.feed(event)
        usage, source = tally.verdict(1, answered=True)
        assert (source, tally.error, tally.finished) == ("provider", None, True)
        assert priced(dialect, case, usage, tally.model) == expected(case)


def test_the_table_has_every_provider_dialect_and_rule() -> None:
    table = [case.values for case in cases()]
    told = {(dialect, case.get("provider") or OWNERS[dialect]) for dialect, case in table}
    assert told == {
        ("anthropic", "anthropic"),
        ("gemini", "google"),
        *((dialect, provider) for dialect in ("openai_chat", "openai_responses") for provider in ("openai", "xai")),
    }
    names = [name for name, _ in ((case["name"], dialect) for dialect, case in table)]
    for rule in (
        "one below",
        "at the boundary",
        "one above",
        "flex",
        "priority",
        "batch",
        "audio",
        "thought",
        "reason",
    ):
        assert any(rule in name for name in names), rule


def test_hand_arithmetic_is_exact() -> None:
    assert worked("(1*0.1 + 2*0.2)/1000000 + 3*10/1000") == Decimal("0.0300005")
    with pytest.raises(AssertionError):
        worked("1 - 2")
