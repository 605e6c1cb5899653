"""The models that we know: limits, life state, human spellings, and what each accepts.

A row each, for every id that people ask for; a model that is not here still works, by its family (`catalog`). Prices
are not here: `prices` has them by date. A retired model stays, marked, and is never swapped for another one.
Sources: the official SDKs' model lists and docstrings, read 2026-11-23; limits marked unverified there are repeated.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.model import Target

LOW_TO_HIGH = ("low", "medium", "high")
LOW_TO_MAX = (*LOW_TO_HIGH, "xhigh", "max")
NONE_TO_XHIGH = ("none", *LOW_TO_HIGH, "xhigh")
NONE_TO_MAX = ("none", *LOW_TO_MAX)
M = 1_000_000
MI = 1_048_576
K = 1_000


class Traits(Struct, frozen=True, kw_only=True):
    """What a group of models accepts; the words are those of `model.Target`.

    `tools_dialect`: tools are taken in this dialect only, unless the reasoning effort is none; with
    `tools_dialect_on_effort` only where an effort is said (openai/openai-openapi#541, pipecat#4043).
    """

    thinking: str = ""
    efforts: tuple[str, ...] = ()
    sampling: str = "all"
    stop: bool = True
    penalties: bool = True
    prefill: bool = True
    max_tokens_field: str = "max_completion_tokens"
    reasoning_content: bool = False
    system_turns: bool = False
    cache_marks: bool = False
    tools_dialect: str = ""
    tools_dialect_on_effort: bool = False


CLAUDE_BUDGET = Traits(thinking="budget", sampling="temperature_or_top_p")
CLAUDE_4_6 = Traits(
    thinking="adaptive", efforts=("none", *LOW_TO_HIGH, "max"), sampling="temperature_or_top_p", prefill=False
)
CLAUDE_ALWAYS = Traits(thinking="adaptive", efforts=LOW_TO_MAX, sampling="none", prefill=False, system_turns=True)
CLAUDE_NEWER = Traits(thinking="adaptive", efforts=NONE_TO_MAX, sampling="none", prefill=False, system_turns=True)
GPT_CLASSIC = Traits()
GPT_O = Traits(thinking="effort", efforts=LOW_TO_HIGH, sampling="none", stop=False, penalties=False)
GPT_5 = Traits(thinking="effort", efforts=("minimal", *LOW_TO_HIGH), sampling="none", penalties=False)
GPT_NONE_XHIGH = Traits(thinking="effort", efforts=NONE_TO_XHIGH, sampling="none", penalties=False)
GPT_5_4 = Traits(
    thinking="effort",
    efforts=NONE_TO_XHIGH,
    sampling="none",
    penalties=False,
    tools_dialect="openai_responses",
    tools_dialect_on_effort=True,
)
GPT_NEWEST = Traits(
    thinking="effort", efforts=LOW_TO_MAX, sampling="none", penalties=False, tools_dialect="openai_responses"
)
GPT_LOW_MAX = replace(GPT_NEWEST, cache_marks=True)
GPT_NONE_MAX = replace(GPT_LOW_MAX, efforts=NONE_TO_MAX)
GEMINI_PLAIN = Traits()
GEMINI_BUDGET = Traits(thinking="budget", efforts=("none", *LOW_TO_HIGH))
GEMINI_PRO_BUDGET = Traits(thinking="budget", efforts=LOW_TO_HIGH)
GEMINI_LEVEL = Traits(thinking="level", efforts=LOW_TO_HIGH)
GEMINI_MINIMAL_LEVEL = Traits(thinking="level", efforts=("minimal", *LOW_TO_HIGH))
GROK_PLAIN = Traits(stop=False, penalties=False, max_tokens_field="max_tokens")
GROK_3 = Traits(max_tokens_field="max_tokens")


def _grok(*efforts: str) -> Traits:
    return Traits(
        thinking="effort",
        efforts=efforts,
        stop=False,
        penalties=False,
        max_tokens_field="max_tokens",
        reasoning_content=True,
    )


EMBEDDING = Traits()


class Model(Struct, frozen=True, kw_only=True):
    """`ended` is the ISO day from which the provider no longer serves the model (or serves another in its place);
    before it the model is deprecated. `note` says in words what the provider does then."""

    id: str
    provider: str
    title: str
    traits: Traits
    spellings: tuple[str, ...] = ()
    kind: str = "chat"
    context: int | None = None
    max_output: int | None = None
    ended: str | None = None
    replacement: str | None = None
    note: str = ""


def _claude(id: str, title: str, traits: Traits, context: int, max_output: int, **more: Any) -> Model:
    return Model(
        id=id, provider="anthropic", title=title, traits=traits, context=context, max_output=max_output, **more
    )


def _gpt(id: str, title: str, traits: Traits, context: int, max_output: int, **more: Any) -> Model:
    return Model(id=id, provider="openai", title=title, traits=traits, context=context, max_output=max_output, **more)


def _gemini(id: str, title: str, traits: Traits, max_output: int = 65_536, **more: Any) -> Model:
    return Model(id=id, provider="google", title=title, traits=traits, context=MI, max_output=max_output, **more)


def _xai(id: str, title: str, traits: Traits, context: int, **more: Any) -> Model:
    return Model(id=id, provider="xai", title=title, traits=traits, context=context, **more)


REDIRECTED = "xAI answers this name with grok-4.3 and bills it as grok-4.3, or refuses it."
GPT_JANUARY = {"ended": "2027-01-14", "replacement": "gpt-6-luna"}

MODELS: tuple[Model, ...] = (
    _claude("claude-opus-4-6", "Claude Opus 4.6", CLAUDE_4_6, M, 128 * K, replacement="claude-opus-5-5"),
    _claude("claude-sonnet-4-6", "Claude Sonnet 4.6", CLAUDE_4_6, M, 64 * K, replacement="claude-sonnet-5-5"),
    _claude("claude-haiku-4-5", "Claude Haiku 4.5", CLAUDE_BUDGET, 200 * K, 64 * K, replacement="claude-haiku-5-5"),
    _claude("claude-opus-5-5", "Claude Opus 5.5", CLAUDE_ALWAYS, M, 128 * K),
    _claude("claude-sonnet-5-5", "Claude Sonnet 5.5", CLAUDE_ALWAYS, M, 128 * K),
    _claude("claude-haiku-5-5", "Claude Haiku 5.5", CLAUDE_NEWER, M, 128 * K),
    _claude("claude-fable-5-2", "Claude Fable 5.2", CLAUDE_ALWAYS, M, 128 * K),
    _claude("claude-mythos-5-2", "Claude Mythos 5.2", CLAUDE_ALWAYS, M, 128 * K),
    _claude("claude-fable-5-1", "Claude Fable 5.1", CLAUDE_ALWAYS, M, 128 * K),
    _claude("claude-opus-5", "Claude Opus 5", CLAUDE_NEWER, M, 128 * K),
    _claude("claude-sonnet-5", "Claude Sonnet 5", CLAUDE_NEWER, M, 128 * K),
    _claude("claude-opus-4-8", "Claude Opus 4.8", CLAUDE_NEWER, M, 128 * K),
    _claude("claude-opus-4-7", "Claude Opus 4.7", CLAUDE_NEWER, M, 128 * K),
    _claude("claude-opus-4-5", "Claude Opus 4.5", CLAUDE_BUDGET, 200 * K, 64 * K),
    _claude(
        "claude-sonnet-4-5",
        "Claude Sonnet 4.5",
        CLAUDE_BUDGET,
        200 * K,
        64 * K,
        ended="2026-11-30",
        replacement="claude-sonnet-5-5",
    ),
    _gpt("gpt-5.4", "GPT-5.4", GPT_5_4, 1_050_000, 128 * K, replacement="gpt-6.1-sol"),
    _gpt("gpt-5.4-mini", "GPT-5.4 mini", GPT_5_4, 400 * K, 128 * K),
    _gpt("gpt-5.4-nano", "GPT-5.4 nano", GPT_5_4, 400 * K, 128 * K, ended="2027-04-01"),
    _gpt("gpt-4.1", "GPT-4.1", GPT_CLASSIC, M, 32_768, **GPT_JANUARY),
    _gpt("gpt-4.1-mini", "GPT-4.1 mini", GPT_CLASSIC, M, 32_768, **GPT_JANUARY),
    _gpt("gpt-4.1-nano", "GPT-4.1 nano", GPT_CLASSIC, M, 32_768, ended="2026-10-23", replacement="gpt-5.6-terra"),
    _gpt("o3", "o3", GPT_O, 200 * K, 100 * K, ended="2026-12-11", replacement="gpt-6.1-sol"),
    _gpt("o4-mini", "o4-mini", GPT_O, 200 * K, 100 * K, ended="2026-10-23", replacement="gpt-5.6-terra"),
    _gpt("gpt-4o", "GPT-4o", GPT_CLASSIC, 128 * K, 16_384, **GPT_JANUARY),
    _gpt("gpt-4o-mini", "GPT-4o mini", GPT_CLASSIC, 128 * K, 16_384, **GPT_JANUARY),
    _gpt("gpt-5", "GPT-5", GPT_5, 400 * K, 128 * K, ended="2026-12-11"),
    _gpt("gpt-5-mini", "GPT-5 mini", GPT_5, 400 * K, 128 * K, ended="2026-12-11"),
    _gpt("gpt-5-nano", "GPT-5 nano", GPT_5, 400 * K, 128 * K, ended="2026-12-11"),
    _gpt("gpt-5.1", "GPT-5.1", GPT_NONE_XHIGH, 400 * K, 128 * K, ended="2027-04-01"),
    _gpt("gpt-5.2", "GPT-5.2", GPT_NONE_XHIGH, 400 * K, 128 * K),
    _gpt("gpt-5.3-codex", "GPT-5.3 Codex", GPT_NONE_XHIGH, 400 * K, 128 * K),
    _gpt("gpt-5.5", "GPT-5.5", GPT_5_4, M, 128 * K),
    _gpt("gpt-5.6-sol", "GPT-5.6 Sol", GPT_NONE_MAX, 1_050_000, 128 * K),
    _gpt("gpt-5.6-terra", "GPT-5.6 Terra", GPT_NONE_MAX, 1_050_000, 128 * K),
    _gpt("gpt-5.6-luna", "GPT-5.6 Luna", GPT_NONE_MAX, 1_050_000, 128 * K),
    _gpt("gpt-6-sol", "GPT-6 Sol", GPT_NONE_MAX, 1_050_000, 128 * K),
    _gpt("gpt-6-luna", "GPT-6 Luna", GPT_NONE_MAX, 1_050_000, 128 * K),
    _gpt("gpt-6-astra", "GPT-6 Astra", GPT_LOW_MAX, 1_050_000, 128 * K),
    _gpt("gpt-6.1-sol", "GPT-6.1 Sol", GPT_LOW_MAX, 1_050_000, 128 * K),
    _gpt("gpt-6.1-terra", "GPT-6.1 Terra", GPT_NONE_MAX, 1_050_000, 128 * K),
    Model(id="gpt-6.2-sol", provider="openai", title="GPT-6.2 Sol", traits=GPT_LOW_MAX),
    Model(id="gpt-6.2-astra", provider="openai", title="GPT-6.2 Astra", traits=GPT_LOW_MAX),
    *(
        Model(id=id, provider="openai", title=id, traits=EMBEDDING, kind="embeddings", context=8192)
        for id in ("text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002")
    ),
    _gemini(
        "gemini-3.1-pro-preview",
        "Gemini 3.1 Pro",
        GEMINI_LEVEL,
        spellings=("gemini-3.1-pro", "gemini-3-pro", "gemini-3-pro-preview"),
        replacement="gemini-4-argon",
    ),
    _gemini(
        "gemini-2.5-pro",
        "Gemini 2.5 Pro",
        GEMINI_PRO_BUDGET,
        ended="2026-12-01",
        replacement="gemini-3.1-pro-preview",
        note="Google then answers with gemini-3.8-flash, at its price.",
    ),
    _gemini(
        "gemini-2.5-flash",
        "Gemini 2.5 Flash",
        GEMINI_BUDGET,
        ended="2026-12-01",
        replacement="gemini-3.8-flash",
        note="Google then answers with gemini-3.5-flash-lite, at its price.",
    ),
    _gemini("gemini-2.5-flash-lite", "Gemini 2.5 Flash-Lite", GEMINI_BUDGET),
    _gemini(
        "gemini-2.0-flash",
        "Gemini 2.0 Flash",
        GEMINI_PLAIN,
        8_192,
        ended="2026-06-01",
        replacement="gemini-2.5-flash-lite",
    ),
    _gemini("gemini-3-flash-preview", "Gemini 3 Flash", GEMINI_MINIMAL_LEVEL, spellings=("gemini-3-flash",)),
    _gemini("gemini-3.1-flash-lite", "Gemini 3.1 Flash-Lite", GEMINI_MINIMAL_LEVEL),
    _gemini("gemini-3.5-flash", "Gemini 3.5 Flash", GEMINI_MINIMAL_LEVEL),
    _gemini("gemini-3.5-flash-lite", "Gemini 3.5 Flash-Lite", GEMINI_MINIMAL_LEVEL),
    _gemini("gemini-3.6-flash", "Gemini 3.6 Flash", GEMINI_LEVEL),
    _gemini("gemini-3.7-flash", "Gemini 3.7 Flash", GEMINI_LEVEL),
    _gemini("gemini-3.8-flash", "Gemini 3.8 Flash", GEMINI_LEVEL),
    _gemini("gemini-4-argon", "Gemini 4 Argon", GEMINI_LEVEL),
    *(
        Model(id=id, provider="google", title=title, traits=GEMINI_LEVEL)
        for id, title in (
            ("gemini-4-hydrogen", "Gemini 4 Hydrogen"),
            ("gemini-4-carbon", "Gemini 4 Carbon"),
            ("gemini-4-neon", "Gemini 4 Neon"),
        )
    ),
    *(
        Model(id=id, provider="google", title=id, traits=EMBEDDING, kind="embeddings", context=context)
        for id, context in (("gemini-embedding-001", 2048), ("gemini-embedding-2", None))
    ),
    _xai(
        "grok-4-1-fast-reasoning",
        "Grok 4.1 Fast",
        GROK_PLAIN,
        2 * M,
        ended="2026-05-15",
        replacement="grok-4.3",
        note=REDIRECTED,
        spellings=("grok-4-1-fast", "grok-4.1-fast", "grok-4.1-fast-reasoning"),
    ),
    _xai(
        "grok-4-1-fast-non-reasoning",
        "Grok 4.1 Fast (no reasoning)",
        GROK_PLAIN,
        2 * M,
        ended="2026-05-15",
        replacement="grok-4.3",
        note=REDIRECTED,
        spellings=("grok-4.1-fast-non-reasoning",),
    ),
    _xai("grok-3", "Grok 3", GROK_3, 131_072, ended="2026-05-15", replacement="grok-4.3", note=REDIRECTED),
    _xai(
        "grok-3-mini",
        "Grok 3 Mini",
        _grok("low", "high"),
        131_072,
        replacement="grok-4.3",
        note="Not on xAI's list of retired models, yet reported as no longer answering.",
    ),
    _xai("grok-4.3", "Grok 4.3", _grok("none", *LOW_TO_HIGH), M),
    _xai("grok-4.20-reasoning", "Grok 4.20", GROK_PLAIN, M),
    _xai("grok-4.20-non-reasoning", "Grok 4.20 (no reasoning)", GROK_PLAIN, M),
    _xai("grok-4.20-multi-agent", "Grok 4.20 multi-agent", _grok(*LOW_TO_HIGH, "xhigh"), M),
    _xai("grok-4.5", "Grok 4.5", _grok(*LOW_TO_HIGH), 500 * K),
    _xai("grok-4.6", "Grok 4.6", _grok(*LOW_TO_HIGH, "xhigh"), 500 * K),
    _xai("grok-4.7", "Grok 4.7", _grok(*LOW_TO_HIGH), 500 * K),
    _xai("grok-build-0.1", "Grok Build 0.1", GROK_PLAIN, 256 * K),
)

# Newer models of a family are taken to accept what its newest known one does; the first beginning that fits counts.
FAMILY_TRAITS: Mapping[str, Traits] = {
    "claude-": CLAUDE_ALWAYS,
    "gpt-": GPT_NEWEST,
    "o": GPT_O,
    "gemini-": GEMINI_LEVEL,
    # They reason, and refuse to be told how much.
    "grok-4-": GROK_PLAIN,
    "grok-4.20-": GROK_PLAIN,
    "grok-code-": GROK_PLAIN,
    "grok-": _grok(*LOW_TO_HIGH),
}


def spelling_key(name: str) -> str:
    """People write `Claude Haiku 4.5`, `claude-haiku-4.5` and `claude-haiku-4-5` for the same model."""
    return name.strip().lower().replace(".", "-").replace(" ", "-").replace("_", "-")


BY_ID: Mapping[str, Model] = {model.id: model for model in MODELS}
BY_SPELLING: Mapping[str, Model] = {
    spelling_key(name): model for model in reversed(MODELS) for name in (model.title, *model.spellings, model.id)
}


def life_state(model: Model, today: date) -> str:
    """live, deprecated (an end is announced) or retired (it has come)."""
    if model.ended is None:
        return "live"
    return "retired" if date.fromisoformat(model.ended) <= today else "deprecated"


def notice(model: Model, today: date) -> str | None:
    """What `x-faregate-model-notice` says of a model on its way out; plain ASCII."""
    state = life_state(model, today)
    if state == "live":
        return None
    words = (
        f"{model.id} is retired since {model.ended}"
        if state == "retired"
        else (f"{model.id} is deprecated and ends on {model.ended}")
    )
    use = f"; use {model.replacement}" if model.replacement else ""
    return f"{words}{use}. {model.note}".strip() if model.note else words + use


def target(id: str, row: Model | None, traits: Traits, origin: str = "") -> Target:
    """What a codec must know to render for the model `id`."""
    return Target(
        model=id,
        origin=origin,
        max_output_tokens=row.max_output if row else None,
        efforts=traits.efforts,
        thinking=traits.thinking,
        sampling=traits.sampling,
        stop=traits.stop,
        penalties=traits.penalties,
        prefill=traits.prefill,
        max_tokens_field=traits.max_tokens_field,
        reasoning_content=traits.reasoning_content,
        system_turns=traits.system_turns,
        cache_marks=traits.cache_marks,
    )
