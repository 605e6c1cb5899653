"""Names to providers: every id and human spelling of the product's list, families, the user's own rows, and the rest."""

from datetime import date

import pytest
from msgspec.structs import replace

from gateway.errors import ClientError
from gateway.providers.catalog import BY_NAME, PROVIDERS, Provider
from gateway.providers.models import BY_ID, MODELS, Model, Traits, life_state, notice
from gateway.relaying.routing import Routing, answering_model

ROUTING = Routing(PROVIDERS)

# The brief's list: what people write → the id that goes out, and who serves it.
SPELLINGS = {
    "anthropic": {
        "claude-opus-4-6": ["Claude Opus 4.6", "claude-opus-4.6", "anthropic/claude-opus-4-6"],
        "claude-sonnet-4-6": ["Claude Sonnet 4.6", "claude-sonnet-4.6", "anthropic/claude-sonnet-4.6"],
        "claude-haiku-4-5": ["Claude Haiku 4.5", "claude-haiku-4.5"],
        "claude-haiku-4-5-20251001": [],
    },
    "openai": {
        "gpt-5.4": ["GPT-5.4", "gpt-5-4"],
        "gpt-4.1": ["GPT-4.1", "openai/gpt-4.1"],
        "gpt-4.1-mini": ["GPT-4.1 mini", "gpt-4-1-mini", "GPT 4.1 Mini"],
        "gpt-4.1-nano": ["GPT-4.1 nano"],
        "o3": ["O3"],
        "o4-mini": ["o4 mini"],
        "gpt-4o": ["GPT-4o"],
        "gpt-4o-mini": ["GPT-4o mini"],
        "text-embedding-3-small": [],
        "text-embedding-3-large": [],
    },
    "google": {
        "gemini-3.1-pro-preview": [
            "Gemini 3.1 Pro",
            "gemini-3.1-pro",
            "models/gemini-3.1-pro-preview",
            "gemini-3-1-pro",
        ],
        "gemini-2.5-pro": ["Gemini 2.5 Pro", "google/gemini-2.5-pro"],
        "gemini-2.5-flash": ["Gemini 2.5 Flash", "models/gemini-2.5-flash"],
        "gemini-2.0-flash": ["Gemini 2.0 Flash"],
    },
    "xai": {
        "grok-4-1-fast-reasoning": ["Grok 4.1 Fast", "grok-4.1-fast", "grok-4-1-fast", "grok-4.1-fast-reasoning"],
        "grok-4-1-fast-non-reasoning": ["grok-4.1-fast-non-reasoning"],
        "grok-3": ["Grok 3"],
        "grok-3-mini": ["Grok 3 Mini"],
        "grok-4.3": ["Grok 4.3", "grok-4-3", "xai/grok-4.3"],
    },
}
NAMED = [
    (spelling, id, provider)
    for provider, ids in SPELLINGS.items()
    for id, spellings in ids.items()
    for spelling in (id, *spellings)
]


@pytest.mark.parametrize(("name", "id", "provider"), NAMED, ids=[name for name, _, _ in NAMED])
def test_every_id_and_spelling_of_the_list(name: str, id: str, provider: str) -> None:
    (candidate,) = ROUTING.candidates(name)
    assert (candidate.model, candidate.provider.name, candidate.target.model) == (id, provider, id)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_every_row_is_found_by_id_title_and_spellings(model: object) -> None:
    row = BY_ID[model.id]  # type: ignore[attr-defined]
    for name in (row.id, row.id.upper(), row.title, *row.spellings, f"{row.provider}/{row.id}"):
        (candidate,) = ROUTING.candidates(name)
        assert (candidate.model, candidate.row, candidate.provider.name) == (row.id, row, row.provider)
    assert ROUTING.candidates(row.id)[0].target.max_output_tokens == row.max_output


@pytest.mark.parametrize(
    ("name", "provider", "base"),
    [
        ("gpt-4.1-2025-04-14", "openai", "gpt-4.1"),
        ("claude-sonnet-4-6-20990101", "anthropic", "claude-sonnet-4-6"),
        ("claude-opus-4-6-latest", "anthropic", "claude-opus-4-6"),
        ("gpt-7", "openai", None),
        ("o3-pro", "openai", None),
        ("ft:gpt-4.1-mini:me::x", "openai", None),
        ("claude-next-9", "anthropic", None),
        ("gemini-9-xenon", "google", None),
        ("gemma-3-27b", "google", None),
        ("grok-9", "xai", None),
        ("openai/my-own", "openai", None),
    ],
)
def test_new_models_work_on_their_first_day(name: str, provider: str, base: str | None) -> None:
    (candidate,) = ROUTING.candidates(name)
    assert candidate.provider.name == provider
    assert candidate.model == name.removeprefix(f"{provider}/")
    assert (candidate.row.id if candidate.row else None) == base


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("gtp-4.1", ["gpt-4.1"]),
        ("sonnet-4-6", ["claude-sonnet-4-6"]),
        ("gemini", ["gemini-4-"]),
        ("qqqqq", ["GET /api/ai/v1/models"]),
        ("", ["GET /api/ai/v1/models"]),
        ("gpt-4\n1", ["'gpt-4\\n1'"]),
        ("gpt-\ud800", ["'gpt-\\ud800'"]),
        ("gpt-" + "x" * 300, ["is not known"]),
    ],
)
def test_an_unknown_name_is_404_with_the_nearest(name: str, near: list[str]) -> None:
    with pytest.raises(ClientError) as refused:
        ROUTING.candidates(name)
    error = refused.value
    assert (error.status, error.kind, error.param, error.code) == (404, "not_found", "model", "model_not_found")
    assert all(words in error.message for words in near) and len(error.message) < 400
    assert error.message.isprintable()


OWN = Provider(
    name="local",
    title="Local",
    dialect="openai_chat",
    base_url="http://127.0.0.1:1/v1",
    auth="none",
    probe_path="/models",
)


def test_the_user_s_own_models_and_aliases_come_first() -> None:
    routing = Routing(
        (*PROVIDERS, OWN),
        own_models=[Model(id=id, provider="local", title=id, traits=Traits()) for id in ("llama-3", "gpt-4.1")],
        aliases={"best": "claude-opus-4-6", "o3": "grok-4.3"},
    )
    found = {
        name: routing.candidates(name)[0] for name in ("llama-3", "gpt-4.1", "best", "o3", "local/any", "gpt-4o")
    }
    assert {name: (item.provider.name, item.model) for name, item in found.items()} == {
        "llama-3": ("local", "llama-3"),
        "gpt-4.1": ("local", "gpt-4.1"),
        "best": ("anthropic", "claude-opus-4-6"),
        "o3": ("xai", "grok-4.3"),
        "local/any": ("local", "any"),
        "gpt-4o": ("openai", "gpt-4o"),
    }


def test_a_listed_model_is_found_however_it_is_written() -> None:
    aliases = {"best": "claude-opus-4-6", "models/mine": "claude-opus-4-6"}
    routing = Routing(PROVIDERS, aliases=aliases, off=["xai"])
    names = ("gpt-4.1-mini", "openai/gpt-4.1-mini", "GPT-4.1 mini", "gpt-4.1-mini-2025-04-14", "models/gpt-4.1-mini")
    assert {row.id for name in names if (row := routing.listed(name)) is not None} == {"gpt-4.1-mini"}
    for name, id in (("best", "best"), ("models/best", "best"), ("models/mine", "models/mine")):
        assert (best := routing.listed(name)) is not None and best.id == id
        assert routing.candidates(name)[0].model == "claude-opus-4-6"
    for name in ("nobody's model", "gpt-99-new", "anthropic/gpt-4.1-mini", "grok-4.3"):
        assert routing.listed(name) is None, name


@pytest.mark.parametrize(
    ("provider", "name", "model"),
    [
        ("openai", "GPT-4.1 mini", "gpt-4.1-mini"),
        ("openai", "openai/o3", "o3"),
        ("openai", "claude-opus-4.6", "claude-opus-4.6"),
        ("openai", "nobody's model", "nobody's model"),
    ],
)
def test_what_a_provider_was_asked_for(provider: str, name: str, model: str) -> None:
    assert ROUTING.asked(provider, name) == model


def test_many_names_are_not_kept_for_ever() -> None:
    routing = Routing(PROVIDERS)
    for number in range(5000):
        routing.candidates(f"gpt-{number}")
    assert len(routing._kept) <= 1024
    assert routing.candidates("gpt-4.1") is routing.candidates("gpt-4.1")


@pytest.mark.parametrize(
    ("routed", "said", "booked"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", "gpt-4o"),
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("gemini-2.5-flash", "models/gemini-2.5-flash-001", "gemini-2.5-flash"),
        ("grok-3", "grok-4.3", "grok-4.3"),
        ("gemini-2.5-pro", "gemini-3.8-flash", "gemini-3.8-flash"),
        ("gpt-4o", None, "gpt-4o"),
        ("gpt-4o", "", "gpt-4o"),
        ("gpt-4.1", "gpt-4.1-mini", "gpt-4.1-mini"),
    ],
)
def test_the_model_that_is_booked(routed: str, said: str | None, booked: str) -> None:
    assert answering_model(routed, said) == booked


@pytest.mark.parametrize(
    ("id", "day", "state"),
    [
        ("gpt-4.1-nano", "2026-10-22", "deprecated"),
        ("gpt-4.1-nano", "2026-10-23", "retired"),
        ("gemini-2.5-pro", "2026-11-30", "deprecated"),
        ("gemini-2.5-pro", "2026-12-01", "retired"),
        ("grok-4.3", "2030-01-01", "live"),
    ],
)
def test_life_states(id: str, day: str, state: str) -> None:
    today = date.fromisoformat(day)
    assert life_state(BY_ID[id], today) == state
    words = notice(BY_ID[id], today)
    assert (words is None) == (state == "live")
    assert words is None or (state in words and str(BY_ID[id].ended) in words and words.isascii())


def test_every_notice_can_be_a_header() -> None:
    for model in MODELS:
        words = notice(model, date(2030, 1, 1))
        assert words is None or (words.isascii() and words.isprintable() and len(words) < 300)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:4210/api/ai/v1", True),
        ("http://localhost:4210", True),
        ("http://[::1]:4210", True),
        ("http://[::ffff:127.0.0.1]:4210", True),
        ("http://192.168.1.7:4210", True),
        ("http://my-nas", True),
        ("https://api.openai.com/v1", False),
        ("https://openrouter.ai/api/v1", False),
    ],
)
def test_cc_switch_4254_where_a_loop_is_possible(url: str, local: bool) -> None:
    assert replace(BY_NAME["openai"], base_url=url).is_local is local
