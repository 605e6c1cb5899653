"""A stream's way from the provider to the client: as it is, less a cut, or written anew."""

from gateway.dialects.dialect import AnswerContext, Writer
from gateway.dialects.redaction import without_key_in_json
from gateway.events import Event, Finish, StreamError
from gateway.relaying.doors import Cutter
from gateway.relaying.exchange import Exchange
from gateway.relaying.plan import Plan
from gateway.sse import WholeEvents


class Translator:
    """From the provider's bytes and events to the client's bytes: as they are, less a cut, or written anew. An error
    that passes as it is does so without the `key` that was sent. `keeps`: the bytes that end a complete stream are
    to be had."""

    __slots__ = ("_cutter", "_ended", "_keeps", "_key", "_last", "_writer")

    def __init__(
        self,
        *,
        writer: Writer | None = None,
        cutter: Cutter | None = None,
        key: str | None = None,
        keeps: bool = False,
    ) -> None:
        self._writer = writer
        self._cutter = cutter
        self._key = key
        self._keeps = keeps
        self._last = b""
        self._ended = False

    def feed(self, data: bytes, events: list[Event]) -> bytes:
        if self._cutter is not None:
            out = self._cutter.feed(data)
            if self._keeps and Finish in map(type, events):
                # The event that ends it is whole now, and among these; held, where no blank line came behind it.
                self._last = out or self._cutter.close()
            failed = bool(events) and isinstance(events[-1], StreamError)
            return without_key_in_json(out, self._key) if failed and self._key else out
        if self._writer is None or self._ended:
            return b""
        write = self._writer.write
        return b"".join([write(event) for event in events if not isinstance(event, StreamError)])

    def end(self) -> bytes:
        """What ends a stream that is written anew, once; bytes that pass as they are bring their own end."""
        if self._writer is None or self._ended:
            return b""
        self._ended = True
        last = self._writer.close()
        if self._keeps:
            self._last = last
        return last

    def take_last(self) -> bytes:
        """The bytes that end a complete stream, once, as soon as they are known; until then none."""
        last, self._last = self._last, b""
        return last

    def close(self) -> bytes:
        if self._cutter is None:
            return self.end()
        # An error perhaps, without the blank line that ends it.
        rest = self._cutter.close()
        return without_key_in_json(rest, self._key) if rest and self._key else rest


def translator_of(plan: Plan, exchange: Exchange) -> Translator:
    keeps = plan.peek.stored
    if plan.verbatim:
        return Translator(cutter=plan.door.cutter() if plan.cut_usage else WholeEvents(), key=plan.key, keeps=keeps)
    return Translator(writer=plan.door.dialect.writer(answer_context(plan, exchange)), keeps=keeps)


def answer_context(plan: Plan, exchange: Exchange) -> AnswerContext:
    """What a codec needs to know of the exchange to write its answer."""
    return AnswerContext(
        id=exchange.id.removeprefix("req_"),
        created=exchange.started_us // 1_000_000,
        model=plan.peek.model,
        include_usage=plan.peek.include_usage,
        legacy_functions=plan.peek.legacy_functions,
        request=plan.request,
        origin="" if plan.dialect.name == plan.door.dialect.name else plan.candidate.target.origin,
    )
