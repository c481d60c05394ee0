"""Failures: the errors that holdfast raises, and the one verdict on any error that every pattern reads."""

from .classification import Classification
from .classifier import ErrorClassifier, get_error_classifier
from .exceptions import (
    BulkheadError,
    BulkheadFullError,
    BulkheadTimeoutError,
    CircuitBreakerError,
    CircuitOpenError,
    ConfigurationError,
    DeadlineExceededError,
    HoldfastError,
    OperationTimeoutError,
    RateLimitExceededError,
    RejectedError,
    RetryExhaustedError,
    UnknownPolicyError,
    WorkerLimitError,
)
from .taxonomy import ErrorCategory, ErrorCode

__all__ = [
    "BulkheadError",
    "BulkheadFullError",
    "BulkheadTimeoutError",
    "CircuitBreakerError",
    "CircuitOpenError",
    "Classification",
    "ConfigurationError",
    "DeadlineExceededError",
    "ErrorCategory",
    "ErrorClassifier",
    "ErrorCode",
    "HoldfastError",
    "OperationTimeoutError",
    "RateLimitExceededError",
    "RejectedError",
    "RetryExhaustedError",
    "UnknownPolicyError",
    "WorkerLimitError",
    "get_error_classifier",
]
