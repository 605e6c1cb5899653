"""The settings that the page shows, as data: which section, what a person calls them, and how they are changed.

`kind` names a control (`controls`). Every setting of `config.toml` that a window can offer stands in exactly one row;
certificates, the store, and tables of providers and of one's own rules are the file's.
"""

from collections.abc import Mapping

from msgspec import Struct
from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

from gateway import CAPTURE_PARTS, REDACT_BUILT_IN

_CONTEXT = "Settings"


def marked(text: str) -> str:
    """Marked for translation; `translated` does it once the language is known."""
    return str(QT_TRANSLATE_NOOP(_CONTEXT, text))


def translated(text: str) -> str:
    return QCoreApplication.translate(_CONTEXT, text)


class Row(Struct, frozen=True):
    """`group` is the card's heading. `words` say what it does and what the choice means,
    `empty` what it means that nothing is given."""

    key: str
    kind: str
    group: str
    title: str
    words: str = ""
    options: Mapping[str, str] = {}
    empty: str = ""


class Section(Struct, frozen=True):
    key: str
    title: str
    icon: str


SECTIONS = (
    Section("gateway", marked("Gateway"), "server"),
    Section("appearance", marked("Appearance"), "sun"),
    Section("capture", marked("Capture & redaction"), "eye-off"),
    Section("retention", marked("Retention"), "history"),
    Section("telemetry", marked("Telemetry"), "activity"),
    Section("vault", marked("Provider keys"), "lock"),
    Section("data", marked("Data"), "database"),
    Section("notifications", marked("Notifications"), "message-square"),
    Section("about", marked("About"), "info"),
)

PART_NAMES: Mapping[str, str] = {
    "reasoning": marked("Reasoning"),
    "media": marked("Pictures and files"),
    "tool_results": marked("Tool results"),
    "system": marked("System prompts"),
    "headers": marked("Headers"),
}
RULE_NAMES: Mapping[str, str] = {
    "provider_key": marked("Provider keys"),
    "faregate_key": marked("Faregate's own keys"),
    "bearer": marked("Bearer tokens"),
    "private_key": marked("Private keys"),
    "aws_key": marked("AWS keys"),
    "github_token": marked("GitHub tokens"),
    "slack_token": marked("Slack tokens"),
    "token": marked("Other tokens"),
    "url_password": marked("Passwords in addresses"),
    "email": marked("E-mail addresses"),
    "card_number": marked("Card numbers"),
    "iban": marked("IBANs"),
}
PARTS = {name: PART_NAMES.get(name, name) for name in CAPTURE_PARTS}
RULES = {name: RULE_NAMES.get(name, name) for name in REDACT_BUILT_IN}

_LISTENING, _ACCESS = marked("Where it listens"), marked("Access")
_LIMITS, _PATIENCE = marked("Limits"), marked("How long providers may take")
_NONE = marked("None")
_CONTENT, _RULES = marked("Content"), marked("Redaction")
_KEPT, _RECEIVED, _SENT = marked("What is kept"), marked("Received"), marked("Sent on")

ROWS: Mapping[str, tuple[Row, ...]] = {
    "gateway": (
        Row(
            "server.port",
            "port",
            _LISTENING,
            marked("Port"),
            marked("Tools connect to it. 0 takes any free one."),
        ),
        Row(
            "server.host",
            "text",
            _LISTENING,
            marked("Address"),
            marked("127.0.0.1 is this machine only. Anything else lets other machines in, and needs a certificate."),
        ),
        Row(
            "server.insecure_remote",
            "switch",
            _ACCESS,
            marked("Other machines without encryption"),
            marked("Only for containers on a closed network: keys and content travel unencrypted."),
        ),
        Row(
            "server.allowed_origins",
            "names",
            _ACCESS,
            marked("Web pages that may call"),
            marked("Origins such as https://example.org, separated by commas. Pages of this machine always may."),
            empty=_NONE,
        ),
        Row(
            "server.allowed_hosts",
            "names",
            _ACCESS,
            marked("Other names of this gateway"),
            marked("Host names that requests may be addressed to, besides those of this machine."),
            empty=_NONE,
        ),
        Row("limits.body", "size", _LIMITS, marked("Largest request"), marked("Before and after decompression.")),
        Row("timeouts.connect", "seconds", _PATIENCE, marked("Connecting")),
        Row("timeouts.first_byte", "seconds", _PATIENCE, marked("Until the first byte")),
        Row("timeouts.between_chunks", "seconds", _PATIENCE, marked("Silence within a stream")),
        Row("timeouts.total", "seconds", _PATIENCE, marked("Total")),
    ),
    "capture": (
        Row(
            "capture.content",
            "switch",
            _CONTENT,
            marked("Keep messages"),
            marked("Prompts and answers, for Conversations. Figures and costs are kept in any case."),
        ),
        Row(
            "capture.parts_off",
            "without",
            _CONTENT,
            marked("Parts to keep"),
            marked("What is not ticked is left out before anything is written."),
            PARTS,
        ),
        Row(
            "capture.keys_off",
            "names",
            _CONTENT,
            marked("Keys whose content is not kept"),
            marked("Names of API keys, separated by commas."),
            empty=_NONE,
        ),
        Row(
            "capture.tags_off",
            "names",
            _CONTENT,
            marked("Tags whose content is not kept"),
            marked("Tags such as env:prod, separated by commas."),
            empty=_NONE,
        ),
        Row(
            "capture.redact_on",
            "rules",
            _RULES,
            marked("Remove before storing"),
            marked("What is found is replaced by a mark. Providers are sent everything as it is."),
            RULES,
        ),
    ),
    "retention": (
        Row(
            "retention.requests",
            "keep",
            _KEPT,
            marked("Requests"),
            marked("Rows with tokens, cost and timing. By time, size or both: 13 months, 5 GB."),
        ),
        Row("retention.content", "keep", _KEPT, marked("Content"), marked("Messages of conversations.")),
        Row(
            "retention.buckets",
            "keep",
            _KEPT,
            marked("Sums"),
            marked("Hours and days, by which charts reach further back than requests."),
        ),
    ),
    "telemetry": (
        Row(
            "telemetry.standard_port",
            "standard_port",
            _RECEIVED,
            marked("Listen on port 4318 too"),
            marked(
                "Where OpenTelemetry's exporters send unless told otherwise. The gateway's own port always takes it."
            ),
        ),
        Row(
            "telemetry.allow_unauthenticated",
            "switch",
            _RECEIVED,
            marked("Without a key"),
            marked("Exporters on this machine need not send a key."),
        ),
        Row("limits.telemetry", "size", _RECEIVED, marked("Largest message"), marked("After decompression.")),
        Row(
            "limits.telemetry_wire",
            "size",
            _RECEIVED,
            marked("Largest message as sent"),
            marked("Before decompression."),
        ),
        Row(
            "export.endpoint",
            "text",
            _SENT,
            marked("Collector address"),
            marked("OTLP over HTTP, such as http://127.0.0.1:4318."),
            empty=marked("Nothing is sent"),
        ),
        Row("export.spans", "switch", _SENT, marked("Spans"), marked("One for each request.")),
        Row("export.metrics", "switch", _SENT, marked("Metrics"), marked("Counters of requests, tokens and time.")),
        Row(
            "export.content",
            "switch",
            _SENT,
            marked("With messages"),
            marked("Prompts and answers leave this machine for the collector."),
        ),
    ),
    "vault": (),
    "appearance": (),
    "data": (),
    "notifications": (),
    "about": (),
}
# Changed by a control of another row, or by a panel of its own.
BESIDE = ("capture.redact_off", "vault.backend")
# The file's alone.
IN_FILE = ("server.tls_cert", "server.tls_key", "store.url")
TITLES: Mapping[str, str] = {row.key: row.title for rows in ROWS.values() for row in rows}
