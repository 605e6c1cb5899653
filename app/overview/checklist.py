"""The first steps on one line above the Overview, until they are done or dismissed."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.first_steps import FirstSteps
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import later, tr
from app.widgets import Card, IconButton, IconLabel, PushButton

STEPS = (
    ("provider", later("A provider's key"), "provider_done"),
    ("key", later("A key for your tool"), "key_done"),
    ("request", later("The first request"), "request_done"),
)


def _mark(done: bool) -> tuple[str, str]:
    """An icon and its tone."""
    return ("circle-check", "ok") if done else ("circle", "text3")


class Checklist(Card):
    """`continued` to the steps themselves, `dismissed` for good."""

    continued = Signal()
    dismissed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.done: dict[str, bool] = {}
        self._marks: dict[str, IconLabel] = {}
        self.labels: dict[str, TextLabel] = {}
        self.setObjectName("overview.checklist")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(8)
        row.addWidget(TextLabel(theme, tr("First steps"), weight=600))
        row.addSpacing(8)
        for key, title, _ in STEPS:
            mark = self._marks[key] = IconLabel(theme, *_mark(False))
            label = self.labels[key] = TextLabel(theme, tr(title))
            label.setObjectName(f"checklist.{key}")
            row.addWidget(mark)
            row.addWidget(label)
            row.addSpacing(8)
        row.addStretch(1)
        self.go = PushButton(theme, tr("Continue"), kind="secondary")
        self.go.setObjectName("checklist.continue")
        self.go.clicked.connect(self.continued)
        self.dismiss = IconButton(theme, "x", tr("Dismiss the first steps"))
        self.dismiss.setObjectName("checklist.dismiss")
        self.dismiss.clicked.connect(self.dismissed)
        row.addWidget(self.go)
        row.addWidget(self.dismiss)
        self.hide()

    def show_steps(self, steps: FirstSteps) -> None:
        """Takes itself away once all of them are done."""
        self.done = {key: bool(getattr(steps, field)) for key, _, field in STEPS}
        for key, title, _ in STEPS:
            locked = key == "provider" and steps.provider_locked
            state = tr("done") if self.done[key] and not locked else tr("to do")
            words = tr("A provider's key, which cannot be read now") if locked else tr(title)
            self.labels[key].setText(words)
            self.labels[key].setAccessibleName(f"{words}: {state}")
            self.labels[key].set_tone("text2" if self.done[key] else "text")
            self._marks[key].show_icon(*(("lock", "warn") if locked else _mark(self.done[key])))
        self.setAccessibleName(
            tr("First steps: {done} of {all} done").format(done=sum(self.done.values()), all=len(self.done))
        )
        self.setVisible(not steps.done)
