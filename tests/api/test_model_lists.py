"""The list of models by itself: who reads which shape, pages, and models on their way out."""

from datetime import date

import pytest
from multidict import CIMultiDict

from gateway.api.model_lists import SHAPES, caller_dialect
from gateway.errors import ClientError
from gateway.providers.models import BY_ID, MODELS

TODAY = date(2026, 11, 24)
IDS = [model.id for model in MODELS]


@pytest.mark.parametrize(
    ("path", "headers", "query", "dialect"),
    [
        ("/api/ai/v1/models", {}, {}, "openai_chat"),
        ("/api/ai/v1/models/gpt-4.1", {"Authorization": "Bearer tk_"}, {}, "openai_chat"),
        ("/api/ai/v1/models", {"Anthropic-Version": "2026-10-21"}, {}, "anthropic"),
        ("/api/ai/v1/models", {"x-api-key": "tk_"}, {}, "openai_chat"),
        ("/api/ai/v1/models", {"X-Goog-Api-Key": "tk_"}, {}, "gemini"),
        ("/api/ai/v1/models", {}, {"key": "tk_"}, "gemini"),
        ("/api/ai/v1beta/models", {}, {}, "gemini"),
        ("/api/ai/v1beta/models/gpt-4.1", {"anthropic-version": "2023-06-01"}, {}, "gemini"),
    ],
)
def test_who_asks(path: str, headers: dict[str, str], query: dict[str, str], dialect: str) -> None:
    assert caller_dialect(path, CIMultiDict(headers), query) == dialect


@pytest.mark.parametrize(
    ("query", "ids", "more"),
    [
        ((), IDS, False),
        ((("limit", "1000"),), IDS, False),
        ((("limit", "99999"),), IDS, False),
        ((("limit", "2"),), IDS[:2], True),
        ((("limit", "2"), ("after_id", IDS[1])), IDS[2:4], True),
        ((("limit", "2"), ("after_id", IDS[-3])), IDS[-2:], False),
        ((("after_id", IDS[-1]),), [], False),
        ((("limit", "2"), ("before_id", IDS[4])), IDS[2:4], True),
        ((("limit", "2"), ("before_id", IDS[2])), IDS[:2], False),
        ((("before_id", IDS[0]),), [], False),
    ],
)
def test_pages_in_anthropics_shape(query: tuple[tuple[str, str], ...], ids: list[str], more: bool) -> None:
    page = SHAPES["anthropic"].page(MODELS, query, TODAY)
    assert [model["id"] for model in page["data"]] == ids
    assert page["has_more"] is more
    assert (page["first_id"], page["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))


def test_pages_in_geminis_shape() -> None:
    seen: list[str] = []
    token = ""
    while True:
        page = SHAPES["gemini"].page(MODELS, (("pageSize", "7"), ("pageToken", token)), TODAY)
        assert 0 < len(page["models"]) <= 7
        seen += [model["name"] for model in page["models"]]
        if "nextPageToken" not in page:
            break
        token = page["nextPageToken"]
    assert seen == [f"models/{id}" for id in IDS]


@pytest.mark.parametrize(
    ("dialect", "name", "value"),
    [
        ("anthropic", "limit", "0"),
        ("anthropic", "limit", "-1"),
        ("anthropic", "limit", "many"),
        ("anthropic", "after_id", "no-such-model"),
        ("anthropic", "before_id", "no-such-model"),
        ("gemini", "pageSize", "0"),
        ("gemini", "pageSize", "²"),
        ("gemini", "pageSize", "9" * 5000),
        ("gemini", "pageToken", "no-such-model"),
    ],
)
def test_a_page_that_cannot_be_is_refused_by_name(dialect: str, name: str, value: str) -> None:
    with pytest.raises(ClientError) as raised:
        SHAPES[dialect].page(MODELS, ((name, value),), TODAY)
    assert (raised.value.status, raised.value.param) == (400, name)


@pytest.mark.parametrize(
    ("id", "today", "lifecycle"),
    [
        ("gpt-6-luna", date(2026, 11, 24), "active"),
        ("gemini-2.5-flash", date(2026, 11, 30), "deprecated"),
        ("gemini-2.5-flash", date(2026, 12, 1), "retired"),
    ],
)
def test_models_on_their_way_out(id: str, today: date, lifecycle: str) -> None:
    shown = SHAPES["anthropic"].model(BY_ID[id], today)
    assert shown["lifecycle"] == lifecycle
    assert shown["retires_at"] == (None if lifecycle == "active" else "2026-12-01T00:00:00Z")
