"""`faregate doctor`: a line for each thing that must be right here; exit 1 if one is not.

A note is what may be meant so (no display on a server, no provider key yet) and fails nothing. Where the settings
cannot be understood, what stands in no settings is looked at all the same.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from gateway import state_db
from gateway.commands import open_folder
from gateway.commands.provider import provider_keys, stored_key, try_provider
from gateway.configuration import settings as settings_file
from gateway.configuration.configured import configured_providers
from gateway.configuration.setting_rows import keep_text
from gateway.configuration.setting_values import SettingsError
from gateway.configuration.settings import Settings
from gateway.counted import counted
from gateway.errors import FaregateError
from gateway.folder import DataFolder
from gateway.keys.sealing import read_seal_key
from gateway.port_holder import port_holder
from gateway.read_api import render_time
from gateway.schema import Step, lacking_steps
from gateway.store import migrations, trace_schema
from gateway.store.database import open_database
from gateway.store.sizes import sizes

OK, NOTE, FAIL = "ok", "note", "FAIL"


class Finding(Struct, frozen=True):
    mark: str
    subject: str
    message: str


def run(args: argparse.Namespace) -> int:
    failed = False
    for finding in _findings(open_folder(args)):
        print(f"{finding.mark:4}  {finding.subject:10}  {finding.message}", flush=True)
        failed = failed or finding.mark == FAIL
    return 1 if failed else 0


def _findings(folder: DataFolder) -> Iterator[Finding]:
    yield Finding(OK, "folder", str(folder.path))
    settings, finding = _settings(folder)
    yield finding
    if (sealed := _seal(folder)) is not None:
        yield sealed
    if settings is not None:
        yield from asyncio.run(_keyring_and_providers(folder, settings))
    yield _display()
    yield Finding(
        NOTE, "tray", "Whether there is a tray is seen by the window; without one, closing it asks what to do."
    )
    if settings is not None:
        yield _port(folder, settings)
        yield _telemetry(folder, settings)
    databases = (
        (folder.state_db, state_db.STEPS_NAME, state_db.STEPS),
        (folder.usage_db, migrations.STEPS_NAME, migrations.STEPS),
        (folder.traces_db, trace_schema.STEPS_NAME, trace_schema.STEPS),
    )
    yield from (_database(path, name, steps) for path, name, steps in databases if path.exists())
    if settings is not None and folder.usage_db.exists():
        yield _storage(folder, settings)
    yield _prices(folder)


def _settings(folder: DataFolder) -> tuple[Settings | None, Finding]:
    """None where they are not understood: what they say in part may be meant otherwise."""
    try:
        settings = settings_file.load(folder.path, os.environ)
    except SettingsError as error:
        unseen = "Until they are right, keyring, providers, port, telemetry and sizes are not looked at."
        return None, Finding(FAIL, "settings", f"{error.message} {unseen}")
    if settings.unknown_keys:
        names = ", ".join(settings.unknown_keys)
        return settings, Finding(NOTE, "settings", f"config.toml holds keys that nothing reads: {names}.")
    return settings, Finding(OK, "settings", "config.toml and the environment are understood.")


def _seal(folder: DataFolder) -> Finding | None:
    """None where none was made yet. What was said is sealed with it too, also where no key is stored."""
    try:
        found = read_seal_key(folder.seal_key)
    except FaregateError as error:
        return Finding(FAIL, "seal key", error.message)
    return None if found is None else Finding(OK, "seal key", "seal.key is whole.")


async def _keyring_and_providers(folder: DataFolder, settings: Settings) -> list[Finding]:
    try:
        return await _looked_at(folder, settings)
    except FaregateError as error:
        return [Finding(FAIL, "keyring", error.message)]


async def _looked_at(folder: DataFolder, settings: Settings) -> list[Finding]:
    async with provider_keys(folder, settings) as keys:
        state = await keys.vault.state()
        findings = [Finding(OK if state.available else FAIL, "keyring", state.message)]
        for provider in configured_providers(settings):
            if provider.auth != "none" and keys.key_for(provider.name) is None:
                problem = keys.problem(provider.name)
                text = problem or f"{provider.title} has no key; faregate provider set {provider.name} stores one."
                findings.append(Finding(FAIL if problem else NOTE, "provider", text))
                continue
            trial = await try_provider(provider, stored_key(keys, provider))
            findings.append(Finding(OK if trial.ok else FAIL, "provider", trial.message))
    return findings


def _display() -> Finding:
    if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return Finding(OK, "display", "The window can open here.")
    return Finding(NOTE, "display", "There is no display: the window cannot open, faregate serve works without.")


def _port(folder: DataFolder, settings: Settings) -> Finding:
    try:
        holder = folder.holder()
    except FaregateError as error:
        return Finding(FAIL, "port", error.message)
    if holder is not None and urlsplit(holder.url).port == settings.port:
        return Finding(OK, "port", f"Faregate runs on this folder at {holder.url} (process {holder.pid}).")
    if (problem := _in_use(settings.host, settings.port)) is not None:
        return Finding(FAIL, "port", f"Port {settings.port} {problem}: end that, or set server.port.")
    return Finding(OK, "port", f"Port {settings.port} on {settings.host} is free.")


def _in_use(host: str, port: int) -> str | None:
    """What keeps a port from being listened on, None where nothing does."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        if os.name == "posix":
            # As the server does: connections of a gateway that has just ended keep nobody out.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            by = port_holder(port)
            return f"is in use by {by}" if by else f"cannot be used ({error.strerror})"
    return None


def _telemetry(folder: DataFolder, settings: Settings) -> Finding:
    subject, port = "telemetry", settings.telemetry.standard_port
    keyless = " Senders on this machine need no key." if settings.telemetry.allow_unauthenticated else ""
    if port is None:
        return Finding(OK, subject, f"OpenTelemetry is taken at {settings.url}, over HTTP.{keyless}")
    with contextlib.suppress(FaregateError):
        if folder.holder() is not None:
            return Finding(OK, subject, f"Faregate runs on this folder, with port {port} if that was free.{keyless}")
    if (problem := _in_use(settings.host, port)) is not None:
        # The gateway starts without it.
        return Finding(NOTE, subject, f"Port {port} {problem}: end that, or set telemetry.standard_port.")
    return Finding(OK, subject, f"Port {port} for OpenTelemetry over HTTP is free.{keyless}")


def _database(path: Path, name: str, steps: Sequence[Step]) -> Finding:
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if result == "ok":
                lacking_steps(connection, path, name, steps)
    except FaregateError as error:
        return Finding(FAIL, "database", error.message)
    except sqlite3.OperationalError as error:
        return Finding(FAIL, "database", f"{path.name} cannot be read ({error}): check its owner and mode.")
    except sqlite3.Error as error:
        result = str(error)
    if result == "ok":
        return Finding(OK, "database", f"{path.name} is sound ({path.stat().st_size / 1e6:.1f} MB).")
    return Finding(FAIL, "database", f"{path.name} is damaged ({result}): put it back from a copy, or move it away.")


def _storage(folder: DataFolder, settings: Settings) -> Finding:
    try:
        with contextlib.closing(open_database(folder.usage_db)) as connection:
            connection.execute("PRAGMA query_only = 1")
            found = sizes(folder, connection)
    except (sqlite3.Error, OSError) as error:
        return Finding(FAIL, "storage", f"Sizes cannot be told ({error}): see what is said of the databases.")
    oldest = "" if found.first_request_us is None else f" since {render_time(found.first_request_us)[:10]}"
    requests, take = counted(found.requests, "request"), "takes" if found.requests == 1 else "take"
    return Finding(
        OK,
        "storage",
        f"{requests}{oldest} {take} {_mb(found.requests_bytes)} and buckets "
        f"{_mb(found.buckets_bytes)} of usage.db's {_mb(found.usage_bytes)}; conversations take "
        f"{_mb(found.traces_bytes)}, the journal {_mb(found.journal_bytes)}, logs {_mb(found.logs_bytes)}. "
        f"Kept: requests {keep_text(settings.retention.requests)}, content {keep_text(settings.retention.content)}, "
        f"buckets {keep_text(settings.retention.buckets)}.",
    )


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _prices(folder: DataFolder) -> Finding:
    from gateway.prices.pricing import Pricing

    pricing = Pricing()
    try:
        pricing.warm()
    except (FaregateError, ImportError, OSError, ValueError) as error:
        return Finding(FAIL, "prices", f"The price list cannot be read ({error}): install Faregate again.")
    try:
        pricing.load_list(folder.path)
    except FaregateError as error:
        return Finding(FAIL, "prices", error.message)
    known = pricing.list_state
    if known.fetched_us is None:
        return Finding(OK, "prices", f"The price list is genai-prices {known.version}, which came with the program.")
    day = datetime.fromtimestamp(known.fetched_us / 1e6, UTC).date()
    return Finding(OK, "prices", f"The price list was fetched on {day}.")
