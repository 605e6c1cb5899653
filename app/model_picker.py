"""Finding a model by typing: a list of those that the gateway knows, with prices, providers and life state."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from app import formats
from app.palette import Command, Palette
from app.theme import Theme
from app.translation import tr
from gateway import ModelRow, ProviderRow

_EDGE = 12
_ICONS = {"live": "bot", "deprecated": "clock", "retired": "triangle-alert"}


def price_words(row: ModelRow | None) -> str:
    """$3.00 in, $15.00 out, below a dollar too; nothing where no price is known."""
    if row is None or row.input_price is None or row.output_price is None:
        return ""
    return f"{formats.price(row.input_price, 2)} / {formats.price(row.output_price, 2)}"


def is_ready(row: ModelRow, providers: Mapping[str, ProviderRow]) -> bool:
    """Whether its provider can be asked now."""
    provider = providers.get(row.provider)
    return provider is not None and provider.ready


def model_commands(
    rows: Iterable[ModelRow],
    providers: Mapping[str, ProviderRow],
    act: Callable[[str], object],
    without: Collection[str] = (),
) -> tuple[Command, ...]:
    """What the list offers: chat models, those that can be asked first. `act` is given the id of the chosen one."""
    offered = [row for row in rows if row.kind == "chat" and row.id not in without]
    offered.sort(key=lambda row: (row.state == "retired", not is_ready(row, providers)))
    return tuple(
        Command(
            text=row.id,
            kind=_words(row, providers),
            icon=_ICONS.get(row.state, "bot"),
            act=lambda id=row.id: act(id),  # type: ignore[misc]
        )
        for row in offered
    )


def _words(row: ModelRow, providers: Mapping[str, ProviderRow]) -> str:
    provider = providers.get(row.provider)
    return " · ".join(
        filter(
            None,
            (
                "" if row.state == "live" else row.state,
                _hindrance(provider),
                price_words(row) or tr("no price"),
                provider.title if provider is not None else row.provider,
            ),
        )
    )


def _hindrance(provider: ProviderRow | None) -> str:
    """Why it cannot be asked, or ""."""
    if provider is None or not provider.has_key:
        return tr("no key")
    return "" if provider.enabled else tr("switched off")


class ModelPicker(Palette):
    """The palette over models alone. `typed` carries a name that is none of them."""

    typed = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent)
        self.setObjectName("model_picker")
        words = tr("Find a model")
        self.setAccessibleName(words)
        self.search.setPlaceholderText(tr("Find a model (prices per 1M tokens, in / out)"))
        self.search.setAccessibleName(words)
        self.search.setObjectName("model_picker_search")
        self.list.setObjectName("model_picker_list")
        self.hint.setText(tr("No known model has that name. To use it anyway, press Enter."))
        self.hint.setWordWrap(True)

    def open_under(self, button: QWidget, commands: Sequence[Command]) -> None:
        window = button.window()
        self.open_over(window, commands)
        # Below the button, as far as the window reaches.
        below = button.mapToGlobal(QPoint(0, button.height() + 4))
        corner = window.mapToGlobal(QPoint(window.width() - self.width(), window.height() - self.height()))
        self.move(min(below.x(), corner.x() - _EDGE), min(below.y(), corner.y() - _EDGE))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        name = self.search.text().strip()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and name and not self.commands():
            self.close()
            self.typed.emit(name)
        else:
            super().keyPressEvent(event)
