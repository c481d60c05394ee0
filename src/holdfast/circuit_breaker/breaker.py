"""The circuit breaker: the pure circuit and ledger, joined to a lock, a clock, the classifier and whoever listens."""

from __future__ import annotations

import threading

from .. import events
from .._runtime.callables import check_guardable, guarded
from .._runtime.system import LOCK_FREE, as_clock
from ..errors import CircuitOpenError, ConfigurationError, get_error_classifier
from ..functions import is_async
from ..registry import Binding
from ..settings import shown, text
from ..switch import is_off
from ..typed import TYPE_CHECKING, overload
from .config import CircuitBreakerConfig, CircuitMetrics, CircuitState
from .events import CircuitCallEnded, CircuitCallRejected
from .guard import run, run_async, wrap
from .herald import Herald, breakers
from .ledger import UNMOVED, Ledger, with_one_more
from .outcome import NOTHING, SUCCESS, judge
from .permit import CircuitPermit
from .state import Circuit, Closed, HalfOpen, Open

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, NoReturn, ParamSpec, TypeVar

    from .._runtime.queueing import Stopwatch
    from ..clock import Clock
    from ..errors import ErrorClassifier
    from ..roll import Counts
    from ..timeout.guard import TimeGuard
    from .herald import EventName, Listeners
    from .outcome import Outcome
    from .state import Permit, Phase

    P = ParamSpec("P")
    R = TypeVar("R")
    T = TypeVar("T")

_NOBODY: Listeners = {}


class CircuitBreaker:
    """Lets calls to a dependency pass while it is well, refuses them while it is not, and finds out when it is again.

    * `config`: a `CircuitBreakerConfig`; default the default one.
    * `name`: default the config's.
    * `clock`: time; default the real one. `classifier`: judges errors; default the process-wide one.
    * `listeners`: who listens from the beginning, by event; see `on`. Default nobody.

    One breaker serves threads, tasks and event loops alike. No lock is held while a call runs or a callback is told.

    >>> breaker = CircuitBreaker(CircuitBreakerConfig(name="search", failure_threshold=2))
    >>> breaker.execute(lambda: "found")
    'found'
    >>> breaker.force_open(hold=True)
    >>> breaker.execute(lambda: "found")
    Traceback (most recent call last):
    holdfast.errors.exceptions.CircuitOpenError: circuit 'search' is OPEN; it is held open

    Raises `ConfigurationError` if `config` is none.
    """

    __slots__ = (
        "__weakref__",
        "_circuit",
        "_entry",
        "_herald",
        "_ledger",
        "_lock",
        "_moves",
        "calm",
        "classifier",
        "clock",
        "monotonic",
        "name",
        "quiet",
        "settings",
        "time_guard",
        "timed",
    )

    quiet: Closed | None
    calm: Closed | None
    """The closed phase, if a call may simply be made and its success tallied, for `calm` once its result is judged."""

    settings: CircuitBreakerConfig
    """The config, which other breakers may share, whatever its name."""

    timed: bool  # whether somebody wants to know how long calls take

    def __init__(
        self,
        config: CircuitBreakerConfig | None = None,
        *,
        name: str | None = None,
        clock: Clock | None = None,
        classifier: ErrorClassifier | None = None,
        listeners: Listeners = _NOBODY,
    ) -> None:
        given: Any = CircuitBreakerConfig() if config is None else config
        if not isinstance(given, CircuitBreakerConfig):
            raise ConfigurationError(f"CircuitBreaker: config must be a CircuitBreakerConfig, not {shown(given)}")
        self.settings = given
        self.name = given.name if name is None else text("CircuitBreaker", "name", name)
        self.clock = as_clock(clock)
        self.monotonic = self.clock.monotonic  # for the guard, which reads it at each call
        self.classifier = get_error_classifier() if classifier is None else classifier
        # Re-entrant: a signal handler or a finaliser may make a guarded call while this thread holds it.
        self._lock = threading.RLock()
        self.time_guard: tuple[CircuitBreakerConfig, TimeGuard] | None = None  # made by the guard for what is set
        self._herald = Herald(given, self._lock, listeners)
        self._moves: tuple[int, ...] = UNMOVED
        self._ledger = Ledger(given.history_size)
        self._circuit = Circuit(given, self.monotonic())
        self._settle_quiet()
        self._entry = breakers.enter(self)  # all of it is there: from now on others see it
        self.settle()  # again, as somebody may have begun to listen who did not see it yet

    @property
    def config(self) -> CircuitBreakerConfig:
        """What the breaker is set to, under its own name."""
        return self.settings if self.settings.name == self.name else self.settings.replace(name=self.name)

    def adjust(self, config: CircuitBreakerConfig) -> None:
        """Set the breaker to another config from now on, under the name that it has.

        The circuit stays in the state that it is in: an open one stays open for as long as it was to, probes go on, and
        all that was counted still counts. Only a window of another kind or length begins empty.

        >>> breaker = CircuitBreaker()
        >>> breaker.force_open()
        >>> breaker.adjust(CircuitBreakerConfig(failure_threshold=3))
        >>> breaker.state, breaker.config.failure_threshold
        (<CircuitState.OPEN: 'OPEN'>, 3)

        Raises `ConfigurationError` if `config` is none.
        """
        given: Any = config
        if not isinstance(given, CircuitBreakerConfig):
            raise ConfigurationError(f"CircuitBreaker: config must be a CircuitBreakerConfig, not {shown(given)}")
        with self._lock:
            now = self.monotonic()
            if isinstance(phase := self._circuit.phase, Closed):
                self._ledger.absorb(phase, phase.collect(now))
            self.settings = given
            self._circuit.adjust(given, now)
            self._ledger.keep(given.history_size)
            self._herald.adjust(given)
            self._settle_quiet()

    def _begin_again(self, now: float) -> None:
        self._circuit = Circuit(self.settings, now)
        self._ledger = self._ledger.successor()
        self._settle_quiet()

    def _settle_quiet(self) -> None:
        """Decide whether calls may take the quiet path, or the calm one, which only looks at results besides."""
        phase, settings = self._circuit.phase, self.settings
        self.timed = self._herald.hears("call") or settings.slow_call_duration_threshold is not None
        silent = LOCK_FREE and settings.mode != "disabled" and not self.timed and settings.timeout is None
        calm = phase if silent and isinstance(phase, Closed) else None
        self.quiet, self.calm = (None, calm) if settings.classify_results else (calm, None)

    # Calling.

    @overload
    def execute(self, operation: Callable[[], Coroutine[Any, Any, T]]) -> Coroutine[Any, Any, T]: ...
    @overload
    def execute(self, operation: Callable[[], T]) -> T: ...
    def execute(self, operation: Callable[[], Any]) -> Any:
        """Call `operation` if the circuit lets it in, and return its value or, for an async one, something to await.

        Raises `CircuitOpenError` if it does not (unless the config has a `fallback`), `TypeError` for what cannot be
        called.
        """
        check_guardable(operation, "circuit breaker")
        return run_async(self, operation, (), {}) if is_async(operation) else run(self, operation, (), {})

    def protect(self, function: Callable[P, R], /) -> Callable[P, R]:
        """Return `function` guarded by this breaker; works as a decorator.

        Raises `TypeError` for what cannot be guarded: classes, generator functions, what cannot be called.
        """
        result: Callable[P, R] = guarded(function, "circuit breaker", lambda inner: wrap(Binding.to(self), inner))
        return result

    def acquire(self) -> CircuitPermit:
        """Return a permit for one call, to be used in a `with` block or ended by its methods.

        >>> with CircuitBreaker().acquire() as permit:
        ...     pass

        Raises `CircuitOpenError` if the circuit lets nothing in.
        """
        from .._runtime.queueing import Stopwatch

        if is_off():
            return CircuitPermit.untold(self)
        return CircuitPermit(self, self.admit(), Stopwatch(self.monotonic()))

    # What the guards ask and tell.

    def admit(self) -> Permit | None:
        """Return the permit for a call; None in a mode that lets calls pass without one.

        Raises `CircuitOpenError` if the call is refused.
        """
        if self.settings.mode == "disabled":
            return None
        now = self.monotonic()
        phase = self._circuit.phase
        if isinstance(phase, Open) and now < phase.until:
            permit = None  # nothing to change, so nothing to lock
        else:
            with self._lock:
                before = self._circuit.phase
                permit = self._circuit.admit(now)
                phase = self._circuit.phase
                self._moved(before, now)
            try:
                self._herald.tell_moves()
            except BaseException:  # Ctrl-C in a callback
                if permit is not None:
                    self._settle(permit, NOTHING, None)
                raise
            if permit is not None:
                return permit
        retry_after = max(0.0, phase.until - now) if isinstance(phase, Open) and not phase.held else None
        shadow = self.settings.mode == "shadow"
        if self._herald.hears_rejected or events.listeners:
            event = CircuitCallRejected(name=self.name, state=phase.state, retry_after=retry_after, shadow=shadow)
            self._herald.notify("rejected", event)
            events.emit(event)
        if shadow:
            return None
        next(self._ledger.rejected)
        last = (self._ledger.history or (None,))[-1]
        error = CircuitOpenError(name=self.name, state=phase.state, retry_after=retry_after, last_failure=last)
        try:
            if events.watchers:
                from ..failures import note

                note("circuit breaker", self.name, error)
            raise error
        finally:
            del error

    def tallied_late(self, phase: Closed, number: int) -> None:
        """A success drew `number` from a phase that is not the quiet one any more."""
        with self._lock:
            if phase.last_number is not None and number > phase.last_number:
                self._ledger.success(0.0, counts=False)

    def ended(self, permit: Permit | None, error: BaseException | None, watch: Stopwatch | None = None) -> None:
        """A call that was let in has ended; with `error`, if it raised one. `watch` is for the rule on slow calls."""
        if self.settings.mode == "disabled":
            return
        try:
            outcome = SUCCESS if error is None else judge(error, self.settings, self.classifier)
        except BaseException:  # Ctrl-C in a predicate, or no room left to look at the error
            self._settle(permit, NOTHING, None)
            raise
        duration = None if watch is None else watch.elapsed(self.monotonic())
        late = self._settle(permit, outcome, duration)
        self._herald.tell_moves()
        if self._herald.hears("call"):
            kind = None if error is None else type(error).__qualname__
            told = "abandoned" if outcome.kind == "ignore" else outcome.kind
            event = CircuitCallEnded(name=self.name, outcome=told, error_type=kind, late=late, duration=duration)
            self._herald.notify("call", event)
        if error is not None and events.watchers:
            from ..failures import note

            note("circuit breaker", self.name, error, self.classifier)

    def _settle(self, permit: Permit | None, outcome: Outcome, duration: float | None) -> bool:
        """Count an outcome, and return whether it came too late to move anything."""
        now = self.monotonic()
        threshold = self.settings.slow_call_duration_threshold
        slow = threshold is not None and duration is not None and duration >= threshold
        with self._lock:
            before = self._circuit.phase
            self._circuit.look(now)
            held = permit if self._circuit.holds(permit) else None
            if isinstance(before, Closed):
                self._ledger.absorb(before, before.collect(now))
            if outcome.kind == "success":
                self._ledger.success(now, counts=held is not None)
                if held is not None:
                    self._circuit.succeeded(held, now, slow=slow)
            elif outcome.kind == "failure":
                self._ledger.failure(now, outcome.told, counts=held is not None)
                if held is not None:
                    self._circuit.failed(held, now, slow=slow, retry_after=outcome.retry_after)
            else:
                self._ledger.abandoned += 1
                if held is not None:
                    self._circuit.abandoned(held)
            self._moved(before, now)
        return held is None

    # Moving.

    def force_open(self, *, hold: bool = False) -> None:
        """Open the circuit as if it had tripped, or, with `hold`, until `force_close()` or `reset()`.

        A circuit that is held open stays so.
        """

        def opened(now: float) -> None:
            phase = self._circuit.phase
            if hold:
                self._circuit.hold_open(now)
            elif not (isinstance(phase, Open) and phase.held):
                self._circuit.trip(now, None)

        self._move(opened)

    def force_close(self) -> None:
        """Close the circuit, with an empty window; the totals stay."""
        self._move(lambda now: self._circuit.close(now))  # noqa: PLW0108  a reset may put another one there

    def reset(self) -> None:
        """Close the circuit and forget everything: window, totals, history, and how far the reset timeout has grown."""
        self._move(self._begin_again)

    def _move(self, how: Callable[[float], None]) -> None:
        with self._lock:
            now = self.monotonic()
            before = self._circuit.phase
            self._circuit.look(now)
            if isinstance(before, Closed):
                self._ledger.absorb(before, before.collect(now))
            ledger = self._ledger
            how(now)
            self._moved(before, now, ledger)
            if self._ledger is not ledger:
                self._ledger.inherit(ledger)
        self._herald.tell_moves()

    def _moved(self, before: Phase, now: float, ledger: Ledger | None = None) -> None:
        """Under the lock: settle what follows from a phase that may be a new one.

        What the old phase tallied last belongs to `ledger`, the one in use at the time.
        """
        after = self._circuit.phase
        if after is before:
            return
        if isinstance(before, Closed):
            # Before the last look at the tally: who tallies after it then sees that the phase is over, and says so.
            self.quiet = self.calm = None
            (self._ledger if ledger is None else ledger).absorb(before, before.retire(now))
        self._settle_quiet()
        if after.state is before.state:
            return
        self._moves = with_one_more(self._moves, before.state, after.state)
        is_heard = self._herald.tells_moves or events.listeners
        metrics = self._ledger.metrics(self.name, after, now, self.clock.time()) if is_heard else None
        self._herald.note((self.name, before.state, after.state, *self._ledger.failures()), metrics)

    # Showing.

    def on(self, event: EventName, listener: Callable[[Any], object]) -> Callable[[], None]:
        """Call `listener` with a frozen record of each such event; return a function that ends it.

        "state_change" gives `CircuitStateChanged`, "call" `CircuitCallEnded`, "rejected" `CircuitCallRejected`.
        Listeners run after the fact and may use the breaker; one that raises is logged.

        Raises `ConfigurationError` for another event, and for what cannot be called.
        """
        leave = self._herald.on(event, listener)

        def unsubscribe() -> None:
            leave()
            self.settle()

        self.settle()
        return unsubscribe

    def settle(self) -> None:
        """Look anew at who listens."""
        with self._lock:
            self._settle_quiet()

    @property
    def state(self) -> CircuitState:
        """The state now; an open circuit whose reset timeout is over goes half-open when it is looked at."""
        phase = self._circuit.phase
        if isinstance(phase, Open) and self.monotonic() >= phase.until:
            self._move(lambda _now: None)
        return self._circuit.phase.state

    @property
    def retry_after(self) -> float | None:
        """Seconds until a call may be tried, if it is open; None if it is not, or is held open."""
        phase = self._circuit.phase
        return max(0.0, phase.until - self.monotonic()) if isinstance(phase, Open) and not phase.held else None

    @property
    def is_at_rest(self) -> bool:
        """Whether it is closed, without moving it; nothing is lost with it but counts."""
        return isinstance(self._circuit.phase, Closed)

    @property
    def metrics(self) -> CircuitMetrics:
        """What the breaker has seen so far, exactly, whatever other threads are doing; looks at the state, too."""
        _ = self.state
        with self._lock:
            now = self.monotonic()
            phase = self._circuit.phase
            if isinstance(phase, Closed):
                self._ledger.absorb(phase, phase.collect(now))
            return self._ledger.metrics(self.name, phase, now, self.clock.time())

    def get_stats(self) -> dict[str, Any]:
        """Return the metrics, the recent failures as text, and the probes under way, ready for JSON."""
        phase = self._circuit.phase
        return {
            **self.metrics.as_dict(),
            "recent_failures": list(self._ledger.history),
            "probes": len(phase.probes) if isinstance(phase, HalfOpen) else 0,
            "reset_timeout": self._circuit.reset_timeout,
        }

    @property
    def counts(self) -> Counts:
        """What it has seen since it was made, whatever has been reset: ends of calls, refusals, and moves.

        That is successes, failures, abandoned and refused calls, and then the moves, in the order of `TRANSITIONS`.
        """
        with self._lock:
            phase = self._circuit.phase
            succeeded, *others = self._ledger.lifetime()
            if isinstance(phase, Closed):
                succeeded += phase.uncollected()  # without the clock, which may be somebody else's
            return (succeeded, *others, *self._moves)

    def __del__(self) -> None:
        entry = getattr(self, "_entry", None)  # it is not there if making the breaker failed
        if entry is not None:
            entry.strike_out(self.counts)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a circuit breaker cannot be copied or pickled: its state is shared by all who hold it")

    def __repr__(self) -> str:
        return f"CircuitBreaker({self.name!r}, {self._circuit.phase.state})"
