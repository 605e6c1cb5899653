"""A model's name to ordered candidates: which provider, under which id.

An alias of the user's comes first, then an exact id, then a human spelling, then `provider/model`, then the dated
form of a known id, last the family that a name begins with: a model newer than our list works on its first day.
"""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from gateway.errors import ClientError
from gateway.model import Target
from gateway.providers.catalog import BY_NAME as CATALOG
from gateway.providers.catalog import Provider
from gateway.providers.models import (
    BY_ID,
    BY_SPELLING,
    FAMILY_TRAITS,
    MODELS,
    Model,
    Traits,
    spelling_key,
    target,
)

_DATED = re.compile(r"^(?P<id>.+?)-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$")
_VERSION = re.compile(r"-(?:\d{8}|\d{6}|\d{4}-\d{2}-\d{2}|\d{2}-\d{2}|\d{4}|\d{3}|latest)$")
_LONGEST = 256
_NO_ALIASES: Mapping[str, str] = {}


class Candidate(Struct, frozen=True, kw_only=True):
    """`row` is None for a model that is not in the list; `target` says what it accepts all the same."""

    provider: Provider
    model: str
    row: Model | None
    target: Target
    traits: Traits

    def dialect(self, *, tools: bool, effort: str | None) -> str:
        """The dialect in which this model takes a request with these; its provider's own as a rule."""
        traits = self.traits
        refused = tools and effort != "none" and (effort is not None or not traits.tools_dialect_on_effort)
        if refused and traits.tools_dialect in self.provider.also_speaks:
            return traits.tools_dialect
        return self.provider.dialect


class Routing:
    """Resolves names for one set of providers; answers are kept, since the same few names are asked all day.

    `own_models` are those that the user's own providers serve; `models` are all that are listed, where an own one
    stands for a known one of the same id. `off` are providers that take no requests until they are switched on.
    """

    _KEPT = 1024

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        own_models: Sequence[Model] = (),
        aliases: Mapping[str, str] = _NO_ALIASES,
        off: Collection[str] = (),
    ) -> None:
        self._providers = {provider.name: provider for provider in providers}
        self._own = {model.id: model for model in own_models}
        self.models = (*(model for model in MODELS if model.id not in self._own), *own_models)
        self._aliases = dict(aliases)
        self._kept: dict[str, tuple[Candidate, ...]] = {}
        self._off = set(off)

    def candidates(self, name: str) -> tuple[Candidate, ...]:
        """The candidates for a name, best first; never empty. Raises ClientError (404) naming the nearest models."""
        kept = self._kept.get(name)
        if kept is None:
            if len(self._kept) >= self._KEPT:
                self._kept.clear()
            asked = self._aliases.get(name) or self._aliases.get(_plain(name), name)
            self._kept[name] = kept = (self._resolve(asked),)
        return kept

    def asked(self, provider: str, name: str) -> str:
        """The model that a provider is asked for where a client says `name`; that itself where it leads elsewhere."""
        try:
            candidate = self.candidates(name)[0]
        except ClientError:
            return name
        return candidate.model if candidate.provider.name == provider else name

    def is_on(self, provider: str) -> bool:
        return provider not in self._off

    def switch(self, provider: str, on: bool) -> None:
        """From the next request on."""
        (self._off.discard if on else self._off.add)(provider)

    def use_aliases(self, aliases: Mapping[str, str]) -> None:
        """These names stand for these models from the next request on."""
        self._aliases = dict(aliases)
        self._kept.clear()

    @property
    def offered(self) -> tuple[Model, ...]:
        """The models whose providers take requests, then the user's own names as what they stand for."""
        listed = [model for model in self.models if model.provider not in self._off]
        known = {model.id: model for model in listed}
        named = [replace(known[model], id=name) for name, model in self._aliases.items() if model in known]
        return (*listed, *(model for model in named if model.id not in known))

    def listed(self, name: str) -> Model | None:
        """The offered model that a name leads to, however it is written; None where there is none."""
        offered = {model.id: model for model in self.offered}
        try:
            row = offered.get(name) or offered.get(_plain(name)) or self.candidates(name)[0].row
        except ClientError:
            return None
        return None if row is None else offered.get(row.id)

    def provider(self, name: str) -> Provider:
        """A provider in force; KeyError for others."""
        return self._providers[name]

    def _resolve(self, name: str) -> Candidate:
        plain = _plain(name)
        if len(name) > _LONGEST or not name.isprintable():
            raise self._unknown(name)
        if plain in self._own:
            own = self._own[plain]
            return _candidate(self._providers[own.provider], plain, own)
        row = BY_ID.get(plain) or BY_SPELLING.get(spelling_key(plain))
        if row is not None:
            return _candidate(self._providers[row.provider], row.id, row)
        prefix, slash, rest = plain.partition("/")
        if slash and rest and (provider := self._providers.get(prefix)) is not None:
            named = (self._own.get(rest), BY_ID.get(rest), BY_SPELLING.get(spelling_key(rest)))
            row = next((row for row in named if row is not None and row.provider == prefix), None)
            return _candidate(provider, row.id if row else rest, row)
        dated = _DATED.match(plain)
        base = BY_ID.get(dated["id"]) if dated else None
        for provider in self._providers.values():
            if plain.startswith(provider.families) and provider.families:
                return _candidate(provider, plain, base)
        raise self._unknown(name)

    def _unknown(self, name: str) -> ClientError:
        known = [model.id for model in self.models]
        near = difflib.get_close_matches(spelling_key(name[:_LONGEST]), known, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else " GET /api/ai/v1/models lists what is known."
        shown = name if len(name) <= 100 and name.isprintable() else ascii(name[:100])[1:-1]
        return ClientError(
            f"The model '{shown}' is not known.{hint}",
            status=404,
            kind="not_found",
            param="model",
            code="model_not_found",
        )


def _plain(name: str) -> str:
    """Without what Gemini's lists put before every name."""
    return name.removeprefix("models/")


def _candidate(provider: Provider, id: str, row: Model | None) -> Candidate:
    known = row
    if provider.traits is not None:
        known = _known(provider, id)
        traits = known.traits if known else provider.traits
    else:
        traits = row.traits if row else _family_traits(id)
    origin = f"{provider.name}/{_VERSION.sub('', id)}"
    return Candidate(provider=provider, model=id, row=row, target=target(id, known, traits, origin), traits=traits)


def _known(provider: Provider, id: str) -> Model | None:
    """The model of this very id at a provider of the same dialect: who serves it elsewhere serves the same model."""
    row = BY_ID.get(id)
    return row if row is not None and CATALOG[row.provider].dialect == provider.dialect else None


def _family_traits(id: str) -> Traits:
    return next((traits for prefix, traits in FAMILY_TRAITS.items() if id.startswith(prefix)), Traits())


@lru_cache(maxsize=1024)
def answering_model(routed: str, said: str | None) -> str:
    """The model to book: the routed one, unless the provider says that quite another one answered.

    Providers name a dated snapshot of what was asked (`gpt-4o` is answered as `gpt-4o-2024-08-06`), which is the
    same model; a redirected name (a retired Grok is answered as `grok-4.3`) is not, and is billed as what it is.
    """
    if not said:
        return routed
    plain = said.removeprefix("models/")
    return routed if _VERSION.sub("", plain) == _VERSION.sub("", routed) else plain


def counted_as(name: str) -> str:
    """The one name under which a model's spellings and dated snapshots are counted, as bills write any of them."""
    plain = name.strip().removeprefix("models/")
    for spelling in (plain, _VERSION.sub("", spelling_key(plain)), spelling_key(plain).removesuffix("-preview")):
        row = BY_ID.get(spelling) or BY_SPELLING.get(spelling_key(spelling))
        if row is not None:
            return row.id
    return _VERSION.sub("", plain.lower().replace(" ", "-"))
