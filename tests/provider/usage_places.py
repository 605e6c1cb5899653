"""Where an answer says its usage, and whether: what servers do differently without leaving their format.

`mute` says nothing of it, `twice` says it twice, `early` (chat and Gemini) says it in any chunk but the last.
`garbled` puts bytes into the stream that are no JSON, and leaves half of a whole answer.
"""

import json
import random
from collections.abc import Callable, Container
from typing import Any

_USAGE = ("usage", "usageMetadata")
_WITHIN = ("message", "response")
_DATA, _DONE = b"data: ", b"[DONE]"
_GARBAGE = b'data: {"id": "half an ev\n\n'


def without_usage(value: Any) -> Any:
    """An answer or event that says nothing of its usage."""
    kept = {name: part for name, part in value.items() if name not in _USAGE}
    return kept | {name: without_usage(kept[name]) for name in _WITHIN if isinstance(kept.get(name), dict)}


def placed(frames: list[bytes], told: Container[str], rng: random.Random) -> list[bytes]:
    """The same stream as these behaviours want it."""
    if "mute" in told:
        frames = [frame for frame in (_changed(frame, without_usage) for frame in frames) if not _is_empty(frame)]
    if "twice" in told:
        frames = _twice(frames)
    if "early" in told:
        frames = _early(frames, rng)
    if "garbled" in told:
        place = rng.randint(min(2, len(frames) - 1), len(frames) - 1)
        frames = [*frames[:place], _GARBAGE, *frames[place:]]
    return frames


def _value(frame: bytes) -> dict[str, Any]:
    data = frame.partition(_DATA)[2].strip()
    return {} if data == _DONE else dict(json.loads(data))


def _changed(frame: bytes, change: Callable[[Any], Any]) -> bytes:
    value = _value(frame)
    if not value:
        return frame
    head = frame.partition(_DATA)[0]
    end = frame[len(frame.rstrip(b"\r\n")) :]
    return head + _DATA + json.dumps(change(value)).encode() + end


def _is_empty(frame: bytes) -> bool:
    """A chunk of chat that was there for its usage alone."""
    value = _value(frame)
    return value.get("choices") == [] and not value.get("usage")


def _bearers(frames: list[bytes]) -> list[int]:
    return [place for place, frame in enumerate(frames) if any(_value(frame).get(name) for name in _USAGE)]


def _alone(value: dict[str, Any]) -> dict[str, Any]:
    """The event once more, without what it says besides."""
    quiet: dict[str, Any] = {"choices": []} if "choices" in value else {}
    if "delta" in value:
        quiet = {"delta": {"stop_reason": None, "stop_sequence": None}}
    return {name: part for name, part in value.items() if name != "candidates"} | quiet


def _twice(frames: list[bytes]) -> list[bytes]:
    bearers = _bearers(frames)
    if not bearers:
        return frames
    place = bearers[-1]
    return [*frames[:place], _changed(frames[place], _alone), *frames[place:]]


def _early(frames: list[bytes], rng: random.Random) -> list[bytes]:
    bearers = _bearers(frames)
    if not bearers or not ({"choices", "candidates"} & _value(frames[bearers[-1]]).keys()):
        return frames
    last = bearers[-1]
    said = {name: part for name, part in _value(frames[last]).items() if name in _USAGE}
    kept = [_changed(frame, without_usage) for frame in frames]
    places = [
        place for place in range(last) if any(_value(kept[place]).get(name) for name in ("choices", "candidates"))
    ]
    if not places:
        return frames
    place = rng.choice(places)
    kept[place] = _changed(kept[place], lambda value: value | said)
    return [frame for frame in kept if not _is_empty(frame)]
