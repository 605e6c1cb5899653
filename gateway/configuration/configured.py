"""The providers in force: the catalog's rows with the user's base URLs, and the user's own `[[provider]]` tables."""

from collections.abc import Mapping

from msgspec.structs import replace

from gateway.configuration.extra_providers import ExtraProvider
from gateway.configuration.settings import Settings
from gateway.providers.catalog import PROVIDERS, Provider
from gateway.providers.models import Model, Traits

# A free GET that every server of the dialect answers.
PROBE_PATHS: Mapping[str, str] = {
    "openai_chat": "/models",
    "openai_responses": "/models",
    "anthropic": "/v1/models?limit=1",
    "gemini": "/v1beta/models?pageSize=1",
}

# How the models of a dialect are told how hard to think, where a table says that they can be told.
_THINKING: Mapping[str, str] = {
    "openai_chat": "effort",
    "openai_responses": "effort",
    "anthropic": "adaptive",
    "gemini": "level",
}


def configured_providers(settings: Settings) -> tuple[Provider, ...]:
    """Catalog first, in its order; a table with a catalog row's name replaces that row, and gets its families."""
    own = {extra.name: _row(extra) for extra in settings.providers}
    replaced = [replace(own.pop(row.name), families=row.families) if row.name in own else row for row in PROVIDERS]
    rows = replaced + list(own.values())
    return tuple(replace(row, base_url=settings.base_urls.get(row.name, row.base_url)) for row in rows)


def _row(extra: ExtraProvider) -> Provider:
    return Provider(
        name=extra.name,
        title=extra.name,
        dialect=extra.dialect,
        base_url=extra.base_url,
        auth=extra.auth,
        probe_path=PROBE_PATHS[extra.dialect],
        embeddings=extra.embeddings is not None,
        traits=_traits(extra),
    )


def _traits(extra: ExtraProvider) -> Traits:
    """Of models that nobody knows, so that all is passed on but thinking: servers refuse that for models without."""
    return Traits(
        thinking=_THINKING[extra.dialect] if extra.efforts else "",
        efforts=extra.efforts,
        max_tokens_field=extra.max_tokens_field,
        reasoning_content=extra.reasoning_content,
    )


def own_models(settings: Settings) -> tuple[Model, ...]:
    """The models that the user's tables name, in their order; where two name the same, the first one's."""
    models: dict[str, Model] = {}
    for extra in settings.providers:
        traits = _traits(extra)
        for kind, ids in (("embeddings", extra.embeddings or ()), ("chat", extra.models)):
            for id in ids:
                models.setdefault(id, Model(id=id, provider=extra.name, title=id, traits=traits, kind=kind))
    return tuple(models.values())
