from math import ceil, log
from statistics import fmean

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.store import histogram, packed_bins

durations = st.lists(st.integers(1, 4_000_000_000), min_size=1, max_size=200)
FRACTIONS = (0.5, 0.95, 0.99)


def bins_of(values: list[int]) -> histogram.Bins:
    bins: histogram.Bins = {}
    for value in values:
        histogram.add(bins, {histogram.bin_of(value): 1})
    return bins


@given(durations)
def test_percentiles_are_within_five_percent_of_the_nearest_rank(values: list[int]) -> None:
    found = histogram.percentiles(bins_of(values), FRACTIONS, fmean(values) / 1000)
    for fraction, percentile in zip(FRACTIONS, found, strict=True):
        exact = sorted(values)[max(1, ceil(fraction * len(values))) - 1] / 1000
        assert percentile is not None
        assert abs(percentile - exact) <= 0.05 * exact


@given(st.integers(1, 4_000_000_000), st.lists(st.one_of(st.just(0.0), st.floats(0, 0.09)), max_size=150))
@example(832_000, [0.0] * 48 + [0.079])
def test_durations_of_one_bin_have_percentiles_within_five_percent(us: int, more: list[float]) -> None:
    """Where all but the slowest are equally fast, their mean says little of the slowest."""
    first = bins_of([us])
    values = [us, *(near for share in more if bins_of([near := int(us * (1 + share))]).keys() == first.keys())]
    bins, mean_ms = bins_of(values), fmean(values) / 1000
    told = histogram.percentiles(bins, FRACTIONS, mean_ms)
    assert told == packed_bins.percentiles(packed_bins.encode(bins), FRACTIONS, mean_ms)
    for fraction, percentile in zip(FRACTIONS, told, strict=True):
        exact = sorted(values)[max(1, ceil(fraction * len(values))) - 1] / 1000
        assert percentile is not None and percentile == pytest.approx(exact, rel=0.050_001)
        assert len(values) > 1 or percentile == mean_ms
    assert told == sorted(told)  # type: ignore[type-var]


@pytest.mark.parametrize("count", [1, 2, 10, 60, 200])
@pytest.mark.parametrize("us", [842_000, 870_000, 910_000])
def test_half_of_equally_long_durations_are_their_mean(count: int, us: int) -> None:
    assert histogram.percentiles(bins_of([us] * count), (0.5,), us / 1000) == [us / 1000]


@given(durations, durations)
def test_histograms_add_up_in_any_order_to_the_same_counts(left: list[int], right: list[int]) -> None:
    whole = bins_of(left + right)
    a, b = histogram.encode(bins_of(left)), histogram.encode(bins_of(right))
    assert histogram.decode(histogram.merge(a, b)) == histogram.decode(histogram.merge(b, a)) == whole
    taken = histogram.decode(histogram.encode(whole))
    histogram.add(taken, histogram.decode(b), -1)
    assert taken == bins_of(left)


def test_nothing_measured_has_no_percentiles_and_no_bytes() -> None:
    assert histogram.percentiles({}, FRACTIONS, None) == [None, None, None]
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


def test_where_a_bin_begins_is_found_by_a_few_logarithms(monkeypatch: pytest.MonkeyPatch) -> None:
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


def usual(count: int) -> list[int]:
    """So many durations of between a millisecond and a minute."""
    return [1000 + 7_654_321 * number % 60_000_000 for number in range(count)]


def kept(values: list[int]) -> bytes:
    return bytes(histogram.stored(histogram.joined(list(map(histogram.character_of, values)))))


@pytest.mark.parametrize("left", [0, 1, 90, 96, 97, 300])
@pytest.mark.parametrize("right", [0, 1, 6, 7, 96, 97, 300])
def test_few_stay_one_by_one_and_many_are_counted_whichever_meet(left: int, right: int) -> None:
    values = usual(left + right)
    parts = [kept(values[:left]), kept(values[left:])]
    for each, count in zip(parts, (left, right), strict=True):
        assert histogram.few(each, 96) == (None if count > 96 else each[1:]) and len(each) <= max(97, 2 * count)
        assert histogram.few(each, count - 1) is None or not count
    whole = histogram.merge(*parts)
    assert histogram.decode(whole) == bins_of(values) and sum(bins_of(values).values()) == left + right
    assert (histogram.few(whole, 96) is None) is (left + right > 96)
    summed, counted = histogram.SumHistograms(), histogram.HistogramOf()
    for each in parts:
        summed.step(each)
    for us in (None, *values):
        counted.step(us)
    assert histogram.decode(summed.finalize()) == histogram.decode(counted.finalize()) == bins_of(values)
    assert histogram.joined([bins_of(values[:left]), bins_of(values[left:])]) == bins_of(values)


def test_a_percentile_of_what_is_stored_is_that_of_its_durations() -> None:
    blob = kept([1000 * ms for ms in range(1, 101)])
    found = [histogram.percentile_of(blob, percent, 50_500.0) for percent in (50, 95, 99, 100)]
    assert found == [histogram.middle_ms(histogram.bin_of(1000 * ms)) for ms in (50, 95, 99, 100)]
    rare = kept([1000] * 199 + [1_000_000])
    assert [histogram.percentile_of(rare, percent, 5995.0) for percent in (99, 100)] == [
        histogram.middle_ms(histogram.bin_of(us)) for us in (1000, 1_000_000)
    ]
    assert histogram.percentile_of(kept([1040] * 60), 50, 1040.0) == 1.04
    assert histogram.percentile_of(b"", 50, None) is None


MANY_MS = (1, 2, 3, 50, 1000, 60_000)
PACKED = {
    "none": {},
    "one": {1000: 1},
    "few": {1000: 3, 5: 2, 2_000_000: 1},
    "one bin of few": {1000: 40},
    "one bin of many": {1000: 49},
    "an hour among few": {1000: 2, 3_600_000_000: 1},
    "many": {1000 * ms: 20 + ms % 7 for ms in MANY_MS},
    "as many as are narrow": {1000: 65_535, 40_000: 9},
    "more": {1000: 65_536, 40_000: 9},
    "later ones, more": {70_000: 9, 90_000: 70_000},
}


@pytest.mark.parametrize("durations", PACKED.values(), ids=PACKED)
def test_packed_durations_are_those_that_were_counted(durations: dict[int, int]) -> None:
    bins = {histogram.bin_of(us): count for us, count in durations.items()}
    blob = packed_bins.encode(bins)
    assert packed_bins.decode(blob) == bins
    total = sum(bins.values())
    mean_ms = sum(us * count for us, count in durations.items()) / total / 1000 if total else None
    shares = (*FRACTIONS, 0.0001, 0.2, 1.0)
    assert packed_bins.percentiles(blob, shares, mean_ms) == histogram.percentiles(bins, shares, mean_ms)
    singly = [histogram.bin_of(us) - histogram.FIRST_BIN for us, count in durations.items() for _ in range(count)]
    if max(singly, default=0) < 256 and len(singly) < 1000:
        assert packed_bins.of_singles(bytes(reversed(singly))) == blob


def test_packed_durations_add_up() -> None:
    every = [{histogram.bin_of(us): count for us, count in each.items()} for each in PACKED.values()]
    whole: histogram.Bins = {}
    for bins in every:
        histogram.add(whole, bins)
    blobs = [packed_bins.encode(bins) for bins in every]
    assert packed_bins.together(blobs) == packed_bins.together(blobs[::-1]) == whole
    for bins, blob in zip(every, blobs, strict=True):
        assert packed_bins.together([blob]) == bins
        assert packed_bins.together([blob, blob]) == {key: 2 * count for key, count in bins.items()}
