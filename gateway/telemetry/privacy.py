"""What of received telemetry may be kept: the settings of capture hold for it as they do for exchanges."""

import time
from collections.abc import Callable, Collection

from gateway.capture.pause import Pause
from gateway.capture.redactor import Redactor
from gateway.configuration.redact_rules import HEADERS
from gateway.keys.access import Principal
from gateway.tags import tag_key
from gateway.telemetry.items import Step, no_step
from gateway.telemetry.records import Batch
from gateway.telemetry.texts import changed_texts


class Privacy:
    """A change for the intake: content goes where it is switched off, for all or for a key by its name or tags; then
    each text goes through the rules of redaction.

    Where parts are switched off all content goes: apps write the same part in many ways, some of them twice, and one
    that no reader knows would stay. Nothing is kept of what comes in a pause of the capture, nor of what tells of
    one: apps send what they recorded seconds later.
    """

    def __init__(
        self,
        redactor: Redactor,
        *,
        content: bool,
        keys_off: Collection[str],
        tags_off: Collection[str],
        parts_off: Collection[str] = (),
        pause: Pause | None = None,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._redactor = redactor
        self._pause = pause if pause is not None else Pause()
        self._now_us = now_us
        self._content = content and not set(parts_off) - {HEADERS}
        self._keys_off = frozenset(keys_off)
        self._tags_off = frozenset(tags_off)

    def __call__(self, batch: Batch, principal: Principal, step: Step = no_step) -> Batch:
        if self._paused(batch) or not self._wanted(principal):
            # All readers come with it, which no start-up waits for.
            from gateway.telemetry.without_content import without_content

            batch = without_content(batch)
        items = len(batch.spans) + len(batch.logs)
        if not items:
            return batch
        return self._redactor.through(lambda change: changed_texts(batch, change, step), items)

    def _paused(self, batch: Batch) -> bool:
        """What says no time is taken for said now."""
        touches, now_us = self._pause.touches, self._now_us()
        if not self._pause.known:
            return False
        spans = ((span.start_ns // 1000 or now_us, span.end_ns // 1000 or now_us) for span in batch.spans)
        logs = ((record.time_ns // 1000 or now_us,) * 2 for record in batch.logs)
        return any(touches(since, to) for since, to in ((now_us, now_us), *spans, *logs))

    def _wanted(self, principal: Principal) -> bool:
        named = {part for tag in principal.tags for part in (tag, tag_key(tag))}
        return self._content and principal.key_name not in self._keys_off and self._tags_off.isdisjoint(named)
