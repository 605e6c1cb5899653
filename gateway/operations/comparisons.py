"""Comparisons as the gateway offers them: asked, estimated, kept, rated. SQL is met in worker threads."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from gateway.comparing.comparer import ComparisonQuestion, Tell, comparison_question, new_comparison_id
from gateway.comparing.comparison_estimates import estimates
from gateway.comparing.comparison_records import AnswerEstimate, ComparedAnswer, Comparison, RatedAnswer, RatedModel
from gateway.errors import FaregateError
from gateway.keys.access import Principal
from gateway.parts import Parts
from gateway.records import Changes
from gateway.version import VERSION

OFF = "The gateway is off: switch it on to ask models."
# Who asks in the window: no tk_ key, and the rows name it so.
WINDOW = Principal("window", "Faregate window", "execute", None, ())
_WINDOW_HEADERS: Mapping[str, str] = {"user-agent": f"Faregate/{VERSION}"}

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Comparisons:
    """One question to several models. `owner` is a key's id, None for everybody's."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._work = parts.workers.run
        # Answers that are over and not yet kept, by their request's id.
        self._keeping: dict[str, asyncio.Event] = {}
        # One after another, so that the rating which stands is the one that was given last.
        self._changing = asyncio.Lock()

    async def compare(
        self, models: Sequence[str], request: Mapping[str, Any], *, id: str | None = None, told: Tell | None = None
    ) -> Comparison:
        """Ask 2 to 6 models what a chat body asks, all at once; an answer of each, whatever became of the others.

        `told` hears of each answer as it grows, at most ten times a second. Cancelling gives all of them up. Raises
        ClientError for a question that cannot be asked, FaregateError while the gateway is off.
        """
        if self._parts.server is None:
            raise FaregateError(OFF)
        return await self._ask(comparison_question(models, request), id=id, told=told)

    async def ask_again(
        self, comparison: str, place: int, model: str, request: Mapping[str, Any], *, told: Tell | None = None
    ) -> ComparedAnswer:
        """Ask one model of a comparison once more; its new answer counts to the same one. Raises as `compare`."""
        if self._parts.server is None:
            raise FaregateError(OFF)
        asked = comparison_question((model,), request, least=1)
        made = await self._ask(asked, id=comparison, first_place=place, told=told)
        return made.answers[0]

    async def compare_for(
        self, principal: Principal, headers: Mapping[str, str], asked: ComparisonQuestion
    ) -> Comparison:
        """The same for a caller of the API, with what the request's headers say."""
        return await self._ask(asked, principal, headers)

    def cancel_comparison(self, id: str, place: int | None = None) -> None:
        """Give up one answer of a comparison that runs, or all; what came so far stays."""
        self._parts.comparer.cancel(id, place)

    def estimate_comparison(self, models: Sequence[str], request: Mapping[str, Any]) -> tuple[AnswerEstimate, ...]:
        """What each answer would take, before anything is asked. It waits for nothing."""
        return estimates(models, request, self._parts.routing, self._parts.keys, self._parts.pricing)

    async def rate(self, request_id: str, stars: int, note: str = "", *, owner: str | None = None) -> RatedAnswer:
        """Rate an answer of a comparison, with 1 to 5 stars, or change its rating, also while others are still being
        answered. Raises FaregateError."""
        await self._when_kept(request_id)
        return await self._change(self._parts.ratings.rate, request_id, stars, note, owner=owner)

    async def remove_rating(self, request_id: str, *, owner: str | None = None) -> RatedAnswer:
        await self._when_kept(request_id)
        return await self._change(self._parts.ratings.remove, request_id, owner=owner)

    async def compared_answer(self, request_id: str, *, owner: str | None = None) -> RatedAnswer:
        """An answer of a comparison, rated or not. Raises FaregateError where there is none."""
        return await self._work(self._parts.ratings.one, request_id, owner=owner)

    async def ratings(
        self, *, model: str | None = None, provider: str | None = None, limit: int = 100, owner: str | None = None
    ) -> tuple[RatedAnswer, ...]:
        """Answers that were rated, the latest rating first."""
        rated = self._parts.ratings.rated
        return await self._work(rated, model=model, provider=provider, limit=limit, owner=owner)

    async def rated_models(self, *, owner: str | None = None) -> tuple[RatedModel, ...]:
        """All models that were rated, the best first."""
        return await self._work(self._parts.ratings.models, owner=owner)

    async def comparisons(self, *, limit: int = 100) -> tuple[RatedAnswer, ...]:
        """The answers of the latest comparisons, rated or not, the latest first."""
        return await self._work(self._parts.ratings.latest, limit=limit)

    async def forget_prompts_of(self, request_ids: Sequence[str]) -> None:
        await self._change(self._parts.ratings.forget_prompts_of, request_ids)

    async def forget(self, *, prompts_before_us: int | None, unrated_before_us: int | None) -> None:
        await self._work(
            self._parts.ratings.forget, prompts_before_us=prompts_before_us, unrated_before_us=unrated_before_us
        )

    async def _ask(
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
        comparer, ratings = self._parts.comparer, self._parts.ratings
        comparer.check(asked, headers)
        id = id or new_comparison_id()
        begun = await self._kept(ratings.begin, id, principal, asked.asked)
        keep = self._keep if begun else None
        return await comparer.run(asked, principal, headers, id=id, first_place=first_place, told=told, keep=keep)

    async def _keep(self, answer: ComparedAnswer) -> None:
        keeping = self._keeping[answer.request_id] = asyncio.Event()
        try:
            await self._kept(self._parts.ratings.keep, answer)
        finally:
            del self._keeping[answer.request_id]
            keeping.set()
        self._changed()

    async def _when_kept(self, request_id: str) -> None:
        if (keeping := self._keeping.get(request_id)) is not None:
            await keeping.wait()

    async def _change(self, call: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
        async with self._changing:
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

    def _changed(self) -> None:
        self._parts.bell.note(Changes(comparisons=True))
