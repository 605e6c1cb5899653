"""What a start needs before there is a window or a gateway: folder, settings, demo or not, and what to print."""

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gateway import DataFolder, ModelRow, ProviderRow, Settings, default_folder, load_settings

if TYPE_CHECKING:
    from gateway import Gateway

TEMPORARY_KEY = "until it stops"
# Said by what the system starts at login: nobody has asked for a window.
IN_TRAY = "--in-tray"


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """`demo` None: the demo only where no provider key is known. `announce`: print endpoint, key and a curl line.
    `in_tray`: the window stays away until it is asked for, or has something to ask."""

    outer: DataFolder
    settings: Settings
    demo: bool | None = False
    announce: bool = False
    in_tray: bool = False

    @property
    def folder(self) -> DataFolder:
        """The folder that is worked in, as far as it is known."""
        return self.outer.demo() if self.demo else self.outer


def prepare(
    data_dir: Path | None, *, demo: bool | None = False, announce: bool = False, in_tray: bool = False
) -> Launch:
    """Read the settings of a folder, making it where it is not there. Raises FaregateError."""
    outer = DataFolder(data_dir if data_dir is not None else default_folder(os.environ))
    settings = load_settings(outer.path, os.environ)
    launch = Launch(outer=outer, settings=settings, demo=demo, announce=announce, in_tray=in_tray)
    if demo is None and (known := demo_without_looking(outer, settings)) is not None:
        launch = msgspec.structs.replace(launch, demo=known)
    return launch


def demo_without_looking(outer: DataFolder, settings: Settings) -> bool | None:
    """False where settings give a provider, True where the folder is new; None where its vault must be asked."""
    if settings.provider_keys or settings.providers:
        return False
    return None if outer.state_db.exists() else True


def has_provider(rows: Iterable[ProviderRow]) -> bool:
    """Whether any provider could be called, if only its key can be read."""
    return any(row.has_key or row.unreadable for row in rows)


async def wants_demo(looking: "Gateway") -> bool:
    """Ask the folder's own gateway, which is closed then, for a provider key; without one it is the demo."""
    try:
        await looking.start()
        return looking.state.word == "running" and not has_provider(await looking.providers())
    finally:
        await looking.close()


def running_at(outer: DataFolder) -> str | None:
    """The URL of a Faregate that runs on the folder or on its demo; "" where it is only starting."""
    folders = [outer, outer.demo()] if outer.demo_path.exists() else [outer]
    for folder in folders:
        holder = folder.holder()
        if holder is not None:
            return holder.url
    return None


def example_model(models: Iterable[ModelRow], providers: Iterable[ProviderRow]) -> str:
    """A live chat model of a provider that can be asked, else any live one."""
    ready = {row.name for row in providers if row.ready}
    live = [row for row in models if row.kind == "chat" and row.state == "live"]
    chosen = next((row for row in live if row.provider in ready), None) or next(iter(live), None)
    return chosen.id if chosen is not None else "gpt-5.1"


def curl_line(url: str, key: str, model: str) -> str:
    """One line that can be pasted into a shell."""
    body: Mapping[str, object] = {"model": model, "messages": [{"role": "user", "content": "Say hello."}]}
    return (
        f'curl {url}/api/ai/v1/chat/completions -H "Authorization: Bearer {key}" '
        f"-d {shlex.quote(msgspec.json.encode(body).decode())}"
    )


async def announcement(gateway: "Gateway") -> str:
    """Endpoint, a key that works until the gateway stops, and a curl line."""
    made = await gateway.create_temporary_key(TEMPORARY_KEY)
    model = example_model(gateway.models(), await gateway.providers())
    mode = " on simulated providers (demo)" if gateway.demo else ""
    return "\n".join(
        (
            f"Faregate runs at {gateway.state.url}{mode}",
            f"Key, valid until it stops: {made.key}",
            curl_line(gateway.state.url, made.key, model),
        )
    )
