"""Bulkhead: so many calls at once, so many waiting, the rest refused, so that one slow dependency sinks no ship."""

from .config import BulkheadConfig, BulkheadMetrics, BulkheadStats
from .events import (
    BulkheadEvent,
    BulkheadExecutionCompleted,
    BulkheadExecutionStarted,
    BulkheadQueued,
    BulkheadRejected,
)
from .manager import Bulkhead
from .permit import BulkheadPermit
from .registry import BulkheadRegistry, create_bulkhead, get_bulkhead_registry

__all__ = [
    "Bulkhead",
    "BulkheadConfig",
    "BulkheadEvent",
    "BulkheadExecutionCompleted",
    "BulkheadExecutionStarted",
    "BulkheadMetrics",
    "BulkheadPermit",
    "BulkheadQueued",
    "BulkheadRegistry",
    "BulkheadRejected",
    "BulkheadStats",
    "create_bulkhead",
    "get_bulkhead_registry",
]
