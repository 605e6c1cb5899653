"""Who does what in the example history: an imaginary company's tools, keys, people, models and habits, as rows.

A model's share moves from `before` to `now` over the last eight weeks, so that comparing periods shows something.
"""

from msgspec import Struct

Hours = tuple[float, ...]

# Relative traffic of the 24 local hours, from midnight; four a line.
# fmt: off
OFFICE: Hours = (
    0.7, 0.5, 0.5, 0.5,
    0.5, 0.6, 1.3, 3.2,
    7.4, 10.4, 11.4, 10.6,
    7.6, 9.2, 11.0, 10.4,
    9.0, 6.8, 4.2, 2.8,
    2.2, 1.8, 1.4, 0.9,
)
WAKING: Hours = (
    2.2, 1.8, 1.6, 1.5,
    1.5, 1.8, 2.8, 4.0,
    5.6, 6.6, 7.0, 6.8,
    6.4, 6.6, 6.8, 6.6,
    6.4, 6.2, 5.8, 5.2,
    4.6, 3.8, 3.0, 2.5,
)
NIGHTLY: Hours = (
    2.6, 4.6, 4.6, 3.2,
    2.0, 1.4, 1.4, 2.6,
    4.6, 5.8, 6.2, 5.8,
    4.6, 5.6, 6.0, 5.6,
    4.8, 3.6, 2.4, 1.6,
    1.4, 1.2, 1.2, 1.8,
)
# fmt: on

PROVIDER_TITLES = {"anthropic": "Anthropic", "openai": "OpenAI", "google": "Google Gemini", "xai": "xAI"}
# What each provider's answers count; the others are unknown, not zero.
COUNTS_CACHE_WRITES = frozenset({"anthropic"})
COUNTS_REASONING = frozenset({"openai", "google", "xai"})
REPORTS_COST = frozenset({"xai"})


class ModelShare(Struct, frozen=True):
    provider: str
    model: str
    before: float
    now: float


class Workload(Struct, frozen=True, kw_only=True):
    """`share` of a weekday's requests and `weekend` as a factor on it; `hours` one of the tables above.

    `people` are end users and their weights, None where the key's principal stands for itself. `turns` is the mean
    length of a conversation, 1 for single calls. Tokens: `prompt` median of a first input, `growth` by which each
    turn grows it, `cached` the share of the repeated part that is read from the cache, `output` the median answer.
    """

    share: float
    weekend: float
    hours: Hours
    key_id: str
    key: str
    principal: str
    door: str
    client: str
    app: str | None
    tags: tuple[str, ...]
    people: tuple[tuple[str | None, float], ...]
    models: tuple[ModelShare, ...]
    turns: float
    prompt: int
    growth: int
    cached: float
    output: int
    streamed: float


_SONNET = ("anthropic", "claude-sonnet-4-6")
_HAIKU = ("anthropic", "claude-haiku-4-5")
_GPT = ("openai", "gpt-5.4")
_MINI = ("openai", "gpt-4.1-mini")
_FLASH = ("google", "gemini-2.5-flash")
_GROK = ("xai", "grok-4.3")

WORKLOADS = (
    Workload(
        share=0.27,
        weekend=0.16,
        hours=OFFICE,
        key_id="demo-engineering",
        key="engineering",
        principal="platform",
        door="anthropic",
        client="Claude Code",
        app="claude-code",
        tags=("team:platform", "env:dev"),
        people=(("ana", 4), ("ben", 3), ("chloe", 2)),
        models=(ModelShare(*_SONNET, 7.5, 7), ModelShare(*_HAIKU, 1.5, 2.5)),
        turns=5,
        prompt=6200,
        growth=1700,
        cached=0.94,
        output=230,
        streamed=1.0,
    ),
    Workload(
        share=0.11,
        weekend=0.12,
        hours=OFFICE,
        key_id="demo-engineering",
        key="engineering",
        principal="platform",
        door="openai_responses",
        client="Codex",
        app="codex",
        tags=("team:platform", "env:dev"),
        people=(("chloe", 3), ("ben", 1)),
        models=(ModelShare(*_GPT, 1, 1),),
        turns=4,
        prompt=5200,
        growth=1900,
        cached=0.86,
        output=260,
        streamed=1.0,
    ),
    Workload(
        share=0.13,
        weekend=0.2,
        hours=NIGHTLY,
        key_id="demo-ci",
        key="ci",
        principal="ci",
        door="openai_chat",
        client="OpenAI SDK (Python)",
        app="review-bot",
        tags=("team:platform", "env:prod", "feature:code-review"),
        people=((None, 1),),
        models=(ModelShare(*_GPT, 5, 3), ModelShare(*_SONNET, 3, 4), ModelShare(*_GROK, 1, 2)),
        turns=1,
        prompt=4200,
        growth=0,
        cached=0.3,
        output=420,
        streamed=0.1,
    ),
    Workload(
        share=0.2,
        weekend=0.62,
        hours=WAKING,
        key_id="demo-support",
        key="support-bot",
        principal="support",
        door="openai_chat",
        client="OpenAI SDK (JavaScript)",
        app="helpdesk",
        tags=("team:support", "env:prod", "feature:chat"),
        people=(("grace", 3), (None, 5)),
        models=(ModelShare(*_HAIKU, 3, 4), ModelShare(*_MINI, 5, 3), ModelShare(*_FLASH, 2, 3)),
        turns=4,
        prompt=1500,
        growth=420,
        cached=0.7,
        output=170,
        streamed=0.9,
    ),
    Workload(
        share=0.17,
        weekend=0.3,
        hours=OFFICE,
        key_id="demo-growth",
        key="growth-app",
        principal="growth",
        door="openai_chat",
        client="LangChain",
        app="campaigns",
        tags=("team:growth", "env:prod", "feature:copywriting"),
        people=(("emeka", 3), ("fatima", 2)),
        models=(ModelShare(*_FLASH, 4, 5), ModelShare(*_SONNET, 3, 2.4), ModelShare(*_MINI, 3, 2)),
        turns=2,
        prompt=1900,
        growth=600,
        cached=0.4,
        output=380,
        streamed=0.5,
    ),
    Workload(
        share=0.08,
        weekend=0.25,
        hours=OFFICE,
        key_id="demo-research",
        key="research",
        principal="hiro",
        door="gemini",
        client="Gemini CLI",
        app="gemini-cli",
        tags=("team:research", "env:dev"),
        people=((None, 1),),
        models=(ModelShare(*_FLASH, 1, 1),),
        turns=4,
        prompt=5000,
        growth=2000,
        cached=0.75,
        output=300,
        streamed=1.0,
    ),
    Workload(
        share=0.04,
        weekend=0.4,
        hours=WAKING,
        key_id="demo-research",
        key="research",
        principal="hiro",
        door="openai_chat",
        client="OpenAI SDK (Python)",
        app="notebooks",
        tags=("team:research", "env:staging", "feature:summaries"),
        people=((None, 1),),
        models=(ModelShare(*_GROK, 3, 4), ModelShare(*_GPT, 2, 1)),
        turns=2,
        prompt=7800,
        growth=1500,
        cached=0.5,
        output=520,
        streamed=0.3,
    ),
)
