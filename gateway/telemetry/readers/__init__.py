"""Every way in which apps write what they asked a model: a reader each, tried in the order of one list."""

from gateway.telemetry.readers.spans import READERS, observe, observe_records

__all__ = ["READERS", "observe", "observe_records"]
