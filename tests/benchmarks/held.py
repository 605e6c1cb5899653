"""How long a translation holds the loop: a body parsed and rendered in one go, by this process, in its own CPU time."""

import gc
import json
import time
from collections.abc import Mapping

from gateway.dialects import DIALECTS
from gateway.providers.catalog import PROVIDERS
from gateway.relaying.routing import Routing
from tests.benchmarks.chat import DOORS, MODELS, Size

_RUNS = 100
_DIALECTS = {"chat": "openai_chat", "responses": "openai_responses", "anthropic": "anthropic", "gemini": "gemini"}


def body(door: str, provider: str, size: Size) -> bytes:
    return json.dumps(DOORS[door].body(MODELS[provider], size, 400)).encode()


def translate(door: str, provider: str, data: bytes) -> bytes:
    """The request as the provider gets it. A door that speaks the provider's dialect translates as the others do."""
    candidate = Routing(PROVIDERS).candidates(MODELS[provider])[0]
    request = DIALECTS[_DIALECTS[door]].parse_request(data, MODELS[provider], False)
    return DIALECTS[candidate.provider.dialect].render_request(request, candidate.target).body


def measure(size: Size) -> Mapping[str, tuple[float, ...]]:
    """Seconds of every run, by exchange, garbage collections among them."""
    found = {}
    # As in the gateway, what start-up made is not collected again.
    gc.collect()
    gc.freeze()
    gc.enable()
    try:
        for door in DOORS:
            for provider in MODELS:
                data = body(door, provider, size)
                found[f"{door} → {provider}"] = tuple(_run(door, provider, data) for _ in range(_RUNS))
    finally:
        gc.disable()
    return found


def _run(door: str, provider: str, data: bytes) -> float:
    before = time.thread_time()
    translate(door, provider, data)
    return time.thread_time() - before
