"""Colours: one set of tokens for light, one for dark, and the object that says which is in force.

Custom-painted widgets read `tokens` when they paint and repaint on `changed`; everything else is reached by one
palette and one stylesheet made from the same tokens. The system's scheme is followed by its signal, never by Qt's own
palette, which stays light under several desktops. An unknown scheme counts as light. So is its wish for contrast.
"""

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from string import Template

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from app import icons
from app.dresser import Dresser
from app.field_style import FieldStyle
from app.fonts import load_fonts, ui_font
from app.resources import resource

MODES = ("system", "light", "dark")
# How high a table's rows are, in logical pixels.
DENSITIES = {"comfortable": 30, "compact": 26}


@dataclass(frozen=True)
class Tokens:
    """`#RRGGBB` each. `track`: what a bar would fill at its most. `series`: six colours for categories, for marks and
    never for text; `other` is the seventh."""

    bg: str
    sidebar: str
    surface: str
    inset: str
    hover: str
    border: str
    border_strong: str
    track: str
    text: str
    text2: str
    text3: str
    accent: str
    accent_hover: str
    accent_soft: str
    on_accent: str
    ok: str
    ok_soft: str
    warn: str
    warn_soft: str
    bad: str
    bad_soft: str
    grid: str
    tint: str
    other: str
    series: tuple[str, ...]


LIGHT = Tokens(
    bg="#F5F6F8",
    sidebar="#FBFBFC",
    surface="#FFFFFF",
    inset="#F1F3F6",
    hover="#ECEFF3",
    border="#E2E5EA",
    border_strong="#C9CED6",
    track="#E2E5EA",
    text="#15181E",
    text2="#4E5665",
    text3="#5F6777",
    accent="#3B5BDB",
    accent_hover="#324EC2",
    accent_soft="#E8ECFC",
    on_accent="#FFFFFF",
    ok="#177245",
    ok_soft="#E3F4EA",
    warn="#8F5400",
    warn_soft="#FDF1DC",
    bad="#C0262F",
    bad_soft="#FCE8E8",
    grid="#ECEEF2",
    tint="#A5B4F0",
    other="#8A919E",
    series=("#3B5BDB", "#EA5E0A", "#029F53", "#980055", "#024F81", "#626100"),
)
DARK = Tokens(
    bg="#0E1014",
    sidebar="#121419",
    surface="#171A20",
    inset="#1D2128",
    hover="#232831",
    border="#282D37",
    border_strong="#3A414E",
    track="#282D37",
    text="#ECEEF2",
    text2="#A9B1BE",
    text3="#8891A0",
    accent="#7C93FF",
    accent_hover="#93A6FF",
    accent_soft="#222A47",
    on_accent="#0E1014",
    ok="#4CC38A",
    ok_soft="#16291F",
    warn="#E5A94B",
    warn_soft="#2E2413",
    bad="#FF7A7F",
    bad_soft="#331B1D",
    grid="#232831",
    tint="#46549B",
    other="#7A8392",
    series=("#7C93FF", "#D38516", "#007F38", "#FE91C2", "#0BD2FE", "#CECE52"),
)


@lru_cache(maxsize=256)
def _parsed(value: str) -> QColor:
    return QColor(value)


def high_contrast(tokens: Tokens) -> Tokens:
    """The same set for people who ask the system for more contrast: strong borders, no faint text."""
    return replace(tokens, border=tokens.text3, border_strong=tokens.text2, text2=tokens.text, text3=tokens.text2)


class Theme(QObject):
    """Which tokens are in force. `changed` comes once for each flip, after palette and stylesheet are set;
    `mode_changed` with each other choice, whether or not it looks different."""

    changed = Signal()
    mode_changed = Signal()

    def __init__(self, mode: str = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mode = mode if mode in MODES else "system"
        self._density = "comfortable"
        self._patterns = False
        self._app: QApplication | None = None
        self.field_style = FieldStyle(self.color)
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._on_system_changed)
        # A chosen theme has it as well.
        hints.accessibility().contrastPreferenceChanged.connect(self._refresh)
        self._hints = hints
        self._tokens = self._chosen()

    @property
    def tokens(self) -> Tokens:
        return self._tokens

    @property
    def dark(self) -> bool:
        if self._mode == "system":
            return self._hints.colorScheme() == Qt.ColorScheme.Dark
        return self._mode == "dark"

    @property
    def mode(self) -> str:
        """`system`, `light` or `dark`: what was chosen, not what it comes to."""
        return self._mode

    def set_mode(self, mode: str) -> None:
        """Raises ValueError for anything but `system`, `light` or `dark`."""
        if mode not in MODES:
            raise ValueError(f"{mode!r} is not a theme: choose one of {', '.join(MODES)}.")
        if mode != self._mode:
            self._mode = mode
            self._refresh()
            self.mode_changed.emit()

    @property
    def row_height(self) -> int:
        """Of tables, in logical pixels."""
        return DENSITIES[self._density]

    def set_density(self, density: str) -> None:
        """Raises KeyError for anything that `DENSITIES` does not hold."""
        if DENSITIES[density] != self.row_height:
            self._density = density
            self.changed.emit()

    @property
    def patterns(self) -> bool:
        """Whether series of charts differ by more than their colours."""
        return self._patterns

    def set_patterns(self, on: bool) -> None:
        if on != self._patterns:
            self._patterns = on
            self.changed.emit()

    def redraw(self) -> None:
        """What the colours do not tell has changed: whoever keeps painted text paints it anew."""
        self.changed.emit()

    def color(self, name: str) -> QColor:
        """A token by its name; raises AttributeError for a name that is none."""
        return QColor(_parsed(getattr(self._tokens, name)))

    def series_color(self, slot: int) -> QColor:
        """A category's colour; every slot past the sixth is "other"."""
        series = self._tokens.series
        return QColor(_parsed(series[slot] if 0 <= slot < len(series) else self._tokens.other))

    def apply(self, app: QApplication) -> None:
        """Give the application its fonts, style, palette and the stylesheet's rules, now and at every later flip."""
        self._app = app
        load_fonts()
        self._dresser = Dresser(self.field_style)
        app.setStyle(self._dresser)
        app.setFont(ui_font(13))
        self._dress()

    def _chosen(self) -> Tokens:
        tokens = DARK if self.dark else LIGHT
        wanted = self._hints.accessibility().contrastPreference()
        return high_contrast(tokens) if wanted == Qt.ContrastPreference.HighContrast else tokens

    def _on_system_changed(self) -> None:
        if self._mode == "system":
            self._refresh()

    def _refresh(self) -> None:
        tokens = self._chosen()
        if tokens == self._tokens:
            return
        self._tokens = tokens
        icons.forget()
        windows = [window for window in QApplication.topLevelWidgets() if window.updatesEnabled()]
        # One flip restyles every widget: painting in between would show half of it, and cost as much again.
        for window in windows:
            window.setUpdatesEnabled(False)
        try:
            self._dress()
            self.changed.emit()
        finally:
            for window in windows:
                window.setUpdatesEnabled(True)

    def _dress(self) -> None:
        if self._app is not None:
            self._app.setPalette(palette(self._tokens))
            # Who is told of the flip finds the new colours in its palette, and not with the next turn of the loop.
            QCoreApplication.sendPostedEvents(None, QEvent.Type.ApplicationPaletteChange.value)
            self._dresser.use(stylesheet(self._tokens))


def palette(tokens: Tokens) -> QPalette:
    """Every role that Fusion reads."""
    role = QPalette.ColorRole
    made = QPalette()
    for roles, name in (
        ((role.Window,), "bg"),
        ((role.Base,), "surface"),
        ((role.AlternateBase,), "inset"),
        ((role.Button,), "surface"),
        ((role.WindowText, role.Text, role.ButtonText, role.ToolTipText), "text"),
        ((role.PlaceholderText,), "text3"),
        ((role.ToolTipBase,), "surface"),
        ((role.Highlight, role.Accent, role.Link), "accent"),
        ((role.LinkVisited,), "accent"),
        ((role.HighlightedText, role.BrightText), "on_accent"),
        ((role.Light, role.Midlight), "hover"),
        ((role.Mid, role.Dark), "border_strong"),
        ((role.Shadow,), "border"),
    ):
        for one in roles:
            made.setColor(one, QColor(getattr(tokens, name)))
    for one in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        made.setColor(QPalette.ColorGroup.Disabled, one, QColor(tokens.text3))
    made.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(tokens.border_strong))
    return made


def stylesheet(tokens: Tokens) -> str:
    """The stylesheet with the tokens in it; raises KeyError where it names one that does not exist."""
    text = resource("stylesheet", "faregate.qss").read_text("utf-8")
    names = {field.name: getattr(tokens, field.name) for field in fields(tokens) if field.name != "series"}
    return Template(text).substitute(names)
