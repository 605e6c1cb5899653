"""What is said, turn by turn. Data only."""

from gateway.dialects.carriage.words import CHAT, PART, RESPONSES, A, C, D, R, at, doors
from gateway.dialects.verdicts import Fate, Row

CONVERSATION = (
    Row("text", "Text", doors("messages[].content", "input", "messages[].content", PART + "text"), at(C)),
    Row("system", "Instructions", doors("messages[]", "instructions", "system", "systemInstruction"), at(C)),
    Row(
        "system_midway",
        "Instructions between turns",
        doors("messages[].role", "input[].role", "messages[].role"),
        at(C, C, Fate(A, {"system_turns": C}), A),
        note="they join the next user turn, in a `<system>` tag",
    ),
    Row(
        "system_alone",
        "Instructions and no message",
        doors("messages[]", "instructions", None, "systemInstruction"),
        at(C, C, A, A),
        note="they become the user's message",
    ),
    Row("six_turns", "Several turns", doors("messages", "input", "messages", "contents"), at(C)),
    Row(
        "prefill",
        "An answer to go on with (prefill)",
        doors("messages", "input", "messages", "contents"),
        at(R, R, Fate(C, {"no_prefill": R}), Fate(C, {"no_prefill": R})),
        say="The model does not continue an assistant message: end `{field}` with a user message.",
        pairs={(CHAT, RESPONSES): C},
    ),
    Row("participant_name", "A participant's name", doors("messages[].name"), at(C, D, D, D)),
    Row("phase", "A message's phase", doors(None, "input[].phase"), at(D, C, D, D), beside=True),
    Row(
        "refusal",
        "Refusals, in answers and history",
        doors("messages[].refusal", "input[].content[].refusal", "messages[].content", "contents"),
        at(C),
    ),
    Row("usage_cache", "Usage, with cached tokens apart", doors("usage", "usage", "usage", "usageMetadata"), at(C)),
    Row(
        "foreign_part",
        "Traces of another provider's hosted tools",
        doors(None, "input[].type", "messages[].content[].type", "contents[].parts[]"),
        at(D),
    ),
    Row(
        "result_content",
        "Content of a tool's result that the dialect has no form for",
        doors(None, "input[].output", "messages[].content[].content", "contents[].parts[].functionResponse.parts"),
        at(R),
        say="The model's provider takes no {detail} in a tool's result, as at `{field}`: leave it out.",
    ),
    Row(
        "unknown_content",
        "Content that the dialect has no form for",
        doors("messages[].content[]", "input[].content[]", "messages[].content[]", "contents[].parts[]"),
        at(R),
        say="The model's provider has nothing like the {detail} at `{field}`: leave it out.",
    ),
)
