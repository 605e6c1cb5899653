"""`faregate provider`: store, list, test and remove provider keys. A running gateway follows within a second."""

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.commands import UsageError, open_folder, print_table, tell
from gateway.configuration import settings as settings_file
from gateway.configuration.configured import configured_providers
from gateway.configuration.settings import Settings
from gateway.errors import FaregateError
from gateway.folder import DataFolder
from gateway.keys.key_format import check_format, clean_key
from gateway.keys.provider_keys import ProviderKeys
from gateway.keys.vault import Vault
from gateway.providers.catalog import Provider
from gateway.records import KeyTrial

_LONGEST_INPUT = 1 << 16


def store(args: argparse.Namespace) -> int:
    folder, settings = _opened(args)
    provider = _named(settings, args.name)
    if settings.vault_backend == "memory":
        raise FaregateError("a command's memory ends with it: with FAREGATE_VAULT=memory, enter keys in the window.")
    key = clean_key(_read_key(provider))
    if warning := check_format(provider.name, key):
        tell(warning)
    return asyncio.run(_store(folder, settings, provider, key, verify=not args.no_verify))


async def _store(folder: DataFolder, settings: Settings, provider: Provider, key: str, *, verify: bool) -> int:
    if verify:
        trial = await try_provider(provider, key)
        tell(trial.message)
        if not trial.ok:
            raise FaregateError("nothing was stored; --no-verify stores a key without trying it.")
    async with provider_keys(folder, settings) as keys:
        await keys.store(provider.name, key)
        state = await keys.vault.state()
        tell(f"The key for {provider.title} is stored. {state.message}")
        if keys.source(provider.name) == "environment":
            tell("The environment gives another one, and that is used as long as it is set.")
    return 0


def show(args: argparse.Namespace) -> int:
    folder, settings = _opened(args)
    return asyncio.run(_show(folder, settings))


async def _show(folder: DataFolder, settings: Settings) -> int:
    problems = []
    async with provider_keys(folder, settings) as keys:
        rows = []
        for provider in configured_providers(settings):
            source = "unneeded" if provider.auth == "none" else keys.source(provider.name)
            shown = {"environment": "from the environment"}.get(source, source)
            rows.append((provider.name, keys.masked(provider.name) or "-", shown, provider.base_url))
            problems += [problem] if (problem := keys.problem(provider.name)) else []
    print_table(("NAME", "KEY", "SOURCE", "BASE URL"), rows)
    for problem in problems:
        tell(f"faregate: {problem}")
    return 1 if problems else 0


def test(args: argparse.Namespace) -> int:
    folder, settings = _opened(args)
    return asyncio.run(_test(folder, settings, _named(settings, args.name)))


async def _test(folder: DataFolder, settings: Settings, provider: Provider) -> int:
    async with provider_keys(folder, settings) as keys:
        key = stored_key(keys, provider)
    trial = await try_provider(provider, key)
    for step in trial.steps:
        print(f"{'ok  ' if step.ok else 'FAIL'}  {step.title}  {step.ms:.0f} ms  {step.detail}".rstrip())
    if not trial.ok:
        raise FaregateError(trial.message)
    print(trial.message)
    return 0


def remove(args: argparse.Namespace) -> int:
    folder, settings = _opened(args)
    return asyncio.run(_remove(folder, settings, _named(settings, args.name)))


async def _remove(folder: DataFolder, settings: Settings, provider: Provider) -> int:
    async with provider_keys(folder, settings) as keys:
        await keys.remove(provider.name)
        tell(f"No key for {provider.title} is stored any more.")
        if keys.source(provider.name) == "environment":
            tell("The environment still gives one.")
    return 0


@asynccontextmanager
async def provider_keys(folder: DataFolder, settings: Settings) -> AsyncIterator[ProviderKeys]:
    """The folder's provider keys, loaded; asks for the file vault's passphrase where a person can answer."""
    passphrase = settings.vault_passphrase.reveal() if settings.vault_passphrase else None
    if settings.vault_backend == "file" and not passphrase and sys.stdin.isatty():
        passphrase = getpass.getpass("Passphrase of the file vault: ")
    keys = ProviderKeys(folder, Vault(folder, settings.vault_backend, passphrase), settings.provider_keys)
    try:
        await keys.load()
        yield keys
    finally:
        keys.close()


def stored_key(keys: ProviderKeys, provider: Provider) -> str:
    """The key that the gateway would use. Raises FaregateError where there is none."""
    key = keys.key_for(provider.name)
    if key is None and provider.auth != "none":
        problem = keys.problem(provider.name)
        raise FaregateError(problem or f"{provider.title} has no key: faregate provider set {provider.name}.")
    return key or ""


async def try_provider(provider: Provider, key: str) -> KeyTrial:
    import aiohttp

    from gateway.keys.key_trial import probe, try_key

    row = probe(provider.title, provider.base_url, provider.probe_path, provider.auth, provider.dialect)
    async with aiohttp.ClientSession() as session:
        return await try_key(session, row, key)


def _opened(args: argparse.Namespace) -> tuple[DataFolder, Settings]:
    folder = open_folder(args)
    return folder, settings_file.load(folder.path, os.environ)


def _named(settings: Settings, name: str) -> Provider:
    rows = {provider.name: provider for provider in configured_providers(settings)}
    if name not in rows:
        raise UsageError(f'"{name}" is not a provider: choose one of {", ".join(rows)}.')
    return rows[name]


def _read_key(provider: Provider) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"Key for {provider.title} (not shown): ")
    return sys.stdin.read(_LONGEST_INPUT)
