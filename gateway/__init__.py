"""Faregate's gateway: OpenAI-compatible in front, four providers behind, every exchange metered.

This is the public surface: all that the window may import. `Gateway` and the command line are imported when they
are first asked for, so that a window can be painted before the HTTP stack is loaded.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gateway.errors import ClientError, FaregateError, GatewayError
from gateway.folder import DataFolder, FolderHeld, default_folder
from gateway.model import (
    Blob,
    File,
    HostedTool,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolCallResponse,
    Uri,
)
from gateway.number_filters import NUMBERS, number_text, parse_number
from gateway.records import (
    DIMENSIONS,
    OPERATORS,
    OUTCOMES,
    ApiKeyRow,
    AttemptRecord,
    Breakdown,
    BreakdownRow,
    Changes,
    Cleaned,
    Completeness,
    ConversationPage,
    ConversationRow,
    CostExplanation,
    CostPart,
    Difference,
    Distribution,
    ExchangeRecord,
    Export,
    GatewayState,
    KeyTrial,
    ModelRow,
    NewApiKey,
    NewPriceOverride,
    NumberCondition,
    PriceList,
    PriceOverride,
    PriceRow,
    ProviderRow,
    RepricedModel,
    RepricedSource,
    Repricing,
    RepricingPreview,
    RequestPage,
    SettingRow,
    Sizes,
    Summary,
    TagCondition,
    TimeBucket,
    TrialStep,
    UnitPrice,
    UnitPrices,
    UsageQuery,
    VaultState,
)
from gateway.redact_rules import BUILT_IN as REDACT_BUILT_IN
from gateway.redact_rules import OFF_AT_FIRST as REDACT_OFF_AT_FIRST
from gateway.redact_rules import PARTS as CAPTURE_PARTS
from gateway.setting_values import STANDARD_OTLP_PORT, SettingsError
from gateway.settings import Settings
from gateway.settings import load as load_settings
from gateway.telemetry.genai_json import message_json, part_json, tool_json
from gateway.thread_records import (
    THREAD_SORTS,
    CacheMiss,
    Figures,
    Thread,
    ThreadMessage,
    ThreadPage,
    ThreadQuery,
    ThreadRow,
    Trace,
    TraceSpan,
    Turn,
)

if TYPE_CHECKING:
    from gateway.gateway import Gateway


def run_command(argv: Sequence[str]) -> int:
    """Run a command that needs no window; the exit code."""
    from gateway.cli import main

    return main(list(argv))


def __getattr__(name: str) -> Any:
    if name == "Gateway":
        from gateway.gateway import Gateway

        return Gateway
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "CAPTURE_PARTS",
    "DIMENSIONS",
    "NUMBERS",
    "OPERATORS",
    "OUTCOMES",
    "REDACT_BUILT_IN",
    "REDACT_OFF_AT_FIRST",
    "STANDARD_OTLP_PORT",
    "THREAD_SORTS",
    "ApiKeyRow",
    "AttemptRecord",
    "Blob",
    "Breakdown",
    "BreakdownRow",
    "CacheMiss",
    "Changes",
    "Cleaned",
    "ClientError",
    "Completeness",
    "ConversationPage",
    "ConversationRow",
    "CostExplanation",
    "CostPart",
    "DataFolder",
    "Difference",
    "Distribution",
    "ExchangeRecord",
    "Export",
    "FaregateError",
    "Figures",
    "File",
    "FolderHeld",
    "Gateway",
    "GatewayError",
    "GatewayState",
    "HostedTool",
    "KeyTrial",
    "ModelRow",
    "NewApiKey",
    "NewPriceOverride",
    "NumberCondition",
    "Opaque",
    "Part",
    "PriceList",
    "PriceOverride",
    "PriceRow",
    "ProviderRow",
    "Reasoning",
    "Refusal",
    "RepricedModel",
    "RepricedSource",
    "Repricing",
    "RepricingPreview",
    "RequestPage",
    "Role",
    "SettingRow",
    "Settings",
    "SettingsError",
    "Sizes",
    "Summary",
    "TagCondition",
    "Text",
    "Thread",
    "ThreadMessage",
    "ThreadPage",
    "ThreadQuery",
    "ThreadRow",
    "TimeBucket",
    "Tool",
    "ToolCall",
    "ToolCallResponse",
    "Trace",
    "TraceSpan",
    "TrialStep",
    "Turn",
    "UnitPrice",
    "UnitPrices",
    "Uri",
    "UsageQuery",
    "VaultState",
    "default_folder",
    "load_settings",
    "message_json",
    "number_text",
    "parse_number",
    "part_json",
    "run_command",
    "tool_json",
]
