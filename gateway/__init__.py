"""Faregate's gateway: doors in four dialects, any provider behind each, every exchange metered.

This is the public surface: all that the window may import. `Gateway`, the command line and what belongs to bills are
imported when they are first asked for, so that a window can be painted before the HTTP stack is loaded.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gateway.comparing.comparison_records import (
    LEAST_MODELS,
    MOST_MODELS,
    MOST_STARS,
    AnswerEstimate,
    ComparedAnswer,
    Comparison,
    RatedAnswer,
    RatedModel,
)
from gateway.configuration.extra_providers import ExtraProvider
from gateway.configuration.redact_rules import BUILT_IN as REDACT_BUILT_IN
from gateway.configuration.redact_rules import OFF_AT_FIRST as REDACT_OFF_AT_FIRST
from gateway.configuration.redact_rules import PARTS as CAPTURE_PARTS
from gateway.configuration.setting_values import STANDARD_OTLP_PORT, SettingsError
from gateway.configuration.settings import Settings
from gateway.configuration.settings import load as load_settings
from gateway.errors import ClientError, FaregateError, GatewayError
from gateway.folder import DataFolder, FolderHeld, default_folder, named_folder
from gateway.formulas import is_formula
from gateway.header_records import ANSWERED as HEADERS_ANSWERED
from gateway.header_records import ASKED as HEADERS_ASKED
from gateway.header_records import GIVEN as HEADERS_GIVEN
from gateway.header_records import SENT as HEADERS_SENT
from gateway.header_records import ExchangeHeaders, HeaderGroup
from gateway.heap import share as share_heap
from gateway.model import (
    UNTOLD_MODEL,
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
from gateway.periods import period_before, shifted, whole_months
from gateway.price_records import (
    CostExplanation,
    CostPart,
    ModelRow,
    NewPriceOverride,
    PriceList,
    PriceOverride,
    PriceRow,
    RepricedModel,
    RepricedSource,
    Repricing,
    RepricingPreview,
    UnitPrice,
    UnitPrices,
)
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
    Deletion,
    DeletionPreview,
    Difference,
    Distribution,
    DoorTrial,
    ExchangeRecord,
    Export,
    GatewayState,
    KeyTrial,
    NewApiKey,
    NumberCondition,
    ProviderRow,
    RequestPage,
    SettingRow,
    Sizes,
    Summary,
    TagCondition,
    TimeBucket,
    TrialStep,
    UsageQuery,
    VaultState,
)
from gateway.relaying.clients import TEST_CLIENT
from gateway.telemetry.genai_json import message_json, part_json, tool_json
from gateway.thread_records import (
    THREAD_SORTS,
    CacheMiss,
    Figures,
    LastTold,
    Thread,
    ThreadMessage,
    ThreadPage,
    ThreadQuery,
    ThreadRow,
    Trace,
    TraceSpan,
    Turn,
)
from gateway.time_zones import is_zone, midnight
from gateway.wrapped import element_of

if TYPE_CHECKING:
    from gateway.gateway import Gateway
    from gateway.prices.repricing import KEPT_BECAUSE as REPRICING_KEPT
    from gateway.reconcile.comparison import Question as BillQuestion
    from gateway.reconcile.forms import FIELDS as BILL_FIELDS
    from gateway.reconcile.reading import rate_of as bill_rate
    from gateway.reconcile.records import KINDS as BILL_KINDS
    from gateway.reconcile.records import NOTES as BILL_NOTES
    from gateway.reconcile.records import REASONS as BILL_REASONS
    from gateway.reconcile.records import BillColumns, DayModel, Reconciliation
    from gateway.reconcile.records import Part as BillPart
    from gateway.reconcile.records import Request as BillRequest
    from gateway.reconcile.records import Totals as BillTotals

# What few ask for, by its module and its name there.
_LAZY = {
    "Gateway": ("gateway.gateway", "Gateway"),
    "BILL_FIELDS": ("gateway.reconcile.forms", "FIELDS"),
    "BILL_KINDS": ("gateway.reconcile.records", "KINDS"),
    "BILL_NOTES": ("gateway.reconcile.records", "NOTES"),
    "BILL_REASONS": ("gateway.reconcile.records", "REASONS"),
    "BillColumns": ("gateway.reconcile.records", "BillColumns"),
    "BillPart": ("gateway.reconcile.records", "Part"),
    "BillQuestion": ("gateway.reconcile.comparison", "Question"),
    "BillRequest": ("gateway.reconcile.records", "Request"),
    "BillTotals": ("gateway.reconcile.records", "Totals"),
    "DayModel": ("gateway.reconcile.records", "DayModel"),
    "REPRICING_KEPT": ("gateway.prices.repricing", "KEPT_BECAUSE"),
    "Reconciliation": ("gateway.reconcile.records", "Reconciliation"),
    "bill_rate": ("gateway.reconcile.reading", "rate_of"),
}


def run_command(argv: Sequence[str]) -> int:
    """Run a command that needs no window; the exit code."""
    from gateway.cli import main

    return main(list(argv))


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        module, there = _LAZY[name]
        return getattr(import_module(module), there)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "BILL_FIELDS",
    "BILL_KINDS",
    "BILL_NOTES",
    "BILL_REASONS",
    "CAPTURE_PARTS",
    "DIMENSIONS",
    "HEADERS_ANSWERED",
    "HEADERS_ASKED",
    "HEADERS_GIVEN",
    "HEADERS_SENT",
    "LEAST_MODELS",
    "MOST_MODELS",
    "MOST_STARS",
    "NUMBERS",
    "OPERATORS",
    "OUTCOMES",
    "REDACT_BUILT_IN",
    "REDACT_OFF_AT_FIRST",
    "REPRICING_KEPT",
    "STANDARD_OTLP_PORT",
    "TEST_CLIENT",
    "THREAD_SORTS",
    "UNTOLD_MODEL",
    "AnswerEstimate",
    "ApiKeyRow",
    "AttemptRecord",
    "BillColumns",
    "BillPart",
    "BillQuestion",
    "BillRequest",
    "BillTotals",
    "Blob",
    "Breakdown",
    "BreakdownRow",
    "CacheMiss",
    "Changes",
    "Cleaned",
    "ClientError",
    "ComparedAnswer",
    "Comparison",
    "Completeness",
    "ConversationPage",
    "ConversationRow",
    "CostExplanation",
    "CostPart",
    "DataFolder",
    "DayModel",
    "Deletion",
    "DeletionPreview",
    "Difference",
    "Distribution",
    "DoorTrial",
    "ExchangeHeaders",
    "ExchangeRecord",
    "Export",
    "ExtraProvider",
    "FaregateError",
    "Figures",
    "File",
    "FolderHeld",
    "Gateway",
    "GatewayError",
    "GatewayState",
    "HeaderGroup",
    "HostedTool",
    "KeyTrial",
    "LastTold",
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
    "RatedAnswer",
    "RatedModel",
    "Reasoning",
    "Reconciliation",
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
    "bill_rate",
    "default_folder",
    "element_of",
    "is_formula",
    "is_zone",
    "load_settings",
    "message_json",
    "midnight",
    "named_folder",
    "number_text",
    "parse_number",
    "part_json",
    "period_before",
    "run_command",
    "share_heap",
    "shifted",
    "tool_json",
    "whole_months",
]
