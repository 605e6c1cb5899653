"""Codex's spans without its machinery, in whatever order and batches they come."""

import random
from typing import Any

import pytest
from msgspec import structs

from gateway.telemetry.records import Scope, Span, SpanEvent, SpanLink
from gateway.telemetry.span_thinning import SpanThinning, keep
from tests.telemetry.sessions import TRACE, decoded

FILES = ("codex.session-chat.traces.pb", "codex.session-chat.traces.02.pb")
# All that say a conversation, a turn or what was used, and all around them.
KEPT = {
    "codex.exec", "turn/start", "op.dispatch.turn_input", "codex.turn_input", "session_task.turn", "session_task.run",
    "run_turn", "run_sampling_request", "try_run_sampling_request", "receiving_stream", "handle_responses",
    "codex.sampling", "step_context.capture", "mcp.runtime.resolve_for_step",
}  # fmt: skip


def recorded() -> list[Span]:
    return [span for file in FILES for span in decoded(file).spans]


def span(name: str, parent: str | None = None, service: str = "codex_exec", **attributes: str) -> Span:
    said = {key.replace("_", "."): value for key, value in attributes.items()}
    return Span(
        trace_id=TRACE,
        span_id=name,
        parent_span_id=parent,
        name=name,
        attributes=said,
        resource={"service.name": service},
        scope=Scope(service),
    )


def test_a_turn_of_sixty_spans_is_thinned_to_those_that_tell() -> None:
    spans = recorded()
    kept = SpanThinning().kept(spans)
    assert len(spans) == 60
    assert {one.name for one in kept} == KEPT
    assert len(kept) == len(KEPT)
    (counted,) = [one for one in kept if one.name == "handle_responses"]
    assert counted.attributes["gen_ai.usage.input_tokens"] == 80


def test_order_and_batches_make_no_difference() -> None:
    spans = recorded()
    for seed in range(10):
        draws = random.Random(seed)
        draws.shuffle(spans)
        thinning, kept, rest = SpanThinning(), list[Span](), list(spans)
        while rest:
            size = draws.randrange(1, 20)
            kept += thinning.kept(rest[:size])
            rest = rest[size:]
        assert {one.name for one in kept} == KEPT
        assert len(kept) == len(KEPT)


def test_ancestors_hold_the_tree_together() -> None:
    parents = {one.span_id: one.parent_span_id for one in recorded()}
    kept = {one.span_id for one in SpanThinning().kept(recorded())}
    assert all(parents[one] in kept for one in kept if parents.get(parents[one] or "") is not None)


def test_a_span_that_is_sent_again_comes_out_again() -> None:
    """The store knows its spans; a later copy may hold more."""
    thinning, telling = SpanThinning(), span("a", conversation_id="c")
    assert thinning.kept([telling]) == [telling]
    later = structs.replace(telling, end_ns=5)
    assert thinning.kept([later]) == [later]


def test_spans_of_others_are_never_thinned() -> None:
    others = [span(f"s{n}", parent="s0", service="my-app") for n in range(50)]
    assert SpanThinning().kept(others) == others
    assert all(keep(one) for one in others)
    assert not keep(span("fs.read_file"))


def test_what_is_remembered_is_bounded() -> None:
    thinning = SpanThinning(most=10)
    for n in range(100):
        assert thinning.kept([span(f"noise{n}", parent=f"gone{n}")]) == []
    assert [one.name for one in thinning.kept([span("leaf", parent="noise99", turn_id="t")])] == ["leaf", "noise99"]
    assert [one.name for one in thinning.kept([span("leaf2", parent="noise3", turn_id="t")])] == ["leaf2"]


def test_what_is_put_aside_is_bounded_in_bytes() -> None:
    thinning = SpanThinning(most_bytes=100_000)
    for n in range(20):
        assert thinning.kept([span(f"noise{n}", parent="gone", text="x" * 20_000)] * 2) == []
    leaves = [span(f"leaf{n}", parent=f"noise{n}", turn_id="t") for n in range(20)]
    kept = {one.name for one in thinning.kept(leaves)} - {leaf.name for leaf in leaves}
    assert kept == {"noise16", "noise17", "noise18", "noise19"}


LARGE = "x" * 20_000


@pytest.mark.parametrize(
    "held",
    [
        {"trace_state": LARGE},
        {"status_message": LARGE},
        {"links": (SpanLink(trace_id=TRACE, span_id="s", attributes={"said": LARGE}),)},
        {"events": (SpanEvent(name="e", attributes={"said": LARGE}),)},
        {"resource": {"service.name": "codex_exec", "said": LARGE}},
        {"scope": Scope("codex_exec", attributes={"said": LARGE})},
    ],
    ids=lambda held: next(iter(held)),
)
def test_all_that_a_span_holds_counts_while_it_is_put_aside(held: dict[str, Any]) -> None:
    thinning = SpanThinning(most_bytes=100_000)
    for n in range(20):
        thinning.kept([structs.replace(span(f"noise{n}", parent="gone"), **held)])
    kept = thinning.kept([span(f"leaf{n}", parent=f"noise{n}", turn_id="t") for n in range(20)])
    assert len(kept) == 20 + 4


def test_a_span_comes_out_for_nobody_but_whose_it_is() -> None:
    thinning = SpanThinning()
    assert thinning.kept([span("root")], "key_1") == []
    leaf = span("leaf", parent="root", turn_id="t")
    assert thinning.kept([leaf], "key_2") == [leaf]
    assert [one.name for one in thinning.kept([leaf], "key_1")] == ["leaf", "root"]


def test_what_stands_around_another_senders_span_is_no_business_of_codexs() -> None:
    thinning, web = SpanThinning(), span("web", parent="noise", service="web")
    assert thinning.kept([web]) == [web]
    assert thinning.kept([span("noise")]) == []
