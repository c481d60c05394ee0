"""How long to wait before the next attempt.

With i counting from 0 for the first wait, the delay before jitter is

====================  ================================================================================
fixed                 initial
linear                initial + i * multiplier
exponential           initial * multiplier ** i
decorrelated-jitter   random between initial and 3 * the last delay
full-jitter           random between 0 and the exponential delay
a function            function(i)
====================  ================================================================================

It is capped by `max_delay` first and jittered second: the result is drawn evenly from d * (1 - j) to d * (1 + j), but
never above the cap, and for decorrelated jitter never outside its own range. Jittering after capping is what keeps a
thousand clients that have all reached the cap from coming back in the same instant.

Full and decorrelated jitter are those of Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

from ..errors.exceptions import ConfigurationError
from ..records import did_you_mean
from ..settings import Settings, fraction, number, optional_callable, seconds, shown
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from typing import Any, Literal, TypeAlias, TypedDict, Unpack

    BackoffType: TypeAlias = Literal["fixed", "linear", "exponential", "decorrelated-jitter", "full-jitter"]

    class CurveFields(TypedDict, total=False):
        """What may be said of a back-off of a given type; durations are seconds or a `timedelta`."""

        initial_delay: float | timedelta
        max_delay: float | timedelta
        multiplier: float
        jitter_factor: float

    class BackoffFields(CurveFields, total=False):
        """All that may be said of a back-off."""

        type: BackoffType | Callable[[int], float]


BACKOFF_TYPES: tuple[BackoffType, ...] = ("fixed", "linear", "exponential", "decorrelated-jitter", "full-jitter")

_NOT_GIVEN: Any = None
_A_DAY = 86_400.0


class BackoffConfig(Settings):
    """The shape of the waits between attempts. All durations in seconds (a `timedelta` is accepted).

    * `type`: "fixed", "linear", "exponential" (default), "decorrelated-jitter", "full-jitter", or a function that is
      given 0 for the first wait, 1 for the second …, and returns seconds.
    * `initial_delay`: the first delay, before jitter. Default 1.
    * `max_delay`: no delay is ever longer. Default 1 for fixed, 30 for linear, a day for a function, else 60; at least
      `initial_delay`.
    * `multiplier`: the factor of "exponential" and "full-jitter" (default 2, at least 1); the seconds added each time
      for "linear" (default 1). The other types do not use it.
    * `jitter_factor`: from 0 (default) to 1; 0.5 spreads each delay by up to half of itself either way.

    >>> BackoffConfig(initial_delay=1, max_delay=5).delays(4)
    ((1.0, 1.0), (2.0, 2.0), (4.0, 4.0), (5.0, 5.0))
    >>> BackoffConfig(type="fixed", initial_delay=10, jitter_factor=0.2, max_delay=30).delays(1)
    ((8.0, 12.0),)

    Raises `ConfigurationError` for an unknown type, a negative, infinite or NaN duration, a `max_delay` below
    `initial_delay`, a multiplier out of range, or a `jitter_factor` outside 0 to 1.
    """

    type: BackoffType | Callable[[int], float] = "exponential"
    initial_delay: float = 1.0
    max_delay: float = _NOT_GIVEN
    multiplier: float = _NOT_GIVEN
    jitter_factor: float = 0.0

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[BackoffFields]) -> None: ...

        def replace(self, **changes: Unpack[BackoffFields]) -> BackoffConfig:  # type: ignore[override]
            """Return a copy with these fields changed, checked as a new one would be."""

    def _validate(self) -> None:
        mine = self.__dict__
        kind = mine["type"] = str.__str__(mine["type"]) if isinstance(mine["type"], str) else mine["type"]
        if not callable(kind) and kind not in BACKOFF_TYPES:
            raise ConfigurationError(
                f"BackoffConfig: type cannot be {shown(kind)}; {did_you_mean(kind, BACKOFF_TYPES)}"
            )
        if callable(kind):
            optional_callable("BackoffConfig", "type", kind, "(attempt) -> seconds")
        initial = mine["initial_delay"] = seconds("BackoffConfig", "initial_delay", self.initial_delay)
        if mine["max_delay"] is None:
            usual = _A_DAY if callable(kind) else {"fixed": 1.0, "linear": 30.0}.get(kind, 60.0)
            mine["max_delay"] = max(usual, initial)
        mine["max_delay"] = seconds("BackoffConfig", "max_delay", self.max_delay)
        if self.max_delay < initial:
            raise ConfigurationError(
                f"BackoffConfig: max_delay must be at least initial_delay ({initial:g} s), not {self.max_delay:g} s"
            )
        if mine["multiplier"] is None:
            mine["multiplier"] = 1.0 if kind in ("linear", "fixed") else 2.0
        grows = kind in ("exponential", "full-jitter")
        hint = "below 1, delays would shrink" if grows else "for linear back-off: the seconds added each time"
        mine["multiplier"] = number("BackoffConfig", "multiplier", self.multiplier, least=1 if grows else 0, hint=hint)
        mine["jitter_factor"] = fraction("BackoffConfig", "jitter_factor", self.jitter_factor)

    def delays(self, count: int) -> tuple[tuple[float, float], ...]:
        """Return the shortest and the longest possible delay, in seconds, of each of the first `count` waits."""
        lowest = BackoffStrategy(self, random=lambda: 0.0)
        highest = BackoffStrategy(self, random=lambda: 1.0)
        return tuple((lowest.next_delay(i), highest.next_delay(i)) for i in range(count))


DEFAULT_BACKOFF: dict[str, BackoffConfig] = {
    "fixed": BackoffConfig(type="fixed", initial_delay=1, max_delay=1),
    "linear": BackoffConfig(type="linear", initial_delay=1, max_delay=30, multiplier=1),
    "exponential": BackoffConfig(type="exponential", initial_delay=1, max_delay=60, multiplier=2),
    "decorrelated-jitter": BackoffConfig(type="decorrelated-jitter", initial_delay=1, max_delay=60, jitter_factor=0.5),
    "full-jitter": BackoffConfig(type="full-jitter", initial_delay=1, max_delay=60, multiplier=2),
}
"""What `create_backoff` starts from, for each type."""


class BackoffStrategy:
    """The delays of one guarded call: a `BackoffConfig` with the memory that decorrelated jitter needs.

    `random` gives numbers from 0 to 1; pass your own for exact delays. Not to be shared between calls.

    >>> strategy = BackoffStrategy(BackoffConfig(initial_delay=0.5, multiplier=3))
    >>> [strategy.next_delay(i) for i in range(3)]
    [0.5, 1.5, 4.5]
    >>> strategy.total_delay_for(3)
    6.5
    """

    __slots__ = ("_last", "_random", "config")

    def __init__(self, config: BackoffConfig, *, random: Callable[[], float] | None = None) -> None:
        if not isinstance(config, BackoffConfig):
            raise ConfigurationError(
                f"BackoffStrategy: config must be a BackoffConfig, not {shown(config)}; create_backoff takes a type"
            )
        optional_callable("BackoffStrategy", "random", random, "() -> number from 0 to 1")
        self.config = config
        self._random = _chance if random is None else random
        self._last = config.initial_delay

    def next_delay(self, attempt: int) -> float:
        """Return the seconds to wait after failed attempt number `attempt`, counted from 0.

        Raises `ConfigurationError` if `attempt` is negative or no whole number. A function given as the type may raise
        what it likes; a delay of its that is negative, NaN or no number is a `ConfigurationError`.
        """
        if type(attempt) is not int or attempt < 0:
            raise ConfigurationError(f"next_delay: attempt must be a whole number from 0 on, not {shown(attempt)}")
        config = self.config
        cap, jitter = config.max_delay, config.jitter_factor
        lowest, highest = 0.0, cap
        kind: Any = config.type
        if kind == "exponential":
            delay = _power(config.initial_delay, config.multiplier, attempt, cap)
        elif kind == "full-jitter":
            delay = self._random() * _power(config.initial_delay, config.multiplier, attempt, cap)
        elif kind == "decorrelated-jitter":
            lowest, highest = config.initial_delay, max(config.initial_delay, min(cap, 3 * self._last))
            delay = _between(lowest, highest, self._random())
        elif kind == "linear":
            delay = min(cap, config.initial_delay + min(attempt, 1 << 64) * config.multiplier)
        elif kind == "fixed":
            delay = config.initial_delay
        else:
            given = kind(attempt)
            delay = min(cap, seconds("BackoffConfig", f"the delay that {kind!r} returned", given))
        if jitter:
            delay = _between(max(lowest, delay * (1 - jitter)), min(highest, delay * (1 + jitter)), self._random())
        self._last = delay
        return delay

    def reset(self) -> None:
        """Forget the delays given so far, as for a new call."""
        self._last = self.config.initial_delay

    def total_delay_for(self, attempts: int) -> float:
        """Return the longest that the first `attempts` waits can take together, in seconds; jitter at its most."""
        return sum(high for _, high in self.config.delays(attempts))


def create_backoff(
    type: BackoffType | Callable[[int], float] = "exponential",  # noqa: A002
    **fields: Unpack[CurveFields],
) -> BackoffStrategy:
    """Return a strategy of this type, with the fields of `DEFAULT_BACKOFF` where none are given.

    >>> create_backoff("linear", initial_delay=2).next_delay(1)
    3.0

    Raises `ConfigurationError` as `BackoffConfig` does.
    """
    base = None if callable(type) else DEFAULT_BACKOFF.get(type)
    if base is not None:
        fields.setdefault("jitter_factor", base.jitter_factor)  # all other defaults are BackoffConfig's own
    return BackoffStrategy(BackoffConfig(type=type, **fields))


def _chance() -> float:
    import random

    return random.random()  # noqa: S311  jitter, not a secret


def _power(initial: float, multiplier: float, exponent: int, cap: float) -> float:
    if not initial:
        return 0.0
    try:
        return min(cap, initial * multiplier**exponent)
    except OverflowError:
        return cap


def _between(low: float, high: float, share: float) -> float:
    # Both guards are for rounding, which may carry the sum past an edge by one unit in the last place.
    return max(low, min(high, low + (high - low) * share))
