"""The providers: a row each. Adding one that speaks a known dialect is one row here, or a `[[provider]]` table.

A row says where its models' names begin (`families`), so that a model newer than this list is routed on its first
day.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from gateway.providers.models import Traits


class Provider(Struct, frozen=True, kw_only=True):
    """`base_url` is used as given: OpenAI's and xAI's include `/v1`, Anthropic's and Google's are the host.

    `also_speaks` are further dialects that it answers in, used where the door speaks them, and where a model takes
    a request in no other (`models.Traits`). `auth`: bearer, x-api-key, x-goog-api-key or none. `probe_path` is a
    free GET that tries a key. `price_provider` is genai-prices' id, None where no list knows the provider.
    `request_id_header` is where its answers name themselves. `embeddings` says whether it makes embeddings. `traits`
    are what its models accept that no list knows, None where the family that their name begins with says it.
    `refused_fields` are fields that other providers' answers leave in a client's history and that this one refuses.
    """

    name: str
    title: str
    dialect: str
    base_url: str
    auth: str
    probe_path: str
    price_provider: str | None = None
    families: tuple[str, ...] = ()
    request_id_header: str = "x-request-id"
    embeddings: bool = False
    also_speaks: tuple[str, ...] = ()
    traits: Traits | None = None
    refused_fields: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether the base URL may be a gateway's own: everything that is not a public host name."""
        host = urlsplit(self.base_url).hostname or ""
        return "." not in host or ":" in host or host.replace(".", "").isdigit()


PROVIDERS: tuple[Provider, ...] = (
    Provider(
        name="openai",
        title="OpenAI",
        dialect="openai_chat",
        base_url="https://api.openai.com/v1",
        auth="bearer",
        probe_path="/models",
        price_provider="openai",
        also_speaks=("openai_responses",),
        refused_fields=("extra_content", "reasoning_content"),
        families=("gpt-", "chatgpt-", "o1", "o3", "o4", "codex-", "text-embedding-", "ft:"),
        embeddings=True,
    ),
    Provider(
        name="anthropic",
        title="Anthropic",
        dialect="anthropic",
        base_url="https://api.anthropic.com",
        auth="x-api-key",
        probe_path="/v1/models?limit=1",
        price_provider="anthropic",
        families=("claude-",),
        request_id_header="request-id",
    ),
    Provider(
        name="google",
        title="Google Gemini",
        dialect="gemini",
        base_url="https://generativelanguage.googleapis.com",
        auth="x-goog-api-key",
        probe_path="/v1beta/models?pageSize=1",
        price_provider="google",
        families=("gemini-", "gemma-", "tunedModels/"),
        embeddings=True,
    ),
    Provider(
        name="xai",
        title="xAI",
        dialect="openai_chat",
        base_url="https://api.x.ai/v1",
        auth="bearer",
        probe_path="/api-key",
        price_provider="x-ai",
        also_speaks=("openai_responses",),
        refused_fields=("extra_content",),
        families=("grok-",),
    ),
)

BY_NAME: Mapping[str, Provider] = {provider.name: provider for provider in PROVIDERS}
