"""Thoughts: how many are asked for, and what becomes of them. Data only."""

from gateway.dialects.carriage.words import CONFIG, PART, A, C, D, at, doors
from gateway.dialects.verdicts import Fate, Row

REASONING = (
    Row(
        "reasoning_effort",
        "Effort",
        doors(
            "reasoning_effort", "reasoning.effort", "output_config.effort", CONFIG + "thinkingConfig.thinkingLevel"
        ),
        at(
            Fate(C, {"no_effort": D}),
            Fate(C, {"no_effort": D}),
            Fate(C, {"no_thinking": D}),
            Fate(C, {"no_thinking": D}),
        ),
    ),
    Row(
        "effort_step",
        "An effort that the model does not have",
        doors(
            "reasoning_effort", "reasoning.effort", "output_config.effort", CONFIG + "thinkingConfig.thinkingLevel"
        ),
        at(A),
        note="the nearest lower one, else the lowest",
    ),
    Row(
        "reasoning_budget",
        "A budget of thinking tokens",
        doors(None, None, "thinking.budget_tokens", CONFIG + "thinkingConfig.thinkingBudget"),
        at(
            Fate(A, {"no_effort": D}),
            Fate(A, {"no_effort": D}),
            Fate(C, {"no_thinking": D, "by_effort": A}),
            Fate(C, {"no_thinking": D, "by_effort": A}),
        ),
        note="the effort that it stands for",
    ),
    Row(
        "adaptive_thinking",
        "Thinking as the model likes",
        doors(None, None, "thinking"),
        at(
            Fate(C, {"no_effort": D}),
            Fate(C, {"no_effort": D}),
            Fate(C, {"no_thinking": D}),
            Fate(C, {"no_thinking": D}),
        ),
    ),
    Row(
        "budget_bounds",
        "A budget beyond what model and output limit allow",
        doors(
            "reasoning_effort", "reasoning.effort", "thinking.budget_tokens", CONFIG + "thinkingConfig.thinkingBudget"
        ),
        at(C, C, A, A),
        note="the nearest that is allowed",
    ),
    Row(
        "thinking_room",
        "Thinking that the request leaves no room for: a forced call, a small output limit",
        doors("reasoning_effort", "reasoning.effort", "thinking", CONFIG + "thinkingConfig"),
        at(C, C, D, C),
    ),
    Row(
        "reasoning_off",
        "No thinking",
        doors("reasoning_effort", "reasoning.effort", "thinking", CONFIG + "thinkingConfig.thinkingBudget"),
        at(Fate(C, {"always_thinks": A})),
        note="the lowest effort",
    ),
    Row(
        "reasoning_show",
        "Thinking to be shown",
        doors(None, "reasoning.summary", "thinking.display", CONFIG + "thinkingConfig.includeThoughts"),
        at(
            Fate(D, {"takes_thinking": C}),
            Fate(C, {"no_effort": D}),
            Fate(C, {"no_thinking": D}),
            Fate(C, {"no_thinking": D}),
        ),
    ),
    Row(
        "reasoning_mode",
        "Further words about thinking",
        doors(None, ("reasoning.mode", "reasoning.context", "reasoning.generate_summary"), "thinking"),
        at(D),
        beside=True,
    ),
    Row(
        "reasoning_tool_loop",
        "Thinking between calls, signed for its provider",
        doors(
            "messages[].tool_calls[].extra_content",
            "input[].encrypted_content",
            "messages[].content[].signature",
            PART + "thoughtSignature",
        ),
        at(C),
    ),
    Row(
        "own_thinking",
        "Earlier thinking in words only",
        doors("messages[].reasoning_content"),
        at(Fate(D, {"takes_thinking": C}), D, D, D),
    ),
    Row(
        "foreign_thinking",
        "Earlier thinking of another provider",
        doors("messages[].reasoning_content", "input[].summary", "messages[].content[].thinking", PART + "thought"),
        at(D),
    ),
    Row(
        "lone_thinking",
        "Thinking that nothing followed, of an answer that broke off",
        doors("messages[].reasoning_content", "input[].summary", "messages[].content[].thinking", PART + "thought"),
        at(C, C, D, D),
    ),
    Row(
        "lost_signature",
        "A call whose signature is lost",
        doors("messages[].tool_calls[].extra_content", "input[].encrypted_content", "messages[].content[].signature"),
        at(C, C, C, A),
        note="Google's documented stand-in takes its place",
    ),
)
