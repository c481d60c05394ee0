"""One policy for the whole call: which guards stand around it, how they are set, and whether they can work together."""

from __future__ import annotations

from ..fallback.manager import Fallback
from ..fallback.registry import as_fallback
from ..settings import optional_seconds
from ..timeout.config import as_mode
from ..typed import TYPE_CHECKING
from .checks import check
from .nesting import NESTED, OWNER, PARTS, merged, nested
from .parts import Parts
from .presets import PRESETS
from .worst_case import WorstCase, worst_case

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from typing import Any, ClassVar, Self, TypeAlias, TypedDict, Unpack

    from ..circuit_breaker.bulkhead.config import BulkheadConfig
    from ..circuit_breaker.config import CircuitBreakerConfig
    from ..rate_limit.config import RateLimiterConfig, SlidingWindow, TokenBucket
    from ..retry.policy import RetryPolicy
    from ..timeout.config import Mode

    Fields: TypeAlias = Mapping[str, Any]

    class ResilienceFields(TypedDict, total=False):
        """All that may be said of a policy; `ResiliencePolicy` tells what each means."""

        retry: RetryPolicy | Fields | str | None
        circuit_breaker: CircuitBreakerConfig | Fields | None
        rate_limit: RateLimiterConfig | TokenBucket | SlidingWindow | Fields | None
        bulkhead: BulkheadConfig | Fields | None
        timeout: float | timedelta | None
        total_timeout: float | timedelta | None
        timeout_mode: Mode
        fallback: Any


class ResiliencePolicy(Parts):
    """All the guards around one kind of call. Frozen; `replace()` makes a changed copy.

    From the outermost to the innermost; each may be left out:

    * `fallback`: what answers when all else has failed: a function (of the error, if it takes one), plain or async; a
      `LastGood`; a list of answers; a `FallbackConfig`; a `Fallback`, which others may share; or the name of one that
      is registered. Default None: errors come out.
    * `total_timeout`: seconds, or a `timedelta`, that the whole call may take, waits included.
    * `retry`: a `RetryPolicy`, its fields as a mapping, or the name of one. Each attempt passes all that follows.
    * `circuit_breaker`: a `CircuitBreakerConfig`, or its fields.
    * `rate_limit`: a `RateLimiterConfig`, a `TokenBucket`, a `SlidingWindow`, or fields such as
      ``{"limit": 100, "period": 60}`` or ``{"rate": 10, "capacity": 20}``.
    * `bulkhead`: a `BulkheadConfig`, or its fields.
    * `timeout`: seconds, or a `timedelta`, that one attempt may take, once it is let in.

    And `timeout_mode`: what the two limits do to a plain function. "thread" (the default): it runs in a worker thread,
    and its caller goes on in time. "cooperative": it stays in its caller's thread, and is not stopped.

    A mapping changes what is there, so `policy.replace(retry={"max_attempts": 5})` keeps the policy's back-off.
    Breaker, limiter and bulkhead are shared by name: by their own, if it was given, else by that under which the policy
    is used.

    >>> policy = ResiliencePolicy(retry={"max_attempts": 4}, bulkhead={"max_concurrent": 5}, timeout=2)
    >>> policy.worst_case.attempts
    4
    >>> print(ResiliencePolicy(retry="conservative", timeout=10).describe())
    retry            'conservative': 2 attempts, 2 s apart, after errors that are TRANSIENT; total_timeout 10 s
    timeout          10 s for each attempt; a plain function runs in a worker thread
    the call
    At worst: 2 attempts, 10 s.

    Raises `ConfigurationError`, when the policy is made, for what cannot work, alone or together, and if it has no
    guard at all.
    """

    _parts: ClassVar[Any] = PARTS

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[ResilienceFields]) -> None: ...

    def _validate(self) -> None:
        mine = self.__dict__
        for field in NESTED:
            mine[field] = nested(field, mine[field])
        for field in ("timeout", "total_timeout"):
            mine[field] = optional_seconds(OWNER, field, mine[field])
        mine["timeout_mode"] = as_mode(OWNER, "timeout_mode", self.timeout_mode)
        if not isinstance(self.fallback, (Fallback, type(None))):
            mine["fallback"] = as_fallback(OWNER, self.fallback)
        check(self)

    def replace(self, **changes: Unpack[ResilienceFields]) -> Self:  # type: ignore[override]
        """Return a copy with these fields changed, checked as a new one would be.

        A mapping changes only the fields that it names; anything else takes the place of what is there, None too. With
        a `total_timeout` that is shorter than the `timeout` that was there, an attempt may take all of it.

        >>> ResiliencePolicy.api().replace(bulkhead={"max_concurrent": 5}).bulkhead
        BulkheadConfig(max_concurrent=5, max_queue=100)
        """
        fields: dict[str, Any] = {name: merged(name, getattr(self, name, None), new) for name, new in changes.items()}
        if self.timeout is not None and "timeout" not in changes:
            total = optional_seconds(OWNER, "total_timeout", fields.get("total_timeout"))
            if total is not None and total < self.timeout:
                fields["timeout"] = total
        return super().replace(**fields)

    @property
    def worst_case(self) -> WorstCase:
        """How many attempts a call may make, and how long it may take."""
        return worst_case(self)

    def describe(self) -> str:
        """Return in words which guards a call passes, from the outermost to the innermost, and what it may come to."""
        from .description import description

        return description(self)

    @classmethod
    def api(cls, **changes: Unpack[ResilienceFields]) -> Self:
        """Return the policy for calls of an API: three attempts, 30 s each, 50 at once.

        The circuit opens after 5 failures, for 60 s; 100 calls may wait. `changes` are made as by `replace`.

        >>> ResiliencePolicy.api(timeout=5).timeout
        5.0
        """
        return cls(**PRESETS["api"]).replace(**changes)

    @classmethod
    def ai(cls, **changes: Unpack[ResilienceFields]) -> Self:
        """Return the policy for calls of a language model: three patient attempts, 120 s each, 10 at once.

        A rate limit is waited for as long as the server asks (up to 300 s). The circuit opens after 3 failures, for
        120 s; 50 calls may wait. `changes` are made as by `replace`.

        >>> ResiliencePolicy.ai().bulkhead
        BulkheadConfig()
        """
        return cls(**PRESETS["ai"]).replace(**changes)

    @classmethod
    def database(cls, **changes: Unpack[ResilienceFields]) -> Self:
        """Return the policy for a database: three attempts, 30 s each, 100 at once.

        The circuit opens after 10 failures, for 30 s; 200 calls may wait. A plain function stays in its thread, as
        connections and sessions do, so give `time_left()` to the driver. `changes` are made as by `replace`.

        >>> ResiliencePolicy.database(retry="network").retry
        'network'
        """
        return cls(**PRESETS["database"]).replace(**changes)

    @classmethod
    def external(cls, **changes: Unpack[ResilienceFields]) -> Self:
        """Return the policy for a service of somebody else: three quick attempts, 15 s each, 20 at once.

        The circuit opens after 5 failures, for 60 s; 50 calls may wait. `changes` are made as by `replace`.

        >>> ResiliencePolicy.external().timeout
        15.0
        """
        return cls(**PRESETS["external"]).replace(**changes)

    @classmethod
    def critical(cls, **changes: Unpack[ResilienceFields]) -> Self:
        """Return the policy for what has to be tried whatever happens: five attempts, 60 s each, 5 at once.

        There is no circuit breaker; 10 calls may wait. `changes` are made as by `replace`.

        >>> ResiliencePolicy.critical().circuit_breaker is None
        True
        """
        return cls(**PRESETS["critical"]).replace(**changes)
