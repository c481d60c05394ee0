"""Fallback: what answers when a call has failed for good, and says that it did."""

from .answers import Instead, LastGood, Value
from .config import FallbackConfig, FallbackMetrics
from .events import FallbackUsed
from .manager import Fallback
from .registry import FALLBACKS, as_fallback, bind_fallback, get_fallback, register_fallback, unregister_fallback

__all__ = [
    "FALLBACKS",
    "Fallback",
    "FallbackConfig",
    "FallbackMetrics",
    "FallbackUsed",
    "Instead",
    "LastGood",
    "Value",
    "as_fallback",
    "bind_fallback",
    "get_fallback",
    "register_fallback",
    "unregister_fallback",
]
