"""What of a provider's words is a key, and what is not."""

import json

import pytest

from gateway.dialects.redaction import LONGEST, redact, without_key_in_json


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


@pytest.mark.parametrize("before", range(40))
def test_what_is_too_long_to_be_searched_ends_before_a_key_that_would_be_cut_in_two(before: int) -> None:
    key, words = "plain-as-it-is-0123456789", "x" * (LONGEST - 43)
    shown = redact(f"{words}{'y' * before} {key} {'z' * 99}", key)
    assert shown == f"{words}{'y' * before}{' [hidden]' if before < 15 else ''} …"
    assert redact(shown, key) == shown
    assert "plain" not in redact(f"{words}{'y' * before}{key} {'z' * 99}", key)


def test_the_longest_words_that_are_searched_stay_whole() -> None:
    words = "x" * LONGEST
    assert redact(words) == words
    assert redact(f"{words} ") == ""
    assert redact(f" {words}") == ""
    assert redact(f"a {words}") == "a …"
    # Some languages are written without spaces.
    assert redact(f"{'错' * 9}{words}") == f"{'错' * 9} …"


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


@pytest.mark.parametrize("key", ["/key-0123456789", "n-0123456789n-0123456789n", "\\", "\\\\key"])
@pytest.mark.parametrize("around", ["\\", "\\\\", "\n-0123456789", "\n"])
def test_a_key_behind_what_looks_like_its_beginning_is_taken_out_of_json(around: str, key: str) -> None:
    for written in (json.dumps, lambda said: json.dumps(said).replace("/", "\\/")):
        data = without_key_in_json(written({"said": f"{around}{key}{around}"}).encode(), key)
        assert json.loads(data) == {"said": f"{around}{key}{around}".replace(key, "[hidden]")}
