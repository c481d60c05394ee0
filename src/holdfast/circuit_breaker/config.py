"""What a circuit breaker is set to, and what it tells of itself."""

from __future__ import annotations

from enum import StrEnum

from ..errors.exceptions import ConfigurationError
from ..records import Record, did_you_mean
from ..settings import (
    Settings,
    boolean,
    check_takes,
    fraction,
    number,
    optional_callable,
    optional_seconds,
    seconds,
    text,
    whole_number,
)
from ..timeout.config import as_mode
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime, timedelta
    from typing import Any, Literal, TypeAlias, TypedDict, Unpack

    from ..timeout.config import Mode as TimeoutMode

    Kinds: TypeAlias = tuple[type, ...] | Callable[[Exception], object] | None
    Mode: TypeAlias = Literal["normal", "shadow", "disabled"]

    class NamelessFields(TypedDict, total=False):
        """What may be said of a circuit breaker whose name is given; `CircuitBreakerConfig` tells what each means."""

        failure_threshold: int
        success_threshold: int
        failure_window: float | timedelta
        window_size: int | None
        failure_rate_threshold: float | None
        minimum_requests: int
        slow_call_duration_threshold: float | timedelta | None
        slow_call_rate_threshold: float | None
        reset_timeout: float | timedelta
        reset_timeout_multiplier: float
        max_reset_timeout: float | timedelta | None
        half_open_max_calls: int
        probe_timeout: float | timedelta | None
        timeout: float | timedelta | None
        timeout_mode: TimeoutMode
        ignore: type | Collection[type] | Callable[[Exception], object] | None
        failure_on: type | Collection[type] | Callable[[Exception], object] | None
        classify_results: bool
        mode: Mode
        history_size: int
        fallback: Callable[[], Any] | None
        on_state_change: Callable[[CircuitState, CircuitState, CircuitMetrics], object] | None
        on_open: Callable[[CircuitMetrics], object] | None
        on_close: Callable[[CircuitMetrics], object] | None

    class CircuitBreakerFields(NamelessFields, total=False):
        """All that may be said of a circuit breaker."""

        name: str


MODES: tuple[Mode, ...] = ("normal", "shadow", "disabled")


class CircuitState(StrEnum):
    """The three states of a circuit."""

    CLOSED = "CLOSED"
    """Calls pass; failures are counted."""
    OPEN = "OPEN"
    """Calls are refused until the reset timeout is over."""
    HALF_OPEN = "HALF_OPEN"
    """A few probes pass, to find out whether the dependency is well again."""


class CircuitMetrics(Record):
    """What a breaker has seen so far. Times are aware UTC datetimes.

    Whenever it is read, `successful_requests + failed_requests + abandoned_requests == total_requests`: calls that are
    under way are counted when they end. `rejected_requests` are those that were refused. `failure_rate` is that of the
    window, from 0 to 1, and None if nothing is in it.
    """

    name: str
    state: CircuitState
    total_requests: int
    successful_requests: int
    failed_requests: int
    abandoned_requests: int
    rejected_requests: int
    consecutive_failures: int
    consecutive_successes: int
    last_failure_time: datetime | None
    last_success_time: datetime | None
    last_state_change: datetime
    failure_rate: float | None


class CircuitBreakerConfig(Settings):
    """When a circuit opens, how it recovers, and who is told. Frozen; durations are seconds or a `timedelta`.

    When it opens
        The window must hold at least `failure_threshold` failures (default 5), and then one of these is enough: the
        last `failure_threshold` outcomes were all failures; fewer than `minimum_requests` (10) outcomes are in the
        window; the share of failures in it is at least `failure_rate_threshold` (0.5; None: the number alone decides).
        The window is the last `failure_window` seconds (60), or, if `window_size` is given, the last so many outcomes.
        Separately, if `slow_call_duration_threshold` is given: when at least `minimum_requests` outcomes are in the
        window and the share of calls that took so long or longer is at least `slow_call_rate_threshold` (0.5).

    How it recovers
        After `reset_timeout` seconds (30) it is half-open: at most `half_open_max_calls` (3) probes at once;
        `success_threshold` (3) successes close it, one failure opens it again. A probe that has not ended after
        `probe_timeout` seconds (default: the reset timeout) gives up its place. Each failed recovery makes the next
        reset timeout longer by `reset_timeout_multiplier` (default 1: it stays). A server's own Retry-After, if it is
        longer, counts instead. Neither goes beyond `max_reset_timeout` (ten times the first one).

    How long a call may take
        `timeout` seconds (default None: as long as it likes); one that takes longer is ended with an
        `OperationTimeoutError`, which counts as a failure. `timeout_mode` is for plain functions, "thread" (default) or
        "cooperative"; see `TimeoutConfig`. It holds for functions and for `execute()`, not for blocks, and in the mode
        "normal" alone.

    What counts as a failure
        What the error classifier says, unless `failure_on` or `ignore` (exception types, or a function of the error)
        say otherwise. An ignored error moves nothing. With `classify_results=True` (default False) the classifier is
        asked about what calls return, too: a response of 503 is a failure then, one of 404 a success, one of 429 moves
        nothing. That holds for functions and for `execute()`, not for blocks.

    The rest
        `mode`: "normal"; "shadow" evaluates and reports but never refuses; "disabled" lets everything pass uncounted.
        `fallback()`, called without arguments, answers in place of a refusal; it may be async for async functions.
        `on_state_change(old, new, metrics)`, `on_open(metrics)`, `on_close(metrics)` are told after the fact; one that
        raises is logged. `history_size` (10) failures are kept as text.

    >>> CircuitBreakerConfig(name="search", failure_threshold=3).reset_timeout
    30.0

    Raises `ConfigurationError` for whatever cannot work.
    """

    name: str = "circuit"
    failure_threshold: int = 5
    success_threshold: int = 3
    failure_window: float = 60.0
    window_size: int | None = None
    failure_rate_threshold: float | None = 0.5
    minimum_requests: int = 10
    slow_call_duration_threshold: float | None = None
    slow_call_rate_threshold: float | None = None
    reset_timeout: float = 30.0
    reset_timeout_multiplier: float = 1.0
    max_reset_timeout: float | None = None
    half_open_max_calls: int = 3
    probe_timeout: float | None = None
    timeout: float | None = None
    timeout_mode: TimeoutMode = "thread"
    ignore: Kinds = None
    failure_on: Kinds = None
    classify_results: bool = False
    mode: Mode = "normal"
    history_size: int = 10
    fallback: Callable[[], Any] | None = None
    on_state_change: Callable[[CircuitState, CircuitState, CircuitMetrics], object] | None = None
    on_open: Callable[[CircuitMetrics], object] | None = None
    on_close: Callable[[CircuitMetrics], object] | None = None

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[CircuitBreakerFields]) -> None: ...

        def replace(self, **changes: Unpack[CircuitBreakerFields]) -> CircuitBreakerConfig:  # type: ignore[override]
            """Return a copy with these fields changed, checked as a new one would be."""

    def _validate(self) -> None:
        mine = self.__dict__
        owner = "CircuitBreakerConfig"
        text(owner, "name", self.name)
        for field in ("failure_threshold", "success_threshold", "minimum_requests", "half_open_max_calls"):
            mine[field] = whole_number(owner, field, mine[field])
        mine["history_size"] = whole_number(owner, "history_size", self.history_size, least=0)
        for field in ("failure_window", "reset_timeout"):
            mine[field] = seconds(owner, field, mine[field], zero=False)
        for field in ("slow_call_duration_threshold", "probe_timeout", "max_reset_timeout", "timeout"):
            mine[field] = optional_seconds(owner, field, mine[field])
        if self.failure_rate_threshold is not None:
            mine["failure_rate_threshold"] = _share(owner, "failure_rate_threshold", self.failure_rate_threshold)
        self._validate_window(owner)
        self._validate_slow_calls(owner)
        mine["reset_timeout_multiplier"] = number(
            owner, "reset_timeout_multiplier", self.reset_timeout_multiplier, least=1, hint="1 keeps the timeout"
        )
        if self.max_reset_timeout is not None and self.max_reset_timeout < self.reset_timeout:
            raise ConfigurationError(
                f"{owner}: max_reset_timeout must be at least reset_timeout ({self.reset_timeout:g} s), "
                f"not {self.max_reset_timeout:g} s"
            )
        for field in ("ignore", "failure_on"):
            mine[field] = _as_kinds(owner, field, mine[field])
        boolean(owner, "classify_results", self.classify_results)
        mine["timeout_mode"] = as_mode(owner, "timeout_mode", self.timeout_mode)
        if self.mode not in MODES:
            raise ConfigurationError(f"{owner}: mode cannot be {self.mode!r}; {did_you_mean(self.mode, MODES)}")
        fallback: Any = self.fallback
        if fallback is not None:
            if not callable(fallback):
                raise ConfigurationError(f"{owner}: fallback must be a function () -> value or None, not {fallback!r}")
            check_takes(owner, "fallback", fallback, "()")
        optional_callable(owner, "on_state_change", self.on_state_change, "(old, new, metrics)")
        optional_callable(owner, "on_open", self.on_open, "(metrics)")
        optional_callable(owner, "on_close", self.on_close, "(metrics)")

    def _validate_window(self, owner: str) -> None:
        if self.window_size is None:
            return
        size = self.__dict__["window_size"] = whole_number(owner, "window_size", self.window_size)
        if size < self.failure_threshold:
            raise ConfigurationError(
                f"{owner}: window_size must be at least failure_threshold ({self.failure_threshold}), or the circuit "
                f"could never open, not {size}"
            )

    def _validate_slow_calls(self, owner: str) -> None:
        if self.slow_call_duration_threshold is None:
            if self.slow_call_rate_threshold is not None:
                raise ConfigurationError(
                    f"{owner}: slow_call_rate_threshold needs slow_call_duration_threshold, the seconds from which a "
                    "call is slow"
                )
            return
        rate = 0.5 if self.slow_call_rate_threshold is None else self.slow_call_rate_threshold
        self.__dict__["slow_call_rate_threshold"] = _share(owner, "slow_call_rate_threshold", rate)

    @property
    def fewest_requests(self) -> int:
        """How many outcomes must be in the window for a share of them to say something; a full window always does."""
        return self.minimum_requests if self.window_size is None else min(self.minimum_requests, self.window_size)

    @property
    def longest_reset_timeout(self) -> float:
        """Seconds: how long the reset timeout can grow."""
        return 10 * self.reset_timeout if self.max_reset_timeout is None else self.max_reset_timeout


def _share(owner: str, name: str, value: Any) -> float:
    share = fraction(owner, name, value)
    if share == 0:
        raise ConfigurationError(f"{owner}: {name} must be above 0, or the first call would reach it, not {value!r}")
    return share


def _as_kinds(owner: str, field: str, value: Any) -> Any:
    """Return types as a tuple, and a function of the error as it is."""
    if value is None or (callable(value) and not isinstance(value, type)):
        return optional_callable(owner, field, value, "(error) -> bool")
    kinds = tuple(value) if isinstance(value, (tuple, list, set, frozenset)) else (value,)
    for kind in kinds:
        if not isinstance(kind, type):
            raise ConfigurationError(f"{owner}: {field} must be types or a function (error) -> bool, not {kind!r}")
    return kinds
