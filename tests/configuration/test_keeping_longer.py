"""What is to be kept longer is kept at once: the hourly clean-up would else take away what was just asked to stay."""

from pathlib import Path

import pytest

from gateway.configuration.setting_values import Keep
from gateway.configuration.settings import Retention, Settings, keeping_longer
from gateway.folder import DataFolder
from gateway.gateway import Gateway

TEN_DAYS = Settings(port=0, retention=Retention(requests=Keep(days=10.0, size_bytes=5_000)))


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("30 days, 5 KB", Keep(days=30.0, size_bytes=5000)),
        ("30 days, 1 KB", Keep(days=30.0, size_bytes=5000)),
        ("3 days, 9 KB", Keep(days=10.0, size_bytes=9000)),
        ("3 days", Keep(days=10.0)),
        ("for ever", Keep()),
        (None, Keep(days=396.0)),
    ],
)
def test_of_what_is_in_force_and_what_is_saved_the_longer_counts(said: str | None, kept: Keep) -> None:
    changed = keeping_longer(TEN_DAYS, {"retention.requests": said, "server.port": 1}, {})
    assert changed == Settings(port=0, retention=Retention(requests=kept))
    assert keeping_longer(TEN_DAYS, {"retention.content": "1 day"}, {}) == TEN_DAYS


def test_a_variable_stands_over_what_is_saved() -> None:
    environ = {"FAREGATE_RETENTION_REQUESTS": "10 days, 5 KB"}
    assert keeping_longer(TEN_DAYS, {"retention.requests": "for ever"}, environ) == TEN_DAYS


async def test_a_longer_time_is_in_force_once_it_is_saved_and_a_shorter_one_waits(tmp_path: Path) -> None:
    gateway = Gateway(DataFolder(tmp_path), TEN_DAYS)
    for said, waits in (("1 day", True), ("30 days", False)):
        await gateway.change_settings({"retention.requests": said})
        (row,) = [row for row in await gateway.setting_rows() if row.key == "retention.requests"]
        assert (row.saved, row.waits) == (said, waits)
    assert gateway._parts.settings.retention.requests == Keep(days=30.0)
    await gateway.close()
