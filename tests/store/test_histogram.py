from math import ceil, log

from hypothesis import given
from hypothesis import strategies as st
from pytest import MonkeyPatch

from gateway.store import histogram

durations = st.lists(st.integers(1, 4_000_000_000), min_size=1, max_size=200)
FRACTIONS = (0.5, 0.95, 0.99)


def bins_of(values: list[int]) -> histogram.Bins:
    bins: histogram.Bins = {}
    for value in values:
        histogram.add(bins, {histogram.bin_of(value): 1})
    return bins


@given(durations)
def test_percentiles_are_within_five_percent_of_the_nearest_rank(values: list[int]) -> None:
    found = histogram.percentiles(bins_of(values), FRACTIONS)
    for fraction, percentile in zip(FRACTIONS, found, strict=True):
        exact = sorted(values)[max(1, ceil(fraction * len(values))) - 1] / 1000
        assert percentile is not None
        assert abs(percentile - exact) <= 0.05 * exact


@given(durations, durations)
def test_histograms_add_up_in_any_order_to_the_same_counts(left: list[int], right: list[int]) -> None:
    whole = bins_of(left + right)
    a, b = histogram.encode(bins_of(left)), histogram.encode(bins_of(right))
    assert histogram.decode(histogram.merge(a, b)) == histogram.decode(histogram.merge(b, a)) == whole
    taken = histogram.decode(histogram.encode(whole))
    histogram.add(taken, histogram.decode(b), -1)
    assert taken == bins_of(left)


def test_nothing_measured_has_no_percentiles_and_no_bytes() -> None:
    assert histogram.percentiles({}, FRACTIONS) == [None, None, None]
    assert histogram.encode({}) == b""
    assert histogram.decode(b"") == {}
    assert histogram.merge(b"", b"") == b""


def test_zero_and_negative_durations_count_as_the_shortest() -> None:
    assert histogram.bin_of(0) == histogram.bin_of(-5) == histogram.bin_of(1)


def test_a_usual_histogram_is_small() -> None:
    latencies = [100_000 + 37_000 * step for step in range(400)]
    assert len(histogram.encode(bins_of(latencies))) < 160


@given(st.lists(st.integers(0, 2 * 10**13), max_size=250), st.integers(0, 250))
def test_durations_are_stored_and_merged_as_they_are_counted(values: list[int], cut: int) -> None:
    """One by one where they are few and none took hours, else by bin."""
    few, rest = values[:cut], values[cut:]
    parts = [histogram.joined(list(map(histogram.character_of, part))) for part in (few, rest)]
    blobs = list(map(histogram.stored, parts))
    summed = histogram.SumHistograms()
    for blob in blobs:
        summed.step(blob)
    for whole in (histogram.merge(*blobs), histogram.merge(*reversed(blobs)), summed.finalize()):
        assert histogram.decode(whole) == bins_of(values)
    assert [histogram.decode(blob) for blob in blobs] == [bins_of(few), bins_of(rest)]
    for more in ([*parts], [parts[1], histogram.joined(parts), parts[0]]):
        wanted = bins_of(values if len(more) == 2 else values + values)
        assert histogram.decode(histogram.stored(histogram.joined(more))) == wanted


def test_a_bin_is_that_of_the_logarithm() -> None:
    for key in range(histogram.FIRST_BIN, histogram.bin_of(10**13)):
        edge = int(histogram.UNIT_US * histogram.GROWTH**key)
        for us in range(max(1, edge - 2), edge + 3):
            assert histogram.bin_of(us) == ceil(log(us / histogram.UNIT_US) / log(histogram.GROWTH))
            assert ord(histogram.character_of(us)) == histogram.bin_of(us) - histogram.FIRST_BIN


def test_few_durations_are_a_byte_each() -> None:
    few = "".join(map(histogram.character_of, [1_000_000] * histogram.MOST_SINGLY))
    assert len(histogram.stored(histogram.joined([few]))) == histogram.MOST_SINGLY + 1
    assert len(histogram.stored(histogram.joined([few, few]))) == 4


def test_where_a_bin_begins_is_found_by_a_few_logarithms(monkeypatch: MonkeyPatch) -> None:
    """A start of the gateway looks for all of them."""
    asked = 0
    by_logarithm = histogram._by_logarithm

    def count(us: int) -> int:
        nonlocal asked
        asked += 1
        return by_logarithm(us)

    monkeypatch.setattr(histogram, "_by_logarithm", count)
    keys = range(histogram.FIRST_BIN + 1, histogram._LAST_BIN + 1)
    starts = [histogram._start_of(key) for key in keys]
    assert starts == histogram._STARTS
    assert asked < 40 * len(keys)
    for key, start in zip(keys, starts, strict=True):
        assert by_logarithm(start) >= key and (start == 1 or by_logarithm(start - 1) < key)
