"""Circuit breakers by name: one for each dependency, shared by all who call it."""

from __future__ import annotations

from ..errors import ConfigurationError
from ..records import Record
from ..registry import GuardRegistry
from ..settings import shown, whole_number
from ..typed import TYPE_CHECKING
from .breaker import CircuitBreaker
from .config import CircuitBreakerConfig, CircuitMetrics, CircuitState
from .herald import Relay, without

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, Unpack

    from ..clock import Clock
    from .config import NamelessFields
    from .events import CircuitStateChanged

_DEFAULT = CircuitBreakerConfig()


class CircuitHealth(Record):
    """How many breakers are in which state, and the names of the unhealthy (open or half-open) ones."""

    total: int
    closed: int
    open: int
    half_open: int
    healthy: tuple[str, ...]
    unhealthy: tuple[str, ...]


class BreakerRegistry(GuardRegistry[CircuitBreaker]):
    """Breakers by name, made at their first use; thread-safe.

    `max_breakers` bounds how many there are (default 10,000), so that there may be one for each host or tenant: beyond
    it the closed one goes that was asked for least recently. One that is open or half-open never goes, and none to
    which a decorated function is bound by its name.

    >>> registry = BreakerRegistry()
    >>> registry.get_or_create("search", failure_threshold=3) is registry.get_or_create("search")
    True

    Raises `ConfigurationError` if `max_breakers` is no whole number of at least 1.
    """

    kind = "circuit breaker"
    config_type = CircuitBreakerConfig

    def __init__(self, *, max_breakers: int = 10_000, clock: Clock | None = None) -> None:
        super().__init__(whole_number("BreakerRegistry", "max_breakers", max_breakers))
        self._clock = clock
        self._relay = Relay()
        self._told = {"state_change": (self._relay,)}

    def get_or_create(
        self,
        name: str,
        config: CircuitBreakerConfig | None = None,
        *,
        replace: bool = False,
        **overrides: Unpack[NamelessFields],
    ) -> CircuitBreaker:
        """Return the breaker of that name, made now if there is none.

        Raises `ConfigurationError` if there is one with another config than the one given here, unless `replace` is
        true, which puts a new one in its place. Calls under way end in the old one; decorated functions use the new one
        from their next call on.
        """
        return self.obtain(name, self.wanted(config, overrides), checked=True, replace=replace)

    def _make(self, name: str, config: CircuitBreakerConfig | None) -> CircuitBreaker:
        return CircuitBreaker(
            _DEFAULT if config is None else config, name=name, clock=self._clock, listeners=self._told
        )

    def _may_go(self, guard: CircuitBreaker) -> bool:
        return guard.is_at_rest

    def get_all_metrics(self) -> dict[str, CircuitMetrics]:
        """Return the metrics of all breakers by name."""
        return {name: breaker.metrics for name, breaker in self.get_all().items()}

    def get_by_state(self, state: CircuitState) -> dict[str, CircuitBreaker]:
        """Return the breakers that are in that state now, by name."""
        return {name: breaker for name, breaker in self.get_all().items() if breaker.state is state}

    def reset_all(self) -> None:
        """Close all breakers and forget what they have counted."""
        for breaker in self.get_all().values():
            breaker.reset()

    def get_health_summary(self) -> CircuitHealth:
        """Return how many breakers are in which state."""
        states = {name: breaker.state for name, breaker in self.get_all().items()}
        healthy = tuple(name for name, state in states.items() if state is CircuitState.CLOSED)
        return CircuitHealth(
            total=len(states),
            closed=len(healthy),
            open=sum(state is CircuitState.OPEN for state in states.values()),
            half_open=sum(state is CircuitState.HALF_OPEN for state in states.values()),
            healthy=healthy,
            unhealthy=tuple(name for name in states if name not in healthy),
        )

    def on(
        self, event: Literal["state_change"], listener: Callable[[CircuitStateChanged], object]
    ) -> Callable[[], None]:
        """Call `listener` with each change of state of any breaker; return a function that ends it.

        Raises `ConfigurationError` for another event, and for what cannot be called.
        """
        CircuitBreaker(_DEFAULT).on(event, listener)()  # refuses what no breaker would take
        if event != "state_change":
            raise ConfigurationError(f"on: a registry only tells of 'state_change', not of {shown(event)}")

        def unsubscribe() -> None:
            with self._lock:
                self._relay.listeners = without(self._relay.listeners, listener)

        with self._lock:
            self._relay.listeners = (*self._relay.listeners, listener)
        return unsubscribe


_process_wide = BreakerRegistry()


def get_breaker_registry() -> BreakerRegistry:
    """Return the registry of this process, in which `with_circuit_breaker` finds its breakers."""
    return _process_wide


def create_circuit_breaker(name: str, **fields: Unpack[NamelessFields]) -> CircuitBreaker:
    """Return a breaker with these fields that is in no registry.

    >>> create_circuit_breaker("search", failure_threshold=3).config.failure_threshold
    3

    Raises `ConfigurationError` as `CircuitBreakerConfig` does.
    """
    return CircuitBreaker(CircuitBreakerConfig(name=name, **fields))
