"""Settings: file, environment and options; wrong values name themselves; saving disturbs nothing else."""

import re
import stat
from pathlib import Path

import msgspec
import pytest

from gateway.configuration import settings
from gateway.configuration.extra_providers import ExtraPrice
from gateway.configuration.redact_rules import BUILT_IN, PARTS, RedactRule
from gateway.configuration.setting_rows import setting_rows
from gateway.configuration.setting_values import Keep, SettingsError
from gateway.configuration.settings import SETTINGS, is_loopback, load
from gateway.configuration.settings_edit import drop_provider, put_provider, save

MIB = 1 << 20
README = Path(__file__).parents[2] / "README.md"


def written(folder: Path, text: str) -> Path:
    (folder / "config.toml").write_text(text)
    return folder


def test_defaults_are_the_contracts(tmp_path: Path) -> None:
    s = load(tmp_path, {})
    assert (s.host, s.port, s.allowed_origins, s.allowed_hosts) == ("127.0.0.1", 4210, (), ())
    assert (s.tls_cert, s.tls_key, s.insecure_remote, s.limits_body) == (None, None, False, 64 * MIB)
    t = s.timeouts
    assert (t.connect, t.first_byte, t.between_chunks, t.total) == (10, 600, 120, 3600)
    assert (s.vault_backend, s.capture, s.store_url, s.base_urls) == ("keyring", True, "sqlite", {})
    assert s.retention == settings.Retention(requests=Keep(days=396), content=Keep(days=30), buckets=Keep())
    assert s.url == "http://127.0.0.1:4210"


# Every row: what the file says, the variable's text, and the field's value from either.
EACH = [
    ("server.host", "FAREGATE_HOST", '"::1"', "::1", "host", "::1"),
    ("server.port", "FAREGATE_PORT", "0", "0", "port", 0),
    ("server.allowed_origins", "FAREGATE_ALLOWED_ORIGINS", '["https://a.b", "app://c.d"]', "https://a.b, app://c.d",
     "allowed_origins", ("https://a.b", "app://c.d")),
    ("server.allowed_hosts", "FAREGATE_ALLOWED_HOSTS", '["box"]', "box", "allowed_hosts", ("box",)),
    ("server.insecure_remote", "FAREGATE_INSECURE_REMOTE", "true", "true", "insecure_remote", True),
    ("limits.body", "FAREGATE_LIMITS_BODY", "1048576", "1 MiB", "limits_body", MIB),
    ("limits.telemetry_wire", "FAREGATE_LIMITS_TELEMETRY_WIRE", '"2 MiB"', "2 MiB", "telemetry.wire", 2 * MIB),
    ("limits.telemetry", "FAREGATE_LIMITS_TELEMETRY", "1048576", "1 MiB", "telemetry.body", MIB),
    ("telemetry.standard_port", "FAREGATE_TELEMETRY_STANDARD_PORT", "true", "on", "telemetry.standard_port", 4318),
    ("telemetry.allow_unauthenticated", "FAREGATE_TELEMETRY_ALLOW_UNAUTHENTICATED", "true", "1",
     "telemetry.allow_unauthenticated", True),
    ("timeouts.connect", "FAREGATE_TIMEOUTS_CONNECT", "2.5", "2.5", "timeouts.connect", 2.5),
    ("timeouts.first_byte", "FAREGATE_TIMEOUTS_FIRST_BYTE", "3", "3", "timeouts.first_byte", 3),
    ("timeouts.between_chunks", "FAREGATE_TIMEOUTS_BETWEEN_CHUNKS", "4", "4", "timeouts.between_chunks", 4),
    ("timeouts.total", "FAREGATE_TIMEOUTS_TOTAL", "5", "5", "timeouts.total", 5),
    ("vault.backend", "FAREGATE_VAULT", '"file"', "file", "vault_backend", "file"),
    ("capture.content", "FAREGATE_CAPTURE", '"off"', "off", "capture", False),
    ("capture.keys_off", "FAREGATE_CAPTURE_KEYS_OFF", '["a", "b c"]', "a, b c", "capture_keys_off", ("a", "b c")),
    ("capture.tags_off", "FAREGATE_CAPTURE_TAGS_OFF", '["team:legal"]', "team:legal", "capture_tags_off", ("team:legal",)),
    ("capture.parts_off", "FAREGATE_CAPTURE_PARTS_OFF", '["media"]', "media", "capture_parts_off", ("media",)),
    ("capture.redact_on", "FAREGATE_CAPTURE_REDACT_ON", '["iban"]', "iban", "redact_on", ("iban",)),
    ("capture.redact_off", "FAREGATE_CAPTURE_REDACT_OFF", '["bearer"]', "bearer", "redact_off", ("bearer",)),
    ("retention.requests", "FAREGATE_RETENTION_REQUESTS", '"for ever"', "for ever", "retention.requests", Keep()),
    ("retention.content", "FAREGATE_RETENTION_CONTENT", '"7 days, 2 GB"', "2 GB, 7 days", "retention.content",
     Keep(days=7, size_bytes=2 * 10**9)),
    ("export.endpoint", "FAREGATE_EXPORT_ENDPOINT", '"https://otel.example/base/"', "https://otel.example/base",
     "export.endpoint", "https://otel.example/base"),
    ("export.spans", "FAREGATE_EXPORT_SPANS", "false", "off", "export.spans", False),
    ("export.metrics", "FAREGATE_EXPORT_METRICS", "false", "off", "export.metrics", False),
    ("export.content", "FAREGATE_EXPORT_CONTENT", "true", "on", "export.content", True),
    ("retention.buckets", "FAREGATE_RETENTION_BUCKETS", '"512 MiB"', "512 MiB", "retention.buckets",
     Keep(size_bytes=512 * MIB)),
    ("store.url", "FAREGATE_STORE", '"sqlite"', "sqlite", "store_url", "sqlite"),
    ("providers.openai.base_url", "FAREGATE_OPENAI_BASE_URL", '"http://127.0.0.1:9/v1/"', "http://127.0.0.1:9/v1",
     "base_urls", {"openai": "http://127.0.0.1:9/v1"}),
]  # fmt: skip


def field(s: settings.Settings, name: str) -> object:
    value: object = s
    for part in name.split("."):
        value = getattr(value, part)
    return value


@pytest.mark.parametrize(("key", "variable", "toml", "text", "name", "value"), EACH, ids=[row[0] for row in EACH])
def test_each_setting_from_file_and_environment(
    tmp_path: Path, key: str, variable: str, toml: str, text: str, name: str, value: object
) -> None:
    table, _, last = key.rpartition(".")
    written(tmp_path, f"[{table}]\n{last} = {toml}\n")
    assert field(load(tmp_path, {}), name) == value
    written(tmp_path, "")
    assert field(load(tmp_path, {variable: text}), name) == value
    assert field(load(tmp_path, {variable: ""}), name) != value or value == "sqlite"


def test_every_setting_has_a_row_in_the_test() -> None:
    tested = {row[0] for row in EACH} | {"server.tls_cert", "server.tls_key"}
    assert {row.key for row in settings.SETTINGS} <= tested


def test_environment_wins_over_the_file_and_options_over_both(tmp_path: Path) -> None:
    written(tmp_path, "[server]\nport = 1001\n")
    assert load(tmp_path, {}).port == 1001
    assert load(tmp_path, {"FAREGATE_PORT": "1002"}).port == 1002
    assert load(tmp_path, {"FAREGATE_PORT": "1002"}, {"server.port": "1003"}).port == 1003
    with pytest.raises(SettingsError, match=r"^--port must be a port number"):
        load(tmp_path, {}, {"server.port": "http"})


WRONG = [
    ("[server]\nport = 70000", {}, "config.toml: server.port must be a port number"),
    ("[server]\nport = true", {}, "server.port must be a port"),
    ('[server]\nport = "4210x"', {}, "server.port must be a port"),
    ("", {"FAREGATE_PORT": "-1"}, "FAREGATE_PORT must be a port"),
    ("server = 1", {}, "server must be a table"),
    ("[server]\nhost = 5", {}, "server.host must be text"),
    ('[server]\nallowed_origins = ["example.org"]', {}, "such as https://example.org"),
    ('[server]\nallowed_origins = ["https://e.org/x"]', {}, "such as https://example.org"),
    ('[server]\nallowed_origins = ["localhost:3000"]', {}, "such as https://example.org"),
    ('[server]\nallowed_origins = ["file://"]', {}, "such as https://example.org"),
    ('[server]\nallowed_origins = ["null"]', {}, "such as https://example.org"),
    ("[server]\nallowed_hosts = [1]", {}, "must be a list of names"),
    ('[server]\ntls_cert = "/nowhere/at/all.pem"', {}, "must name a file that exists"),
    (f'[server]\ntls_cert = "/{"a" * 5000}"', {}, "must name a file that exists"),
    ('[server]\ntls_cert = "~nobody-at-all/a.pem"', {}, "names a user who is not known here"),
    ("[limits]\nbody = 0", {}, "limits.body must be a number of bytes"),
    ("", {"FAREGATE_LIMITS_BODY": "64 MiBs"}, "FAREGATE_LIMITS_BODY must be"),
    ('[telemetry]\nstandard_port = "maybe"', {}, "standard_port must be on or off, or a port number"),
    ("[telemetry]\nstandard_port = 70000", {}, "standard_port must be on or off, or a port number"),
    ("[telemetry]\nstandard_port = 4210", {}, "standard_port is server.port already"),
    ('[telemetry]\nallow_unauthenticated = true\n[server]\nhost = "0.0.0.0"\ninsecure_remote = true', {},
     "allow_unauthenticated is for this machine only"),
    ("[timeouts]\ntotal = 0", {}, "timeouts.total must be seconds"),
    ("[timeouts]\ntotal = nan", {}, "timeouts.total must be seconds"),
    ("", {"FAREGATE_TIMEOUTS_CONNECT": "soon"}, "FAREGATE_TIMEOUTS_CONNECT must be seconds"),
    ("", {"FAREGATE_VAULT": "plain"}, "FAREGATE_VAULT must be keyring, file or memory"),
    ("", {"FAREGATE_CAPTURE": "perhaps"}, "FAREGATE_CAPTURE must be on or off"),
    ('[capture]\nparts_off = ["words"]', {}, "capture.parts_off must be some of reasoning, media"),
    ("", {"FAREGATE_CAPTURE_REDACT_ON": "ssn"}, "FAREGATE_CAPTURE_REDACT_ON must be some of provider_key"),
    ("[capture]\nredact = 1", {}, "capture.redact must be written as"),
    ('[[capture.redact]]\npattern = "a"', {}, "[[capture.redact]] 1: name must be"),
    ('[[capture.redact]]\nname = "a"', {}, "[[capture.redact]] 1: pattern must be a regular expression"),
    ('[[capture.redact]]\nname = "a"\npattern = "("', {}, "[[capture.redact]] 1: the pattern or its replacement cannot"),
    ('[[capture.redact]]\nname = "a"\npattern = "a*"', {}, "pattern must not match the empty text"),
    ("[[capture.redact]]\nname = 'a'\npattern = 'a'\nreplacement = '\\2'", {}, "invalid group reference"),
    ('[[capture.redact]]\nname = "a"\npattern = "a"\nreplacement = 1', {}, "replacement must be text"),
    ('[[capture.redact]]\nname = "a"\npattern = "a"\n' * 2, {}, "2: name 'a' is used twice"),
    ('[retention]\ncontent = "a while"', {}, "retention.content must be text such as"),
    ('[retention]\ncontent = "1 day, 2 days"', {}, "retention.content must be"),
    ("", {"FAREGATE_STORE": "postgres://x"}, "FAREGATE_STORE must be sqlite"),
    ('[providers.openai]\nbase_url = "api.openai.com"', {}, "providers.openai.base_url must be an address"),
    ('[providers.openai]\nbase_url = "https://api..openai.com"', {}, "providers.openai.base_url must be an address"),
    ("", {"FAREGATE_XAI_BASE_URL": "http://x/v1?version=2"}, "FAREGATE_XAI_BASE_URL must be an address"),
    ("", {"FAREGATE_XAI_BASE_URL": "http://u:p@x/v1"}, "FAREGATE_XAI_BASE_URL must be an address"),
    ("", {"FAREGATE_XAI_BASE_URL": "http://:p@x/v1"}, "FAREGATE_XAI_BASE_URL must be an address"),
    ("", {"FAREGATE_XAI_BASE_URL": "http://[x/v1"}, "FAREGATE_XAI_BASE_URL must be an address"),
    ("providers = 1", {}, "providers must be a table"),
    ("", {"FAREGATE_OPENAI_API_KEY": "sk-a b"}, "FAREGATE_OPENAI_API_KEY: The key has a space"),
    ("provider = 1", {}, "[[provider]]"),
    ('[[provider]]\nname = "x"\ndialect = "anthropic"', {}, "base_url is missing"),
    ('[[provider]]\nname = "X y"\ndialect = "anthropic"\nbase_url = "http://x"', {}, "name must be lower-case"),
    ('[[provider]]\nname = "x"\ndialect = "soap"\nbase_url = "http://x"', {}, "dialect must be one of openai_chat"),
    ('[[provider]]\nname = "x"\ndialect = "gemini"\nbase_url = "http://x"\nauth = "basic"', {}, "auth must be one of"),
    ('[[provider]]\nname = "x"\ndialect = "gemini"\nbase_url = "http://x"\nprices = 3', {}, "must be a table per model"),
    ('[[provider]]\nname = "x"\ndialect = "gemini"\nbase_url = "http://x"\nprices = { m = { input = -1 } }', {},
     "must be a table per model"),
    ('[[provider]]\nname = "x"\ndialect = "gemini"\nbase_url = "http://x"\n' * 2, {}, "used twice"),
    ('[[provider]]\nname = "x"\ndialect = "gemini"\nbase_url = "http://x"\nembeddings = 3', {}, "must be true, false or"),
    ('[[provider]]\nname = "x"\ndialect = "anthropic"\nbase_url = "http://x"\nembeddings = true', {}, "need the dialect openai_chat or gemini"),
    ('[[provider]]\nname = "x"\ndialect = "gemini"\nbase_url = "http://x"\nefforts = ["huge"]', {}, "not 'huge'"),
    ('[[provider]]\nname = "x"\ndialect = "gemini"\nbase_url = "http://x"\nmax_tokens_field = "n"', {}, "must be one of max_tokens"),
    ("port = [", {}, "is not valid TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "environ", "message"), WRONG, ids=[row[2] for row in WRONG])
def test_a_wrong_value_is_one_sentence_that_names_it(
    tmp_path: Path, text: str, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load(written(tmp_path, text), environ)
    assert message in caught.value.message
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "example.org", "127.0.0.1.example.org"])
def test_another_machines_way_in_needs_tls_or_a_word(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="without encryption"):
        load(tmp_path, {"FAREGATE_HOST": host})
    assert load(tmp_path, {"FAREGATE_HOST": host, "FAREGATE_INSECURE_REMOTE": "on"}).host == host
    pem = tmp_path / "x.pem"
    pem.touch()
    one = {"FAREGATE_HOST": host, "FAREGATE_TLS_CERT": str(pem)}
    with pytest.raises(SettingsError, match="belong together"):
        load(tmp_path, one)
    s = load(tmp_path, {**one, "FAREGATE_TLS_KEY": str(pem)})
    assert (s.tls_cert, s.tls_key) == (pem, pem)
    assert s.url.startswith("https://")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True), ("LOCALHOST.", True), ("127.0.0.1", True), ("127.9.9.9", True), ("[::1]", True),
        ("app.localhost", True), ("localhost.evil.example", False), ("10.0.0.1", False), ("", False), ("::2", False),
    ],
)  # fmt: skip
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize("url", ["http://127.0.0.1:4210/v1", "http://localhost:4210", "http://[::1]:4210/api/ai/v1"])
def test_the_gateways_own_address_is_no_providers(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match="own address"):
        load(tmp_path, {"FAREGATE_OPENAI_BASE_URL": url})
    assert load(tmp_path, {"FAREGATE_OPENAI_BASE_URL": url, "FAREGATE_PORT": "4211"}).base_urls == {"openai": url}


def test_further_providers_and_their_keys(tmp_path: Path) -> None:
    written(
        tmp_path,
        '[[provider]]\nname = "lm-studio"\ndialect = "openai_chat"\nbase_url = "http://127.0.0.1:1234/v1"\n'
        'auth = "none"\nmodels = ["qwen3"]\nprices = { qwen3 = { input = 0.1, output = 0 } }\ncolour = "blue"\n',
    )
    s = load(tmp_path, {"FAREGATE_LM_STUDIO_API_KEY": " k1 ", "FAREGATE_LM_STUDIO_BASE_URL": "http://127.0.0.1:5/v1"})
    (extra,) = s.providers
    assert (extra.name, extra.dialect, extra.auth, extra.models) == ("lm-studio", "openai_chat", "none", ("qwen3",))
    assert extra.prices == {"qwen3": ExtraPrice(input=0.1, output=0.0)}
    assert s.provider_keys["lm-studio"].reveal() == "k1"
    assert s.base_urls == {"lm-studio": "http://127.0.0.1:5/v1"}
    assert s.unknown_keys == ("provider.colour",)


def test_the_readmes_settings_are_read_as_it_says(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)
    written(tmp_path, "\n".join(blocks))
    s = load(tmp_path, {"FAREGATE_OPENROUTER_API_KEY": "sk-or-1"})
    assert s.retention.requests.size_bytes == 5 * 10**9 and s.retention.buckets.days is None
    assert (s.capture_keys_off, s.capture_tags_off, s.capture_parts_off) == (
        ("payroll",),
        ("team:legal",),
        ("media",),
    )
    assert s.redact == (RedactRule(name="ticket", pattern=r"TICKET-(\d+)", replacement="TICKET-…"),)
    assert all(re.search(rf"\b{name}\b", README.read_text()) for name in (*BUILT_IN, *PARTS))
    assert s.unknown_keys == () and s.provider_keys["openrouter"].reveal() == "sk-or-1"
    ollama, router, vllm = s.providers
    assert (ollama.auth, ollama.embeddings, ollama.models) == (
        "none",
        ("nomic-embed-text",),
        ("qwen3:8b", "gpt-oss:20b"),
    )
    assert (router.auth, router.embeddings, router.prices) == ("bearer", None, {})
    assert (vllm.efforts, vllm.max_tokens_field) == (("low", "medium", "high"), "max_tokens")
    assert vllm.prices == {
        "qwen3-235b": ExtraPrice(input=0.2, cached=0.02, cache_write=0.25, output=0.6),
        "*": ExtraPrice(input=0.1, output=0.3),
    }


def test_what_a_table_may_say_beside(tmp_path: Path) -> None:
    table = '[[provider]]\nname = "x"\ndialect = "openai_chat"\nbase_url = "http://x/v1"\n'
    written(
        tmp_path, table + 'embeddings = true\nreasoning_content = true\nmax_tokens_field = "max_completion_tokens"'
    )
    (extra,) = load(tmp_path, {}).providers
    assert (extra.embeddings, extra.reasoning_content, extra.max_tokens_field) == ((), True, "max_completion_tokens")
    written(tmp_path, table + "embeddings = false")
    assert load(tmp_path, {}).providers[0].embeddings is None


def test_secrets_neither_print_nor_encode(tmp_path: Path) -> None:
    s = load(tmp_path, {"FAREGATE_OPENAI_API_KEY": "sk-canary-1", "FAREGATE_VAULT_PASSPHRASE": "canary-2"})
    assert s.provider_keys["openai"].reveal() == "sk-canary-1"
    assert s.vault_passphrase is not None and s.vault_passphrase.reveal() == "canary-2"
    assert "canary" not in f"{s!r} {s}"
    with pytest.raises(TypeError):
        msgspec.json.encode(s)


def test_saving_keeps_comments_and_what_it_does_not_know(tmp_path: Path) -> None:
    text = '# mine\n[server]\nport = 5000 # free here\ncolour = "blue"\n\n[[later]]\nx = 1\n'
    written(tmp_path, text)
    save(tmp_path, {"server.port": 5001, "timeouts.total": 60, "providers.xai.base_url": "http://127.0.0.1:1/v1"})
    after = (tmp_path / "config.toml").read_text()
    assert after.startswith(text.replace("5000", "5001"))
    s = load(tmp_path, {})
    assert (s.port, s.timeouts.total, s.base_urls) == (5001, 60, {"xai": "http://127.0.0.1:1/v1"})
    assert s.unknown_keys == ("server.colour", "later")
    save(tmp_path, {"server.port": None, "timeouts.total": None, "server.allowed_origins": ("https://a.b",)})
    assert load(tmp_path, {}).port == 4210
    assert load(tmp_path, {}).allowed_origins == ("https://a.b",)
    assert stat.S_IMODE((tmp_path / "config.toml").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"server.port": 70000}, "server.port must be"),
        ({"server.colour": "blue"}, "is not a setting"),
        ({"providers.xai.api_key": "k"}, "is not a setting"),
        ({"server.port": 1, "vault.backend": "plain"}, "vault.backend must be"),
    ],
)
def test_a_wrong_change_is_refused_and_writes_nothing(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    written(tmp_path, "[server]\nport = 5000\n")
    with pytest.raises(SettingsError, match=message):
        save(tmp_path, changes)
    assert (tmp_path / "config.toml").read_text() == "[server]\nport = 5000\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# a\r\n[server]\r\nport = 5000 # b\r\n", "# a\r\n[server]\r\nport = 5001 # b\r\n"),
        ("# a\r\n[later]\r\nx = 1\r\n", "# a\r\n[later]\r\nx = 1\r\n\r\n[server]\r\nport = 5001\r\n"),
        ("server.port = 5000\n", "server.port = 5001\n"),
        ("server = { port = 5000 }\n", "server = { port = 5001 }\n"),
    ],
)
def test_saving_keeps_line_ends_and_ways_of_writing(tmp_path: Path, before: str, after: str) -> None:
    (tmp_path / "config.toml").write_bytes(before.encode())
    save(tmp_path, {"server.port": 5001})
    assert (tmp_path / "config.toml").read_bytes() == after.encode()


def test_saving_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    mine = tmp_path / "dotfiles.toml"
    mine.write_text("[server]\nport = 5000\n")
    (tmp_path / "config.toml").symlink_to(mine)
    save(tmp_path, {"server.port": 5001})
    assert (tmp_path / "config.toml").is_symlink() and "5001" in mine.read_text()


@pytest.mark.parametrize(
    ("text", "changes", "message"),
    [
        ("[server\nport = 1\n", {"server.port": 5}, "is not valid TOML"),
        ("a = " + "[" * 3000 + "]" * 3000, {"server.port": 5}, "is not valid TOML"),
        ("server = 3\n", {"server.port": 5}, "server in .* must be a table"),
        ("", {"server.host": "0.0.0.0"}, "without encryption"),
        ("", {"providers.openai.base_url": "http://127.0.0.1:4210/v1"}, "the gateway's own address"),
    ],
)
def test_no_change_leaves_a_file_that_cannot_be_started_with(
    tmp_path: Path, text: str, changes: dict[str, object], message: str
) -> None:
    written(tmp_path, text)
    with pytest.raises(SettingsError, match=message):
        save(tmp_path, changes)
    assert (tmp_path / "config.toml").read_text() == text


def test_a_file_that_only_the_environment_makes_usable_can_be_changed(tmp_path: Path) -> None:
    written(tmp_path, '[server]\nhost = "0.0.0.0"\n')
    save(tmp_path, {"server.port": 5001})
    assert load(tmp_path, {"FAREGATE_INSECURE_REMOTE": "on"}).port == 5001


def test_a_provider_that_nobody_knows_is_named(tmp_path: Path) -> None:
    written(
        tmp_path, '[providers.opnai]\nbase_url = "http://x"\n[providers.openai]\nbase_url = "http://y"\nkey = "k"\n'
    )
    assert load(tmp_path, {}).unknown_keys == ("providers.opnai", "providers.openai.key")


@pytest.mark.parametrize("blank", ["", " ", "\t\r\n"])
def test_a_blank_variable_is_none(tmp_path: Path, blank: str) -> None:
    names = [setting.variable for setting in SETTINGS] + ["FAREGATE_OPENAI_API_KEY", "FAREGATE_XAI_BASE_URL"]
    assert load(tmp_path, dict.fromkeys(names, blank)) == load(tmp_path, {})


def test_blanks_around_a_variables_value_do_not_count(tmp_path: Path) -> None:
    given = {
        "FAREGATE_PORT": " 4211\r\n",
        "FAREGATE_HOST": " [::1] ",
        "FAREGATE_VAULT": "file\n",
        "FAREGATE_STORE": " sqlite",
        "FAREGATE_CAPTURE": " off ",
        "FAREGATE_RETENTION_REQUESTS": " For ever ",
        "FAREGATE_LIMITS_BODY": " 1 MiB\n",
        "FAREGATE_TIMEOUTS_TOTAL": " 5 ",
        "FAREGATE_OPENAI_BASE_URL": " http://127.0.0.1:1/v1\r",
    }
    s = load(tmp_path, given)
    assert (s.port, s.host, s.url, s.vault_backend, s.capture) == (4211, "::1", "http://[::1]:4211", "file", False)
    assert (s.retention.requests.days, s.limits_body, s.timeouts.total) == (None, 1 << 20, 5.0)
    assert s.base_urls == {"openai": "http://127.0.0.1:1/v1"}


def test_an_unreadable_file_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path, {})


def test_export_headers_come_from_the_environment_and_print_nothing(tmp_path: Path) -> None:
    found = load(tmp_path, {"FAREGATE_EXPORT_HEADERS": "authorization=Bearer%20canary"})
    assert found.export_headers is not None and found.export_headers.reveal() == "authorization=Bearer%20canary"
    assert "canary" not in repr(found)
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, {"FAREGATE_EXPORT_HEADERS": "canary"})
    assert "FAREGATE_EXPORT_HEADERS" in raised.value.message and "canary" not in raised.value.message


def test_rules_of_redaction_are_tables_in_order_and_survive_a_change(tmp_path: Path) -> None:
    text = """[capture]
content = true

[[capture.redact]]  # ours
name = "ticket"
pattern = 'TICKET-\\d+'

[[capture.redact]]
name = "site"
pattern = 'site (\\w+)'
replacement = 'site of \\1'
colour = "red"
"""
    loaded = load(written(tmp_path, text), {})
    first, second = loaded.redact
    assert (first.name, first.pattern, first.replacement) == ("ticket", "TICKET-\\d+", "[redacted: ticket]")
    assert (second.name, second.replacement) == ("site", "site of \\1")
    assert loaded.unknown_keys == ("capture.redact.colour",)
    save(tmp_path, {"capture.parts_off": ("system",)})
    again = load(tmp_path, {})
    assert again.redact == loaded.redact and again.capture_parts_off == ("system",)
    assert "# ours" in (tmp_path / "config.toml").read_text()


OWN = "# mine\n[[provider]]\nname = 'lm'\ndialect = 'openai_chat'\nbase_url = 'http://127.0.0.1:1234/v1' # here\nodd = 1\n"


def test_a_providers_table_is_added_changed_and_taken_away(tmp_path: Path) -> None:
    """What else stands in the file, and in the table, stays."""
    written(tmp_path, OWN)
    put_provider(tmp_path, {"name": "lm", "base_url": "http://127.0.0.1:4321/v1", "models": ("qwen3:8b",)})
    put_provider(
        tmp_path, {"name": "router", "dialect": "anthropic", "base_url": "https://r.example", "auth": "x-api-key"}
    )
    first, second = load(tmp_path, {}).providers
    assert (first.base_url, first.models, first.dialect) == ("http://127.0.0.1:4321/v1", ("qwen3:8b",), "openai_chat")
    assert (second.name, second.dialect, second.auth) == ("router", "anthropic", "x-api-key")
    text = (tmp_path / "config.toml").read_text()
    assert "# mine" in text and "# here" in text and "odd = 1" in text
    put_provider(tmp_path, {"name": "lm", "models": None})
    assert load(tmp_path, {}).providers[0].models == ()
    save(tmp_path, {"providers.router.enabled": False})
    drop_provider(tmp_path, "router")
    assert [extra.name for extra in load(tmp_path, {}).providers] == ["lm"]
    assert load(tmp_path, {}).providers_off == ()
    drop_provider(tmp_path, "lm")
    assert load(tmp_path, {}).providers == ()
    assert "[[provider]]" not in (tmp_path / "config.toml").read_text()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "new"}, "dialect is missing"),
        ({"name": "New one", "dialect": "gemini", "base_url": "http://h"}, "lower-case letters"),
        ({"name": "lm", "dialect": "esperanto"}, "dialect must be one of"),
        ({"name": "lm", "base_url": "http://127.0.0.1:4210/v1"}, "the gateway's own address"),
        ({"name": "lm", "api_key": "k"}, "api_key is nothing that a provider's table holds"),
    ],
)
def test_a_providers_table_that_cannot_be_used_is_not_written(
    tmp_path: Path, values: dict[str, object], message: str
) -> None:
    written(tmp_path, OWN)
    with pytest.raises(SettingsError, match=message):
        put_provider(tmp_path, values)
    with pytest.raises(SettingsError, match=r"no .* table named other"):
        drop_provider(tmp_path, "other")
    assert (tmp_path / "config.toml").read_text() == OWN


@pytest.mark.parametrize("values", [{"dialect": "esperanto"}, {"models": 3}, {"auth": ""}])
def test_a_wrong_field_is_not_written_either_where_the_file_is_wrong_already(
    tmp_path: Path, values: dict[str, object]
) -> None:
    """A file that nobody can start with may be mended in parts, and none of them is to make it worse."""
    wrong = f"{OWN}\n[server]\nport = 'many'\n"
    written(tmp_path, wrong)
    with pytest.raises(SettingsError, match=f"{next(iter(values))} must be"):
        put_provider(tmp_path, {"name": "lm", **values})
    assert (tmp_path / "config.toml").read_text() == wrong


def test_a_provider_is_switched_off_in_the_file_or_the_environment(tmp_path: Path) -> None:
    written(tmp_path, "[providers.xai]\nenabled = false\n[providers.google]\nenabled = true\n")
    assert load(tmp_path, {}).providers_off == ("xai",)
    environ = {"FAREGATE_GOOGLE_ENABLED": "false", "FAREGATE_XAI_ENABLED": "true"}
    assert load(tmp_path, environ).providers_off == ("google",)
    rows = {row.key: row for row in setting_rows(tmp_path, load(tmp_path, {}), {})}
    assert (rows["providers.xai.enabled"].value, rows["providers.xai.enabled"].saved) == (False, False)
    assert (rows["providers.google.enabled"].value, rows["providers.google.enabled"].saved) == (True, True)
    assert rows["providers.xai.enabled"].variable == "FAREGATE_XAI_ENABLED"
    written(tmp_path, "[providers.xai]\nenabled = 'perhaps'\n")
    with pytest.raises(SettingsError, match=r"providers\.xai\.enabled"):
        load(tmp_path, {})
