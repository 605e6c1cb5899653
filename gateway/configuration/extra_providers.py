"""`[[provider]]` tables of `config.toml`: the user's own providers that speak a dialect we know."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from gateway.configuration.setting_values import SettingsError, check_base_url, parse_as, parse_names, parse_switch

PROVIDER_DIALECTS = ("openai_chat", "openai_responses", "anthropic", "gemini")
EMBEDDING_DIALECTS = ("openai_chat", "gemini")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
ANY_MODEL = "*"
PROVIDER_AUTHS = ("bearer", "x-api-key", "x-goog-api-key", "none")


class ExtraPrice(Struct, frozen=True, kw_only=True):
    """Dollars per million tokens, as the user wrote them; None where not given."""

    input: float | None = None
    cached: float | None = None
    cache_write: float | None = None
    output: float | None = None


class ExtraProvider(Struct, frozen=True, kw_only=True):
    """A `[[provider]]` table: a further provider that speaks a dialect we know.

    `prices` go by model, `ANY_MODEL` for all others. `embeddings` are its models that embed, None where it makes no
    embeddings; () where it does and names none. `efforts` are the reasoning efforts that its models take, () where
    they take none; `reasoning_content`: they take their earlier thinking back. `max_tokens_field` is chat's name for
    the limit: servers that follow OpenAI's older form know only `max_tokens`.
    """

    name: str
    dialect: str
    base_url: str
    auth: str = "bearer"
    models: tuple[str, ...] = ()
    embeddings: tuple[str, ...] | None = None
    prices: Mapping[str, ExtraPrice] = {}
    efforts: tuple[str, ...] = ()
    reasoning_content: bool = False
    max_tokens_field: str = "max_tokens"


def _one_of(words: tuple[str, ...]) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return str(value)

    return parse


def _provider_name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", value):
        raise ValueError("must be lower-case letters, digits, - and _, such as lm-studio")
    return value


def _embeddings(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, bool):
        return () if value else None
    try:
        return parse_names(value)
    except ValueError:
        raise ValueError("must be true, false or a list of models") from None


def _efforts(value: Any) -> tuple[str, ...]:
    efforts = parse_names(value)
    if unknown := next((effort for effort in efforts if effort not in EFFORTS), None):
        raise ValueError(f"must be some of {', '.join(EFFORTS)}, not {unknown!r}")
    return efforts


def _prices(value: Any) -> dict[str, ExtraPrice]:
    wrong = ValueError('must be a table per model, such as "llama3" = { input = 0.1, output = 0.4 } in dollars')
    if not isinstance(value, Mapping):
        raise wrong
    prices = {}
    for model, price in value.items():
        if not isinstance(price, Mapping) or not set(price) <= set(ExtraPrice.__struct_fields__):
            raise wrong
        if any(isinstance(p, bool) or not isinstance(p, (int, float)) or not 0 <= p < 1e9 for p in price.values()):
            raise wrong
        prices[model] = ExtraPrice(**{name: float(dollars) for name, dollars in price.items()})
    return prices


EXTRA_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "name": _provider_name,
    "dialect": _one_of(PROVIDER_DIALECTS),
    "base_url": check_base_url,
    "auth": _one_of(PROVIDER_AUTHS),
    "models": parse_names,
    "embeddings": _embeddings,
    "prices": _prices,
    "efforts": _efforts,
    "reasoning_content": parse_switch,
    "max_tokens_field": _one_of(("max_tokens", "max_completion_tokens")),
}


def extra_providers(document: Mapping[str, Any]) -> tuple[ExtraProvider, ...]:
    """The tables of a whole document. Raises SettingsError that names the table by its number."""
    tables = document.get("provider", [])
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise SettingsError("config.toml: provider must be written as [[provider]] tables.")
    extras: list[ExtraProvider] = []
    for number, table in enumerate(tables, 1):
        where = f"config.toml: [[provider]] {number}:"
        for field in ("name", "dialect", "base_url"):
            if field not in table:
                raise SettingsError(f"{where} {field} is missing.")
        values = {
            field: parse_as(parse, f"{where} {field}", table[field])
            for field, parse in EXTRA_FIELDS.items()
            if field in table
        }
        if any(extra.name == values["name"] for extra in extras):
            raise SettingsError(f"{where} name {values['name']!r} is used twice.")
        extra = ExtraProvider(**values)
        if extra.embeddings is not None and extra.dialect not in EMBEDDING_DIALECTS:
            raise SettingsError(f"{where} embeddings need the dialect {' or '.join(EMBEDDING_DIALECTS)}.")
        extras.append(extra)
    return tuple(extras)
