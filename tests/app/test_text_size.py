"""What is made of the size that a desktop says for its text: the nearest one that is offered, where nobody chose one."""

from pathlib import Path

import pytest

from app.preferences import SYSTEM, Preferences, use_size, window_store
from app.text_scale import factor_scale, font_scale, percent_scale

# what is answered


@pytest.mark.parametrize(
    ("factor", "scale"),
    [
        (1.5, 1.5),
        (1, 1.0),
        (0.75, 0.75),
        (0.0, 1.0),
        (-2.0, 1.0),
        (40.0, 1.0),
        (float("nan"), 1.0),
        ("1.5", 1.0),
        (None, 1.0),
    ],
)
def test_factors(factor: object, scale: float) -> None:
    assert factor_scale(factor) == scale


@pytest.mark.parametrize(
    ("font", "scale"),
    [
        ("Noto Sans,10,-1,5,50,0,0,0,0,0", 1.0),
        ("Noto Sans,13,-1,5,400,0,0,0,0,0,0,0,0,0,0,1", 1.3),
        ("Noto Sans,-1,18,5,50,0,0,0,0,0", 1.0),
        ("Noto Sans", 1.0),
        ("Noto, Sans,13", 1.0),
        ("Noto Sans,inf", 1.0),
        (13, 1.0),
        (None, 1.0),
    ],
)
def test_fonts(font: object, scale: float) -> None:
    assert font_scale(font) == scale


@pytest.mark.parametrize(("percent", "scale"), [(100, 1.0), (225, 2.25), (0, 1.0), (None, 1.0), ("150", 1.0)])
def test_percents(percent: object, scale: float) -> None:
    assert percent_scale(percent) == scale


# what is made of it


@pytest.mark.parametrize(
    ("factor", "taken"), [(0.75, None), (1.05, None), (1.1, "1.15"), (1.25, "1.3"), (1.5, "1.5"), (2.5, "1.5")]
)
def test_the_nearest_size_that_is_offered_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, factor: float, taken: str | None
) -> None:
    monkeypatch.setattr("app.preferences.text_scale", lambda _environ: factor)
    environ: dict[str, str] = {}
    use_size(tmp_path, environ)
    assert environ.get("QT_SCALE_FACTOR") == taken
    assert Preferences(window_store(tmp_path)).get("size") == SYSTEM


def test_a_desktop_that_is_still_starting_is_what_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for scale, taken in ((None, None), (1.5, "1.5"), (None, "1.5"), (1.0, None), (None, None)):
        monkeypatch.setattr("app.preferences.text_scale", lambda _environ, scale=scale: scale)
        environ: dict[str, str] = {}
        use_size(tmp_path, environ)
        assert environ.get("QT_SCALE_FACTOR") == taken


@pytest.mark.parametrize("size", ["100", "130"])
def test_who_chose_a_size_keeps_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, size: str) -> None:
    asked: list[object] = []
    monkeypatch.setattr("app.preferences.text_scale", asked.append)
    store = window_store(tmp_path)
    # As it is kept since before there was a choice to follow the system.
    store.setValue("preferences/size", size)
    store.sync()
    environ: dict[str, str] = {}
    use_size(tmp_path, environ)
    assert environ.get("QT_SCALE_FACTOR", "1") == str(int(size) / 100).removesuffix(".0") and asked == []
