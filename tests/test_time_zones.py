"""A time zone is what IANA names, wherever else the machine keeps zones too."""

import zoneinfo
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from gateway.errors import ClientError
from gateway.time_zones import is_zone, zone_of


@pytest.fixture
def database(tmp_path: Path) -> Iterator[None]:
    """A zone database as Debian's, with copies and what is the machine's own."""
    berlin = (resources.files("tzdata") / "zoneinfo" / "Europe" / "Berlin").read_bytes()
    for name in ("localtime", "posixrules", "Factory", "posix/Europe/Berlin", "right/Europe/Berlin", "Europe/Berlin"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(berlin)
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath((tmp_path,))
    zone_of.cache_clear()
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath(before)
    zone_of.cache_clear()
    zoneinfo.ZoneInfo.clear_cache()


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("name", ["localtime", "posixrules", "Factory", "posix/Europe/Berlin", "right/Europe/Berlin"])
def test_what_is_no_iana_name_is_refused(name: str) -> None:
    zoneinfo.ZoneInfo(name)
    with pytest.raises(ClientError, match="use an IANA name like Europe/Berlin") as refused:
        zone_of(name)
    assert refused.value.param == "tz" and not is_zone(name)


def test_an_iana_name_is_a_zone() -> None:
    assert zone_of("Europe/Berlin").key == "Europe/Berlin" and is_zone("UTC")
    assert not any(map(is_zone, ("", "Europe", "Mars/Olympus", "../UTC")))
