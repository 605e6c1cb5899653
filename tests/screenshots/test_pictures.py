"""The pictures in the repository: there, of the window's size, with something on them, and not too heavy."""

from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage

from tests.screenshots.__main__ import PICTURES, THEMES, picture_path
from tests.screenshots.deflate import deflate_again
from tests.screenshots.states import (
    DEMO_STATES,
    EMPTY_STATES,
    ERROR_STATES,
    HUGE_STATES,
    LOADING_STATES,
    REPRICED_STATES,
    TROUBLED_STATES,
    Size,
    State,
)

MOST_BYTES = 15_000_000
STATES = (
    *DEMO_STATES,
    *EMPTY_STATES,
    *LOADING_STATES,
    *ERROR_STATES,
    *HUGE_STATES,
    *TROUBLED_STATES,
    *REPRICED_STATES,
)
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


@pytest.mark.parametrize(
    "form", [QImage.Format.Format_Indexed8, QImage.Format.Format_RGB32, QImage.Format.Format_Mono]
)
def test_a_smaller_file_has_the_same_pixels(tmp_path: Path, form: QImage.Format) -> None:
    picture = QImage(200, 90, QImage.Format.Format_RGB32)
    for y in range(90):
        for x in range(200):
            picture.setPixelColor(x, y, QColor((x // 9) * 11 % 256, (y // 7) * 19, 40 * (x % 5 == y % 3)))
    picture.setText("Author", "nobody")
    picture = picture.convertToFormat(form)
    path = tmp_path / "picture.png"
    assert picture.save(str(path), "PNG", 100), "100 is Qt's word for not deflated at all"
    size = path.stat().st_size
    deflate_again(path)
    again = QImage(str(path))
    assert again.convertToFormat(QImage.Format.Format_RGB32) == picture.convertToFormat(QImage.Format.Format_RGB32)
    assert path.stat().st_size < size and again.text("Author") == ""
    smallest = path.read_bytes()
    deflate_again(path)
    assert path.read_bytes() == smallest


def test_what_is_no_png_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"GIF89a and no more")
    with pytest.raises(ValueError, match="no PNG"):
        deflate_again(path)
    assert path.read_bytes() == b"GIF89a and no more"
