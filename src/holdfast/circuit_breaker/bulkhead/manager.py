"""A bulkhead: so many calls at once, so many waiting, the rest refused, so that one slow dependency sinks no ship."""

from __future__ import annotations

import threading
from types import MappingProxyType

from ... import events
from ..._runtime.callables import check_guardable, guarded
from ..._runtime.system import LONGEST_SLEEP, SystemClock, as_clock
from ..._runtime.threads import loop_is_running
from ...errors import BulkheadFullError, BulkheadTimeoutError, ConfigurationError
from ...functions import is_async
from ...listening import Told
from ...registry import Binding
from ...roll import Roll
from ...settings import optional_seconds, shown, text
from ...switch import is_off
from ...timeout.marks import current_mark, left
from ...typed import TYPE_CHECKING, overload
from .config import BulkheadConfig, BulkheadMetrics, BulkheadStats
from .events import (
    BulkheadExecutionCompleted,
    BulkheadExecutionStarted,
    BulkheadQueued,
    BulkheadRejected,
)
from .guard import run_async, run_holding, wrap
from .permit import Acquiring, BulkheadPermit
from .queue import GONE, HELD, Line, Place, TaskPlace, ThreadPlace

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine
    from datetime import timedelta
    from typing import Any, Literal, NoReturn, ParamSpec, TypeAlias, TypeVar

    from ...clock import Clock
    from ...roll import Counts

    P = ParamSpec("P")
    R = TypeVar("R")
    T = TypeVar("T")
    EventName: TypeAlias = Literal["execution_started", "execution_completed", "queued", "rejected"]
    Timeout: TypeAlias = float | timedelta | Literal["queue_timeout"] | None


def _counts(bulkhead: Bulkhead) -> Counts:
    return bulkhead.counts


def _renew(bulkhead: Bulkhead) -> None:
    bulkhead.line.lock = threading.RLock()


bulkheads: Roll[Bulkhead] = Roll(_counts, _renew)
"""All bulkheads that there are."""


class Bulkhead(Told):
    """Lets `max_concurrent` calls run at once, keeps `max_queue` waiting in one line, and refuses the rest.

    * `config`: a `BulkheadConfig`. Default: one with nothing but defaults.
    * `name`: default the config's.
    * `clock`: time; default the real one. With another one, a wait for a permit is the clock's `sleep` or
      `sleep_async`, so that a test need not wait either.

    Threads and tasks of any event loops wait in the same line, first come, first served. Nothing is locked while a call
    runs or a listener is told, and a call that finds a permit free, with nobody waiting, takes no lock at all.

    >>> bulkhead = Bulkhead(BulkheadConfig(name="search", max_concurrent=2, max_queue=0))
    >>> bulkhead.execute(lambda: bulkhead.stats)
    BulkheadStats(active=1, queued=0, available=1)

    Raises `ConfigurationError` if `config` is none.
    """

    __slots__ = ("__weakref__", "_entry", "clock", "line", "name", "settings")

    kinds = MappingProxyType(
        {
            "execution_started": BulkheadExecutionStarted,
            "execution_completed": BulkheadExecutionCompleted,
            "queued": BulkheadQueued,
            "rejected": BulkheadRejected,
        }
    )
    told_everywhere = ("queued", "rejected")
    room = "bulkhead"

    settings: BulkheadConfig
    """The config, which other bulkheads may share, whatever its name."""

    def __init__(
        self, config: BulkheadConfig | None = None, *, name: str | None = None, clock: Clock | None = None
    ) -> None:
        given: Any = BulkheadConfig() if config is None else config
        if not isinstance(given, BulkheadConfig):
            raise ConfigurationError(f"Bulkhead: config must be a BulkheadConfig, not {shown(given)}")
        self.settings = given
        self.name = given.name if name is None else text("Bulkhead", "name", name)
        self.clock = as_clock(clock)
        self.line = Line(given.max_concurrent, given.max_queue)
        self._listeners: tuple[tuple[str, Callable[[Any], object]], ...] = ()
        self._entry = bulkheads.enter(self)

    @property
    def config(self) -> BulkheadConfig:
        """What the bulkhead is set to, under its own name."""
        return self.settings if self.settings.name == self.name else self.settings.replace(name=self.name)

    def adjust(self, config: BulkheadConfig) -> None:
        """Set the bulkhead to another config from now on, under the name that it has.

        Whoever runs or waits keeps the permit or the place. If more run than may from now on, no call begins until
        enough of them have ended; a queue that is too long now takes nobody in until it is shorter.

        >>> bulkhead = Bulkhead()
        >>> bulkhead.adjust(BulkheadConfig(max_concurrent=3))
        >>> bulkhead.stats.available
        3

        Raises `ConfigurationError` if `config` is none.
        """
        given: Any = config
        if not isinstance(given, BulkheadConfig):
            raise ConfigurationError(f"Bulkhead: config must be a BulkheadConfig, not {shown(given)}")
        with self.line.lock:
            self.line.resize(given.max_concurrent, given.max_queue)
            self.settings = given  # last: if this is interrupted, it shows that it has to be done again

    # Calling.

    @overload
    def execute(self, operation: Callable[[], Coroutine[Any, Any, T]]) -> Coroutine[Any, Any, T]: ...
    @overload
    def execute(self, operation: Callable[[], T]) -> T: ...
    def execute(self, operation: Callable[[], Any]) -> Any:
        """Call `operation` once it has a permit; return its value or, for an async one, something to await.

        Raises `BulkheadFullError` if the queue is full, `BulkheadTimeoutError` if no permit came within
        `queue_timeout`, `TypeError` for what cannot be called.
        """
        check_guardable(operation, "bulkhead")
        return run_async(self, operation, (), {}) if is_async(operation) else run_holding(self, operation, (), {})

    def protect(self, function: Callable[P, R], /) -> Callable[P, R]:
        """Return `function` guarded by this bulkhead; works as a decorator.

        Raises `TypeError` for what cannot be guarded: classes, generator functions, what cannot be called.
        """
        result: Callable[P, R] = guarded(function, "bulkhead", lambda inner: wrap(Binding.to(self), inner))
        return result

    def acquire(self, timeout: Timeout = "queue_timeout") -> BulkheadPermit:
        """Return a permit, to be used in a `with` block; waits for at most `timeout` seconds, None without end.

        >>> with Bulkhead().acquire(timeout=0):
        ...     pass

        In a thread whose event loop is running it does not wait, as nothing else would run there meanwhile.

        Raises `BulkheadFullError` and `BulkheadTimeoutError`.
        """
        return self.wait(self._seconds(timeout))

    def acquire_async(self, timeout: Timeout = "queue_timeout") -> Acquiring:
        """Return something to await for a permit, or to enter with `async with`; else as `acquire`."""
        return Acquiring(self, self._seconds(timeout))

    def _seconds(self, timeout: Any) -> float | None:
        if timeout == "queue_timeout":
            return self.settings.queue_timeout
        return optional_seconds("Bulkhead", "timeout", timeout, zero=True)

    def adopt(self) -> BulkheadPermit:
        """Return a permit that owns nothing yet, for a call that took its token on the quiet path."""
        return BulkheadPermit(self, Place(GONE))

    def _nobodys(self) -> BulkheadPermit:
        """Return a permit for a call that is not to be guarded, from a bulkhead of its own."""
        free = Bulkhead(name=self.name)
        permit = BulkheadPermit(free, Place())
        free.line.take(permit.place)
        return permit

    def wait(self, timeout: float | None) -> BulkheadPermit:
        """Return a permit, waiting in this thread if there is none."""
        if is_off():
            return self._nobodys()
        permit = BulkheadPermit(self, Place())  # first, so that whatever its place gets has an owner
        waited = 0.0
        try:
            if not self.line.take(permit.place):
                if loop_is_running():
                    self.line.refuse(permit.place)
                    self._refuse_full(
                        "waiting in this thread would stop its event loop; make the guarded function `async def` (or "
                        "use acquire_async), or call it through `asyncio.to_thread`"
                    )
                timeout, whose = self._patience(timeout, None)
                permit.place = place = ThreadPlace()
                began = self._join(place)
                if timeout is None:
                    place.gate.acquire()
                elif isinstance(self.clock, SystemClock):
                    place.gate.acquire(timeout=min(timeout, threading.TIMEOUT_MAX))
                else:
                    self.clock.sleep(timeout)
                waited = self._called(place, began, timeout, whose)
            permit.begin(waited)
        except BaseException:
            permit.release()
            raise
        return permit

    async def wait_async(self, timeout: float | None) -> BulkheadPermit:  # noqa: ASYNC109  ours, not asyncio's
        """Return a permit, suspending this task if there is none."""
        if is_off():
            return self._nobodys()
        permit = BulkheadPermit(self, Place())
        waited = 0.0
        timer: asyncio.TimerHandle | asyncio.Task[None] | None = None
        try:
            if not self.line.take(permit.place):
                import asyncio

                loop = asyncio.get_running_loop()
                timeout, whose = self._patience(timeout, asyncio.current_task())
                permit.place = place = TaskPlace(loop)
                began = self._join(place)
                if timeout is not None and isinstance(self.clock, SystemClock):
                    timer = loop.call_later(min(timeout, LONGEST_SLEEP), place.arrive)
                elif timeout is not None:
                    timer = loop.create_task(self._sleep(timeout))
                    timer.add_done_callback(lambda _timer: place.arrive())
                await place.called
                waited = self._called(place, began, timeout, whose)
            permit.begin(waited)
        except BaseException:
            permit.release()
            raise
        finally:
            if timer is not None:
                timer.cancel()
        return permit

    async def _sleep(self, duration: float) -> None:
        await self.clock.sleep_async(duration)

    def _join(self, place: Place) -> float:
        """Go into the queue and return when that was; raise if it is full."""
        position = self.line.enter(place)
        if position is None:
            self._refuse_full(f"{self.settings.max_queue} wait, which is all that may")
        self.tell("queued", position=position)
        return self.clock.monotonic()

    def _patience(self, timeout: float | None, task: object) -> tuple[float | None, str]:
        """Return how long to wait at most, and whose limit that is if it is the current deadline."""
        mark = current_mark()
        if mark is None:
            return timeout, ""
        remaining = max(0.0, left(mark))
        if task is not None and mark[2] is task and remaining > 0:  # then the task is cancelled at that moment
            return timeout, ""
        if timeout is not None and timeout <= remaining:
            return timeout, ""
        return remaining, mark[3].whose

    def _called(self, place: Place, began: float, timeout: float | None, whose: str) -> float:
        """The wait is over: take the permit and return how long it was, or raise if there is none."""
        from ..._runtime.queueing import queued

        now = self.clock.monotonic()
        queued(began, now)
        waited = now - began
        if self.line.expire(place):
            limit = f"the {timeout:.3g} s that {whose} left" if whose else f"{timeout:g} s"
            self._refuse("timeout", waited, f"no permit came free within {limit}")
        place.state = HELD
        return waited

    # Refusing and telling.

    def _refuse_full(self, why: str) -> NoReturn:
        running = self.settings.max_concurrent
        self._refuse("full", 0.0, f"{running} {'call is' if running == 1 else 'calls are'} running and {why}")

    def _refuse(self, reason: Literal["full", "timeout"], waited: float, why: str) -> NoReturn:
        on_reject = self.settings.on_reject
        if on_reject is not None:
            self._call(on_reject, BulkheadRejected(name=self.name, reason=reason, waited=waited))
        self.tell("rejected", reason=reason, waited=waited)
        kind = BulkheadFullError if reason == "full" else BulkheadTimeoutError
        error = kind(f"bulkhead {self.name!r}: {why}", name=self.name)
        try:
            if events.watchers:
                from ...failures import note

                note("bulkhead", self.name, error)
            raise error
        finally:
            del error

    def began(self, waited: float) -> None:
        """Tell those who listen that a call begins."""
        self.tell("execution_started", waited=waited)

    def ended(self, started: float) -> None:
        """Tell those who listen that a call is over."""
        self.tell("execution_completed", duration=self.clock.monotonic() - started)

    def on(self, event: EventName, listener: Callable[[Any], object]) -> Callable[[], None]:
        """Call `listener` with a frozen record of each such event; return a function that ends it.

        "execution_started" gives `BulkheadExecutionStarted`, "execution_completed" `BulkheadExecutionCompleted`,
        "queued" `BulkheadQueued`, "rejected" `BulkheadRejected` (full or timed out). Listeners run after the fact and
        may use the bulkhead, but one of "queued" must not wait for it, as it would wait behind the caller that it
        keeps; one that raises is logged.

        Raises `ConfigurationError` for another event, and for what cannot be called.
        """
        return self._on(event, listener, self.line.lock)

    def _hear(self, listeners: tuple[tuple[str, Callable[[Any], object]], ...]) -> None:
        super()._hear(listeners)
        self.line.loud = bool(listeners)
        self.line.mark()

    # Showing.

    @property
    def stats(self) -> BulkheadStats:
        """How things stand now."""
        with self.line.lock:
            available = self.line.available
            return BulkheadStats(
                active=self.line.permits + self.line.debt - available,
                queued=len(self.line.waiters),
                available=available,
            )

    @property
    def metrics(self) -> BulkheadMetrics:
        """What the bulkhead has seen so far."""
        line = self.line
        with line.lock:
            stats = self.stats
            completed = line.completed
            # A quiet call that just ends is for a moment neither; what has been admitted stays admitted.
            line.admitted = max(line.admitted, completed + stats.active)
            return BulkheadMetrics(
                name=self.name,
                admitted=line.admitted,
                completed=completed,
                rejected=line.rejected,
                timed_out=line.timed_out,
                abandoned=line.abandoned,
                **stats.as_dict(),
            )

    @property
    def counts(self) -> Counts:
        """How many calls ended in which way: completed, rejected, timed out, abandoned."""
        line = self.line
        return line.completed, line.rejected, line.timed_out, line.abandoned

    def __del__(self) -> None:
        entry = getattr(self, "_entry", None)  # it is not there if making the bulkhead failed
        if entry is not None:
            entry.strike_out(self.counts)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a bulkhead cannot be copied or pickled: its permits are shared by all who hold it")

    def __repr__(self) -> str:
        stats = self.stats
        return f"Bulkhead({self.name!r}, active={stats.active}, queued={stats.queued}, available={stats.available})"
