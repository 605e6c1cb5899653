"""The forms in which providers hand out usage and costs as CSV: a row per form, columns → neutral fields.

Fields: `time` (a day, or a moment), `until` (its end), `model`, `request_id`, `requests`, `cost`, `currency`, and
tokens: `input` (all of it), or `uncached` where the form counts the cached apart; `cached`, `cache_write`,
`cache_write_1h` (added to it), `output`, `reasoning` (added to it, where the form counts it apart). A form with a
line per kind of token has `kind` and `quantity` instead, and `kinds` says what each means.

What these rows rest on, read 2026-11: OpenAI's and Anthropic's headers are those of exports that people have
published; Google's are those of the cost table's download and of the billing export to BigQuery, its SKU names
those of published bills, and that its input SKU leaves out cached tokens follows from their having a SKU of their
own. UNVERIFIED: lines for web searches are called as the providers' cost APIs call them; OpenAI's export of
embeddings has the fields of its usage API; xAI publishes no form of CSV: its row has the words of its billing API's
invoice lines; `generic` and `generic_costs` are nobody's form, but the names that most tables use. A form that has
changed is mended here, or by a mapping of the user's own.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from gateway.words import later

COUNTS = ("requests", "input", "cached", "cache_write", "output")
# The columns any of which says a count, where that is not the one of its name.
COLUMNS_OF: Mapping[str, frozenset[str]] = {
    "input": frozenset(("input", "uncached")),
    "cache_write": frozenset(("cache_write", "cache_write_1h")),
}
# What a user's own mapping may name.
FIELDS = (
    "time",
    "until",
    "model",
    "request_id",
    "requests",
    "input",
    "uncached",
    "cached",
    "cache_write",
    "cache_write_1h",
    "output",
    "reasoning",
    "cost",
    "currency",
)
NUMBERS = ("requests", "input", "uncached", "cached", "cache_write", "cache_write_1h", "output", "reasoning")


class Form(Struct, frozen=True, kw_only=True):
    """`columns`: field → the names that its column may bear, best first, as `plain_name` makes them.

    `required` tells the form by its header. `counts` are the neutral counts that a line of it says, and `zone` is
    whose days they are. `model` finds the model within its column's text, which is the whole text by default.
    `kinds`: pattern in the `kind` column → field that `quantity` counts, first match; a line whose kind matches
    none, or "", has a cost only. `only`: field → pattern; lines that do not match it are other services' and are
    passed over. What one provider's forms of different `part`s count is never the same. `searches`: a line whose
    `charge` column matches, and that names no model that is known, charges web searches of those that made them.
    """

    name: str
    title: str
    provider: str | None
    columns: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    counts: tuple[str, ...] = ()
    zone: str = "UTC"
    model: re.Pattern[str] | None = None
    kinds: tuple[tuple[re.Pattern[str], str], ...] = ()
    only: Mapping[str, re.Pattern[str]] = MappingProxyType({})
    part: str = ""
    searches: re.Pattern[str] | None = None


def _kinds(*pairs: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), field) for pattern, field in pairs)


_USUAL: Mapping[str, tuple[str, ...]] = {
    "time": ("time", "timestamp", "date", "day", "created at", "created", "started at", "month"),
    "model": ("model", "model id", "model name", "slug"),
    "request_id": ("request id", "upstream request id", "response id", "generation id", "id"),
    "requests": ("requests", "num requests", "request count"),
    "input": ("input tokens", "prompt tokens"),
    "cached": ("cached tokens", "cached input tokens", "cache read tokens"),
    "cache_write": ("cache write tokens", "cache creation tokens"),
    "output": ("output tokens", "completion tokens"),
    "cost": ("cost usd", "cost", "amount", "amount usd", "total cost", "usage"),
    "currency": ("currency",),
}

# What all of OpenAI's usage exports have.
_OPENAI_USAGE: Mapping[str, tuple[str, ...]] = {
    "time": ("start time", "start time iso"),
    "until": ("end time", "end time iso"),
    "model": ("model",),
    "requests": ("num model requests",),
    "input": ("input tokens",),
}

_WEB_SEARCH = re.compile(r"web[ _-]?search", re.IGNORECASE)

FORMS: tuple[Form, ...] = (
    Form(
        name="openai_usage",
        title=later("OpenAI's usage export"),
        provider="openai",
        columns={**_OPENAI_USAGE, "cached": ("input cached tokens",), "output": ("output tokens",)},
        required=("time", "model", "requests", "input", "output"),
        counts=("requests", "input", "cached", "output"),
    ),
    Form(
        name="openai_embeddings",
        title=later("OpenAI's usage export of embeddings"),
        provider="openai",
        columns=_OPENAI_USAGE,
        required=("time", "model", "requests", "input"),
        counts=("requests", "input"),
        part="embeddings",
    ),
    Form(
        name="openai_costs",
        title=later("OpenAI's cost export"),
        provider="openai",
        columns={
            "time": ("start time", "start time iso"),
            "until": ("end time", "end time iso"),
            "model": ("line item",),
            "charge": ("line item",),
            "cost": ("amount value",),
            "currency": ("amount currency",),
        },
        required=("time", "cost", "currency"),
        # A line item is a model and a kind of token: "gpt-5-nano-2025-08-07, input".
        model=re.compile(r"^[^,]+"),
        searches=_WEB_SEARCH,
    ),
    Form(
        name="anthropic_usage",
        title=later("the Claude Console's usage export"),
        provider="anthropic",
        columns={
            "time": ("usage date utc", "usage date"),
            "model": ("model version", "model"),
            "uncached": ("usage input tokens no cache",),
            "cached": ("usage input tokens cache read",),
            "cache_write": ("usage input tokens cache write 5m", "usage input tokens cache write"),
            "cache_write_1h": ("usage input tokens cache write 1h",),
            "output": ("usage output tokens",),
        },
        required=("time", "model", "uncached", "output"),
        counts=("input", "cached", "cache_write", "output"),
    ),
    Form(
        name="anthropic_costs",
        title=later("the Claude Console's cost export"),
        provider="anthropic",
        columns={
            "time": ("usage date utc", "usage date"),
            "model": ("model",),
            "charge": ("cost type",),
            "cost": ("cost usd",),
        },
        required=("time", "model", "cost"),
        searches=_WEB_SEARCH,
    ),
    Form(
        name="google_costs",
        title=later("Google Cloud's cost table"),
        provider="google",
        columns={
            "time": ("usage start date", "usage start time"),
            "until": ("usage end date", "usage end time"),
            "model": ("sku description",),
            "kind": ("sku description",),
            "charge": ("sku description",),
            "service": ("service description",),
            "credit": ("credit type",),
            "quantity": ("usage amount",),
            "cost": ("unrounded cost", "cost", "unrounded subtotal", "subtotal"),
            "currency": ("currency",),
        },
        required=("time", "model", "cost"),
        counts=("input", "cached", "output"),
        zone="America/Los_Angeles",
        model=re.compile(
            r"gemini[- ](?:embedding[- ])?\d+(?:\.\d+)?"
            r"(?:[- ](?:pro|flash|lite|preview|argon|hydrogen|carbon|neon))*",
            re.IGNORECASE,
        ),
        kinds=_kinds(
            (r"storage|search|grounding", ""),
            (r"cach(?:ed|ing)", "cached"),
            (r"\b(?:output|thinking|response)\b.*(?:token|text|predictions)", "output"),
            (r"\binput\b", "uncached"),
        ),
        searches=re.compile(r"grounding|google search", re.IGNORECASE),
        # Credits are no prices, and their lines may repeat the usage.
        only={
            "service": re.compile(r"gemini|generative|vertex|agent platform", re.IGNORECASE),
            "credit": re.compile(r"^$"),
        },
    ),
    Form(
        name="xai_usage",
        title=later("xAI's usage by billing item"),
        provider="xai",
        columns={
            "time": ("date", "day", "timestamp", "time"),
            "model": ("description", "model"),
            "kind": ("unit type", "billing item", "type"),
            "quantity": ("num units", "units", "quantity"),
            "cost": ("cost", "cost usd", "amount", "usd"),
            "currency": ("currency",),
        },
        required=("time", "model", "kind", "quantity"),
        counts=("input", "cached", "output"),
        model=re.compile(r"grok[-\w.]*", re.IGNORECASE),
        kinds=_kinds(
            (r"cached prompt", "cached"),
            (r"prompt", "uncached"),
            (r"completion|reasoning", "output"),
        ),
    ),
    Form(
        name="generic",
        title=later("a table of usage"),
        provider=None,
        columns=_USUAL,
        required=("time", "model", "input"),
        counts=COUNTS,
    ),
    Form(
        name="generic_costs",
        title=later("a table of costs"),
        provider=None,
        columns=_USUAL,
        required=("time", "model", "cost"),
        counts=COUNTS,
    ),
)
_UNIT = re.compile(r"(?<!\s)\s*+\(([^()]*)\)\s*$")
_SEPARATORS = re.compile(r"[\W_]+")


def plain_name(title: str) -> str:
    """A column's title as the rows above write it: `Unrounded Cost ($)` and `unrounded_cost` are one."""
    return _SEPARATORS.sub(" ", _UNIT.sub("", title).lower()).strip()


def unit_of(title: str) -> str:
    """What a title says in brackets at its end: the currency of `Cost (€)`."""
    found = _UNIT.search(title)
    return found[1].strip() if found else ""
