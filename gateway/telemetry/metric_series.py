"""Metric points as running sums per series, in memory, whatever temporality they are sent in.

A series is a resource, scope, name and set of attributes. Delta points add up, each of its window once, so that a
batch that is sent again counts nothing. Cumulative points replace each other within one start; a new start, or a
smaller figure, is a sender that began anew, and what it had counted before stays counted.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from threading import Lock
from typing import Any

from msgspec import Struct, structs

from gateway.telemetry.bounds import held_bytes
from gateway.telemetry.records import NO_ATTRIBUTES, MetricPoint

MOST_SERIES = 20_000
# A sender decides how large each of them is.
MOST_BYTES = 64 * 2**20
# Windows and starts remembered per series: a batch is sent again within minutes, not after this many others.
_MOST_WINDOWS = 64
_LARGEST = 1e300
_LEAST_BYTES, _WINDOW_BYTES, _NUMBER_BYTES = 1000, 300, 40

_Key = tuple[str, str, str, bytes, bytes]


class Sums(Struct, frozen=True):
    """What was counted: `value` of sums and gauges, `count`, `total` and `counts` (by `bounds`) of histograms."""

    value: float = 0
    count: int = 0
    total: float = 0.0
    counts: tuple[int, ...] = ()

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.value + other.value,
            self.count + other.count,
            self.total + other.total,
            _added(self.counts, other.counts),
        )


class Series(Struct, frozen=True, kw_only=True):
    """One series as it stands. Times are nanoseconds since the epoch."""

    name: str
    form: str
    unit: str
    scope: str
    resource: Mapping[str, Any]
    attributes: Mapping[str, Any]
    sums: Sums
    bounds: tuple[float, ...] = ()
    first_ns: int = 0
    last_ns: int = 0

    @property
    def figure(self) -> float:
        """What it adds up to: a sum's value, else the total of all that was measured."""
        return self.sums.value if self.form in ("sum", "gauge") else self.sums.total


class MetricSeries:
    """All series that came, the ones that were silent longest forgotten first. Any thread may add and read."""

    def __init__(self, most: int = MOST_SERIES, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._series: OrderedDict[_Key, _Running] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        self.forgotten = 0

    def add(self, points: Iterable[MetricPoint]) -> None:
        # Points that come together share the resource, which may be large.
        resource, digest = NO_ATTRIBUTES, _digest(NO_ATTRIBUTES)
        with self._lock:
            for point in points:
                if point.resource is not resource:
                    resource, digest = point.resource, _digest(point.resource)
                if _is_countable(point):
                    self._add(_key(point, digest), point)

    def _add(self, key: _Key, point: MetricPoint) -> None:
        running = self._series.get(key)
        if running is None:
            running = self._series[key] = _Running(point)
        else:
            self._bytes -= running.size
        self._series.move_to_end(key)
        running.add(point)
        self._bytes += running.size
        while len(self._series) > self._most or self._bytes > self._most_bytes:
            _, silent = self._series.popitem(last=False)
            self._bytes -= silent.size
            self.forgotten += 1

    def series(self, name: str | None = None) -> list[Series]:
        """Those of a metric, or all."""
        with self._lock:
            return [running.series() for running in self._series.values() if name in (None, running.name)]


class _Running:
    __slots__ = ("_bounds", "_done", "_first_ns", "_last_ns", "_point", "_runs", "_said", "_windows", "name")

    def __init__(self, point: MetricPoint) -> None:
        self.name = point.name
        said = (point.name, point.unit, point.description, point.scope.name, point.scope.attributes)
        self._said = _LEAST_BYTES + held_bytes((*said, point.resource, point.attributes))
        self._point = structs.replace(point, bounds=(), counts=())
        self._bounds = point.bounds
        self._done = Sums()
        self._windows: OrderedDict[tuple[int, int], None] = OrderedDict()
        self._runs: OrderedDict[int, tuple[int, Sums]] = OrderedDict()
        self._first_ns = point.start_ns or point.time_ns
        self._last_ns = 0

    def add(self, point: MetricPoint) -> None:
        # A bucket more than bounds, else nobody knows which is which.
        counts = point.counts if len(point.counts) == len(point.bounds) + 1 else ()
        sums = Sums(point.value or 0, point.count or 0, point.total or 0.0, counts)
        if point.bounds != self._bounds:
            # Buckets of other bounds cannot be added; count and total can.
            self._bounds, self._done = (), _bare(self._done)
            self._runs = OrderedDict((start, (last_ns, _bare(run))) for start, (last_ns, run) in self._runs.items())
            sums = _bare(sums)
        if point.delta:
            self._add_window((point.start_ns, point.time_ns), sums)
        elif point.form == "gauge" or not _grows(point):
            if point.time_ns >= self._last_ns:
                self._runs = OrderedDict({0: (point.time_ns, sums)})
        else:
            self._add_run(point.start_ns, point.time_ns, sums)
        self._first_ns = min(self._first_ns, point.start_ns or point.time_ns)
        self._last_ns = max(self._last_ns, point.time_ns)

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        held = 2 + len(self._runs) + len(self._windows)
        return self._said + held * _WINDOW_BYTES + _NUMBER_BYTES * len(self._bounds) * (2 + len(self._runs))

    def _add_window(self, window: tuple[int, int], sums: Sums) -> None:
        if window in self._windows:
            return
        self._windows[window] = None
        if len(self._windows) > _MOST_WINDOWS:
            self._windows.popitem(last=False)
        self._done += sums

    def _add_run(self, start_ns: int, time_ns: int, sums: Sums) -> None:
        before = self._runs.get(start_ns)
        if before is not None:
            last_ns, figures = before
            if time_ns <= last_ns:
                return
            if sums.value < figures.value or sums.count < figures.count:
                # It began anew without saying so.
                self._done += figures
        self._runs[start_ns] = time_ns, sums
        if len(self._runs) > _MOST_WINDOWS:
            _, (_, figures) = self._runs.popitem(last=False)
            self._done += figures

    def series(self) -> Series:
        sums = self._done
        for _, figures in self._runs.values():
            sums += figures
        point = self._point
        return Series(
            name=point.name,
            form=point.form,
            unit=point.unit,
            scope=point.scope.name,
            resource=point.resource,
            attributes=point.attributes,
            sums=sums if self._bounds else _bare(sums),
            bounds=self._bounds,
            first_ns=self._first_ns,
            last_ns=self._last_ns,
        )


def _bare(sums: Sums) -> Sums:
    return structs.replace(sums, counts=())


def _is_countable(point: MetricPoint) -> bool:
    """Whether it can be added up: NaN and infinity, which OTLP allows, would swallow all that came before."""
    return all(abs(figure) <= _LARGEST for figure in (point.value or 0, point.count or 0, point.total or 0))


def _grows(point: MetricPoint) -> bool:
    """Whether what stands there was added up: an up-and-down count is what it is now."""
    return point.monotonic or point.form in ("histogram", "exponential_histogram", "summary")


def _key(point: MetricPoint, resource: bytes) -> _Key:
    return point.name, point.form, point.scope.name, resource, _digest(point.attributes)


def _digest(attributes: Mapping[str, Any]) -> bytes:
    return blake2b(repr(_hashable(attributes)).encode("utf-8", "replace"), digest_size=16).digest()


def _hashable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple(sorted((str(key), _hashable(inner)) for key, inner in value.items()))
    if isinstance(value, list | tuple):
        return tuple(map(_hashable, value))
    return value if isinstance(value, str) else (type(value).__name__, repr(value))


def _added(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    if len(one) != len(other):
        return one or other
    return tuple(a + b for a, b in zip(one, other, strict=True))
