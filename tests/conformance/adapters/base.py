"""What scenarios ask of a library. Whatever an adapter does not override, its library does not offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..endings import NotOfferedError
from ..labs import Door, Lab

Function = Callable[..., Any]

BOTH: frozenset[Door] = frozenset({"sync", "async"})
SYNC: frozenset[Door] = frozenset({"sync"})
ASYNC: frozenset[Door] = frozenset({"async"})


class Breaker:
    """A circuit breaker of some library."""

    refusals: tuple[type[BaseException], ...] = ()
    """What callers get from an open circuit."""

    def __init__(self, guard: Callable[[Function], Function]) -> None:
        self._guard = guard

    def guard(self, function: Function) -> Function:
        """The function behind this breaker."""
        return self._guard(function)


class Bulkhead:
    """A limit of how many run at once."""

    refusals: tuple[type[BaseException], ...] = ()
    waiting: Callable[[], int] | None = None
    """How many are in its queue, if that can be asked."""

    def __init__(self, guard: Callable[[Function], Function]) -> None:
        self._guard = guard

    def guard(self, function: Function) -> Function:
        """The function behind this bulkhead."""
        return self._guard(function)


class Limiter:
    """A limit of how many begin per time."""

    refusals: tuple[type[BaseException], ...] = ()
    most: Callable[[float], float]
    """How many it may admit in a window so long, by its kind."""
    waits = True
    """Whether it lets callers wait; else it refuses them."""

    def guard(self, function: Function, cost: int = 1) -> Function:
        """The function, which begins when the limiter lets it."""
        raise NotImplementedError


class Adapter:
    """How a library does what it offers."""

    name = ""
    package = ""
    """The importable package."""
    patterns: Mapping[str, frozenset[Door]] = {}
    """Which patterns it has, for which doors."""
    failure: type[Exception] = ConnectionError
    """An error that it would retry and that counts as a failure."""

    def retry(self, lab: Lab, function: Function, *, attempts: int = 3, delay: float = 0.0, **options: Any) -> Function:
        """The function, tried again after `failure`.

        Options: `total`, the limit of the whole call in seconds; `attempt_limit`, of each attempt; `jittered` and
        `growing`, a first delay and its bound (doubling in between); `told`, a function of the error that gives the
        seconds a server asked to wait; `bad`, a function of results; `on_retry`, a callback without arguments;
        `broad`, to retry after every Exception.
        """
        raise NotOfferedError

    def breaker(self, lab: Lab, *, failures: int = 3, reset: float = 0.1, **options: Any) -> Breaker:
        """A breaker that opens after so many failures in a row, with one probe at a time that closes it.

        Options: `ignore`, exception types that say nothing, with `ignored_in_a_row` and `ignored_probe` if the scenario
        is about what they leave as it was; `window`, seconds after which failures are forgotten;
        `listener`, a callback without arguments, called when the state changes.
        """
        raise NotOfferedError

    def one_probe(self, breaker: Breaker) -> None:
        """Say that the library does not offer to bound the probes that run at once, by raising `NotOfferedError`."""

    def bulkhead(self, lab: Lab, *, permits: int, queue: int = 0, patience: float = 5.0) -> Bulkhead:
        """At most `permits` calls run, `queue` more wait, each so many seconds at most."""
        raise NotOfferedError

    def timeout(self, lab: Lab, function: Function, seconds: float) -> Function:
        raise NotOfferedError

    def timeout_errors(self) -> tuple[type[BaseException], ...]:
        """What callers get of a call that took too long."""
        return (TimeoutError,)

    def limiter(self, lab: Lab, *, limit: int, period: float, patience: float | None = None) -> Limiter:
        """At most so many calls per period; callers wait as long as `patience` says, None: without end."""
        raise NotOfferedError

    def fallback(self, lab: Lab, function: Function, answer: Function) -> Function:
        """The function; if it fails, `answer()` is given instead."""
        raise NotOfferedError

    def retry_around_breaker(self, lab: Lab, function: Function, breaker: Breaker) -> Function:
        """Three attempts through the breaker, as the library composes the two."""
        return self.retry(lab, breaker.guard(function), attempts=3, delay=0.05)

    def breaker_around_bulkhead(self, lab: Lab, function: Function, *, failures: int) -> tuple[Function, Function]:
        """The function behind both, with one permit and no queue; and behind the breaker alone."""
        raise NotOfferedError

    def bulkhead_around_timeout(self, lab: Lab, function: Function, *, permits: int, seconds: float) -> Function:
        raise NotOfferedError

    def fallback_around_breaker(
        self, lab: Lab, function: Function, value: str
    ) -> tuple[Function, Callable[[], object]]:
        """The function behind a breaker, with `value` for what fails or is refused; and how to open the circuit."""
        raise NotOfferedError


def unknown(options: Mapping[str, Any], *known: str) -> None:
    """Say that the library does not offer what is asked with an option that the adapter does not know."""
    for name in options:
        if name not in known:
            raise NotOfferedError(name)


__all__ = ["ASYNC", "BOTH", "SYNC", "Adapter", "Breaker", "Bulkhead", "Function", "Lab", "Limiter", "unknown"]
