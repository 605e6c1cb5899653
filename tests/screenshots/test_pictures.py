"""The pictures in the repository: there, of the window's size, with something on them, and not too heavy."""

from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage

from tests.screenshots.__main__ import PICTURES, THEMES, picture_path
from tests.screenshots.deflate import deflate_again
from tests.screenshots.palette import COLOURS, keep_few_colours
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

MOST_BYTES = 16_000_000
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


def test_grounds_and_marks_keep_their_colours_where_few_are_kept(tmp_path: Path) -> None:
    """Two greys next to each other, a small mark, and more shades than find room."""
    picture = QImage(300, 100, QImage.Format.Format_RGB32)
    picture.fill(QColor("#ffffff"))
    for x in range(100):
        for y in range(100):
            picture.setPixelColor(x, y, QColor("#fbfbfc"))
    for number in range(40 * 40):
        shade = QColor(number % 250, number // 40 * 6, 255 - number % 250)
        picture.setPixelColor(200 + number % 40, number // 40, shade)
    for x in range(8):
        for y in range(8):
            picture.setPixelColor(120 + x, 40 + y, QColor("#8f5400"))
    path = tmp_path / "picture.png"
    assert picture.save(str(path))
    keep_few_colours(path)
    few = QImage(str(path))
    assert few.colorCount() == COLOURS
    assert [few.pixelColor(*at).name() for at in ((50, 50), (150, 90), (123, 43))] == [
        "#fbfbfc",
        "#ffffff",
        "#8f5400",
    ]
    for number in range(0, 40 * 40, 7):
        at = (200 + number % 40, number // 40)
        was, now = picture.pixelColor(*at), few.pixelColor(*at)
        assert max(abs(a - b) for a, b in zip(was.getRgb(), now.getRgb(), strict=True)) < 24, at  # type: ignore[arg-type]


def test_a_picture_of_few_colours_keeps_every_one(tmp_path: Path) -> None:
    picture = QImage(COLOURS // 5, 5, QImage.Format.Format_RGB32)
    for x in range(COLOURS // 5):
        for y in range(5):
            picture.setPixelColor(x, y, QColor(x, y, 0))
    path = tmp_path / "picture.png"
    assert picture.save(str(path))
    keep_few_colours(path)
    assert QImage(str(path)).convertToFormat(QImage.Format.Format_RGB32) == picture
    path.write_bytes(b"no picture")
    with pytest.raises(ValueError, match="no picture"):
        keep_few_colours(path)
