"""Labels of a time axis are looked for near its range, and are those that a walk from midnight finds."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.charts import timescale
from app.charts.timescale import time_ticks

SECOND, HOUR_S = 1_000_000, 3600
# Some put their clock back by half an hour, or by two hours; one left out a whole day.
ZONES = ("Europe/Berlin", "Australia/Lord_Howe", "Antarctica/Troll", "Pacific/Apia", "America/Scoresbysund", "UTC")


@given(
    st.integers(1_262_304_000, 1_830_000_000),
    st.integers(60, 14 * 24 * HOUR_S),
    st.sampled_from(ZONES),
    st.integers(1, 12),
)
def test_labels_are_those_of_a_walk_from_midnight(start_s: int, span_s: int, tz: str, room: int) -> None:
    asked = (start_s * SECOND, (start_s + span_s) * SECOND, tz, room)
    near = time_ticks(*asked)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(timescale, "_PUT_BACK", timedelta(days=2))
        assert time_ticks(*asked) == near


def test_an_hour_in_the_evening_is_not_walked_to_from_midnight(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    instant = timescale._instant
    monkeypatch.setattr(timescale, "_instant", lambda moment, zone: (looked.append(moment), instant(moment, zone))[1])
    start_s = 1_795_993_200 - 2 * HOUR_S
    ticks = time_ticks(start_s * SECOND, (start_s + HOUR_S) * SECOND, "Europe/Berlin", 8)
    assert len(ticks) == 6 and len(looked) < 30
