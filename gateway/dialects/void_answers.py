"""Answers that hold nothing, or thoughts alone, and say that they went wrong, as Gemini does of malformed calls.

Chat has no word for such an end but the one of a good answer, and an agent that reads an empty one takes its task for
done. So it is an error there, which the SDKs try again. Responses says `failed`.
"""

from collections.abc import Iterable

from gateway.dialects.dialect import Reader
from gateway.dialects.media_types import is_sketch
from gateway.errors import UpstreamError
from gateway.events import Event, Finish, PartStart, StreamError
from gateway.model import Blob, Choice, FinishReason, Reasoning, Response

MESSAGE = "The model answered nothing, and its provider says that the answer went wrong: try the request again."
_KIND = "provider_error"


def require_answer(response: Response) -> None:
    """Raises UpstreamError for a whole answer that is void."""
    if response.choices and all(map(_is_void, response.choices)):
        raise UpstreamError(MESSAGE, kind=_KIND, own_words=True)


def _is_void(choice: Choice) -> bool:
    thoughts = all(isinstance(part, Reasoning) or is_sketch(part) for part in choice.parts)
    return thoughts and choice.finish_reason is FinishReason.ERROR


class AnswerReader:
    """A reader whose stream ends in an error where the answer is void."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._said = False

    def feed(self, data: bytes) -> list[Event]:
        return self._seen(self._reader.feed(data))

    def close(self) -> list[Event]:
        return self._seen(self._reader.close())

    def _seen(self, events: list[Event]) -> list[Event]:
        self._said = self._said or any(map(_says, events))
        if self._said or not _all_failed(events):
            return events
        kept: list[Event] = [event for event in events if not isinstance(event, Finish)]
        return [*kept, StreamError(MESSAGE, _KIND, 502, own_words=True)]


def _says(event: Event) -> bool:
    if not isinstance(event, PartStart) or event.kind == "reasoning":
        return False
    return not isinstance(event.value, Blob) or not is_sketch(event.value)


def _all_failed(events: Iterable[Event]) -> bool:
    reasons = [event.reason for event in events if isinstance(event, Finish)]
    return bool(reasons) and all(reason is FinishReason.ERROR for reason in reasons)
