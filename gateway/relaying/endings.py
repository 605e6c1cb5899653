"""How an exchange ends: priced and handed to the journal once, and in an error for whoever still listens."""

import re

from gateway.capture.heard import Listener
from gateway.configuration.settings import Timeouts
from gateway.dialects.dialect import AnswerContext
from gateway.dialects.error_bodies import as_said, as_stream_error
from gateway.errors import GatewayError, UpstreamError
from gateway.events import StreamError
from gateway.prices.pricing import NO_PRICE, Pricing
from gateway.records import ExchangeRecord
from gateway.relaying.answer_headers import error_headers
from gateway.relaying.attempts import Learnt
from gateway.relaying.connection import Client
from gateway.relaying.doors import DOORS, Door
from gateway.relaying.exchange import STOPPED, Exchange
from gateway.relaying.routing import answering_model
from gateway.relaying.tally import Tally
from gateway.store import UsageStore

CLIENT_LEFT = 499
# What dialects call the messages.
_HISTORIES = frozenset(door.history for door in DOORS if door.history)


class Endings:
    """Closes the exchanges of one relay."""

    def __init__(
        self,
        store: UsageStore,
        pricing: Pricing,
        timeouts: Timeouts,
        learnt: Learnt,
        listener: Listener | None,
    ) -> None:
        self._store = store
        self._listener = listener
        self._pricing = pricing
        self._timeouts = timeouts
        self._learnt = learnt

    def close(
        self,
        exchange: Exchange,
        tally: Tally,
        *,
        status: int,
        outcome: str,
        error: GatewayError | None = None,
        estimate: bool = False,
    ) -> ExchangeRecord:
        """Price the exchange and hand its row to the journal; once. `estimate`: it was answered here, by its size."""
        # Whoever gave up waiting, the provider has the request: it may go on with it, and bill it.
        given_up = outcome in ("aborted", "interrupted") or (error is not None and error.kind == "timeout")
        taken = exchange.upstream_status is None and exchange.sent_ns > 0 and given_up
        unreadable = error is not None and error.kind == "unreadable_answer" and not tally.content
        accepted = exchange.upstream_status is not None and exchange.upstream_status < 300
        answered = taken or estimate or (accepted and not unreadable)
        usage, source = tally.verdict(exchange.request_bytes, answered=answered)
        model = answering_model(exchange.model, tally.model) if exchange.model else None
        priced = NO_PRICE
        if model and (source != "none" or exchange.free):
            priced = self._pricing.price(
                exchange.price_provider or "",
                model,
                usage,
                exchange.started_us,
                free=exchange.free,
                provider=exchange.provider or "",
                asked=exchange.model or "",
            )
        exchange.failure = error.message if error else None
        record = exchange.final_record(
            status=status,
            outcome=outcome,
            usage=usage,
            usage_source=source,
            priced=priced,
            error_type=error.kind if error else None,
            error_message=self._words_kept(exchange, error),
            observed_model=model,
        )
        if not exchange.begun:
            self._store.begin(exchange.opening_record())
        self._store.end(record)
        exchange.ended, exchange.record = True, record
        return record

    def _words_kept(self, exchange: Exchange, error: GatewayError | None) -> str | None:
        if error is None:
            return None
        if error.own_words or self._listener is None:
            return error.message
        return self._listener.words_kept(exchange, error.message)

    async def fail(self, door: Door, client: Client, exchange: Exchange, tally: Tally, error: GatewayError) -> None:
        """An error for whoever still listens, and the row that says what happened."""
        lost = isinstance(error, UpstreamError) and error.kind in ("connection_lost", "timeout")
        if lost and exchange.provider and not tally.content:
            self._learnt(exchange.provider, "unreachable", error.message)
        _name_history(error, door)
        row_stands = exchange.ended
        if not row_stands:
            status = 200 if client.started else error.status
            self.close(exchange, tally, status=status, outcome="error", error=error)
        try:
            if client.started and row_stands:
                await client.finish(b"")
                return
            if client.started:
                event = as_stream_error(error)
                context = AnswerContext(id=exchange.id, created=0, model=exchange.model_requested or "")
                await client.finish(door.dialect.writer(context).error(event))
                return
            body = door.dialect.render_error(error, exchange.id)
            if isinstance(error, UpstreamError) and error.said is not None:
                body = as_said(body, error.said)
            await client.whole(error.status, error_headers(error, door.dialect, exchange), body)
        except ConnectionError:
            # Nobody listens any more; the row stands.
            return

    def abort(self, exchange: Exchange, tally: Tally, *, stopping: bool) -> None:
        """The row of an exchange that was cancelled: by us where we are `stopping`, else by its client."""
        if exchange.ended:
            return
        if stopping:
            ended = GatewayError(STOPPED, status=503, kind="interrupted")
            self.close(exchange, tally, status=0, outcome="interrupted", error=ended)
            return
        words = "The client closed the connection before its answer was complete."
        left = GatewayError(words, status=CLIENT_LEFT, kind="client_left")
        self.close(exchange, tally, status=CLIENT_LEFT, outcome="aborted", error=left)

    def late(self, exchange: Exchange, limit: str) -> UpstreamError:
        """The error of an exchange that ran out of one of its times."""
        seconds = getattr(self._timeouts, limit)
        who = exchange.provider_title or "The provider"
        words = {
            "first_byte": f"{who} has not begun to answer within {seconds:g} s: try again.",
            "between_chunks": f"{who} fell silent for {seconds:g} s in the middle of its answer: try again.",
            "total": f"The request took longer than {seconds:g} s: try again, or raise timeouts.total.",
        }
        return UpstreamError(
            words[limit],
            status=504,
            kind="timeout",
            upstream_status=exchange.upstream_status,
            own_words=True,
        )


def upstream_error(error: StreamError) -> UpstreamError:
    return UpstreamError(
        error.message,
        status=error.status,
        kind=error.kind,
        param=error.param,
        code=error.code,
        upstream_status=error.upstream_status,
        own_words=error.own_words,
    )


def _name_history(error: GatewayError, door: Door) -> None:
    """What a provider refuses of the messages, or finds too long, is told by their name at the door."""
    if not isinstance(error, UpstreamError) or door.operation.name != "chat":
        return
    # `input[2].content`
    field = None if error.param is None else re.split(r"\W", error.param, maxsplit=1)[0]
    too_long = field is None and error.kind == "context_too_long"
    if too_long or (field in _HISTORIES and field != door.history):
        error.param = door.history
