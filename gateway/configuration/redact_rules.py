"""`[[capture.redact]]` tables of `config.toml`: the user's own rules of what must not be stored."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from gateway.configuration.setting_values import SettingsError

REDACT_TABLES = ("capture", "redact")
REDACT_FIELDS = ("name", "pattern", "replacement")
# The rules that are built in, and the kinds of parts that can be left out: names for settings, which load nothing.
BUILT_IN = (
    "provider_key",
    "faregate_key",
    "bearer",
    "private_key",
    "aws_key",
    "github_token",
    "slack_token",
    "token",
    "url_password",
    "email",
    "card_number",
    "iban",
)
# Of these, the rules that look for people rather than for secrets: `capture.redact_on` turns them on.
OFF_AT_FIRST = ("email", "card_number", "iban")
HEADERS = "headers"
PARTS = ("reasoning", "media", "tool_results", "system", HEADERS)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_ -]{0,39}")
_LONGEST = 10_000


class RedactRule(Struct, frozen=True, kw_only=True):
    """A regular expression of Python's, and what stands in the place of what it finds (`\\1` is its first group)."""

    name: str
    pattern: str
    replacement: str


def redact_rules(document: Mapping[str, Any]) -> tuple[RedactRule, ...]:
    """The tables of a whole document, in order. Raises SettingsError that names the table by its number."""
    capture = document.get("capture", {})
    tables = capture.get("redact", []) if isinstance(capture, Mapping) else []
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise SettingsError("config.toml: capture.redact must be written as [[capture.redact]] tables.")
    rules: list[RedactRule] = []
    for number, table in enumerate(tables, 1):
        rule = _rule(table, f"config.toml: [[capture.redact]] {number}:")
        if any(other.name == rule.name for other in rules):
            raise SettingsError(f"config.toml: [[capture.redact]] {number}: name {rule.name!r} is used twice.")
        rules.append(rule)
    return tuple(rules)


def _rule(table: Mapping[str, Any], where: str) -> RedactRule:
    name, pattern = table.get("name"), table.get("pattern")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SettingsError(f"{where} name must be a short name, such as ticket.")
    if not isinstance(pattern, str) or not 0 < len(pattern) <= _LONGEST:
        raise SettingsError(f"{where} pattern must be a regular expression.")
    replacement = table.get("replacement", f"[redacted: {name}]")
    if not isinstance(replacement, str):
        raise SettingsError(f"{where} replacement must be text.")
    try:
        compiled = re.compile(pattern)
        # It reads the replacement too, and names a group that is not there.
        compiled.sub(replacement, "")
    except (re.error, IndexError, OverflowError, RecursionError) as error:
        raise SettingsError(f"{where} the pattern or its replacement cannot be used: {error}.") from None
    if compiled.search("") is not None:
        raise SettingsError(f"{where} pattern must not match the empty text.")
    return RedactRule(name=name, pattern=pattern, replacement=replacement)
