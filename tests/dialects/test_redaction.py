"""What of a provider's words is a key, and what is not."""

import json

import pytest

from gateway.dialects.redaction import redact, without_key_in_json


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Wrong key sk-proj-abc***xyz given.", "Wrong key [hidden] given."),
        ("xai_0123456, gsk-0123456 and pplx-0123456", "[hidden], [hidden] and [hidden]"),
        ("AIzaSyA1234567 or AQ.Ab8RN6AAAA", "[hidden] or [hidden]"),
        ("authorization: bearer  abc.def", "authorization: bearer  [hidden]"),
        ("see https://x/?Key=abc&a=b", "see https://x/?Key=[hidden]&a=b"),
        ("of org-abcdefghij and organization 12345678", "of [hidden] and [hidden]"),
        (
            "your organization has no task-based risk-management",
            "your organization has no task-based risk-management",
        ),
        ("plain-as-it-is said so", "[hidden] said so"),
    ],
)
def test_a_key_is_hidden_and_other_words_stay(said: str, shown: str) -> None:
    assert redact(said, "plain-as-it-is") == shown


@pytest.mark.parametrize("around", ["", "\\", "\\\\", '"', "\n", "u002d"])
def test_a_key_is_taken_out_of_json_however_its_letters_are_written(around: str) -> None:
    key = 'a-k/e"y\\9'
    for letters in (
        json.dumps(key)[1:-1],
        "".join(f"\\u{ord(letter):04x}" for letter in key),
        "".join(f"\\u{ord(letter):04X}" for letter in key),
        json.dumps(key)[1:-1].replace("/", "\\/").replace("-", "\\u002d"),
    ):
        data = json.dumps({"said": f"{around}KEY{around}"}).replace("KEY", letters)
        assert json.loads(data) == {"said": f"{around}{key}{around}"}
        assert json.loads(without_key_in_json(data.encode(), key)) == {"said": f"{around}[hidden]{around}"}
    told = json.dumps({"said": key.replace("-", "\\u002d") + " sk-0123456789"}).encode()
    assert without_key_in_json(told, key) == told
