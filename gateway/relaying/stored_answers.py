"""Answers that their clients asked to be stored, for requests that name them and go to whoever does not have them.

A provider keeps its own answers, as it gave them. Without what is kept here, a client that names what was said, as
the API lets it, could not go on with a model of another provider, nor at all where its answers are translated. By
access key, in memory, bounded, not on disk: what is gone is refused in the next request by name.
"""

import time
from collections.abc import Callable

from msgspec import Struct

from gateway.dialects.openai_responses.stored import Kept, names_stored, stored_answer, with_stored
from gateway.relaying.recent import MOST_BYTES, MOST_OF_ONE, Recent

# Beside the texts: keys, records and the tables' own share.
_OVERHEAD = 400
_MOST_BYTES = MOST_BYTES // 2
# The last events of a stream may come with others.
_LONGEST = MOST_OF_ONE * 2


class _Item(Struct, frozen=True, gc=False):
    """`provider` is who keeps it too, "" where nobody does."""

    provider: str
    text: bytes


class _Answer(Struct, frozen=True):
    provider: str
    kept: Kept


class StoredAnswers:
    """Thread-safe. `clock` counts seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        # Single items apart: they are what most clients name, and a request before them may be too large to keep.
        self._items = Recent[_Item](size=_MOST_BYTES, clock=clock)
        self._answers = Recent[_Answer](size=_MOST_BYTES, clock=clock)

    def keep(self, key: str, exchange: str, provider: str, request: bytes, answer: bytes) -> None:
        """The answer of an exchange (its id), whole or the last events of its stream, as its client gets it, with the
        request before it. `provider` is who keeps it too, "" where nobody does."""
        # Of a larger one no more than pieces could be kept, and looking through it would hold the loop.
        if len(answer) > _LONGEST or (stored := stored_answer(answer)) is None:
            return
        for id, text in stored.items:
            self._items.put((key, id), _Item(provider, text), _OVERHEAD + len(text), exchange)
        kept = Kept(request, tuple(text for _, text in stored.items))
        size = _OVERHEAD + len(request) + sum(map(len, kept.items))
        self._answers.put((key, stored.id), _Answer(provider, kept), size, exchange)

    def let_go(self) -> None:
        """Drop what is too old."""
        self._items.let_go()
        self._answers.let_go()

    def forget_exchanges(self, is_gone: Callable[[str], bool]) -> None:
        """Drop what came of exchanges with these ids."""
        self._items.forget_exchanges(is_gone)
        self._answers.forget_exchanges(is_gone)

    def may_complete(self, body: bytes) -> bool:
        """Whether a request may leave out something that is kept here."""
        return bool(self._items) and names_stored(body)

    def completed(self, key: str, provider: str, body: bytes) -> bytes:
        """The request with what it left out, as far as it is kept here and not by the `provider` that it goes to."""
        if not self.may_complete(body):
            return body

        def answer(id: str) -> Kept | None:
            found = self._answers.get((key, id))
            if found is None:
                return None
            # A conversation that goes on names its first answers and items for as long.
            self._answers.renew((key, id))
            return found.kept

        def has(id: str) -> bool:
            found = self._answers.get((key, id))
            return found is not None and found.provider == provider

        # All that is kept is no more; a short request that named one item again and again would fill the memory.
        left = _MOST_BYTES

        def item(id: str) -> bytes | None:
            nonlocal left
            found = self._items.get((key, id))
            if found is None or found.provider == provider or len(found.text) > left:
                return None
            left -= len(found.text)
            self._items.renew((key, id))
            return found.text

        return with_stored(body, answer, item, has)
