"""What is known of one model: its limits, every price with its tiers and validity, and the person's own prices."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLayout, QVBoxLayout, QWidget

from app import formats
from app.pages.models_parts.lines import (
    GONE,
    SOURCES,
    STATES,
    UNITS,
    ModelLine,
    in_reading_order,
    price_words,
    validity,
)
from app.pages.models_parts.other_names import OtherNames
from app.pages.models_parts.replaced import ReplacedRows
from app.pages.models_parts.scrolled import scrolled
from app.price_words import LISTED
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import PushButton
from gateway import NewPriceOverride, PriceOverride


def facts(line: ModelLine, tz: str, provider: str) -> tuple[tuple[str, str], ...]:
    """Titles and what stands beside them, in reading order."""
    told = [(tr("Provider"), provider), (tr("State"), STATES[line.state].text)]
    told += [(tr("Note"), tr(GONE))] if line.gone else []
    known = line.known
    if known is not None:
        told += [
            (
                tr("Context"),
                tr("{count} tokens").format(count=formats.count(known.context_tokens))
                if known.context_tokens
                else formats.UNKNOWN,
            ),
            (
                tr("Max output"),
                tr("{count} tokens").format(count=formats.count(known.max_output_tokens))
                if known.max_output_tokens
                else formats.UNKNOWN,
            ),
        ]
        told += [(tr("Shut down on"), known.shutdown_date)] if known.shutdown_date else []
        told += [(tr("Replaced by"), known.replacement)] if known.replacement else []
        told += [(tr("Also called"), ", ".join(known.spellings))] if known.spellings else []
        told += [(tr("Note"), known.note)] if known.note else []
    told.append((tr("Source"), SOURCES[line.source].text))
    price = line.price
    if price is not None and price.source != "none":
        told.append((tr("Valid"), validity(price.valid_from_us, price.valid_to_us, tz)))
        if price.price_id:
            told.append((tr("Price id"), price.price_id))
        if price.fuzzy:
            told.append((tr("Matched"), tr("by the start of its name only")))
        for one in in_reading_order(price.prices):
            title = LISTED.get(one.unit, one.unit)
            above = "" if one.above is None else tr(" above {above}").format(above=formats.count(one.above))
            told.append((title + above, price_words(one)))
    return tuple(told)


class ModelDetails(QWidget):
    """`add` (to a line), `change` and `remove` (of one of its own prices) are asked for; so are the names `given` and
    `taken`, of a line. One after another is shown by the same widgets."""

    add = Signal(object)
    change = Signal(object)
    remove = Signal(object)
    given = Signal(object, str)
    taken = Signal(object, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.line: ModelLine | None = None
        self.told: tuple[tuple[str, str], ...] = ()
        self._facts: list[tuple[TextLabel, TextLabel]] = []
        self.setObjectName("model_details")
        self.own = OwnPriceList(theme)
        self.own.change.connect(self.change)
        self.own.remove.connect(self.remove)
        self.add_button = PushButton(theme, tr("Set a price"), "pencil", "secondary")
        self.add_button.setObjectName("model_add_price")
        self.add_button.clicked.connect(lambda: self.add.emit(self.line))
        self.names = OtherNames(theme)
        self.names.given.connect(lambda name: self.given.emit(self.line, name))
        self.names.taken.connect(lambda name: self.taken.emit(self.line, name))
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 4, 16, 16)
        column.setSpacing(8)
        self._told = QVBoxLayout()
        self._told.setSpacing(8)
        column.addLayout(self._told)
        column.addSpacing(8)
        column.addWidget(self.own)
        column.addWidget(self.add_button)
        column.addSpacing(8)
        column.addWidget(self.names)
        column.addStretch(1)
        self.area = scrolled(inner, tr("Details of the model"))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.area)

    @property
    def unsaved(self) -> bool:
        """Whether another name was typed and not given."""
        return not self.names.isHidden() and bool(self.names.field.text().strip())

    def show_line(
        self,
        line: ModelLine,
        own: tuple[PriceOverride, ...],
        tz: str,
        names: tuple[str, ...] = (),
        provider: str = "",
    ) -> None:
        """Another line, from its beginning, or the same one as it is by now."""
        if self.line is None or (line.provider, line.model) != (self.line.provider, self.line.model):
            self.area.verticalScrollBar().setValue(0)
        self.line = line
        self.told = facts(line, tz, provider or line.provider)
        while len(self._facts) < len(self.told):
            self._add_fact()
        for number, labels in enumerate(self._facts):
            for label, text in zip(labels, self.told[number] if number < len(self.told) else ("", ""), strict=True):
                label.setText(text)
                label.setVisible(number < len(self.told))
        self.own.show_prices(own, tz, gone=line.gone)
        # Prices and other names are for models that can be asked.
        self.own.setVisible(bool(own) or not line.gone)
        self.add_button.setVisible(not line.gone)
        self.names.setVisible(not line.gone)
        self.names.show_names(line.model, names)

    def _add_fact(self) -> None:
        title = TextLabel(self._theme, px=12, tone="text3")
        title.setFixedWidth(150)
        text = TextLabel(self._theme, wrap=True)
        row = QHBoxLayout()
        row.addWidget(title)
        row.addWidget(text, 1)
        self._told.addLayout(row)
        self._facts.append((title, text))


class OwnPriceList(QWidget):
    """`change` and `remove` of one of a model's own prices are asked for."""

    change = Signal(object)
    remove = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: object = None
        self.buttons: dict[int, tuple[PushButton, PushButton]] = {}
        self.none = TextLabel(theme, tr("None: the list's prices are used."), px=12, tone="text3", wrap=True)
        self._prices = ReplacedRows()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(TextLabel(theme, tr("Your own prices"), weight=600))
        column.addWidget(self.none)
        column.addWidget(self._prices)

    def show_prices(self, own: tuple[PriceOverride, ...], tz: str, *, gone: bool) -> None:
        """Those of a model that is `gone` are only removed."""
        self.none.setVisible(not own)
        if (own, tz, gone) == self._shown:
            return
        self._shown = own, tz, gone
        self.buttons = {}
        rows: list[QWidget | QLayout] = []
        for price in own:
            rows += [TextLabel(self._theme, own_words(price, tz), wrap=True), self._acts(price, gone=gone)]
        self._prices.show_rows(rows)

    def _acts(self, price: PriceOverride, *, gone: bool) -> QHBoxLayout:
        change = PushButton(self._theme, tr("Change"), None, "secondary")
        remove = PushButton(self._theme, tr("Remove"), None, "danger")
        change.clicked.connect(lambda: self.change.emit(price))
        remove.clicked.connect(lambda: self.remove.emit(price))
        line = QHBoxLayout()
        if not gone:
            line.addWidget(change)
        line.addWidget(remove)
        line.addStretch(1)
        self.buttons[price.id] = (change, remove)
        return line


def own_words(price: NewPriceOverride, tz: str) -> str:
    """One of the person's own prices in a sentence."""
    given = {title: getattr(price.prices, unit) for unit, title in UNITS.items()}
    parts = [f"{title.lower()} ${usd}" for title, usd in given.items() if usd]
    tier = (
        tr("; another tier above {count} tokens").format(count=formats.count(price.tier_start))
        if price.tier_start is not None
        else ""
    )
    note = f" ({price.note})" if price.note else ""
    return f"{', '.join(parts)}{tier}; {validity(price.valid_from_us, price.valid_to_us, tz)}{note}"
