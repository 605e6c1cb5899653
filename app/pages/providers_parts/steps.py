"""The steps of trying a key, each with its mark and milliseconds, and the sentence that sums them up."""

from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app import formats
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import IconLabel
from gateway import KeyTrial


class StepList(QWidget):
    """Empty until a trial is shown."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trial_steps")
        self._theme = theme
        self.message = TextLabel(theme, weight=500, wrap=True)
        self.message.setObjectName("trial_message")
        self._grid_holder: QWidget | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.addWidget(self.message)

    def clear(self) -> None:
        self.message.setText("")
        self._drop()

    def wait(self, text: str) -> None:
        self.clear()
        self.message.set_tone("text2")
        self.message.setText(text)

    def show_trial(self, trial: KeyTrial) -> None:
        self.message.set_tone("ok" if trial.ok else "bad")
        self.message.setText(trial.message)
        self._show_steps(trial)

    def _drop(self) -> None:
        if self._grid_holder is not None:
            self._column.removeWidget(self._grid_holder)
            self._grid_holder.hide()
            self._grid_holder.deleteLater()
            self._grid_holder = None

    def _show_steps(self, trial: KeyTrial) -> None:
        self._drop()
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for row, step in enumerate(trial.steps):
            mark = IconLabel(self._theme, *("circle-check", "ok") if step.ok else ("circle-x", "bad"))
            mark.setAccessibleName(tr("done") if step.ok else tr("failed"))
            words = f"{step.title}: {step.detail}" if step.detail else step.title
            grid.addWidget(mark, row, 0)
            grid.addWidget(TextLabel(self._theme, words, tone="text2", wrap=True), row, 1)
            # What came with the step before took no time of its own.
            took = formats.duration(step.ms) if step.ms else ""
            grid.addWidget(TextLabel(self._theme, took, px=12, tone="text3"), row, 2)
        self._grid_holder = holder
        self._column.addWidget(holder)
