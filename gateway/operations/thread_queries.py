"""What was said: conversations, their turns and spans. Where no store of them is open there are none."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from gateway.header_records import ExchangeHeaders
from gateway.model import Usage
from gateway.parts import Parts
from gateway.store.usage import JUST_ENDED_S
from gateway.telemetry.reported import Reported, reported
from gateway.thread_records import LastTold, Thread, ThreadPage, ThreadQuery, Trace
from gateway.told import Told
from gateway.workers import Progress

_Found = TypeVar("_Found")


class ThreadQueries:
    """`forget_prompts_of` takes away what comparisons kept of these requests' words.

    Whoever has had an answer finds by its request what was said, though that is still to be stored.
    """

    def __init__(self, parts: Parts, forget_prompts_of: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        self._parts = parts
        self._work = parts.workers.run
        self._forget_prompts_of = forget_prompts_of

    async def threads(
        self,
        query: ThreadQuery,
        *,
        limit: int = 50,
        cursor: str | None = None,
        progress: Progress | None = None,
    ) -> ThreadPage:
        """`progress` is told, on a worker's thread, how far a search for text is: messages, of how many. Raises
        ClientError for a cursor or an order that is none."""
        threads = self._parts.threads
        if threads is None:
            return ThreadPage(rows=(), total=0)
        return await self._work(threads.threads, query, limit=limit, cursor=cursor, progress=progress)

    async def thread(self, id: str, *, scope: str | None = None) -> Thread | None:
        """A conversation, whole. `scope` is a key's id: None where it was said with another key."""
        threads = self._parts.threads
        return None if threads is None else await self._work(threads.thread, id, scope=scope, unit=self._cost_of_miss)

    async def trace(self, trace_id: str, *, scope: str | None = None) -> Trace | None:
        threads = self._parts.threads
        return None if threads is None else await self._work(threads.trace, trace_id, scope)

    async def last_told(self, keys: Collection[str] | None = None) -> LastTold | None:
        """The span or log record of telemetry that was kept last; with `keys`, their ids, the last that came with one
        of them, as far as it is among the newest ten thousand."""
        threads = self._parts.threads
        return None if threads is None else await self._work(threads.last_told, keys)

    async def thread_of_request(self, request_id: str) -> tuple[str, int] | None:
        """The conversation of a request, and the number of its turn there."""
        threads = self._parts.threads
        if threads is None:
            return None
        return await self._ask(lambda: threads.thread_of_request(request_id), lambda found: found is not None)

    async def headers_of_request(self, request_id: str, *, scope: str | None = None) -> ExchangeHeaders:
        """A request's headers with their secrets masked, as far as they are kept, and else why they are not."""
        threads = self._parts.threads
        if threads is None:
            return ExchangeHeaders(why="The gateway has not been started: nothing can be read.")
        return await self._ask(
            lambda: threads.headers_of_request(request_id, scope), lambda found: bool(found.groups)
        )

    async def headers_of_thread(self, id: str, *, scope: str | None = None) -> Mapping[str, ExchangeHeaders]:
        """Those of a conversation, by request."""
        threads = self._parts.threads
        return {} if threads is None else await self._work(threads.headers_of_thread, id, scope)

    async def delete_thread(self, id: str) -> bool:
        """What was said is gone for good, also what the relay kept of it for next requests; the rows that metered it
        stay. False where there is none of this id.

        Raises Unusable where what was said last cannot be stored now: it would come back.
        """
        threads = self._parts.threads
        if threads is None:
            return False
        await self._parts.until_stored()
        asked = await self._work(threads.requests_of, id)
        deleted = await self._work(threads.delete_thread, id)
        await self._work(self._parts.relay.forget_exchanges, frozenset(asked).__contains__)
        await self._forget_prompts_of(asked)
        return deleted

    async def rename_thread(self, id: str, title: str) -> bool:
        """Give it a title; an empty one takes the user's own away again. False where there is none of this id."""
        threads = self._parts.threads
        return threads is not None and await self._work(threads.rename_thread, id, title or None)

    async def running(self) -> tuple[Told, ...]:
        """The exchanges that run now, with what was said so far; it is made when it is asked for, so ask seldom."""
        capture = self._parts.capture
        return () if capture is None else await self._work(capture.running)

    def reported(self) -> tuple[Reported, ...]:
        """What tools and apps say by metrics that they used, since the start; no figure of ours holds it."""
        return reported(self._parts.metric_series.series())

    async def _ask(self, ask: Callable[[], _Found], is_there: Callable[[_Found], bool]) -> _Found:
        """Where it is not there yet, once more when what was said last is stored."""
        found = await self._work(ask)
        if not is_there(found):
            await self._work(self._parts.stored, JUST_ENDED_S)
            found = await self._work(ask)
        return found

    def _cost_of_miss(self, provider: str, model: str, tokens: int, at_us: int) -> int | None:
        """What these tokens cost more as fresh input than read from the provider's cache (nano-dollars)."""
        fresh, cached = (
            self._parts.price(provider, model, Usage(input_tokens=tokens, cached_tokens=read), at_us).cost_nano
            for read in (0, tokens)
        )
        return None if fresh is None or cached is None else max(0, fresh - cached)
