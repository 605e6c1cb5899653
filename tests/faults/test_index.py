"""No known fault loses its test when tests are renamed or moved."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.faults.index import COUNTS, FAULTS, PITFALLS, STORAGE

TESTS = Path(__file__).parents[1]


@cache
def functions(path: str) -> frozenset[str]:
    """The test functions of a file, as pytest collects them."""
    tree = ast.parse((TESTS / path).read_text())
    found = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in found if node.name.startswith("test_"))


@pytest.mark.parametrize("fault", [*FAULTS, *COUNTS, *STORAGE, *(f"pitfall {number}" for number in PITFALLS)])
def test_a_known_fault_has_its_tests(fault: str) -> None:
    nodes = FAULTS.get(fault) or COUNTS.get(fault) or STORAGE.get(fault) or PITFALLS[fault.removeprefix("pitfall ")]
    assert nodes
    for node in nodes:
        path, _, name = node.partition("::")
        assert name in functions(path), node


def test_none_is_left_out() -> None:
    assert (len(FAULTS), len(COUNTS), len(STORAGE)) == (19, 30, 16)
    assert list(PITFALLS) == [
        *map(str, range(1, 23)), "22b", "22c", *map(str, range(23, 40)), "39b", "39c", *map(str, range(40, 62))
    ]  # fmt: skip
