"""The editor of a price of the user's own: for a model from a day to a day, with a second tier for long requests."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from msgspec import structs
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.date_field import DateField
from app.formats import today
from app.local_days import day_start_us
from app.pages.models_parts.lines import RARE_UNITS, UNITS
from app.pages.models_parts.listed_as_own import as_own
from app.pages.models_parts.price_file import tokens
from app.pages.models_parts.scrolled import scrolled
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import ComboBox, PushButton, TickBox
from gateway import NewPriceOverride, PriceOverride, UnitPrice, UnitPrices

MOST_USD = Decimal(1_000_000)
# Priced once for each request, however long it is.
_UNTIERED = frozenset(("request",))


def price_problem(text: str) -> str:
    """Why this is no price in dollars, or "": empty is none given."""
    try:
        value = Decimal(_dollars(text) or "0")
    except InvalidOperation:
        return tr("“{text}” is not a price: write dollars as 2.50.").format(text=text.strip())
    if not value.is_finite() or value < 0 or value > MOST_USD:
        return tr("{text} is not a price: it must be from 0 to 1,000,000 dollars.").format(text=text.strip())
    return ""


class PriceEditor(QWidget):
    """`submitted` with the price, and the id of the one that it replaces or None; `cancelled` when it is left.
    `providers` are names with what people call them. Prices of media and tools stand folded until one is
    given or asked for."""

    submitted = Signal(object, object)
    cancelled = Signal()

    def __init__(self, theme: Theme, providers: Mapping[str, str], tz: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("price_editor")
        self._tz = tz
        self._replaces: int | None = None
        self._begun: tuple[object, ...] = ()
        self.provider = ComboBox(theme, tr("Provider"))
        for name, title in providers.items():
            self.provider.addItem(title, name)
        self.model = _line(tr("Model"), "price_model")
        self.note = _line(tr("Note"), "price_note")
        self.tier_start = _line(tr("Second tier above input tokens"), "price_tier_start")
        self.tier_start.setPlaceholderText(tr("None"))
        self.fields = {
            unit: _line(tr("{title} price").format(title=title), f"price_{unit}") for unit, title in UNITS.items()
        }
        self.tier_fields = {
            unit: _line(tr("{title} price in the second tier").format(title=title), f"tier_{unit}")
            for unit, title in UNITS.items()
        }
        self.has_from, self.valid_from = TickBox(theme, tr("Valid from")), DateField(theme, tr("First day"))
        self.has_to, self.valid_to = TickBox(theme, tr("Until before")), DateField(theme, tr("Day after the last"))
        self.more = PushButton(theme, tr("Prices of media and tools"), "chevron-down", "dashed")
        self.more.setObjectName("price_more")
        self.problem = TextLabel(theme, px=12, tone="bad", wrap=True)
        self.problem.setObjectName("price_problem")
        self.save = PushButton(theme, tr("Save price"), kind="primary")
        self.save.setObjectName("price_save")
        self.cancel = PushButton(theme, tr("Cancel"), kind="secondary")
        self._lay_out(theme)
        for box, day in ((self.has_from, self.valid_from), (self.has_to, self.valid_to)):
            box.toggled.connect(day.setEnabled)
            box.toggled.connect(self._check)
            day.dateChanged.connect(self._check)
            day.setEnabled(False)
        for line in (self.model, self.tier_start, *self.fields.values(), *self.tier_fields.values()):
            line.textChanged.connect(self._check)
            line.returnPressed.connect(self._submit)
        self.save.clicked.connect(self._submit)
        self.cancel.clicked.connect(self.cancelled)
        self.more.clicked.connect(self._unfold)
        self._check()

    def _lay_out(self, theme: Theme) -> None:
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setContentsMargins(16, 8, 16, 8)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        rows: list[tuple[str, QWidget, QWidget | None]] = [
            (tr("Provider"), self.provider, None),
            (tr("Model"), self.model, None),
            (tr("Second tier above"), self.tier_start, None),
        ]
        usual = [unit for unit in UNITS if unit not in RARE_UNITS]
        rows += [(UNITS[unit], self.fields[unit], self.tier_fields[unit]) for unit in (*usual, *RARE_UNITS)]
        rows += [(tr("Note"), self.note, None)]
        self._rare: list[QWidget] = []
        rare = range(3 + len(usual), 3 + len(UNITS))
        for number, (title, first, second) in enumerate(rows):
            # Below the first three stands what the columns are, and above the rare ones what unfolds them.
            place = number + (number >= 3) + (number >= rare.start)
            label = TextLabel(theme, title, px=12, weight=500, tone="text2")
            grid.addWidget(label, place, 0)
            grid.addWidget(first, place, 1, 1, 1 if second is not None else 2)
            if second is not None:
                grid.addWidget(second, place, 2)
                self._rare += [label, first, second] if number in rare else []
        grid.addWidget(self.more, rare.start + 1, 0, 1, 3)
        grid.addWidget(TextLabel(theme, tr("$ per 1M tokens"), px=12, tone="text3"), 3, 1)
        grid.addWidget(TextLabel(theme, tr("Second tier"), px=12, tone="text3"), 3, 2)
        foot = QVBoxLayout()
        foot.setSpacing(6)
        for box, day in ((self.has_from, self.valid_from), (self.has_to, self.valid_to)):
            line = QHBoxLayout()
            line.addWidget(box)
            line.addStretch(1)
            line.addWidget(day)
            foot.addLayout(line)
        grid.addLayout(foot, len(rows) + 2, 0, 1, 3)
        grid.setRowStretch(len(rows) + 3, 1)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.save)
        below = QVBoxLayout()
        below.setContentsMargins(16, 8, 16, 16)
        below.setSpacing(8)
        below.addWidget(self.problem)
        below.addLayout(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(scrolled(inner, tr("Price editor")), 1)
        column.addLayout(below)

    def _unfold(self) -> None:
        self._show_rare(True)
        self.fields[RARE_UNITS[0]].setFocus()

    def _show_rare(self, shown: bool) -> None:
        for widget in self._rare:
            widget.setVisible(shown)
        self.more.setVisible(not shown)

    def open_new(self, provider: str, model: str, now: Sequence[UnitPrice] = ()) -> None:
        """For a model; `now` are the prices that it has so far."""
        prices, tier_start, tier_prices = as_own(now)
        price = NewPriceOverride(
            provider=provider, model=model, prices=prices, tier_start=tier_start, tier_prices=tier_prices
        )
        self._fill(price, None)

    def open_for(self, price: PriceOverride) -> None:
        """To put another one in the place of this."""
        self._fill(price, price.id)

    def _fill(self, price: NewPriceOverride, replaces: int | None) -> None:
        self._replaces = replaces
        if self.provider.findData(price.provider) < 0:
            self.provider.addItem(price.provider, price.provider)
        self.provider.setCurrentIndex(self.provider.findData(price.provider))
        self.model.setText(price.model)
        self.note.setText(price.note)
        self.tier_start.setText("" if price.tier_start is None else str(price.tier_start))
        for unit in UNITS:
            self.fields[unit].setText(getattr(price.prices, unit) or "")
            self.tier_fields[unit].setText((getattr(price.tier_prices, unit) or "") if price.tier_prices else "")
        for box, day, us in (
            (self.has_from, self.valid_from, price.valid_from_us),
            (self.has_to, self.valid_to, price.valid_to_us),
        ):
            box.setChecked(us is not None)
            day.show_day(
                datetime.fromtimestamp(us / 1_000_000, ZoneInfo(self._tz)).date() if us is not None else today()
            )
        self._show_rare(any(getattr(price.prices, unit) for unit in RARE_UNITS))
        self.settle()
        self._check()
        (self.fields["input"] if price.model else self.model).setFocus()

    def settle(self) -> None:
        """What it says now is kept."""
        self._begun = self._written()

    @property
    def unsaved(self) -> bool:
        """Whether it says anything else than when it was opened, or saved."""
        return self._written() != self._begun

    def _written(self) -> tuple[object, ...]:
        lines = (self.model, self.note, self.tier_start, *self.fields.values(), *self.tier_fields.values())
        days = ((self.has_from, self.valid_from), (self.has_to, self.valid_to))
        return (
            self.provider.currentData(),
            *(line.text() for line in lines),
            *(day.date() if box.isChecked() else None for box, day in days),
        )

    def price(self) -> NewPriceOverride:
        """What is written; only where `complaint` finds nothing."""
        start = tokens(self.tier_start.text())
        return NewPriceOverride(
            provider=self.provider.currentData(),
            model=self.model.text().strip(),
            prices=_read(self.fields),
            valid_from_us=self._midnight_us(self.valid_from) if self.has_from.isChecked() else None,
            valid_to_us=self._midnight_us(self.valid_to) if self.has_to.isChecked() else None,
            tier_start=start,
            tier_prices=_read(self.tier_fields) if start is not None else None,
            note=self.note.text().strip(),
        )

    def complaint(self) -> str:
        """What is wrong or missing, in a sentence, or ""."""
        start = self.tier_start.text().strip()
        fields = (*self.fields.values(), *(self.tier_fields.values() if start else ()))
        wrong = next((found for field in fields if (found := price_problem(field.text()))), "")
        if wrong:
            return wrong
        if start and tokens(start) is None:
            return tr("“{start}” is not a number of tokens.").format(start=start)
        model = self.model.text().strip()
        if not model:
            return tr("Which model? * stands for all of the provider's.")
        if "*" in model and model != "*":
            return tr("* stands for all of the provider's models, and only by itself: write a model's exact name.")
        if not any(_dollars(field.text()) for field in self.fields.values()):
            return tr("Give at least one price.")
        if start and any(
            bool(_dollars(self.fields[unit].text())) != bool(_dollars(self.tier_fields[unit].text()))
            for unit in UNITS
            if unit not in _UNTIERED
        ):
            return tr("The second tier needs the same prices as the first.")
        if self.has_from.isChecked() and self.has_to.isChecked() and self.valid_from.date() >= self.valid_to.date():
            return tr("It must begin before it ends.")
        return ""

    def caution(self) -> str:
        """What can be saved so, and is seldom meant: one's own price stands alone, the list's fills no gap in it."""
        lacking = [UNITS[unit].lower() for unit in ("input", "output") if not _dollars(self.fields[unit].text())]
        words = tr("Without a price for {units}, requests that use any will have no cost.")
        return words.format(units=tr(" and ").join(lacking)) if lacking else ""

    def tell(self, problem: str, tone: str = "bad") -> None:
        self.problem.set_tone(tone)
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def _midnight_us(self, field: DateField) -> int:
        return day_start_us(field.day(), self._tz)

    def _check(self) -> None:
        complaint = self.complaint()
        tiered = bool(self.tier_start.text().strip())
        for unit, field in self.tier_fields.items():
            field.setEnabled(tiered and unit not in _UNTIERED)
        self.save.setEnabled(not complaint)
        # What is still to be written is no mistake before anything is.
        wrong = "bad" if self.unsaved else "text2"
        self.tell(complaint or self.caution(), wrong if complaint else "warn")

    def _submit(self) -> None:
        if not self.complaint():
            self.submitted.emit(self.price(), self._replaces)


def _line(name: str, key: str) -> QLineEdit:
    line = QLineEdit()
    line.setAccessibleName(name)
    line.setObjectName(key)
    return line


def _dollars(text: str) -> str:
    return text.strip().removeprefix("$").strip()


def _read(fields: dict[str, QLineEdit]) -> UnitPrices:
    return structs.replace(UnitPrices(), **{unit: _dollars(field.text()) or None for unit, field in fields.items()})
