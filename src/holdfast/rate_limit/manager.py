"""A rate limiter: so many calls in which time, the others wait for their turn or are refused at once."""

from __future__ import annotations

import threading

from .._runtime.callables import check_guardable, guarded
from .._runtime.system import LONGEST_SLEEP, SystemClock, as_clock
from .._runtime.threads import loop_is_running
from ..errors import ConfigurationError
from ..functions import is_async
from ..registry import Binding
from ..roll import Roll
from ..settings import optional_seconds, text, whole_number
from ..switch import is_off
from ..timeout.marks import current_mark, left
from ..typed import TYPE_CHECKING, overload
from .allowance import Allowance
from .config import RateLimiterConfig, RateLimiterMetrics, RateLimiterStats, as_limit
from .guard import checked, run, run_async, wrap
from .line import Line
from .places import HELD, NEVER, Booked, WaitingTask, WaitingThread
from .reservation import Reservation
from .steering import Steered

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from datetime import timedelta
    from typing import Any, Literal, NoReturn, ParamSpec, TypeAlias, TypeVar

    from ..clock import Clock
    from ..roll import Counts
    from .config import Limit
    from .places import Standing

    P = ParamSpec("P")
    R = TypeVar("R")
    T = TypeVar("T")
    Timeout: TypeAlias = float | timedelta | Literal["queue_timeout"] | None


def _counts(limiter: RateLimiter) -> Counts:
    return limiter.counts


def _renew(limiter: RateLimiter) -> None:
    limiter.line.renew()


limiters: Roll[RateLimiter] = Roll(_counts, _renew)
"""All rate limiters that there are."""

_LOOP_RESOLUTION = 1e-6
"""Seconds by which a timer may ring too early, since event loops do not tell such moments apart."""


class RateLimiter(Steered):
    """Lets calls begin as its limit allows, keeps the others waiting in one line, and refuses who would wait too long.

    * `limit`: a `TokenBucket`, a `SlidingWindow`, a mapping of the fields of one, or a `RateLimiterConfig`.
    * `name`: default the config's.
    * `clock`: time; default the real one. With another one, a wait is the clock's `sleep` or `sleep_async`, so that a
      test need not wait either.

    Threads and tasks of any event loops wait in the same line, first come, first served, whatever a call costs. Who
    could not be let pass in time is refused at once, and told when it would have been.

    >>> from holdfast import TokenBucket
    >>> limiter = RateLimiter(TokenBucket(rate=10, capacity=2), name="search")
    >>> [limiter.try_acquire() for _ in range(3)]
    [True, True, False]

    Raises `ConfigurationError` for whatever is no limit.
    """

    __slots__ = ("__weakref__", "_entry")

    def __init__(
        self,
        limit: RateLimiterConfig | Limit | Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        given: Any = limit
        if not isinstance(given, RateLimiterConfig):
            given = RateLimiterConfig(limit=as_limit("RateLimiter", given))
        self.settings = given
        self.name = given.name if name is None else text("RateLimiter", "name", name)
        self.was_updated = False
        self.clock = as_clock(clock)
        self.line = Line(Allowance(given.limit), given.max_queue, self.clock.monotonic)
        self._listeners: tuple[tuple[str, Callable[[Any], object]], ...] = ()
        self._entry = limiters.enter(self)

    @property
    def config(self) -> RateLimiterConfig:
        """What the limiter is set to, under its own name."""
        return self.settings if self.settings.name == self.name else self.settings.replace(name=self.name)

    # Calling.

    @overload
    def execute(self, operation: Callable[[], Coroutine[Any, Any, T]], cost: int = 1) -> Coroutine[Any, Any, T]: ...
    @overload
    def execute(self, operation: Callable[[], T], cost: int = 1) -> T: ...
    def execute(self, operation: Callable[[], Any], cost: int = 1) -> Any:
        """Call `operation` when its turn has come; return its value or, for an async one, something to await.

        Raises `RateLimitExceededError` if it would have to wait longer than `queue_timeout`, `TypeError` for what
        cannot be called, `ConfigurationError` for a cost that can never be admitted.
        """
        check_guardable(operation, "rate limiter")
        return (run_async if is_async(operation) else run)(self, operation, (), {}, self.checked_cost(cost))

    def protect(self, function: Callable[P, R], /, cost: int | Callable[..., int] = 1) -> Callable[P, R]:
        """Return `function` guarded by this limiter; works as a decorator.

        `cost`: what a call costs, or a plain function of its arguments that tells, at least 1.

        Raises `TypeError` for what cannot be guarded: classes, generator functions, what cannot be called;
        `ConfigurationError` for a cost that can never be admitted.
        """
        cost = checked("RateLimiter", cost)
        if not callable(cost):
            self.checked_cost(cost)
        binding: Binding[Any] = Binding.to(self)
        result: Callable[P, R] = guarded(function, "rate limiter", lambda inner: wrap(binding, inner, cost))
        return result

    def try_acquire(self, cost: int = 1) -> bool:
        """Return whether a call may begin now; does not wait, and never overtakes those who do.

        Raises `ConfigurationError` for a cost that can never be admitted.
        """
        cost = self.checked_cost(cost)
        if is_off():
            return True
        if self.line.admit(cost):
            self.tell("admitted", cost=cost, waited=0.0)
            return True
        self.line.refuse()
        if self.hears_of_rejections:
            self._reject("rate", cost, 0.0, self.line.wait_of(cost))
        return False

    def acquire(self, cost: int = 1, timeout: Timeout = "queue_timeout") -> None:
        """Return when a call may begin; waits in this thread for at most `timeout` seconds, None without end.

        >>> from holdfast import SlidingWindow
        >>> RateLimiter(SlidingWindow(limit=5, period=60)).acquire(3, timeout=0)

        In a thread whose event loop is running it does not wait, as nothing else would run there meanwhile.

        Raises `RateLimitExceededError`, at once, if the wait would be longer than that, or than the current deadline
        leaves; `ConfigurationError` for a cost that can never be admitted.
        """
        self.pass_through(self.checked_cost(cost), self._seconds(timeout))

    async def acquire_async(self, cost: int = 1, timeout: Timeout = "queue_timeout") -> None:  # noqa: ASYNC109
        """Do the same as `acquire`, suspending this task."""
        await self.pass_through_async(self.checked_cost(cost), self._seconds(timeout))

    def reserve(self, cost: int = 1, timeout: Timeout = None) -> Reservation:
        """Return the promise that a call may begin at a moment, at most `timeout` seconds from now, None: at any time.

        >>> from holdfast import TokenBucket
        >>> limiter = RateLimiter(TokenBucket(rate=1, capacity=1))
        >>> limiter.reserve().delay, round(limiter.reserve().delay)
        (0.0, 1)

        Raises `RateLimitExceededError` if that would be later, or too many wait; `ConfigurationError` as `acquire`.
        """
        cost = self.checked_cost(cost)
        patience = self._seconds(timeout)
        place = Booked(cost)
        if is_off():
            place.state, place.alarm = HELD, self.clock.monotonic()
            return Reservation(self, place)
        try:
            self._join(place, patience)
            self.line.dispatch()
            return Reservation(self, place)
        except BaseException:
            self.line.leave(place)
            raise

    def checked_cost(self, cost: Any) -> int:
        """Return the cost if it can be paid at all."""
        most = self.line.allowance.limit.most
        price = whole_number("RateLimiter", "cost", cost)
        if price > most:
            raise ConfigurationError(
                f"rate limiter {self.name!r}: a call that costs {price} can never be admitted, as no more than {most} "
                "may pass at once; raise the capacity or the limit, or split the call"
            )
        return price

    def _seconds(self, timeout: Any) -> float | None:
        if timeout == "queue_timeout":
            return self.settings.queue_timeout
        return optional_seconds("RateLimiter", "timeout", timeout, zero=True)

    # Waiting.

    def pass_through(self, cost: int, timeout: Any = "queue_timeout", *, mint: bool = False) -> None:
        """Return when the call may begin, waiting in this thread."""
        if is_off():
            return
        if self.line.admit(cost, mint=mint):
            self.tell("admitted", cost=cost, waited=0.0)
            return
        if loop_is_running():
            self.line.refuse()
            self._refuse(
                "rate",
                cost,
                0.0,
                self.line.wait_of(cost),
                "and waiting in this thread would stop its event loop; make the guarded function `async def` (or use "
                "acquire_async), or call it through `asyncio.to_thread`",
            )
        place = WaitingThread(cost)
        try:
            began = self._join(place, self._patience(place, timeout))
            waiting = True
            while waiting:
                delay = max(0.0, place.alarm - self.clock.monotonic())
                if isinstance(self.clock, SystemClock):
                    place.gate.acquire(timeout=min(delay, threading.TIMEOUT_MAX))
                else:
                    self.clock.sleep(delay)
                waiting = self.line.look(place)
        except BaseException:
            self.line.leave(place)
            raise
        self._called(place, began)

    async def pass_through_async(
        self,
        cost: int,
        timeout: Any = "queue_timeout",  # noqa: ASYNC109  ours, not asyncio's
        *,
        mint: bool = False,
    ) -> None:
        """Return when the call may begin, suspending this task."""
        if is_off():
            return
        if self.line.admit(cost, mint=mint):
            self.tell("admitted", cost=cost, waited=0.0)
            return
        import asyncio

        loop = asyncio.get_running_loop()
        place = WaitingTask(loop, cost)
        timer: asyncio.TimerHandle | asyncio.Task[None]
        try:
            began = self._join(place, self._patience(place, timeout))
            waiting, least = True, 0.0
            while waiting:
                delay = max(least, place.alarm - self.clock.monotonic())
                least = _LOOP_RESOLUTION
                if isinstance(self.clock, SystemClock):
                    timer = loop.call_later(min(delay, LONGEST_SLEEP), place.arrive)
                else:
                    timer = loop.create_task(self._sleep(delay))
                    timer.add_done_callback(place.ring(place.called))
                try:
                    await place.called
                finally:
                    timer.cancel()
                waiting = self.line.look(place)
        except BaseException:
            self.line.leave(place)
            raise
        self._called(place, began)

    async def _sleep(self, duration: float) -> None:
        await self.clock.sleep_async(duration)

    def _patience(self, place: Standing, timeout: Any) -> float | None:
        """Return how long to wait at most, and note whose limit that is if it is the current deadline."""
        longest: float | None = self.settings.queue_timeout if timeout == "queue_timeout" else timeout
        mark = current_mark()
        if mark is not None:
            remaining = max(0.0, left(mark))
            if longest is None or remaining < longest:
                place.whose = mark[3].whose
                return remaining
        return longest

    def _join(self, place: Standing, patience: float | None) -> float:
        """Go into the line and return when that was; raise if the turn would not come in time."""
        began = self.clock.monotonic()
        why, position, delay = self.line.enter(place, NEVER if patience is None else patience)
        if why == "full":
            self._refuse("full", place.cost, 0.0, delay, f"and {self.settings.max_queue} wait, which is all that may")
        elif why == "busy":
            self._refuse(
                "rate", place.cost, 0.0, delay, "but it was asked for by what interrupts this limiter's own work"
            )
        elif why == "never":
            self.checked_cost(place.cost)  # the limit was changed since it was checked
            self.line.refuse()
            self._refuse("rate", place.cost, 0.0, delay, "as the limit was just being changed")
        elif why:
            whose = place.whose
            longest = f"the {patience:.3g} s that {whose} left" if whose else f"the {patience:g} s that it may wait"
            self._refuse("rate", place.cost, 0.0, delay, f"which is more than {longest}")
        if delay > 0:
            self.tell("queued", cost=place.cost, position=position, delay=delay)
        return began

    def _called(self, place: Standing, began: float) -> None:
        """The wait is over: tell of it, or raise if it was in vain."""
        from .._runtime.queueing import queued

        now = self.clock.monotonic()
        queued(began, now)
        if place.state != HELD:
            delay = self.line.wait_of(place.cost)
            why = (
                f"later than {place.whose} allows, as others took longer than foreseen"
                if place.whose
                else ("as the limit became stricter while it waited")
            )
            self._refuse("timeout", place.cost, now - began, delay, why)
        self.tell("admitted", cost=place.cost, waited=now - began)

    # Showing.

    @property
    def stats(self) -> RateLimiterStats:
        """How things stand now."""
        available, queued = self.line.standing()
        return RateLimiterStats(available=available, queued=queued)

    @property
    def metrics(self) -> RateLimiterMetrics:
        """What the limiter has seen so far."""
        line = self.line
        with line.lock:
            available, queued = line.standing()
            return RateLimiterMetrics(
                name=self.name,
                admitted=line.admitted + line.folded + len(line.log),
                rejected=line.rejected,
                timed_out=line.timed_out,
                abandoned=line.abandoned,
                queued=queued,
                available=available,
            )

    @property
    def counts(self) -> Counts:
        """How many calls were admitted, rejected, timed out, and abandoned."""
        line = self.line
        with line.lock:
            return line.admitted + line.folded + len(line.log), line.rejected, line.timed_out, line.abandoned

    def __del__(self) -> None:
        entry = getattr(self, "_entry", None)  # it is not there if making the limiter failed
        if entry is not None:
            entry.strike_out(self.counts)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a rate limiter cannot be copied or pickled: what it counts is shared by all who hold it")

    def __repr__(self) -> str:
        stats = self.stats
        return (
            f"RateLimiter({self.name!r}, {self.settings.limit!r}, available={stats.available}, queued={stats.queued})"
        )
