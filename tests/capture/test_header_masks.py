"""Headers before they are kept: what is masked by its name, what wherever it stands, and how much of them is kept."""

from collections.abc import Mapping

import pytest
from multidict import CIMultiDict
from yarl import URL

from gateway.capture.header_masks import CUT_AT, MOST_CHARACTERS, MOST_LINES, HeaderMasks, is_secret
from gateway.capture.heard import Called, Heard
from gateway.capture.redactor import Redactor
from gateway.capture.rules import chosen
from gateway.configuration.redact_rules import RedactRule
from gateway.header_records import HeaderGroup
from gateway.relaying.doors import DOORS

# Of no shape that a rule could know.
KEY = "zeCanary0123456789wxyz"


def heard(
    asked: Mapping[str, str],
    sent: Mapping[str, str] | None = None,
    answered: Mapping[str, str] | None = None,
    given: Mapping[str, str] | None = None,
    *,
    line: str = "POST /x",
    url: str = "http://127.0.0.1/v1",
) -> Heard:
    made = Heard(DOORS[0])
    made.line, made.headers = line, CIMultiDict(asked)
    if sent is not None:
        call = Called(URL(url), sent)
        call.status, call.answered = 200, answered
        made.calls.append(call)
    made.given = (200, given) if given is not None else None
    return made


def masks_of(*own: RedactRule) -> HeaderMasks:
    return HeaderMasks(Redactor(chosen((), ()), own))


def kept(of: Heard, *own: RedactRule, masks: HeaderMasks | None = None) -> tuple[HeaderGroup, ...]:
    masks = masks or masks_of(*own)
    try:
        return masks.groups(of)
    finally:
        masks._redactor.close()


def values(group: HeaderGroup) -> dict[str, str]:
    return dict(zip(group.names, group.values, strict=True))


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", f"Bearer tk_{KEY}", "Bearer tk_…wxyz"),
        ("authorization", f"Basic {KEY}", "Basic …"),
        ("authorization", KEY, "zeC…wxyz"),
        ("Proxy-Authorization", "Basic dXNlcjpwYXNzd29yZA==", "Basic …"),
        ("x-api-key", f"sk-{KEY}", "sk-…wxyz"),
        ("X-Goog-Api-Key", f"AIza{KEY}", "AIz…wxyz"),
        ("x-provider-api-key", KEY, "zeC…wxyz"),
        ("Cookie", f"session={KEY}; theme=dark", "…"),
        ("Set-Cookie", f"__cf_bm={KEY}; HttpOnly", "…"),
        ("x-session-token", KEY, "zeC…wxyz"),
        ("CF-Access-Client-Secret", KEY, "zeC…wxyz"),
        ("x-my_api_key", "short", "…"),
        ("x-amz-signature", KEY, "zeC…wxyz"),
        ("X-Authentication", KEY, "zeC…wxyz"),
        ("x-passphrase", KEY, "zeC…wxyz"),
    ],
)
def test_a_secret_is_known_by_its_name(name: str, value: str, shown: str) -> None:
    (group,) = kept(heard({"Accept": "*/*", name: value}))
    assert values(group) == {"Accept": "*/*", name: shown}


@pytest.mark.parametrize(
    "name",
    [
        *("x-ratelimit-remaining-tokens", "anthropic-ratelimit-tokens-limit", "idempotency-key", "keep-alive"),
        *("www-authenticate", "x-author", "access-control-allow-credentials", "x-request-id", "user-agent"),
    ],
)
def test_what_only_sounds_like_one_is_none(name: str) -> None:
    assert not is_secret(name)
    (group,) = kept(heard({name: "1000"}))
    assert group.values == ("1000",)


def test_a_secret_is_hidden_wherever_else_it_stands() -> None:
    groups = kept(
        heard(
            {"authorization": f"Bearer tk_{KEY}", "x-note": f"mine is tk_{KEY}"},
            {"x-api-key": f"p-{KEY}"},
            {"x-debug": f"key=p-{KEY}, caller=tk_{KEY}", "server": "x"},
            {"x-back": f"p-{KEY}"},
        )
    )
    assert [group.whose for group in groups] == ["asked", "sent", "answered", "given"]
    assert [group.attempt for group in groups] == [0, 1, 1, 0]
    assert KEY not in str(groups)
    assert values(groups[2]) == {"x-debug": "key=[hidden], caller=[hidden]", "server": "x"}
    assert values(groups[0])["x-note"] == "mine is [hidden]" and values(groups[3]) == {"x-back": "[hidden]"}


def test_the_provider_s_key_is_hidden_also_where_no_header_bore_it() -> None:
    of = heard({}, {"accept": "*/*"}, {"x-echo": f"used {KEY}"})
    of.key = KEY
    assert values(kept(of)[2]) == {"x-echo": "used [hidden]"}


@pytest.mark.parametrize("name", ["key", "k%65y", "access_token"])
def test_secrets_in_a_query_are_masked(name: str) -> None:
    asked, sent = kept(
        heard(
            {"referer": f"http://here/?{name}=tk_{KEY}&page=2"},
            {},
            line=f"POST /v1beta/models/m:generateContent?alt=sse&{name}=tk_{KEY}",
            url=f"http://user:{KEY}@127.0.0.1/v1?key={KEY}",
        )
    )[:2]
    assert asked.line == f"POST /v1beta/models/m:generateContent?alt=sse&{name}=tk_…wxyz"
    assert KEY not in str((asked, sent)) and "page=2" in asked.values[0]
    assert sent.line == "POST http://127.0.0.1/v1?key=zeC…wxyz"


def test_all_else_goes_through_the_rules_of_redaction() -> None:
    (group,) = kept(heard({"x-note": "AKIAABCDEFGHIJKLMNOP is ours", "x-ticket": "T-1", "x-whole": "T-2"}))
    assert values(group) == {"x-note": "[redacted: aws_key] is ours", "x-ticket": "T-1", "x-whole": "T-2"}
    own = RedactRule(name="ticket", pattern=r"^T-\d$", replacement="[ticket]")
    (group,) = kept(heard({"x-note": "see T-1", "x-ticket": "T-1"}), own)
    assert values(group) == {"x-note": "see T-1", "x-ticket": "[ticket]"}


def test_what_was_harmless_before_is_hidden_once_it_is_a_secret() -> None:
    masks = masks_of()
    for _ in range(2):
        assert values(kept(heard({"x-plain": KEY}), masks=masks)[0]) == {"x-plain": KEY}
    (group,) = kept(heard({"x-plain": KEY, "x-api-key": KEY}), masks=masks)
    assert values(group) == {"x-plain": "[hidden]", "x-api-key": "zeC…wxyz"}


def test_secrets_are_not_remembered() -> None:
    masks = masks_of()
    kept(heard({"x-api-key": KEY, "cookie": f"a={KEY}"}, line=f"POST /?key={KEY}"), masks=masks)
    assert KEY not in str((masks._clean, masks._shapes))


def test_large_headers_are_cut_and_told() -> None:
    (group,) = kept(heard({"x-long": "y" * 9000, "x-short": "z"}))
    assert values(group) == {"x-long": "y" * CUT_AT + "… (8800 more characters)", "x-short": "z"}
    (group,) = kept(heard({f"x-{n}": "v" for n in range(150)}))
    assert len(group.names) == MOST_LINES + 1 and group.values[-1] == "50 more are not kept"
    (group,) = kept(heard({f"x-{n}": "v" * 190 for n in range(60)}))
    assert sum(map(len, (*group.names, *group.values))) < MOST_CHARACTERS + 40
    assert group.values[-1].endswith("more are not kept")
    # A secret is masked before anything is cut.
    (group,) = kept(heard({"x-long": "y" * 9000, "cookie": KEY, "x-echo": KEY}))
    assert KEY not in str(group)


@pytest.mark.parametrize("where", ["known by its name", "known by its shape"])
def test_no_half_of_a_secret_is_left_where_a_value_is_cut(where: str) -> None:
    secret = KEY if where == "known by its name" else f"ghp_{'aB3' * 12}"
    cut = {"x-long": "y" * 9000, "x-echo": "y" * (CUT_AT - 10 - 1) + " " + secret + " and more"}
    of = heard({**cut, "x-api-key": secret} if where == "known by its name" else cut)
    (group,) = kept(of)
    assert secret[:8] not in values(group)["x-echo"] and values(group)["x-long"].endswith("(8800 more characters)")


def test_headers_that_are_no_utf_8_are_kept_as_far_as_they_are_text() -> None:
    (group,) = kept(heard({"x-odd": "gr\udcfcn", "x-fine": "grün"}))
    assert values(group) == {"x-odd": "gr?n", "x-fine": "grün"}


def test_names_that_come_twice_are_kept_twice() -> None:
    of = heard({})
    of.headers = CIMultiDict([("Accept", "a"), ("Cookie", "one"), ("accept", "b"), ("Cookie", "two")])
    (group,) = kept(of)
    assert group.names == ("Accept", "Cookie", "accept", "Cookie") and group.values == ("a", "…", "b", "…")


def test_what_is_let_go_keeps_no_headers() -> None:
    of = heard({"a": "b"}, {"c": "d"}, {"e": "f"}, {"g": "h"})
    of.let_go("Too busy.")
    assert kept(of) == ()


def test_a_secret_of_several_words_shows_no_whole_one_of_them() -> None:
    (group,) = kept(heard({"x-passphrase": "correct horse battery", "Authorization": "token correct-horse-battery"}))
    assert values(group) == {"x-passphrase": "cor…tery", "Authorization": "token …"}


def test_of_two_secrets_the_one_that_holds_the_other_leaves_nothing() -> None:
    (group,) = kept(heard({"x-short-key": KEY[:8], "x-long-key": KEY, "x-note": f"it is {KEY}"}))
    assert values(group)["x-note"] == "it is [hidden]"
