"""The names under which instrumentations say the same thing, as tables in order of precedence.

Sources: the GenAI conventions (1.27 to v0.1.0 of their own repository) and payloads captured from each library.
"""

from collections.abc import Mapping

from gateway.model import FinishReason
from gateway.telemetry.observed import Role

USAGE: Mapping[str, tuple[str, ...]] = {
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.usage.prompt_tokens",
        "llm.token_count.prompt",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "ai.usage.tokens",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.usage.completion_tokens",
        "llm.token_count.completion",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
    ),
    "cached_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens",
        "gen_ai.usage.details.cache_read_tokens",
        "gen_ai.usage.cached_prompt_text_tokens",
        "gen_ai.usage.details.cached_tokens",
    ),
    "cache_write_tokens": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_input_tokens",
        "llm.token_count.prompt_details.cache_write",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
        "gen_ai.usage.details.cache_write_tokens",
    ),
    "cache_write_5m_tokens": ("anthropic.usage.cache_creation.ephemeral_5m_input_tokens",),
    "cache_write_1h_tokens": ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens",),
    "input_audio_tokens": ("gen_ai.usage.audio.input_tokens", "llm.token_count.prompt_details.audio"),
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
        "ai.usage.outputTokenDetails.reasoningTokens",
        "ai.usage.reasoningTokens",
        "codex.usage.reasoning_output_tokens",
    ),
    "output_audio_tokens": ("gen_ai.usage.audio.output_tokens", "llm.token_count.completion_details.audio"),
}
# Not counted by itself: it tells whether the parts are within the others or beside them.
TOTAL = ("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total", "ai.usage.totalTokens")
SERVICE_TIER = (
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    "anthropic.response.service_tier",
)
# Counts of which an exporter's zero says nothing.
OF_WHICH = frozenset(USAGE) - {"input_tokens", "output_tokens"}

# In dollars; xAI's SDK says ten-billionths of one.
COST_TICKS = "gen_ai.usage.cost_in_usd_ticks"
COST = ("gen_ai.usage.cost", "llm.cost.total", "faregate.cost.usd")
PROVIDER = (
    "gen_ai.provider.name",
    "gen_ai.system",
    "llm.provider",
    "llm.system",
    "ai.model.provider",
    "langsmith.metadata.ls_provider",
    "traceloop.association.properties.ls_provider",
)
# What stands in the provider's place where a framework asked: who was asked is said elsewhere, or nowhere.
FRAMEWORKS = frozenset({"langchain", "langgraph", "strands-agents"})
# What stands in a model's place where the instrumentation could not tell it.
NO_MODEL = frozenset({"unknown"})
OPERATION = ("gen_ai.operation.name",)
MODEL_REQUESTED = (
    "gen_ai.request.model",
    "llm.request.model_name",
    "ai.model.id",
    "llm.request.model",
    "embedding.model_name",
)
MODEL = (
    "gen_ai.response.model",
    "ai.response.model",
    "llm.response.model_name",
    "llm.model_name",
    "llm.response.model",
)
RESPONSE_ID = ("gen_ai.response.id", "ai.response.id")
PREVIOUS_RESPONSE = (
    "gen_ai.request.previous_response.id",
    "gen_ai.request.previous_response_id",
    "gen_ai.openai.request.previous_response_id",
)
STREAMED = ("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming")
AGENT = (
    "gen_ai.agent.name",
    "agent.name",
    "agent_name",
    "ai.telemetry.functionId",
    "langsmith.metadata.lc_agent_name",
    "traceloop.association.properties.lc_agent_name",
)
TITLE = (
    "logfire.msg",
    "gen_ai.workflow.name",
    "traceloop.entity.name",
    "langfuse.trace.name",
    "langsmith.trace.name",
)
TAGS = ("tag.tags", "langfuse.trace.tags")
# By unit: how many make a second.
FIRST_TOKEN: Mapping[str, int] = {
    "gen_ai.response.time_to_first_chunk": 1,
    "gen_ai.client.operation.time_to_first_chunk": 1,
    # The conventions have it as a metric only, in seconds; on spans Strands writes it, in milliseconds.
    "gen_ai.server.time_to_first_token": 1000,
    "ai.response.msToFirstChunk": 1000,
    "ai.stream.msToFirstChunk": 1000,
}
# The moment itself, in ISO 8601.
FIRST_TOKEN_AT = "gen_ai.completion.start_time"
# Span events that mark the first piece of an answer.
FIRST_TOKEN_EVENTS = frozenset(
    {
        "First Token Stream Event",
        "llm.content.completion.chunk",
        "gen_ai.content.completion.chunk",
        "ai.stream.firstChunk",
    }
)
FINISH = (
    "gen_ai.response.finish_reasons",
    "llm.finish_reason",
    "ai.response.finishReason",
    "anthropic.message.stop_reason",
)

TEMPERATURE = ("gen_ai.request.temperature", "ai.settings.temperature")
NUMBERS: Mapping[str, tuple[str, ...]] = {
    "temperature": TEMPERATURE,
    "top_p": ("gen_ai.request.top_p", "ai.settings.topP"),
    "frequency_penalty": ("gen_ai.request.frequency_penalty", "ai.settings.frequencyPenalty"),
    "presence_penalty": ("gen_ai.request.presence_penalty", "ai.settings.presencePenalty"),
}
COUNTS: Mapping[str, tuple[str, ...]] = {
    "max_output_tokens": (
        "gen_ai.request.max_tokens",
        "ai.settings.maxOutputTokens",
        "ai.settings.maxTokens",
    ),
    "top_k": ("gen_ai.request.top_k", "ai.settings.topK"),
    "seed": ("gen_ai.request.seed", "gen_ai.openai.request.seed", "ai.settings.seed"),
    "choice_count": ("gen_ai.request.choice.count",),
}
STOP = ("gen_ai.request.stop_sequences", "ai.settings.stopSequences")
EFFORT = ("gen_ai.request.reasoning.level", "gen_ai.request.reasoning_effort", "codex.request.reasoning_effort")
THINKING_BUDGET = ("anthropic.thinking.budget_tokens",)
# The same in the body of a request, as OpenInference's invocation parameters and Langfuse's model parameters hold it.
BODY_COUNTS: Mapping[str, tuple[str, ...]] = {
    "max_output_tokens": ("max_completion_tokens", "max_output_tokens", "max_tokens", "maxOutputTokens"),
    "top_k": ("top_k",),
    "seed": ("seed",),
    "choice_count": ("n",),
}

CONVERSATIONS = (
    "gen_ai.conversation.id",
    "session.id",
    "langfuse.session.id",
    "langfuse.trace.metadata.session_id",
    "traceloop.association.properties.session_id",
    "traceloop.association.properties.conversation_id",
    "traceloop.association.properties.chat_id",
    "traceloop.association.properties.thread_id",
    "langsmith.metadata.session_id",
    "langsmith.metadata.conversation_id",
    "langsmith.metadata.thread_id",
    "ai.telemetry.metadata.sessionId",
    "ai.telemetry.metadata.chatId",
    "ai.telemetry.metadata.conversationId",
    "ai.telemetry.metadata.threadId",
    "metadata.session_id",
    "metadata.thread_id",
    "conversation.id",
    "thread_id",
    "thread.id",
)
# Of those, what names a session, in which several conversations may stand.
SESSIONS = frozenset(
    (
        *("session.id", "langfuse.session.id", "langfuse.trace.metadata.session_id"),
        *("traceloop.association.properties.session_id", "langsmith.metadata.session_id"),
        *("ai.telemetry.metadata.sessionId", "metadata.session_id"),
    )
)
# Of all, the ones that some runtimes write for a thread of the machine, which is a number.
THREADS = frozenset({"thread_id", "thread.id"})
USERS = (
    "user.id",
    "enduser.id",
    "langfuse.user.id",
    "traceloop.association.properties.user_id",
    "langsmith.metadata.user_id",
    "ai.telemetry.metadata.userId",
    "user.email",
    "user.name",
)

PROVIDERS: Mapping[str, str] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "claude": "anthropic",
    "google": "google",
    "gemini": "google",
    "vertexai": "google",
    "vertex": "google",
    "vertex_ai": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "google-vertex": "google",
    "google-gla": "google",
    "gcp": "google",
    "xai": "xai",
    "x_ai": "xai",
    "x-ai": "xai",
    "grok": "xai",
    "azure": "azure",
    "az": "azure",
    "azure_openai": "azure",
    "azure-openai": "azure",
}


def provider_name(said: str) -> str:
    """The catalogue's name where the spelling is known ("openai.chat", "gcp.gemini", "Anthropic"), else as said."""
    plain = said.strip().lower()
    return PROVIDERS.get(plain) or PROVIDERS.get(plain.partition(".")[0]) or said


_FINISH_WORDS: Mapping[FinishReason, tuple[str, ...]] = {
    FinishReason.STOP: ("stop", "end_turn", "STOP", "REASON_STOP", "completed", "end", "eos"),
    FinishReason.STOP_SEQUENCE: ("stop_sequence", "stop-sequence"),
    FinishReason.LENGTH: ("length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "REASON_MAX_LEN", "incomplete"),
    FinishReason.CONTEXT: ("model_context_window_exceeded", "REASON_MAX_CONTEXT"),
    FinishReason.TOOL_CALLS: (
        *("tool_call", "tool_calls", "tool-calls", "tool_use", "function_call"),
        "REASON_TOOL_CALLS",
    ),
    FinishReason.CONTENT_FILTER: (
        *("content_filter", "content-filter", "refusal", "guardrail_intervened"),
        *("SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII"),
    ),
    FinishReason.PAUSE: ("pause_turn",),
    FinishReason.ERROR: ("error", "failed", "MALFORMED_FUNCTION_CALL"),
}
FINISHES: Mapping[str, FinishReason] = {word: reason for reason, said in _FINISH_WORDS.items() for word in said}

OPERATIONS: Mapping[str, Role] = {
    **dict.fromkeys(("chat", "generate_content", "text_completion", "completion", "llm_call"), Role.INFERENCE),
    **dict.fromkeys(("embeddings", "embedding"), Role.EMBEDDINGS),
    **dict.fromkeys(("retrieval", "rerank", "search_memory", "create_memory", "update_memory"), Role.SIDE),
    **dict.fromkeys(("upsert_memory", "delete_memory", "create_memory_store", "delete_memory_store"), Role.SIDE),
    "execute_tool": Role.TOOL,
    **dict.fromkeys(("invoke_agent", "create_agent"), Role.AGENT),
    "invoke_workflow": Role.WORKFLOW,
    **dict.fromkeys(("plan", "agent_step", "execute_task", "execute_event_loop_cycle"), Role.STEP),
    "chain": Role.GLUE,
}
CALLS = frozenset({Role.INFERENCE, Role.EMBEDDINGS})
