"""Resilience for Python services: what fails for a moment is tried again, what is down is left alone.

Decorate a function, plain or async::

    from holdfast import with_retry

    @with_retry("network")
    def fetch(url: str) -> bytes: ...
"""

from .circuit_breaker import (
    BreakerRegistry,
    Bulkhead,
    BulkheadConfig,
    BulkheadRegistry,
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitMetrics,
    CircuitState,
    create_bulkhead,
    create_circuit_breaker,
    get_breaker_registry,
    get_bulkhead_registry,
)
from .clock import Clock
from .decorators import bulkhead, with_circuit_breaker, with_retry, with_timeout
from .errors import (
    BulkheadError,
    BulkheadFullError,
    BulkheadTimeoutError,
    CircuitBreakerError,
    CircuitOpenError,
    Classification,
    ConfigurationError,
    DeadlineExceededError,
    ErrorCategory,
    ErrorClassifier,
    ErrorCode,
    HoldfastError,
    OperationTimeoutError,
    RateLimitExceededError,
    RejectedError,
    RetryExhaustedError,
    UnknownPolicyError,
    WorkerLimitError,
    get_error_classifier,
)
from .retry import (
    DEFAULT_BACKOFF,
    RETRY_POLICIES,
    BackoffConfig,
    BackoffStrategy,
    RetryBudget,
    RetryContext,
    RetryManager,
    RetryPolicy,
    RetryResult,
    create_backoff,
    create_retry_policy,
    execute_with_retry,
    get_retry_policy,
    register_retry_policy,
    retrying,
)
from .switch import disabled, set_enabled
from .timeout import (
    Deadline,
    DeadlineTracker,
    TimeoutConfig,
    TimeoutManager,
    current_deadline,
    deadline,
    get_timeout_manager,
    time_left,
)
from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from .config import ConfigReport, load_config
    from .correlation import correlation_id, get_correlation_id
    from .decorators.fallback import with_fallback
    from .decorators.rate_limit import with_rate_limit
    from .fallback import (
        Fallback,
        FallbackConfig,
        FallbackMetrics,
        Instead,
        LastGood,
        Value,
        get_fallback,
        register_fallback,
        unregister_fallback,
    )
    from .health import get_health_status
    from .observability import get_metrics_registry, prometheus_text, set_trace_hook
    from .rate_limit import (
        RateLimiter,
        RateLimiterConfig,
        RateLimiterRegistry,
        SlidingWindow,
        TokenBucket,
        create_rate_limiter,
        get_rate_limiter_registry,
    )
    from .resilience import (
        ResilienceManager,
        ResiliencePolicy,
        resilience_manager,
        with_database_resilience,
        with_llm_resilience,
        with_mcp_resilience,
        with_resilience,
    )

__all__ = [
    "DEFAULT_BACKOFF",
    "RETRY_POLICIES",
    "BackoffConfig",
    "BackoffStrategy",
    "BreakerRegistry",
    "Bulkhead",
    "BulkheadConfig",
    "BulkheadError",
    "BulkheadFullError",
    "BulkheadRegistry",
    "BulkheadTimeoutError",
    "CircuitBreaker",
    "CircuitBreakerConfig",
    "CircuitBreakerError",
    "CircuitMetrics",
    "CircuitOpenError",
    "CircuitState",
    "Classification",
    "Clock",
    "ConfigReport",
    "ConfigurationError",
    "Deadline",
    "DeadlineExceededError",
    "DeadlineTracker",
    "ErrorCategory",
    "ErrorClassifier",
    "ErrorCode",
    "Fallback",
    "FallbackConfig",
    "FallbackMetrics",
    "HoldfastError",
    "Instead",
    "LastGood",
    "OperationTimeoutError",
    "RateLimitExceededError",
    "RateLimiter",
    "RateLimiterConfig",
    "RateLimiterRegistry",
    "RejectedError",
    "ResilienceManager",
    "ResiliencePolicy",
    "RetryBudget",
    "RetryContext",
    "RetryExhaustedError",
    "RetryManager",
    "RetryPolicy",
    "RetryResult",
    "SlidingWindow",
    "TimeoutConfig",
    "TimeoutManager",
    "TokenBucket",
    "UnknownPolicyError",
    "Value",
    "WorkerLimitError",
    "bulkhead",
    "correlation_id",
    "create_backoff",
    "create_bulkhead",
    "create_circuit_breaker",
    "create_rate_limiter",
    "create_retry_policy",
    "current_deadline",
    "deadline",
    "disabled",
    "execute_with_retry",
    "get_breaker_registry",
    "get_bulkhead_registry",
    "get_correlation_id",
    "get_error_classifier",
    "get_fallback",
    "get_health_status",
    "get_metrics_registry",
    "get_rate_limiter_registry",
    "get_retry_policy",
    "get_timeout_manager",
    "load_config",
    "prometheus_text",
    "register_fallback",
    "register_retry_policy",
    "resilience_manager",
    "retrying",
    "set_enabled",
    "set_trace_hook",
    "time_left",
    "unregister_fallback",
    "with_circuit_breaker",
    "with_database_resilience",
    "with_fallback",
    "with_llm_resilience",
    "with_mcp_resilience",
    "with_rate_limit",
    "with_resilience",
    "with_retry",
    "with_timeout",
]

if not TYPE_CHECKING:  # pragma: no branch  # or type checkers would take any name for one that is there
    _LATER = {
        "config": ("ConfigReport", "load_config"),
        "correlation": ("correlation_id", "get_correlation_id"),
        "decorators.fallback": ("with_fallback",),
        "decorators.rate_limit": ("with_rate_limit",),
        "fallback": (
            "Fallback",
            "FallbackConfig",
            "FallbackMetrics",
            "Instead",
            "LastGood",
            "Value",
            "get_fallback",
            "register_fallback",
            "unregister_fallback",
        ),
        "health": ("get_health_status",),
        "observability": ("get_metrics_registry", "prometheus_text", "set_trace_hook"),
        "rate_limit": (
            "RateLimiter",
            "RateLimiterConfig",
            "RateLimiterRegistry",
            "SlidingWindow",
            "TokenBucket",
            "create_rate_limiter",
            "get_rate_limiter_registry",
        ),
        "resilience": (
            "ResilienceManager",
            "ResiliencePolicy",
            "resilience_manager",
            "with_database_resilience",
            "with_llm_resilience",
            "with_mcp_resilience",
            "with_resilience",
        ),
    }
    """What is loaded when it is asked for first, so that nobody waits for what they do not use: names by module."""

    def __getattr__(name: str) -> object:
        for module, names in _LATER.items():
            if name in names:
                from importlib import import_module

                thing = globals()[name] = getattr(import_module(f".{module}", __name__), name)
                return thing
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
