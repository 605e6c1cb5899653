"""Frozen rows of comparisons: one question to several models, an answer of each, and what people thought of them.

Times are µs since the epoch in fields ending `_us`; durations too, where the name says so. Money is whole
nano-dollars. None is "unknown", never zero.
"""

from msgspec import Struct

from gateway.model import Part, Response
from gateway.records import ExchangeRecord

LEAST_MODELS, MOST_MODELS = 2, 6
LEAST_STARS, MOST_STARS = 1, 5
# How an answer stands while it has no row yet; after that it is the row's outcome.
WAITING, ANSWERING = "waiting", "answering"


class ComparedAnswer(Struct, frozen=True, kw_only=True):
    """What one model has said so far. `place` counts from 0 in the order of the question's models.

    `model` is the name that was asked for. `state` is waiting, answering, or one of `records.OUTCOMES`, with the
    exchange's row in `record`; `parts` are those of its first choice, `response` the whole answer once it is over.
    """

    comparison: str
    place: int
    model: str
    request_id: str
    started_us: int
    state: str = WAITING
    parts: tuple[Part, ...] = ()
    ttft_us: int | None = None
    response: Response | None = None
    record: ExchangeRecord | None = None


class Comparison(Struct, frozen=True, kw_only=True):
    """A question that was asked, with its answers in the order of its models."""

    id: str
    at_us: int
    answers: tuple[ComparedAnswer, ...]


class AnswerEstimate(Struct, frozen=True, kw_only=True):
    """What an answer of a model would take, before it is asked for.

    `input_tokens` from the size of what is said; `output_tokens` are the most that was allowed, else an assumed
    length (`bounded` false). `cost_nano` is None where no price is known. `problem` says in a sentence why the model
    cannot be asked.
    """

    model: str
    provider: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    bounded: bool = False
    cost_nano: int | None = None
    problem: str | None = None


class RatedAnswer(Struct, frozen=True, kw_only=True):
    """One answer of a comparison as it is kept, rated or not (`stars` None). `prompt` is the last thing that was said
    to the models, None where content is not kept; `prompt_hash` is the same for the same question. `owner` is the
    key's id. Costs are those of the time."""

    request_id: str
    comparison: str
    at_us: int
    owner: str
    key: str
    prompt_hash: str
    prompt: str | None
    place: int
    model_requested: str
    model: str
    provider: str | None
    outcome: str
    error_type: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_nano: int | None = None
    cost_source: str = "none"
    cost_estimated: bool = False
    ttft_us: int | None = None
    latency_us: int | None = None
    stars: int | None = None
    note: str = ""
    rated_us: int | None = None


class RatedModel(Struct, frozen=True, kw_only=True):
    """A model over all its answers that were rated: `ratings` of them. Means are over those that know the figure;
    `costs_estimated` of the costs are estimates."""

    provider: str | None
    model: str
    ratings: int
    stars: float
    cost_nano: float | None = None
    costs_estimated: int = 0
    ttft_us: float | None = None
    latency_us: float | None = None
    output_tokens: float | None = None
