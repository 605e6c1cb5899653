"""Whether everything on a page can be read: nothing cut, nothing over something else, in the font that is shipped."""

import re
from collections.abc import Collection, Iterable, Iterator

from PySide6.QtCore import QRect, Qt, QTranslator
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QComboBox,
    QLabel,
    QLayout,
    QLineEdit,
    QMenu,
    QTableView,
    QWidget,
)

from app.fonts import MONO_FAMILY, UI_FAMILY
from app.meter import MeterLine
from app.overview.label import ToneLabel
from app.sidebar import NARROW, NavButton
from app.widgets import ElidedLabel
from app.widgets.toggle_switch import ToggleSwitch

_PLAIN, _ACCENTED = "aeiouAEIOU", "áéíóúÁÉÍÓÚ"
_ACCENTS = str.maketrans(_PLAIN, _ACCENTED)
# What is filled in or is no text of a language: places for values, patterns of files.
_PLACES = re.compile(r"(\{[^{}]*\}|%\w|\(\*[^)]*\))")
_WORDS = re.compile(r"[^\W\d_]+")


class PseudoLocale(QTranslator):
    """Makes every text that goes through Qt's translation 40 % longer, with an accent on each vowel; `seen` are those.

    A word grows by itself, as in other languages: a text wraps where it did.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, source: str, disambiguation: str = "", n: int = -1) -> str:  # type: ignore[override]
        self.seen.add(source)
        parts = _PLACES.split(source)
        parts[::2] = [_WORDS.sub(_longer, part) for part in parts[::2]]
        return "".join(parts)


def _longer(word: re.Match[str]) -> str:
    text = word[0]
    return text.translate(_ACCENTS) + "ö" * max(1, round(len(text) * 0.4))


def untranslated(texts: Iterable[str], data: Collection[str]) -> list[str]:
    """Texts with a word that has a plain vowel though a `PseudoLocale` is installed, and that is none of the `data`:
    names of models, people, keys and products, units, and what was said."""
    known = {word for text in data for word in _WORDS.findall(text)}
    return sorted(
        {
            text
            for text in texts
            if any(
                len(word) > 2 and word not in known and word[1:].islower() and set(word) & set(_PLAIN)
                for word in _WORDS.findall(text)
            )
        }
    )


def texts_of(page: QWidget) -> set[str]:
    """What the widgets on the screen say, to eyes and to screen readers."""
    found: set[str] = set()
    for widget in (page, *page.findChildren(QWidget)):
        if not widget.isVisible():
            continue
        found |= {widget.accessibleName(), widget.accessibleDescription(), widget.toolTip()}
        if isinstance(widget, QLabel | QAbstractButton):
            found.add(widget.text())
        elif isinstance(widget, QLineEdit):
            found.add(widget.placeholderText())
        elif isinstance(widget, QComboBox):
            # A long list is one of names: time zones, models.
            found |= {widget.itemText(number) for number in range(widget.count() if widget.count() < 50 else 1)}
        elif isinstance(widget, QTableView):
            model = widget.model()
            found |= {
                str(model.headerData(section, Qt.Orientation.Horizontal)) for section in range(model.columnCount())
            }
        elif isinstance(widget, QMenu):
            found |= {action.text() for action in widget.actions()}
    return found - {"", "None"}


def cut(page: QWidget) -> list[str]:
    """The texts on the screen that have less room than they need."""
    found = []
    for label in page.findChildren(QLabel):
        if not label.isVisible() or not label.text():
            continue
        if isinstance(label, ElidedLabel):
            if label.shown_text() != label.text() and label.text() not in label.toolTip():
                found.append(f"{label.text()!r} is cut, and whole in no tooltip")
            continue
        if isinstance(label, ToneLabel):
            if label.shown_text() != label.text():
                found.append(f"{label.text()!r} is shown as {label.shown_text()!r}")
            continue
        needed = label.heightForWidth(label.width()) if label.wordWrap() else label.sizeHint().height()
        narrow = not label.wordWrap() and label.width() < label.sizeHint().width()
        if narrow or label.height() < needed - 1:
            found.append(f"{label.text()!r} has {label.size().toTuple()}")
        if label.fontInfo().family() not in (UI_FAMILY, MONO_FAMILY):
            found.append(f"{label.text()!r} is in {label.fontInfo().family()}")
    for button in page.findChildren(QAbstractButton):
        if isinstance(button, NavButton | MeterLine) and button.width() < NARROW:
            # Only its icon stands there.
            continue
        words = QFontMetrics(button.font()).horizontalAdvance(button.text())
        if not button.isVisible() or isinstance(button, ToggleSwitch):
            continue
        # Of an action within a field only the icon stands there.
        if button.width() < words and not isinstance(button.parent(), QLineEdit):
            found.append(f"{button.text()!r} has {button.width()} of {words}")
        right = button.mapTo(page, button.rect().topRight()).x()
        if right >= page.width() and not _scrolls(button):
            found.append(f"{button.text()!r} ends {right - page.width() + 1} pixels beside the page")
    return found


def _scrolls(widget: QWidget) -> bool:
    return any(isinstance(each, QAbstractScrollArea) for each in _around(widget))


def _around(widget: QWidget) -> Iterator[QWidget]:
    while (above := widget.parentWidget()) is not None:
        yield above
        widget = above


def crossing(page: QWidget) -> list[str]:
    """Pairs of siblings on the screen of which one lies over the other."""
    found = []
    for parent in (page, *page.findChildren(QWidget)):
        if parent.layout() is None or not parent.isVisible():
            continue
        shown = [child for child in _laid_out(parent.layout()) if child.isVisible() and child.parent() is parent]
        for number, one in enumerate(shown):
            for other in shown[number + 1 :]:
                if QRect(one.geometry()).intersects(other.geometry()):
                    found.append(f"{_name(one)} and {_name(other)}")
    return found


def _laid_out(layout: QLayout) -> list[QWidget]:
    """What a layout and those within it place."""
    found = []
    for number in range(layout.count()):
        item = layout.itemAt(number)
        if item is not None and (inner := item.layout()) is not None:
            found += _laid_out(inner)
        elif item is not None and (widget := item.widget()) is not None:
            found.append(widget)
    return found


def _name(widget: QWidget) -> str:
    return f"{type(widget).__name__} {widget.objectName() or widget.accessibleName()}".strip()
