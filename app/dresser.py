"""The style of all widgets: Fusion, with the stylesheet's rules for those that they are for and for no others.

The stylesheet of a window or of the application makes Qt keep nine kilobytes for every widget beneath it, match rules
to each when it is shown, and do so for all of them again when the theme flips. Most of ours paint themselves, and no
rule is for them.
"""

import re
from collections.abc import Set
from typing import Any, NamedTuple, TypeGuard

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QProxyStyle,
    QScrollBar,
    QStyle,
    QStyleFactory,
    QWidget,
)

from app.bar_style import BarStyle
from app.shown_names import tip_text

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}]+)\{[^{}]*\}")
_CLASS = re.compile(r"\s*(\w+)")
# Qt's own class of tooltips is not public; a stylesheet calls it by the other name.
_TOOLTIP, _TIP_LABEL = "QToolTip", "QTipLabel"
_BOXES = (QComboBox, QAbstractSpinBox)
_HAS_A_STYLE = Qt.WidgetAttribute.WA_SetStyle


class Rule(NamedTuple):
    """A rule's text, and the classes that its selectors begin with."""

    classes: frozenset[str]
    text: str


def rules_of(sheet: str) -> tuple[Rule, ...]:
    """A stylesheet's rules in their order; raises ValueError for a selector that begins with no class."""
    found = _RULE.finditer(_COMMENT.sub("", sheet))
    return tuple(Rule(frozenset(map(_class, rule[1].split(","))), rule[0].strip()) for rule in found)


def _class(selector: str) -> str:
    begins = _CLASS.match(selector)
    if begins is None:
        raise ValueError(f"{selector.strip()!r} does not begin with a class.")
    return begins[1]


def _is_tip(widget: QWidget) -> TypeGuard[QLabel]:
    return type(widget) is QLabel and widget.inherits(_TIP_LABEL)


def _has_rules_of_its_box(widget: QWidget) -> bool:
    """The field in a box is part of it."""
    box = widget.parentWidget()
    return isinstance(widget, QLineEdit) and isinstance(box, _BOXES) and not box.testAttribute(_HAS_A_STYLE)


class Dresser(QProxyStyle):
    """Give it to the application, and keep it for as long as that lives."""

    def __init__(self, field_style: QStyle) -> None:
        super().__init__(QStyleFactory.create("Fusion"))
        self._fields = field_style
        self._rules: tuple[Rule, ...] = ()
        self._sheets: dict[type, str] = {}
        self._bars = BarStyle()

    def use(self, sheet: str) -> None:
        """These rules from now on: for whatever there is, and for what comes."""
        self._rules = rules_of(sheet)
        self._sheets.clear()
        for widget in QApplication.allWidgets():
            self._dress(widget)

    def polish(self, what: Any) -> None:
        """Qt calls it once for each widget, before that is first shown."""
        super().polish(what)
        if isinstance(what, QScrollBar):
            what.setStyle(self._bars)
        elif isinstance(what, QLineEdit) and not _has_rules_of_its_box(what):
            what.setStyle(self._fields)
        elif isinstance(what, QWidget):
            if _is_tip(what):
                # It may tell what a caller or a provider said: HTML in that is text, and loads no picture.
                what.setTextFormat(Qt.TextFormat.PlainText)
                what.installEventFilter(self)
            self._dress(what)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A tooltip has just got its words, and the size for them; its place comes after."""
        if event.type() == QEvent.Type.Resize and isinstance(watched, QLabel):
            shown = tip_text(watched.text())
            if shown != watched.text():
                watched.setText(shown)
                watched.resize(watched.sizeHint())
        return super().eventFilter(watched, event)

    def _dress(self, widget: QWidget) -> None:
        wanted = self._sheet_of(widget)
        # A sheet of its own gives it another style, which polishes it again.
        if wanted and widget.styleSheet() != wanted:
            widget.setStyleSheet(wanted)

    def _sheet_of(self, widget: QWidget) -> str:
        kind = type(widget)
        # A field has a style of its own, or its box's rules.
        if isinstance(widget, QLineEdit) or widget.testAttribute(_HAS_A_STYLE):
            return ""
        if _is_tip(widget):
            return self._of_classes({_TOOLTIP})
        sheet = self._sheets.get(kind)
        if sheet is None:
            names = {each.__name__ for each in kind.__mro__}
            sheet = self._of_classes(names | {QLineEdit.__name__} if issubclass(kind, _BOXES) else names)
            if sheet:
                # The tooltip of what has rules of its own takes them from there alone.
                sheet += "\n" + self._of_classes({_TOOLTIP})
            self._sheets[kind] = sheet
        return sheet

    def _of_classes(self, names: Set[str]) -> str:
        return "\n".join(rule.text for rule in self._rules if rule.classes & names)
