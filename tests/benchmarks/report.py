"""The benchmark's tables and marks."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.benchmarks import translation
from tests.benchmarks.figures import Phase, percentile
from tests.benchmarks.tables import milliseconds, table

_FRAME_S = 1 / 60


@dataclass(frozen=True)
class Holds:
    """Seconds for which each beat of the probe found the loop held by its own thread, and how late it was at all."""

    own: tuple[float, ...]
    late: tuple[float, ...]


@dataclass(frozen=True)
class Run:
    """All that was measured. `grid` has whole answers and short streams by clients; memory is in MB, `idle` in cores,
    `start_s` the seconds from start to ready."""

    grid: tuple[Phase, ...]
    long_streams: Phase
    translated: translation.Measured
    memory_before: Mapping[str, float]
    memory_after: Mapping[str, float]
    holds: Holds | None
    idle: Mapping[str, float]
    start_s: Mapping[str, float]


def show(run: Run, *, seconds: float) -> None:
    for lines in (
        _latency(run),
        _cpu(run),
        translation.lines(run.translated),
        _processes(run),
        _held(run),
        _marks(run),
    ):
        if lines:
            print("\n".join(lines), end="\n\n")
    print(f"{seconds:.0f} s in all.")


def show_translation(measured: translation.Measured) -> None:
    marks = [mark(*found) for found in translation.marks(measured)]
    print("\n", "\n".join([*translation.lines(measured), "", "Marks", *marks]), sep="")


def _latency(run: Run) -> list[str]:
    rows = [("clients, answer", "target", "p50", "p99", "first p50", "first p99", "requests", "bad")]
    for phase in (*run.grid, run.long_streams):
        for name, lane in phase.lanes.items():
            if name == "direct":
                continue
            first = phase.chunks > 0
            rows.append(
                (
                    _kind(phase),
                    name,
                    milliseconds(phase.added_ms(name, 0.5)),
                    milliseconds(phase.added_ms(name, 0.99)),
                    milliseconds(phase.added_ms(name, 0.5, first=True)) if first else "",
                    milliseconds(phase.added_ms(name, 0.99, first=True)) if first else "",
                    str(lane.requests),
                    str(lane.bad),
                )
            )
    return ["Latency added over the direct call, ms (until the end; first: until the first chunk)", *table(rows)]


def _cpu(run: Run) -> list[str]:
    rows = [("clients, answer", "target", "µs", "× relay")]
    for phase in (*run.grid, run.long_streams):
        relay = phase.lanes["relay"]
        for name, lane in phase.lanes.items():
            if name != "direct":
                rows.append((_kind(phase), name, f"{lane.cpu_us:.0f}", f"{lane.times_cpu_of(relay):.2f}"))
    return ["CPU for each request", *table(rows)]


def _processes(run: Run) -> list[str]:
    rows = [("process", "ready after s", "memory MB at first", "after load", "idle, % of a core")]
    for name in run.memory_after:
        rows.append(
            (
                name,
                f"{run.start_s[name]:.1f}",
                f"{run.memory_before[name]:.0f}",
                f"{run.memory_after[name]:.0f}",
                f"{run.idle[name] * 100:.2f}",
            )
        )
    return ["Processes", *table(rows)]


def _held(run: Run) -> list[str]:
    if run.holds is None:
        return []
    own, late = run.holds.own, run.holds.late
    return [
        "How long the window holds the loop, charts following five requests a second, ms",
        f"  its own work: longest {max(own) * 1000:.1f}, p99 {percentile(own, 0.99) * 1000:.1f}, "
        f"{sum(one > _FRAME_S for one in own)} of {len(own)} beats longer than a frame",
        f"  with the machine's other work: longest {max(late) * 1000:.1f}, p99 {percentile(late, 0.99) * 1000:.1f}",
    ]


def _marks(run: Run) -> list[str]:
    one_client = run.grid[0]
    ten = next(phase for phase in run.grid if phase.clients == 10 and not phase.chunks)
    ratio = ten.lanes["gateway"].times_cpu_of(ten.lanes["relay"])
    lines = [mark("CPU per exchange headless below 3 × the bare relay's", ratio < 3, f"{ratio:.2f} ×")]
    if "window" in one_client.lanes:
        added = one_client.added_ms("window", 0.5)
        good = added is not None and added < 3
        lines.insert(0, mark("added p50 at one client, window open, below 3 ms", good, f"{milliseconds(added)} ms"))
    judged = "window" if "window" in run.idle else "gateway"
    idle = run.idle[judged] * 100
    lines.append(mark(f"{judged} idle below 1 % of a core", idle < 1, f"{idle:.2f} %"))
    lines += [mark(*found) for found in translation.marks(run.translated)]
    return ["Marks", *lines]


def mark(what: str, good: bool, figure: str) -> str:
    return f"  {'PASS' if good else 'FAIL'}  {what}: {figure}"


def _kind(phase: Phase) -> str:
    return f"{phase.clients:>2}, {f'{phase.chunks} chunks' if phase.chunks else 'whole'}"
