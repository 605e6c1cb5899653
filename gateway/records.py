"""Frozen read-only rows: what the journal keeps, what the queries answer, what the window shows.

Times are microseconds since the epoch (UTC) in fields ending `_us`; durations too, where the name says so. Money is
whole nano-dollars. None is "unknown", never zero. Nothing here holds a secret.
"""

from collections.abc import Mapping

from msgspec import Struct, field

OUTCOMES = ("ok", "error", "aborted", "interrupted")
USAGE_SOURCES = ("provider", "partial", "estimated", "none")
COST_SOURCES = ("provider", "override", "list", "none")
DIMENSIONS = ("model", "provider", "key", "user", "door", "client", "app", "conversation", "outcome")
EXPORTS = ("requests", "buckets", "breakdown", "conversations")
FORMATS = ("csv", "jsonl")
OPERATORS = (">=", ">", "<=", "<", "=")
BUCKET_WIDTHS = ("1m", "15m", "hour", "day", "week", "month")


class AttemptRecord(Struct, frozen=True, kw_only=True, gc=False):
    """One call to a provider within an exchange. `status` is the provider's, None where it answered nothing."""

    n: int
    provider: str
    model: str
    started_us: int
    latency_us: int
    status: int | None = None
    error_type: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_nano: int | None = None
    upstream_request_id: str | None = None


class ExchangeRecord(Struct, frozen=True, kw_only=True, gc=False):
    """One exchange as the journal and `usage.db` keep it; exactly one for each, whatever its ending.

    Written once when it begins, with outcome `interrupted` and what is known then, and once when it ends; the later
    one stands. `status` is what the client was answered (499 where it left before). `latency_us`: request headers
    read → last byte handed to the socket; `ttft_us` → first content byte; `overhead_us`: latency − time awaiting
    the provider − time awaiting the client's socket. `price_id` is the price row's id: the list's model,
    `override:n`, or `provider/model` of a `[[provider]]` table; `price_fuzzy`: it may be the price of another model
    or service tier, or lack what has no known price. `rare_counts`: as of `model.Usage`. `service_tier`, `speed` and
    `inference_geo` are the answer's. `trace_id` and `span_id` name the caller's span.
    """

    id: str
    started_us: int
    door: str
    key_id: str
    key: str
    principal: str | None = None
    end_user: str | None = None
    provider: str | None = None
    model_requested: str | None = None
    model: str | None = None
    conversation_id: str | None = None
    tags: tuple[str, ...] = ()
    byok: bool = False
    streamed: bool = False
    status: int = 0
    outcome: str = "interrupted"
    error_type: str | None = None
    error_message: str | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    cache_write_12h_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    output_audio_tokens: int | None = None
    # Journals that wait to be read call it so.
    rare_counts: tuple[tuple[str, int], ...] = field(default=(), name="by_medium")
    web_searches: int | None = None
    usage_source: str = "none"
    cost_nano: int | None = None
    cost_source: str = "none"
    price_id: str | None = None
    price_fuzzy: bool = False
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    latency_us: int | None = None
    ttft_us: int | None = None
    overhead_us: int | None = None
    attempts: tuple[AttemptRecord, ...] = ()
    dropped: tuple[str, ...] = ()
    adapted: tuple[str, ...] = ()
    trace_id: str | None = None
    span_id: str | None = None
    client: str | None = None
    app: str | None = None
    upstream_request_id: str | None = None

    @property
    def user(self) -> str | None:
        """The end user, else whom the key belongs to."""
        return self.end_user or self.principal

    @property
    def use_unknown(self) -> bool:
        """Whether a provider may have worked for it and nothing tells what that used: the gateway died meanwhile, or
        a provider that was asked gave no answer, or none that could be read."""
        if self.usage_source != "none" or self.cost_nano is not None:
            return False
        # One that died was never measured, and had nobody to ask where it names no provider.
        died = self.outcome == "interrupted" and self.latency_us is None and self.provider is not None
        return died or any(each.status is None or each.status < 300 for each in self.attempts)

    @property
    def cost_estimated(self) -> bool:
        """Whether the cost follows from estimated counts, or from a price that may be another's or lack a part."""
        counted = self.usage_source not in ("estimated", "partial")
        return self.cost_source in ("list", "override") and (not counted or self.price_fuzzy)

    @property
    def unpriced(self) -> bool:
        """Whether it cost, or may have cost, what nobody knows; what used nothing (a refusal) lacks no price."""
        return self.cost_nano is None and (self.usage_source != "none" or self.use_unknown)


class TagCondition(Struct, frozen=True):
    """One `tag=` parameter: any of these tags, or with `negated` none of them.

    A tag without a value (`team`) stands for that tag key with any value.
    """

    any_of: tuple[str, ...]
    negated: bool = False


class NumberCondition(Struct, frozen=True):
    """One of a row's numbers against a value: `operator` is one of `OPERATORS`, `field` one of
    `number_filters.NUMBERS`, `value` in the row's own unit (nano-dollars, microseconds, tokens, an HTTP status).

    A row whose number is unknown never matches.
    """

    field: str
    operator: str
    value: int


class UsageQuery(Struct, frozen=True, kw_only=True):
    """Filters that every read shares. `start_us` inclusive, `end_us` exclusive; each dimension's values are OR-ed,
    dimensions, conditions on tags and on numbers AND-ed. Each word of `text` must stand within the model, the user or
    the key's name, in whichever case. `tz` is an IANA name that cuts days, weeks (Monday) and months."""

    start_us: int | None = None
    end_us: int | None = None
    tz: str = "UTC"
    provider: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    door: tuple[str, ...] = ()
    client: tuple[str, ...] = ()
    app: tuple[str, ...] = ()
    conversation: tuple[str, ...] = ()
    trace: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    tags: tuple[TagCondition, ...] = ()
    numbers: tuple[NumberCondition, ...] = ()
    text: tuple[str, ...] = ()


class Export(Struct, frozen=True, kw_only=True):
    """What leaves as a file: `what` is one of `EXPORTS`, `format` one of `FORMATS`. `bucket` and `by` are for
    buckets, `by` and `sort` for a breakdown, `sort` for conversations. `bom`: CSV begins with a byte order mark.
    `columns`: these fields of the read API in this order, all of them where it is empty."""

    what: str = "requests"
    format: str = "csv"
    bucket: str = "hour"
    by: str | None = None
    sort: str = "cost_usd"
    bom: bool = False
    columns: tuple[str, ...] = ()


class Distribution(Struct, frozen=True, kw_only=True, gc=False):
    """Milliseconds; None where nothing was measured. Percentiles come from log-spaced histograms (≤ 5 % off)."""

    avg: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class Difference(Struct, frozen=True, kw_only=True):
    """Why a count is not what it could be, for so many exchanges (journal lines where `kind` is damaged).

    `of`: the count that is smaller for it (written, priced), or what it says something about: kept, counted,
    captured, start. `meaning` is one sentence: what it means, and what to do where `attention` says that something
    is to be done.
    """

    kind: str
    count: int
    of: str
    attention: bool
    meaning: str


class Completeness(Struct, frozen=True, kw_only=True):
    """Exchanges seen on the wire, written to the database, priced, and still open, since the gateway started.

    The differences `of` written come to seen - written, those `of` priced to written - priced.
    """

    seen: int = 0
    written: int = 0
    priced: int = 0
    open: int = 0
    differences: tuple[Difference, ...] = ()


class Summary(Struct, frozen=True, kw_only=True, gc=False):
    """Sums over the matching rows. `errors` counts outcomes error and interrupted. `cost_nano` sums the priced rows,
    None where rows lack a price and none has one. `unpriced_requests` used something, or may have, and have no
    price; `price_fuzzy_requests` have one that is `price_fuzzy` (`ExchangeRecord`). Token sums are None only
    where no row knows the count. `complete_from_us`: what is older is gone (retention) as far as this answer needs
    it; None where nothing is missing."""

    requests: int = 0
    errors: int = 0
    input_tokens: int | None = 0
    cached_tokens: int | None = 0
    cache_write_tokens: int | None = 0
    output_tokens: int | None = 0
    reasoning_tokens: int | None = 0
    cost_nano: int | None = 0
    unpriced_requests: int = 0
    price_fuzzy_requests: int = 0
    usage_sources: Mapping[str, int] = {}
    cost_sources: Mapping[str, int] = {}
    latency_ms: Distribution = Distribution()
    ttft_ms: Distribution = Distribution()
    tokens_per_s: float | None = None
    completeness: Completeness | None = None
    complete_from_us: int | None = None


class TimeBucket(Struct, frozen=True, kw_only=True, gc=False):
    """`value` names the group where the series is split by a dimension or a tag key (`tag:team`). `complete` is false
    where requests are missing that retention has taken away."""

    start_us: int
    end_us: int
    summary: Summary
    value: str | None = None
    complete: bool = True


class BreakdownRow(Struct, frozen=True, kw_only=True):
    """`value` None gathers the rows that have no value (no user, no such tag)."""

    value: str | None
    summary: Summary


class OtherRows(Struct, frozen=True, kw_only=True):
    """Rows of a breakdown that it does not list: how many, together, and the cost of the costliest."""

    values: int
    summary: Summary
    most_nano: int = 0


class Breakdown(Struct, frozen=True, kw_only=True):
    """`overlapping`: a request can count in several rows (it has several values of the tag key).

    `others` only where they were asked for and there are any. `complete_from_us` as in `Summary`.
    """

    rows: tuple[BreakdownRow, ...]
    others: OtherRows | None = None
    overlapping: bool = False
    complete_from_us: int | None = None


class ConversationRow(Struct, frozen=True, kw_only=True):
    """A conversation's requests that match, together. `started_us` and `ended_us` are the first's and the last's
    start; `user` and `app` are the first's that has one, `models` and `tags` all in the order of their first use."""

    id: str
    started_us: int
    ended_us: int
    user: str | None
    app: str | None
    models: tuple[str, ...]
    tags: tuple[str, ...]
    summary: Summary


class ConversationPage(Struct, frozen=True, kw_only=True):
    """In the order that was asked for; `next_cursor` None at the end. `complete_from_us` as in `RequestPage`."""

    rows: tuple[ConversationRow, ...]
    next_cursor: str | None = None
    complete_from_us: int | None = None


class RequestPage(Struct, frozen=True, kw_only=True):
    """Newest first; `next_cursor` None at the end. `complete_from_us`: older ones that were asked for are gone."""

    rows: tuple[ExchangeRecord, ...]
    next_cursor: str | None = None
    complete_from_us: int | None = None


class ApiKeyRow(Struct, frozen=True, kw_only=True):
    """A `tk_` key as it may be shown: `prefix` is its first seven characters, the key itself exists nowhere."""

    id: str
    name: str
    prefix: str
    role: str
    user: str | None
    tags: tuple[str, ...]
    created_us: int
    last_used_us: int | None = None
    revoked_us: int | None = None


class NewApiKey(Struct, frozen=True, kw_only=True):
    """The only time that the key is seen in the clear."""

    key: str
    row: ApiKeyRow

    def __repr__(self) -> str:
        return f"NewApiKey({self.row!r})"


class ProviderRow(Struct, frozen=True, kw_only=True):
    """`key_source`: vault, environment, memory, none or unneeded. `masked` is like `sk-…a1b2`, None without a key.

    `state`: connected, limited, untested, rejected, unreachable or unconfigured; `state_at_us` when that was learnt.
    `enabled`: it takes requests. `own`: the user's `[[provider]]` table says it. `models`: how many of its models are
    known by name.
    """

    name: str
    title: str
    dialect: str
    base_url: str
    key_source: str
    enabled: bool = True
    own: bool = False
    models: int = 0
    masked: str | None = None
    state: str = "unconfigured"
    state_at_us: int | None = None
    detail: str | None = None

    @property
    def has_key(self) -> bool:
        """Whether its key is known, or it needs none."""
        return self.key_source != "none"

    @property
    def ready(self) -> bool:
        """Whether it can be asked now: it takes requests, and its key is known."""
        return self.enabled and self.has_key

    @property
    def unreadable(self) -> bool:
        """Whether a key was stored that cannot be read now; `detail` says why."""
        return not self.has_key and self.state == "unconfigured" and self.detail is not None


class TrialStep(Struct, frozen=True, kw_only=True):
    """A step of trying a key (connect, authorise, list models), in words for people."""

    title: str
    ok: bool
    ms: float
    detail: str = ""


class KeyTrial(Struct, frozen=True, kw_only=True):
    """`ok` only when the provider took the key. `message` is one sentence: what happened, and what to do.

    `state`: connected, limited (taken, or perhaps, but not for everything), rejected or unreachable.
    """

    ok: bool
    message: str
    state: str = "unreachable"
    steps: tuple[TrialStep, ...] = ()
    models: tuple[str, ...] = ()


class DoorTrial(Struct, frozen=True, kw_only=True):
    """A call that was made to try a door. `message` is one sentence: what happened, and what to do where it failed.
    `request_id` leads to its row; `status` is HTTP's, 0 where there was no answer; `cost_nano` None where no price is
    known. `model` is the one that answered."""

    ok: bool
    message: str
    request_id: str | None = None
    status: int = 0
    ms: float = 0.0
    model: str | None = None
    cost_nano: int | None = None


class SettingRow(Struct, frozen=True, kw_only=True):
    """A setting by its dotted key, with values as `config.toml` takes them. `value` is in force; `saved` is what the
    file says, None where it says nothing; both differ after a change until the next start. `default` holds where
    nothing else is said. `from_environment`: the variable is set, and stands over the file."""

    key: str
    value: str | int | float | bool | tuple[str, ...] | None
    saved: str | int | float | bool | tuple[str, ...] | None
    variable: str
    from_environment: bool = False
    default: str | int | float | bool | tuple[str, ...] | None = None

    @property
    def following(self) -> str | int | float | bool | tuple[str, ...] | None:
        """What the file alone would make the next start take."""
        return self.default if self.saved is None else self.saved

    @property
    def waits(self) -> bool:
        """Whether the next start will take another value than the one in force."""
        return not self.from_environment and self.following != self.value


class VaultState(Struct, frozen=True, kw_only=True):
    """`backend`: keyring, file or memory. `available` false: `message` says why, and what to choose instead."""

    backend: str
    available: bool
    message: str = ""


class Sizes(Struct, frozen=True, kw_only=True):
    """What the data folder takes on the disk, in bytes, and what is in it.

    `usage_bytes` is `usage.db` with its log, of which `requests_bytes` and `buckets_bytes` are shares of about what
    each takes; `traces_bytes` is `traces.db`, where content is. `rows_from_us`: older requests were taken away
    (retention); None where none ever was.
    """

    usage_bytes: int = 0
    requests_bytes: int = 0
    buckets_bytes: int = 0
    state_bytes: int = 0
    journal_bytes: int = 0
    logs_bytes: int = 0
    traces_bytes: int = 0
    requests: int = 0
    first_request_us: int | None = None
    rows_from_us: int | None = None
    buckets_from_us: int | None = None


class Cleaned(Struct, frozen=True, kw_only=True):
    """What a clean-up took away: entries by kind (requests, buckets), names that nothing used any more, and bytes of
    the file. `finished` is false where it was told to stop."""

    taken: Mapping[str, int] = {}
    names: int = 0
    freed_bytes: int = 0
    finished: bool = True


class Deletion(Struct, frozen=True, kw_only=True):
    """What began in [start_us, end_us) is to go: what was said and, with `requests`, the rows that metered it too.

    Rows go from the first one on (`start_us` None), as when they are too old: a gap among later ones could not be
    told from a loss. Sums are kept either way, and stay exact.
    """

    end_us: int
    start_us: int | None = None
    requests: bool = False


class DeletionPreview(Struct, frozen=True, kw_only=True):
    """What a deletion would take: rows, calls whose words go, the conversations of these, what telemetry said (spans
    and records), and about how many bytes on the disk."""

    requests: int = 0
    turns: int = 0
    conversations: int = 0
    told: int = 0
    bytes: int = 0

    @property
    def entries(self) -> int:
        return self.requests + self.turns + self.told


class GatewayState(Struct, frozen=True, kw_only=True):
    """`word`: starting, running, stopping, off, port_in_use or error; `message` says why where it is not running.

    `url` is the address that tools are pointed at (`http://127.0.0.1:4210`), known also while off. `notices` are
    sentences about what runs otherwise than it was meant to: a second port in use, an exporter that speaks gRPC,
    upkeep that failed. `capture_paused_until_us` is when a pause of the capture ends by itself; None where there is
    none.
    """

    word: str
    url: str
    message: str = ""
    notices: tuple[str, ...] = ()
    capture_paused_until_us: int | None = None


class Changes(Struct, frozen=True, kw_only=True):
    """What has changed since the last call; a page that shows none of it need not look."""

    usage: bool = False
    keys: bool = False
    providers: bool = False
    prices: bool = False
    state: bool = False
    meter: bool = False
    conversations: bool = False
    comparisons: bool = False

    def __or__(self, other: "Changes") -> "Changes":
        """What either says has changed."""
        return Changes(**{name: getattr(self, name) or getattr(other, name) for name in self.__struct_fields__})
