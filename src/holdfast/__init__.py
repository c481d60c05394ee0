"""Resilience for Python services: what fails for a moment is tried again, what is down is left alone.

Decorate a function, plain or async::

    from holdfast import with_retry

    @with_retry("network")
    def fetch(url: str) -> bytes: ...
"""

from .circuit_breaker import (
    BreakerRegistry,
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitMetrics,
    CircuitState,
    create_circuit_breaker,
    get_breaker_registry,
)
from .clock import Clock
from .decorators import with_circuit_breaker, with_retry
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

__all__ = [
    "DEFAULT_BACKOFF",
    "RETRY_POLICIES",
    "BackoffConfig",
    "BackoffStrategy",
    "BreakerRegistry",
    "BulkheadError",
    "BulkheadFullError",
    "BulkheadTimeoutError",
    "CircuitBreaker",
    "CircuitBreakerConfig",
    "CircuitBreakerError",
    "CircuitMetrics",
    "CircuitOpenError",
    "CircuitState",
    "Classification",
    "Clock",
    "ConfigurationError",
    "DeadlineExceededError",
    "ErrorCategory",
    "ErrorClassifier",
    "ErrorCode",
    "HoldfastError",
    "OperationTimeoutError",
    "RateLimitExceededError",
    "RejectedError",
    "RetryBudget",
    "RetryContext",
    "RetryExhaustedError",
    "RetryManager",
    "RetryPolicy",
    "RetryResult",
    "UnknownPolicyError",
    "WorkerLimitError",
    "create_backoff",
    "create_circuit_breaker",
    "create_retry_policy",
    "execute_with_retry",
    "get_breaker_registry",
    "get_error_classifier",
    "get_retry_policy",
    "register_retry_policy",
    "retrying",
    "with_circuit_breaker",
    "with_retry",
]
