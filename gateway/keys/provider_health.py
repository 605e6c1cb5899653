"""What traffic and trials say of each provider's key, and said before the last start."""

import time
from collections.abc import Callable, Mapping

from msgspec import Struct


class Health(Struct, frozen=True):
    """`state`: untested, connected, or what a trial or an answer called it; `detail` is a sentence for people."""

    state: str = "untested"
    at_us: int | None = None
    detail: str | None = None


class ProviderHealth:
    """`changed` is called where a provider's state, or the reason for it, is another one than before."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._known: dict[str, Health] = {}

    def of(self, provider: str) -> Health:
        return self._known.get(provider) or Health()

    def learnt(self, provider: str, state: str, detail: str | None) -> None:
        known = self._known.get(provider)
        self._known[provider] = Health(state, time.time_ns() // 1000, detail)
        if known is None or (known.state, known.detail) != (state, detail):
            self._changed()

    @property
    def known(self) -> Mapping[str, Health]:
        return dict(self._known)

    def recall(self, kept: Mapping[str, Health]) -> None:
        """What was learnt before the last start, of providers of whom nothing was learnt since."""
        self._known = {**kept, **self._known}

    def forget(self, provider: str) -> None:
        """Another key, or none, starts anew."""
        self._known.pop(provider, None)
