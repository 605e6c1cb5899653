"""The pictures in the repository: there, of the window's size, with something on them, and not too heavy."""

import pytest
from PySide6.QtGui import QImage

from tests.screenshots.__main__ import PICTURES, THEMES, picture_path
from tests.screenshots.states import (
    DEMO_STATES,
    EMPTY_STATES,
    ERROR_STATES,
    HUGE_STATES,
    LOADING_STATES,
    TROUBLED_STATES,
    Size,
    State,
)

MOST_BYTES = 15_000_000
STATES = (*DEMO_STATES, *EMPTY_STATES, *LOADING_STATES, *ERROR_STATES, *HUGE_STATES, *TROUBLED_STATES)
CASES = [(state, theme, size) for state in STATES for theme in THEMES for size in state.sizes]


@pytest.mark.parametrize(("state", "theme", "size"), CASES, ids=[picture_path(*case).stem for case in CASES])
def test_a_picture_shows_the_window(state: State, theme: str, size: Size) -> None:
    picture = QImage(str(picture_path(state, theme, size)))
    width, height = size.width * size.scale, size.height * size.scale
    assert picture.size().toTuple() == (width, height)
    ground = picture.pixelColor(width - 8, 8)
    assert (ground.lightness() < 64) is (theme == "dark")
    row = {picture.pixel(x, y) for x in range(0, width, 3) for y in range(0, height, 7)}
    assert len(row) > 20, "text and pictures have edges"


def test_there_are_no_others_and_they_are_light() -> None:
    files = set(PICTURES.rglob("*.png"))
    assert files == {picture_path(*case) for case in CASES}
    assert sum(file.stat().st_size for file in files) < MOST_BYTES
