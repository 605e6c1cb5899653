"""The providers in force: the catalog's rows with the user's base URLs, and the user's own `[[provider]]` tables."""

from collections.abc import Mapping

from msgspec.structs import replace

from gateway.extra_providers import ExtraProvider
from gateway.providers.catalog import PROVIDERS, Provider
from gateway.settings import Settings

# A free GET that every server of the dialect answers.
PROBE_PATHS: Mapping[str, str] = {
    "openai_chat": "/models",
    "openai_responses": "/models",
    "anthropic": "/v1/models?limit=1",
    "gemini": "/v1beta/models?pageSize=1",
}


def configured_providers(settings: Settings) -> tuple[Provider, ...]:
    """Catalog first, in its order; a table with a catalog row's name replaces that row."""
    own = {extra.name: _row(extra) for extra in settings.providers}
    rows = [own.pop(row.name, row) for row in PROVIDERS] + list(own.values())
    return tuple(replace(row, base_url=settings.base_urls.get(row.name, row.base_url)) for row in rows)


def _row(extra: ExtraProvider) -> Provider:
    return Provider(
        name=extra.name,
        title=extra.name,
        dialect=extra.dialect,
        base_url=extra.base_url,
        auth=extra.auth,
        probe_path=PROBE_PATHS[extra.dialect],
    )
