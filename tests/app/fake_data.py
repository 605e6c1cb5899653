"""Believable exchanges for the window's tests: the same for the same seed, a few of them failed.

They are busier by day, as if `now_us` were always six in the evening: the clock moves them all and changes none.
"""

import random
from functools import cache

from gateway import ApiKeyRow, AttemptRecord, ExchangeRecord, ModelRow, ProviderRow

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
MODELS = (
    # id, provider, share, input and output price in nano-dollars per token
    ("claude-sonnet-4.5", "anthropic", 40, 3_000, 15_000),
    ("gpt-5.1", "openai", 24, 1_250, 10_000),
    ("gemini-3-pro", "google", 15, 2_000, 12_000),
    ("claude-haiku-4.5", "anthropic", 11, 1_000, 5_000),
    ("grok-4.1-fast", "xai", 6, 200, 500),
    ("gpt-5.1-mini", "openai", 3, 250, 2_000),
    ("unlisted-preview", "openai", 1, None, None),
)
KEYS = (("k1", "growth"), ("k2", "support"), ("k3", "ci"), ("k4", "ana"))
TAGS = (("team:growth", "env:prod"), ("team:platform", "env:prod"), ("env:dev",), ("team:platform", "env:dev"), ())
USERS = ("ana", "ben", None, "chloé")
APPS = ("claude-code", "codex", None)
ERRORS = ((429, "rate_limited", "rate limit, retry after 12 s"), (500, "provider_error", "the provider failed"))


@cache
def exchanges(count: int, now_us: int, *, days: int = 30, seed: int = 7) -> tuple[ExchangeRecord, ...]:
    """`count` rows, newest first, over the last `days` days."""
    chance = random.Random(seed)
    times = sorted((_moment(chance, now_us, days) for _ in range(count)), reverse=True)
    return tuple(_exchange(chance, number, started) for number, started in enumerate(times))


def _moment(chance: random.Random, now_us: int, days: int) -> int:
    while True:
        ago = int(chance.random() * days * DAY_US)
        hour = (18 * HOUR_US - ago) // HOUR_US % 24
        if 8 <= hour < 18 or chance.random() < 0.25:
            return now_us - ago


def _exchange(chance: random.Random, number: int, started: int) -> ExchangeRecord:
    model, provider, _, price_in, price_out = chance.choices(MODELS, [row[2] for row in MODELS])[0]
    key_id, key = chance.choice(KEYS)
    failed = chance.random() < 0.012
    status, error_type, error_message = chance.choice(ERRORS) if failed else (200, None, None)
    tokens_in, tokens_out = int(chance.lognormvariate(7.5, 0.9)), int(chance.lognormvariate(5.5, 0.8))
    cached = tokens_in * chance.choice((0, 0, 4, 7)) // 10
    cost = None if price_in is None or price_out is None else tokens_in * price_in + tokens_out * price_out
    latency = int(chance.lognormvariate(7.1, 0.6) * 1000)
    return ExchangeRecord(
        id=f"req_{number:06d}",
        started_us=started,
        door="messages" if provider == "anthropic" else "chat_completions",
        key_id=key_id,
        key=key,
        end_user=chance.choice(USERS),
        provider=provider,
        model_requested=model,
        model=model,
        tags=chance.choice(TAGS),
        streamed=chance.random() < 0.7,
        status=status,
        outcome="error" if failed else "ok",
        error_type=error_type,
        error_message=error_message,
        input_tokens=None if failed else tokens_in,
        cached_tokens=None if failed else cached,
        output_tokens=None if failed else tokens_out,
        reasoning_tokens=None if failed else tokens_out // 4,
        usage_source="none" if failed else "provider",
        cost_nano=0 if failed else cost,
        cost_source="none" if cost is None else "list",
        latency_us=latency,
        ttft_us=None if failed else latency // 4,
        overhead_us=chance.randrange(400, 1500),
        attempts=(
            AttemptRecord(
                n=1,
                provider=provider,
                model=model,
                started_us=started + 600,
                latency_us=latency - 900,
                status=status,
                error_type=error_type,
            ),
        ),
        client="python-httpx",
        app=chance.choice(APPS),
    )


def api_key_rows(now_us: int) -> tuple[ApiKeyRow, ...]:
    return tuple(
        ApiKeyRow(
            id=key_id,
            name=name,
            prefix=f"tk_{name[:4]:0<4}",
            role="execute",
            user=None,
            tags=("env:prod",) if name in ("growth", "support") else (),
            created_us=now_us - (40 + number) * DAY_US,
            last_used_us=None if name == "ana" else now_us - number * 4_000_000_000,
            revoked_us=now_us - DAY_US if name == "ci" else None,
        )
        for number, (key_id, name) in enumerate(KEYS)
    )


def provider_rows(now_us: int) -> tuple[ProviderRow, ...]:
    rows = (
        ("openai", "OpenAI", "openai_chat", "https://api.openai.com/v1", "sk-…a1b2", "connected"),
        ("anthropic", "Anthropic", "anthropic", "https://api.anthropic.com", "sk-ant-…c3d4", "connected"),
        ("google", "Google", "gemini", "https://generativelanguage.googleapis.com", "AIza…e5f6", "rejected"),
        ("xai", "xAI", "openai_chat", "https://api.x.ai/v1", None, "unconfigured"),
    )
    return tuple(
        ProviderRow(
            name=name,
            title=title,
            dialect=dialect,
            base_url=url,
            models=sum(provider == name for _, provider, *_ in MODELS),
            key_source="none" if masked is None else "vault",
            masked=masked,
            state=state,
            state_at_us=None if masked is None else now_us - 120_000_000,
            detail="The provider rejected the key (401)." if state == "rejected" else None,
        )
        for name, title, dialect, url, masked, state in rows
    )


def model_rows() -> tuple[ModelRow, ...]:
    return tuple(
        ModelRow(
            id=model,
            provider=provider,
            title=model,
            context_tokens=200_000,
            input_price=None if price_in is None else price_in * 1_000_000,
            output_price=None if price_out is None else price_out * 1_000_000,
        )
        for model, provider, _, price_in, price_out in MODELS
    )
