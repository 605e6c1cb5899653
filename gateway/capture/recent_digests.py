"""Which digests were seen lately, in a third of the memory that an ordered dictionary of them takes."""


class RecentDigests:
    """At least the last `least` digests that were added or asked for, and at most twice as many."""

    def __init__(self, least: int) -> None:
        self._least = least
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()

    def __contains__(self, digest: bytes) -> bool:
        if digest in self._young:
            return True
        if digest not in self._old:
            return False
        # What is still asked for outlives its generation.
        self.add(digest)
        return True

    def __len__(self) -> int:
        return len(self._young | self._old)

    def add(self, digest: bytes) -> None:
        self._young.add(digest)
        if len(self._young) >= self._least:
            self._old, self._young = self._young, set()
