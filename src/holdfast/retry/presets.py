"""The policies that have a name, and how to add more."""

from __future__ import annotations

from ..errors import ConfigurationError, ErrorCategory, ErrorCode, UnknownPolicyError
from ..registry import NamedRegistry
from ..settings import shown
from ..typed import TYPE_CHECKING, overload
from .backoff import BackoffConfig
from .policy import CAPACITY_TOO, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from .policy import RetryFields

_NAMED = (
    RetryPolicy(name="default"),
    RetryPolicy(
        name="aggressive",
        max_attempts=5,
        backoff=BackoffConfig(initial_delay=0.5, max_delay=60, jitter_factor=0.2),
        retryable_categories=CAPACITY_TOO,
        attempt_timeout=30,
    ),
    RetryPolicy(
        name="conservative",
        max_attempts=2,
        backoff=BackoffConfig(type="fixed", initial_delay=2),
        retryable_categories={ErrorCategory.TRANSIENT},
        total_timeout=10,
    ),
    RetryPolicy(
        name="mcp",
        max_attempts=4,
        backoff=BackoffConfig(type="decorrelated-jitter", initial_delay=1, max_delay=30, jitter_factor=0.5),
        retryable_codes={ErrorCode.MCP_CONNECTION_FAILED, ErrorCode.MCP_TIMEOUT},
        non_retryable_codes={ErrorCode.MCP_TOOL_NOT_FOUND},
    ),
    RetryPolicy(
        name="agent",
        backoff=BackoffConfig(initial_delay=2, max_delay=30),
        retryable_categories={ErrorCategory.TRANSIENT},
        non_retryable_codes={ErrorCode.AGENT_NOT_FOUND, ErrorCode.AGENT_INVALID_INPUT},
        attempt_timeout=60,
    ),
    RetryPolicy(
        name="infrastructure",
        backoff=BackoffConfig(initial_delay=5, max_delay=120, multiplier=3),
        retryable_codes={ErrorCode.EXTERNAL_RATE_LIMITED, ErrorCode.EXTERNAL_UNAVAILABLE},
        total_timeout=600,
    ),
    RetryPolicy(name="none", max_attempts=1, retryable_categories=()),
    # Language models: answers take long and are worth waiting for; overload is common and lasts seconds.
    RetryPolicy(
        name="llm",
        max_attempts=4,
        backoff=BackoffConfig(type="full-jitter", initial_delay=2, max_delay=60),
        retryable_categories=CAPACITY_TOO,
        non_retryable_codes={ErrorCode.QUOTA_EXHAUSTED},
        attempt_timeout=120,
    ),
    # Databases: deadlocks and fail-overs heal within a second or not at all; the caller holds a request open meanwhile.
    RetryPolicy(
        name="database",
        max_attempts=4,
        backoff=BackoffConfig(type="full-jitter", initial_delay=0.1, max_delay=5),
        # A database that is read-only while another takes over counts as a matter of configuration, yet it passes.
        retryable_categories=CAPACITY_TOO | {ErrorCategory.CONFIGURATION},
        total_timeout=30,
    ),
    RetryPolicy.network(),
    RetryPolicy.api_rate_limit(),
    # Files: a locked file or a full table of handles clears in milliseconds; a missing file does not.
    RetryPolicy(
        name="file",
        max_attempts=4,
        backoff=BackoffConfig(type="full-jitter", initial_delay=0.05, max_delay=1),
        retryable_categories={ErrorCategory.TRANSIENT, ErrorCategory.RESOURCE},
        total_timeout=5,
    ),
)

registry: NamedRegistry[RetryPolicy] = NamedRegistry(
    "retry policy", UnknownPolicyError, "register_retry_policy({name}, RetryPolicy(...)) makes one"
)
for _policy in _NAMED:
    registry.put(_policy.name, _policy)

RETRY_POLICIES: Mapping[str, RetryPolicy] = registry.view
"""Every named policy, those registered later included; read-only."""

BUILT_IN = frozenset(RETRY_POLICIES)
"""The names that are there from the start."""


def get_retry_policy(name: str) -> RetryPolicy:
    """Return the policy of that name.

    >>> get_retry_policy("infrastructure").backoff.delays(2)
    ((5.0, 5.0), (15.0, 15.0))

    Raises `UnknownPolicyError`, with the nearest name, if there is none.
    """
    return registry.get(name)


@overload
def register_retry_policy(policy: RetryPolicy, /) -> RetryPolicy: ...
@overload
def register_retry_policy(name: str, policy: RetryPolicy, /) -> RetryPolicy: ...
def register_retry_policy(first: str | RetryPolicy, second: RetryPolicy | None = None, /) -> RetryPolicy:
    """Give a policy a name, its own or the one before it, and return it under that name.

    Functions that were decorated with the name use the new policy from their next call on.

    >>> register_retry_policy(RetryPolicy(name="invoices", max_attempts=6)).max_attempts
    6
    >>> register_retry_policy("slow-invoices", RetryPolicy.fixed(30)).name
    'slow-invoices'

    Raises `ConfigurationError` if no policy is given, or one that was never named.
    """
    policy = first if second is None else second
    if not isinstance(policy, RetryPolicy) or (second is not None and not isinstance(first, str)):
        raise ConfigurationError(
            f"register_retry_policy takes a RetryPolicy, or a name and one; not {shown(first)}, {shown(second)}"
        )
    if isinstance(first, str):
        policy = policy.replace(name=first)
    elif policy.name == RetryPolicy.name:
        raise ConfigurationError('register_retry_policy: the policy has no name; give RetryPolicy(name="…") one')
    registry.put(policy.name, policy)
    return policy


def create_retry_policy(**fields: Unpack[RetryFields]) -> RetryPolicy:
    """Return a policy with these fields, and those of "default" where none are given; it is not registered.

    >>> create_retry_policy(max_attempts=5).max_attempts
    5

    Raises `ConfigurationError` as `RetryPolicy` does.
    """
    return RetryPolicy(**fields)
