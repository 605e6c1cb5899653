"""Random histories of every door, said anew in every other dialect: in an order that the provider takes, and nothing
of them is missing that is not named."""

import json
import random

import pytest

from gateway.dialects import DIALECTS
from gateway.model import Target
from tests.dialects.histories import DOORS, check, history, missing

PAIRS = [(door, dialect) for door in DOORS for dialect in DIALECTS if dialect != door]


@pytest.mark.parametrize("thinking", ["", "level"])
@pytest.mark.parametrize(("door", "dialect"), PAIRS)
def test_a_history_arrives_in_order_and_whole(door: str, dialect: str, thinking: str) -> None:
    for seed in range(60):
        body, marks, files = history(door, random.Random(seed))
        request = DIALECTS[door].parse_request(body, "m" if door == "gemini" else None, None)
        target = Target(model="m", thinking=thinking, system_turns=bool(thinking))
        rendered = DIALECTS[dialect].render_request(request, target)
        sent = json.loads(rendered.body)
        check(dialect, sent)
        names = [name for name in rendered.dropped if name.endswith(("filename", "title"))]
        assert not missing(marks, sent), seed
        assert bool(missing(files, sent)) == bool(names), (seed, missing(files, sent), rendered.dropped)
