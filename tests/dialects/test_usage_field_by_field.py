"""Each field of a usage object, as it is counted and as a client is told: one that is missing is never another."""

import json
from typing import Any

import pytest

from gateway.dialects.anthropic import usage as anthropic
from gateway.dialects.counts import cost_nano, count_in, dollars_nano, said_cost
from gateway.dialects.gemini import usage as gemini
from gateway.dialects.openai_chat import usage as chat
from gateway.dialects.openai_chat.answer_peek import peek_answer as peek_chat
from gateway.dialects.openai_responses import usage as responses
from gateway.model import MOST_NANO, MOST_TOKENS, UNTOLD_MODEL, Usage

FULL = Usage(
    input_tokens=1000,
    cached_tokens=200,
    cache_write_tokens=50,
    cache_write_5m_tokens=20,
    cache_write_1h_tokens=30,
    input_audio_tokens=7,
    output_tokens=600,
    reasoning_tokens=400,
    output_audio_tokens=11,
    web_searches=3,
    cost_nano=12,
)


def test_chat_tells_a_client_each_count_and_noughts_for_what_is_not_known() -> None:
    other = {"accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
    assert chat.render_usage(FULL) == {
        "prompt_tokens": 1000,
        "completion_tokens": 600,
        "total_tokens": 1600,
        "prompt_tokens_details": {"cached_tokens": 200, "audio_tokens": 7, "cache_write_tokens": 50},
        "completion_tokens_details": {"reasoning_tokens": 400, "audio_tokens": 11, **other},
    }
    assert chat.render_usage(Usage()) == {
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "total_tokens": 0,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, **other},
    }


def test_responses_tell_a_client_each_count_and_noughts_for_what_is_not_known() -> None:
    assert responses.render_usage(FULL) == {
        "input_tokens": 1000,
        "input_tokens_details": {"cached_tokens": 200, "cache_write_tokens": 50},
        "output_tokens": 600,
        "output_tokens_details": {"reasoning_tokens": 400},
        "total_tokens": 1600,
        "cost_in_usd_ticks": 120,
    }
    assert responses.render_usage(Usage()) == {
        "input_tokens": 0,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 0,
    }


def test_messages_tell_a_client_each_count_and_noughts_for_what_is_not_known() -> None:
    assert anthropic.render_usage(FULL) == {
        "input_tokens": 750,
        "cache_creation_input_tokens": 50,
        "cache_read_input_tokens": 200,
        "output_tokens": 600,
        "output_tokens_details": {"thinking_tokens": 400},
        "server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 0},
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30},
        "service_tier": None,
    }
    counters = {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0}
    assert anthropic.render_delta_usage(Usage()) == counters
    for tier in ("standard", "priority", "batch", "flex"):
        said = anthropic.render_usage(Usage(service_tier=tier, speed="fast"))
        assert (said["service_tier"], said["speed"]) == (None if tier == "flex" else tier, "fast")


def test_gemini_tells_a_client_each_count_and_leaves_out_noughts() -> None:
    told = Usage(
        input_tokens=1000,
        cached_tokens=200,
        tool_input_tokens=100,
        input_audio_tokens=7,
        output_tokens=600,
        reasoning_tokens=400,
        output_audio_tokens=0,
        rare_counts=(("cached_audio", 2), ("input_image", 5), ("output_image", 9)),
    )
    assert gemini.render_usage(told) == {
        "promptTokenCount": 900,
        "candidatesTokenCount": 200,
        "totalTokenCount": 1600,
        "cachedContentTokenCount": 200,
        "thoughtsTokenCount": 400,
        "toolUsePromptTokenCount": 100,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 888},
            {"modality": "AUDIO", "tokenCount": 7},
            {"modality": "IMAGE", "tokenCount": 5},
        ],
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 198}, {"modality": "AUDIO", "tokenCount": 2}],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 191}, {"modality": "IMAGE", "tokenCount": 9}],
    }
    nothing = {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}
    assert gemini.render_usage(Usage()) == nothing
    assert gemini.render_usage(Usage(tool_input_tokens=3, reasoning_tokens=4)) == nothing | {
        "thoughtsTokenCount": 4,
        "toolUsePromptTokenCount": 3,
        "totalTokenCount": 7,
    }


@pytest.mark.parametrize(
    ("counts", "output"),
    [
        # Prompt, completion, reasoning and total.
        ((10, 20, 5, 30), 20),
        ((10, 20, 5, 35), 25),
        ((None, 20, 5, 25), 25),
        ((10, 20, 5, None), 20),
        ((10, 20, 20, None), 20),
        ((10, 20, 21, None), 41),
        ((10, 20, None, 90), 20),
        ((10, 20, 5, 90), 20),
        ((10, None, 5, 30), 20),
        ((10, None, 5, 10), None),
        ((10, None, 5, None), None),
        ((None, None, 5, 30), None),
    ],
)
def test_chat_s_output_with_reasoning_among_it(
    counts: tuple[int | None, int | None, int | None, int | None], output: int | None
) -> None:
    assert chat.with_reasoning(*counts) == output


@pytest.mark.parametrize(
    ("creation", "total", "written"),
    [
        ({"ephemeral_5m_input_tokens": 4}, None, (4, 4, 0)),
        ({"ephemeral_1h_input_tokens": 6}, None, (6, 0, 6)),
        ({"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}, None, (0, 0, 0)),
        ({"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 6}, 12, (12, 6, 6)),
        ({}, 3, (3, 3, 0)),
        ({}, 0, (0, 0, 0)),
        ({}, None, (None, None, None)),
    ],
)
def test_cache_writes_of_messages_add_up(
    creation: dict[str, int], total: int | None, written: tuple[int | None, int | None, int | None]
) -> None:
    told = anthropic.read_usage({"input_tokens": 1, "cache_creation_input_tokens": total, "cache_creation": creation})
    assert told is not None
    usage = anthropic.parse_usage(told)
    assert (usage.cache_write_tokens, usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == written
    assert usage.input_tokens == 1 + (written[0] or 0)


def test_an_adviser_whose_model_is_not_told() -> None:
    told = anthropic.read_usage({"iterations": [{"type": "advisor_message", "input_tokens": 4, "output_tokens": 2}]})
    assert told is not None
    assert anthropic.parse_usage(told).rare_counts == ((f"{UNTOLD_MODEL}/input", 4), (f"{UNTOLD_MODEL}/output", 2))


@pytest.mark.parametrize(
    ("fields", "usage"),
    [
        ({"promptTokenCount": 5, "totalTokenCount": 5}, Usage(input_tokens=5, output_tokens=0)),
        ({"promptTokenCount": 5}, Usage(input_tokens=5, output_tokens=None)),
        ({"candidatesTokenCount": 3, "totalTokenCount": 8}, Usage(input_tokens=5, output_tokens=3)),
        ({"candidatesTokenCount": 8, "totalTokenCount": 8}, Usage(input_tokens=0, output_tokens=8)),
        ({"totalTokenCount": 8}, Usage()),
        (
            {"promptTokenCount": 5, "thoughtsTokenCount": 2, "totalTokenCount": 10},
            Usage(input_tokens=5, output_tokens=5, reasoning_tokens=2),
        ),
        (
            {"toolUsePromptTokenCount": 2, "promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 8},
            Usage(input_tokens=7, output_tokens=1, tool_input_tokens=2),
        ),
        (
            {
                "promptTokenCount": 9,
                "candidatesTokenCount": 3,
                "promptTokensDetails": [
                    {"modality": "IMAGE", "tokenCount": 4},
                    {"modality": "VIDEO", "tokenCount": 1},
                    {"modality": "TEXT"},
                    3,
                ],
                "cacheTokensDetails": [{"modality": "IMAGE", "tokenCount": 3}, {"modality": "VIDEO"}],
                "candidatesTokensDetails": [{"modality": "AUDIO"}],
            },
            Usage(
                input_tokens=9,
                output_tokens=3,
                input_audio_tokens=0,
                output_audio_tokens=0,
                rare_counts=(("input_image", 1), ("input_video", 1)),
            ),
        ),
        (
            {"promptTokenCount": 9, "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 4}]},
            Usage(input_tokens=9, output_audio_tokens=0, rare_counts=(("output_image", 4),)),
        ),
    ],
)
def test_what_gemini_counts(fields: dict[str, Any], usage: Usage) -> None:
    found = gemini.parse_usage(gemini.read_usage(fields))
    assert found is not None
    names = ("input_tokens", "output_tokens", "input_audio_tokens", "output_audio_tokens", "rare_counts")
    assert [getattr(found, name) for name in names] == [getattr(usage, name) for name in names]
    assert (found.reasoning_tokens, found.tool_input_tokens) == (
        usage.reasoning_tokens or 0,
        usage.tool_input_tokens or 0,
    )


@pytest.mark.parametrize(
    ("fields", "uses"),
    [
        (
            {
                "output": [
                    None,
                    {"type": "shell_call", "environment": {"container_id": "c2"}},
                    {"type": "shell_call", "environment": {"container_id": "c3"}},
                    {"type": "code_interpreter_call", "container_id": "c1"},
                ]
            },
            (("code_containers", 3),),
        ),
        (
            {"output": [{"type": "image_generation_call", "svg_usage": {"model": "gpt-5", "input_tokens": 10}}]},
            (("gpt-5/input", 10),),
        ),
        (
            {
                "tools": [
                    3,
                    {"type": "function", "model": "no"},
                    {"type": "image_generation", "model": "gpt-image-2"},
                ],
                "tool_usage": {"image_gen": {"input_tokens": 4}},
            },
            (("gpt-image-2/input", 4),),
        ),
        ({"tool_usage": {"image_gen": {"output_tokens": 4}}}, ((f"{UNTOLD_MODEL}/output", 4),)),
    ],
)
def test_what_hosted_tools_used(fields: dict[str, Any], uses: tuple[tuple[str, int], ...]) -> None:
    answer = json.loads(json.dumps({**fields, "usage": {"input_tokens": 1, "output_tokens": 1}}))
    usage = responses.parse_usage(answer)
    assert usage is not None and usage.rare_counts == uses


def test_a_count_or_amount_is_one_within_what_a_row_keeps() -> None:
    told = {"exact": MOST_TOKENS, "double": float(MOST_TOKENS), "more": MOST_TOKENS + 1, "less": -1, "cut": -0.5}
    assert {name: count_in(told, name) for name in told} == {
        "exact": MOST_TOKENS,
        "double": MOST_TOKENS,
        "more": None,
        "less": None,
        "cut": None,
    }
    assert [cost_nano(ticks) for ticks in (10 * MOST_NANO, 10 * MOST_NANO + 1, 25, 35, -1, True)] == [
        *(MOST_NANO, None, 2, 4),
        *(None, None),
    ]
    most = MOST_NANO // 10**9
    assert [dollars_nano(dollars) for dollars in (most, most + 1, 0.1, -1, True)] == [
        *(most * 10**9, None, 100_000_000),
        *(None, None),
    ]


@pytest.mark.parametrize(
    ("fields", "nano"),
    [
        ({"cost": 0.5, "cost_details": {"upstream_inference_cost": 1}}, 500_000_000),
        ({"cost": 0.5, "is_byok": True, "cost_details": {"upstream_inference_cost": 1}}, 1_500_000_000),
        ({"cost": 0.5, "is_byok": True}, None),
        ({"is_byok": True, "cost_details": {"upstream_inference_cost": 1}}, None),
        ({"cost_in_usd_ticks": 50, "cost": 0.5, "is_byok": True}, 5),
        ({"cost_in_usd_ticks": 0, "cost": 0.5}, 0),
    ],
)
def test_what_a_usage_object_says_that_the_answer_cost(fields: dict[str, Any], nano: int | None) -> None:
    assert said_cost(fields) == nano


def test_a_look_at_a_chat_answer_leaves_one_that_cites_in_any_choice_to_be_parsed() -> None:
    plain = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    cited = {**plain, "index": 1, "message": {"content": "hi", "annotations": [{"type": "url_citation"}]}}
    answer = {"id": "c", "choices": [plain, cited], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    assert peek_chat(json.dumps(answer).encode()) is None
    assert peek_chat(json.dumps({**answer, "choices": [plain]}).encode()) is not None
    failed = {**plain, "finish_reason": "error", "error": {"code": 502, "message": "The maker is down."}}
    look = peek_chat(json.dumps({**answer, "choices": [failed]}).encode())
    assert look is not None and look.error is not None and "The maker is down." in look.error.message
