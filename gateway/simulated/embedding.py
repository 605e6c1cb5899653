"""Simulated embeddings: a unit vector that depends on the text alone."""

import base64
import math
import random
import struct

_DIMENSIONS = {"text-embedding-3-large": 3072, "gemini-embedding-001": 3072}
_FALLBACK = 1536


def embed(model: str, text: str, dimensions: int | None) -> list[float]:
    """`dimensions` None is the model's own width."""
    rng = random.Random(f"{model}/{text}")
    values = [rng.gauss(0, 1) for _ in range(dimensions or _DIMENSIONS.get(model, _FALLBACK))]
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return [value / length for value in values]


def packed(vector: list[float]) -> str:
    """Base64 of little-endian 32-bit floats, as OpenAI's `encoding_format: base64` says it."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
