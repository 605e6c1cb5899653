"""The person's own prices: added, replaced and removed, told with when they hold, each to be taken back."""

import time
from collections.abc import Awaitable, Callable

import shiboken6
from PySide6.QtCore import QObject, Signal

from app.context import AppContext
from app.focus import pause
from app.known_errors import KNOWN_ERRORS
from app.pages.models_parts.details import validity
from app.pages.models_parts.editor import PriceEditor
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
    """`changed(provider, model)`: prices are others than before; "*" is every model of the provider's."""

    changed = Signal(str, str)

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
                gateway.remove_price(made.id) if before is None else gateway.replace_price(made.id, as_new(before))
            )

        title, tz = self._title_of(new.provider), self._context.filters.tz
        self._tell(kept_words(new, title, tz, time.time_ns() // 1000, prevails), new, undo)

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
        self._tell(told, price, lambda: gateway.add_price(as_new(price)))

    def _tell(self, words: str, price: NewPriceOverride, undo: Undo) -> None:
        self._context.shell.offered.emit(words, tr("Undo"), lambda: self._context.spawn(self._undo(price, undo)))
        self.changed.emit(price.provider, price.model)

    async def _undo(self, price: NewPriceOverride, undo: Undo) -> None:
        try:
            await undo()
        except KNOWN_ERRORS as error:
            self._toast(str(error))
            return
        self._toast(tr("Your prices are as they were"))
        self.changed.emit(price.provider, price.model)
