"""An instrumented app: two turns of one conversation through a gateway, exporting to the same gateway.

`python -m tests.endtoend.instrumented_app LIBRARY URL KEY MODEL`. It knows of Faregate only what its users would set.
"""

import sys
from typing import Any

import openai
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

SYSTEM = "Be brief."
QUESTIONS = ("How far is the Moon?", "And the Sun?")


def instrument(library: str, provider: TracerProvider, logs: LoggerProvider) -> None:
    if library == "openllmetry":
        from opentelemetry.instrumentation.openai import OpenAIInstrumentor as OpenLLMetry

        OpenLLMetry().instrument(tracer_provider=provider)
    elif library == "openinference":
        from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInference

        OpenInference().instrument(tracer_provider=provider)
    elif library.startswith("openai-v2"):
        from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor as OpenAIv2

        OpenAIv2().instrument(tracer_provider=provider, logger_provider=logs)


def ask(base_url: str, key: str, model: str) -> None:
    client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)
    messages: list[Any] = [{"role": "system", "content": SYSTEM}]
    for question in QUESTIONS:
        messages.append({"role": "user", "content": question})
        answer = client.chat.completions.create(model=model, messages=messages)
        messages.append({"role": "assistant", "content": answer.choices[0].message.content})


def ask_an_agent(base_url: str, key: str, model: str, provider: TracerProvider) -> None:
    from pydantic_ai import Agent
    from pydantic_ai.models.instrumented import InstrumentationSettings
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    Agent.instrument_all(InstrumentationSettings(tracer_provider=provider))
    agent = Agent(
        OpenAIChatModel(model, provider=OpenAIProvider(base_url=base_url, api_key=key)), instructions=SYSTEM
    )
    history: Any = None
    for question in QUESTIONS:
        history = agent.run_sync(question, message_history=history).all_messages()


def main(library: str, url: str, key: str, model: str) -> None:
    provider = TracerProvider(resource=Resource({"service.name": f"app-{library}"}))
    headers = {"authorization": f"Bearer {key}"}
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{url}/v1/traces", headers=headers)))
    logs = LoggerProvider(resource=provider.resource)
    logs.add_log_record_processor(
        BatchLogRecordProcessor(OTLPLogExporter(endpoint=f"{url}/v1/logs", headers=headers))
    )
    instrument(library, provider, logs)
    base_url = f"{url}/api/ai/v1"
    with provider.get_tracer("app").start_as_current_span("POST /chat") as root:
        root.set_attribute("user.id", "ann")
        if library == "pydantic-ai":
            ask_an_agent(base_url, key, model, provider)
        else:
            ask(base_url, key, model)
        print(f"{root.get_span_context().trace_id:032x}")
    provider.shutdown()
    logs.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
