"""Conversations out of log records alone: a row per tool that logs what it does, tried in order."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct, structs

from gateway.telemetry.observed import Observed
from gateway.telemetry.readers import tool_claude_code, tool_codex, tool_gemini_cli, tool_genai_logs
from gateway.telemetry.records import LEFT_OUT, LogRecord


class SessionReader(Struct, frozen=True, kw_only=True):
    """`reads` says whether a record is this tool's, `session` which session it is of, None where of none.

    `read` takes the records of one session that came so far, in any order and again and again, and tells its calls
    and tool runs in order of time. What it told before it tells again under the same `identity`. `matters` says of a
    record whether `read` needs it.
    """

    name: str
    reads: Callable[[LogRecord], bool]
    session: Callable[[LogRecord], str | None]
    read: Callable[[Sequence[LogRecord]], tuple[Observed, ...]]
    matters: Callable[[LogRecord], bool] = lambda record: True


class SessionKey(Struct, frozen=True):
    """Which reader reads a record, and with which others."""

    reader: str
    session: str


SESSION_READERS: tuple[SessionReader, ...] = (
    SessionReader(
        name=tool_claude_code.NAME,
        reads=tool_claude_code.reads,
        session=tool_claude_code.session,
        read=tool_claude_code.read_session,
    ),
    SessionReader(
        name=tool_codex.NAME,
        reads=tool_codex.reads,
        session=tool_codex.session,
        read=tool_codex.read_session,
        matters=tool_codex.matters,
    ),
    SessionReader(
        name=tool_gemini_cli.NAME,
        reads=tool_gemini_cli.reads,
        session=tool_gemini_cli.session,
        read=tool_gemini_cli.read_session,
    ),
    SessionReader(
        name=tool_genai_logs.NAME,
        reads=tool_genai_logs.reads,
        session=tool_genai_logs.session,
        read=tool_genai_logs.read_session,
    ),
)
_BY_NAME = {reader.name: reader for reader in SESSION_READERS}


def _reader_of(record: LogRecord) -> SessionReader | None:
    return next((reader for reader in SESSION_READERS if reader.reads(record)), None)


def session_of(record: LogRecord) -> SessionKey | None:
    """None where no reader knows the record, or it belongs to no session."""
    reader = _reader_of(record)
    session = reader.session(record) if reader is not None else None
    return SessionKey(reader.name, session) if reader is not None and session else None


def matters(record: LogRecord) -> bool:
    """Whether a record need be kept for what sessions tell; those of nobody's session do not tell anything here."""
    reader = _reader_of(record)
    return reader is None or reader.matters(record)


def read_session(records: Iterable[LogRecord]) -> tuple[Observed, ...]:
    """What all these records tell, session by session; records of no session tell nothing."""
    sessions: dict[SessionKey, list[LogRecord]] = {}
    for record in records:
        if (key := session_of(record)) is not None:
            sessions.setdefault(key, []).append(record)
    return tuple(told for key, own in sessions.items() for told in _told(key, own))


def _told(key: SessionKey, records: Sequence[LogRecord]) -> tuple[Observed, ...]:
    """Where the gateway itself took the content away, no switch of the tool would bring it."""
    told = _BY_NAME[key.reader].read(records)
    if not any(LEFT_OUT in record.notes for record in records):
        return told
    return tuple(structs.replace(one, hints=(f"The receiver changed these records: {LEFT_OUT}.",)) for one in told)
