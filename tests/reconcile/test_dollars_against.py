"""A bill with fewer requests and more dollars than our rows, or the other way round: nothing of it is put on a side."""

import pytest

from tests.reconcile.test_parts import THREE, WHOLE, against, told

HEADER = "time,model,requests,cost"


@pytest.mark.parametrize(("requests", "nano"), [(2, WHOLE + 10_000), (4, WHOLE - 10_000)])
def test_what_goes_against_the_counts_is_not_told_as_missing(requests: int, nano: int) -> None:
    found = against(THREE, HEADER, f"2026-10-14,grok-4.3,{requests},{nano / 1e9:.9f}")
    assert told(found.parts) == [("unexplained", None, WHOLE, nano)]
    assert [day.note for day in found.days] == ["against"]


@pytest.mark.parametrize(("requests", "nano"), [(4, WHOLE + 10_000), (2, WHOLE - 10_000)])
def test_what_goes_with_the_counts_is_missing_on_the_side_that_lacks_it(requests: int, nano: int) -> None:
    kind = "missing_here" if requests > 3 else "missing_there"
    found = against(THREE, HEADER, f"2026-10-14,grok-4.3,{requests},{nano / 1e9:.9f}")
    assert {part.kind: part.difference_nano for part in found.parts} == {"matched": 0, kind: nano - WHOLE}
    assert [day.note for day in found.days] == ["no_rates"]
