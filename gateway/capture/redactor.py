"""Redaction: every text of what is told goes through the rules before anything is stored.

Built-in rules run here; the user's own in a process that can be stopped. Each exchange has a time and a size for it:
a text for which they did not suffice is not stored at all. Texts in which nothing was found are remembered by their
digest, because a conversation sends its history again with every turn.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from threading import Lock
from time import monotonic
from typing import TypeVar

import msgspec

from gateway.capture.own_rules import OwnRules, TooSlow
from gateway.capture.recent_digests import RecentDigests
from gateway.capture.rules import Rule, replaced
from gateway.capture.texts import mapped
from gateway.configuration.redact_rules import RedactRule
from gateway.dialects.redaction import HIDDEN
from gateway.told import Told

# For the texts of one exchange that were not seen before.
MOST_SECONDS = 2.0
MOST_CHARACTERS = 32 * 2**20
LONGEST_SECONDS = 5.0
# For one short text, while the event loop stands still.
SHORT_SECONDS = 0.02
SHORT_CHARACTERS = 32 * 1024
# A long context has some hundreds of texts, and dozens of agents may send theirs by turns. With a few more Python
# makes each of the two sets four times as large.
REMEMBERED = 19_600
_DEEPEST = 4
_T = TypeVar("_T")
_TOO_SLOW = "redaction took too long: {} characters are not kept"
HINT = "Redaction took too long for {}: see capture.redact, a pattern of it may be slow."


class Redactor:
    """One set of rules. Thread-safe."""

    def __init__(
        self,
        built_in: Sequence[Rule],
        own: Sequence[RedactRule] = (),
        *,
        seconds: float = MOST_SECONDS,
        characters: int = MOST_CHARACTERS,
    ) -> None:
        self._built_in = tuple(built_in)
        # Of all rules; where there is none no mark is found.
        marks = sorted({mark for rule in built_in for mark in rule.marks})
        self._marks = re.compile("|".join(map(re.escape, marks)) or r"(?!)")
        self._own = OwnRules(own)
        self._has_own = bool(own)
        self._seconds, self._characters = seconds, characters
        self._clean = RecentDigests(REMEMBERED)
        self._lock = Lock()

    def close(self) -> None:
        with self._lock:
            self._own.close()

    def redacted(self, told: Told, secrets: Iterable[str] = ()) -> Told:
        """What is told, with what the rules find taken out of every text, and `secrets` wherever they stand."""
        with self._lock:
            run = _Run(self._applied, [secret for secret in secrets if secret], self._seconds, self._characters)
            clean = mapped(told, run.text)
        if run.given_up:
            parts = "one part" if run.given_up == 1 else f"{run.given_up} parts"
            return msgspec.structs.replace(clean, hints=(*clean.hints, HINT.format(parts)))
        return clean

    def is_harmless(self, text: str) -> bool:
        """Whether no rule can find anything in a short text; where it is False one may, as the user's own always
        may: they may ask for a text's begin and end."""
        return not self._has_own and self._marks.search(text) is None

    def at_once(self) -> "Redactor | None":
        """Another of the same rules, for short texts on a thread that must not wait; None where the user's own rules
        have a say, which may take their time."""
        return None if self._has_own else Redactor(self._built_in, seconds=SHORT_SECONDS, characters=SHORT_CHARACTERS)

    def through(self, work: Callable[[Callable[[str], str]], _T], exchanges: int = 1) -> _T:
        """What `work` makes when it is given the function that redacts a text: for headers, and for telemetry, which
        tells of several exchanges at once and is waited for."""
        seconds = min(self._seconds * exchanges, LONGEST_SECONDS)
        with self._lock:
            return work(_Run(self._applied, (), seconds, self._characters * exchanges).text)

    def _applied(self, text: str, run: "_Run", depth: int = 0) -> str:
        data = text.encode("utf-8", "surrogatepass")
        # What lies deep in JSON is not read as far within as what stands by itself.
        digest = blake2b(data, digest_size=16, person=bytes((depth,))).digest()
        if digest in self._clean:
            return text
        run.take(len(text))
        found = self._by_rules(text, run)
        if depth < _DEEPEST and text.lstrip()[:1] in ("{", "[", '"'):
            clean = self._within_json(found, run, depth)
            if clean is None and found != text and (clean := self._within_json(text, run, depth)) is not None:
                # A rule took out a piece without which the rest is no JSON any more.
                clean = self._by_rules(clean, run)
            found = found if clean is None else clean
        if found == text:
            self._clean.add(digest)
        return found

    def _by_rules(self, text: str, run: "_Run") -> str:
        for rule in self._built_in:
            for mark in rule.marks:
                if mark in text:
                    if spans := list(rule.spans(text, run.give_way)):
                        text = replaced(text, spans)
                    break
        return self._own.applied(text, run.until) if self._has_own else text

    def _within_json(self, text: str, run: "_Run", depth: int) -> str | None:
        """JSON text without what the escapes of its strings hid; as it was where they hid nothing, None where it
        cannot be read."""
        if "\\" not in text and not self._has_own:
            return text
        try:
            value = json.loads(text)
            clean = mapped(value, lambda inner: self._applied(inner, run, depth + 1))
            return text if clean == value else json.dumps(clean, ensure_ascii=False, separators=(",", ":"))
        except (ValueError, RecursionError):
            return None


class _Run:
    """The texts of one exchange, each done once."""

    def __init__(
        self, apply: "Callable[[str, _Run], str]", secrets: Sequence[str], seconds: float, characters: int
    ) -> None:
        self._apply = apply
        self._secrets = secrets
        self.until = monotonic() + seconds
        self._left = characters
        self._done: dict[str, str] = {}
        self.given_up = 0

    def text(self, text: str) -> str:
        found = self._done.get(text)
        if found is None:
            found = self._done[text] = self._redacted(text)
        return found

    def _redacted(self, text: str) -> str:
        sound = text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        for secret in self._secrets:
            sound = sound.replace(secret, HIDDEN)
        try:
            return self._apply(sound, self)
        except TooSlow:
            self.given_up += 1
            return f"[{_TOO_SLOW.format(len(text))}]"

    def take(self, characters: int) -> None:
        """Raises TooSlow where the time or size of the exchange is used up."""
        self._left -= characters
        if self._left < 0 or monotonic() > self.until:
            raise TooSlow

    def give_way(self) -> None:
        """Between two pieces of a long text."""
        self.take(0)
        time.sleep(0)
