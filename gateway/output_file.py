"""Files that a person asked for appear whole or not at all; what stood there before stays until then."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from gateway.errors import FaregateError


@contextmanager
def output_file(path: Path) -> Iterator[TextIO]:
    """A text file in UTF-8 without any translation of line ends. Raises FaregateError where it cannot be made."""
    if os.path.exists(path) and not os.path.isfile(path):
        # A pipe or a device is written to, never replaced.
        with _opened(path, path) as file:
            yield file
        return
    # A link stays, and what it points to is replaced.
    target = path.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    file = _opened(part, path)
    try:
        with file:
            yield file
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _opened(path: Path, asked_for: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise FaregateError(f"{asked_for} cannot be written ({error.strerror}): choose another file.") from None
