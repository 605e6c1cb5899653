"""A .deb around the frozen program: /usr/lib/faregate, a command, a desktop entry, icons, licences.

The system's own libraries are not in the bundle; which packages hold them is found from what its binaries name.
"""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

_MAINTAINER = "Faregate <faregate@localhost>"
# A desktop that has GTK lets Qt take its theme from it; one that has not shall not be made to install it.
_OPTIONAL = re.compile(r"/platformthemes/libqgtk3\.so$")
_NEEDED = re.compile(r"^\s*NEEDED\s+(\S+)$", re.MULTILINE)
_GLIBC = re.compile(r"\bGLIBC_(\d+)\.(\d+)\b")
# Debian 13 and Ubuntu 24.04 renamed these when time became 64 bits wide there; here it always was.
_RENAMED = {f"{name}t64": name for name in ("libglib2.0-0", "libreadline8", "libssl3")}


def version(root: Path) -> str:
    """The project's version."""
    return str(tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def binaries(folder: Path) -> Iterator[Path]:
    """The ELF files below a folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def depends(bundle: Path) -> str:
    """The packages that hold the libraries which the bundle names and does not hold, as a Depends field.

    Raises SystemExit where a library is not on this machine, or in no package.
    """
    inside = {path.name for path in bundle.rglob("*")}
    needed: set[str] = set()
    glibc = (0, 0)
    for path in binaries(bundle):
        said = _run("objdump", "-p", str(path))
        glibc = max([glibc, *((int(major), int(minor)) for major, minor in _GLIBC.findall(said))])
        if not _OPTIONAL.search(str(path)):
            needed |= set(_NEEDED.findall(said))
    packages = {_RENAMED.get(name, name) for name in _packages(sorted(needed - inside))} - {"libc6"}
    others = [f"{name} | {name}t64" if name in _RENAMED.values() else name for name in sorted(packages)]
    return ", ".join([f"libc6 (>= {glibc[0]}.{glibc[1]})", *others])


def _packages(libraries: Iterable[str]) -> Iterator[str]:
    cache = _run("/sbin/ldconfig", "-p")
    for library in libraries:
        found = re.search(rf"^\s*{re.escape(library)} .*=> (\S+)$", cache, re.MULTILINE)
        if found is None:
            raise SystemExit(f"{library} is not on this machine: install what tests/system_packages.sh names.")
        for path in (found[1], os.path.realpath(found[1]), f"/usr{found[1]}", found[1].removeprefix("/usr")):
            asked = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True, check=False)
            if asked.returncode == 0:
                yield asked.stdout.partition(":")[0]
                break
        else:
            raise SystemExit(f"{library} belongs to no package of this system.")


def build(bundles: Path, icons: Path, distribution: Path, root: Path) -> Path:
    """The package's path in `distribution`. `bundles` has the folders faregate and licenses."""
    tree = bundles / "deb"
    shutil.rmtree(tree, ignore_errors=True)
    program = tree / "usr" / "lib" / "faregate"
    shutil.copytree(bundles / "faregate", program, symlinks=True)
    (tree / "usr" / "bin").mkdir()
    (tree / "usr" / "bin" / "faregate").symlink_to("../lib/faregate/faregate")
    share = tree / "usr" / "share"
    shutil.copytree(icons / "hicolor", share / "icons" / "hicolor")
    (share / "applications").mkdir()
    shutil.copyfile(root / "packaging" / "faregate.desktop", share / "applications" / "faregate.desktop")
    documents = share / "doc" / "faregate"
    shutil.copytree(bundles / "licenses", documents / "licenses")
    (documents / "copyright").write_text(_copyright(bundles / "licenses"), "utf-8")
    architecture = _run("dpkg", "--print-architecture").strip()
    control = tree / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(_control(root, architecture, depends(program), _kilobytes(tree)), "utf-8")
    _set_modes(tree)
    package = distribution / f"faregate_{version(root)}_{architecture}.deb"
    _run("dpkg-deb", "--root-owner-group", "-Zxz", "-z4", "--build", str(tree), str(package))
    return package


def _kilobytes(tree: Path) -> int:
    return sum(-(-path.lstat().st_size // 1024) for path in tree.rglob("*") if not path.is_dir())


def _set_modes(tree: Path) -> None:
    """As Debian wants them, whatever the builder's umask is."""
    programs = {tree / "usr" / "lib" / "faregate" / "faregate"}
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path in programs else 0o644)


def _control(root: Path, architecture: str, needed: str, kilobytes: int) -> str:
    lines = (
        "Package: faregate",
        f"Version: {version(root)}",
        f"Architecture: {architecture}",
        f"Maintainer: {_MAINTAINER}",
        f"Installed-Size: {kilobytes}",
        # Providers are called over TLS, whose roots are the system's.
        f"Depends: {needed}, ca-certificates",
        "Recommends: gnome-keyring | org.freedesktop.secrets",
        "Section: devel",
        "Priority: optional",
        "Description: AI gateway in a desktop window, every request metered",
        " Faregate gives the tools on this machine one local address for OpenAI,",
        " Anthropic, Google Gemini and xAI, translates between their formats, and",
        " shows what each request cost. Data and keys stay on the machine.",
        " .",
        " The command faregate serve runs the same gateway without a window.",
        "",
    )
    return "\n".join(lines)


def _copyright(licenses: Path) -> str:
    """Faregate's own licence, and where those of what it brings stand."""
    own = (licenses / "faregate" / "LICENSE").read_text("utf-8")
    held = (licenses / "README.txt").read_text("utf-8")
    return (
        f"{own}\nThe program brings the following with it, unchanged. Their licences stand in\n"
        f"/usr/share/doc/faregate/licenses, Python's own in its folder python.\n\n{held}\n"
        "Qt and PySide6 are used under the LGPL, version 3, as libraries of their own in\n"
        "/usr/lib/faregate/_internal/PySide6: they can be replaced by changed ones there.\n"
    )
