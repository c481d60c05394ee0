"""The guards of a policy around a function, each a wrapper around the next, and how they are found by name."""

from __future__ import annotations

from .._runtime.system import as_clock
from ..circuit_breaker import guard as breaker_guard
from ..circuit_breaker.bulkhead import guard as bulkhead_guard
from ..circuit_breaker.bulkhead.registry import BulkheadRegistry, get_bulkhead_registry
from ..circuit_breaker.registry import BreakerRegistry, get_breaker_registry
from ..errors import ConfigurationError, get_error_classifier
from ..fallback.answers import gives_awaitables
from ..fallback.config import FallbackConfig
from ..fallback.guard import check_fits, wrap as wrap_fallback
from ..fallback.manager import Fallback
from ..fallback.memory import Memory
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
    from collections.abc import Callable, Iterator
    from typing import Any

    from ..clock import Clock
    from ..registry import GuardRegistry
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

    def registry(self, field: str, config: Any) -> GuardRegistry[Any]:  # noqa: ARG002  a subclass looks at it
        """Return where the guards of that field of a policy are found."""
        found: GuardRegistry[Any] = getattr(self, field)
        return found

    def apart(self) -> Surroundings:
        """Return surroundings for one function, which shares only what has a name of its own in the policy."""
        return _Apart(self)


class _Apart(Surroundings):
    """Those of one function."""

    __slots__ = ("_common",)

    def __init__(self, common: Surroundings) -> None:
        clock = common.clock
        super().__init__(
            clock,
            BreakerRegistry(clock=clock),
            BulkheadRegistry(clock=clock),
            RateLimiterRegistry(clock=clock),
        )
        self._common = common

    def registry(self, field: str, config: Any) -> GuardRegistry[Any]:
        return self._common.registry(field, config) if config.own_name else super().registry(field, config)


def _registry(given: Any, common: Callable[[], Any], kind: type[Any], clock: Clock | None, *, own: bool) -> Any:
    if given is None:
        return kind(clock=clock) if own else common()
    if not isinstance(given, kind):
        raise ConfigurationError(f"ResilienceManager: {shown(given)} is no {kind.__name__}")
    return given


SHARED = ("bulkhead", "rate_limit", "circuit_breaker")
"""The fields of a policy with guards that are shared by name, from the innermost to the outermost."""

_WRAPPERS: dict[str, Callable[[Any, Any], Any]] = {
    BulkheadRegistry.kind: bulkhead_guard.wrap,
    RateLimiterRegistry.kind: limiter_guard.wrap,
    BreakerRegistry.kind: breaker_guard.wrap,
}


def shared(name: str, policy: ResiliencePolicy, around: Surroundings) -> Iterator[tuple[GuardRegistry[Any], Any, str]]:
    """Yield the guards that a policy shares by name: where it is found, its config, and its name."""
    for field in SHARED:
        config = getattr(policy, field)
        if config is not None:
            yield around.registry(field, config), config, config.own_name or name


class Kept:
    """What a function keeps when its chain of guards is made anew: last good values, and what its fallback counts."""

    __slots__ = ("_fallback", "memory")

    def __init__(self, function: Callable[..., Any], memory: type[Memory] = Memory) -> None:
        self.memory = memory(gives_awaitables=gives_awaitables(function))
        self._fallback: Fallback | None = None

    def fallback(self, given: FallbackConfig | Fallback | str, name: str, clock: Clock) -> Fallback | str:
        """Return what is given as a fallback, made now if it was not before."""
        if isinstance(given, FallbackConfig):
            if self._fallback is None or self._fallback.settings is not given:
                self._fallback = Fallback(given, name=given.own_name or name, clock=clock)
            return self._fallback
        return given


def chain(name: str, policy: ResiliencePolicy, function: Callable[..., Any], around: Surroundings, kept: Kept) -> Any:
    """Return the function in all the guards of the policy, the fallback outermost."""
    clock = around.clock
    guarded = function
    attempt = policy.timeout
    if attempt is None and policy.timeout_mode == "thread" and not is_async(function):
        attempt = policy.total_timeout  # so that the function is in a worker when the time for the whole call is up
    if attempt is not None:
        guarded = _limited(name, guarded, attempt, policy.timeout_mode, clock)
    for registry, config, own in shared(name, policy, around):
        guarded = _WRAPPERS[registry.kind](registry.binding(own, config), guarded)
    if policy.retry is not None:
        guarded = guard_retry(guarded, PolicySource(policy.retry), clock, get_error_classifier(), name=name)
    if policy.total_timeout is not None:
        guarded = _limited(name, guarded, policy.total_timeout, "cooperative", clock, what="total_timeout", final=True)
    if policy.fallback is not None:
        bound = bind_fallback(kept.fallback(policy.fallback, name, clock), guarded)
        guarded = wrap_fallback(bound, guarded, kept.memory)
    return guarded


def check_fallback(policy: ResiliencePolicy, function: Callable[..., Any]) -> None:
    """Raise TypeError if the fallback of a policy has to be awaited, and nobody would do that."""
    given = policy.fallback
    if isinstance(given, FallbackConfig):
        check_fits(Fallback(given), function)
    elif isinstance(given, Fallback):
        check_fits(given, function)


def _limited(name: str, function: Any, seconds: float, mode: Mode, clock: Clock, **how: Any) -> Any:
    config = TimeoutConfig(name=name, seconds=seconds, mode=mode)
    guard = TimeGuard(name, lambda: config, get_timeout_manager(), clock, **how)
    return wrap_timeout(function, guard, Binding, is_settled=True)
