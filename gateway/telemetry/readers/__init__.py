"""Every way in which apps write what they asked a model: a reader each, tried in the order of one list.

Spans are read one by one (`observe`), with the log records under them; the tools' own log records session by session
(`session_of`, `read_session`).
"""

from gateway.telemetry.readers.spans import READERS, observe, observe_records
from gateway.telemetry.readers.tool_sessions import SESSION_READERS, SessionKey, matters, read_session, session_of

__all__ = [
    "READERS",
    "SESSION_READERS",
    "SessionKey",
    "matters",
    "observe",
    "observe_records",
    "read_session",
    "session_of",
]
