"""The neutral conversation model in which four dialects meet.

Frozen records named with OpenTelemetry GenAI's vocabulary (text, reasoning, tool_call, tool_call_response,
blob, uri, file). What a dialect says beyond it travels in `extra`, an opaque side pocket keyed by the dialect's
name ({"anthropic": {"cache_control": …}}), on request, message, part and tool: a codec reads only its own pocket.
A block that is not modelled at all (a hosted tool's) is an `Opaque` part. None means "not said", never zero.

They hold what was there before them, so that no cycle goes through them: the garbage collection passes them over.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

Extra = Mapping[str, Mapping[str, Any]]
NO_EXTRA: Extra = {}


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class FinishReason(StrEnum):
    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    CONTEXT = "context"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    PAUSE = "pause"
    ERROR = "error"


class Text(Struct, frozen=True, omit_defaults=True, tag="text", gc=False):
    text: str
    extra: Extra = NO_EXTRA


class Refusal(Struct, frozen=True, omit_defaults=True, tag="refusal", gc=False):
    """Text in which the model declines; OpenAI keeps it apart from text, the others do not."""

    text: str
    extra: Extra = NO_EXTRA


class Reasoning(Struct, frozen=True, omit_defaults=True, tag="reasoning", gc=False):
    """Thinking shown or hidden; signatures and encrypted state are in `extra` under the dialect that made them."""

    text: str
    extra: Extra = NO_EXTRA


class ToolCall(Struct, frozen=True, omit_defaults=True, tag="tool_call", gc=False):
    """`arguments` is the JSON text as the model wrote it: it may be invalid, and empty means no arguments.

    `custom` marks a freeform tool's call, whose `arguments` is plain input and not JSON.
    """

    id: str
    name: str
    arguments: str
    custom: bool = False
    extra: Extra = NO_EXTRA


class Blob(Struct, frozen=True, omit_defaults=True, tag="blob", gc=False):
    """Inline bytes; `data` stays base64 text as it came, so that nothing is encoded twice."""

    mime_type: str
    data: str
    modality: str = "image"
    filename: str | None = None
    extra: Extra = NO_EXTRA


class Uri(Struct, frozen=True, omit_defaults=True, tag="uri", gc=False):
    uri: str
    modality: str = "image"
    mime_type: str | None = None
    extra: Extra = NO_EXTRA


class File(Struct, frozen=True, omit_defaults=True, tag="file", gc=False):
    """A file held by a provider; its id means nothing elsewhere."""

    file_id: str
    modality: str = "document"
    mime_type: str | None = None
    filename: str | None = None
    extra: Extra = NO_EXTRA


class Opaque(Struct, frozen=True, omit_defaults=True, tag="opaque", gc=False):
    """A block of one dialect that the model does not know; only that dialect can say it again. `words`: what other
    dialects can say in its place, "" where there is nothing."""

    dialect: str
    value: Mapping[str, Any]
    words: str = ""


class ToolCallResponse(Struct, frozen=True, omit_defaults=True, tag="tool_call_response", gc=False):
    id: str
    content: "tuple[Text | Blob | Uri | File | Opaque, ...]"
    name: str | None = None
    is_error: bool = False
    extra: Extra = NO_EXTRA


Part = Text | Refusal | Reasoning | ToolCall | ToolCallResponse | Blob | Uri | File | Opaque


class Message(Struct, frozen=True, omit_defaults=True, gc=False):
    """One turn. Tool results stand in messages of role `tool`, one message per run of results.

    System messages stay where they were said; a codec that knows only leading instructions gathers them.
    """

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    extra: Extra = NO_EXTRA


class Tool(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="function", gc=False):
    """A client-side function. `parameters` is JSON Schema, None for no arguments; `custom` takes freeform input."""

    name: str
    description: str | None = None
    parameters: Mapping[str, Any] | None = None
    strict: bool | None = None
    custom: bool = False
    extra: Extra = NO_EXTRA


class HostedTool(Struct, frozen=True, tag_field="kind", tag="hosted", gc=False):
    """A tool that a provider runs itself (web search, code execution); `value` as its dialect wrote it."""

    dialect: str
    type: str
    value: Mapping[str, Any]


class ToolChoice(Struct, frozen=True, gc=False):
    """`mode` is auto, none, required or named; `names` is the named tool, or the allowed subset for the others."""

    mode: str
    names: tuple[str, ...] = ()


class ReasoningOptions(Struct, frozen=True, kw_only=True, gc=False):
    """`effort`: none, minimal, low, medium, high, xhigh, max. `budget_tokens`: thinking budget, -1 dynamic.

    `enabled` is None where only effort or budget was said; `show` asks for the thinking's text.
    """

    enabled: bool | None = None
    effort: str | None = None
    budget_tokens: int | None = None
    show: bool | None = None


class ResponseFormat(Struct, frozen=True, kw_only=True, gc=False):
    """`kind` is text, json or json_schema."""

    kind: str
    schema: Mapping[str, Any] | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


class Origin(Struct, frozen=True, eq=False, gc=False):
    """Where a request came in, so that its client is told in its own words what could not be carried.

    `dialect` is the door's, `client` the tool's name where it is known. `parts` are the client's own paths to the
    parts of each message, `tools` those to its tools, `unknown` those to fields that no codec knows. It is no part of
    what is asked: any two are equal.
    """

    dialect: str = ""
    client: str | None = None
    parts: tuple[tuple[str, ...], ...] = ()
    tools: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origin)

    def __hash__(self) -> int:
        return 0


class Request(Struct, frozen=True, kw_only=True, gc=False):
    """What is asked. Fields of a dialect that the model has no word for are in `extra`, under the client's names."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool | HostedTool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    choice_count: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Mapping[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    reasoning: ReasoningOptions | None = None
    response_format: ResponseFormat | None = None
    stream: bool = False
    user: str | None = None
    metadata: Mapping[str, Any] | None = None
    service_tier: str | None = None
    extra: Extra = NO_EXTRA
    origin: Origin = Origin()


MOST_TOKENS, MOST_NANO = 10**12, 10**14
"""What no request uses, and what none costs: a greater number is a fault of its sender."""
MEDIA = ("cached_audio", "cached_image", "input_image", "input_video", "output_image", "output_video")
"""Tokens by medium that have prices of their own; input is what was not cached, the cached ones what was."""
UNTOLD_MODEL = "?"
OTHER_FIELDS: Mapping[str, str] = {
    "input": "input_tokens",
    "cached": "cached_tokens",
    "cache_write": "cache_write_tokens",
    "cache_write_1h": "cache_write_1h_tokens",
    "output": "output_tokens",
}
"""What is told of another model's tokens, and which of `Usage`'s fields it is for that model."""


class Usage(Struct, frozen=True, kw_only=True, gc=False):
    """Tokens counted to one definition: input includes cached and cache-written, output includes reasoning.

    None is a number that the provider did not say; 0 is a zero that it did say. `cost_nano` is the provider's own
    figure in nano-dollars (xAI's ticks / 10). `tool_input_tokens`, audio, reasoning and cache writes by lifetime are
    "of which" counts. `rare_counts` are what few answers have, pairs of a name and a count: one of `MEDIA` is an "of
    which" too, as is `compaction`, input that was read to compact the history; `file_searches`, `map_searches`,
    `code_containers` and `images` (of untold tokens) are what hosted tools did; `MODEL/KIND` are tokens of another
    model that a hosted tool asked (`UNTOLD_MODEL` where it is not said which), of a kind of `OTHER_FIELDS` or
    `MEDIA`, with the same meaning as here.
    `service_tier`, `speed` and `inference_geo` are how the answer says that it was served.
    """

    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    cache_write_12h_tokens: int | None = None
    input_audio_tokens: int | None = None
    tool_input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    output_audio_tokens: int | None = None
    rare_counts: tuple[tuple[str, int], ...] | None = None
    web_searches: int | None = None
    cost_nano: int | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None

    @property
    def tells_tokens(self) -> bool:
        """Whether tokens were counted, which is what dialects have a word for."""
        return self.input_tokens is not None or self.output_tokens is not None


class Choice(Struct, frozen=True, kw_only=True, gc=False):
    index: int = 0
    parts: tuple[Part, ...] = ()
    finish_reason: FinishReason | None = None
    stop_sequence: str | None = None
    logprobs: Any = None
    extra: Extra = NO_EXTRA


class Response(Struct, frozen=True, kw_only=True, gc=False):
    """`created` is Unix seconds, None where the provider does not say."""

    id: str | None = None
    model: str | None = None
    created: int | None = None
    choices: tuple[Choice, ...] = ()
    usage: Usage | None = None
    extra: Extra = NO_EXTRA


class Target(Struct, frozen=True, kw_only=True, gc=False):
    """What a codec needs to know of the model that it renders for; a row of `providers.models` says it.

    `efforts` are the reasoning efforts that the model takes, () where it takes none. `thinking` is how the model is
    told to think: "" not at all, "effort", "budget", "adaptive", "level". `sampling` is which of temperature, top_p
    and top_k it accepts: "all", "temperature_or_top_p" (not both), "none". `max_tokens_field` names the chat field.
    `reasoning_content`: whether a chat model takes its earlier thinking back in the history. `system_turns`: whether
    an Anthropic model takes instructions between turns; else they are folded into the user's turn. `origin` is who
    made the state that this model takes back: provider and model, without a version's date. `cache_marks`: whether
    an OpenAI model takes explicit cache breakpoints.
    """

    model: str
    origin: str = ""
    max_output_tokens: int | None = None
    efforts: tuple[str, ...] = ()
    thinking: str = ""
    sampling: str = "all"
    stop: bool = True
    penalties: bool = True
    prefill: bool = True
    max_tokens_field: str = "max_completion_tokens"
    reasoning_content: bool = False
    system_turns: bool = False
    cache_marks: bool = False


class Rendered(Struct, frozen=True, kw_only=True, gc=False):
    """A request rendered for a provider: JSON bytes, further headers, and what could not be carried.

    `dropped` names the client's own fields that were harmless to leave out; `adapted` those carried with loss.
    `tool_names`: functions' names that the dialect does not take, by those under which they are sent.
    """

    body: bytes
    headers: Mapping[str, str] = {}
    dropped: tuple[str, ...] = ()
    adapted: tuple[str, ...] = ()
    tool_names: Mapping[str, str] = {}


class EmbeddingsRequest(Struct, frozen=True, kw_only=True, gc=False):
    model: str
    inputs: tuple[str, ...] | tuple[tuple[int, ...], ...]
    dimensions: int | None = None
    base64: bool = False
    user: str | None = None
