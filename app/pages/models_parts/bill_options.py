"""How a bill is to be read: whose it is, what a unit of its currency costs, and which column is which."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.filters import zone_names
from app.known_errors import KNOWN_ERRORS
from app.pages.models_parts.scrolled import scrolled
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import later, tr
from app.widgets import ComboBox, PushButton, TickBox
from gateway import BILL_FIELDS, BillColumns, bill_rate

FIELD_NAMES: Mapping[str, str] = {
    "time": later("Day or time"),
    "until": later("Until"),
    "model": later("Model"),
    "request_id": later("Request id"),
    "requests": later("Requests"),
    "input": later("Input tokens"),
    "uncached": later("Input, not cached"),
    "cached": later("Cached input"),
    "cache_write": later("Cache writes"),
    "cache_write_1h": later("Cache writes, 1 h"),
    "output": later("Output tokens"),
    "reasoning": later("Reasoning tokens"),
    "cost": later("Cost"),
    "currency": later("Currency"),
}
_COUNTS = frozenset(("requests", "input", "uncached", "cached", "cache_write", "output"))


class BillOptions(QWidget):
    """`submitted` when the bill shall be compared so."""

    submitted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bill_options")
        self._taken: Mapping[str, str] = {}
        self.provider = ComboBox(theme, tr("Whose bill"))
        self.provider.setObjectName("bill_provider")
        self.provider.addItem(tr("As the file says"), "")
        self.zone = _zone_box(theme)
        self.rate = QLineEdit()
        self.rate.setObjectName("bill_rate")
        self.rate.setAccessibleName(tr("Dollars per unit of its currency"))
        self.rate.setPlaceholderText("1.00")
        self.own_keys = TickBox(theme, tr("Calls with callers' own keys are on it"))
        self.own_keys.setObjectName("bill_own_keys")
        self.form = TextLabel(theme, px=12, tone="text2", wrap=True)
        self.form.setObjectName("bill_form")
        self.fields: dict[str, ComboBox] = {}
        for field in BILL_FIELDS:
            box = ComboBox(theme, tr(FIELD_NAMES[field]))
            box.setObjectName(f"bill_map_{field}")
            box.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(12)
            box.currentIndexChanged.connect(self._check)
            self.fields[field] = box
        self.problem = TextLabel(theme, px=12, tone="bad", wrap=True)
        self.problem.setObjectName("bill_options_problem")
        self.compare = PushButton(theme, tr("Compare"), kind="primary")
        self.compare.setObjectName("bill_compare")
        self._lay_out(theme)
        self.rate.textChanged.connect(self._check)
        self.rate.returnPressed.connect(self._submit)
        self.compare.clicked.connect(self._submit)
        self.show_columns(BillColumns(columns=()))

    def _lay_out(self, theme: Theme) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        rows: list[tuple[str, QWidget]] = [
            (tr("Whose bill"), self.provider),
            (tr("Time zone"), self.zone),
            (tr("Dollars per unit"), self.rate),
        ]
        for title, widget in rows:
            self._add_row(theme, grid, title, widget)
        grid.addWidget(self.own_keys, grid.rowCount(), 0, 1, 2)
        heading = TextLabel(theme, tr("Which column is which"), weight=600)
        heading.setContentsMargins(0, 10, 0, 0)
        grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
        grid.addWidget(self.form, grid.rowCount(), 0, 1, 2)
        for field, box in self.fields.items():
            self._add_row(theme, grid, tr(FIELD_NAMES[field]), box)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self.compare)
        fields = QWidget()
        inner = QVBoxLayout(fields)
        inner.setContentsMargins(16, 8, 16, 8)
        inner.addLayout(grid)
        inner.addStretch(1)
        below = QVBoxLayout()
        below.setContentsMargins(16, 8, 16, 16)
        below.setSpacing(8)
        below.addWidget(self.problem)
        below.addLayout(foot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(scrolled(fields, tr("How to read the bill")), 1)
        column.addLayout(below)

    def _add_row(self, theme: Theme, grid: QGridLayout, title: str, widget: QWidget) -> None:
        place = grid.rowCount()
        grid.addWidget(TextLabel(theme, title, px=12, weight=500, tone="text2"), place, 0)
        grid.addWidget(widget, place, 1)

    def offer(self, providers: Sequence[tuple[str, str]]) -> None:
        """Whose bill it may be: names and titles."""
        chosen = self.provider.currentData()
        while self.provider.count() > 1:
            self.provider.removeItem(1)
        for name, title in providers:
            self.provider.addItem(title, name)
        self.provider.setCurrentIndex(max(0, self.provider.findData(chosen)))

    def show_columns(self, known: BillColumns) -> None:
        """The columns of the file that was chosen, taken as its form takes them. What was chosen for another file is
        forgotten: a rate or a zone would make other figures of this one."""
        self.provider.setCurrentIndex(0)
        self.zone.setCurrentIndex(0)
        self.rate.clear()
        self.own_keys.setChecked(False)
        self._taken = known.mapping
        for field, box in self.fields.items():
            box.blockSignals(True)
            box.clear()
            box.addItem(tr("None"), "")
            for title in known.columns:
                box.addItem(title, title)
            box.setCurrentIndex(max(0, box.findData(known.mapping.get(field, ""))))
            box.setEnabled(bool(known.columns))
            box.blockSignals(False)
        if known.form is not None:
            words = tr("Read as {form}. Change it where that is wrong.").format(form=tr(known.form))
        elif known.columns:
            words = tr("No known form of bill has these columns: say which is which.")
        else:
            words = tr("Choose a file first.")
        self.form.setText(words)
        self._check()

    def chosen(self) -> dict[str, str]:
        """Field → column as they stand."""
        return {field: str(box.currentData()) for field, box in self.fields.items() if box.currentData()}

    def mapping(self) -> dict[str, str]:
        """The same where it is another one than the form's, which knows more of its file than columns say."""
        chosen = self.chosen()
        return {} if chosen == self._taken else chosen

    def rate_given(self) -> Decimal | None:
        return bill_rate(self.rate.text().strip().replace(",", ".") or None)

    def complaint(self) -> str:
        """What is wrong or missing, in a sentence, or ""."""
        try:
            self.rate_given()
        except KNOWN_ERRORS as error:
            return str(error)
        mapping = self.mapping()
        if not mapping and self._taken:
            return ""
        if "time" not in mapping:
            return tr("Say which column holds the day.")
        if "cost" not in mapping and not _COUNTS & mapping.keys():
            return tr("Say which column holds the cost, or a count.")
        return ""

    def tell(self, problem: str) -> None:
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def _check(self) -> None:
        has_file = self.fields["time"].isEnabled()
        complaint = self.complaint() if has_file else ""
        self.compare.setEnabled(has_file and not complaint)
        self.tell(complaint)

    def _submit(self) -> None:
        if self.compare.isEnabled():
            self.submitted.emit()


def _zone_box(theme: Theme) -> ComboBox:
    """Whose days the bill is cut by; by itself the zone is found that fits best."""
    box = ComboBox(theme, tr("Time zone of its days"))
    box.setObjectName("bill_zone")
    box.setEditable(True)
    box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(12)
    box.addItem(tr("The one that fits best"), "")
    for name in zone_names():
        box.addItem(name, name)
    edit, completer = box.lineEdit(), box.completer()
    if edit is not None:
        edit.setAccessibleName(tr("Time zone of its days"))
        # What was typed and is no zone gives way to the one in force.
        edit.editingFinished.connect(lambda: box.setEditText(box.itemText(box.currentIndex())))
    if completer is not None:
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCompletionMode(completer.CompletionMode.PopupCompletion)
    return box
