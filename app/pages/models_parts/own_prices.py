"""The person's own prices: added, replaced and removed, told with when they hold, each to be taken back.

What is taken back holds again under its own id, in its place among others; a step that another one has changed since
is not taken back.
"""

import time
from collections.abc import Awaitable, Callable

import shiboken6
from PySide6.QtCore import QObject, Signal

from app.context import AppContext
from app.focus import pause
from app.known_errors import KNOWN_ERRORS
from app.pages.models_parts.editor import PriceEditor
from app.pages.models_parts.lines import validity
from app.translation import tr
from gateway import NewPriceOverride, PriceOverride

Undo = Callable[[], Awaitable[object]]


def as_new(price: PriceOverride) -> NewPriceOverride:
    """A kept price as it would be given again."""
    return NewPriceOverride(**{name: getattr(price, name) for name in NewPriceOverride.__struct_fields__})


def kept_words(price: NewPriceOverride, provider_title: str, tz: str, now_us: int, prevails: bool) -> str:
    """What a price that was saved does. `prevails`: no other of the person's own comes before it today."""
    always = price.valid_from_us is None and price.valid_to_us is None
    when = tr("from now on") if always else validity(price.valid_from_us, price.valid_to_us, tz)
    today = (price.valid_from_us or 0) <= now_us and (price.valid_to_us is None or now_us < price.valid_to_us)
    words = tr("{model} has your price {when}")
    if price.model == "*":
        words = tr("Every model of {provider} has your price {when}")
    elif today and not prevails:
        words = tr("Your price of {model} is kept, but another of yours, which began later, comes first")
    return words.format(model=price.model, provider=provider_title, when=when)


class OwnPrices(QObject):
    """`changed(provider, model)`: prices are others than before; "*" is every model of the provider's. `undone`, with
    the same: they are as they were."""

    changed = Signal(str, str)
    undone = Signal(str, str)

    def __init__(
        self, context: AppContext, title_of: Callable[[str], str], toast: Callable[[str], object], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._context = context
        self._title_of = title_of
        self._toast = toast

    async def save(self, editor: PriceEditor, new: NewPriceOverride, replaces: int | None) -> None:
        """Where it is refused, the editor says why."""
        gateway, resume = self._context.gateway, pause(editor)
        before = next((price for price in gateway.price_overrides() if price.id == replaces), None)
        try:
            made = await (gateway.add_price(new) if replaces is None else gateway.replace_price(replaces, new))
            if shiboken6.isValid(editor):
                editor.settle()
            prevails = await self._prevails(made)
        except KNOWN_ERRORS as error:
            tell = editor.tell if shiboken6.isValid(editor) else self._toast
            tell(str(error))
            return
        finally:
            resume()

        async def undo() -> None:
            await (
                gateway.remove_price(made.id)
                if before is None
                else gateway.restore_price(before.id, instead_of=made.id)
            )

        title, tz = self._title_of(new.provider), self._context.filters.tz
        self._tell(kept_words(new, title, tz, time.time_ns() // 1000, prevails), new, undo, made.id)

    async def _prevails(self, price: PriceOverride) -> bool:
        """Whether no other comes before it today; also where that cannot be read, for it is kept all the same."""
        try:
            return any(row.price_id == price.price_id for row in await self._context.gateway.prices())
        except KNOWN_ERRORS:
            return True

    async def remove(self, price: PriceOverride) -> None:
        gateway = self._context.gateway
        try:
            await gateway.remove_price(price.id)
        except KNOWN_ERRORS as error:
            self._toast(str(error))
            return
        words = tr("Your price of {model} is removed")
        if price.model == "*":
            words = tr("Your price of every model of {provider} is removed")
        told = words.format(model=price.model, provider=self._title_of(price.provider))
        self._tell(told, price, lambda: gateway.restore_price(price.id))

    def _tell(self, words: str, price: NewPriceOverride, undo: Undo, made: int | None = None) -> None:
        """`made`: the price that the step has left, which must still stand when it is taken back."""
        self._context.shell.undoable.emit(words, lambda: self._context.spawn(self._undo(price, undo, made)))
        self.changed.emit(price.provider, price.model)

    async def _undo(self, price: NewPriceOverride, undo: Undo, made: int | None) -> None:
        if made is not None and made not in {kept.id for kept in self._context.gateway.price_overrides()}:
            words = tr("Your price of {model} was changed since then, and stays as it is now")
            if price.model == "*":
                words = tr("Your price of every model of {provider} was changed since then, and stays as it is now")
            self._toast(words.format(model=price.model, provider=self._title_of(price.provider)))
            return
        try:
            await undo()
        except KNOWN_ERRORS as error:
            self._toast(str(error))
            return
        self._toast(tr("Your prices are as they were"))
        self.undone.emit(price.provider, price.model)
