"""The capture as the settings want it."""

from collections.abc import Sequence

from gateway.capture.capture import Capture, Threads, Witness
from gateway.capture.pause import Pause
from gateway.capture.redactor import Redactor
from gateway.capture.rules import chosen
from gateway.capture.switches import Switches
from gateway.configuration.settings import Settings


def redactor_of(settings: Settings) -> Redactor:
    return Redactor(chosen(settings.redact_on, settings.redact_off), settings.redact)


def capture_of(
    settings: Settings, threads: Threads, witnesses: Sequence[Witness] = (), pause: Pause | None = None
) -> Capture:
    """It is at work at once, and is to be closed."""
    switches = Switches(
        content=settings.capture,
        keys_off=settings.capture_keys_off,
        tags_off=settings.capture_tags_off,
        parts_off=settings.capture_parts_off,
    )
    return Capture(threads, switches, redactor_of(settings), witnesses=witnesses, pause=pause)
