"""Settings for people and scripts to look at: in force and as saved, in the form that `config.toml` takes."""

from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

from gateway.configuration.setting_values import Keep
from gateway.configuration.settings import SETTINGS, Settings, saved, variable_name
from gateway.records import SettingRow

_UNITS = (("GiB", 1 << 30), ("GB", 10**9), ("MiB", 1 << 20), ("MB", 10**6), ("KiB", 1 << 10), ("KB", 1000))


def setting_rows(folder: Path, settings: Settings, environ: Mapping[str, str]) -> tuple[SettingRow, ...]:
    """A row per setting, then one per provider's base URL that is not its usual one, and one per provider that is
    switched off, or on by name. Raises SettingsError."""
    stored = saved(folder)
    in_force = {row.key: (attrgetter(row.field)(settings), row.variable) for row in SETTINGS}
    usual, defaults = Settings(), {row.key: attrgetter(row.field) for row in SETTINGS}
    for name, url in settings.base_urls.items():
        in_force[f"providers.{name}.base_url"] = (url, _variable_of(name, "base_url"))
    for name in settings.providers_off:
        in_force[f"providers.{name}.enabled"] = (False, _variable_of(name, "enabled"))
    for key in stored.keys() - in_force.keys():
        _, name, about = key.split(".")
        in_force[key] = (True if about == "enabled" else None, _variable_of(name, about))
    return tuple(
        SettingRow(
            key=key,
            value=_plain(value),
            saved=_plain(stored.get(key)),
            variable=variable,
            from_environment=bool(environ.get(variable, "").strip()),
            default=_plain(defaults[key](usual)) if key in defaults else None,
        )
        for key, (value, variable) in in_force.items()
    )


def _variable_of(provider: str, about: str) -> str:
    return f"FAREGATE_{variable_name(provider)}_{about.upper()}"


def _plain(value: Any) -> Any:
    match value:
        case Keep():
            return keep_text(value)
        case Path():
            return str(value)
        case _:
            return value


def keep_text(keep: Keep) -> str:
    """The text that `parse_keep` reads back as this: "30 days", "396 days, 5 GB", "for ever"."""
    pieces = [] if keep.days is None else [f"{keep.days:.0f} day{'' if round(keep.days) == 1 else 's'}"]
    if keep.size_bytes is not None:
        unit, size = next((row for row in _UNITS if keep.size_bytes % row[1] == 0), _UNITS[-1])
        pieces.append(f"{keep.size_bytes // size} {unit}")
    return ", ".join(pieces) or "for ever"
