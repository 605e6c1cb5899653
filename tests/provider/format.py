"""What the server asks of a wire format; each format is one module with a `FORMAT` record (chat has two)."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.provider.draw import Ability, Answer
from tests.provider.ledger import Said
from tests.provider.prefix_cache import Segment
from tests.provider.understood import Understood


@dataclass(kw_only=True)
class Call:
    """A request as far as the server needs it. `prompt` is the last user text, "" where it is not the last message's.

    `after_tools`: the last message carries tool results. `tools`: name and JSON Schema of each client-side function.
    `understood` is there once the body was checked.
    """

    operation: str
    model: str
    stream: bool
    body: dict[str, Any]
    prompt: str = ""
    after_tools: bool = False
    tools: list[tuple[str, dict[str, Any] | None]] = field(default_factory=list)
    stop: list[str] = field(default_factory=list)
    shows_reasoning: bool = False
    always_reasons: bool = False
    understood: Understood | None = None


Error = tuple[int, dict[str, str], Any]


@dataclass(frozen=True, kw_only=True)
class Format:
    """`id_prefix` makes request ids, `id_header` carries them (None: only the body does).

    `frames` are the events of a stream; `input_told_first`: its first ones already tell the input counts.
    `error(status, message, request_id, rejected)` gives status, headers and body as the provider words them.
    `understand` and `segments` read a checked body; `marked_cache`: only what ends at a cache mark is kept.
    `refuses_in_words`: an answer that declines says so in text.
    """

    provider: str
    id_prefix: str
    id_header: str | None
    answer_prefix: str
    call_prefix: str
    credential: Callable[[Mapping[str, str], Mapping[str, str]], str | None]
    read: Callable[[str, str, Mapping[str, str], dict[str, Any]], Call]
    understand: Callable[[dict[str, Any]], Understood]
    segments: Callable[[dict[str, Any]], list[Segment]]
    check: Callable[[Call, Mapping[str, str]], None]
    ability: Callable[[Call], Ability]
    said: Callable[[Call], Said]
    whole: Callable[[Call, Answer], Any]
    frames: Callable[[Call, Answer, random.Random], list[bytes]]
    embeddings: Callable[[Call, Answer, list[list[float]]], Any]
    error: Callable[[str, str, str, str | None, str | None], Error]
    error_frame: Callable[[str], bytes]
    models: Callable[[list[str]], Any]
    model_ids: tuple[str, ...]
    families: tuple[str, ...]
    input_told_first: bool = False
    marked_cache: bool = False
    refuses_in_words: bool = True
