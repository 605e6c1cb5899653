"""Inter for words and JetBrains Mono for ids, keys and code: shipped, so that the window looks the same everywhere.

Digits are tabular, so that columns and changing values stand still; hinting is off, so that widths scale evenly.
"""

from functools import cache

from PySide6.QtGui import QFont, QFontDatabase

from app.resources import resource

UI_FAMILY = "Inter"
MONO_FAMILY = "JetBrains Mono"
FILES = (
    "Inter-Regular.otf",
    "Inter-Medium.otf",
    "Inter-SemiBold.otf",
    "JetBrainsMono-Regular.ttf",
    "JetBrainsMono-Medium.ttf",
)
_TABULAR = QFont.Tag("tnum")


@cache
def load_fonts() -> None:
    """Register the shipped fonts once; needs a QGuiApplication. Raises FileNotFoundError where one is missing."""
    for name in FILES:
        QFontDatabase.addApplicationFont(str(resource("fonts", name)))


@cache
def _font(family: str, px: int, weight: int) -> QFont:
    load_fonts()
    font = QFont(family)
    font.setPixelSize(px)
    font.setWeight(QFont.Weight(weight))
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    font.setFeature(_TABULAR, 1)
    return font


def ui_font(px: int, weight: int = 400) -> QFont:
    """Inter at `px` logical pixels; weights 400, 500 and 600 are shipped."""
    return QFont(_font(UI_FAMILY, px, weight))


def mono_font(px: int = 12, weight: int = 400) -> QFont:
    """JetBrains Mono at `px` logical pixels; weights 400 and 500 are shipped."""
    return QFont(_font(MONO_FAMILY, px, weight))
