"""A text that is searched for: in an entry's bytes, in the texts of one, and the line around it. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from unicodedata import category

import msgspec

from gateway.store.content import encode, texts_of
from gateway.store.signatures import Sought

# Unicode's category of letters without upper and lower case, as Chinese, Arabic and Indian ones are.
_CASELESS = "Lo"
# So many characters around what was found.
BEFORE, AFTER = 40, 100


class Needle:
    """`sought` is what signatures are asked for. `caseless`: no other letter is folded into one of these, so that it
    stands in the very bytes of what holds it."""

    def __init__(self, text: str) -> None:
        self._folded = text.casefold()
        # As it stands inside JSON, without the quotes around it, and as it stands in a text of its own.
        self._inside, self._alone = encode(self._folded)[1:-1], self._folded.encode("utf-8", "replace")
        self._escaped = self._inside != self._alone
        self._ascii = self._folded.isascii()
        self.caseless = all(category(letter) == _CASELESS for letter in self._folded)
        self.sought = Sought(self._alone)

    def may_be_in(self, plain: bytes) -> bool:
        """A quick look at an entry's bytes, which never misses anything."""
        # Some letters beyond ASCII fold into ASCII ones.
        folded = plain.decode("utf-8", "replace").casefold().encode()
        return self._inside in folded or (self._escaped and self._alone in folded)

    def may_be_among(self, plain: Sequence[bytes]) -> list[int]:
        """Those of these entries in whose bytes it may be, by place: a look at all of them at once. They are in ASCII
        where it is not caseless."""
        if not plain or not (self._ascii or self.caseless):
            return []
        folded = b"\n".join(plain) if self.caseless else b"\n".join(plain).lower()
        nexts = list(accumulate(len(each) + 1 for each in plain))
        found: set[int] = set()
        for form in {self._inside, self._alone}:
            at = folded.find(form)
            while at >= 0:
                place = bisect_right(nexts, at)
                found.add(place)
                at = folded.find(form, nexts[place])
        return sorted(found)

    def line_of(self, kind: int, plain: bytes) -> str | None:
        """A line around it in an entry that was opened; None where it is not in it."""
        try:
            return self.line(texts_of(kind, plain))
        except msgspec.MsgspecError:
            return None

    def line(self, found: Iterable[str]) -> str | None:
        """A line around it in the first of these texts that has it."""
        for text in found:
            folded = text.casefold()
            at = folded.find(self._folded)
            if at >= 0:
                end = at + len(self._folded)
                if len(text) != len(folded):
                    at, end = _unfolded(text, at), _unfolded(text, end)
                return _around(text, at, end)
        return None


def _unfolded(text: str, place: int) -> int:
    """A place in the folded text, in the text itself: ß is two letters there."""
    folded = 0
    for at, letter in enumerate(text):
        if folded >= place:
            return at
        folded += len(letter.casefold())
    return len(text)


def _around(text: str, at: int, past: int) -> str:
    start, end = max(0, at - BEFORE), min(len(text), past + AFTER)
    line = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{line}{'…' if end < len(text) else ''}"
