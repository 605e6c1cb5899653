"""Settings: `config.toml` in the data folder, each also an environment variable, options of a command over both.

`SETTINGS` is the one table of them: field, dotted key, variable, and a parser that takes TOML's value or a
variable's text. A wrong value is a `SettingsError` that names where it stands. Secrets come from the environment
only and are wrapped in `Hidden`, which prints and encodes as nothing. Saving edits the document in place, so that
comments and keys unknown to this version survive.
"""

import ipaddress
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from gateway.errors import FaregateError
from gateway.folder import write_private
from gateway.key_format import KeyFormatError, clean_key
from gateway.setting_values import (
    MIB,
    Keep,
    check_base_url,
    parse_backend,
    parse_host,
    parse_keep,
    parse_names,
    parse_origins,
    parse_path,
    parse_port,
    parse_seconds,
    parse_size,
    parse_store,
    parse_switch,
)

DEFAULT_PORT = 4210
LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})
PROVIDER_DIALECTS = ("openai_chat", "openai_responses", "anthropic", "gemini")
PROVIDER_AUTHS = ("bearer", "x-api-key", "x-goog-api-key", "none")


class SettingsError(FaregateError):
    """A setting that cannot be used; one sentence that names it and says what it should be."""

    exit_code = 2


class Hidden:
    """A secret on its way through settings; it neither prints nor encodes, only `reveal()` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Hidden(…)"


class Timeouts(Struct, frozen=True, kw_only=True):
    """Seconds, for calls to providers. `between_chunks` is the longest silence within a stream."""

    connect: float = 10.0
    first_byte: float = 600.0
    between_chunks: float = 120.0
    total: float = 3600.0


class Retention(Struct, frozen=True, kw_only=True):
    requests: Keep = Keep(days=396.0)
    content: Keep = Keep(days=30.0)
    buckets: Keep = Keep()


class ExtraPrice(Struct, frozen=True, kw_only=True):
    """Dollars per million tokens, as the user wrote them; None where not given."""

    input: float | None = None
    cached: float | None = None
    cache_write: float | None = None
    output: float | None = None


class ExtraProvider(Struct, frozen=True, kw_only=True):
    """A `[[provider]]` table: a further provider that speaks a dialect we know. `prices` go by model."""

    name: str
    dialect: str
    base_url: str
    auth: str = "bearer"
    models: tuple[str, ...] = ()
    prices: Mapping[str, ExtraPrice] = {}


class Settings(Struct, frozen=True, kw_only=True):
    """Every setting, checked. `base_urls` holds only overrides; `provider_keys` only what the environment gives.

    `allowed_origins` and `allowed_hosts` come on top of loopback's names. `store_url` is always "sqlite".
    `unknown_keys` are the dotted keys of the file that this version does not know.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    insecure_remote: bool = False
    limits_body: int = 64 * MIB
    timeouts: Timeouts = Timeouts()
    base_urls: Mapping[str, str] = {}
    provider_keys: Mapping[str, Hidden] = {}
    providers: tuple[ExtraProvider, ...] = ()
    vault_backend: str = "keyring"
    vault_passphrase: Hidden | None = None
    capture: bool = True
    retention: Retention = Retention()
    store_url: str = "sqlite"
    unknown_keys: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The address that tools on this machine are pointed at, e.g. http://127.0.0.1:4210 (port as configured)."""
        scheme = "https" if self.tls_cert else "http"
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"


class Setting(Struct, frozen=True):
    """One row of the table: `field` may be dotted (a field of a nested record)."""

    field: str
    key: str
    variable: str
    parse: Callable[[Any], Any]


SETTINGS = (
    Setting("host", "server.host", "FAREGATE_HOST", parse_host),
    Setting("port", "server.port", "FAREGATE_PORT", parse_port),
    Setting("allowed_origins", "server.allowed_origins", "FAREGATE_ALLOWED_ORIGINS", parse_origins),
    Setting("allowed_hosts", "server.allowed_hosts", "FAREGATE_ALLOWED_HOSTS", parse_names),
    Setting("tls_cert", "server.tls_cert", "FAREGATE_TLS_CERT", parse_path),
    Setting("tls_key", "server.tls_key", "FAREGATE_TLS_KEY", parse_path),
    Setting("insecure_remote", "server.insecure_remote", "FAREGATE_INSECURE_REMOTE", parse_switch),
    Setting("limits_body", "limits.body", "FAREGATE_LIMITS_BODY", parse_size),
    Setting("timeouts.connect", "timeouts.connect", "FAREGATE_TIMEOUTS_CONNECT", parse_seconds),
    Setting("timeouts.first_byte", "timeouts.first_byte", "FAREGATE_TIMEOUTS_FIRST_BYTE", parse_seconds),
    Setting("timeouts.between_chunks", "timeouts.between_chunks", "FAREGATE_TIMEOUTS_BETWEEN_CHUNKS", parse_seconds),
    Setting("timeouts.total", "timeouts.total", "FAREGATE_TIMEOUTS_TOTAL", parse_seconds),
    Setting("vault_backend", "vault.backend", "FAREGATE_VAULT", parse_backend),
    Setting("capture", "capture.content", "FAREGATE_CAPTURE", parse_switch),
    Setting("retention.requests", "retention.requests", "FAREGATE_RETENTION_REQUESTS", parse_keep),
    Setting("retention.content", "retention.content", "FAREGATE_RETENTION_CONTENT", parse_keep),
    Setting("retention.buckets", "retention.buckets", "FAREGATE_RETENTION_BUCKETS", parse_keep),
    Setting("store_url", "store.url", "FAREGATE_STORE", parse_store),
)
_NESTED: Mapping[str, type[Struct]] = {"timeouts": Timeouts, "retention": Retention}
_VARIABLE = re.compile(r"FAREGATE_([A-Z0-9_]+)_(API_KEY|BASE_URL)")
_NO_OPTIONS: Mapping[str, str] = {}


def config_path(folder: Path) -> Path:
    return folder / "config.toml"


def load(folder: Path, environ: Mapping[str, str], options: Mapping[str, str] = _NO_OPTIONS) -> Settings:
    """The settings in force: the file's, over them the environment's, over them a command's options.

    `options` go by dotted key (`server.port`); an error calls them by their last part (`--port`). A blank
    variable counts as unset. Raises SettingsError.
    """
    document = _read(config_path(folder))
    fields: dict[str, Any] = {}
    for row in SETTINGS:
        source, value = _find(row, document, environ, options)
        if value is not None:
            _place(fields, row.field, _parse(row.parse, source, value))
    for name, record in _NESTED.items():
        if name in fields:
            fields[name] = record(**fields[name])
    extras = _extra_providers(document)
    passphrase = environ.get("FAREGATE_VAULT_PASSPHRASE")
    settings = Settings(
        **fields,
        base_urls=_base_urls(document, environ, extras),
        provider_keys=_provider_keys(environ, extras),
        providers=extras,
        vault_passphrase=Hidden(passphrase) if passphrase else None,
        unknown_keys=_unknown(document),
    )
    _check_together(settings)
    return settings


def save(folder: Path, changes: Mapping[str, Any]) -> None:
    """Writes settings by dotted key (`server.port`); None removes one. Comments and unknown keys stay.

    A change whose key is not a setting, or whose value is wrong, raises SettingsError and writes nothing.
    """
    import tomlkit
    from tomlkit.items import Table

    path = config_path(folder)
    document = tomlkit.parse(_read_text(path))
    for key, value in changes.items():
        parse = _parser_of(key)
        if value is not None:
            _parse(parse, key, value)
        *tables, last = key.split(".")
        table: Any = document
        for name in tables:
            if name not in table:
                table[name] = tomlkit.table()
            table = table[name]
            if not isinstance(table, (dict, Table)):
                raise SettingsError(f"{name} in {path} must be a table: correct the file by hand first.")
        if value is None:
            table.pop(last, None)
        else:
            table[last] = list(value) if isinstance(value, tuple) else value
    write_private(path, tomlkit.dumps(document).encode())


def is_loopback(host: str) -> bool:
    """Whether a host name or address (without a port, brackets allowed) means this machine only."""
    name = host.strip("[]").rstrip(".").lower()
    if name in LOOPBACK_NAMES or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({error}): correct or remove it.") from None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(_read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from None


def _parse(parse: Callable[[Any], Any], source: str, value: Any) -> Any:
    try:
        return parse(value)
    except ValueError as error:
        raise SettingsError(f"{source} {error}.") from None


def _lookup(document: Mapping[str, Any], key: str) -> Any:
    value: Any = document
    for name in key.split("."):
        if not isinstance(value, Mapping):
            raise SettingsError(f"config.toml: {key.rpartition('.')[0]} must be a table.")
        value = value.get(name)
        if value is None:
            return None
    return value


def _find(
    row: Setting, document: Mapping[str, Any], environ: Mapping[str, str], options: Mapping[str, str]
) -> tuple[str, Any]:
    if row.key in options:
        return f"--{row.key.rpartition('.')[2]}", options[row.key]
    if environ.get(row.variable, "").strip():
        return row.variable, environ[row.variable]
    return f"config.toml: {row.key}", _lookup(document, row.key)


def _place(fields: dict[str, Any], field: str, value: Any) -> None:
    outer, dot, inner = field.partition(".")
    if dot:
        fields.setdefault(outer, {})[inner] = value
    else:
        fields[outer] = value


def _parser_of(key: str) -> Callable[[Any], Any]:
    for row in SETTINGS:
        if row.key == key:
            return row.parse
    if re.fullmatch(r"providers\.[a-z0-9_-]+\.base_url", key):
        return check_base_url
    raise SettingsError(f"{key} is not a setting.")


def _variable_name(provider: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", provider.upper())


def _by_provider(environ: Mapping[str, str], ending: str, extras: tuple[ExtraProvider, ...]) -> list[tuple[str, str]]:
    """(provider, value) for FAREGATE_<PROVIDER>_<ending>; `lm-studio` is spelt LM_STUDIO there."""
    extra_names = {_variable_name(extra.name): extra.name for extra in extras}
    found = []
    for variable, value in environ.items():
        match = _VARIABLE.fullmatch(variable)
        if match and match[2] == ending and value.strip():
            found.append((extra_names.get(match[1], match[1].lower()), value))
    return found


def _provider_keys(environ: Mapping[str, str], extras: tuple[ExtraProvider, ...]) -> dict[str, Hidden]:
    keys = {}
    for name, value in _by_provider(environ, "API_KEY", extras):
        try:
            keys[name] = Hidden(clean_key(value))
        except KeyFormatError as error:
            raise SettingsError(f"FAREGATE_{_variable_name(name)}_API_KEY: {error.message}") from None
    return keys


def _base_urls(
    document: Mapping[str, Any], environ: Mapping[str, str], extras: tuple[ExtraProvider, ...]
) -> dict[str, str]:
    urls = {}
    tables = document.get("providers", {})
    if not isinstance(tables, Mapping):
        raise SettingsError("config.toml: providers must be a table such as [providers.openai].")
    for name in tables:
        value = _lookup(document, f"providers.{name}.base_url")
        if value is not None:
            urls[name] = _parse(check_base_url, f"config.toml: providers.{name}.base_url", value)
    for name, value in _by_provider(environ, "BASE_URL", extras):
        urls[name] = _parse(check_base_url, f"FAREGATE_{_variable_name(name)}_BASE_URL", value)
    return urls


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


_EXTRA_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "name": _provider_name,
    "dialect": _one_of(PROVIDER_DIALECTS),
    "base_url": check_base_url,
    "auth": _one_of(PROVIDER_AUTHS),
    "models": parse_names,
    "prices": _prices,
}


def _extra_providers(document: Mapping[str, Any]) -> tuple[ExtraProvider, ...]:
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
            field: _parse(parse, f"{where} {field}", table[field])
            for field, parse in _EXTRA_FIELDS.items()
            if field in table
        }
        if any(extra.name == values["name"] for extra in extras):
            raise SettingsError(f"{where} name {values['name']!r} is used twice.")
        extras.append(ExtraProvider(**values))
    return tuple(extras)


def _unknown(document: Mapping[str, Any]) -> tuple[str, ...]:
    known = {row.key for row in SETTINGS}
    unknown = []
    for name, value in document.items():
        if name == "provider":
            unknown += [f"provider.{key}" for table in value for key in table if key not in _EXTRA_FIELDS]
        elif not isinstance(value, Mapping):
            unknown.append(name)
        elif name == "providers":
            unknown += [f"providers.{p}.{key}" for p, table in value.items() for key in table if key != "base_url"]
        else:
            unknown += [f"{name}.{key}" for key in value if f"{name}.{key}" not in known]
    return tuple(unknown)


def _check_together(settings: Settings) -> None:
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise SettingsError("server.tls_cert and server.tls_key belong together: set both or neither.")
    if not is_loopback(settings.host) and not settings.tls_cert and not settings.insecure_remote:
        raise SettingsError(
            f"server.host {settings.host} would let other machines in without encryption: use 127.0.0.1, set "
            "server.tls_cert and server.tls_key, or server.insecure_remote = true inside a container."
        )
    urls = {**{extra.name: extra.base_url for extra in settings.providers}, **settings.base_urls}
    for name, url in urls.items():
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if port == settings.port and is_loopback(parts.hostname or ""):
            raise SettingsError(
                f"The base URL of {name} is the gateway's own address, {url}: requests would go round for ever; "
                "give the provider's address."
            )
