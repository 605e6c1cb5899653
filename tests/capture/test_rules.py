"""The built-in rules of redaction: each finds its secrets, leaves look-alikes, and takes linear time."""

import json
from functools import partial

import pytest

from gateway.capture.redactor import Redactor
from gateway.capture.rules import BY_NAME, PIECE, RULES, chosen, is_card, is_iban, mark
from gateway.configuration.redact_rules import BUILT_IN
from gateway.model import Message, Request, Role, Text
from gateway.told import Told
from tests.large_calls import assert_linear, cpu_costs

PEM = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMIIEow+/=\nabc=\n-----END RSA PRIVATE KEY-----"
ESCAPED_PEM = PEM.replace("\n", "\\n")
# A rule, a text with a secret in it, and that secret.
FOUND = [
    ("provider_key", "use sk-proj-abcDEF0123456789xyz now", "sk-proj-abcDEF0123456789xyz"),
    ("provider_key", "sk-ant-api03-abcdefghijkl0123", "sk-ant-api03-abcdefghijkl0123"),
    ("provider_key", "key=xai-abcdefghijkl0123456", "xai-abcdefghijkl0123456"),
    ("provider_key", "AIzaSyA0123456789abcdefghijklmnopqrstuv", "AIzaSyA0123456789abcdefghijklmnopqrstuv"),
    ("provider_key", "AQ.Ab8RN6abcdefghijkl0123", "AQ.Ab8RN6abcdefghijkl0123"),
    ("provider_key", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
    ("provider_key", "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "sk_test_4eC39HqLyjWDarjtT1zdp7dc"),
    ("provider_key", "rk_live_4eC39HqLyjWDarjtT1zdp7dc", "rk_live_4eC39HqLyjWDarjtT1zdp7dc"),
    ("provider_key", "rk_test_4eC39HqLyjWDarjtT1zdp7dc", "rk_test_4eC39HqLyjWDarjtT1zdp7dc"),
    ("provider_key", "with gsk_abcdefghijkl0123456789ABCD", "gsk_abcdefghijkl0123456789ABCD"),
    ("provider_key", "with pplx-abcdefghijkl0123456789", "pplx-abcdefghijkl0123456789"),
    ("faregate_key", "export KEY=tk_abcdefghijklmnop0123456789", "tk_abcdefghijklmnop0123456789"),
    ("bearer", "curl -H 'Authorization: Bearer eyJhbGciOi.J9zdWIiOiIx.abc-_x'", "eyJhbGciOi.J9zdWIiOiIx.abc-_x"),
    ("bearer", "authorization: bearer abcdefgh-0123456789", "abcdefgh-0123456789"),
    ("bearer", "AUTHORIZATION: BEARER abcdefgh-0123456789", "abcdefgh-0123456789"),
    ("private_key", f"here:\n{PEM}\nthanks", PEM),
    ("private_key", f'{{"key": "{ESCAPED_PEM}"}}', ESCAPED_PEM),
    ("private_key", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN", "MIIEvQIBADAN"),
    (
        "private_key",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBF0\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBF0\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----",
    ),
    ("aws_key", "id ASIAIOSFODNN7EXAMPLE.", "ASIAIOSFODNN7EXAMPLE"),
    (
        "aws_key",
        "Secret access key: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
    (
        "aws_key",
        '{"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}',
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
    ("aws_key", "id AKIAIOSFODNN7EXAMPLE.", "AKIAIOSFODNN7EXAMPLE"),
    (
        "aws_key",
        'aws_secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"',
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
    (
        "aws_key",
        "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
    ("github_token", "ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
    ("github_token", "github_pat_11ABCDEFG0abcdefghijkl", "github_pat_11ABCDEFG0abcdefghijkl"),
    ("slack_token", "xoxb-123456789012-abcdefGHIJ", "xoxb-123456789012-abcdefGHIJ"),
    ("slack_token", "https://hooks.slack.com/services/T0001/B0001/abcdefghijklmn", "T0001/B0001/abcdefghijklmn"),
    *(
        ("slack_token", f"xox{kind}-123456789012-abcdefGHIJ", f"xox{kind}-123456789012-abcdefGHIJ")
        for kind in "aeoprs"
    ),
    ("slack_token", "xapp-1-A0123456789-abcdefGHIJ", "xapp-1-A0123456789-abcdefGHIJ"),
    ("slack_token", "https://hooks.slack.com/workflows/T0001/A0001/abcdefghijklmn", "T0001/A0001/abcdefghijklmn"),
    ("token", "npm_abcdefghijklmnopqrstuvwxyz0123456789", "npm_abcdefghijklmnopqrstuvwxyz0123456789"),
    ("token", f"pypi-{'AgEIcHlwaS5vcmc' * 4}", f"pypi-{'AgEIcHlwaS5vcmc' * 4}"),
    ("token", f"dop_v1_{'0123456789abcdef' * 4}", f"dop_v1_{'0123456789abcdef' * 4}"),
    ("token", "SG.abcdefghij0123456789.abcdefghij0123456789", "SG.abcdefghij0123456789.abcdefghij0123456789"),
    ("token", "glpat-abcdefghij0123456789", "glpat-abcdefghij0123456789"),
    ("token", "hf_abcdefghijklmnopqrstuvwxyz0123", "hf_abcdefghijklmnopqrstuvwxyz0123"),
    ("url_password", "postgres://ana:s3cret-pw@db.example.org/x", "s3cret-pw"),
    ("email", "write to ana.lopez+x@mail.example.org, please", "ana.lopez+x@mail.example.org"),
    ("card_number", "card 4111 1111 1111 1111, thanks", "4111 1111 1111 1111"),
    ("iban", "to DE89 3704 0044 0532 0130 00 SOON", "DE89 3704 0044 0532 0130 00"),
]
# Nothing of these is a secret.
LEFT = [
    "sk-learn and scikit-learn, sk_buff, task_force_12345678901234567890",
    "The Bearer scheme is described in RFC 6750; Bearer authentication follows",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "ghp_short, xoxb-1, AKIA123, AIza",
    "https://example.org/path:80@x and http://localhost:4210/api",
    "tk_ is how a key begins",
    "sk-learn-and-whatever-else-has-no-digit, xai-announces-another-thing",
]


def told(text: str) -> Told:
    request = Request(model="m", messages=(Message(Role.USER, (Text(text),)),))
    return Told(source="gateway", scope="k", started_us=1, request=request)


def said(found: Told) -> str:
    assert found.request is not None
    part = found.request.messages[0].parts[0]
    assert isinstance(part, Text)
    return part.text


@pytest.mark.parametrize(("name", "text", "secret"), FOUND)
def test_a_rule_takes_out_the_secret_and_nothing_else(name: str, text: str, secret: str) -> None:
    clean = said(Redactor([BY_NAME[name]]).redacted(told(text)))
    assert secret not in clean and mark(name) in clean
    before, after = text[: text.index(secret)], text[text.index(secret) + len(secret) :]
    kept_before, _, kept_after = clean.partition(mark(name))
    assert before.startswith(kept_before) and len(before) - len(kept_before) < 50
    assert after.endswith(kept_after) and len(after) - len(kept_after) < 5


@pytest.mark.parametrize("text", LEFT)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert said(Redactor(chosen((), ())).redacted(told(text))) == text


def test_every_rule_is_tried_and_named_for_settings() -> None:
    assert {name for name, _, _ in FOUND} == {rule.name for rule in RULES} == set(BUILT_IN)
    assert {rule.name for rule in chosen((), ())} == set(BUILT_IN) - {"email", "card_number", "iban"}
    assert {rule.name for rule in chosen(("email",), ("bearer",))} == {*BUILT_IN} - {"bearer", "card_number", "iban"}


def test_check_digits() -> None:
    assert is_card("4111111111111111") and not is_card("4111111111111112") and not is_card("0000000000000000")
    assert whole("cards: 4111111111111112, 4111-1111-1111-1111") == "cards: 4111111111111112, [redacted: card_number]"
    assert is_iban("GB82 WEST 1234 5698 7654 32") and not is_iban("GB82 WEST 1234 5698 7654 33")


@pytest.mark.parametrize("at", [PIECE - 10, PIECE, PIECE + 17_000, 3 * PIECE - 3])
def test_a_secret_is_found_wherever_the_pieces_of_a_long_text_are_cut(at: int) -> None:
    text = ("word " * (at // 5 + 1))[:at] + " sk-proj-abcDEF0123456789xyz " + "tail " * 40_000
    clean = said(Redactor(chosen((), ())).redacted(told(text)))
    assert clean == text.replace("sk-proj-abcDEF0123456789xyz", mark("provider_key"))


HARD = [
    "sk-" * 40_000,
    "sk-" + "a" * 120_000,
    "Bearer " * 20_000,
    "Bearer " + "a-" * 60_000,
    "-----BEGIN PRIVATE KEY-----" * 4000,
    "-----BEGIN PRIVATE KEY-----" + "a" * 100_000,
    "a@" * 60_000,
    "a." * 60_000 + "@",
    "x@" + "a." * 60_000,
    "1 " * 60_000,
    "DE89" * 30_000,
    "://" + "a:" * 60_000,
    "ghp_" * 30_000,
    "secret access_key" * 7000,
]


@pytest.mark.parametrize("start", ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"])
def test_every_kind_of_github_s_tokens_is_found_and_prose_asks_no_rule(start: str) -> None:
    secret = f"{start}abcdefghijklmnopqrstuvwxyz0123456789"
    assert whole(f"Though it might be {secret}, see.") == "Though it might be [redacted: github_token], see."
    prose = "Though it might be right to go through it at night, nothing is asked of it."
    assert [rule.name for rule in RULES if rule.on and any(mark in prose for mark in rule.marks)] == []


@pytest.mark.parametrize("text", HARD, ids=range(len(HARD)))
def test_no_text_makes_a_rule_slow(text: str) -> None:
    sizes = (len(text) // 8, len(text))

    def run(size: int) -> None:
        for rule in RULES:
            list(rule.spans(text[:size], lambda: None))

    def measured() -> list[float]:
        return [max(cost, 0.002) for cost in cpu_costs([partial(run, size) for size in sizes])]

    assert_linear(sizes, measured)


EVERYTHING = Redactor(chosen(tuple(BY_NAME), ()))


def whole(text: str) -> str:
    return EVERYTHING.through(lambda change: change(text))


@pytest.mark.parametrize("cut", [0, 3], ids=["whole", "cut off"])
def test_secrets_on_lines_of_a_text_in_json_are_all_found(cut: int) -> None:
    """Telemetry carries messages as JSON, where a line ends in an escape, and cuts them off at its limits."""
    # The dashes end a private key that has no end of its own: all words that follow it would go with it.
    said = json.dumps([{"content": "see\n" + "\n--\n".join([*(text for _, text, _ in FOUND), "and so on"])}])
    found = whole(said[: len(said) - cut])
    assert [name for name, _, secret in FOUND if secret in found] == []
    if not cut:
        assert json.loads(found)[0]["content"].startswith("see\n")


@pytest.mark.parametrize(("name", "text", "secret"), FOUND)
def test_a_secret_behind_an_escape_is_found_in_what_is_no_json(name: str, text: str, secret: str) -> None:
    assert secret not in whole(f'[{{"content": "line\\n{text}'), name
