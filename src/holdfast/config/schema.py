"""Which tables a configuration has, and which keys each of them: the form, as data.

Whatever a file may say is said by a config class already; here stands how it is written. What is a function in code
cannot be written in a file, and is named too, so that whoever tries is told.
"""

from __future__ import annotations

from ..circuit_breaker.bulkhead.config import BulkheadConfig
from ..circuit_breaker.config import MODES, CircuitBreakerConfig
from ..rate_limit.config import RateLimiterConfig
from ..records import did_you_mean
from ..retry.backoff import BACKOFF_TYPES, BackoffConfig
from ..retry.policy import RetryPolicy
from ..timeout.config import MODES as TIMEOUT_MODES, TimeoutConfig
from ..typed import TYPE_CHECKING
from .kinds import DURATION, NUMBER, TEXT, TEXTS, TYPES, WHOLE, YES_NO, Kind, choice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Table:
    """The keys that a table may have. `shorthand` is the key that a plain value in place of the table is for."""

    __slots__ = ("config", "in_code", "keys", "said", "shorthand")

    def __init__(
        self,
        said: str,
        config: Any,
        keys: Mapping[str, Kind | Table],
        *,
        in_code: Mapping[str, str] | None = None,
        shorthand: str = "",
    ) -> None:
        self.said = said
        self.config = config
        self.keys = keys
        self.in_code = {} if in_code is None else in_code
        self.shorthand = shorthand

    def without(self, *names: str) -> Table:
        """Return the table without some of its keys."""
        left = {name: kind for name, kind in self.keys.items() if name not in names}
        return Table(self.said, self.config, left, in_code=self.in_code, shorthand=self.shorthand)

    def unknown(self, name: object) -> str:
        """Say what is wrong with a key that the table does not have."""
        if isinstance(name, str) and name in self.in_code:
            return f"cannot be set here: {self.in_code[name]}"
        return f"is no key of {self.said}; {did_you_mean(name, self.keys)}"


_FUNCTION = "it is a function, so it is given in code"
_TIMEOUT_MODE = choice(TIMEOUT_MODES)

BACKOFF = Table(
    "a back-off",
    BackoffConfig,
    {
        "type": choice(BACKOFF_TYPES),
        "initial_delay": DURATION,
        "max_delay": DURATION,
        "multiplier": NUMBER,
        "jitter_factor": NUMBER,
    },
    shorthand="type",
)

BACKOFFS = Kind("a table of back-offs, by category, code or built-in exception type", lambda value: value).or_false()
"""Its keys are free, so it is read by itself."""

RETRY = Table(
    "a retry policy",
    RetryPolicy,
    {
        "preset": TEXT.or_false(),
        "name": TEXT,
        "max_attempts": WHOLE,
        "backoff": BACKOFF,
        "backoff_for": BACKOFFS,
        "retryable_categories": TEXTS,
        "retryable_codes": TEXTS,
        "non_retryable_codes": TEXTS,
        "retry_on": TYPES.or_false(),
        "attempt_timeout": DURATION.or_false(),
        "total_timeout": DURATION.or_false(),
        "timeout_mode": _TIMEOUT_MODE,
        "max_retry_after": DURATION.or_false(),
        "idempotent": YES_NO,
        "classify_results": YES_NO,
        "close_discarded": YES_NO,
    },
    in_code={
        "should_retry": _FUNCTION,
        "retry_on_result": _FUNCTION,
        "on_retry": _FUNCTION,
        "on_final_failure": _FUNCTION,
        "budget": "a budget is an object that policies share, so it is given in code",
    },
    shorthand="preset",
)

CIRCUIT_BREAKER = Table(
    "a circuit breaker",
    CircuitBreakerConfig,
    {
        "name": TEXT,
        "failure_threshold": WHOLE,
        "success_threshold": WHOLE,
        "failure_window": DURATION,
        "window_size": WHOLE.or_false(),
        "failure_rate_threshold": NUMBER.or_false(),
        "minimum_requests": WHOLE,
        "slow_call_duration_threshold": DURATION.or_false(),
        "slow_call_rate_threshold": NUMBER.or_false(),
        "reset_timeout": DURATION,
        "reset_timeout_multiplier": NUMBER,
        "max_reset_timeout": DURATION.or_false(),
        "half_open_max_calls": WHOLE,
        "probe_timeout": DURATION.or_false(),
        "timeout": DURATION.or_false(),
        "timeout_mode": _TIMEOUT_MODE,
        "ignore": TYPES.or_false(),
        "failure_on": TYPES.or_false(),
        "classify_results": YES_NO,
        "mode": choice(MODES),
        "history_size": WHOLE,
    },
    in_code={
        "fallback": _FUNCTION,
        "on_state_change": _FUNCTION,
        "on_open": _FUNCTION,
        "on_close": _FUNCTION,
    },
)

RATE_LIMIT = Table(
    "a rate limit",
    RateLimiterConfig,
    {
        "name": TEXT,
        "limit": WHOLE,
        "period": DURATION,
        "buckets": WHOLE.or_false(),
        "rate": NUMBER,
        "capacity": WHOLE,
        "queue_timeout": DURATION.or_false(),
        "max_queue": WHOLE,
    },
    in_code={"on_reject": _FUNCTION},
)

BULKHEAD = Table(
    "a bulkhead",
    BulkheadConfig,
    {"name": TEXT, "max_concurrent": WHOLE, "max_queue": WHOLE, "queue_timeout": DURATION.or_false()},
    in_code={"on_reject": _FUNCTION},
)

TIMEOUT = Table(
    "a timeout",
    TimeoutConfig,
    {"seconds": DURATION, "mode": _TIMEOUT_MODE},
    in_code={"fallback": "what answers is given in code", "on_timeout": _FUNCTION},
    shorthand="seconds",
)

POLICY = Table(
    "a policy",
    None,  # ResiliencePolicy is loaded when policies are made
    {
        "preset": TEXT.or_false(),
        "retry": RETRY,
        "circuit_breaker": CIRCUIT_BREAKER,
        "rate_limit": RATE_LIMIT,
        "bulkhead": BULKHEAD,
        "timeout": DURATION.or_false(),
        "total_timeout": DURATION.or_false(),
        "timeout_mode": _TIMEOUT_MODE,
        "fallback": TEXT.or_false(),
    },
)

SECTIONS: dict[str, Table] = {
    "policies": POLICY,
    "retry": RETRY.without("name"),
    "timeouts": TIMEOUT,
    "circuit_breakers": CIRCUIT_BREAKER.without("name"),
    "bulkheads": BULKHEAD.without("name"),
    "rate_limits": RATE_LIMIT.without("name"),
}
"""Each holds tables by name."""

SHARED = {"circuit_breaker": "circuit_breakers", "rate_limit": "rate_limits", "bulkhead": "bulkheads"}
"""In which section the guards are that a policy may name instead of setting one up."""

TOP: Mapping[str, Any] = {"enabled": YES_NO, **SECTIONS}
