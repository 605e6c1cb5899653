"""The user's own rules of redaction, in a process that can be stopped when one of their patterns takes for ever."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import IO

import msgspec

from gateway.capture.matcher import MATCHER
from gateway.configuration.redact_rules import RedactRule

_SCRIPT = Path(__file__).with_name("matcher.py")
# A new process has this long to be there.
START_S = 20.0
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(str).decode


class TooSlow(Exception):
    """The rules did not come to an end with a text in time, or cannot be applied at all."""


class OwnRules:
    """Applies the rules, in order; for one thread at a time. The process is started when the first text comes."""

    def __init__(self, rules: Sequence[RedactRule]) -> None:
        self._rules = [(rule.pattern, rule.replacement) for rule in rules]
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: SimpleQueue[bytes] = SimpleQueue()

    def applied(self, text: str, until: float) -> str:
        """The text after all rules. Raises TooSlow once `until` (monotonic seconds) has passed."""
        if not self._rules:
            return text
        if monotonic() >= until:
            # Nothing that it began would be waited for.
            raise TooSlow
        try:
            process = self._process or self._started()
            assert process.stdin is not None
            process.stdin.write(_encode(text) + b"\n")
            process.stdin.flush()
            line = self._lines.get(timeout=max(0.0, until - monotonic()))
            return _decode(line)
        except (Empty, OSError, msgspec.DecodeError, UnicodeError):
            self.close()
            raise TooSlow from None

    def _started(self) -> subprocess.Popen[bytes]:
        self._lines = SimpleQueue()
        process = subprocess.Popen(
            [sys.executable, MATCHER] if getattr(sys, "frozen", False) else [sys.executable, "-I", str(_SCRIPT)],
            # It needs no key, and an interrupt at the terminal is not meant for it: it ends with its input.
            env={name: value for name, value in os.environ.items() if not name.startswith("FAREGATE_")},
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._process = process
        assert process.stdin is not None and process.stdout is not None
        Thread(target=_read, args=(process.stdout, self._lines), name="redaction-reader", daemon=True).start()
        process.stdin.write(_encode(self._rules) + b"\n")
        # What it takes to start is not the text's time.
        process.stdin.write(_encode("") + b"\n")
        process.stdin.flush()
        if not self._lines.get(timeout=START_S):
            raise OSError("The process that applies the rules of capture.redact did not start.")
        return process

    def close(self) -> None:
        """End the process; the next text starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        with contextlib.suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()


def _read(stream: IO[bytes], lines: "SimpleQueue[bytes]") -> None:
    with stream:
        for line in stream:
            lines.put(line)
    lines.put(b"")
