"""What an answer used, told from its events: the provider's last word, else what it had said, else bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.events import Delta, Event, Finish, PartEnd, PartStart, Start, StreamError, UsageReport
from gateway.model import FinishReason, Usage
from gateway.relaying.tally import Tally, estimated_tokens

TEXT = (PartStart(0, "text"), Delta(0, "Grüße"), Delta(0, "!"))
FINISH = Finish(FinishReason.STOP)
FIRST = UsageReport(Usage(input_tokens=7, cached_tokens=2, output_tokens=1), final=False)
FINAL = UsageReport(Usage(output_tokens=9, reasoning_tokens=0))
WHOLE = UsageReport(Usage(input_tokens=3, output_tokens=9))


def tallied(*events: Event) -> Tally:
    tally = Tally()
    for event in events:
        tally.feed(event)
    return tally


@pytest.mark.parametrize(
    ("events", "answered", "usage", "source"),
    [
        # The provider's own final count.
        ((*TEXT, FINISH, WHOLE), True, Usage(input_tokens=3, output_tokens=9), "provider"),
        (
            (FIRST, *TEXT, FINISH, FINAL),
            True,
            Usage(input_tokens=7, cached_tokens=2, output_tokens=9, reasoning_tokens=0),
            "provider",
        ),
        ((WHOLE, *TEXT), True, Usage(input_tokens=3, output_tokens=9), "provider"),
        # Counting tokens, or an embedding: nothing was said.
        ((UsageReport(Usage(input_tokens=3)),), True, Usage(input_tokens=3), "provider"),
        # A final count that leaves out what was read, or what was said: it is not nought.
        ((*TEXT, FINISH, FINAL), True, Usage(input_tokens=25, output_tokens=9, reasoning_tokens=0), "estimated"),
        (
            (*TEXT, FINISH, UsageReport(Usage(input_tokens=3, cost_nano=5))),
            True,
            Usage(input_tokens=3, output_tokens=2, cost_nano=5),
            "partial",
        ),
        (
            (*TEXT, FINISH, UsageReport(Usage(cost_nano=5))),
            True,
            Usage(input_tokens=25, output_tokens=2, cost_nano=5),
            "estimated",
        ),
        # Its counts so far, and eight bytes of text.
        ((FIRST, *TEXT), True, Usage(input_tokens=7, cached_tokens=2, output_tokens=2), "partial"),
        ((FIRST,), True, Usage(input_tokens=7, cached_tokens=2, output_tokens=1), "partial"),
        (
            (UsageReport(Usage(input_tokens=7, output_tokens=50), final=False), *TEXT),
            True,
            Usage(input_tokens=7, output_tokens=50),
            "partial",
        ),
        # No count at all.
        (TEXT, True, Usage(input_tokens=25, output_tokens=2), "estimated"),
        ((), True, Usage(input_tokens=25), "estimated"),
        ((Start(id="a"),), True, Usage(input_tokens=25), "estimated"),
        ((), False, Usage(), "none"),
        ((StreamError("no"),), False, Usage(), "none"),
    ],
)
def test_the_verdict(events: tuple[Event, ...], answered: bool, usage: Usage, source: str) -> None:
    assert tallied(*events).verdict(100, answered=answered) == (usage, source)


def test_litellm_37992_a_zero_is_a_count() -> None:
    zero = UsageReport(Usage(input_tokens=0, output_tokens=0))
    assert tallied(*TEXT, FINISH, zero).verdict(100, answered=True) == (
        Usage(input_tokens=0, output_tokens=0),
        "provider",
    )


NOUGHT = UsageReport(Usage(input_tokens=0, cached_tokens=0, output_tokens=0))


@pytest.mark.parametrize(
    ("events", "usage"),
    [
        # After the final count, which stands.
        ((*TEXT, FINISH, WHOLE, NOUGHT), WHOLE.usage),
        ((*TEXT, FINISH, WHOLE, UsageReport(Usage(input_tokens=3, output_tokens=0))), WHOLE.usage),
        # After the first count only: what was said is estimated, as without a last word.
        ((FIRST, *TEXT, FINISH, NOUGHT), Usage(input_tokens=7, cached_tokens=2, output_tokens=2)),
        # What it counted of the output is no estimate.
        (
            (FIRST, *TEXT, FINISH, UsageReport(Usage(input_tokens=0, output_tokens=1))),
            Usage(input_tokens=7, cached_tokens=2, output_tokens=1),
        ),
    ],
)
def test_a_zero_that_takes_back_a_count_is_not_believed_and_the_row_says_so(
    events: tuple[Event, ...], usage: Usage
) -> None:
    tally = tallied(*events)
    assert tally.verdict(100, answered=True) == (usage, "partial")
    assert tally.settled


@pytest.mark.parametrize(
    ("events", "content", "finished", "settled", "failed"),
    [
        ((), False, False, False, False),
        ((Start(id="a", model="m"), FIRST), False, False, False, False),
        ((PartStart(0, "text"),), True, False, False, False),
        ((*TEXT, FINISH), True, True, False, False),
        ((*TEXT, FINISH, FINAL), True, True, True, False),
        ((FINAL, *TEXT, PartEnd(0)), True, False, False, False),
        ((*TEXT, StreamError("broken")), True, False, False, True),
    ],
)
def test_what_was_seen(events: tuple[Event, ...], content: bool, finished: bool, settled: bool, failed: bool) -> None:
    tally = tallied(*events)
    assert (tally.content, tally.finished, tally.settled, tally.failed) == (content, finished, settled, failed)


def test_who_answered() -> None:
    tally = tallied(Start(id="resp-1", model="gpt-4.1-mini-2025-04-14"))
    assert (tally.response_id, tally.model) == ("resp-1", "gpt-4.1-mini-2025-04-14")


@pytest.mark.parametrize(("size", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (400, 100)])
def test_four_bytes_are_a_token(size: int, tokens: int) -> None:
    assert estimated_tokens(size) == tokens


COUNT = st.none() | st.integers(0, 10**6)
REPORT = st.builds(
    UsageReport, st.builds(Usage, input_tokens=COUNT, cached_tokens=COUNT, output_tokens=COUNT), final=st.booleans()
)
EVENTS = st.lists(REPORT | st.builds(Delta, st.just(0), st.text(max_size=40)) | st.just(FINISH), max_size=12)


def said_in(report: UsageReport, name: str) -> bool:
    return getattr(report.usage, name) is not None


@given(EVENTS)
def test_new_api_5003_nothing_is_negative_and_a_report_is_never_forgotten(events: list[Event]) -> None:
    usage, source = tallied(*events).verdict(400, answered=True)
    reports = [event for event in events if isinstance(event, UsageReport)]
    counted = {name for name in ("input_tokens", "output_tokens") for each in reports if said_in(each, name)}
    spoke = any(isinstance(event, Delta) and event.text for event in events)
    assert (source == "estimated") == ("input_tokens" not in counted)
    final = any(report.final for report in reports)
    taken_back = any(
        getattr(later.usage, name) == 0 and getattr(report.usage, name)
        for name in ("input_tokens", "output_tokens")
        for at, report in enumerate(reports)
        for later in reports[at:]
    )
    whole = final and counted >= {"input_tokens", *({"output_tokens"} if spoke else ())}
    assert (source == "provider") == (whole and not taken_back)
    assert usage.input_tokens is not None
    for name in ("input_tokens", "cached_tokens", "output_tokens"):
        value = getattr(usage, name)
        assert value is None or value >= 0
        said = [known for report in reports if (known := getattr(report.usage, name)) is not None]
        if said and source == "provider":
            assert value == said[-1]
