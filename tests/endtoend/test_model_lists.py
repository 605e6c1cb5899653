"""The three official SDKs list and look up models, and read a refusal, each in its own shape."""

from datetime import UTC, datetime

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from gateway.providers.models import BY_ID, MODELS
from tests.endtoend.serving import Served

IDS = [model.id for model in MODELS]
UNKNOWN = "no-such-model"
VERSIONS = pytest.mark.parametrize("version", ["v1", "v1beta"])


def google(gateway: Served, version: str, key: str | None = None) -> genai.Client:
    options = types.HttpOptions(base_url=gateway.url + "/api/ai", api_version=version)
    return genai.Client(api_key=key or gateway.key("read"), http_options=options)


def test_the_openai_sdk_lists_models(gateway: Served) -> None:
    with openai.OpenAI(base_url=gateway.url + "/api/ai/v1", api_key=gateway.key("read"), max_retries=0) as client:
        assert [model.id for model in client.models.list()] == IDS
        found = client.models.retrieve("Claude Haiku 4.5")
        assert (found.id, found.object, found.owned_by) == ("claude-haiku-4-5", "model", "anthropic")
        with pytest.raises(openai.NotFoundError) as raised:
            client.models.retrieve(UNKNOWN)
    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")


def test_the_anthropic_sdk_lists_models(gateway: Served) -> None:
    with anthropic.Anthropic(base_url=gateway.url + "/api/ai", api_key=gateway.key("read"), max_retries=0) as client:
        assert [model.id for model in client.models.list()] == IDS
        # Smaller pages, which the SDK turns by itself in both directions.
        assert [model.id for model in client.models.list(limit=20)] == IDS
        page = client.models.list(limit=3)
        assert (page.has_more, page.first_id, page.last_id) == (True, IDS[0], IDS[2])
        backwards = client.models.list(limit=2, before_id=IDS[5])
        assert [model.id for model in backwards.data] == IDS[3:5]
        assert sorted(model.id for model in backwards) == sorted(IDS[:5])
        found = client.models.retrieve("gemini-2.0-flash")
        with pytest.raises(anthropic.NotFoundError) as raised:
            client.models.retrieve(UNKNOWN)
    row = BY_ID["gemini-2.0-flash"]
    assert (found.type, found.display_name, found.lifecycle) == ("model", row.title, "retired")
    assert (found.max_input_tokens, found.max_tokens) == (row.context, row.max_output)
    assert found.retires_at == datetime(2026, 6, 1, tzinfo=UTC)
    assert isinstance(found.created_at, datetime)
    assert raised.value.type == "not_found_error"


@VERSIONS
def test_the_google_sdk_lists_models(gateway: Served, version: str) -> None:
    names = [f"models/{id}" for id in IDS]
    with google(gateway, version) as client:
        assert [model.name for model in client.models.list()] == names
        assert [model.name for model in client.models.list(config={"page_size": 9})] == names
        for name in ("gemini-2.5-flash", "models/gemini-2.5-flash"):
            found = client.models.get(model=name)
            row = BY_ID["gemini-2.5-flash"]
            assert (found.name, found.display_name) == ("models/gemini-2.5-flash", row.title)
            assert (found.input_token_limit, found.output_token_limit) == (row.context, row.max_output)
            assert "generateContent" in (found.supported_actions or [])
        embeds = client.models.get(model="gemini-embedding-001").supported_actions
        assert embeds == ["embedContent", "batchEmbedContents"]
        with pytest.raises(errors.ClientError) as raised:
            client.models.get(model=UNKNOWN)
    assert (raised.value.code, raised.value.status) == (404, "NOT_FOUND")


@VERSIONS
def test_google_callers_are_refused_in_their_own_shape(gateway: Served, version: str) -> None:
    with google(gateway, version, "tk_" + "x" * 43) as client, pytest.raises(errors.ClientError) as raised:
        client.models.get(model="gemini-2.5-flash")
    assert (raised.value.code, raised.value.status) == (401, "UNAUTHENTICATED")


def test_anthropic_callers_are_refused_in_their_own_shape(gateway: Served) -> None:
    wrong = "tk_" + "x" * 43
    with (
        anthropic.Anthropic(base_url=gateway.url + "/api/ai", api_key=wrong, max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError) as raised,
    ):
        client.models.list()
    assert raised.value.type == "authentication_error"


def test_lists_leave_no_row(gateway: Served) -> None:
    rows = gateway.count()
    assert gateway.ask("GET", f"/api/ai/v1beta/models?key={gateway.key('read')}").status == 200
    assert gateway.count() == rows
