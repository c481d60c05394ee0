"""Retry: policies, back-off, budget, and the manager that calls again."""

from .backoff import DEFAULT_BACKOFF, BackoffConfig, BackoffStrategy, create_backoff
from .budget import RetryBudget
from .context import RetryContext, RetryResult
from .manager import RetryManager, execute_with_retry, retrying
from .policy import RetryPolicy
from .presets import RETRY_POLICIES, create_retry_policy, get_retry_policy, register_retry_policy

__all__ = [
    "DEFAULT_BACKOFF",
    "RETRY_POLICIES",
    "BackoffConfig",
    "BackoffStrategy",
    "RetryBudget",
    "RetryContext",
    "RetryManager",
    "RetryPolicy",
    "RetryResult",
    "create_backoff",
    "create_retry_policy",
    "execute_with_retry",
    "get_retry_policy",
    "register_retry_policy",
    "retrying",
]
