"""Whether everything on a page can be read: nothing cut, nothing over something else, in the font that is shipped."""

from PySide6.QtCore import QRect, QTranslator
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

from app.fonts import MONO_FAMILY, UI_FAMILY
from app.widgets import ElidedLabel
from app.widgets.toggle_switch import ToggleSwitch


class PseudoLocale(QTranslator):
    """Makes every text that goes through Qt's translation 40 % longer; `seen` are those."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, source: str, disambiguation: str = "", n: int = -1) -> str:  # type: ignore[override]
        self.seen.add(source)
        return f"{source}{'ö' * max(1, round(len(source) * 0.4))}"


def cut(page: QWidget) -> list[str]:
    """The texts on the screen that have less room than they need."""
    found = []
    for label in page.findChildren(QLabel):
        if not label.isVisible() or not label.text() or isinstance(label, ElidedLabel):
            continue
        needed = label.heightForWidth(label.width()) if label.wordWrap() else label.sizeHint().height()
        narrow = not label.wordWrap() and label.width() < label.sizeHint().width()
        if narrow or label.height() < needed - 1:
            found.append(f"{label.text()!r} has {label.size().toTuple()}")
        if label.fontInfo().family() not in (UI_FAMILY, MONO_FAMILY):
            found.append(f"{label.text()!r} is in {label.fontInfo().family()}")
    for button in page.findChildren(QAbstractButton):
        words = QFontMetrics(button.font()).horizontalAdvance(button.text())
        if button.isVisible() and not isinstance(button, ToggleSwitch) and button.width() < words:
            found.append(f"{button.text()!r} has {button.width()} of {words}")
    return found


def crossing(page: QWidget) -> list[str]:
    """Pairs of siblings on the screen of which one lies over the other."""
    found = []
    for parent in (page, *page.findChildren(QWidget)):
        if parent.layout() is None or not parent.isVisible():
            continue
        shown = [child for child in parent.children() if isinstance(child, QWidget) and child.isVisible()]
        shown = [child for child in shown if not child.isWindow() and parent.layout().indexOf(child) >= 0]
        for number, one in enumerate(shown):
            for other in shown[number + 1 :]:
                if QRect(one.geometry()).intersects(other.geometry()):
                    found.append(f"{_name(one)} and {_name(other)}")
    return found


def _name(widget: QWidget) -> str:
    return f"{type(widget).__name__} {widget.objectName() or widget.accessibleName()}".strip()
