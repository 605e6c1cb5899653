"""Parts that are switched off leave a placeholder that says so; everything else stays as it was."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from gateway.capture.switches import Switches, figures_only
from gateway.configuration.redact_rules import HEADERS, PARTS
from gateway.header_records import HeaderGroup
from gateway.model import (
    Blob,
    Choice,
    File,
    Message,
    Part,
    Reasoning,
    Request,
    Response,
    Role,
    Text,
    ToolCall,
    ToolCallResponse,
    Uri,
)
from gateway.relaying.exchange import Exchange
from gateway.told import Told

PICTURE = Blob("image/png", "SECRET")
HISTORY = (
    Message(Role.SYSTEM, (Text("SECRET rules"),), "house"),
    Message(Role.USER, (Text("look"), PICTURE, Uri("https://SECRET"), File("SECRET"))),
    Message(Role.ASSISTANT, (Reasoning("SECRET thought", {"x": {"signature": "SECRET"}}), ToolCall("1", "f", "{}"))),
    Message(Role.TOOL, (ToolCallResponse("1", (Text("SECRET result"), PICTURE), "f", True),)),
)
TOLD = Told(
    source="gateway",
    scope="k",
    started_us=1,
    request=Request(model="m", messages=HISTORY),
    response=Response(choices=(Choice(parts=(Reasoning("SECRET"), Text("done"))),)),
)


def parts(told: Told) -> list[Part]:
    assert told.request is not None and told.response is not None
    return [
        *(part for message in told.request.messages for part in message.parts),
        *(part for choice in told.response.choices for part in choice.parts),
    ]


@pytest.mark.parametrize("kind", [part for part in PARTS if part != HEADERS])
def test_a_kind_that_is_left_out_leaves_a_placeholder(kind: str) -> None:
    kept = Switches(parts_off=(kind,)).kept(TOLD)
    before, after = str(TOLD).count("SECRET"), str(kept).count("SECRET")
    assert (before, after) == (9, {"reasoning": 6, "media": 5, "tool_results": 7, "system": 8}[kind])
    assert f"'left_out': '{kind}'" in str(kept) and "see capture.parts_off]" in str(kept)
    assert kept.hints == ("Parts of what was said are not kept: see capture.parts_off.",)
    assert len(parts(kept)) == len(parts(TOLD))
    same = [one for one, other in zip(parts(kept), parts(TOLD), strict=True) if one == other]
    assert ToolCall("1", "f", "{}") in same and Text("done") in same and Text("look") in same


def test_all_kinds_at_once_leave_nothing_of_them_and_the_result_s_name() -> None:
    kept = Switches(parts_off=PARTS).kept(TOLD)
    assert "SECRET" not in str(kept)
    result = next(part for part in parts(kept) if isinstance(part, ToolCallResponse))
    assert kept.request is not None and kept.request.messages[0].name == "house"
    assert (result.id, result.name, result.is_error, len(result.content)) == ("1", "f", True, 1)


def test_headers_are_left_out_by_themselves() -> None:
    without = Switches(parts_off=(HEADERS,))
    assert without.kept(TOLD) is TOLD and not without.headers and Switches(parts_off=("media",)).headers


def test_nothing_to_leave_out_changes_nothing() -> None:
    plain = replace(TOLD, request=Request(model="m", messages=()), response=None)
    assert Switches(parts_off=PARTS).kept(plain) is plain and Switches().kept(TOLD) is TOLD


def test_figures_alone_hold_no_word_of_anybody() -> None:
    headers = (HeaderGroup(whose="asked", line="POST /x", names=("cookie",), values=("SECRET",)),)
    told = replace(TOLD, headers=headers, title="SECRET title", error_message="SECRET was refused", hints=("before",))
    kept = figures_only(told, "why")
    assert "SECRET" not in str(kept) and (kept.started_us, kept.hints) == (1, ("before", "why"))


@pytest.mark.parametrize(
    ("off", "why"),
    [
        ({"keys_off": ("laptop",)}, "names the key laptop"),
        ({"tags_off": ("team",)}, "names the tag team:legal"),
        ({"tags_off": ("team:legal",)}, "names the tag team:legal"),
        ({"tags_off": ("team:ml", "legal", "tea")}, None),
        ({"content": False}, "capture.content is off"),
        ({"keys_off": ("other",)}, None),
    ],
)
def test_a_key_or_a_tag_with_or_without_its_value_keeps_content_out(off: dict[str, Any], why: str | None) -> None:
    exchange = cast(Exchange, SimpleNamespace(principal=SimpleNamespace(key_name="laptop"), tags=("x", "team:legal")))
    told = Switches(**off).why_not(exchange)
    assert (told is None) == (why is None) and (why or "") in (told or "")
