"""Embeddings across dialects, by themselves: what is sent to Google, and answers that are none."""

import json

import pytest

from gateway.dialects.gemini.embeddings import parse_embeddings_usage
from gateway.errors import ClientError, UpstreamError
from gateway.model import Usage
from gateway.relaying.embeddings import embed_at_google

MODEL = "gemini-embedding-001"


def test_what_google_gets() -> None:
    asked = json.dumps({"model": "x", "input": ["one", "zwei ä"], "dimensions": 4}).encode()
    found = embed_at_google(asked, MODEL)
    assert json.loads(found.body) == {
        "requests": [
            {"model": f"models/{MODEL}", "content": {"parts": [{"text": text}]}, "outputDimensionality": 4}
            for text in ("one", "zwei ä")
        ]
    }
    assert found.dropped == ()


def test_vectors_become_of_length_one_and_zeros_stay() -> None:
    found = embed_at_google(b'{"model":"x","input":["a","b"]}', MODEL)
    answer = json.loads(found.rewrite(b'{"embeddings":[{"values":[3,4]},{"values":[0,0]}]}', 7))
    assert [item["embedding"] for item in answer["data"]] == [[0.6, 0.8], [0, 0]]
    assert answer["usage"] == {"prompt_tokens": 7, "total_tokens": 7} and answer["model"] == "x"


@pytest.mark.parametrize(
    "answer",
    [b"", b"{}", b'{"embeddings":[]}', b'{"embeddings":[{"values":["a"]}]}', b'{"embeddings":[{}]}', b"\xff"],
)
def test_an_answer_without_the_vectors_is_unreadable(answer: bytes) -> None:
    with pytest.raises(UpstreamError) as raised:
        embed_at_google(b'{"model":"x","input":"a"}', MODEL).rewrite(answer, 1)
    assert raised.value.kind == "unreadable_answer"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"model":"x"}', "input"),
        (b'{"model":"x","input":[1]}', "input"),
        (b'{"model":"x","input":[[1],[2]]}', "input"),
        (b'{"model":"x","input":"a","dimensions":0}', "dimensions"),
        (b'{"model":"x","input":"a","encoding_format":"hex"}', "encoding_format"),
    ],
)
def test_a_request_that_cannot_be_carried_is_refused_by_name(body: bytes, param: str) -> None:
    with pytest.raises(ClientError) as raised:
        embed_at_google(body, MODEL)
    assert (raised.value.status, raised.value.param) == (400, param)


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (b'{"usageMetadata":{"promptTokenCount":5}}', Usage(input_tokens=5)),
        (b'{"usageMetadata":{}}', None),
        (b'{"embeddings":[]}', None),
        (b"{", None),
    ],
)
def test_the_count_where_google_says_one(body: bytes, usage: Usage | None) -> None:
    assert parse_embeddings_usage(body) == (None, usage)


def test_what_was_embedded_is_counted_by_its_medium() -> None:
    details = [{"modality": "AUDIO", "tokenCount": 30}, {"modality": "VIDEO", "tokenCount": 60}]
    body = json.dumps({"usageMetadata": {"promptTokenCount": 100, "promptTokensDetails": details}}).encode()
    used = Usage(input_tokens=100, input_audio_tokens=30, rare_counts=(("input_video", 60),))
    assert parse_embeddings_usage(body) == (None, used)
