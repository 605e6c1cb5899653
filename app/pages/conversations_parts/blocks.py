"""A conversation as a row of blocks, each a plain record: what the thread shows, before anything is measured.

Blocks hold the parts as they were read; what is drawn of one is made when it comes into sight (`pieces_of`). A tool's
result stands in its call's block. Pure, and quick enough for thousands of messages in a worker.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from app import formats, sources
from app.pages.conversations_parts import turn_words
from app.pages.conversations_parts.block import Block, folded_extent
from app.pages.conversations_parts.branches import Step, by_turn, messages_of, steps
from app.parts.piece import Note
from app.translation import counted, later, tr
from gateway import (
    Blob,
    Part,
    Reasoning,
    Role,
    Text,
    Thread,
    ThreadMessage,
    ToolCall,
    ToolCallResponse,
    Turn,
    element_of,
)

GAP_US = 300_000_000


class Told(Struct, frozen=True, kw_only=True):
    """A thread's blocks, the steps they were made of, and each block's extent while it is folded."""

    blocks: tuple[Block, ...]
    steps: tuple[Step, ...]
    extents: tuple[tuple[int, int], ...] = ()


class _Pairs:
    """Each result beside its call: by id, the oldest open call first, since some ids come twice."""

    def __init__(self, messages: Sequence[ThreadMessage]) -> None:
        self.result_of: dict[tuple[int, int], tuple[ToolCallResponse, int]] = {}
        self.taken: set[tuple[int, int]] = set()
        waiting: dict[str, list[tuple[int, int]]] = {}
        for message in messages:
            if message.repeated:
                continue
            for place, part in enumerate(message.parts):
                if isinstance(part, ToolCall):
                    waiting.setdefault(part.id or part.name, []).append((message.id, place))
                elif isinstance(part, ToolCallResponse) and (calls := waiting.get(part.id or part.name or "")):
                    self.result_of[calls.pop(0)] = (part, message.turn)
                    self.taken.add((message.id, place))


def told(
    thread: Thread,
    chosen: Mapping[int, int],
    open_asides: frozenset[int] = frozenset(),
    *,
    provider_title: turn_words.Title = str,
    tool_times: Mapping[str, int] | None = None,
    sums: bool = True,
) -> Told:
    """The blocks of the chosen way. `tool_times` are durations in µs by call id, where spans say them; `sums`: each
    call also says what all until then cost."""
    way = steps(thread.turns, chosen)
    blocks = tuple(_Teller(thread, way, open_asides, provider_title, tool_times or {}, sums=sums).all())
    return Told(blocks=blocks, steps=tuple(way), extents=tuple(map(folded_extent, blocks)))


class _Teller:
    def __init__(
        self,
        thread: Thread,
        way: Sequence[Step],
        open_asides: frozenset[int],
        provider_title: turn_words.Title,
        tool_times: Mapping[str, int],
        *,
        sums: bool,
    ) -> None:
        self._thread = thread
        self._way = way
        self._open_asides = open_asides
        self._provider_title = provider_title
        self._tool_times = tool_times
        self._sums = sums
        self._turns = {turn.n: turn for turn in thread.turns}
        # Where that failed and was asked again, its tools were done before the first of it.
        self._asked_first = {step.turn.n: turn for step in way for turn in step.attempts[:1]}
        self._by_turn = by_turn(thread.messages)
        self._pairs = _Pairs([message for step in way for message in messages_of(step, self._by_turn)])
        self._total = turn_words.RunningTotal()

    def all(self) -> Iterator[Block]:
        before: dict[int | None, Turn] = {}
        told_asides: set[int] = set()
        for step in self._way:
            if step.aside is not None and step.aside not in told_asides:
                told_asides.add(step.aside)
                yield self._aside(step)
            for turn in (*step.attempts, step.turn):
                self._total.add(turn)
            if step.aside is None or step.aside in self._open_asides:
                yield from self._step(step, before.get(step.aside))
            before[step.aside] = step.turn

    def _step(self, step: Step, before: Turn | None) -> Iterator[Block]:
        turn = step.turn
        yield from self._dividers(step, before)
        yield from self._frame(turn, before)
        messages = messages_of(step, self._by_turn)
        for message in messages:
            if not message.output:
                yield from self._message(message, step)
        if step.attempts:
            yield self._attempts(step)
        answers = [message for message in messages if message.output]
        for message in answers:
            if len(answers) > 1:
                title = tr("Answer {choice} of {count}").format(choice=message.choice + 1, count=len(answers))
                yield Block(key=f"c{message.id}", kind="divider", title=title, turn=turn.n)
            yield from self._message(message, step)
        if turn.running:
            yield Block(
                key=f"w{turn.n}", kind="waiting", title=tr("Waiting"), detail=turn_words.model(turn), turn=turn.n
            )
        elif _failed(turn):
            words = turn.error_type or ""
            right = tr("status {status}").format(status=turn.status) if (turn.status or 0) >= 400 else ""
            yield Block(
                key=f"e{turn.n}",
                kind="error",
                title=tr("Error"),
                detail=words,
                right=right,
                turn=turn.n,
                text=turn_words.cause(turn),
                aside=step.aside,
            )
        if not turn.running:
            yield self._foot(step, silent=not messages and turn.outcome == "ok")

    def _dividers(self, step: Step, before: Turn | None) -> Iterator[Block]:
        turn = step.turn
        words = []
        if before is not None:
            ended = before.started_us + (before.latency_us or 0)
            if turn.started_us - ended > GAP_US:
                words.append(
                    tr("{duration} later").format(duration=formats.duration((turn.started_us - ended) / 1000))
                )
            if turn.model != before.model and turn.model and before.model:
                words.append(f"{before.model} → {turn.model}{self._by(turn, before)}")
        if turn.shortened:
            words.append(tr("the app shortened its history"))
        if words:
            title = " · ".join(words)
            title = title[0].upper() + title[1:] if turn.shortened and len(words) == 1 else title
            yield Block(key=f"d{turn.n}", kind="divider", title=title, turn=turn.n, aside=step.aside)
        if step.siblings:
            place = step.siblings.index(turn.n) + 1
            why = turn_words.BRANCH_WORDS.get(turn.branch or "", "")
            text = tr("Branch {place} of {count}").format(place=place, count=len(step.siblings))
            text += f", {why}" if why else ""
            yield Block(
                key=f"f{step.fork}",
                kind="divider",
                title=text,
                turn=turn.n,
                siblings=step.siblings,
                fork=step.fork,
                aside=step.aside,
            )

    def _by(self, turn: Turn, before: Turn) -> str:
        if turn.provider and turn.provider != before.provider:
            return tr(" at {provider}").format(provider=self._provider_title(turn.provider))
        return ""

    def _frame(self, turn: Turn, before: Turn | None) -> Iterator[Block]:
        """System prompt and tools, where they are new."""
        thread = self._thread
        if turn.system is not None and (before is None or turn.system != before.system):
            parts = thread.systems[turn.system] if turn.system < len(thread.systems) else ()
            if parts:
                size = sum(len(part.text) for part in parts if isinstance(part, Text))
                changed = before is not None and before.system is not None
                yield Block(
                    key=f"s{turn.n}",
                    kind="system",
                    title=tr("System prompt changed") if changed else tr("System prompt"),
                    right=_about_tokens(size),
                    turn=turn.n,
                    parts=parts,
                )
        if turn.tools is not None and (before is None or turn.tools != before.tools):
            tools = thread.toolsets[turn.tools] if turn.tools < len(thread.toolsets) else ()
            if tools:
                changed = before is not None and before.tools is not None
                yield Block(
                    key=f"t{turn.n}",
                    kind="tools",
                    title=tr("Tools changed") if changed else tr("Tools"),
                    right=counted(len(tools), later("1 tool"), later("{count} tools")),
                    turn=turn.n,
                    parts=tools,
                )

    def _message(self, message: ThreadMessage, step: Step) -> Iterator[Block]:
        turn = self._turns[message.turn]
        if message.repeated:
            title = tr("{role}, sent again").format(role=message.role.capitalize())
            parts = message.parts
            key = f"m{message.id}"
            yield Block(key=key, kind="repeated", title=title, turn=turn.n, parts=parts, message=message.id)
            return
        run: list[Part] = []
        for place, part in enumerate(message.parts):
            around = _around(message, part)
            if around is None and not isinstance(part, Reasoning | ToolCall | ToolCallResponse):
                run.append(part)
                continue
            yield from self._said(message, tuple(run), place - len(run), step)
            run = []
            if around is not None:
                yield self._context(message, part, place, step, around)
            elif isinstance(part, Reasoning):
                yield self._reasoning(message, part, place, step)
            elif isinstance(part, ToolCall):
                yield self._tool(message, part, place, step)
            elif isinstance(part, ToolCallResponse) and (message.id, place) not in self._pairs.taken:
                yield self._result(message, part, place, step)
        yield from self._said(message, tuple(run), len(message.parts) - len(run), step)

    def _said(self, message: ThreadMessage, parts: tuple[Part, ...], place: int, step: Step) -> Iterator[Block]:
        if not parts:
            return
        turn, kind = step.turn, "assistant" if message.role == Role.ASSISTANT else "user"
        title = {Role.ASSISTANT: tr("Assistant"), Role.USER: tr("User"), Role.TOOL: tr("Tool")}.get(
            message.role, tr("Instructions")
        )
        if message.role == Role.SYSTEM:
            kind = "system"
        right = formats.clock(turn.started_us)
        if kind == "assistant":
            words = (turn_words.model(turn), turn_words.cost(turn) if turn.cost_nano is not None else "")
            right = " · ".join(filter(None, words)) if message.output else tr("from the history")
        yield Block(
            key=f"m{message.id}.{place}",
            kind=kind,
            title=title,
            detail=message.name or (turn.agent or "" if kind == "assistant" else ""),
            right=right,
            turn=turn.n,
            parts=parts,
            notes=_ending(message),
            aside=step.aside,
            message=message.id,
        )

    def _context(self, message: ThreadMessage, part: Part, place: int, step: Step, element: str) -> Block:
        assert isinstance(part, Text)
        return Block(
            key=f"m{message.id}.{place}",
            kind="context",
            title=tr("Context"),
            detail=element,
            right=_about_tokens(len(part.text)),
            turn=step.turn.n,
            parts=(part,),
            aside=step.aside,
            message=message.id,
        )

    def _reasoning(self, message: ThreadMessage, part: Reasoning, place: int, step: Step) -> Block:
        thought = step.turn.reasoning_tokens if message.output else None
        return Block(
            key=f"m{message.id}.{place}",
            kind="reasoning",
            title=tr("Reasoning"),
            right=tr("{count} tokens").format(count=formats.count(thought)) if thought else "",
            turn=step.turn.n,
            parts=(part,),
            aside=step.aside,
            message=message.id,
        )

    def _tool(self, message: ThreadMessage, call: ToolCall, place: int, step: Step) -> Block:
        found = self._pairs.result_of.get((message.id, place))
        parts: tuple[Part, ...] = (call,)
        notes: tuple[Note, ...] = ()
        right = []
        if found is not None:
            result, at_turn = found
            parts = (call, result)
            right += [self._tool_time(call, step.turn, self._asked_first.get(at_turn, self._turns[at_turn]))]
            right += [tr("failed") if result.is_error else formats.size(_size(result))]
        elif not step.turn.running:
            notes = (Note(tr("No result was sent back")),)
        return Block(
            key=f"m{message.id}.{place}",
            kind="tool",
            title=tr("Tool call"),
            detail=call.name,
            right=" · ".join(filter(None, right)),
            turn=step.turn.n,
            parts=parts,
            notes=notes,
            aside=step.aside,
            message=message.id,
        )

    def _tool_time(self, call: ToolCall, called: Turn, answered: Turn) -> str:
        told_us = self._tool_times.get(call.id)
        if told_us is not None:
            return formats.duration(told_us / 1000)
        if called.latency_us is None or answered.started_us <= called.started_us + called.latency_us:
            return ""
        # What lies between the two calls: the tool, and whatever else the app did.
        return f"≈{formats.duration((answered.started_us - called.started_us - called.latency_us) / 1000)}"

    def _result(self, message: ThreadMessage, part: ToolCallResponse, place: int, step: Step) -> Block:
        return Block(
            key=f"m{message.id}.{place}",
            kind="tool",
            title=tr("Tool result"),
            detail=part.name or part.id,
            right=tr("failed") if part.is_error else formats.size(_size(part)),
            turn=step.turn.n,
            parts=(part,),
            aside=step.aside,
            message=message.id,
        )

    def _attempts(self, step: Step) -> Block:
        count = len(step.attempts)
        lines = [
            f"{formats.clock(turn.started_us)} · {turn_words.model(turn)} · {turn_words.cause(turn)}"
            for turn in step.attempts
        ]
        waited = step.turn.started_us - step.attempts[0].started_us
        answered = tr("asked again {duration} later") if _failed(step.turn) else tr("answered {duration} later")
        return Block(
            key=f"a{step.turn.n}",
            kind="attempts",
            title=counted(count, later("1 failed attempt"), later("{count} failed attempts")),
            right=answered.format(duration=formats.duration(waited / 1000)) if waited > 0 else "",
            turn=step.turn.n,
            text="\n".join(lines),
            aside=step.aside,
        )

    def _aside(self, step: Step) -> Block:
        turns = [each.turn for each in self._way if each.aside == step.aside]
        name = turn_words.ASIDE_TITLES.get(step.turn.branch or "", tr("Beside it"))
        cost = sum(turn.cost_nano or 0 for turn in turns)
        estimated = any(map(turn_words.estimated_cost, turns))
        spent = sources.marked_money(cost, estimated) if cost else ""
        words = (turn_words.models(turns), turn_words.calls(len(turns)), spent)
        opened = step.aside in self._open_asides
        return Block(
            key=f"b{step.aside}",
            kind="aside",
            title=name,
            detail=step.turn.agent or "",
            right=" · ".join(filter(None, words)),
            turn=step.turn.n,
            text="" if opened else self._asked(step),
            aside=step.aside,
        )

    def _asked(self, step: Step) -> str:
        for message in messages_of(step, self._by_turn):
            for part in message.parts:
                if isinstance(part, Text) and message.role == Role.USER:
                    return part.text[:160].replace("\n", " ")
        return ""

    def _foot(self, step: Step, *, silent: bool) -> Block:
        turn = step.turn
        who = turn_words.model(turn)
        if turn.provider:
            who += tr(" at {provider}").format(provider=self._provider_title(turn.provider))
        words = (
            who,
            turn_words.tokens(turn),
            _cost(turn),
            turn_words.times(turn),
            self._total.words if self._sums else "",
        )
        return Block(
            key=f"n{turn.n}",
            kind="turn",
            title=" · ".join(filter(None, words)),
            turn=turn.n,
            notes=tuple(_remarks(turn, silent)),
            aside=step.aside,
        )


def _failed(turn: Turn) -> bool:
    return not turn.running and turn.outcome != "ok"


def _cost(turn: Turn) -> str:
    if turn.cost_nano is not None:
        return turn_words.cost(turn)
    # Where nothing was counted a price would have nothing to multiply: that it is not known is not the reason.
    if turn.usage_source != "none":
        return tr("no price known")
    return tr("what it used is not known") if turn.unpriced else ""


def _ending(message: ThreadMessage) -> tuple[Note, ...]:
    endings = {
        "length": tr("Cut off: the answer reached its limit of tokens"),
        "context": tr("Cut off: the context was full"),
        "content_filter": tr("Stopped by the provider's content filter"),
        "pause": tr("The provider paused here; the app goes on with the next call"),
    }
    words = endings.get(message.finish_reason or "")
    return (Note(words, "warn", "triangle-alert"),) if words else ()


def _remarks(turn: Turn, silent: bool) -> Iterator[Note]:
    """What is worth knowing of a turn beyond its figures; `silent`: nothing of it was kept."""
    if silent and not turn.hints:
        yield Note(tr("The messages here were not kept"), "text3", "eye-off")
    if turn.cache_miss is not None:
        yield Note(turn_words.cache_miss(turn.cache_miss), "warn", "database")
    if turn.dropped:
        yield Note(tr("Left out by the gateway: {names}").format(names=", ".join(turn.dropped)), "warn", "minus")
    if turn.adapted:
        yield Note(
            tr("Adapted by the gateway: {names}").format(names=", ".join(turn.adapted)), "text3", "sliders-horizontal"
        )
    if turn.inferred:
        yield Note(tr("Joined with the app's span by time, key and user: inferred"), "warn", "link")
    for line in turn_words.differing(turn):
        yield Note(line.capitalize(), "text3", "info")
    for hint in turn.hints:
        yield Note(hint, "text3", "info")


def _size(result: ToolCallResponse) -> int:
    return sum(len(item.text) if isinstance(item, Text) else 0 for item in result.content) + sum(
        len(item.data) * 3 // 4 for item in result.content if isinstance(item, Blob)
    )


def _about_tokens(characters: int) -> str:
    return tr("≈{count} tokens").format(count=formats.count(max(1, characters // 4)))


def _around(message: ThreadMessage, part: Part) -> str | None:
    """The element, where a part of what the user sends is what a tool put around the user's words: tools name it in
    two words (system-reminder, environment_context), which no element of HTML is."""
    if message.role != Role.USER or not isinstance(part, Text):
        return None
    element = element_of(part.text)
    return element if element is not None and ("-" in element or "_" in element) else None
