"""Settings: `config.toml` in the data folder, each also an environment variable, options of a command over both.

`SETTINGS` is the one table of them: field, dotted key, variable, and a parser that takes TOML's value or a
variable's text. A wrong value is a `SettingsError` that names where it stands. Secrets come from the environment
only and are wrapped in `Hidden`, which prints and encodes as nothing. `settings_edit` changes the file.
"""

import ipaddress
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from gateway.configuration.extra_providers import EXTRA_FIELDS, ExtraProvider, extra_providers
from gateway.configuration.redact_rules import BUILT_IN, PARTS, REDACT_FIELDS, REDACT_TABLES, RedactRule, redact_rules
from gateway.configuration.setting_values import (
    MIB,
    Keep,
    SettingsError,
    check_base_url,
    longer,
    parse_as,
    parse_backend,
    parse_headers,
    parse_host,
    parse_keep,
    parse_names,
    parse_origins,
    parse_path,
    parse_port,
    parse_seconds,
    parse_size,
    parse_standard_port,
    parse_store,
    parse_switch,
    parse_words,
)
from gateway.keys.key_format import KeyFormatError, clean_key
from gateway.providers.catalog import BY_NAME

DEFAULT_PORT = 4210
LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


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


class Exporting(Struct, frozen=True, kw_only=True):
    """Where the gateway's own spans and metrics are sent on to; nowhere without an endpoint."""

    endpoint: str | None = None
    spans: bool = True
    metrics: bool = True
    content: bool = False


class Telemetry(Struct, frozen=True, kw_only=True):
    """What is received. `standard_port` is a port that takes telemetry only, None for none. `wire` and `body` are the
    most bytes of one request before and after decompression."""

    standard_port: int | None = None
    allow_unauthenticated: bool = False
    wire: int = 16 * MIB
    body: int = 64 * MIB


class Settings(Struct, frozen=True, kw_only=True):
    """Every setting, checked. `base_urls` holds only overrides; `providers_off` are those that take no requests;
    `provider_keys` and `export_headers` only what the environment gives.

    `allowed_origins` and `allowed_hosts` come on top of loopback's names. `redact` are the user's own rules,
    `redact_on` and `redact_off` name built-in ones. `store_url` is always "sqlite". `unknown_keys` are the dotted
    keys of the file that this version does not know.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    insecure_remote: bool = False
    limits_body: int = 64 * MIB
    telemetry: Telemetry = Telemetry()
    timeouts: Timeouts = Timeouts()
    base_urls: Mapping[str, str] = {}
    provider_keys: Mapping[str, Hidden] = {}
    providers: tuple[ExtraProvider, ...] = ()
    providers_off: tuple[str, ...] = ()
    vault_backend: str = "keyring"
    vault_passphrase: Hidden | None = None
    capture: bool = True
    capture_keys_off: tuple[str, ...] = ()
    capture_tags_off: tuple[str, ...] = ()
    capture_parts_off: tuple[str, ...] = ()
    redact_on: tuple[str, ...] = ()
    redact_off: tuple[str, ...] = ()
    redact: tuple[RedactRule, ...] = ()
    retention: Retention = Retention()
    export: Exporting = Exporting()
    export_headers: Hidden | None = None
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
    Setting("telemetry.wire", "limits.telemetry_wire", "FAREGATE_LIMITS_TELEMETRY_WIRE", parse_size),
    Setting("telemetry.body", "limits.telemetry", "FAREGATE_LIMITS_TELEMETRY", parse_size),
    Setting(
        "telemetry.standard_port",
        "telemetry.standard_port",
        "FAREGATE_TELEMETRY_STANDARD_PORT",
        parse_standard_port,
    ),
    Setting(
        "telemetry.allow_unauthenticated",
        "telemetry.allow_unauthenticated",
        "FAREGATE_TELEMETRY_ALLOW_UNAUTHENTICATED",
        parse_switch,
    ),
    Setting("timeouts.connect", "timeouts.connect", "FAREGATE_TIMEOUTS_CONNECT", parse_seconds),
    Setting("timeouts.first_byte", "timeouts.first_byte", "FAREGATE_TIMEOUTS_FIRST_BYTE", parse_seconds),
    Setting("timeouts.between_chunks", "timeouts.between_chunks", "FAREGATE_TIMEOUTS_BETWEEN_CHUNKS", parse_seconds),
    Setting("timeouts.total", "timeouts.total", "FAREGATE_TIMEOUTS_TOTAL", parse_seconds),
    Setting("vault_backend", "vault.backend", "FAREGATE_VAULT", parse_backend),
    Setting("capture", "capture.content", "FAREGATE_CAPTURE", parse_switch),
    Setting("capture_keys_off", "capture.keys_off", "FAREGATE_CAPTURE_KEYS_OFF", parse_names),
    Setting("capture_tags_off", "capture.tags_off", "FAREGATE_CAPTURE_TAGS_OFF", parse_names),
    Setting("capture_parts_off", "capture.parts_off", "FAREGATE_CAPTURE_PARTS_OFF", parse_words(PARTS)),
    Setting("redact_on", "capture.redact_on", "FAREGATE_CAPTURE_REDACT_ON", parse_words(BUILT_IN)),
    Setting("redact_off", "capture.redact_off", "FAREGATE_CAPTURE_REDACT_OFF", parse_words(BUILT_IN)),
    Setting("retention.requests", "retention.requests", "FAREGATE_RETENTION_REQUESTS", parse_keep),
    Setting("retention.content", "retention.content", "FAREGATE_RETENTION_CONTENT", parse_keep),
    Setting("retention.buckets", "retention.buckets", "FAREGATE_RETENTION_BUCKETS", parse_keep),
    Setting("export.endpoint", "export.endpoint", "FAREGATE_EXPORT_ENDPOINT", check_base_url),
    Setting("export.spans", "export.spans", "FAREGATE_EXPORT_SPANS", parse_switch),
    Setting("export.metrics", "export.metrics", "FAREGATE_EXPORT_METRICS", parse_switch),
    Setting("export.content", "export.content", "FAREGATE_EXPORT_CONTENT", parse_switch),
    Setting("store_url", "store.url", "FAREGATE_STORE", parse_store),
)
_NESTED: Mapping[str, type[Struct]] = {
    "timeouts": Timeouts,
    "retention": Retention,
    "export": Exporting,
    "telemetry": Telemetry,
}
_VARIABLE = re.compile(r"FAREGATE_([A-Z0-9_]+)_(API_KEY|BASE_URL|ENABLED)")
# What a table [providers.NAME] may say of any provider.
PROVIDER_SETTINGS: Mapping[str, Callable[[Any], Any]] = {"base_url": check_base_url, "enabled": parse_switch}
_NO_OPTIONS: Mapping[str, str] = {}


def config_path(folder: Path) -> Path:
    return folder / "config.toml"


def load(folder: Path, environ: Mapping[str, str], options: Mapping[str, str] = _NO_OPTIONS) -> Settings:
    """The settings in force: the file's, over them the environment's, over them a command's options.

    `options` go by dotted key (`server.port`); an error calls them by their last part (`--port`). A blank
    variable counts as unset. Raises SettingsError.
    """
    path = config_path(folder)
    return _settings(parsed(path, read_text(path)), environ, options)


def saved(folder: Path) -> Mapping[str, Any]:
    """What `config.toml` itself says, by dotted key: only the settings that stand in it. Raises SettingsError."""
    path = config_path(folder)
    document = parsed(path, read_text(path))
    rows = [(row.key, row.parse) for row in SETTINGS]
    named = document.get("providers", {})
    rows += [(f"providers.{name}.{key}", parse) for name in named for key, parse in PROVIDER_SETTINGS.items()]
    found = ((key, parse, _lookup(document, key)) for key, parse in rows)
    return {key: parse_as(parse, f"config.toml: {key}", value) for key, parse, value in found if value is not None}


def keeping_longer(settings: Settings, changes: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """The settings in force once these are saved: what is to be kept longer is kept at once, for what goes meanwhile
    does not come back. A variable stands over both."""
    retention = settings.retention
    for row in SETTINGS:
        part, _, name = row.key.partition(".")
        if part == "retention" and row.key in changes and not environ.get(row.variable, "").strip():
            value = changes[row.key]
            said = getattr(Retention(), name) if value is None else parse_as(row.parse, row.key, value)
            retention = replace(retention, **{name: longer(getattr(retention, name), said)})
    return replace(settings, retention=retention)


def is_loopback(host: str) -> bool:
    """Whether a host name or address (without a port, brackets allowed) means this machine only."""
    name = host.strip("[]").rstrip(".").lower()
    if name in LOOPBACK_NAMES or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"{path} cannot be read ({reason}): correct or remove it.") from None


def parsed(path: Path, text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from None


def _settings(document: Mapping[str, Any], environ: Mapping[str, str], options: Mapping[str, str]) -> Settings:
    fields: dict[str, Any] = {}
    for row in SETTINGS:
        source, value = _find(row, document, environ, options)
        if value is not None:
            _place(fields, row.field, parse_as(row.parse, source, value))
    for name, record in _NESTED.items():
        if name in fields:
            fields[name] = record(**fields[name])
    extras = extra_providers(document)
    passphrase = environ.get("FAREGATE_VAULT_PASSPHRASE")
    settings = Settings(
        **fields,
        base_urls=_of_providers("base_url", document, environ, extras),
        providers_off=_switched_off(document, environ, extras),
        provider_keys=_provider_keys(environ, extras),
        providers=extras,
        redact=redact_rules(document),
        vault_passphrase=Hidden(passphrase) if passphrase else None,
        export_headers=_headers(environ),
        unknown_keys=_unknown(document, {*BY_NAME, *(extra.name for extra in extras)}),
    )
    _check_together(settings)
    return settings


def _headers(environ: Mapping[str, str]) -> Hidden | None:
    """They may hold the endpoint's credential, so that they come from the environment only."""
    text = environ.get("FAREGATE_EXPORT_HEADERS", "").strip()
    if not text:
        return None
    try:
        parse_headers(text)
    except ValueError as error:
        raise SettingsError(f"FAREGATE_EXPORT_HEADERS is not usable: {error}.") from None
    return Hidden(text)


def problem(document: Mapping[str, Any]) -> SettingsError | None:
    """Why a file cannot be used by itself, without the environment."""
    try:
        _settings(document, {}, {})
    except SettingsError as error:
        return error
    return None


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


def variable_name(provider: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", provider.upper())


def _by_provider(environ: Mapping[str, str], ending: str, extras: tuple[ExtraProvider, ...]) -> list[tuple[str, str]]:
    """(provider, value) for FAREGATE_<PROVIDER>_<ending>; `lm-studio` is spelt LM_STUDIO there."""
    extra_names = {variable_name(extra.name): extra.name for extra in extras}
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
            raise SettingsError(f"FAREGATE_{variable_name(name)}_API_KEY: {error.message}") from None
    return keys


def _of_providers(
    key: str, document: Mapping[str, Any], environ: Mapping[str, str], extras: tuple[ExtraProvider, ...]
) -> dict[str, Any]:
    """What the file and, over it, the environment say of providers under one of `PROVIDER_SETTINGS`, by name."""
    parse, found = PROVIDER_SETTINGS[key], {}
    tables = document.get("providers", {})
    if not isinstance(tables, Mapping):
        raise SettingsError("config.toml: providers must be a table such as [providers.openai].")
    for name in tables:
        value = _lookup(document, f"providers.{name}.{key}")
        if value is not None:
            found[name] = parse_as(parse, f"config.toml: providers.{name}.{key}", value)
    for name, value in _by_provider(environ, key.upper(), extras):
        found[name] = parse_as(parse, f"FAREGATE_{variable_name(name)}_{key.upper()}", value)
    return found


def _switched_off(
    document: Mapping[str, Any], environ: Mapping[str, str], extras: tuple[ExtraProvider, ...]
) -> tuple[str, ...]:
    return tuple(name for name, on in _of_providers("enabled", document, environ, extras).items() if not on)


def _unknown(document: Mapping[str, Any], providers: Collection[str]) -> tuple[str, ...]:
    known = {row.key for row in SETTINGS}
    unknown = []
    for name, value in document.items():
        if name == "provider":
            unknown += [f"provider.{key}" for table in value for key in table if key not in EXTRA_FIELDS]
        elif not isinstance(value, Mapping):
            unknown.append(name)
        elif name == "providers":
            unknown += [f"providers.{provider}" for provider in value if provider not in providers]
            unknown += [
                f"providers.{p}.{key}"
                for p in value
                if p in providers
                for key in value[p]
                if key not in PROVIDER_SETTINGS
            ]
        else:
            # [[capture.redact]] is no setting: `redact_rules` reads it.
            unknown += [
                f"{name}.{key}" for key in value if f"{name}.{key}" not in known and (name, key) != REDACT_TABLES
            ]
            tables = value.get("redact", ()) if name == REDACT_TABLES[0] else ()
            unknown += [f"capture.redact.{key}" for table in tables for key in table if key not in REDACT_FIELDS]
    return tuple(unknown)


def _check_together(settings: Settings) -> None:
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise SettingsError("server.tls_cert and server.tls_key belong together: set both or neither.")
    if not is_loopback(settings.host) and not settings.tls_cert and not settings.insecure_remote:
        raise SettingsError(
            f"server.host {settings.host} would let other machines in without encryption: use 127.0.0.1, set "
            "server.tls_cert and server.tls_key, or server.insecure_remote = true inside a container."
        )
    if settings.telemetry.allow_unauthenticated and not is_loopback(settings.host):
        raise SettingsError(
            "telemetry.allow_unauthenticated is for this machine only: set server.host to 127.0.0.1, or let "
            "exporters send a key."
        )
    if settings.telemetry.standard_port == settings.port:
        raise SettingsError("telemetry.standard_port is server.port already: telemetry is taken there too.")
    urls = {**{extra.name: extra.base_url for extra in settings.providers}, **settings.base_urls}
    for name, url in urls.items():
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if port == settings.port and is_loopback(parts.hostname or ""):
            raise SettingsError(
                f"The base URL of {name} is the gateway's own address, {url}: requests would go round for ever; "
                "give the provider's address."
            )
