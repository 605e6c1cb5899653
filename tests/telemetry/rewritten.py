"""A scenario's recordings with all ids and texts rewritten at random, and what a viewer should show of them then.

What is known by heart from the files is of no use any more; what is read from them still is.
"""

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.telemetry.recorded import JSON, REQUESTS, Recording, recordings, to_json, to_protobuf

_HEX = frozenset("0123456789abcdef")
_IDS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}
# A word that is shorter, or that stands everywhere, may be a word of the format.
_SHORTEST = 3
_WORDS = re.compile(r"[A-Za-z0-9]+")


# What lies in what, by signal, and how many of the innermost a torn-off request holds.
_LEVELS = {
    "traces": ("resource_spans", "scope_spans", "spans"),
    "logs": ("resource_logs", "scope_logs", "log_records"),
    "metrics": ("resource_metrics", "scope_metrics", "metrics"),
}
BATCH = 4


@dataclass(frozen=True)
class Payload:
    """One request, in its own encoding and in the other."""

    path: str
    own: tuple[str, bytes]
    other: tuple[str, bytes]

    def batches(self, draw: random.Random) -> list[bytes]:
        """All that it holds, torn apart into requests in protobuf of a few items each, in any order."""
        signal = self.path.rsplit("/", 1)[1]
        body = next(body for content_type, body in (self.own, self.other) if content_type != JSON)
        whole, pieces = REQUESTS[signal].FromString(body), []
        resources, scopes, items = _LEVELS[signal]
        for resource in getattr(whole, resources):
            for scope in getattr(resource, scopes):
                held = list(getattr(scope, items))
                draw.shuffle(held)
                for first in range(0, len(held), BATCH):
                    piece = REQUESTS[signal]()
                    outer = getattr(piece, resources).add(resource=resource.resource, schema_url=resource.schema_url)
                    inner = getattr(outer, scopes).add(scope=scope.scope, schema_url=scope.schema_url)
                    getattr(inner, items).extend(held[first : first + BATCH])
                    pieces.append(piece.SerializeToString())
        draw.shuffle(pieces)
        return pieces


@dataclass(frozen=True)
class Rewritten:
    """`expected` is the index's block of the traces, rewritten alike."""

    scenario: str
    payloads: tuple[Payload, ...]
    expected: dict[str, Any]


def scenarios() -> Mapping[str, tuple[Recording, ...]]:
    """Recordings of one run, by the run's name."""
    found: dict[str, tuple[Recording, ...]] = {}
    for one in recordings():
        name = one.file.split(f".{one.signal}", 1)[0]
        found[name] = (*found.get(name, ()), one)
    return found


def rewritten(scenario: str, parts: Sequence[Recording], seed: str) -> Rewritten:
    draw = random.Random(f"{scenario} {seed}")
    expected = next((one.expected for one in parts if one.signal == "traces"), {})
    documents = [json.loads(one.body if one.content_type == JSON else to_json(one.signal, one.body)) for one in parts]
    words = {text: _other(text, draw) for text in sorted(_texts(expected), key=len, reverse=True)}
    ids: dict[str, str] = {}
    for document in documents:
        _collect(document, ids, draw)
    change = _changer(words, ids)
    payloads = []
    for one, document in zip(parts, documents, strict=True):
        text = json.dumps(change(document)).encode()
        forms = (JSON, text), ("application/x-protobuf", to_protobuf(one.signal, text))
        own, other = forms if one.content_type == JSON else (forms[1], forms[0])
        payloads.append(Payload(one.path, own, other))
    return Rewritten(scenario, tuple(payloads), change(expected))


def _texts(expected: Mapping[str, Any]) -> Iterator[str]:
    """What was said, and the ids, of an index's block."""
    yield from expected.get("users", ())
    yield from expected.get("conversations", ())
    for call in expected.get("calls", ()):
        yield from (id for id in (call.get("response_id"),) if id)
        messages = [*call.get("input", ()), *call.get("output", ()), {"parts": call.get("system", ())}]
        for part in (part for message in messages for part in message["parts"]):
            for name in ("content", "response", "id"):
                if isinstance(part.get(name), str) and len(part[name]) > _SHORTEST:
                    yield part[name]


def _other(text: str, draw: random.Random) -> str:
    """Of the same form: digits stay digits, so that no number is taken for a text."""

    def letter(match: re.Match[str]) -> str:
        return "".join(
            draw.choice("0123456789") if c.isdigit() else draw.choice("bcdfghjklm" if c.islower() else "BCDFGHJKLM")
            for c in match.group()
        )

    # JSON and its escapes keep their form.
    return text if text[:1] in "[{" else _WORDS.sub(letter, text)


def _collect(value: Any, ids: dict[str, str], draw: random.Random) -> None:
    if isinstance(value, list):
        for one in value:
            _collect(one, ids, draw)
    elif isinstance(value, dict):
        for key, one in value.items():
            length = _IDS.get(key)
            if length and isinstance(one, str) and one and one not in ids:
                ids[one] = f"{draw.getrandbits(length * 4 - 1) | 1:0{length}x}"
            else:
                _collect(one, ids, draw)


def _changer(words: Mapping[str, str], ids: Mapping[str, str]) -> Any:
    pairs = {**{text: new for text, new in words.items() if text != new}, **ids}
    escaped = {json.dumps(text)[1:-1]: json.dumps(new)[1:-1] for text, new in pairs.items()}
    twice = {json.dumps(text)[1:-1]: json.dumps(new)[1:-1] for text, new in escaped.items()}
    pairs = {**twice, **escaped, **pairs}
    pattern = re.compile("|".join(re.escape(text) for text in sorted(pairs, key=len, reverse=True)) or r"(?!)")

    def change(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub(lambda match: pairs[match.group()], value)
        if isinstance(value, list):
            return [change(one) for one in value]
        if isinstance(value, dict):
            return {ids.get(key, key): change(one) for key, one in value.items()}
        return value

    return change
