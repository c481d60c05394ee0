"""Circuit breakers by name: one for each dependency, shared by all who call it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ..records import Record, did_you_mean
from ..settings import shown, text, whole_number
from .breaker import CircuitBreaker
from .config import CircuitBreakerConfig, CircuitMetrics, CircuitState

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


class BreakerRegistry:
    """Breakers by name, made at their first use; thread-safe.

    `max_breakers` bounds how many there are at once (default 10,000): beyond it the closed one that was asked for least
    recently goes. One that is open or half-open never goes.

    >>> registry = BreakerRegistry()
    >>> registry.get_or_create("search", failure_threshold=3) is registry.get_or_create("search")
    True

    Raises `ConfigurationError` if `max_breakers` is no whole number of at least 1.
    """

    def __init__(self, *, max_breakers: int = 10_000, clock: Clock | None = None) -> None:
        self._most = whole_number("BreakerRegistry", "max_breakers", max_breakers)
        self._clock = clock
        self._breakers: dict[str, CircuitBreaker] = {}
        self._listeners: tuple[Callable[[CircuitStateChanged], object], ...] = ()
        self._lock = threading.RLock()
        self._told = {"state_change": (self._changed,)}

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
        true, which puts a new one in its place.
        """
        wanted = as_config(config, overrides)
        text("BreakerRegistry", "name", name)
        with self._lock:
            breaker = self._breakers.get(name)
            if breaker is not None and not replace:
                if wanted is not None and wanted != breaker.config:
                    raise ConfigurationError(
                        f"there is a circuit breaker {name!r} already, with {breaker.config!r}, not {wanted!r}; "
                        "give it another name, leave the config out, or say replace=True"
                    )
                self._breakers[name] = self._breakers.pop(name)  # most recently asked for
                return breaker
            breaker = CircuitBreaker(
                _DEFAULT if wanted is None else wanted, name=name, clock=self._clock, listeners=self._told
            )
            self._breakers.pop(name, None)
            self._breakers[name] = breaker
            self._make_room()
            return breaker

    def _make_room(self) -> None:
        if len(self._breakers) <= self._most:
            return
        newest = next(reversed(self._breakers))
        for name, breaker in self._breakers.items():
            if breaker.state is CircuitState.CLOSED and name != newest:
                self.remove(name)
                return

    def get(self, name: str) -> CircuitBreaker:
        """Return the breaker of that name; raise `LookupError`, with the nearest name, if there is none."""
        breaker = self._breakers.get(name)
        if breaker is None:
            raise LookupError(
                f"there is no circuit breaker named {shown(name)}; {did_you_mean(name, tuple(self._breakers))}"
            )
        return breaker

    def has(self, name: str) -> bool:
        """Whether there is a breaker of that name."""
        return name in self._breakers

    def remove(self, name: str) -> bool:
        """Drop the breaker of that name; return whether there was one. Who holds it can go on using it."""
        with self._lock:
            return self._breakers.pop(name, None) is not None

    def get_all(self) -> dict[str, CircuitBreaker]:
        """Return all breakers by name."""
        with self._lock:
            return dict(self._breakers)

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
                self._listeners = tuple(each for each in self._listeners if each is not listener)

        with self._lock:
            self._listeners = (*self._listeners, listener)
        return unsubscribe

    def _changed(self, event: CircuitStateChanged) -> None:
        for listener in self._listeners:
            listener(event)


def as_config(config: Any, overrides: NamelessFields) -> CircuitBreakerConfig | None:
    """Return what was given as one config, or None if nothing was."""
    if config is None:
        return CircuitBreakerConfig(**overrides) if overrides else None
    if not isinstance(config, CircuitBreakerConfig):
        raise ConfigurationError(f"a circuit breaker's config must be a CircuitBreakerConfig, not {shown(config)}")
    return config.replace(**overrides) if overrides else config


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
