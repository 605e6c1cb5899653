"""The part of the fake gateway that is about settings and storage: the real table and parsers, nothing on a disk."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from gateway import Cleaned, Deletion, DeletionPreview, SettingRow, Settings, Sizes
from gateway.configuration.setting_rows import _plain as plain
from gateway.configuration.setting_values import parse_as
from gateway.configuration.settings import SETTINGS

KB = 1000


class FakeSettings:
    """`in_force` and `saved` by dotted key; `variables` are those of the environment, which win."""

    _note: Callable[[str], None]

    def __init__(self) -> None:
        usual = Settings()
        self.defaults = {row.key: plain(attrgetter(row.field)(usual)) for row in SETTINGS}
        self.in_force = dict(self.defaults)
        self.saved: dict[str, Any] = {}
        self.variables: dict[str, Any] = {}
        self.storage = Sizes(
            usage_bytes=5_200 * KB,
            requests_bytes=4_000 * KB,
            buckets_bytes=1_100 * KB,
            traces_bytes=7_300 * KB,
            state_bytes=96 * KB,
            journal_bytes=12 * KB,
            logs_bytes=840,
            requests=12_482,
            first_request_us=1_795_456_980_000_000 - 40 * 86_400_000_000,
        )
        self.deletion = DeletionPreview(requests=0, turns=30, conversations=4, told=7, bytes=1_200 * KB)
        self.deleted: list[Deletion] = []
        self.cleaned = Cleaned(taken={"requests": 1200, "buckets": 3}, freed_bytes=2_400 * KB)

    async def setting_rows(self) -> tuple[SettingRow, ...]:
        self._note("setting_rows")
        return tuple(
            SettingRow(
                key=row.key,
                value=self.variables.get(row.key, self.in_force[row.key]),
                saved=self.saved.get(row.key),
                variable=row.variable,
                from_environment=row.key in self.variables,
                default=self.defaults[row.key],
            )
            for row in SETTINGS
        )

    async def change_settings(self, changes: Mapping[str, Any]) -> None:
        self._note(f"change_settings {dict(changes)}")
        rows = {row.key: row for row in SETTINGS}
        parsed = {
            key: None if value is None else plain(parse_as(rows[key].parse, key, value))
            for key, value in changes.items()
        }
        for key, value in parsed.items():
            self.saved.pop(key, None)
            if value is not None:
                self.saved[key] = value

    async def sizes(self) -> Sizes:
        self._note("sizes")
        return self.storage

    cleaning_up = False

    async def preview_deletion(self, asked: Deletion) -> DeletionPreview:
        self._note(f"preview_deletion {asked.requests}")
        return self.deletion

    async def delete_range(self, asked: Deletion, progress: Callable[[int, int], None] | None = None) -> Cleaned:
        self._note("delete_range")
        self.deleted.append(asked)
        if progress is not None:
            progress(self.deletion.entries, self.deletion.entries)
        self.deletion = DeletionPreview()
        return Cleaned(taken={"content": 34}, freed_bytes=2_400_000)

    async def clean_up(self, progress: Callable[[int], None] | None = None) -> Cleaned:
        self._note("clean_up")
        if progress is not None:
            progress(1203)
        return self.cleaned
