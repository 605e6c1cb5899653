"""What is decided of an exchange before its provider is called: which one, with which key, and the bytes that go out.

Where door and provider share a dialect the client's bytes go as they are, spliced where they must be; else they are
translated. A request that cannot be carried is refused here, before it costs anything.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace
from yarl import URL

from gateway.dialects import DIALECTS
from gateway.dialects.body_look import named_model
from gateway.dialects.carriage import BY_NAME
from gateway.dialects.dialect import Dialect
from gateway.dialects.effort import asked
from gateway.dialects.openai_chat.peek import Peek
from gateway.errors import ClientError, GatewayError
from gateway.keys.key_format import KeyFormatError, clean_key
from gateway.keys.provider_keys import ProviderKeys
from gateway.model import Request
from gateway.providers.catalog import Provider
from gateway.relaying.clients import CACHE_KEY_IS_CONVERSATION, usable_id
from gateway.relaying.doors import Door
from gateway.relaying.embeddings import Embedding
from gateway.relaying.exchange import Exchange
from gateway.relaying.replay import ReplayMemory, thoughtless
from gateway.relaying.routing import Candidate, Routing
from gateway.relaying.stored_answers import StoredAnswers
from gateway.relaying.tally import estimated_tokens
from gateway.relaying.upstream import USER_AGENT

HOP_HEADER = "x-faregate-hop"
BYOK_HEADER = "x-provider-api-key"
# A name in a row; bodies may hold longer ones.
LONGEST_NAME = 256
# What is not the provider's own count, in `x-faregate-adapted` and on the row.
COUNT_ESTIMATED = ("input_tokens",)
# A provider's code for reasoning state that it cannot read: its keys were changed, or another account made it.
UNREADABLE_STATE = "invalid_encrypted_content"
_KEPT_URLS = 1000


class Plan(Struct, frozen=True, kw_only=True):
    """What is decided before the provider is called. Where `answer` is given it is not called at all.

    `asked` is the client's body, with what it left out put back as far as the provider does not have it.
    `rewrite` makes the client's embeddings of the provider's answer and of the input's tokens.
    """

    door: Door
    peek: Peek
    candidate: Candidate
    dialect: Dialect
    verbatim: bool
    asked: bytes
    body: bytes
    url: URL
    headers: Mapping[str, str]
    cut_usage: bool
    key: str | None
    request: Request | None
    tool_names: Mapping[str, str] = {}
    answer: bytes | None = None
    rewrite: Callable[[bytes, int], bytes] | None = None

    @property
    def void_is_error(self) -> bool:
        """Whether an answer without words that went wrong is an error: said anew, it would pass for a good one."""
        said_anew = self.request is not None and self.dialect.name != self.door.dialect.name
        return said_anew and self.door.dialect.void_is_error

    def __repr__(self) -> str:
        return f"Plan({self.door.name!r}, {self.candidate.model!r})"


class Planner:
    """Plans exchanges for one set of providers and keys."""

    def __init__(self, routing: Routing, keys: ProviderKeys, memory: ReplayMemory, stored: StoredAnswers) -> None:
        self._routing = routing
        self._keys = keys
        self._memory = memory
        self._stored = stored
        self._urls: dict[tuple[str, str], URL] = {}
        self._common: dict[str, dict[str, str]] = {}

    def plan(self, door: Door, body: bytes, headers: Mapping[str, str], exchange: Exchange) -> Plan:
        """The plan for this body; what is learnt on the way stands in `exchange`. Raises GatewayError."""
        try:
            door.check()
            peek = door.peek(body, door.path_model, door.path_stream)
        except ClientError:
            exchange.model_requested = model_named(door, body)
            raise
        _note(peek, exchange)
        candidate = self._routing.candidates(peek.model)[0]
        provider = candidate.provider
        exchange.provider, exchange.provider_title, exchange.model = provider.name, provider.title, candidate.model
        exchange.price_provider = provider.price_provider
        if not self._routing.is_on(provider.name):
            raise GatewayError(
                f"{provider.title} is switched off here: switch it on in Faregate under Providers.",
                status=503,
                kind="provider_unconfigured",
                headers={"x-should-retry": "false"},
            )
        if door.stores:
            body = self._stored.completed(exchange.principal.key_id, provider.name, body)
        operation = door.operation
        exchange.free = operation.name == "count"
        if operation.name == "embeddings":
            door = self._embeddings_door(door, candidate)
            operation = door.operation
        # A provider could not read what other providers' answers left in the history; neither can it count it.
        countable = provider.dialect == door.dialect.name and not _brings_state(door, body)
        if operation.render_count is not None and not countable:
            exchange.adapted = COUNT_ESTIMATED
            count = operation.render_count(estimated_tokens(len(body)))
            return self._answered(door, peek, candidate, body, count)
        key = self._key(provider, headers, exchange)
        if operation.embed is not None:
            carried = _embedded(operation.embed, body, candidate, exchange)
        else:
            foreign = self._brings_foreign(door, body, provider, exchange)
            found = None if foreign else _verbatim(door, body, peek, candidate, headers)
            try:
                carried = found or self._translated(door, body, candidate, headers, exchange)
            except RecursionError:
                raise ClientError(
                    "The request is nested too deeply for the model's provider: send schemas with fewer levels."
                ) from None
        sent = {**self._common_headers(provider), **carried.headers}
        if key is not None:
            sent.update(credentials(provider, carried.dialect, key))
        model = candidate.model
        path = operation.path(model) if operation.path else carried.dialect.path(model, peek.stream)
        return Plan(
            door=door,
            peek=peek,
            candidate=candidate,
            dialect=carried.dialect,
            verbatim=carried.request is None and carried.rewrite is None,
            asked=body,
            body=carried.body,
            url=self._url(provider.base_url, path),
            headers=sent,
            cut_usage=carried.cut_usage,
            key=key,
            request=carried.request,
            tool_names=carried.tool_names,
            rewrite=carried.rewrite,
        )

    def _brings_foreign(self, door: Door, body: bytes, provider: Provider, exchange: Exchange) -> bool:
        """Whether the history holds what other providers' answers left in it, and this one would refuse."""
        name = door.dialect.name
        if _brings_state(door, body):
            return True
        if name == provider.dialect and any(b'"%b"' % field.encode() in body for field in provider.refused_fields):
            return True
        shared = name in provider.also_speaks
        return shared and self._memory.holds_foreign(exchange.principal.key_id, provider.name, body)

    def _translated(
        self, door: Door, body: bytes, candidate: Candidate, headers: Mapping[str, str], exchange: Exchange
    ) -> "_Carried":
        """The request said anew in a dialect of the provider's; what was lost stands in `exchange`."""
        target = candidate.target
        request = door.dialect.parse_request(body, door.path_model, door.path_stream)
        request = replace(request, origin=replace(request.origin, client=exchange.client))
        request = self._memory.restore(exchange.principal.key_id, target.origin, request)
        name = candidate.dialect(tools=bool(request.tools), effort=asked(request.reasoning))
        if door.dialect.name in candidate.provider.also_speaks:
            name = door.dialect.name
        dialect = DIALECTS[name]
        rendered = dialect.render_request(request, target)
        exchange.dropped, exchange.adapted = rendered.dropped, rendered.adapted
        own = door.forwarded if name == door.dialect.name else ()
        sent = {**{name: headers[name] for name in own if name in headers}, **rendered.headers}
        return _Carried(
            dialect=dialect, body=rendered.body, headers=sent, request=request, tool_names=rendered.tool_names
        )

    def without_state(self, plan: Plan, exchange: Exchange) -> Plan | None:
        """The plan for once more, without the reasoning state that the provider could not read; None where the
        bytes are the client's own, or hold none."""
        request = thoughtless(plan.request) if plan.request is not None else None
        if plan.request is None or request is None:
            return None
        self._memory.forget(exchange.principal.key_id, plan.request)
        rendered = plan.dialect.render_request(request, plan.candidate.target)
        exchange.dropped = rendered.dropped
        exchange.adapted = (*rendered.adapted, BY_NAME["reasoning_tool_loop"].said[plan.door.dialect.name][0])
        return replace(plan, body=rendered.body, request=request)

    def _answered(self, door: Door, peek: Peek, candidate: Candidate, body: bytes, answer: bytes) -> Plan:
        return Plan(
            door=door,
            peek=peek,
            candidate=candidate,
            dialect=door.dialect,
            verbatim=True,
            asked=body,
            body=b"",
            url=self._url(candidate.provider.base_url, ""),
            headers={},
            cut_usage=False,
            key=None,
            request=None,
            answer=answer,
        )

    def _key(self, provider: Provider, headers: Mapping[str, str], exchange: Exchange) -> str | None:
        own = headers.get(BYOK_HEADER)
        if own is not None:
            exchange.byok = True
            try:
                return clean_key(own)
            except KeyFormatError as error:
                raise ClientError(f"{BYOK_HEADER}: {error.message}", param=BYOK_HEADER) from None
        if provider.auth == "none":
            return None
        key = self._keys.key_for(provider.name)
        if key is None:
            # Why it cannot be read says what to do, which is mostly not to store it again.
            problem = self._keys.problem(provider.name)
            raise GatewayError(
                f"The key for {provider.title} cannot be read. {problem}"
                if problem
                else f"No key for {provider.title} is stored: add it in Faregate under Providers, "
                f"or run `faregate provider set {provider.name}`.",
                status=503,
                kind="provider_unconfigured",
                headers={"x-should-retry": "false"},
            )
        return key

    def says_of_key(self, plan: Plan) -> bool:
        """Whether what the provider makes of its key is said of the one that it is called with now. A caller's own is
        another one, and so is one that was stored since."""
        provider = plan.candidate.provider
        return plan.key == (None if provider.auth == "none" else self._keys.key_for(provider.name))

    def _embeddings_door(self, door: Door, candidate: Candidate) -> Door:
        """The door with its operation at the candidate's provider. Raises ClientError naming models that work."""
        provider = candidate.provider
        elsewhere = door.operation.elsewhere
        if provider.embeddings and provider.dialect == door.dialect.name:
            return door
        if provider.embeddings and provider.dialect in elsewhere:
            return replace(door, operation=elsewhere[provider.dialect])
        spoken = {door.dialect.name, *elsewhere}
        known = ", ".join(
            row.id
            for row in self._routing.models
            if row.kind == "embeddings" and self._routing.provider(row.provider).dialect in spoken
        )
        raise ClientError(
            f"{provider.title} has no embeddings here: use one of {known}.", param="model", code="model_not_found"
        )

    def _common_headers(self, provider: Provider) -> dict[str, str]:
        """What every request to this provider bears; a copy."""
        common = self._common.get(provider.name)
        if common is None:
            common = {"content-type": "application/json", "user-agent": USER_AGENT, "accept-encoding": "identity"}
            if provider.is_local:
                common[HOP_HEADER] = "1"
            self._common[provider.name] = common
        return common.copy()

    def _url(self, base: str, path: str) -> URL:
        url = self._urls.get((base, path))
        if url is None:
            if len(self._urls) > _KEPT_URLS:
                self._urls.clear()
            self._urls[(base, path)] = url = URL(base + path, encoded=True)
        return url


def model_named(door: Door, body: bytes) -> str | None:
    """What a request asks for with which something is wrong; None where it does not say."""
    named = door.path_model or named_model(body)
    return named[:LONGEST_NAME] if named else None


def _note(peek: Peek, exchange: Exchange) -> None:
    """What a look at the body tells of who asks, what for, and in which conversation."""
    exchange.model_requested = peek.model[:LONGEST_NAME]
    exchange.streamed = peek.stream
    exchange.end_user = peek.user[:LONGEST_NAME] if peek.user else exchange.end_user
    if exchange.conversation_id is None:
        keyed = peek.cache_key if exchange.client in CACHE_KEY_IS_CONVERSATION else None
        exchange.conversation_id = usable_id(peek.conversation) or usable_id(keyed)
    elif exchange.session_id is None and peek.conversation != exchange.conversation_id:
        exchange.session_id = usable_id(peek.conversation)


class _Carried(Struct, frozen=True, kw_only=True):
    """A body as the provider gets it, and the headers that belong to it; `request` where chat was translated,
    `rewrite` where embeddings were."""

    dialect: Dialect
    body: bytes
    headers: Mapping[str, str]
    cut_usage: bool = False
    request: Request | None = None
    tool_names: Mapping[str, str] = {}
    rewrite: Callable[[bytes, int], bytes] | None = None


def _embedded(
    embed: Callable[[bytes, str], Embedding], body: bytes, candidate: Candidate, exchange: Exchange
) -> _Carried:
    found = embed(body, candidate.model)
    exchange.dropped = found.dropped
    dialect = DIALECTS[candidate.provider.dialect]
    return _Carried(dialect=dialect, body=found.body, headers={}, rewrite=found.rewrite)


def _verbatim(
    door: Door, body: bytes, peek: Peek, candidate: Candidate, headers: Mapping[str, str]
) -> _Carried | None:
    """The client's own bytes, spliced where they must be; None where the provider does not take them so."""
    provider, dialect = candidate.provider, door.dialect
    if dialect.name == provider.dialect:
        if candidate.dialect(tools=peek.tools, effort=peek.effort) != dialect.name:
            return None
    elif dialect.name not in provider.also_speaks:
        return None
    asks = peek.stream and not peek.include_usage
    model = candidate.model if candidate.model != peek.model else None
    out = door.splice(body, model=model, include_usage=asks) if asks or model else body
    sent = dict((door.version,)) if door.version is not None else {}
    sent.update({name: headers[name] for name in door.forwarded if name in headers})
    return _Carried(dialect=dialect, body=out, headers=sent, cut_usage=asks)


def _brings_state(door: Door, body: bytes) -> bool:
    return bool(door.carried) and door.carried in body


def credentials(provider: Provider, dialect: Dialect, key: str) -> Mapping[str, str]:
    """The header that carries a provider's key; where it needs none, a caller's own goes in its dialect's way."""
    if provider.auth == "bearer":
        return {"authorization": f"Bearer {key}"}
    return dialect.credential_headers(key) if provider.auth == "none" else {provider.auth: key}


def looped() -> ClientError:
    """For a request that a gateway has sent already."""
    return ClientError(
        "This request came from a Faregate and would loop back: set the provider's base URL to the provider.",
        status=508,
        kind="loop_detected",
        headers={"x-should-retry": "false"},
    )
