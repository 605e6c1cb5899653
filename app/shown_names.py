"""What others call things, as it stands in our lines: it neither breaks nor turns them, and hides nothing of itself.

Filters, the clipboard and exports have every name as it is.
"""

import re
import textwrap
from collections.abc import Iterable, Sequence

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

_BREAKS = (*range(0x09, 0x0E), *range(0x1C, 0x20), 0x85, 0x2028, 0x2029)
_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
# They turn what follows them, as far as beyond the name's end.
_TURNS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SIGN = "\ufffd"
_IN_LINE = {**dict.fromkeys((*_CONTROLS, *_TURNS), _SIGN), **dict.fromkeys(_BREAKS, " ")}
_IN_TEXT = {code: sign for code, sign in _IN_LINE.items() if chr(code) not in "\t\n"}
_LONG_WORD = re.compile(r"(\w{12})\w+(\w{12})")
_DATE = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2})$")
_FAMILY = re.compile(r"^[A-Za-z]+-(?=[A-Za-z]{3})")
_NUMBERED = "compare:"
_MENU_MOST, _TIP_WIDTH, _TIP_LINES = 64, 90, 40


def one_line(text: str) -> str:
    """The same characters in one line; those that cannot be seen and act on others are a sign in their place."""
    return text if text.isprintable() else text.translate(_IN_LINE)


def lines(text: str) -> str:
    """As `one_line`, with its line breaks and tabs."""
    return text if text.isprintable() else text.translate(_IN_TEXT)


def short_words(text: str) -> str:
    """With words that no narrow place has a line for cut in their middle: they would be cut at its edge, unmarked."""
    return _LONG_WORD.sub(r"\1…\2", lines(text))


def short_names(names: Sequence[str]) -> list[str]:
    """Models' names without their date and, where a word follows, without their family, as far as they stay apart."""
    bare = [_DATE.sub("", name.rsplit("/", 1)[-1]) for name in names]
    if len(set(bare)) < len(names):
        bare = list(names)
    short = [_FAMILY.sub("", name) for name in bare]
    return short if len(set(short)) == len(names) else bare


def telling_first(tags: Iterable[str]) -> list[str]:
    """Tags as they are read where there is often room for one: a comparison's number says less than what it is."""
    return sorted(tags, key=lambda tag: tag.startswith(_NUMBERED))


def tip_text(text: str) -> str:
    """As `lines`, none of them wider than a tooltip may be, and not more than a screen has room for."""
    shown: list[str] = []
    for line in lines(text).split("\n"):
        shown += textwrap.wrap(line, _TIP_WIDTH, drop_whitespace=False) if len(line) > _TIP_WIDTH else [line]
    return "\n".join(shown if len(shown) <= _TIP_LINES else [*shown[: _TIP_LINES - 1], "…"])


def add_named(menu: QMenu, name: str) -> QAction:
    """An entry that is called so: an ampersand is no key, and a long name is cut in its middle and whole in the
    tooltip."""
    text = one_line(name)
    if len(text) > _MENU_MOST:
        half = _MENU_MOST // 2
        text = f"{text[:half]}…{text[-half:]}"
        menu.setToolTipsVisible(True)
    action = menu.addAction(text.replace("&", "&&"))
    action.setToolTip(name)
    return action
