"""A provider's state and its key in words, and what may be done with it: data, no widgets."""

from collections.abc import Callable, Iterable

from msgspec import Struct

from app import formats, sources
from app.translation import Words, counted, later, tr
from gateway import ProviderRow, Summary

_SOURCES = Words(
    {
        "keyring": later("in the keyring"),
        "file": later("in the sealed file"),
        "memory": later("kept until quit"),
        "environment": later("environment"),
    }
)


class StateWords(Struct, frozen=True, kw_only=True):
    """`tone` is a colour token, `icon` a shape of its own, so that colour never speaks alone."""

    text: str
    tone: str
    icon: str


def state_words(row: ProviderRow, now_us: int) -> StateWords:
    """The state as a person reads it, with how long ago it was learnt."""
    if not row.enabled:
        return StateWords(text=tr("Switched off"), tone="text3", icon="power")
    when = "" if row.state_at_us is None else f" {formats.shortly_ago(row.state_at_us, now_us)}"
    match row.state:
        case "connected":
            return StateWords(text=tr("Connected{when}").format(when=when), tone="ok", icon="circle-check")
        case "limited":
            return StateWords(text=tr("Limited{when}").format(when=when), tone="warn", icon="triangle-alert")
        case "untested" if row.key_source != "unneeded":
            return StateWords(text=tr("Key not tested"), tone="warn", icon="clock")
        case "rejected":
            return StateWords(text=tr("Rejected{when}").format(when=when), tone="bad", icon="circle-x")
        case "unreachable":
            return StateWords(text=tr("Unreachable{when}").format(when=when), tone="bad", icon="unplug")
    if row.key_source == "unneeded":
        return StateWords(text=tr("No key needed"), tone="text2", icon="circle-check")
    if row.unreadable:
        return StateWords(text=tr("Key cannot be read"), tone="warn", icon="lock")
    return StateWords(text=tr("No key"), tone="text3", icon="info")


def source_words(row: ProviderRow, vault_backend: str, demo: bool = False) -> str:
    """Where the key is kept, and where it comes from."""
    if demo and row.key_source == "environment":
        return tr("simulated")
    if not row.has_key:
        return tr("not readable") if row.unreadable else tr("Not set")
    if row.key_source == "unneeded":
        return tr("none needed")
    return _SOURCES.get(vault_backend if row.key_source == "vault" else row.key_source, row.key_source)


def can_store(row: ProviderRow, demo: bool = False) -> bool:
    """Whether a key set in the window would be used: the environment's comes first, a demo's gives way."""
    return row.key_source != "unneeded" and (demo or row.key_source != "environment")


def can_remove(row: ProviderRow) -> bool:
    return row.key_source in ("vault", "memory")


def can_test(row: ProviderRow) -> bool:
    return row.has_key


def traffic_words(today: Summary | None) -> str:
    """How many requests, and how many of them failed: "58 requests, 1.7% failed"."""
    requests = today.requests if today is not None else 0
    words = counted(requests, later("1 request"), later("{count} requests"))
    if today is None or not today.errors:
        return words
    failed = tr("{share} failed").format(share=formats.percent(today.errors / requests))
    return f"{words}, {failed}"


def cost_words(today: Summary | None) -> str:
    if today is None:
        return formats.money(0)
    return sources.marked_money(today.cost_nano, sources.estimated_cost(today))


def better_provider(
    warning: str, key: str, current: str, rows: Iterable[ProviderRow], check: Callable[[str, str], str | None]
) -> ProviderRow | None:
    """The provider that a format warning names, where `check(provider, key)` finds nothing wrong with the key."""
    for row in rows:
        if row.name != current and row.title in warning and check(row.name, key) is None:
            return row
    return None
