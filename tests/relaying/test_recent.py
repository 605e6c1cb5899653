"""What is kept in memory for next requests: how long, and that it can be forgotten."""

from gateway.relaying.exchange import begun_between, new_id
from gateway.relaying.recent import Recent


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_nobody_asks_for_again_does_not_stay() -> None:
    clock = Clock()
    kept = Recent[str](age_s=60, clock=clock)
    for n in range(3):
        clock.now = n
        kept.put(("k", f"{n}"), "said", 10, "req_1")
    clock.now = 61.5
    kept.let_go()
    assert len(kept) == 1 and kept.size == 10
    clock.now = 63
    kept.put(("k", "new"), "said", 10, "req_1")
    assert len(kept) == 1


def test_what_is_renewed_stays_as_long_as_what_comes_then() -> None:
    clock = Clock()
    kept = Recent[str](age_s=60, clock=clock, entries=2)
    kept.put(("k", "a"), "A", 10, "req_1")
    kept.put(("k", "b"), "B", 10, "req_2")
    clock.now = 50
    kept.renew(("k", "a"))
    kept.renew(("k", "unknown"))
    clock.now = 100
    assert kept.get(("k", "a")) == "A" and kept.get(("k", "b")) is None
    kept.forget_exchanges(frozenset({"req_1"}).__contains__)
    assert len(kept) == kept.size == 0


def test_exchanges_of_a_stretch_are_known_by_their_ids() -> None:
    ids = [new_id(us) for us in (999_999, 1_000_000, 2_000_500, 2_001_000, 3_000_000)]
    assert [begun_between(1_000_000, 2_000_999)(id) for id in ids] == [False, True, True, False, False]
