"""A date that can be typed, or picked from a month that opens below it, in the theme's colours."""

from collections.abc import Iterator
from datetime import date

from PySide6.QtCore import QDate, QLocale, QRect, QSize, Qt
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QTextCharFormat,
)
from PySide6.QtWidgets import QCalendarWidget, QDateEdit, QToolButton, QWidget

from app import formats, icons
from app.fonts import ui_font
from app.theme import Theme
from app.widgets.painting import CONTROL_HEIGHT

_ICON = 16
_FIRST_DAYS = {
    "monday": Qt.DayOfWeek.Monday,
    "sunday": Qt.DayOfWeek.Sunday,
    "saturday": Qt.DayOfWeek.Saturday,
}
_NAVIGATION = {"qt_calendar_prevmonth": "chevron-left", "qt_calendar_nextmonth": "chevron-right"}

# What stands between the parts of a date, however it is written.
_BETWEEN = frozenset(" -/.,")
_ISO, _DOTTED = "yyyy-MM-dd", "d.M.yyyy"
# "26" is this century's.
_CENTURY = 2000


class DateField(QDateEdit):
    """On today at first, in the window's zone. A whole date can be typed over it, or pasted."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setCalendarPopup(True)
        # As all dates in the window.
        self.setLocale(QLocale(QLocale.Language.English))
        self.setDisplayFormat("d MMM yyyy")
        self.setAccessibleName(name)
        self.lineEdit().setAccessibleName(name)
        self.setMinimumWidth(160)
        # Its line has the height of a field by itself, and a border around that.
        self.setFixedHeight(CONTROL_HEIGHT)
        self.setFont(ui_font(13))
        self._calendar: QCalendarWidget | None = None
        self._went_on = False
        theme.changed.connect(self._dress)
        self.show_day(formats.today())

    def day(self) -> date:
        shown = self.date()
        return date(shown.year(), shown.month(), shown.day())

    def show_day(self, day: date) -> None:
        self.setDate(QDate(day.year, day.month, day.day))

    def calendarWidget(self) -> QCalendarWidget:
        """Made when it is first asked for: it is thirty widgets, and few dates are picked from it."""
        if self._calendar is None:
            self._calendar = super().calendarWidget()
            self._dress()
        return self._calendar

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Qt goes on to the month by itself after a day that is complete, and once more for the blank behind it: what
        is typed of the month would be lost; typed over the whole, the day."""
        typed = event.text()
        if event.matches(QKeySequence.StandardKey.Paste):
            self._paste()
        elif typed and typed in _BETWEEN:
            if not self._went_on:
                self._choose(self.currentSectionIndex() + 1)
            self._went_on = False
        else:
            if typed.isdigit() and self.lineEdit().selectedText() == self.text():
                self._choose(0)
            before = self.currentSectionIndex()
            super().keyPressEvent(event)
            self._went_on = typed.isalnum() and self.currentSectionIndex() != before

    def _choose(self, part: int) -> None:
        """The next key writes this part of the date; the last one where there is none."""
        self.setSelectedSection(self.sectionAt(min(part, self.sectionCount() - 1)))

    def _paste(self) -> None:
        """What is no date is left where it is."""
        for day in _readings(QGuiApplication.clipboard().text().strip(), self.displayFormat()):
            if day.isValid():
                self.setDate(day)
                return

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Qt's own would write the clipboard into one part of the date."""
        menu = self.lineEdit().createStandardContextMenu()
        menu.setObjectName("menu.date")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        paste = menu.findChild(QAction, "edit-paste")
        if paste is not None:
            paste.triggered.disconnect()
            paste.triggered.connect(self._paste)
        menu.popup(event.globalPos())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        # Qt makes one itself where there is none, in its own colours.
        self.calendarWidget()
        super().mousePressEvent(event)

    def _dress(self) -> None:
        self.update()
        calendar, theme = self._calendar, self._theme
        if calendar is None:
            return
        calendar.setVerticalHeaderFormat(QCalendarWidget.VerticalHeaderFormat.NoVerticalHeader)
        calendar.setFirstDayOfWeek(_FIRST_DAYS[formats.week_start()])
        day, title = QTextCharFormat(), QTextCharFormat()
        day.setForeground(theme.color("text"))
        title.setForeground(theme.color("text3"))
        title.setFont(ui_font(11, 500))
        for weekday in Qt.DayOfWeek:
            calendar.setWeekdayTextFormat(weekday, day)
        calendar.setHeaderTextFormat(title)
        palette = calendar.palette()
        for role in (QPalette.ColorRole.AlternateBase, QPalette.ColorRole.Base, QPalette.ColorRole.Window):
            palette.setColor(role, theme.color("surface"))
        calendar.setPalette(palette)
        text, hover = theme.color("text").name(), theme.color("hover").name()
        calendar.setStyleSheet(
            f"#qt_calendar_navigationbar {{ background: {theme.color('surface').name()}; }}"
            f"QToolButton {{ color: {text}; border: none; border-radius: 6px; padding: 4px 8px; font-weight: 600; }}"
            f"QToolButton:hover {{ background: {hover}; }}"
            "QToolButton::menu-indicator { image: none; }"
        )
        for name, icon in _NAVIGATION.items():
            button = calendar.findChild(QToolButton, name)
            if button is not None:
                button.setIcon(icons.icon(icon, theme.color("text2")))
                button.setIconSize(QSize(_ICON, _ICON))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        picture = icons.pixmap("calendar", self._theme.color("text3"), _ICON, self.devicePixelRatioF())
        place = QRect(self.width() - _ICON - 9, (self.height() - _ICON) // 2, _ICON, _ICON)
        QPainter(self).drawPixmap(place, picture)


def _readings(text: str, shown: str) -> Iterator[QDate]:
    """A text as a date in each form in which it may be written: as it stands in the field, as ISO, also before a time
    of the day, and as the person's system writes it."""
    english, own = QLocale(QLocale.Language.English), QLocale()
    yield english.toDate(text, shown)
    yield QDate.fromString(text[:10] if text[10:11] in ("T", " ") else text, _ISO)
    short = own.dateFormat(QLocale.FormatType.ShortFormat)
    for form in (short if "yyyy" in short else short.replace("yy", "yyyy"), short, shown, _DOTTED):
        yield own.toDate(text, form, _CENTURY)
    yield own.toDate(text, QLocale.FormatType.LongFormat)
