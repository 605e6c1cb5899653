"""What is asked for beside the answer: caching, billing, names. Data only."""

from gateway.dialects.carriage.words import A, C, D, at, doors
from gateway.dialects.verdicts import Fate, Row

HINTS = (
    Row(
        "cache_marks",
        "Cache marks, OpenAI's",
        doors(
            "messages[].content[].prompt_cache_breakpoint",
            "input[].content[].prompt_cache_breakpoint",
        ),
        at(C, C, C, D),
        beside=True,
    ),
    Row(
        "cache_control",
        "Cache marks, Anthropic's",
        doors(
            anthropic=(
                "messages[].content[].cache_control",
                "system[].cache_control",
                "tools[].cache_control",
                "cache_control",
            )
        ),
        at(Fate(D, {"cache_marks": A}), Fate(D, {"cache_marks": A}), C, D),
        note="breakpoints of 30 minutes, on text, media and results; those on tools and calls are left out",
        beside=True,
    ),
    Row(
        "claude_cache_marks",
        "Anthropic's cache marks in chat",
        doors(
            (
                "messages[].cache_control",
                "messages[].content[].cache_control",
                "messages[].tool_calls[].cache_control",
                "tools[].cache_control",
            ),
        ),
        at(D, D, C, D),
        beside=True,
    ),
    Row(
        "cache_mark_count",
        "More than four cache marks",
        doors(anthropic="messages[].content[].cache_control"),
        at(D, D, A, D),
        note="the last four are kept",
    ),
    Row(
        "cache_key",
        "Cache key and its options",
        doors(*[("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention")] * 2),
        at(C, C, D, D),
        beside=True,
    ),
    Row("service_tier", "Service tier", doors("service_tier", "service_tier"), at(C, C, D, D)),
    Row(
        "foreign_tier",
        "Service tier and speed, in words that another provider does not have",
        doors("service_tier", "service_tier", ("service_tier", "speed"), "serviceTier"),
        at(D),
        beside=True,
    ),
    Row("safety_settings", "Safety settings", doors(gemini="safetySettings"), at(D, D, D, C), beside=True),
    Row(
        "user",
        "The end user",
        doors(("user", "safety_identifier"), ("user", "safety_identifier"), "metadata.user_id"),
        at(C, C, C, D),
        note="the gateway's own row has it in any case",
        beside=True,
    ),
    Row("labels", "Labels", doors(gemini="labels"), at(D, D, D, C), beside=True),
    Row("metadata", "Metadata", doors("metadata", "metadata"), at(C, C, D, D), beside=True),
    Row("answer_extras", "Further things in the answer", doors(None, ("include", "image")), at(D), beside=True),
    Row(
        "gateway_fields",
        "What the gateway answers itself (usage in streams, encrypted reasoning)",
        doors("stream_options", ("stream_options", "client_metadata")),
        at(C),
        beside=True,
    ),
    Row("unknown_field", "A field that the gateway does not know", doors("*", "*", "*", "*"), at(D)),
)
