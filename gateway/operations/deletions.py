"""Deleting what began in a stretch of time, for good and by the user's own word; sums stay, and stay exact."""

import time
from collections.abc import Mapping

from msgspec.structs import replace

from gateway.configuration.setting_values import Keep
from gateway.errors import ClientError
from gateway.parts import Parts
from gateway.records import Changes, Cleaned, Deletion, DeletionPreview
from gateway.relaying.exchange import begun_between
from gateway.store.quarters import QUARTER_US
from gateway.store.range_removal import delete_said, said_in
from gateway.store.retention import REQUESTS
from gateway.workers import Progress

_EVERYTHING: Mapping[str, Keep] = {"requests": Keep(), "buckets": Keep(), "content": Keep()}


class Deletions:
    """Coroutines raise ClientError for what cannot be deleted, FaregateError where a database cannot be used."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def preview(self, asked: Deletion) -> DeletionPreview:
        """How much would go; nothing does."""
        start_us, end_us = _checked(asked)
        parts, work = self._parts, self._parts.workers.run
        preview = DeletionPreview()
        if parts.threads is not None:
            said = await work(said_in, parts.threads, start_us, end_us)
            preview = DeletionPreview(
                turns=said.turns, conversations=said.conversations, told=said.told, bytes=said.bytes
            )
        if not asked.requests:
            return preview
        rows, share = await work(parts.store.rows_before, _last_quarter(end_us))
        return replace(preview, requests=rows, bytes=preview.bytes + share)

    async def delete(self, asked: Deletion, progress: Progress | None = None) -> Cleaned:
        """Take it away, with what comparisons and the relay kept of the words, and give its space on the disk back.

        `progress` is told the entries so far, of about how many, on a worker's thread. Cancelled, it ends after the
        step that it is at; what is gone until then is gone.
        """
        start_us, end_us = _checked(asked)
        parts, done = self._parts, 0
        await parts.until_stored()
        preview = await self.preview(asked)

        def whole(told: Progress) -> Cleaned:
            nonlocal done

            def hear(entries: int) -> bool:
                told(done + entries, max(done + entries, preview.entries))
                return True

            if parts.threads is not None:
                forget = parts.ratings.forget_prompts_of
                done = delete_said(parts.threads, start_us, end_us, hear, forget, parts.joiner.flush)
                parts.relay.forget_exchanges(begun_between(start_us, end_us))
            until = {REQUESTS.name: _last_quarter(end_us)} if asked.requests else {}
            cleaned = parts.store.clean_up(_EVERYTHING, time.time_ns() // 1000, hear, until)
            return replace(cleaned, taken={**cleaned.taken, "content": done})

        try:
            return await parts.workers.run_until_cancelled(whole, progress)
        finally:
            parts.bell.note(Changes(usage=asked.requests, conversations=True))


def _last_quarter(us: int) -> int:
    """Sums are told by the quarter of an hour: rows go with whole ones."""
    return us - us % QUARTER_US


def _checked(asked: Deletion) -> tuple[int, int]:
    """The stretch; raises ClientError."""
    if asked.requests and asked.start_us is not None:
        raise ClientError(
            "Rows go from the first one on, so that no gap is left among them: leave the start away, or delete only "
            "what was said.",
            param="from",
        )
    start_us, end_us = asked.start_us or 0, min(asked.end_us, time.time_ns() // 1000)
    if start_us >= end_us:
        raise ClientError("The stretch ends before it begins: choose an earlier start or a later end.", param="from")
    return start_us, end_us
