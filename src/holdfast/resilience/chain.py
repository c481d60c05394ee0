"""The guards of a policy around a function, each a wrapper around the next, and how they are found by name."""

from __future__ import annotations

from .._runtime.system import as_clock
from ..circuit_breaker import guard as breaker_guard
from ..circuit_breaker.bulkhead import guard as bulkhead_guard
from ..circuit_breaker.bulkhead.registry import BulkheadRegistry, get_bulkhead_registry
from ..circuit_breaker.registry import BreakerRegistry, get_breaker_registry
from ..errors import ConfigurationError, get_error_classifier
from ..fallback.guard import wrap as wrap_fallback
from ..fallback.manager import Fallback
from ..fallback.registry import bind_fallback
from ..functions import is_async
from ..rate_limit import guard as limiter_guard
from ..rate_limit.registry import RateLimiterRegistry, get_rate_limiter_registry
from ..registry import Binding
from ..retry.guard import guard as guard_retry
from ..retry.source import PolicySource
from ..settings import shown
from ..timeout.config import TimeoutConfig
from ..timeout.guard import TimeGuard, wrap as wrap_timeout
from ..timeout.manager import get_timeout_manager
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from ..clock import Clock
    from ..fallback.memory import Memory
    from ..timeout.config import Mode
    from .policy import ResiliencePolicy


class Surroundings:
    """Where the guards of policies are found by their names, and the clock that the others go by."""

    __slots__ = ("bulkhead", "circuit_breaker", "clock", "rate_limit")

    def __init__(
        self,
        clock: Clock | None,
        breakers: BreakerRegistry | None,
        bulkheads: BulkheadRegistry | None,
        rate_limiters: RateLimiterRegistry | None,
    ) -> None:
        self.clock = as_clock(clock)
        own = clock is not None  # the guards of the process-wide registries go by the real one
        self.circuit_breaker: BreakerRegistry = _registry(
            breakers, get_breaker_registry, BreakerRegistry, clock, own=own
        )
        self.bulkhead: BulkheadRegistry = _registry(bulkheads, get_bulkhead_registry, BulkheadRegistry, clock, own=own)
        self.rate_limit: RateLimiterRegistry = _registry(
            rate_limiters, get_rate_limiter_registry, RateLimiterRegistry, clock, own=own
        )


def _registry(given: Any, common: Callable[[], Any], kind: type[Any], clock: Clock | None, *, own: bool) -> Any:
    if given is None:
        return kind(clock=clock) if own else common()
    if not isinstance(given, kind):
        raise ConfigurationError(f"ResilienceManager: {shown(given)} is no {kind.__name__}")
    return given


class Shared:
    """A kind of guard that is shared by name: where it is in a policy, and how it is put around a function."""

    __slots__ = ("field", "wrap")

    def __init__(self, field: str, wrap: Callable[[Any, Any], Any]) -> None:
        self.field = field
        self.wrap = wrap


SHARED = (
    Shared("bulkhead", bulkhead_guard.wrap),
    Shared("rate_limit", limiter_guard.wrap),
    Shared("circuit_breaker", breaker_guard.wrap),
)
"""From the innermost to the outermost."""


def _shared(name: str, policy: ResiliencePolicy, around: Surroundings) -> Iterator[tuple[Shared, Any, Any, str]]:
    """Yield the shared guards that a policy has: the kind, its registry, its config, and the guard's name."""
    for kind in SHARED:
        config = getattr(policy, kind.field)
        if config is not None:
            yield kind, getattr(around, kind.field), config, config.own_name or name


def check_names(name: str, policy: ResiliencePolicy, around: Surroundings) -> None:
    """Raise `ConfigurationError` if a guard of such a name is there already, set to something else."""
    for _, registry, config, own in _shared(name, policy, around):
        if registry.has(own):
            registry.obtain(own, config, checked=True)


def settle(name: str, policy: ResiliencePolicy, around: Surroundings) -> None:
    """Have the guards that are there do as the policy says; those that do so already are left alone, state and all."""
    for _, registry, config, own in _shared(name, policy, around):
        if not registry.has(own):
            continue
        guard = registry.obtain(own)
        if guard.config != config.replace(name=own):
            guard.adjust(config)


def settle_registered(name: str, registered: Mapping[str, ResiliencePolicy], around: Surroundings) -> None:
    """Have the guards that are there do as what is registered says, also if somebody registers another meanwhile."""
    settled = None
    while (policy := registered.get(name)) is not settled:
        if policy is not None:
            settle(name, policy, around)
        settled = policy


def chain(
    name: str, policy: ResiliencePolicy, function: Callable[..., Any], around: Surroundings, memory: Memory
) -> Any:
    """Return the function in all the guards of the policy, the fallback outermost. `memory` is the fallback's."""
    clock = around.clock
    guarded = function
    attempt = policy.timeout
    if attempt is None and policy.timeout_mode == "thread" and not is_async(function):
        attempt = policy.total_timeout  # so that the function is in a worker when the time for the whole call is up
    if attempt is not None:
        guarded = _limited(name, guarded, attempt, policy.timeout_mode, clock)
    for kind, registry, config, own in _shared(name, policy, around):
        guarded = kind.wrap(registry.binding(own, config), guarded)
    if policy.retry is not None:
        guarded = guard_retry(guarded, PolicySource(policy.retry), clock, get_error_classifier(), name=name)
    if policy.total_timeout is not None:
        guarded = _limited(name, guarded, policy.total_timeout, "cooperative", clock, what="total_timeout", final=True)
    if policy.fallback is not None:
        given = policy.fallback
        bound = given if isinstance(given, str) else Fallback(given, name=name, clock=clock)
        guarded = wrap_fallback(bind_fallback(bound, guarded), guarded, memory)
    return guarded


def _limited(name: str, function: Any, seconds: float, mode: Mode, clock: Clock, **how: Any) -> Any:
    config = TimeoutConfig(name=name, seconds=seconds, mode=mode)
    guard = TimeGuard(name, lambda: config, get_timeout_manager(), clock, **how)
    return wrap_timeout(function, guard, Binding, is_settled=True)
