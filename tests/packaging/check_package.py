"""What is in the package: all that the program needs, nothing of the tests', nothing of the builder's machine."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PyInstaller.archive.readers import CArchiveReader
from PySide6.QtGui import QImage

from tests.packaging.conftest import BUILT, ROOT

_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def locked(path: str) -> set[str]:
    return {name.replace("_", "-").lower() for name in _LOCKED.findall((ROOT / path).read_text("utf-8"))}


@pytest.fixture(scope="module")
def held() -> dict[str, str]:
    """Name and version of each distribution that the package says it holds."""
    lines = (BUILT / "licenses" / "README.txt").read_text("utf-8").splitlines()[3:]
    return dict(line.partition(":")[0].split(" ") for line in lines)


def test_it_holds_what_is_locked_for_running_and_nothing_of_the_tests(held: dict[str, str]) -> None:
    assert {"aiohttp", "genai-prices", "keyring", "numpy", "pyside6-essentials", "secretstorage", "uvloop"} <= set(
        held
    )
    assert set(held) - {"pyinstaller"} <= locked("requirements.lock")
    only_tests = {"pytest", "mypy", "hypothesis", "openai", "anthropic", "google-genai", "psutil", "ruff"}
    assert only_tests <= locked("tests/requirements.lock")
    contents = json.loads((BUILT / "contents.json").read_text("utf-8"))
    of_the_freezer = {name for name, source in contents["modules"] if "/PyInstaller/" in source}
    assert {name.partition(".")[0] for name in of_the_freezer} <= {"_pyi_rth_utils"}
    tops = {name.partition(".")[0] for name, _ in contents["modules"]}
    tops |= {target.partition("/")[0] for target, _ in contents["files"]}
    assert (
        tops & {"pytest", "_pytest", "mypy", "hypothesis", "openai", "anthropic", "psutil", "tests", "tkinter"}
        == set()
    )


def test_what_is_found_by_name_is_inside(unpacked: Path) -> None:
    inside = unpacked / "usr" / "lib" / "faregate" / "_internal"
    assert (inside / "tzdata" / "zoneinfo" / "Europe" / "Berlin").is_file()
    for kind in ("fonts", "icons", "stylesheet", "licenses"):
        source = {path.relative_to(ROOT / "resources") for path in (ROOT / "resources" / kind).rglob("*")}
        assert {
            path.relative_to(inside / "app" / "_resources")
            for path in (inside / "app" / "_resources" / kind).rglob("*")
        } == source
    modules = set(CArchiveReader(str(unpacked / "usr/lib/faregate/faregate")).open_embedded_archive("PYZ.pyz").toc)
    wanted = ["keyring.backends.SecretService", "keyring.backends.kwallet", "genai_prices.data", "prometheus_client"]
    wanted += [f"opentelemetry.proto.collector.{kind}.v1.{kind}_service_pb2" for kind in ("metrics", "logs", "trace")]
    wanted += [
        ".".join(path.with_suffix("").relative_to(ROOT).parts).removesuffix(".__init__")
        for path in (ROOT / "gateway").rglob("*.py")
    ]
    wanted += [
        ".".join(path.with_suffix("").relative_to(ROOT).parts).removesuffix(".__init__")
        for path in (ROOT / "app").rglob("*.py")
    ]
    assert [name for name in wanted if name not in modules] == []


def test_nothing_tells_where_it_was_built(unpacked: Path) -> None:
    program = unpacked / "usr" / "lib" / "faregate" / "faregate"
    archive = CArchiveReader(str(program)).open_embedded_archive("PYZ.pyz")
    for name in ("app.__main__", "app.host", "gateway.gateway", "aiohttp.web"):
        assert not archive.extract(name).co_filename.startswith("/"), name
    places = [str(ROOT).encode(), str(Path(sys.prefix)).encode()]
    for path in unpacked.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            assert [place for place in places if place in data] == [], path


def test_each_thing_in_it_has_its_licence(unpacked: Path, held: dict[str, str]) -> None:
    documents = unpacked / "usr" / "share" / "doc" / "faregate"
    for name in ("faregate", "python", *held):
        texts = [path for path in (documents / "licenses" / name).iterdir() if path.stat().st_size > 100]
        assert texts, name
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in (documents / "licenses/pyside6-essentials/LGPL-3.0.txt").read_text()
    assert "OFL-1.1" in " ".join(path.name for path in (documents / "licenses" / "faregate").iterdir())
    assert (documents / "copyright").read_text("utf-8").startswith((ROOT / "LICENSE").read_text("utf-8"))


def test_a_desktop_finds_it(unpacked: Path) -> None:
    share = unpacked / "usr" / "share"
    entry = (share / "applications" / "faregate.desktop").read_text("utf-8")
    assert "\nExec=faregate\n" in entry and "\nIcon=faregate\n" in entry
    for size in (16, 22, 24, 32, 48, 64, 96, 128, 256, 512):
        image = QImage(str(share / "icons" / "hicolor" / f"{size}x{size}" / "apps" / "faregate.png"))
        assert (image.width(), image.height()) == (size, size)
        assert image.pixelColor(size // 8, size // 2).name() == "#3b5bdb", "our mark's ground"
        assert image.pixelColor(0, 0).alpha() < 255, "its corners are round"
    assert (share / "icons/hicolor/scalable/apps/faregate.svg").is_file()


def test_the_icons_of_the_other_systems_are_whole() -> None:
    for name, sides in (
        ("faregate.ico", {16, 24, 32, 48, 64, 128, 256}),
        ("faregate.icns", {16, 32, 64, 128, 256, 512, 1024}),
    ):
        data = (ROOT / "build" / "icons" / name).read_bytes()
        pictures = [QImage.fromData(data[at.start() :]) for at in re.finditer(b"\x89PNG\r\n", data)]
        assert {picture.width() for picture in pictures} == sides
    assert int.from_bytes((ROOT / "build" / "icons" / "faregate.icns").read_bytes()[4:8]) == len(data)


def test_its_dependencies_are_packages_of_this_system(package: Path, unpacked: Path) -> None:
    def field(name: str) -> str:
        return subprocess.run(
            ["dpkg-deb", "-f", package, name], capture_output=True, text=True, check=True
        ).stdout.strip()

    assert field("Package") == "faregate" and f"_{field('Version')}_{field('Architecture')}.deb" in package.name
    assert "ca-certificates" in field("Depends").split(", ")
    names = [one.split(" ")[0] for one in field("Depends").split(", ")]
    assert {"libc6", "libxcb-cursor0", "libegl1", "libdbus-1-3"} <= set(names)
    for name in names:
        assert subprocess.run(["dpkg-query", "-W", name], capture_output=True, check=False).returncode == 0, name
    # Nothing of the system's own is brought along, and nothing needs what is neither inside nor there.
    program = unpacked / "usr" / "lib" / "faregate"
    assert not list((program / "_internal").glob("libssl*")) and not list((program / "_internal").glob("libgtk*"))
    listing = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True, check=True).stdout
    assert all(line.split()[1] == "root/root" for line in listing.splitlines())
