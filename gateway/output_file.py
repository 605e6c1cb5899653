"""Files that a person asked for appear whole or not at all; what stood there before stays until then."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from gateway.errors import FaregateError


@contextmanager
def output_file(path: Path) -> Iterator[TextIO]:
    """A text file in UTF-8 without any translation of line ends. Raises FaregateError where it cannot be made, or
    where the disk takes no more."""
    try:
        with _output_file(path) as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FaregateError(f"{path} cannot be written ({error.strerror}): choose another file.") from None


@contextmanager
def _output_file(path: Path) -> Iterator[TextIO]:
    if os.path.exists(path) and not os.path.isfile(path):
        # A pipe or a device is written to, never replaced.
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    # A link stays, and what it points to is replaced.
    target = path.resolve()
    # A name that nobody can guess, and no file that is there: whoever else may write here could have laid a link.
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    file = part.open("x", encoding="utf-8", newline="")
    try:
        with file:
            yield file
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
