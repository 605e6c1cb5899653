"""A turn's figures in words, with a mark where they are estimates. Pure."""

from collections.abc import Callable, Iterable, Sequence

from app import formats, sources
from app.tables.column import milliseconds
from app.translation import Words, counted, later, tr
from gateway import CacheMiss, Figures, ThreadRow, Turn

Title = Callable[[str], str]
_LISTED_PLACES = 4
_ESTIMATED = frozenset(("estimated", "partial"))

MISS_WORDS = Words(
    {
        "changed": later("earlier messages had changed"),
        "tools_moved": later("the tools stood in another order"),
        "tools_changed": later("the tools had changed"),
        "system_changed": later("the system prompt had changed"),
        "expired": later("it had expired"),
        "model_changed": later("another model was asked"),
        "unknown": later("the provider does not say why"),
    }
)
BRANCH_WORDS = Words({"edited": later("edited"), "retry": later("asked again")})
ASIDE_TITLES = Words(
    {"sub_agent": later("Sub-agent"), "parallel": later("In parallel"), "side": later("On the side")}
)
SOURCE_WORDS = Words({"gateway": later("gateway"), "span": later("app"), "log": later("app's log")})


def estimated_input(turn: Turn) -> bool:
    return turn.usage_source == "estimated"


def estimated_output(turn: Turn) -> bool:
    return turn.usage_source in _ESTIMATED


def holds_estimates(row: ThreadRow) -> bool:
    """The same of any turn of a conversation."""
    return not _ESTIMATED.isdisjoint(row.usage_sources)


def estimated_cost(turn: Turn) -> bool:
    return turn.cost_source in ("list", "override") and estimated_output(turn)


def cost(turn: Turn) -> str:
    return sources.marked_money(turn.cost_nano, estimated_cost(turn))


def model(turn: Turn) -> str:
    return turn.model or turn.model_requested or tr("unknown model")


def models(turns: Iterable[Turn]) -> str:
    """The one that answered, or the first and how many others did."""
    first, *others = dict.fromkeys(map(model, turns))
    return f"{first} +{len(others)}" if others else first


def tokens(turn: Turn) -> str:
    """ "3,210 in (2,100 cached) · 412 out (120 reasoning)"; what is unknown is left out, and all of it says so."""
    words = []
    if turn.input_tokens is not None:
        cached = tr(" ({count} cached)").format(count=formats.count(turn.cached_tokens)) if turn.cached_tokens else ""
        words.append(
            sources.marked(formats.count(turn.input_tokens), turn.usage_source == "estimated")
            + tr(" in{cached}").format(cached=cached)
        )
    if turn.output_tokens is not None:
        thought = (
            tr(" ({count} reasoning)").format(count=formats.count(turn.reasoning_tokens))
            if turn.reasoning_tokens
            else ""
        )
        words.append(
            sources.marked(formats.count(turn.output_tokens), estimated_output(turn))
            + tr(" out{thought}").format(thought=thought)
        )
    return " · ".join(words) or tr("tokens not counted")


def times(turn: Turn) -> str:
    streamed = turn.ttft_us is not None and turn.ttft_us != turn.latency_us
    first = tr(" (TTFT {duration})").format(duration=formats.duration(milliseconds(turn.ttft_us))) if streamed else ""
    return f"{formats.duration(milliseconds(turn.latency_us))}{first}" if turn.latency_us is not None else ""


class RunningTotal:
    """What the turns so far cost: what is priced, and how many lack a price."""

    def __init__(self) -> None:
        self._priced: int | None = None
        self._unpriced = 0
        self._marked = False

    def add(self, turn: Turn) -> None:
        if turn.cost_nano is None:
            self._unpriced += turn.unpriced
        else:
            self._priced = (self._priced or 0) + turn.cost_nano
            self._marked = self._marked or estimated_cost(turn)

    @property
    def words(self) -> str:
        if self._priced is None:
            return ""
        text = tr("{cost} so far").format(cost=sources.marked_money(self._priced, self._marked))
        return (
            tr("{text}, {unpriced:,} unpriced").format(text=text, unpriced=self._unpriced) if self._unpriced else text
        )


def cache_miss(miss: CacheMiss) -> str:
    reason = MISS_WORDS.get(miss.reason, miss.reason)
    price = tr(", {cost} more").format(cost=formats.money(miss.cost_nano)) if miss.cost_nano is not None else ""
    where = tr(" First difference: {where}.").format(where=miss.where) if miss.where else ""
    return tr("Prompt cache missed: {reason}. {lost_tokens} tokens were paid for again{price}.{where}").format(
        reason=reason, lost_tokens=formats.count(miss.lost_tokens), price=price, where=where
    )


def differing(turn: Turn) -> list[str]:
    """Each figure of another telling that is not the shown one: "app says 1,204 in, gateway says 1,210"."""
    own = SOURCE_WORDS.get(turn.sources[0], turn.sources[0]) if turn.sources else "gateway"
    return [line for figures in turn.other_figures for line in _differences(turn, figures, own)]


def _differences(turn: Turn, figures: Figures, own: str) -> list[str]:
    other = SOURCE_WORDS.get(figures.source, figures.source)
    compared = (
        (tr("input tokens"), figures.input_tokens, turn.input_tokens, formats.count),
        (tr("cached tokens"), figures.cached_tokens, turn.cached_tokens, formats.count),
        (tr("output tokens"), figures.output_tokens, turn.output_tokens, formats.count),
        (tr("reasoning tokens"), figures.reasoning_tokens, turn.reasoning_tokens, formats.count),
        ("cost", figures.cost_nano, turn.cost_nano, formats.money),
        ("time", milliseconds(figures.latency_us), milliseconds(turn.latency_us), formats.duration),
    )
    told = [
        tr("{name}: {other} says {theirs}, {own} says {mine}").format(
            name=name, other=other, theirs=words(theirs), own=own, mine=words(ours)
        )
        for name, theirs, ours, words in compared
        if theirs is not None and words(theirs) != words(ours)
    ]
    if figures.model is not None and figures.model != turn.model:
        told.insert(
            0,
            tr("model: {other} says {model}, {own} says {mine}").format(
                other=other, model=figures.model, own=own, mine=model(turn)
            ),
        )
    return told


def cause(turn: Turn) -> str:
    """Why a turn did not end well, in a sentence."""
    if turn.error_message:
        return turn.error_message
    endings = {
        "aborted": tr("The client left before the answer was complete."),
        "interrupted": tr("The gateway stopped while this was running."),
    }
    return endings.get(turn.outcome) or tr("Ended with status {status}.").format(status=turn.status or tr("unknown"))


def listed_cost(row: ThreadRow) -> str:
    """A conversation's cost in the list, points under each other; ≈ where a turn of it is estimated or lacks a
    price."""
    marked = row.unpriced > 0 or holds_estimates(row)
    return sources.marked_money(row.cost_nano, marked, _LISTED_PLACES)


def calls(count: int) -> str:
    return counted(count, later("1 call"), later("{count} calls"))


def totals(row: ThreadRow, turns: Sequence[Turn]) -> str:
    """ "14 calls · 61.3k tokens · 38.4 s": the time is that of the models."""
    known = [count for count in (row.input_tokens, row.output_tokens) if count is not None]
    marked = any(map(estimated_output, turns))
    tokens = (
        sources.marked(tr("{count} tokens").format(count=formats.count(sum(known))), marked)
        if known
        else tr("tokens not counted")
    )
    busy = [turn.latency_us for turn in turns if turn.latency_us is not None]
    time = formats.duration(sum(busy) / 1000) if busy else ""
    return " · ".join(filter(None, (calls(row.requests), tokens, time)))
