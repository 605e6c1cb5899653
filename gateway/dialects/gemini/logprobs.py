"""Log probabilities between Gemini's result and OpenAI chat's form, which the neutral model keeps."""

from typing import Any

import msgspec
from msgspec import Struct


class Candidate(Struct, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class TopCandidates(Struct):
    candidates: list[Candidate] = []


class LogprobsResult(Struct, rename="camel"):
    chosen_candidates: list[Candidate] = []
    top_candidates: list[TopCandidates] = []


def parse_logprobs(result: LogprobsResult) -> list[dict[str, Any]]:
    """One entry for each token."""
    tops = result.top_candidates
    return [
        {**_entry(chosen), "top_logprobs": [_entry(top) for top in tops[n].candidates] if n < len(tops) else []}
        for n, chosen in enumerate(result.chosen_candidates)
    ]


def _entry(candidate: Candidate) -> dict[str, Any]:
    return {
        "token": candidate.token,
        "logprob": candidate.log_probability,
        "bytes": list(candidate.token.encode()),
    }


class _Token(Struct):
    token: str
    logprob: float


class _Chosen(_Token):
    top_logprobs: list[_Token] = []


def render_logprobs(logprobs: Any) -> dict[str, Any] | None:
    """None where there is nothing, or nothing that has the form."""
    entries = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not entries:
        return None
    try:
        chosen = msgspec.convert(entries, list[_Chosen])
    except msgspec.ValidationError:
        return None
    return {
        "chosenCandidates": [_candidate(entry) for entry in chosen],
        "topCandidates": [{"candidates": [_candidate(top) for top in entry.top_logprobs]} for entry in chosen],
    }


def _candidate(entry: _Token) -> dict[str, Any]:
    return {"token": entry.token, "logProbability": entry.logprob}
