"""Comparisons as the gateway offers them: asked, estimated, kept, rated. SQL is met in worker threads."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from gateway.access import Principal
from gateway.comparer import Comparer, ComparisonQuestion, Tell, new_comparison_id
from gateway.comparison_estimates import estimates
from gateway.comparison_records import AnswerEstimate, Comparison, RatedAnswer, RatedModel
from gateway.errors import FaregateError
from gateway.pricing import Pricing
from gateway.provider_keys import ProviderKeys
from gateway.ratings import Ratings
from gateway.routing import Routing
from gateway.version import VERSION

# Who asks in the window: no tk_ key, and the rows name it so.
WINDOW = Principal("window", "Faregate window", "execute", None, ())
_WINDOW_HEADERS: Mapping[str, str] = {"user-agent": f"Faregate/{VERSION}"}

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Work(Protocol):
    """Runs a call in a worker thread."""

    def __call__(self, call: Callable[..., _T], *args: Any, **kwargs: Any) -> Awaitable[_T]: ...


class Comparisons:
    """Those of one gateway. `changed` is called once something was kept, rated or taken back."""

    def __init__(
        self,
        comparer: Comparer,
        ratings: Ratings,
        routing: Routing,
        keys: ProviderKeys,
        pricing: Pricing,
        work: Work,
        changed: Callable[[], None],
    ) -> None:
        self._comparer = comparer
        self._ratings = ratings
        self._routing = routing
        self._keys = keys
        self._pricing = pricing
        self._work = work
        self._changed = changed

    async def ask(
        self,
        asked: ComparisonQuestion,
        principal: Principal = WINDOW,
        headers: Mapping[str, str] = _WINDOW_HEADERS,
        *,
        id: str | None = None,
        first_place: int = 0,
        told: Tell | None = None,
    ) -> Comparison:
        """Under the `id` of an earlier one, what is asked counts to it. Raises ClientError."""
        self._comparer.check(asked, headers)
        id = id or new_comparison_id()
        kept = await self._kept(self._ratings.begin, id, principal, asked.asked)
        made = await self._comparer.run(asked, principal, headers, id=id, first_place=first_place, told=told)
        if kept:
            await self._kept(self._ratings.keep, made)
        self._changed()
        return made

    def cancel(self, id: str, place: int | None) -> None:
        self._comparer.cancel(id, place)

    async def stop(self) -> None:
        await self._comparer.stop()

    def estimate(self, models: Sequence[str], request: Mapping[str, Any]) -> tuple[AnswerEstimate, ...]:
        return estimates(models, request, self._routing, self._keys, self._pricing)

    async def rate(self, request_id: str, stars: int, note: str, owner: str | None) -> RatedAnswer:
        return await self._change(self._ratings.rate, request_id, stars, note, owner=owner)

    async def remove(self, request_id: str, owner: str | None) -> RatedAnswer:
        return await self._change(self._ratings.remove, request_id, owner=owner)

    async def one(self, request_id: str, owner: str | None) -> RatedAnswer:
        return await self._work(self._ratings.one, request_id, owner=owner)

    async def rated(
        self, model: str | None, provider: str | None, limit: int, owner: str | None
    ) -> tuple[RatedAnswer, ...]:
        return await self._work(self._ratings.rated, model=model, provider=provider, limit=limit, owner=owner)

    async def latest(self, limit: int) -> tuple[RatedAnswer, ...]:
        return await self._work(self._ratings.latest, limit=limit)

    async def models(self, owner: str | None) -> tuple[RatedModel, ...]:
        return await self._work(self._ratings.models, owner=owner)

    async def forget_prompts_of(self, request_ids: Sequence[str]) -> None:
        await self._change(self._ratings.forget_prompts_of, request_ids)

    async def forget(self, *, prompts_before_us: int | None, unrated_before_us: int | None) -> None:
        await self._work(
            self._ratings.forget, prompts_before_us=prompts_before_us, unrated_before_us=unrated_before_us
        )

    async def _change(self, call: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
        done = await self._work(call, *args, **kwargs)
        self._changed()
        return done

    async def _kept(self, call: Callable[..., None], *args: Any) -> bool:
        """Answers are worth having where the disk refuses to keep them."""
        try:
            await self._work(call, *args)
        except FaregateError as error:
            _log.warning("A comparison cannot be rated later: it was not kept (%s).", error.message)
            return False
        return True
