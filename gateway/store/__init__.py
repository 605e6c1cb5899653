"""Where exchanges are kept: the journal, rows and buckets, and the questions asked of them."""

from gateway.store.usage import UsageStore

__all__ = ["UsageStore"]
