"""4 doors × 4 providers × 14 features × whole and streamed: 448 cells, each with its expectation from the table.

A cell that is carried compares values at both ends; one that is refused has a 400 that names the door's own field, and
the provider is not called; what is dropped or adapted is named in the answer's headers and on the row.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from gateway.dialects.verdicts import Verdict
from gateway.records import ExchangeRecord
from gateway.store.usage import UsageStore
from tests.endtoend.matrix.anthropic_door import AnthropicDoor
from tests.endtoend.matrix.chat_door import ChatDoor
from tests.endtoend.matrix.expectation import expected
from tests.endtoend.matrix.features import FEATURES, PROVIDERS, Exchange, Stage
from tests.endtoend.matrix.gemini_door import GeminiDoor
from tests.endtoend.matrix.responses_door import ResponsesDoor
from tests.endtoend.matrix.scenario import Ask, Door, Heard
from tests.endtoend.serving import USAGE, Served, opened
from tests.provider.client import ProviderProcess


@dataclass(frozen=True)
class Cell:
    feature: str
    door: str
    provider: str
    mode: str

    @property
    def ask(self) -> Ask:
        return FEATURES[self.feature].asked(self.provider)


DOORS = {"chat": ChatDoor, "responses": ResponsesDoor, "anthropic": AnthropicDoor, "gemini": GeminiDoor}
MODES = {"whole": False, "streamed": True}
GROUPS = list(itertools.product(FEATURES, DOORS, PROVIDERS))
CELLS = [
    pytest.param(Cell(*group, mode), id="-".join((group[1], group[2], group[0], mode)))
    for group in GROUPS
    for mode in MODES
]


class World:
    """One gateway and one provider for all cells.

    A feature's cells are played together before their rows are waited for: the gateway writes rows in groups.
    """

    def __init__(self, gateway: Served, provider: ProviderProcess, store: UsageStore) -> None:
        self.gateway = gateway
        self.provider = provider
        self._store = store
        self._played: dict[Cell, Stage | Exception] = {}
        self.doors: dict[str, Door] = {name: make(gateway.url, gateway.key()) for name, make in DOORS.items()}

    def row(self, request_id: str) -> ExchangeRecord:
        found = self._store.request(request_id)
        assert found is not None
        return found

    def stage(self, cell: Cell) -> Stage:
        talker = self.doors[cell.door]
        return Stage(
            open=talker.talk,
            headers=lambda: talker.wire.headers,
            provider=self.provider,
            provider_name=cell.provider,
            door=talker.name,
            streamed=MODES[cell.mode],
            # The same for both modes, another one for every other cell.
            seed=1 + GROUPS.index((cell.feature, cell.door, cell.provider)),
            expected=expected(talker.name, cell.feature, cell.ask),
        )

    def play(self, cells: list[Cell]) -> None:
        """Raises nothing: what a cell raised is its own test's."""
        self._forget()
        for cell in cells:
            stage = self.stage(cell)
            try:
                if stage.expected.verdict is Verdict.REFUSED:
                    play_refused(self, stage, cell)
                    # The order for an answer that was never given.
                    self._forget()
                else:
                    FEATURES[cell.feature].play(stage, cell.ask)
                self._played[cell] = stage
            except Exception as error:
                self._played[cell] = error
                self._forget()
        self.gateway.settle()

    def _forget(self) -> None:
        """Orders and entries that are not this cell's."""
        self.provider.clear()
        self.provider.fresh()

    def played(self, cell: Cell, together: list[Cell]) -> Stage:
        if cell not in self._played:
            self.play(together)
        found = self._played[cell]
        if isinstance(found, Exception):
            raise found
        return found

    def heard(self, cell: Cell) -> list[Heard] | None:
        """What this cell's client heard; None where it was not played to its end."""
        found = self._played.get(cell)
        return [exchange.heard for exchange in found.exchanges] if isinstance(found, Stage) else None


@pytest.fixture(scope="module")
def world(gateway: Served, provider: ProviderProcess) -> Iterator[World]:
    with opened(gateway.folder) as store:
        made = World(gateway, provider, store)
        try:
            yield made
        finally:
            for door in made.doors.values():
                door.close()


@pytest.fixture(scope="module")
def collected(request: pytest.FixtureRequest) -> list[Cell]:
    """The cells of this run."""
    items = [item for item in request.session.items if getattr(item, "originalname", "") == "test_cell"]
    return [item.callspec.params["cell"] for item in items if isinstance(item, pytest.Function)]


@pytest.mark.parametrize("cell", CELLS)
def test_cell(world: World, cell: Cell, collected: list[Cell]) -> None:
    stage = world.played(cell, [each for each in collected if each.feature == cell.feature])
    if stage.expected.verdict is Verdict.REFUSED:
        row = world.row(stage.refused_id)
        assert (row.status, row.outcome, row.door) == (400, "error", stage.door)
        return
    assert stage.exchanges
    for exchange in stage.exchanges:
        check_row(world, stage, exchange)
    check_names(world, stage, cell)
    other = world.heard(replace(cell, mode="whole" if cell.mode == "streamed" else "streamed"))
    assert other is None or world.heard(cell) == other


def play_refused(world: World, stage: Stage, cell: Cell) -> None:
    door = world.doors[cell.door]
    with pytest.raises(door.errors) as raised:
        FEATURES[cell.feature].play(stage, cell.ask)
    stage.refused_id = door.wire.headers["x-request-id"]
    assert door.status(raised.value) == 400
    # Providers write places in several ways.
    told = re.sub(r"\.?\[\d+\]|\.\d+(?=\.)", "[]", str(raised.value))
    assert any(name in told for name in stage.expected.fields), told
    # Where the request passes as it came, its provider is the one who refuses.
    statuses = [entry["status"] for entry in world.provider.fresh()]
    assert statuses == ([400] if stage.expected.verbatim else [])


def check_names(world: World, stage: Stage, cell: Cell) -> None:
    """What was lost on the way, as the headers and the rows have it: exactly what the table says."""
    named: dict[str, set[str]] = {"dropped": set(), "adapted": set()}
    for exchange in stage.exchanges:
        row = world.row(exchange.request_id)
        for word, stored in (("dropped", row.dropped), ("adapted", row.adapted)):
            told = exchange.headers.get(f"x-faregate-{word}", "")
            assert told == ", ".join(stored)
            named[word] |= set(stored)
    wanted: dict[str, set[str]] = {"dropped": set(), "adapted": set()}
    if stage.expected.verdict.value in wanted:
        wanted[stage.expected.verdict.value] = {stage.expected.fields[0]}
    if beside := FEATURES[cell.feature].beside.get((stage.door, cell.provider)):
        row, name = beside
        loss = expected(stage.door, row, cell.ask)
        assert name in loss.fields
        wanted[loss.verdict.value] |= {name}
    assert named == wanted


def check_row(world: World, stage: Stage, exchange: Exchange) -> None:
    """Three books tell the same: the client's SDK, the gateway's row and the provider's ledger."""
    row, entry, counts = world.row(exchange.request_id), exchange.entry, exchange.heard.counts
    assert row.upstream_request_id == entry["request_id"]
    assert (row.outcome, row.status, row.usage_source) == ("ok", 200, "provider")
    assert (row.door, row.provider, row.model, row.streamed) == (
        stage.door,
        stage.provider_name,
        entry["model"],
        stage.streamed,
    )
    for name in ("input", "cached", "output", "reasoning"):
        stored = getattr(row, f"{name}_tokens")
        assert stored == entry[name], name
        told = getattr(counts, name)
        assert (told or 0) == (stored or 0), name
    assert row.cache_write_tokens == entry["cache_write"]
    assert counts.cache_write is None or counts.cache_write == (row.cache_write_tokens or 0)


def test_the_read_api_tells_what_every_client_was_told_of_the_cache(world: World) -> None:
    cells = [cell for param in CELLS if isinstance(cell := param.values[0], Cell) and cell.feature == "usage_cache"]
    told = [exchange for cell in cells for exchange in world.played(cell, cells).exchanges]
    rows = world.gateway.get(f"{USAGE}/requests?limit=1000")["data"]
    found = {row["id"]: row for row in rows}
    assert len(told) == 64
    for exchange in told:
        row, counts = found[exchange.request_id], exchange.heard.counts
        assert (row["input_tokens"], row["cached_tokens"], row["output_tokens"]) == (
            counts.input,
            counts.cached,
            counts.output,
        )
        assert counts.cache_write in (None, row["cache_write_tokens"] or 0)
        assert row["reasoning_tokens"] == exchange.entry["reasoning"]


def test_there_are_448_cells_and_none_is_left_out(collected: list[Cell]) -> None:
    assert len(CELLS) == len({param.id for param in CELLS}) == 4 * 4 * 14 * 2 == 448
    marks = [mark.name for param in CELLS for mark in param.marks]
    assert not marks
    print(f"{len(CELLS)} cells, {len(collected)} of them in this run")
