"""The schema of `traces.db`, as numbered steps that are each applied once.

`turns` is one row per call; `said` are its messages that no earlier turn of its branch had said, and its answers;
`contents` what they say, sealed, each once. A turn continues its `parent` after the answer of number `choice`.
Hashes are keyed. Whatever a person or a model wrote stands in sealed columns only.
"""

from typing import TYPE_CHECKING

from gateway.schema import Step

if TYPE_CHECKING:
    from sqlite_utils import Database

# Whatever a sender says when a thing was: what was received today is kept from today on.
_STORED = "stored_us INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER))"
CONTENTS = """
CREATE TABLE contents (
    id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL, size INTEGER NOT NULL,
    data BLOB NOT NULL
)"""
CONTENT_PARTS = """
CREATE TABLE content_parts (
    content INTEGER NOT NULL, part INTEGER NOT NULL, PRIMARY KEY (content, part)
) WITHOUT ROWID"""
CONVERSATIONS = """
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, scope TEXT NOT NULL, given TEXT,
    title BLOB, line BLOB, line_us INTEGER,
    started_us INTEGER NOT NULL DEFAULT 0, ended_us INTEGER NOT NULL DEFAULT 0,
    requests INTEGER NOT NULL DEFAULT 0, errors INTEGER NOT NULL DEFAULT 0, unpriced INTEGER NOT NULL DEFAULT 0,
    input_tokens INTEGER, output_tokens INTEGER, cost_nano INTEGER, duration_us INTEGER NOT NULL DEFAULT 0
)"""
TURNS = f"""
CREATE TABLE turns (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, conversation INTEGER NOT NULL, sub TEXT,
    parent INTEGER, choice INTEGER NOT NULL DEFAULT 0, via INTEGER NOT NULL DEFAULT 0, length INTEGER NOT NULL,
    question BLOB, shortened INTEGER NOT NULL DEFAULT 0, changed INTEGER, blocks BLOB,
    system INTEGER, tools INTEGER,
    source TEXT NOT NULL, scope TEXT NOT NULL, request_id TEXT, response_id TEXT, client_response_id TEXT,
    previous_response_id TEXT,
    trace_id TEXT, span_id TEXT, parent_span_id TEXT,
    started_us INTEGER NOT NULL, ended_us INTEGER NOT NULL, latency_us INTEGER, ttft_us INTEGER,
    key TEXT, user TEXT, app TEXT, client TEXT, agent TEXT, door TEXT,
    provider TEXT, model TEXT, model_requested TEXT,
    input_tokens INTEGER, cached_tokens INTEGER, cache_write_tokens INTEGER, cache_write_1h_tokens INTEGER,
    output_tokens INTEGER, reasoning_tokens INTEGER, usage_source TEXT NOT NULL,
    cost_nano INTEGER, cost_source TEXT NOT NULL,
    status INTEGER NOT NULL, outcome TEXT NOT NULL, error_type TEXT, error_message BLOB, streamed INTEGER NOT NULL,
    tags TEXT NOT NULL, dropped TEXT NOT NULL, adapted TEXT NOT NULL, hints TEXT NOT NULL,
    joined TEXT, inferred INTEGER NOT NULL DEFAULT 0, figures TEXT, {_STORED}
)"""
SAID = """
CREATE TABLE said (
    id INTEGER PRIMARY KEY, turn INTEGER NOT NULL, place INTEGER NOT NULL, content INTEGER NOT NULL,
    role TEXT NOT NULL, output INTEGER NOT NULL, choice INTEGER NOT NULL DEFAULT 0,
    repeated INTEGER NOT NULL DEFAULT 0, finish TEXT, chain BLOB NOT NULL, mark BLOB, tail BLOB
)"""
SPANS = f"""
CREATE TABLE spans (
    id INTEGER PRIMARY KEY, trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_span_id TEXT,
    started_us INTEGER NOT NULL, ended_us INTEGER NOT NULL, scope TEXT NOT NULL, key TEXT NOT NULL,
    turn INTEGER, data BLOB NOT NULL, {_STORED}, UNIQUE (trace_id, span_id)
)"""
LOGS = f"""
CREATE TABLE logs (
    id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, trace_id TEXT, span_id TEXT, session TEXT,
    started_us INTEGER NOT NULL, scope TEXT NOT NULL, key TEXT NOT NULL, data BLOB NOT NULL, {_STORED}
)"""
SETTINGS = "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT)"
INDEXES = (
    "CREATE INDEX parts_by_part ON content_parts (part)",
    "CREATE INDEX conversations_given ON conversations (given, scope) WHERE given IS NOT NULL",
    "CREATE INDEX conversations_ended ON conversations (ended_us)",
    "CREATE INDEX turns_conversation ON turns (conversation, started_us)",
    "CREATE INDEX turns_started ON turns (started_us)",
    "CREATE INDEX turns_stored ON turns (stored_us)",
    "CREATE INDEX turns_parent ON turns (parent) WHERE parent IS NOT NULL",
    "CREATE INDEX turns_question ON turns (question, started_us) WHERE question IS NOT NULL",
    "CREATE INDEX turns_failed ON turns (question, ended_us) WHERE outcome = 'error'",
    "CREATE INDEX turns_request ON turns (request_id) WHERE request_id IS NOT NULL",
    "CREATE INDEX turns_response ON turns (response_id) WHERE response_id IS NOT NULL",
    "CREATE INDEX turns_previous ON turns (previous_response_id) WHERE previous_response_id IS NOT NULL",
    "CREATE INDEX turns_trace ON turns (trace_id) WHERE trace_id IS NOT NULL",
    "CREATE INDEX turns_system ON turns (system) WHERE system IS NOT NULL",
    "CREATE INDEX turns_tools ON turns (tools) WHERE tools IS NOT NULL",
    "CREATE INDEX said_turn ON said (turn, place)",
    "CREATE INDEX said_content ON said (content)",
    "CREATE INDEX said_chain ON said (chain, output)",
    "CREATE INDEX said_mark ON said (mark, output) WHERE mark IS NOT NULL",
    "CREATE INDEX said_tail ON said (tail, output) WHERE tail IS NOT NULL",
    "CREATE INDEX spans_stored ON spans (stored_us)",
    "CREATE INDEX spans_turn ON spans (turn) WHERE turn IS NOT NULL",
    "CREATE INDEX turns_client_response ON turns (client_response_id) WHERE client_response_id IS NOT NULL",
    "CREATE INDEX logs_trace ON logs (trace_id, span_id) WHERE trace_id IS NOT NULL",
    "CREATE INDEX logs_session ON logs (session) WHERE session IS NOT NULL",
    "CREATE INDEX logs_stored ON logs (stored_us)",
)


def _m001_conversations_and_spans(db: "Database") -> None:
    for statement in (CONTENTS, CONTENT_PARTS, CONVERSATIONS, TURNS, SAID, SPANS, LOGS, SETTINGS, *INDEXES):
        db.execute(statement)


def _m002_what_a_join_takes_back(db: "Database") -> None:
    """`moved`: telemetry put the turn into its conversation. Calls that spans or records tell are found by time."""
    for statement in (
        "ALTER TABLE turns ADD COLUMN principal TEXT",
        "ALTER TABLE turns ADD COLUMN moved INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX spans_told ON spans (ended_us) WHERE turn IS NOT NULL",
        "CREATE INDEX turns_logged ON turns (ended_us) WHERE source = 'log'",
    ):
        db.execute(statement)


def _m003_signatures(db: "Database") -> None:
    """They are made in the background. A search goes from what was said to its turns in one index."""
    for statement in (
        "CREATE TABLE signatures (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, entries INTEGER NOT NULL, "
        "data BLOB NOT NULL)",
        "DROP INDEX said_content",
        "CREATE INDEX said_content ON said (content, turn)",
    ):
        db.execute(statement)


def _m004_smaller_turns(db: "Database") -> None:
    """What a prompt cache compares is there until its turn is continued: rows that shrink leave their pages half
    empty. Digests of places are half as long."""
    indexes = ("said_chain", "said_mark", "said_tail", "turns_question", "turns_failed")
    made = [db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (index,)).fetchone()[0] for index in indexes]
    for statement in (
        "CREATE TABLE blocks (turn INTEGER PRIMARY KEY, hashes BLOB NOT NULL)",
        "INSERT INTO blocks SELECT id, blocks FROM turns WHERE blocks IS NOT NULL",
        "ALTER TABLE turns DROP COLUMN blocks",
        *(f"DROP INDEX {index}" for index in indexes),
        "UPDATE said SET chain = substr(chain, 1, 8), mark = substr(mark, 1, 8), tail = substr(tail, 1, 8)",
        "UPDATE turns SET question = substr(question, 1, 8) WHERE question IS NOT NULL",
        *made,
    ):
        db.execute(statement)


def _m005_sessions_that_told(db: "Database") -> None:
    """The session whose log records tell of an exchange without its ids: no span remembers that."""
    for statement in (
        "ALTER TABLE turns ADD COLUMN session TEXT",
        "CREATE INDEX turns_session ON turns (session) WHERE session IS NOT NULL",
    ):
        db.execute(statement)


def _m006_signatures_that_tell_of_letters(db: "Database") -> None:
    """What has none gets new ones in the background."""
    db.execute("DELETE FROM signatures")


def _m007_headers(db: "Database") -> None:
    """Of each turn what its headers have beside those of its `base`, an entry of `contents`."""
    for statement in (
        "CREATE TABLE headers (turn INTEGER PRIMARY KEY, base INTEGER NOT NULL, data BLOB NOT NULL)",
        "CREATE INDEX headers_base ON headers (base)",
    ):
        db.execute(statement)


def _m008_ids_of_sub_agents(db: "Database") -> None:
    """A conversation is found by them too."""
    db.execute("CREATE INDEX turns_sub ON turns (sub) WHERE sub IS NOT NULL")


def _m009_sessions_around_conversations(db: "Database") -> None:
    """That a call told of itself, and that the telemetry told which was joined with it."""
    for column in ("session_id", "joined_session_id"):
        db.execute(f"ALTER TABLE turns ADD COLUMN {column} TEXT")
        db.execute(f"CREATE INDEX turns_{column} ON turns ({column}) WHERE {column} IS NOT NULL")


def _m010_signatures_that_tell_of_wide_letters(db: "Database") -> None:
    """What tells less is used until it is made anew."""
    db.execute("ALTER TABLE signatures ADD COLUMN version INTEGER NOT NULL DEFAULT 1")
    db.execute("CREATE INDEX signatures_version ON signatures (version, first)")


def _m011_requests_by_their_identity(db: "Database") -> None:
    """An exchange's identity is its request's id."""
    db.execute("DROP INDEX turns_request")


def _m012_refusals_lack_no_price(db: "Database") -> None:
    """A conversation counts what cost, or may have cost, what nobody knows, as the rows of usage do."""
    db.execute(
        "UPDATE conversations SET unpriced = (SELECT COUNT(*) FROM turns WHERE conversation = conversations.id "
        "AND cost_nano IS NULL AND (usage_source <> 'none' OR outcome <> 'error' "
        "OR COALESCE(error_type, '') IN ('connection_lost', 'timeout', 'unreadable_answer')))"
    )


STEPS: tuple[Step, ...] = (
    _m001_conversations_and_spans,
    _m002_what_a_join_takes_back,
    _m003_signatures,
    _m004_smaller_turns,
    _m005_sessions_that_told,
    _m006_signatures_that_tell_of_letters,
    _m007_headers,
    _m008_ids_of_sub_agents,
    _m009_sessions_around_conversations,
    _m010_signatures_that_tell_of_wide_letters,
    _m011_requests_by_their_identity,
    _m012_refusals_lack_no_price,
)
STEPS_NAME = "traces"
