"""Which distributions the frozen program holds, and their licence texts.

What went in is what PyInstaller says (contents.json, written by faregate.spec); each file is matched with the
distribution that installed it. One that is not locked for running Faregate stops the build: a tool of ours must not
be given to people. The freezer's own part that runs in every frozen program is known, and its licence goes along.
"""

import json
import re
import shutil
import sysconfig
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import NamedTuple

# PySide6's wheels carry no text of their licence (LGPL-3.0, which refers to GPL-3.0): ours are added for them.
_WITHOUT_TEXT = {"pyside6-essentials": ("LGPL-3.0.txt", "GPL-3.0.txt"), "shiboken6": ("LGPL-3.0.txt", "GPL-3.0.txt")}
# "Bootloader", "Run-time Hooks", "Additional Run-time Modules" in its COPYING.txt: any frozen program may hold them.
_RUN_TIME = {"pyinstaller": ("PyInstaller/fake-modules/", "PyInstaller/hooks/rthooks/", "PyInstaller/loader/")}
_TEXT = re.compile(r"(^|/)(licen[cs]es?/|licen[cs]e|copying|notice|authors)[^/]*", re.IGNORECASE)


class Held(NamedTuple):
    """A distribution in the bundle; `texts` are the files with its licence."""

    name: str
    version: str
    license: str
    texts: tuple[Path, ...]


def normal(name: str) -> str:
    """A distribution's name in its one spelling (PyPA, "Name normalization")."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: Path) -> set[str]:
    """The names in a lock file."""
    return {normal(found) for found in re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text("utf-8"), re.MULTILINE)}


def read(contents: Path, lock: Path) -> list[Held]:
    """What the bundle holds, by name. Raises SystemExit where something is in it that the lock file does not know."""
    packages = Path(sysconfig.get_path("purelib"))
    said = json.loads(contents.read_text("utf-8"))
    sources = {source for _, source in (*said["modules"], *said["files"]) if source.startswith(str(packages))}
    inside = {one: _files_in(one, sources) for one in distributions(path=[str(packages)])}
    found = [_held(one) for one, files in inside.items() if files]
    strangers = sorted({_name(one) for one, files in inside.items() if not _may_be_given(one, files, locked(lock))})
    if strangers:
        raise SystemExit(f"In the bundle, but not in {lock.name}: {', '.join(strangers)}")
    return sorted(found)


def _files_in(distribution: Distribution, sources: set[str]) -> list[str]:
    """Those of its files, by their path below the packages, that went into the bundle."""
    return [file.as_posix() for file in distribution.files or () if str(file.locate()) in sources]


def _may_be_given(distribution: Distribution, files: list[str], lock: set[str]) -> bool:
    name = _name(distribution)
    return name in lock or all(file.startswith(_RUN_TIME.get(name, ())) for file in files)


def _name(distribution: Distribution) -> str:
    return normal(distribution.metadata["Name"])


def _held(distribution: Distribution) -> Held:
    said = distribution.metadata
    texts = (
        Path(str(file.locate()))
        for file in distribution.files or ()
        if ".dist-info/" in str(file) and _TEXT.search(str(file).split(".dist-info", 1)[1])
    )
    classified = [one.rsplit(" :: ", 1)[-1] for one in said.get_all("Classifier", []) if one.startswith("License ::")]
    license = (
        said.get("License-Expression") or ", ".join(classified) or (said.get("License") or "").partition("\n")[0]
    )
    return Held(_name(distribution), distribution.version, license, tuple(sorted(texts)))


def write_licenses(held: list[Held], folder: Path, root: Path) -> None:
    """A folder for each distribution with its texts, and README.txt with one line for each. Raises SystemExit where
    one has no text."""
    own = root / "packaging" / "licenses"
    lines = ["Faregate, MIT: faregate/LICENSE", "Its fonts and icons: faregate/ (resources/licenses)", ""]
    _copy((root / "LICENSE", *sorted((root / "resources" / "licenses").iterdir())), folder / "faregate")
    _copy((_python_license(),), folder / "python")
    for one in held:
        texts = one.texts or tuple(own / name for name in _WITHOUT_TEXT.get(one.name, ()))
        if not texts:
            raise SystemExit(f"{one.name} {one.version} brings no text of its licence: add it to packaging/licenses.")
        _copy(texts, folder / one.name)
        lines.append(f"{one.name} {one.version}: {one.license or 'see its text'}")
    (folder / "README.txt").write_text("\n".join(lines) + "\n", "utf-8")


def _copy(files: tuple[Path, ...], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, folder / file.name)


def _python_license() -> Path:
    """Python's own text, which every installation of it has somewhere."""
    places = [Path(sysconfig.get_path("stdlib")) / name for name in ("LICENSE.txt", "LICENSE")]
    places += [
        Path(sysconfig.get_path("stdlib")).parents[1] / "LICENSE.txt",
        Path("/usr/share/doc", Path(sysconfig.get_path("stdlib")).name, "copyright"),
    ]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise SystemExit("Python's licence is not beside its library.")
    return found
