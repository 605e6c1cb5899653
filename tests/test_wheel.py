"""What an installation without a checkout has of the resources."""

from pathlib import Path
from zipfile import ZipFile

from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]
KINDS = ("fonts", "icons", "licenses", "stylesheet")


def test_a_wheel_has_what_the_window_shows_and_not_the_pictures_of_it(tmp_path: Path) -> None:
    (made,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with ZipFile(made) as wheel:
        held = {name for name in wheel.namelist() if name.startswith("app/_resources/")}
    shown = (path for kind in KINDS for path in (ROOT / "resources" / kind).rglob("*") if path.is_file())
    assert held == {f"app/_resources/{path.relative_to(ROOT / 'resources').as_posix()}" for path in shown}
