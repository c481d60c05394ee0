"""What a policy is made of, for those who judge and describe it."""

from __future__ import annotations

from ..retry.presets import RETRY_POLICIES
from ..settings import Settings
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from ..circuit_breaker.bulkhead.config import BulkheadConfig
    from ..circuit_breaker.config import CircuitBreakerConfig
    from ..fallback.config import FallbackConfig
    from ..fallback.manager import Fallback
    from ..rate_limit.config import RateLimiterConfig
    from ..retry.policy import RetryPolicy
    from ..timeout.config import Mode


class Parts(Settings):
    """The fields of a `ResiliencePolicy`, which tells what each means."""

    retry: RetryPolicy | str | None = None
    circuit_breaker: CircuitBreakerConfig | None = None
    rate_limit: RateLimiterConfig | None = None
    bulkhead: BulkheadConfig | None = None
    timeout: float | None = None
    total_timeout: float | None = None
    timeout_mode: Mode = "thread"
    fallback: FallbackConfig | Fallback | str | None = None

    @property
    def retry_policy(self) -> RetryPolicy | None:
        """What `retry` stands for now; None if there is none, or nothing is registered under its name."""
        return RETRY_POLICIES.get(self.retry) if isinstance(self.retry, str) else self.retry
