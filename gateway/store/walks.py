"""The ways through the histories that came last: what a call says again is hashed once, and not gone through again.

A history is found by the hashes of its messages (`cache_blocks`), which a turn needs in any case: cache marks are not
in them, as they are not in any place. Of what was said only hashes are remembered.
"""

from collections import OrderedDict
from collections.abc import Sequence

from msgspec import Struct

from gateway.model import Message
from gateway.store.cache_blocks import HASH_BYTES
from gateway.store.chain import Hasher, Place, Running, Walk

# Of all histories together: about 300 bytes each. Agents that run at once have some hundreds each at most.
MOST_PLACES = 4_000
MOST_HELD = 1000


class _Gone(Struct, frozen=True):
    """How far a history was gone through; `running` stands behind its last message."""

    hashes: bytes
    places: tuple[Place, ...]
    running: Running


_Key = tuple[str, int, bytes, bytes]


class Walks:
    """One writer's."""

    def __init__(self, hasher: Hasher, most_places: int = MOST_PLACES) -> None:
        self._hasher = hasher
        self._most_places = most_places
        # By scope, number of messages, and hashes of the first and the last: of those that are alike the last one.
        self._gone: OrderedDict[_Key, _Gone] = OrderedDict()
        self._places = 0

    def walk(self, scope: str, messages: Sequence[Message], hashes: bytes, answers: Sequence[Message]) -> Walk:
        """Digests along a history; `hashes` are HASH_BYTES of each message."""
        places: tuple[Place, ...] = ()
        running = self._hasher.running(scope)
        if (begun := self._begun(scope, hashes)) is not None:
            # Nobody else goes on from there: it is remembered anew.
            places, running = begun.places, begun.running
        places += tuple(running.after(message) for message in messages[len(places) :])
        if places and running.held <= MOST_HELD:
            self._remember(scope, _Gone(hashes, places, running))
        return Walk(places, tuple(running.copy().after(answer) for answer in answers))

    def _begun(self, scope: str, hashes: bytes) -> _Gone | None:
        """The longest beginning of a history that was gone through; one is remembered once, where it went on last."""
        first = hashes[:HASH_BYTES]
        for count in range(len(hashes) // HASH_BYTES, 0, -1):
            end = count * HASH_BYTES
            key = scope, count, first, hashes[end - HASH_BYTES : end]
            found = self._gone.get(key)
            if found is not None and hashes.startswith(found.hashes):
                self._forget(key)
                return found
        return None

    def _remember(self, scope: str, gone: _Gone) -> None:
        key = scope, len(gone.places), gone.hashes[:HASH_BYTES], gone.hashes[-HASH_BYTES:]
        if key in self._gone:
            self._forget(key)
        self._gone[key] = gone
        self._places += len(gone.places)
        while self._places > self._most_places:
            self._forget(next(iter(self._gone)))

    def _forget(self, key: _Key) -> None:
        self._places -= len(self._gone.pop(key).places)
