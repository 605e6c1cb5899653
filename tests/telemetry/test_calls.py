"""Which tellings are one call, and which exchange it is: rule by rule, and the same in any order."""

import random
from typing import Any

import pytest

from gateway.model import Message, Request, Response, Role, Text, Usage
from gateway.telemetry.calls import Call, Exchanged, Seen, _Beside, _within, calls_of
from gateway.telemetry.observed import Observed
from gateway.telemetry.observed import Role as Word
from gateway.telemetry.records import Span
from gateway.telemetry.span_tellings import identities_of, usage_of

MS, S = 1_000_000, 1_000_000_000
T, U = "a" * 32, "b" * 32


def seen(
    own_id: str, start: int, end: int, *, trace: str = T, parent: str | None = None, said: bool = True, **more: Any
) -> Seen:
    """A telling of a call from `start` to `end`, in ms."""
    if said:
        more.setdefault("request", Request(model="m", messages=(Message(Role.USER, (Text("Hi?"),)),)))
    span = Span(trace_id=trace, span_id=own_id, parent_span_id=parent, start_ns=start * MS, end_ns=end * MS)
    return Seen(span, Observed(**{"reader": "r", "role": Word.INFERENCE, "model_requested": "m", **more}))


def exchanged(number: int, start: int, end: int, **more: Any) -> Exchanged:
    fields: dict[str, Any] = {
        "turn": number,
        "request_id": f"req_{number}",
        "trace_id": None,
        "caller_span_id": None,
        "response_ids": frozenset(),
        "models": frozenset({"m"}),
        "user": None,
        "started_us": start * 1000,
        "ended_us": end * 1000,
    }
    return Exchanged(**{**fields, **more})


def told(calls: tuple[Call, ...]) -> set[tuple[frozenset[str], tuple[str, ...], str | None, bool]]:
    return {
        (
            frozenset(each.span.span_id for each in call.tellings),
            tuple(each.request_id for each in call.exchanges),
            call.joined,
            call.inferred,
        )
        for call in calls
    }


def alike(
    tellings: list[Seen], exchanges: list[Exchanged]
) -> set[tuple[frozenset[str], tuple[str, ...], str | None, bool]]:
    """What comes of them, in any order the same."""
    result = told(calls_of(tellings, exchanges))
    draw = random.Random(7)
    for _ in range(20):
        draw.shuffle(tellings)
        draw.shuffle(exchanges)
        assert told(calls_of(tellings, exchanges)) == result
    return result


def only(*spans: str) -> tuple[frozenset[str], tuple[str, ...], None, bool]:
    return frozenset(spans), (), None, False


def test_the_callers_span_decides_before_all_else() -> None:
    one, other = seen("s1", 0, 100), seen("s2", 0, 100)
    found = alike([one, other], [exchanged(1, 10, 90, trace_id=T, caller_span_id="s2")])
    assert found == {only("s1"), (frozenset({"s2"}), ("req_1",), "parent", False)}


def test_a_span_between_the_call_and_the_exchange_does_not_part_them() -> None:
    http = seen("h", 5, 95, parent="s1", role=Word.GLUE, model_requested=None)
    found = alike([seen("s1", 0, 100), http], [exchanged(1, 10, 90, trace_id=T, caller_span_id="h")])
    assert found == {(frozenset({"s1"}), ("req_1",), "parent", False)}


def test_a_tool_that_calls_a_model_itself_is_not_the_call_around_it() -> None:
    tool = seen("t", 5, 95, parent="s1", role=Word.TOOL, model_requested=None)
    found = alike([seen("s1", 0, 100), tool], [exchanged(1, 10, 90, trace_id=T, caller_span_id="t")])
    assert found == {only("s1")}


def test_one_answers_id_is_one_call_in_whatever_traces() -> None:
    one = seen("s1", 0, 100, response_id="x")
    other = seen("s2", 0, 100, trace=U, response_id="x", native=True, said=False)
    found = alike([one, other], [exchanged(1, 500, 900, response_ids=frozenset({"x"}))])
    assert found == {(frozenset({"s1", "s2"}), ("req_1",), "id", False)}
    # The one that says what was said stands for both.
    assert calls_of([other, one], [])[0].tellings[0] is one


def test_the_requests_own_id_joins_as_the_answers_does() -> None:
    """Claude Code says the one that stands in our answer's headers."""
    found = alike([seen("s1", 0, 100, response_id="req_1"), seen("s2", 500, 900)], [exchanged(1, 510, 890)])
    assert found == {(frozenset({"s1"}), ("req_1",), "id", False), only("s2")}


def test_different_ids_are_never_one_call() -> None:
    inner = seen("s2", 10, 90, parent="s1", response_id="y", native=True)
    found = alike(
        [seen("s1", 0, 100, response_id="x"), inner],
        [exchanged(1, 20, 80, response_ids=frozenset({"z"}))],
    )
    assert found == {only("s1"), only("s2")}
    alone = seen("s1", 0, 100, response_id="x")
    assert alike([alone], [exchanged(1, 10, 90, response_ids=frozenset({"z"}))]) == {only("s1")}
    assert len(alike([alone], [exchanged(1, 10, 90)]) - {only("s1")}) == 1


def test_an_id_that_two_exchanges_have_is_nobodys() -> None:
    """A provider that counts its answers from one after each start."""
    tellings = [seen(f"s{at}", at, 900, response_id=f"req_{at}") for at in (1, 2)]
    tellings.append(seen("s3", 3, 900, response_id="x"))
    found = alike(tellings, [exchanged(at, 10, 90, response_ids=frozenset({"x"})) for at in (1, 2)])
    assert found == {
        (frozenset({"s1"}), ("req_1",), "id", False),
        (frozenset({"s2"}), ("req_2",), "id", False),
        only("s3"),
    }


def test_a_third_telling_does_not_bring_two_ids_together() -> None:
    spans = [
        seen("s1", 0, 100, response_id="x"),
        seen("s2", 10, 90, parent="s1"),
        seen("s3", 20, 80, parent="s2", response_id="y"),
    ]
    calls = calls_of(spans, [])
    assert sum(len(call.tellings) for call in calls) == 3
    for call in calls:
        ids = {each.observed.response_id for each in call.tellings} - {None}
        assert len(ids) <= 1


def test_nested_calls_without_ids_are_one() -> None:
    assert alike([seen("s1", 0, 100), seen("s2", 0, 100, parent="s1")], []) == {only("s1", "s2")}


def test_an_sdks_own_span_beside_anothers_is_the_same_call_if_nothing_else_is() -> None:
    native = seen("n", 10, 90, trace=U, native=True, said=False)
    assert alike([seen("s1", 0, 100), native], []) == {only("s1", "n")}
    # Two may be meant: both stay apart.
    both = [seen("s1", 0, 100), seen("s2", 0, 100), native]
    assert alike(both, []) == {only("s1"), only("s2"), only("n")}
    # Another model, and another time.
    assert len(alike([seen("s1", 0, 100, model_requested="o"), native], [])) == 2
    assert len(alike([seen("s1", 500, 600), native], [])) == 2


def test_time_key_and_model_join_what_has_no_id_and_say_so() -> None:
    assert alike([seen("s1", 0, 100)], [exchanged(1, 10, 90)]) == {(frozenset({"s1"}), ("req_1",), "time", True)}


def test_who_counts_nearest_to_the_wire_is_believed_and_identities_have_one_order() -> None:
    def counted(input_tokens: int) -> Response:
        return Response(usage=Usage(input_tokens=input_tokens, output_tokens=1))

    app = seen("s1", 0, 100, response=counted(7))
    native = seen("a2", 10, 90, parent="s1", native=True, said=False, response=counted(9))
    silent = seen("s3", 20, 80, parent="a2", native=True, said=False, response=Response(usage=Usage()))
    log = seen("log", 40, 60, from_session=True, span_id="s1", identity="i")
    (call,) = calls_of([app, native, silent, log], [])
    assert usage_of(call).input_tokens == 9
    (alone,) = calls_of([app], [])
    assert usage_of(alone).input_tokens == 7
    assert identities_of(call) == (f"span {T}/a2", f"span {T}/s1", f"span {T}/s3", "log i")


def test_what_is_ambiguous_stays_apart() -> None:
    assert alike([seen("s1", 0, 100)], [exchanged(1, 10, 90), exchanged(2, 20, 80)]) == {only("s1")}
    assert alike([seen("s1", 0, 100), seen("s2", 0, 100)], [exchanged(1, 10, 90)]) == {only("s1"), only("s2")}


def in_a_row(clocks_differ_ms: int, calls: int = 5) -> set[tuple[frozenset[str], tuple[str, ...], str | None, bool]]:
    """Calls of 8 ms, one 2 ms after the other, as a model on the same machine answers them."""
    tellings = [seen(f"s{number}", 1000 + 10 * number, 1008 + 10 * number) for number in range(calls)]
    begins = [1002 + clocks_differ_ms + 10 * number for number in range(calls)]
    return alike(tellings, [exchanged(number, begin, begin + 5) for number, begin in enumerate(begins)])


def test_calls_in_a_row_that_are_shorter_than_clocks_differ_are_told_by_where_each_began() -> None:
    assert in_a_row(0) == {(frozenset({f"s{number}"}), (f"req_{number}",), "time", True) for number in range(5)}
    # Of clocks that do differ one is left over, and nothing says which; nor where another calls in between.
    assert in_a_row(10) == in_a_row(-9) == {only(f"s{number}") for number in range(5)}
    twins = [exchanged(1, 2, 7), exchanged(2, 12, 17), exchanged(3, 8, 9)]
    assert alike([seen("s1", 1, 8), seen("s2", 11, 18)], twins) == {only("s1"), only("s2")}


@pytest.mark.parametrize("clocks_differ_ms", [10, -10, 20, -30, 40])
def test_in_the_midst_of_a_long_row_no_call_is_taken_for_its_neighbour(clocks_differ_ms: int) -> None:
    """Farther from its ends than clocks may differ, each seems to have an exchange, and it is another's."""
    assert in_a_row(clocks_differ_ms, 60) == {only(f"s{number}") for number in range(60)}
    assert all(joined == "time" for _, _, joined, _ in in_a_row(0, 60))


def test_what_a_row_still_has_to_tell_of_keeps_none_of_its_beginning_apart() -> None:
    tellings = [seen(f"s{number}", 10 * number, 8 + 10 * number) for number in range(20)]
    later = [exchanged(number, 10 * number + 2, 10 * number + 7) for number in range(25)]
    joined = {requests for _, requests, _, _ in alike(tellings, later) if requests}
    assert joined == {(f"req_{number}",) for number in range(15)}


def test_a_call_with_one_candidate_is_joined_whatever_begins_its_row() -> None:
    twins = [seen("s1", 0, 100), seen("s2", 0, 100), seen("s3", 160, 400)]
    calls = alike(twins, [exchanged(1, 10, 90), exchanged(2, 20, 90), exchanged(3, 240, 390)])
    assert (frozenset({"s3"}), ("req_3",), "time", True) in calls and only("s1") in calls


def test_what_cannot_be_is_not_joined_by_time() -> None:
    span = seen("s1", 100, 200, users=(("user.id", "ann"),))
    for other in (
        exchanged(1, 20, 90),
        exchanged(1, 110, 290),
        exchanged(1, 110, 190, models=frozenset({"o"})),
        exchanged(1, 110, 190, user="bob"),
        exchanged(1, 110, 190, outcome="running"),
        exchanged(1, 110, 190, trace_id=U, caller_span_id="c" * 16),
    ):
        assert alike([span], [other]) == {only("s1")}
    assert len(alike([span], [exchanged(1, 110, 190, user="ann")])) == 1
    assert calls_of([span], [exchanged(1, 110, 190, user="ann")])[0].joined == "time"
    # Two clocks are never quite the same.
    assert calls_of([span], [exchanged(1, 60, 240, user="ann")])[0].joined == "time"


def test_what_failed_is_not_what_was_answered() -> None:
    failed = seen("s1", 100, 200, error_type="429")
    exchanges = [exchanged(1, 110, 190), exchanged(2, 120, 180, outcome="error")]
    assert alike([failed], exchanges) == {(frozenset({"s1"}), ("req_2",), "time", True)}


def test_a_caller_that_was_not_exported_leaves_its_trace() -> None:
    """Sampled out, or an HTTP library's span that nobody sends: the exchange names it, and time finds the call."""
    found = alike([seen("s1", 0, 100)], [exchanged(1, 10, 90, trace_id=T, caller_span_id="gone")])
    assert found == {(frozenset({"s1"}), ("req_1",), "time", True)}


def test_attempts_of_one_call_are_all_its_own() -> None:
    failed = exchanged(1, 10, 20, trace_id=T, caller_span_id="s1", outcome="error")
    again = exchanged(2, 40, 90, trace_id=T, caller_span_id="s1")
    (call,) = calls_of([seen("s1", 0, 100)], [again, failed])
    assert [each.request_id for each in call.exchanges] == ["req_1", "req_2"] and call.joined == "parent"


def test_a_log_record_is_of_the_span_that_it_names() -> None:
    log = seen("log", 40, 60, from_session=True, span_id="s1", identity="i")
    assert alike([seen("s1", 0, 100), seen("s2", 0, 100), log], []) == {only("s1", "log"), only("s2")}


def test_spans_that_are_their_own_parents_end() -> None:
    loop = [seen("s1", 0, 100, parent="s2"), seen("s2", 0, 100, parent="s1")]
    assert alike(loop, []) == {only("s1", "s2")}


def test_what_lasts_for_long_leaves_the_work_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    """A span around a whole session is near to all its calls: each was held against all that came before it."""
    compared = 0

    def within(inner: Seen, outer: Seen) -> bool:
        nonlocal compared
        compared += 1
        return _within(inner, outer)

    monkeypatch.setattr("gateway.telemetry.calls._within", within)
    calls = 600
    tellings = [seen("session", -10, calls * 1000)]
    for number in range(calls):
        tellings.append(seen(f"app-{number}", number * 1000, number * 1000 + 500))
        tellings.append(seen(f"sdk-{number}", number * 1000 + 100, number * 1000 + 400, trace=U, native=True))
    assert len(calls_of(tellings, [])) == 2 * calls + 1
    assert compared < 300 * calls


class _Counted(int):
    compared = 0

    def __ge__(self, other: int) -> bool:
        _Counted.compared += 1
        return int(self) >= other


def test_of_thousands_of_calls_those_that_last_are_found_by_few_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lasts for a whole session makes all that came before every call near to it."""
    monkeypatch.setattr("gateway.telemetry.calls._BLOCK", 8)
    calls = 6000
    times = [(0, calls * S), *((n * S, n * S + MS) for n in range(1, calls))]
    observed = seen("s", 0, 0).observed
    spans = [Span(trace_id=T, span_id=f"{start}", start_ns=start, end_ns=_Counted(end)) for start, end in times]
    beside = _Beside([[Seen(span, observed)] for span in spans], {})
    _Counted.compared, looks = 0, range(100, calls, 100)
    for n in looks:
        assert list(beside._near(0, n + 1, n * S, n * S + MS)) == [0, n]
    assert _Counted.compared < 80 * len(looks)


@pytest.mark.parametrize("block", [2, 3, 64])
def test_what_lasts_is_what_a_plain_search_finds(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr("gateway.telemetry.calls._BLOCK", block)
    rng = random.Random(block)
    for size in (1, 2, 7, 90):
        others = [[seen(f"{n}", start := rng.randrange(300), start + rng.randrange(200))] for n in range(size)]
        beside = _Beside(others, {})
        ends = [group[0].span.end_ns for group in beside._others]
        for _ in range(50):
            first, last, until = rng.randrange(size), rng.randrange(size + 1), rng.randrange(500) * MS
            plain = [place for place in range(first, last) if ends[place] >= until]
            assert list(beside._lasting(0, first, last, until)) == plain


@pytest.mark.parametrize("number", [3, 69])
def test_beside_one_that_is_around_many_nobody_is_the_only_one(number: int) -> None:
    calls = [seen(f"{n}", n * 1000, n * 1000 + 500) for n in range(70)]
    around = seen("around", 0, 70_000, trace=U, native=True)
    native = seen("sdk", number * 1000 + 100, number * 1000 + 400, trace=U, native=True)
    assert only(f"{number}", "sdk") in alike([*calls, native], [])
    assert only("sdk") in alike([*calls, native, around], [])
