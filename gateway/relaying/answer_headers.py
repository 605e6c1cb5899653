"""The headers of an answer: which request, provider and model it is, what it cost us, and what was lost on the way.

Names that clients and providers chose stand in them, so every value is made sendable first.
"""

from datetime import UTC, datetime

from gateway.dialects.dialect import Dialect
from gateway.errors import GatewayError
from gateway.providers.models import notice
from gateway.records import ExchangeRecord
from gateway.relaying.exchange import Exchange
from gateway.relaying.plan import LONGEST_NAME, Plan

LONGEST_HEADER = 2048


def answer_headers(plan: Plan, exchange: Exchange, content_type: str, model: str | None) -> dict[str, str]:
    """`model` is the one that answered, where that is known already."""
    headers = {"content-type": sendable(content_type)}
    headers |= _told_always(plan.door.dialect, exchange, model or plan.candidate.model)
    if plan.peek.stream:
        headers["cache-control"] = "no-cache"
    if exchange.dropped:
        headers["x-faregate-dropped"] = _names(exchange.dropped)
    if exchange.adapted:
        headers["x-faregate-adapted"] = _names(exchange.adapted)
    row = plan.candidate.row
    if row is not None and row.ended is not None and (words := notice(row, datetime.now(UTC).date())):
        headers["x-faregate-model-notice"] = words
    return headers


def whole_headers(plan: Plan, exchange: Exchange, content_type: str, record: ExchangeRecord) -> dict[str, str]:
    """Those of an answer whose row is known before it goes out: its cost too."""
    headers = answer_headers(plan, exchange, content_type, record.model)
    if record.cost_nano is not None:
        headers["x-faregate-cost-usd"] = f"{record.cost_nano // 10**9}.{record.cost_nano % 10**9:09d}"
    return headers


def error_headers(error: GatewayError, dialect: Dialect, exchange: Exchange) -> dict[str, str]:
    """Those of an exchange that failed before anything of an answer went out."""
    headers = {name: sendable(value) for name, value in error.headers.items()}
    headers["content-type"] = "application/json"
    return headers | _told_always(dialect, exchange, exchange.model)


def _told_always(dialect: Dialect, exchange: Exchange, model: str | None) -> dict[str, str]:
    """What every answer of an exchange tells, as far as it is known."""
    headers = request_ids(dialect, exchange.id)
    if exchange.provider:
        headers["x-faregate-provider"] = exchange.provider
    if model:
        headers["x-faregate-model"] = _escaped(model)
    headers["x-faregate-overhead-ms"] = f"{exchange.overhead_so_far_ms():.3f}"
    if exchange.upstream_request_id:
        headers["x-faregate-upstream-request-id"] = sendable(exchange.upstream_request_id)
    if exchange.conversation_id:
        headers["x-faregate-conversation-id"] = _escaped(exchange.conversation_id)
    return headers


def request_ids(dialect: Dialect, id: str) -> dict[str, str]:
    """A request's id wherever clients of the dialect look for it."""
    own = dialect.request_id_header
    return {"x-request-id": id} if own is None else {"x-request-id": id, own: id}


def _names(names: tuple[str, ...]) -> str:
    return _escaped(", ".join(name[:LONGEST_NAME] for name in names))


def _escaped(text: str) -> str:
    """What somebody named, as a value that decodes to it as from a URL."""
    return sendable(text.replace("%", "%25"))


def _in_bytes(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode(errors="surrogatepass"))


def sendable(value: str) -> str:
    """The text as one header's value: what no header may hold is escaped as in a URL, and what is too long is cut."""
    if value.isascii() and value.isprintable() and len(value) <= LONGEST_HEADER:
        return value
    plain = "".join(c if " " <= c <= "~" else _in_bytes(c) for c in value[:LONGEST_HEADER])
    return plain[:LONGEST_HEADER]
