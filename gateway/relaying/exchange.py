"""One exchange's life and timings, and the record that it leaves.

The relay fills it in as things become known; `record` may be asked at any time. Times are taken with one monotonic
clock: what is spent awaiting the provider and awaiting the client's socket is summed apart, and the rest is ours.
"""

import random
import time
from collections.abc import Callable
from typing import Protocol

from msgspec import structs

from gateway.capture.heard import Heard
from gateway.events import Event
from gateway.keys.access import Principal
from gateway.model import Usage
from gateway.prices.pricing import NO_PRICE, NOTHING_USED, Priced
from gateway.records import AttemptRecord, ExchangeRecord
from gateway.relaying.trace_context import TraceContext
from gateway.tags import stamp

STOPPED = "The gateway stopped before this request had its answer."


class Observer(Protocol):
    """Sees every neutral event of an exchange; never waits, never raises."""

    def feed(self, event: Event) -> None: ...


def new_id(now_us: int) -> str:
    """`req_`, the milliseconds in hex and 64 random bits: ids sort by time and never meet. They are no secrets."""
    return f"req_{now_us // 1000:012x}{random.getrandbits(64):016x}"


def begun_between(start_us: int, end_us: int) -> Callable[[str], bool]:
    """What tells of an id whether its exchange began in this stretch, to the millisecond."""
    first, last = (f"req_{us // 1000:012x}" for us in (start_us, end_us))
    return lambda id: first <= id[: len(last)] <= last


class Exchange:
    """Everything known of one exchange so far. `started_ns` is the monotonic time of its request's headers."""

    def __init__(self, door: str, principal: Principal, started_ns: int) -> None:
        self.started_ns = started_ns
        self.started_us = time.time_ns() // 1000 - (time.perf_counter_ns() - started_ns) // 1000
        self.id = new_id(self.started_us)
        self.door = door
        self.principal = principal
        self.tags: tuple[str, ...] = stamp((), principal.tags) if principal.tags else ()
        self.end_user: str | None = None
        self.conversation_id: str | None = None
        # That of the session in which the conversation stands, where it has an id of its own.
        self.session_id: str | None = None
        # That for which a sub-agent's works.
        self.parent_conversation: str | None = None
        self.caller: TraceContext | None = None
        self.client: str | None = None
        self.byok = False
        self.streamed = False
        # What no provider bills: counting tokens.
        self.free = False
        self.model_requested: str | None = None
        self.provider: str | None = None
        self.provider_title: str | None = None
        self.model: str | None = None
        self.price_provider: str | None = None
        self.dropped: tuple[str, ...] = ()
        self.adapted: tuple[str, ...] = ()
        self.request_bytes = 0
        self.upstream_request_id: str | None = None
        self.upstream_status: int | None = None
        self.begun = False
        self.ended = False
        # What it said: references for whoever captures it.
        self.heard: Heard
        self.record: ExchangeRecord | None = None
        # Why it failed, in full: the row has what may be kept of it.
        self.failure: str | None = None
        self.status = 0
        # Monotonic nanoseconds.
        self.provider_ns = 0
        self.client_ns = 0
        self.sent_ns = 0
        self.first_event_ns = 0
        self.first_content_ns = 0
        # Attempts that failed before the present one, and what was spent awaiting them.
        self._earlier: list[AttemptRecord] = []
        self._earlier_ns = 0

    def next_attempt(self, error_type: str) -> None:
        """The provider is called once more, after an attempt that failed with this kind of error."""
        self._earlier += self._attempts(
            time.perf_counter_ns() - self.started_ns, Usage(), NO_PRICE, error_type, self.model
        )
        self._earlier_ns = self.provider_ns
        self.sent_ns, self.upstream_status, self.upstream_request_id = 0, None, None

    def overhead_so_far_ms(self) -> float:
        """(request read → upstream sent) + (first upstream event → now): what `x-faregate-overhead-ms` says."""
        now = time.perf_counter_ns()
        if not self.sent_ns:
            return (now - self.started_ns - self._earlier_ns) / 1e6
        return (self.sent_ns - self.started_ns - self._earlier_ns + now - (self.first_event_ns or now)) / 1e6

    def opening_record(self) -> ExchangeRecord:
        """What the journal keeps before the provider is called: if nothing follows, it was interrupted."""
        return ExchangeRecord(
            id=self.id,
            started_us=self.started_us,
            door=self.door,
            key_id=self.principal.key_id,
            key=self.principal.key_name,
            principal=self.principal.user,
            end_user=self.end_user,
            provider=self.provider,
            model_requested=self.model_requested,
            model=self.model,
            conversation_id=self.conversation_id,
            tags=self.tags,
            byok=self.byok,
            streamed=self.streamed,
            cost_nano=NOTHING_USED.cost_nano if self.free else None,
            cost_source=NOTHING_USED.source if self.free else NO_PRICE.source,
            error_type="interrupted",
            error_message=STOPPED,
            dropped=self.dropped,
            adapted=self.adapted,
            trace_id=self.caller.trace_id if self.caller else None,
            span_id=self.caller.span_id if self.caller else None,
            client=self.client,
        )

    def final_record(
        self,
        *,
        status: int,
        outcome: str,
        usage: Usage,
        usage_source: str,
        priced: Priced = NO_PRICE,
        error_type: str | None = None,
        error_message: str | None = None,
        observed_model: str | None = None,
    ) -> ExchangeRecord:
        """The row. `observed_model` is the model that answered, where it is another than the routed one."""
        latency_ns = time.perf_counter_ns() - self.started_ns
        model = observed_model or self.model
        return structs.replace(
            self.opening_record(),
            model=model,
            status=status,
            outcome=outcome,
            error_type=error_type,
            error_message=error_message,
            input_tokens=usage.input_tokens,
            cached_tokens=usage.cached_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            cache_write_1h_tokens=usage.cache_write_1h_tokens,
            cache_write_12h_tokens=usage.cache_write_12h_tokens,
            input_audio_tokens=usage.input_audio_tokens,
            output_tokens=usage.output_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            output_audio_tokens=usage.output_audio_tokens,
            rare_counts=usage.rare_counts or (),
            web_searches=usage.web_searches,
            usage_source=usage_source,
            cost_nano=priced.cost_nano,
            cost_source=priced.source,
            price_id=priced.price_id,
            price_fuzzy=priced.fuzzy,
            service_tier=usage.service_tier,
            speed=usage.speed,
            inference_geo=usage.inference_geo,
            latency_us=latency_ns // 1000,
            ttft_us=(self.first_content_ns - self.started_ns) // 1000 if self.first_content_ns else None,
            overhead_us=max(0, latency_ns - self.provider_ns - self.client_ns) // 1000,
            attempts=(*self._earlier, *self._attempts(latency_ns, usage, priced, error_type, model)),
            upstream_request_id=self.upstream_request_id,
        )

    def _attempts(
        self, latency_ns: int, usage: Usage, priced: Priced, error_type: str | None, model: str | None
    ) -> tuple[AttemptRecord, ...]:
        if not self.sent_ns or self.provider is None or model is None:
            return ()
        before_ns = self.sent_ns - self.started_ns
        return (
            AttemptRecord(
                n=len(self._earlier) + 1,
                provider=self.provider,
                model=model,
                started_us=self.started_us + before_ns // 1000,
                latency_us=(latency_ns - before_ns) // 1000,
                status=self.upstream_status,
                error_type=error_type,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cost_nano=priced.cost_nano,
                upstream_request_id=self.upstream_request_id,
            ),
        )
