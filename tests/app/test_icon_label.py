from pytestqt.qtbot import QtBot

from app.theme import Theme
from app.widgets import IconLabel


def test_an_icon_follows_its_tone_and_the_theme(qtbot: QtBot, theme: Theme) -> None:
    theme.set_mode("light")
    label = IconLabel(theme, "circle", "text3", 20)
    qtbot.addWidget(label)
    label.show()
    pictures = [label.grab().toImage()]
    assert pictures[0].size() == label.size() * label.devicePixelRatioF()
    label.show_icon("circle-check", "text3")
    pictures.append(label.grab().toImage())
    label.show_icon("circle-check", "ok")
    pictures.append(label.grab().toImage())
    theme.set_mode("dark")
    pictures.append(label.grab().toImage())
    assert not [one for number, one in enumerate(pictures) if one in pictures[:number]]


def test_an_icon_that_stays_is_not_painted_again(qtbot: QtBot, theme: Theme) -> None:
    painted: list[None] = []

    class Counted(IconLabel):
        def update(self) -> None:  # type: ignore[override]
            painted.append(None)

    label = Counted(theme, "circle", "text3")
    qtbot.addWidget(label)
    label.show_icon("circle", "text3")
    assert not painted
    label.show_icon("circle", "ok")
    assert len(painted) == 1
