"""The policies that are there from the start, as data."""

from __future__ import annotations

from ..circuit_breaker.bulkhead.config import BulkheadConfig
from ..circuit_breaker.config import CircuitBreakerConfig
from ..errors import ErrorCode
from ..retry.backoff import BackoffConfig
from ..retry.policy import RetryPolicy
from ..retry.presets import get_retry_policy
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def _growing(name: str, attempts: int = 3) -> RetryPolicy:
    """Return a policy with delays of 1, 2, 4 … s, each up to a fifth longer or shorter, lest callers come in step."""
    return RetryPolicy(name=name, max_attempts=attempts, backoff=BackoffConfig(initial_delay=1, jitter_factor=0.2))


PRESETS: dict[str, dict[str, Any]] = {
    "api": {
        "circuit_breaker": CircuitBreakerConfig(failure_threshold=5, reset_timeout=60),
        "retry": _growing("api"),
        "timeout": 30.0,
        "bulkhead": BulkheadConfig(max_concurrent=50, max_queue=100),
    },
    "ai": {
        "circuit_breaker": CircuitBreakerConfig(failure_threshold=3, reset_timeout=120),
        "retry": RetryPolicy.api_rate_limit(name="ai", max_attempts=3),
        "timeout": 120.0,
        "bulkhead": BulkheadConfig(max_concurrent=10, max_queue=50),
    },
    "database": {
        "circuit_breaker": CircuitBreakerConfig(failure_threshold=10, reset_timeout=30),
        "retry": _growing("database"),
        "timeout": 30.0,
        "timeout_mode": "cooperative",  # connections and sessions belong to the thread that opened them
        "bulkhead": BulkheadConfig(max_concurrent=100, max_queue=200),
    },
    "external": {
        "circuit_breaker": CircuitBreakerConfig(failure_threshold=5, reset_timeout=60),
        "retry": RetryPolicy.network(name="external", max_attempts=3),
        "timeout": 15.0,
        "bulkhead": BulkheadConfig(max_concurrent=20, max_queue=50),
    },
    "critical": {
        "retry": _growing("critical", 5),
        "timeout": 60.0,
        "bulkhead": BulkheadConfig(max_concurrent=5, max_queue=10),
    },
}
"""What each policy of that name sets; what it does not name is left out."""

SERVICES: dict[str, dict[str, Any]] = {
    "llm": {
        **PRESETS["ai"],
        "retry": PRESETS["ai"]["retry"].replace(non_retryable_codes={ErrorCode.QUOTA_EXHAUSTED}),
    },
    "database": {**PRESETS["database"], "retry": get_retry_policy("database")},
    "mcp": {
        "circuit_breaker": CircuitBreakerConfig(failure_threshold=5, reset_timeout=60),
        "retry": get_retry_policy("mcp"),
        "timeout": 60.0,
        "bulkhead": BulkheadConfig(max_concurrent=10, max_queue=50),
    },
}
"""The same for the decorators of that kind of service."""
