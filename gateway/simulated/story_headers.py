"""The headers of the demo's example conversations, at all four ends, as such calls have them."""

from collections.abc import Mapping
from email.utils import formatdate

from gateway.dialects import DIALECTS
from gateway.header_records import ANSWERED, ASKED, GIVEN, SENT, HeaderGroup
from gateway.providers.catalog import BY_NAME, Provider
from gateway.records import ExchangeRecord
from gateway.relaying.doors import DOORS, Door
from gateway.relaying.plan import credentials

# Masked as those of real calls are.
_CALLER = "tk_…Zk3Q"
_KEYS = {"anthropic": "sk-…xQAA", "openai": "sk-…T3Bl", "google": "AIz…c8Yk", "xai": "xai-…m4Wd"}
_COOKIE = "…"
# Whose way of sending a key a door's clients have.
_OWNERS = {"openai_chat": "openai", "openai_responses": "openai", "anthropic": "anthropic", "gemini": "google"}
_AGENTS: Mapping[str, str] = {
    "Claude Code": "claude-cli/2.1.4 (external, cli)",
    "Codex": "codex_cli_rs/0.98.0 (Debian 12; x86_64)",
    "OpenAI SDK (Python)": "OpenAI/Python 2.9.0",
    "OpenAI SDK (JavaScript)": "OpenAI/JS 6.10.0",
    "LangChain": "langchain-openai/1.7.3",
    "Gemini CLI": "GeminiCLI/0.22.1 (linux; x64)",
}
_EVENTS, _JSON = "text/event-stream", "application/json"


def story_headers(record: ExchangeRecord) -> tuple[HeaderGroup, ...]:
    """Those of one call of the example history."""
    door = next(door for door in DOORS if door.name == record.door)
    provider = BY_NAME[record.provider or ""]
    dialect = DIALECTS[provider.dialect]
    path = door.path
    if door.verbs:
        path += f"{record.model}:{'streamGenerateContent?alt=sse' if record.streamed else 'generateContent'}"
    target = f"{provider.base_url}{dialect.path(record.model or '', record.streamed)}"
    sent = {"content-type": _JSON, "user-agent": "faregate", "accept-encoding": "identity"}
    sent |= credentials(provider, dialect, _KEYS[provider.name])
    return (
        _group(ASKED, 0, f"POST {path}", _asked(record, door)),
        _group(SENT, 1, f"POST {target}", sent),
        _group(ANSWERED, 1, str(record.status), _answered(record, provider)),
        _group(GIVEN, 0, str(record.status), _given(record)),
    )


def _group(whose: str, attempt: int, line: str, headers: Mapping[str, str]) -> HeaderGroup:
    return HeaderGroup(whose=whose, attempt=attempt, line=line, names=tuple(headers), values=tuple(headers.values()))


def _asked(record: ExchangeRecord, door: Door) -> dict[str, str]:
    headers = {
        "Host": "127.0.0.1:4210",
        "User-Agent": _AGENTS.get(record.client or "", record.client or ""),
        "Accept": _EVENTS if record.streamed else _JSON,
        "Content-Type": _JSON,
        "Content-Length": str(4 * (record.input_tokens or 700)),
    }
    if door.version is not None:
        headers[door.version[0]] = door.version[1]
    headers |= credentials(BY_NAME[_OWNERS[door.dialect.name]], door.dialect, _CALLER)
    if record.tags:
        headers["x-tags"] = ",".join(record.tags)
    return headers


def _answered(record: ExchangeRecord, provider: Provider) -> dict[str, str]:
    ended_s = (record.started_us + (record.latency_us or 0)) / 1e6
    headers = {"Date": formatdate(ended_s, usegmt=True), "Content-Type": _type(record)}
    if record.upstream_request_id:
        headers[provider.request_id_header] = record.upstream_request_id
    headers["Set-Cookie"] = _COOKIE
    if record.status == 429:
        headers["Retry-After"] = "7"
    return headers


def _given(record: ExchangeRecord) -> dict[str, str]:
    headers = {
        "content-type": _type(record),
        "x-request-id": record.id,
        "x-faregate-provider": record.provider or "",
        "x-faregate-model": record.model or "",
        "x-faregate-overhead-ms": f"{(record.overhead_us or 0) / 1000:.3f}",
        "x-faregate-upstream-request-id": record.upstream_request_id or "",
    }
    if record.dropped:
        headers["x-faregate-dropped"] = ", ".join(record.dropped)
    if record.adapted:
        headers["x-faregate-adapted"] = ", ".join(record.adapted)
    return headers


def _type(record: ExchangeRecord) -> str:
    return _EVENTS if record.streamed and record.outcome == "ok" else _JSON
