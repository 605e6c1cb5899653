"""What a provider keeps between requests. Data only."""

from gateway.dialects.carriage.words import A, C, D, R, at, doors
from gateway.dialects.verdicts import Row

_KEPT_ELSEWHERE = (
    "What `{field}` names is kept by another provider, or no longer: send the whole conversation instead."
)

STATE = (
    Row(
        "previous_response_id",
        "A conversation that a provider keeps",
        doors(None, ("previous_response_id", "conversation"), "container"),
        at(R),
        say=_KEPT_ELSEWHERE,
        beside=True,
    ),
    Row(
        "message_thread",
        "A thread that its provider keeps (the SDK's tool runner asks for it)",
        doors(anthropic="thread"),
        at(R, R, C, R),
        say=_KEPT_ELSEWHERE,
        # By which the SDK knows to send the whole conversation instead, and does so at once.
        code="thread_unsupported_request",
        beside=True,
    ),
    Row(
        "server_items",
        "Items that only their provider can place",
        doors(None, "input[]"),
        at(R, C, R, R),
        say="`{field}` can be read by its own provider only, or is kept no longer: send the conversation's messages "
        "instead, as SDKs do with `store: false`.",
        beside=True,
    ),
    Row(
        "stored_prompt",
        "A prompt that a provider keeps",
        doors(None, "prompt"),
        at(R, C, R, R),
        say="`{field}` is kept by another provider: send its text instead.",
        beside=True,
    ),
    Row(
        "background",
        "An answer to be fetched later",
        doors("deferred", "background"),
        at(R),
        say="The model's provider answers at once only: leave `{field}` out.",
        beside=True,
    ),
    Row(
        "max_tool_calls",
        "A limit to hosted tools' calls",
        doors(None, "max_tool_calls"),
        at(R, C, R, R),
        beside=True,
    ),
    Row(
        "truncation",
        "Truncation and compaction by the provider",
        doors(None, ("truncation", "context_management"), "compaction"),
        at(R),
        beside=True,
    ),
    Row(
        "compacted",
        "What Anthropic compacted before",
        doors(anthropic="messages[].content[].content"),
        at(A, A, C, A),
        note="its summary, as words of the answer, or of the user where the user has to begin",
        beside=True,
    ),
    Row(
        "context_editing",
        "Clearing of old results and thinking (Claude Code sends it)",
        doors(anthropic="context_management"),
        at(D, D, C, D),
        beside=True,
    ),
    Row("moderation", "Moderation with the answer", doors("moderation", "moderation"), at(R), beside=True),
    Row(
        "hosted_search",
        "A search that the provider makes",
        doors(("web_search_options", "search_parameters")),
        at(C, R, R, R),
        say="The model's provider makes no search for `{field}`: leave it out.",
        beside=True,
    ),
    Row(
        "mcp_servers",
        "MCP servers that the provider calls",
        doors(anthropic="mcp_servers"),
        at(R, R, C, R),
        beside=True,
    ),
    Row(
        "cached_content",
        "A cache that a provider keeps",
        doors(gemini="cachedContent"),
        at(R, R, R, C),
        say="`{field}` is kept by another provider: send its content instead.",
        beside=True,
    ),
    Row("store", "An answer to be stored", doors("store", "store", None, "store"), at(D), beside=True),
)
