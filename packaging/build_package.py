"""`make package`: icons, the frozen program, the licences of what is in it, and on Linux a .deb around it.

Everything is made below build/; what is given to people comes to dist/.
"""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import debian
import icons
import inventory

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
BUNDLES = BUILD / "package"


def freeze() -> None:
    """Run PyInstaller on faregate.spec; raises CalledProcessError where it fails."""
    options = [
        "--noconfirm",
        "--log-level",
        "WARN",
        "--distpath",
        str(BUNDLES),
        "--workpath",
        str(BUILD / "pyinstaller"),
    ]
    # Bytes of two builds of one commit differ less when hashes do not.
    environ = {**os.environ, "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", "PyInstaller", *options, str(ROOT / "packaging" / "faregate.spec")]
    subprocess.run(command, cwd=ROOT, env=environ, check=True)


def _package(distribution: Path) -> Path:
    """What people are given on this system. Only the .deb has been tried; other Linux systems get an archive."""
    version = debian.version(ROOT)
    if sys.platform == "win32":
        script = ROOT / "packaging" / "windows.iss"
        subprocess.run(["iscc", f"/DVersion={version}", str(script)], check=True)
        return distribution / f"faregate-{version}-setup.exe"
    if shutil.which("dpkg-deb"):
        return debian.build(BUNDLES, BUILD / "icons", distribution, ROOT)
    archive = distribution / f"faregate-{version}-{sys.platform}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(BUNDLES / ("Faregate.app" if sys.platform == "darwin" else "faregate"), "Faregate")
        tar.add(BUNDLES / "licenses", "Faregate-licenses")
    return archive


def main() -> int:
    shutil.rmtree(BUNDLES, ignore_errors=True)
    icons.write(BUILD / "icons")
    freeze()
    found = inventory.read(BUNDLES / "contents.json", ROOT / "requirements.lock")
    inventory.write_licenses(found, BUNDLES / "licenses", ROOT)
    distribution = ROOT / "dist"
    distribution.mkdir(exist_ok=True)
    print(_package(distribution))
    return 0


if __name__ == "__main__":
    sys.exit(main())
