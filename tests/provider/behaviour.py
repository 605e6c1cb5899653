"""What a call is told to do, by a marker in the last user message (`[[429]]`) or by `POST /control`.

Statuses: 400 401 402 403 404 429 500 503 529, each in the provider's native body.
Transport: html (200 and a page), html502, half (half of the answer, then a clean end), cut (half, then the connection
closes without the end of the chunked body), stall (half, then nothing until the client leaves), silent (accepts and
never answers), reset (RST before a byte), reset-midway (RST after half), slow or slow:MS (pauses between events).
Content: echo (answers what it was sent, unchecked), error (the format's own error event after half), tool (tool calls
where tools are offered and no results were just given; again: also then; calls:N so many of them), think (reasoning is
shown where the format can), redact (it is hidden), length, stop (stop sequence), filter, refuse (declines as the
format does), cache (input counts come from a real prefix cache and not by lot), seed:N (the answer is drawn from this
seed, so that two calls get the same one), mute, twice, early, garbled (see `usage_places.py`).
"""

import re
from collections import deque
from dataclasses import dataclass, field

ERROR_STATUSES = {"400", "401", "402", "403", "404", "429", "500", "503", "529"}
MIDWAY = {"half", "cut", "stall", "reset-midway", "error"}
_MARKER = re.compile(r"\[\[([a-z0-9-]+)(?::(\d+))?\]\]")


@dataclass(frozen=True)
class Behaviour:
    name: str
    value: int | None = None


def marked(text: str) -> dict[str, Behaviour]:
    return {name: Behaviour(name, int(value) if value else None) for name, value in _MARKER.findall(text)}


@dataclass
class Control:
    """Orders that come over `POST /control`: each applies to the next calls of a provider (or of any).

    An order of several words (`tool think seed:7`) is for one call.
    """

    strict: bool = True
    queue: deque[tuple[str | None, dict[str, Behaviour]]] = field(default_factory=deque)

    def order(self, name: str, provider: str | None, times: int, value: int | None) -> None:
        told = {name: Behaviour(name, value)} if value is not None else _words(name)
        self.queue.extend([(provider, told)] * times)

    def take(self, provider: str) -> dict[str, Behaviour]:
        for index, (wanted, told) in enumerate(self.queue):
            if wanted in (None, provider):
                del self.queue[index]
                return told
        return {}


def _words(order: str) -> dict[str, Behaviour]:
    pairs = (word.partition(":") for word in order.split())
    return {name: Behaviour(name, int(value) if value else None) for name, _, value in pairs}
