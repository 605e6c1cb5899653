"""What an answer used, gathered from its events: the observer on which accounting rests.

The provider's last word wins, per counter. Where a stream ended before it, what the provider had said so far stands
and the output is estimated from the bytes that came (UTF-8 bytes / 4), and the row says so. So it is where the last
word leaves out a count, or says nought of what was counted before: what is missing is never priced as nought.
"""

from msgspec.structs import replace

from gateway.events import Delta, Event, Finish, PartStart, Start, StreamError, UsageReport, merge_usage, takes_back
from gateway.model import Usage
from gateway.relaying.exchange import Observer

BYTES_PER_TOKEN = 4


def estimated_tokens(size: int) -> int:
    """Tokens of `size` bytes of UTF-8, rounded up."""
    return -(-size // BYTES_PER_TOKEN)


class Tally:
    """Folds events, and shows them to an observer. `finished`: a finish reason was seen; `content`: so was something
    that the model said; `taken_back`: a later report said nought of what was counted before."""

    __slots__ = (
        *("content", "error", "final", "finished", "model", "observer", "output_bytes", "response_id", "taken_back"),
        "usage",
    )

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.final = False
        self.finished = False
        self.taken_back = False
        self.content = False
        self.output_bytes = 0
        self.model: str | None = None
        self.response_id: str | None = None
        self.error: StreamError | None = None
        self.observer: Observer | None = None

    def feed(self, event: Event) -> None:
        if self.observer is not None:
            self.observer.feed(event)
        match event:
            case Delta():
                self.content = True
                self.output_bytes += len(event.text.encode("utf-8", "surrogatepass"))
            case PartStart():
                self.content = True
            case UsageReport():
                denied = takes_back(self.usage, event.usage)
                self.taken_back = self.taken_back or denied
                self.usage = merge_usage(self.usage, event.usage)
                self.final = self.final or (event.final and not (denied and event.usage.output_tokens == 0))
            case Finish():
                self.finished = True
            case Start():
                self.model, self.response_id = event.model, event.id
            case StreamError():
                self.error = event

    @property
    def failed(self) -> bool:
        """The provider ended its stream with an error, or cut it short."""
        return self.error is not None

    @property
    def settled(self) -> bool:
        """Nothing that counts can follow: the provider finished and gave its final count."""
        return self.finished and (self.final or self.taken_back)

    def verdict(self, request_bytes: int, *, answered: bool) -> tuple[Usage, str]:
        """Usage and its source. `answered`: the provider took the request, so that it may bill it.

        `request_bytes` is the body's size, from which the input is estimated where the provider said nothing.
        """
        estimate = estimated_tokens(self.output_bytes) if self.output_bytes else None
        if self.usage is None:
            if not answered:
                return Usage(), "none"
            return Usage(input_tokens=estimated_tokens(request_bytes), output_tokens=estimate), "estimated"
        read, said = self.usage.input_tokens, self.usage.output_tokens
        if self.final and read is not None and (said is not None or estimate is None):
            return self.usage, "partial" if self.taken_back else "provider"
        if estimate is not None and (said is None or not self.final):
            said = max(estimate, said or 0)
        if read is not None:
            return replace(self.usage, output_tokens=said), "partial"
        # Only the output of a partial count is taken for an estimate.
        return replace(self.usage, input_tokens=estimated_tokens(request_bytes), output_tokens=said), "estimated"
