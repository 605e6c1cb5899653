"""The settings that the page shows, as data: which section, what a person calls them, and how they are changed.

`kind` names a control (`controls`). Every setting of `config.toml` that a window can offer stands in exactly one row;
certificates, the store, and tables of providers and of one's own rules are the file's.
"""

from collections.abc import Mapping

from msgspec import Struct

from app.translation import later
from gateway import CAPTURE_PARTS, REDACT_BUILT_IN


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
    """`holds`: titles of what stands there beside the table's rows, by names within the section, which is looked for
    by them too."""

    key: str
    title: str
    icon: str
    holds: Mapping[str, str] = {}


SECTIONS = (
    Section(
        "gateway",
        later("Gateway"),
        "server",
        {
            "at_login": later("Start at login"),
            "gateway_at_start": later("Gateway on at start"),
            "close_to_tray": later("Closing the window leaves the gateway running"),
        },
    ),
    Section(
        "appearance",
        later("Appearance"),
        "sun",
        {
            "theme": later("Theme"),
            "density": later("Density"),
            "patterns": later("Patterns in charts"),
            "size": later("Size"),
            "clock": later("Clock"),
            "week_start": later("Weeks begin on"),
            "zone": later("Time zone"),
            "currency": later("Currency"),
        },
    ),
    Section("capture", later("Capture & redaction"), "eye-off"),
    Section(
        "retention",
        later("Retention"),
        "history",
        {
            "disk": later("On the disk"),
            "requests": later("Requests"),
            "buckets": later("Sums"),
            "unsorted": later("Log and free room"),
            "traces": later("Content of conversations"),
            "journal": later("Journal"),
            "state": later("Keys and prices"),
            "logs": later("Logs"),
            "clean_up": later("Clean up"),
        },
    ),
    Section("telemetry", later("Telemetry"), "activity"),
    Section(
        "vault",
        later("Provider keys"),
        "lock",
        {
            "where": later("Where keys of providers are kept"),
            "keyring": later("In the system's keyring"),
            "file": later("In a sealed file"),
            "memory": later("In memory until quit"),
        },
    ),
    Section(
        "data",
        later("Data"),
        "database",
        {
            "folder": later("Data folder"),
            "where": later("Where everything is"),
            "size": later("Size"),
            "compact": later("Compact"),
            "export": later("Export everything"),
            "csv_mark": later("CSV for Excel"),
            "delete": later("Delete for good"),
            "demo": later("Example data"),
        },
    ),
    Section(
        "notifications",
        later("Notifications"),
        "message-square",
        {
            "desktop": later("Tell me on the desktop"),
            "notify_gateway": later("The gateway stops"),
            "notify_keys": later("A provider rejects or limits its key"),
        },
    ),
    Section(
        "about",
        later("About"),
        "info",
        {"report": later("Report for a bug"), "licences": later("Licences of what comes with it")},
    ),
)
HELD: Mapping[str, Mapping[str, str]] = {section.key: section.holds for section in SECTIONS}

PART_NAMES: Mapping[str, str] = {
    "reasoning": later("Reasoning"),
    "media": later("Pictures and files"),
    "tool_results": later("Tool results"),
    "system": later("System prompts"),
    "headers": later("Headers"),
}
RULE_NAMES: Mapping[str, str] = {
    "provider_key": later("Provider keys"),
    "faregate_key": later("Faregate's own keys"),
    "bearer": later("Bearer tokens"),
    "private_key": later("Private keys"),
    "aws_key": later("AWS keys"),
    "github_token": later("GitHub tokens"),
    "slack_token": later("Slack tokens"),
    "token": later("Other tokens"),
    "url_password": later("Passwords in addresses"),
    "email": later("E-mail addresses"),
    "card_number": later("Card numbers"),
    "iban": later("IBANs"),
}
PARTS = {name: PART_NAMES.get(name, name) for name in CAPTURE_PARTS}
RULES = {name: RULE_NAMES.get(name, name) for name in REDACT_BUILT_IN}

_LISTENING, _ACCESS = later("Where it listens"), later("Access")
_LIMITS, _PATIENCE = later("Limits"), later("How long providers may take")
_NONE = later("None")
_CONTENT, _RULES = later("Content"), later("Redaction")
_KEPT, _RECEIVED, _SENT = later("What is kept"), later("Received"), later("Sent on")

ROWS: Mapping[str, tuple[Row, ...]] = {
    "gateway": (
        Row(
            "server.port",
            "port",
            _LISTENING,
            later("Port"),
            later("Tools connect to it. 0 takes any free one."),
        ),
        Row(
            "server.host",
            "text",
            _LISTENING,
            later("Address"),
            later("127.0.0.1 is this machine only. Anything else lets other machines in, and needs a certificate."),
        ),
        Row(
            "server.insecure_remote",
            "switch",
            _ACCESS,
            later("Other machines without encryption"),
            later("Only for containers on a closed network: keys and content travel unencrypted."),
        ),
        Row(
            "server.allowed_origins",
            "names",
            _ACCESS,
            later("Web pages that may call"),
            later("Origins, separated by commas: https://example.org, app://obsidian.md."),
            empty=_NONE,
        ),
        Row(
            "server.allowed_hosts",
            "names",
            _ACCESS,
            later("Other names of this gateway"),
            later("Host names that requests may be addressed to, besides those of this machine."),
            empty=_NONE,
        ),
        Row("limits.body", "size", _LIMITS, later("Largest request"), later("Before and after decompression.")),
        Row("timeouts.connect", "seconds", _PATIENCE, later("Connecting")),
        Row("timeouts.first_byte", "seconds", _PATIENCE, later("Until the first byte")),
        Row("timeouts.between_chunks", "seconds", _PATIENCE, later("Silence within a stream")),
        Row("timeouts.total", "seconds", _PATIENCE, later("Total")),
    ),
    "capture": (
        Row(
            "capture.content",
            "switch",
            _CONTENT,
            later("Keep messages"),
            later("Prompts and answers, for Conversations. Figures and costs are kept in any case."),
        ),
        Row(
            "capture.parts_off",
            "without",
            _CONTENT,
            later("Parts to keep"),
            later("What is not ticked is left out before anything is written."),
            PARTS,
        ),
        Row(
            "capture.keys_off",
            "names",
            _CONTENT,
            later("Keys whose content is not kept"),
            later("Names of API keys, separated by commas."),
            empty=_NONE,
        ),
        Row(
            "capture.tags_off",
            "names",
            _CONTENT,
            later("Tags whose content is not kept"),
            later("Tags such as env:prod, separated by commas."),
            empty=_NONE,
        ),
        Row(
            "capture.redact_on",
            "rules",
            _RULES,
            later("Remove before storing"),
            later("What is found is replaced by a mark. Providers are sent everything as it is."),
            RULES,
        ),
    ),
    "retention": (
        Row(
            "retention.requests",
            "keep",
            _KEPT,
            later("Requests"),
            later("Rows with tokens, cost and timing. By time, size or both: 13 months, 5 GB."),
        ),
        Row("retention.content", "keep", _KEPT, later("Content"), later("Messages of conversations.")),
        Row(
            "retention.buckets",
            "keep",
            _KEPT,
            later("Sums"),
            later("Hours and days, by which charts reach further back than requests."),
        ),
    ),
    "telemetry": (
        Row(
            "telemetry.standard_port",
            "standard_port",
            _RECEIVED,
            later("Listen on port 4318 too"),
            later(
                "Where OpenTelemetry's exporters send unless told otherwise. The gateway's own port always takes it."
            ),
        ),
        Row(
            "telemetry.allow_unauthenticated",
            "switch",
            _RECEIVED,
            later("Without a key"),
            later("Exporters on this machine need not send a key."),
        ),
        Row("limits.telemetry", "size", _RECEIVED, later("Largest message"), later("After decompression.")),
        Row(
            "limits.telemetry_wire",
            "size",
            _RECEIVED,
            later("Largest message as sent"),
            later("Before decompression."),
        ),
        Row(
            "export.endpoint",
            "text",
            _SENT,
            later("Collector address"),
            later("OTLP over HTTP, such as http://127.0.0.1:4318."),
            empty=later("Nothing is sent"),
        ),
        Row("export.spans", "switch", _SENT, later("Spans"), later("One for each request.")),
        Row("export.metrics", "switch", _SENT, later("Metrics"), later("Counters of requests, tokens and time.")),
        Row(
            "export.content",
            "switch",
            _SENT,
            later("With messages"),
            later("Prompts and answers leave this machine for the collector."),
        ),
    ),
    "vault": (),
    "appearance": (),
    "data": (),
    "notifications": (),
    "about": (),
}
TITLES: Mapping[str, str] = {row.key: row.title for rows in ROWS.values() for row in rows}
