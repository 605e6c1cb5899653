"""What the strip above the pages says of the gateway: that it is off or ends, keeps nothing of what is said,
runs otherwise than meant, or is a demo."""

from collections.abc import Callable, Sequence

from app import formats
from app.notices import Notices
from app.translation import counted, later, tr
from app.vault_words import vault_words
from gateway import Completeness, Difference, GatewayState, VaultState

# What keeps requests, or what they said, from being written as long as it lasts.
_HINDRANCES = ("database_locked", "database_full", "database_failing", "database_moved", "memory_only")
_UNSTORED = ("content_locked", "content_full", "content_failing", "content_moved")


def show_hindrances(notices: Notices, reading: Completeness) -> None:
    """That the disk, or another program, keeps requests or what they said from being written: until it is over."""
    _show_waiting(
        notices,
        "hindered",
        [each for each in reading.differences if each.kind in _HINDRANCES],
        later("1 request is not written yet."),
        later("{count} requests are not written yet."),
    )
    _show_waiting(
        notices,
        "unstored",
        [each for each in reading.differences if each.kind in _UNSTORED],
        later("What 1 request said is not stored yet."),
        later("What {count} requests said is not stored yet."),
    )


def _show_waiting(notices: Notices, name: str, found: Sequence[Difference], one: str, many: str) -> None:
    if not found:
        notices.clear(name)
        return
    waiting = counted(max(each.count for each in found), one, many)
    notices.tell(name, "bad", " ".join((waiting, *(each.meaning for each in found))))


class StateNotices:
    """The callables are what the notices' buttons do."""

    def __init__(
        self,
        notices: Notices,
        leave_demo: Callable[[], None],
        turn_on: Callable[[], None],
        open_providers: Callable[[], None],
        resume: Callable[[], None],
        hurry: Callable[[], None],
    ) -> None:
        self._notices = notices
        self._leave_demo = leave_demo
        self._turn_on = turn_on
        self._open_providers = open_providers
        self._resume = resume
        self._hurry = hurry

    def show_state(self, state: GatewayState, *, demo: bool) -> None:
        if demo:
            text = tr("Example data: simulated providers answer here, at no cost, and nothing leaves this machine.")
            self._notices.tell("demo", "info", text, tr("Leave demo"), self._leave_demo)
        else:
            self._notices.clear("demo")
        if state.notices:
            self._notices.tell("otherwise", "warn", " ".join(state.notices))
        else:
            self._notices.clear("otherwise")
        self._show_pause(state.capture_paused_until_us)
        if state.word in ("off", "port_in_use", "error"):
            off = tr("The gateway is off: tools cannot reach it.")
            kind, words = ("warn", tr("Turn on")) if state.word == "off" else ("bad", tr("Try again"))
            self._notices.tell("state", kind, state.message or off, words, self._turn_on)
        elif state.word == "starting" and state.message:
            self._notices.tell("state", "info", state.message)
        else:
            self._notices.clear("state")

    def _show_pause(self, until_us: int | None) -> None:
        if until_us is None:
            self._notices.clear("pause")
            return
        words = tr("Logging is paused until {time}: requests are counted, but their messages are not kept.")
        text = words.format(time=formats.time_of_day(until_us))
        self._notices.tell("pause", "info", text, tr("Resume"), self._resume)

    def show_quitting(self, seconds: int) -> None:
        """How long running requests may still take before the app ends."""
        words = counted(
            seconds,
            later("Quitting: running requests may take 1 s more."),
            later("Quitting: running requests may take up to {count} s more."),
        )
        self._notices.tell("quitting", "info", words, tr("Quit now"), self._hurry)

    def show_vault(self, vault: VaultState | None) -> None:
        """None where no key is to be kept."""
        if vault is None or vault.available:
            self._notices.clear("vault")
        else:
            text = vault_words(vault.message)
            self._notices.tell("vault", "warn", text, tr("Open Providers"), self._open_providers, told_on="providers")
