"""A question whose asker may leave before the answer is there: its statements then stop midway."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

# How often a statement looks, in instructions of SQLite's machine: about every half a millisecond.
LOOK_EVERY = 10_000

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Asking:
    """Asked by one thread through `ask`, dropped by any."""

    def __init__(self) -> None:
        self._dropped = False

    def drop(self) -> None:
        """Nobody waits for the answer any more; returns at once."""
        self._dropped = True

    def ask(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What `call` returns. Raises what it raises, which is sqlite3.OperationalError once dropped."""
        token = _asked.set(self)
        try:
            return call(*args, **kwargs)
        finally:
            _asked.reset(token)

    def is_dropped(self) -> bool:
        return self._dropped


_asked: ContextVar[Asking | None] = ContextVar("asked", default=None)


@contextmanager
def stoppable(connection: sqlite3.Connection) -> Iterator[None]:
    """Statements of this connection stop when the question that this thread asks, if any, is dropped."""
    question = _asked.get()
    if question is None:
        yield
        return
    connection.set_progress_handler(question.is_dropped, LOOK_EVERY)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)


def stop_if_dropped() -> None:
    """For work between statements. Raises what a stopped statement does, once the question that this thread asks is
    dropped."""
    question = _asked.get()
    if question is not None and question.is_dropped():
        error = sqlite3.OperationalError("interrupted")
        error.sqlite_errorcode = sqlite3.SQLITE_INTERRUPT
        raise error


def was_stopped(error: BaseException) -> bool:
    """Whether an error says that a dropped question was stopped, and so nothing of the database."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
