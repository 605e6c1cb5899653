"""Changes to `config.toml` that leave everything else in it as it is: comments, unknown keys, order and line ends."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gateway.configuration.extra_providers import EXTRA_FIELDS
from gateway.configuration.setting_values import SettingsError, parse_as
from gateway.configuration.settings import PROVIDER_SETTINGS, SETTINGS, config_path, parsed, problem, read_text
from gateway.errors import FaregateError
from gateway.folder import write_private


def save(folder: Path, changes: Mapping[str, Any]) -> None:
    """Writes settings by dotted key (`server.port`); None removes one.

    Raises SettingsError, and writes nothing, where a key is not a setting, a value is wrong, or the file could not be
    started with any more; FaregateError where it cannot be written.
    """

    def change(path: Path, document: Any) -> None:
        for key, value in changes.items():
            if value is not None:
                parse_as(_parser_of(key), key, value)
            _set(path, document, key, value)

    _edit(folder, change)


def put_provider(folder: Path, values: Mapping[str, Any]) -> None:
    """Adds a `[[provider]]` table, or sets these fields of the one of that name; None takes a field away.

    Raises as `save` does.
    """

    def change(path: Path, document: Any) -> None:
        import tomlkit

        for field, value in values.items():
            if field not in EXTRA_FIELDS:
                raise SettingsError(f"{field} is nothing that a provider's table holds.")
            if value is not None:
                parse_as(EXTRA_FIELDS[field], field, value)
        tables = _tables(path, document)
        table = next((table for table in tables if table.get("name") == values.get("name")), None)
        if table is None:
            table = tomlkit.table()
            tables.append(table)
        for field, value in values.items():
            if value is None:
                table.pop(field, None)
            else:
                table[field] = list(value) if isinstance(value, tuple) else value

    _edit(folder, change)


def drop_provider(folder: Path, name: str) -> None:
    """Takes the `[[provider]]` table of that name away, and what `[providers.NAME]` says of it. Raises as `save`."""

    def change(path: Path, document: Any) -> None:
        tables = _tables(path, document)
        place = next((number for number, table in enumerate(tables) if table.get("name") == name), None)
        if place is None:
            raise SettingsError(f"{path} has no [[provider]] table named {name}.")
        del tables[place]
        if not tables:
            del document["provider"]
        said = document.get("providers", {})
        if isinstance(said, dict):
            said.pop(name, None)

    _edit(folder, change)


def _edit(folder: Path, change: Callable[[Path, Any], None]) -> None:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    path = config_path(folder)
    text = read_text(path)
    before = parsed(path, text)
    try:
        document = tomlkit.parse(text)
        change(path, document)
        changed = tomlkit.dumps(document)
    except TOMLKitError as error:
        raise SettingsError(f"{path} cannot be changed ({error}): correct the file by hand.") from None
    if problem(before) is None and (wrong := problem(parsed(path, changed))) is not None:
        raise wrong
    if "\r\n" in text:
        changed = re.sub(r"(?<!\r)\n", "\r\n", changed)
    try:
        # What a link points to is replaced, the link stays.
        write_private(path.resolve(), changed.encode())
    except OSError as error:
        raise FaregateError(
            f"{path} cannot be written ({error.strerror}): check its folder's mode and disk."
        ) from None


def _set(path: Path, document: Any, key: str, value: Any) -> None:
    import tomlkit

    *tables, last = key.split(".")
    table = document
    for name in tables:
        if name not in table:
            table[name] = tomlkit.table()
        table = table[name]
        if not isinstance(table, dict):
            raise SettingsError(f"{name} in {path} must be a table: correct the file by hand first.")
    if value is None:
        table.pop(last, None)
    else:
        table[last] = list(value) if isinstance(value, tuple) else value


def _tables(path: Path, document: Any) -> Any:
    """The document's `[[provider]]` tables, to be changed in place."""
    import tomlkit

    if "provider" not in document:
        document["provider"] = tomlkit.aot()
    tables = document["provider"]
    if not isinstance(tables, list):
        raise SettingsError(
            f"provider in {path} must be written as [[provider]] tables: correct the file by hand first."
        )
    return tables


def _parser_of(key: str) -> Callable[[Any], Any]:
    for row in SETTINGS:
        if row.key == key:
            return row.parse
    named = re.fullmatch(r"providers\.[a-z0-9_-]+\.([a-z_]+)", key)
    if named is not None and named[1] in PROVIDER_SETTINGS:
        return PROVIDER_SETTINGS[named[1]]
    raise SettingsError(f"{key} is not a setting.")
