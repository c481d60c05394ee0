"""Rate limits: so many calls in which time, the others wait for their turn or are told at once when to come back."""

from .config import RateLimiterConfig, RateLimiterMetrics, RateLimiterStats, SlidingWindow, TokenBucket
from .events import RateLimitAdjusted, RateLimitAdmitted, RateLimitEvent, RateLimitQueued, RateLimitRejected
from .manager import RateLimiter
from .registry import RateLimiterRegistry, create_rate_limiter, get_rate_limiter_registry
from .reservation import Reservation

__all__ = [
    "RateLimitAdjusted",
    "RateLimitAdmitted",
    "RateLimitEvent",
    "RateLimitQueued",
    "RateLimitRejected",
    "RateLimiter",
    "RateLimiterConfig",
    "RateLimiterMetrics",
    "RateLimiterRegistry",
    "RateLimiterStats",
    "Reservation",
    "SlidingWindow",
    "TokenBucket",
    "create_rate_limiter",
    "get_rate_limiter_registry",
]
