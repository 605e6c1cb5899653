"""Conversations out of log records alone: a row per tool that logs what it does, tried in order."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from gateway.telemetry.observed import Observed
from gateway.telemetry.readers import tool_claude_code, tool_codex, tool_gemini_cli, tool_genai_logs
from gateway.telemetry.records import LogRecord


class SessionReader(Struct, frozen=True, kw_only=True):
    """`reads` says whether a record is this tool's, `session` which session it is of, None where of none.

    `read` takes the records of one session that came so far, in any order and again and again, and tells its calls
    and tool runs in order of time. What it told before it tells again under the same `identity`.
    """

    name: str
    reads: Callable[[LogRecord], bool]
    session: Callable[[LogRecord], str | None]
    read: Callable[[Sequence[LogRecord]], tuple[Observed, ...]]


class SessionKey(Struct, frozen=True):
    """Which reader reads a record, and with which others."""

    reader: str
    session: str


SESSION_READERS: tuple[SessionReader, ...] = tuple(
    SessionReader(name=module.NAME, reads=module.reads, session=module.session, read=module.read_session)
    for module in (tool_claude_code, tool_codex, tool_gemini_cli, tool_genai_logs)
)
_BY_NAME = {reader.name: reader for reader in SESSION_READERS}


def session_of(record: LogRecord) -> SessionKey | None:
    """None where no reader knows the record, or it belongs to no session."""
    reader = next((reader for reader in SESSION_READERS if reader.reads(record)), None)
    session = reader.session(record) if reader is not None else None
    return SessionKey(reader.name, session) if reader is not None and session else None


def read_session(records: Iterable[LogRecord]) -> tuple[Observed, ...]:
    """What all these records tell, session by session; records of no session tell nothing."""
    sessions: dict[SessionKey, list[LogRecord]] = {}
    for record in records:
        if (key := session_of(record)) is not None:
            sessions.setdefault(key, []).append(record)
    return tuple(told for key, own in sessions.items() for told in _BY_NAME[key.reader].read(own))
