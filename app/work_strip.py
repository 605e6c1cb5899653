"""The strip at the window's foot while long work runs: a line for each job with how far it is, and its Cancel."""

from PySide6.QtCore import QRectF, QSize, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app import formats
from app.theme import Theme
from app.translation import tr
from app.widgets import ElidedLabel, PushButton
from app.widgets.painting import rounded_box, smooth_painter
from app.work import Job, Work

LOOK_MS = 100
_MARGIN = 24
_BAR = QSize(160, 6)
_PIECE = 0.3
_STEP = 0.04


class ProgressBar(QWidget):
    """`set_share(None)`: nobody knows how much there is to do, so that a piece wanders with every call."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.share: float | None = 0.0
        self._at = 0.0
        self.setFixedSize(_BAR)
        theme.changed.connect(self.update)

    def set_share(self, share: float | None) -> None:
        self.share = None if share is None else min(1.0, max(0.0, share))
        self._at = (self._at + _STEP) % (1 + _PIECE)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        box, theme = QRectF(self.rect()), self._theme
        rounded_box(painter, box, 3, theme.color("track"))
        left, right = (self._at - _PIECE, self._at) if self.share is None else (0.0, self.share)
        left, right = max(0.0, left) * box.width(), min(1.0, right) * box.width()
        if right > left:
            rounded_box(painter, QRectF(left, 0, right - left, box.height()), 3, theme.color("accent"))


class JobLine(QWidget):
    """One job."""

    def __init__(self, theme: Theme, job: Job, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job = job
        self.title = ElidedLabel(theme, job.title, parent=self)
        self.count = ElidedLabel(theme, "", tone="text2", parent=self)
        self.count.setSizePolicy(QSizePolicy.Policy.MinimumExpanding, QSizePolicy.Policy.Fixed)
        self.bar = ProgressBar(theme, self)
        self.cancel = PushButton(theme, tr("Cancel"), kind="ghost", parent=self)
        self.cancel.setAccessibleName(tr("Cancel: {title}").format(title=job.title))
        self.cancel.setObjectName("job_cancel")
        self.cancel.clicked.connect(self._cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(_MARGIN, 2, _MARGIN, 2)
        row.setSpacing(12)
        row.addWidget(self.title, 1)
        row.addWidget(self.count, 1)
        row.addWidget(self.bar)
        row.addWidget(self.cancel)
        self.look()

    def look(self) -> None:
        """Show how far it is."""
        job = self.job
        share = job.done / job.total if job.total else None
        self.bar.set_share(share)
        if job.cancelled:
            text = tr("Ending …")
        elif job.waits:
            text = job.waits
        elif job.total:
            text = tr("{done} of {total} {unit}").format(
                done=formats.count(job.done), total=formats.count(job.total), unit=job.unit
            )
        elif job.done:
            text = f"{formats.count(job.done)} {job.unit}"
        else:
            text = tr("Starting …")
        self.count.setText(text)
        self.setAccessibleName(f"{job.title}: {text}")

    def _cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.job.cancel()
        self.look()


class WorkStrip(QWidget):
    """Takes no room while nothing runs."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._work: Work | None = None
        self.setObjectName("work_strip")
        self.lines: list[JobLine] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 5, 0, 4)
        self._column.setSpacing(0)
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._look)
        theme.changed.connect(self.update)
        self.hide()

    def follow(self, work: Work) -> None:
        """Show this work's jobs from now on."""
        if self._work is not None:
            self._work.changed.disconnect(self._on_changed)
        self._work = work
        work.changed.connect(self._on_changed)
        self._on_changed()

    def _on_changed(self) -> None:
        jobs = self._work.jobs if self._work is not None else ()
        for line in [line for line in self.lines if line.job not in jobs]:
            self.lines.remove(line)
            self._column.removeWidget(line)
            line.hide()
            line.deleteLater()
        for job in jobs:
            if all(line.job is not job for line in self.lines):
                line = JobLine(self._theme, job, self)
                self.lines.append(line)
                self._column.addWidget(line)
        self.setVisible(bool(self.lines))
        if self.lines:
            self._timer.start()
        else:
            self._timer.stop()

    def _look(self) -> None:
        if self.isVisible():
            for line in self.lines:
                line.look()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("surface"))
        painter.fillRect(0, 0, self.width(), 1, self._theme.color("border"))
