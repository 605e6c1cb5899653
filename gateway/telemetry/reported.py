"""What tools and apps report of their own use by metrics: tokens and cost, never added to what calls are counted at.

The same tokens are on spans and rows; these figures stand beside them, labelled as the sender's. A row per way of
counting. The conventions' own metrics come last, and only for a sender that none of the tools' rows fit: Gemini CLI
sends both.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from gateway.dialects.counts import LARGEST_COUNT
from gateway.telemetry.metric_series import Series

_NANO = 1_000_000_000


class Reported(Struct, frozen=True, kw_only=True):
    """What one sender says that it used of one model since `first_us`, up to `last_us` (µs since the epoch).

    Counts are inclusive, as everywhere: cached and cache-written tokens in the input, thoughts in the output. None is
    what it does not say.
    """

    app: str
    model: str | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_nano: int | None = None
    first_us: int = 0
    last_us: int = 0


class _Counted(Struct, frozen=True, kw_only=True):
    """How a metric counts. `fields` name what a value of the attribute `by` adds to, by field of `Reported`."""

    metric: str
    model: tuple[str, ...]
    by: str = ""
    fields: Mapping[str, tuple[str, ...]]
    scale: int = 1
    general: bool = False


_INPUT, _CACHED, _WRITTEN = "input_tokens", "cached_tokens", "cache_write_tokens"
_OUTPUT, _REASONING, _COST = "output_tokens", "reasoning_tokens", "cost_nano"
_GEN_AI_MODEL = ("gen_ai.response.model", "gen_ai.request.model")

_ROWS: tuple[_Counted, ...] = (
    _Counted(
        metric="claude_code.token.usage",
        model=("model",),
        by="type",
        # Anthropic's counts: what was cached stands beside the input.
        fields={
            "input": (_INPUT,),
            "cacheRead": (_INPUT, _CACHED),
            "cacheCreation": (_INPUT, _WRITTEN),
            "output": (_OUTPUT,),
        },
    ),
    _Counted(metric="claude_code.cost.usage", model=("model",), fields={"": (_COST,)}, scale=_NANO),
    _Counted(
        metric="codex.turn.token_usage",
        model=("model",),
        by="token_type",
        fields={
            "input": (_INPUT,),
            "cached_input": (_CACHED,),
            "cache_write_input": (_WRITTEN,),
            "output": (_OUTPUT,),
            "reasoning_output": (_REASONING,),
        },
    ),
    _Counted(metric="codex.turn.cost_microusd", model=("model",), fields={"": (_COST,)}, scale=1000),
    _Counted(
        metric="gemini_cli.token.usage",
        model=("model",),
        by="type",
        # Google's counts: thoughts stand beside the output, tool-use input beside the prompt.
        fields={
            "input": (_INPUT,),
            "tool": (_INPUT,),
            "cache": (_CACHED,),
            "output": (_OUTPUT,),
            "thought": (_OUTPUT, _REASONING),
        },
    ),
    _Counted(
        metric="gen_ai.client.token.usage",
        model=_GEN_AI_MODEL,
        by="gen_ai.token.type",
        fields={"input": (_INPUT,), "output": (_OUTPUT,), "completion": (_OUTPUT,)},
        general=True,
    ),
    *(
        _Counted(
            metric=f"gen_ai.client.inference.usage.{name}", model=_GEN_AI_MODEL, fields={"": (field,)}, general=True
        )
        for name, field in (
            ("input_tokens", _INPUT),
            ("output_tokens", _OUTPUT),
            ("cache_read.input_tokens", _CACHED),
            ("cache_write.input_tokens", _WRITTEN),
            ("reasoning.output_tokens", _REASONING),
        )
    ),
)
_BY_METRIC = {row.metric: row for row in _ROWS}


def reported(series: Iterable[Series]) -> tuple[Reported, ...]:
    """By sender and model, those that used most first."""
    counted = [(row, one) for one in series if (row := _BY_METRIC.get(one.name)) is not None]
    own = {_app(one) for row, one in counted if not row.general}
    sums: dict[tuple[str, str | None], dict[str, float]] = {}
    spans: dict[tuple[str, str | None], list[int]] = {}
    for row, one in counted:
        app = _app(one)
        if row.general and app in own:
            continue
        fields = row.fields.get(str(one.attributes.get(row.by, "")) if row.by else "", ())
        model = next((said for key in row.model if isinstance(said := one.attributes.get(key), str)), None)
        figures = sums.setdefault((app, model), {})
        for field in fields:
            figures[field] = figures.get(field, 0) + one.figure * row.scale
        spans.setdefault((app, model), []).extend((one.first_ns, one.last_ns))
    told = [
        Reported(
            app=app,
            model=model,
            first_us=min(spans[app, model]) // 1000,
            last_us=max(spans[app, model]) // 1000,
            **_whole(figures),
        )
        for (app, model), figures in sums.items()
        if figures
    ]
    return tuple(sorted(told, key=lambda one: -((one.input_tokens or 0) + (one.output_tokens or 0))))


def _app(series: Series) -> str:
    name = series.resource.get("service.name")
    return name if isinstance(name, str) and name else series.scope


def _whole(figures: Mapping[str, float]) -> dict[str, Any]:
    """Zeros of what is only a part say nothing: a sender writes them for all that it could count."""
    return {
        name: round(figure)
        for name, figure in figures.items()
        if 0 <= figure <= LARGEST_COUNT and (figure or name in (_INPUT, _OUTPUT, _COST))
    }
