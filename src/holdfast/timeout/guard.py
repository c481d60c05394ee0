"""The guarded form of a function: async ones are cut by the one timer of their loop, plain ones run in a worker.

An async call that ends in time costs a mark in the context, and a cut that is put in and taken out again; no timer is
touched. What such a call needs for that is its `Home` in the running loop, which is found at the first call there.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from functools import partial

from .._runtime.callables import is_awaitable
from .._runtime.system import SYSTEM_CLOCK, SystemClock
from .._runtime.tailor import Template, tailor
from .._runtime.threads import loop_is_running
from ..contexts import START, collecting, phases
from ..errors import DeadlineExceededError, OperationTimeoutError
from ..functions import is_async, name_of, refuse_awaitable
from ..journal import report_broken
from ..switch import is_off
from ..typed import TYPE_CHECKING
from .in_place import wrap_plain
from .marks import Limit, current, current_mark, left, nearest
from .scope import Scope, expiry, judged, reset
from .worker import LEFT_BEHIND, call_in_worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextvars import Token
    from typing import Any

    from .._runtime.timers import Timers
    from .._runtime.workers import Pace
    from ..clock import Clock
    from ..registry import Binding
    from .config import TimeoutConfig
    from .keeper import Keeper
    from .marks import Mark


_ELSEWHERE = (
    # `_get_running_loop` asks the system for the process id each time there, which takes longer than all the rest. For
    # the loops of asyncio this compares what that would find out; and that version of asyncio is not going to change.
    "timers.loop._thread_id != thread()"
    if sys.version_info < (3, 12)
    else "(running := home.running)() is not timers.loop"
)

# Functions that are kept in slots are put into variables before they are called: CPython calls those faster.
_QUIET = Template(
    "timeout",
    "binding, mark, set_mark, reset_mark, thread, run, ended, conclude",
    f"""
home = binding.now
if home is None:
    return AWAIT run(function, ARGS, KWARGS)
timers = home.timers
task_of = timers.current_task
if {_ELSEWHERE} or (task := task_of(timers.loop)) is None:
    return AWAIT run(function, ARGS, KWARGS)
read = timers.read
now = read()
at = now + home.seconds
if (outer := mark()) is not None and (outer[1] is not read or outer[0] <= at):
    if outer[2] is task and outer[1] is read and outer[0] > now and (outer[5] is None or outer[5].is_open):
        return AWAIT CALL(function)
    return AWAIT run(function, ARGS, KWARGS)
queue = home.queue
token = set_mark(cut := (at, read, task, home.limit, task.cancelling(), None))
if queue.single is None:
    queue.single = cut
elif queue.waiting.setdefault(task, cut) is not cut:
    reset_mark(token)
    return AWAIT run(function, ARGS, KWARGS)
if not now < timers.armed <= at:
    timers.see_to(at)
try:
    result = AWAIT CALL(function)
except BaseException as error:
    failure = ended(home, token, cut, error)
    if failure is None:
        raise
else:
    if queue.single is cut:
        queue.single = None
    elif not queue.remove(cut):
        task.uncancel()
    reset_mark(token)
    return result
try:
    return AWAIT conclude(home, failure)
finally:
    del failure
""",
)


class Home:
    """What the calls of one function need in one event loop."""

    __slots__ = ("config", "limit", "queue", "running", "seconds", "timers")

    def __init__(self, config: TimeoutConfig, limit: Limit, timers: Timers) -> None:
        import asyncio

        self.config = config
        self.limit = limit
        self.seconds = limit.seconds
        self.timers = timers
        self.queue = timers.queue(limit.seconds)
        self.running = asyncio._get_running_loop  # noqa: SLF001  documented; `get_running_loop` raises where there is none


class TimeGuard:
    """The time limit of one function or operation: `config` gives what it is set to now.

    `subject` is what takes too long, for errors, if that is not what has the limit. `what` the limit is called, and if
    it is `final`, see `Limit`.
    """

    __slots__ = ("_awaits", "_config", "_final", "_known", "_pace", "_what", "clock", "keeper", "name", "subject")

    def __init__(
        self,
        name: str,
        config: Callable[[], TimeoutConfig],
        keeper: Keeper,
        clock: Clock,
        *,
        subject: str = "",
        what: str = "timeout",
        final: bool = False,
    ) -> None:
        self.name = name
        self.subject = subject
        self._what = what
        self._final = final
        self.keeper = keeper
        self.clock = clock
        self._config = config
        self._known: tuple[TimeoutConfig, Limit] | None = None
        self._pace: Pace | None = None
        self._awaits = False

    def bound(self) -> tuple[TimeoutConfig, Limit]:
        """Return what is set now."""
        config = self._config()
        known = self._known
        if known is None or known[0] is not config:
            limit = Limit(config.seconds, self._what, self.name, subject=self.subject, final=self._final)
            known = self._known = (config, limit)
        return known

    def home(self) -> Home | None:
        """Return what quick calls need in the running loop; None if there are none in it."""
        from .._runtime.timers import running_task

        config, limit = self.bound()
        timers, _ = running_task()
        return Home(config, limit, timers) if timers.is_quick and isinstance(self.clock, SystemClock) else None

    def limited(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that calls `function` in the time that it may take; its looks are not kept."""
        run = self.run_async if is_async(function) else self.run

        def call(*args: Any, **kwargs: Any) -> Any:
            return run(function, args, kwargs)

        return call

    # Async functions.

    async def run_async(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make one call with everything that may be asked for."""
        if is_off():
            return await function(*args, **kwargs)
        config, limit = self.bound()
        scope = Scope(limit, self.name, self.clock)
        self._open(scope.open_cutting)
        return await self._within(scope, config, partial(function, *args, **kwargs))

    async def _within(self, scope: Scope, config: TimeoutConfig, begin: Callable[[], Awaitable[Any]]) -> Any:
        """Await what `begin` returns in a scope that is open."""
        try:
            result = await begin()
        except BaseException as error:
            failure = scope.close(error)
            if failure is None:
                raise
        else:
            scope.close(None)
            failure = scope.late()
            if failure is None:
                return result
        try:
            return await self.conclude(config, failure)
        finally:
            del failure

    def ended(
        self, home: Home, token: Token[Mark | None], cut: Mark, error: BaseException
    ) -> OperationTimeoutError | None:
        """A quick call came back with `error`; return our own error if it is our cancellation."""
        fired = not home.queue.remove(cut)
        if not isinstance(error, GeneratorExit) or current.get() is cut:  # else it is closed in the midst of others
            reset(token)
        return judged(cut, home.limit, self.name, error, fired=fired) or home.limit.caused(error, cut[0])

    async def conclude(self, config: TimeoutConfig, error: OperationTimeoutError) -> Any:
        """Answer for a call that took too long, or raise `error`."""
        try:
            self._note(config, error, left_behind=False)
            raise error
        except OperationTimeoutError:  # so that it is the context of what the fallback raises
            if config.fallback is None:
                raise
            answer = config.fallback() if callable(config.fallback) else config.fallback
            return await answer if is_awaitable(answer) else answer
        finally:
            del error

    # Plain functions.

    def run(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make one call, in a worker if that is how it is to be."""
        if is_off():
            return function(*args, **kwargs)
        config, limit = self.bound()
        in_place = config.mode == "cooperative" or not isinstance(self.clock, SystemClock)
        if in_place or (self._awaits and loop_is_running()):
            return self._run_in_place(config, limit, function, args, kwargs)
        if self._pace is None:
            from .._runtime.workers import Pace

            self._pace = Pace()
        read = SYSTEM_CLOCK.monotonic
        at = read() + limit.seconds
        mark = self._open(lambda: nearest(at, read, limit, self.name))
        failure = None
        try:
            value = call_in_worker(name_of(function), mark, self.keeper, self._pace, function, args, kwargs)
        except DeadlineExceededError as error:
            failure = limit.caused(error, at)
            if failure is None:
                raise
            value = None
        left_behind = value is LEFT_BEHIND
        if left_behind:
            failure = expiry(mark, limit, self.name)
        if failure is not None:
            try:
                return self.answer(config, failure, left_behind=left_behind)
            finally:
                del failure
        if is_awaitable(value):
            self._awaits = True
            return self.awaited(config, limit, at, read, mark, value)
        return value

    def _run_in_place(
        self,
        config: TimeoutConfig,
        limit: Limit,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Make the call in this thread, under its mark."""
        read = self._reader()
        at = read() + limit.seconds
        scope = Scope(limit, self.name, self.clock)
        outer = current.get()
        mark = self._open(scope.measure)
        try:
            scope.open()
            value = function(*args, **kwargs)
            failure = None if config.mode == "cooperative" else scope.late()
        except BaseException as error:
            failure = scope.close(error)
            if failure is None:
                raise
            value = None
        finally:
            _, phase = phases  # asked without a call, so that no interrupt comes in between
            if phase is not START or not collecting():
                current.set(outer)
        if failure is not None:
            try:
                return self.answer(config, failure, left_behind=False)
            finally:
                del failure
        if is_awaitable(value):
            self._awaits = True
            return self.awaited(config, limit, at, read, mark, value)
        self._awaits = False
        return value

    def _reader(self) -> Callable[[], float]:
        """Return the clock by which a call in this thread is cut: its event loop's, unless another one was given."""
        if not isinstance(self.clock, SystemClock) or not loop_is_running():
            return self.clock.monotonic
        import asyncio

        from .._runtime.timers import timers_of

        return timers_of(asyncio.get_running_loop()).read

    async def awaited(  # noqa: PLR0917  internal
        self,
        config: TimeoutConfig,
        limit: Limit,
        at: float,
        read: Callable[[], float],
        mark: Mark,
        pending: Awaitable[Any],
    ) -> Any:
        """Await what a plain function returned, with what is left of the time that it had by `mark`."""
        remaining = at - read()
        over = next((each for each in (mark, current_mark()) if each is not None and left(each) <= 0), None)
        if over is not None:
            _drop(pending)
            return await self.conclude(config, expiry(over, limit, self.name))
        scope = Scope(limit, self.name, self.clock, remaining)
        scope.open_cutting()
        return await self._within(scope, config, lambda: pending)

    # Both.

    def _open(self, how: Callable[[], Mark | None]) -> Any:
        try:
            return how()
        except DeadlineExceededError:
            self.keeper.refused()
            raise

    def answer(self, config: TimeoutConfig, error: OperationTimeoutError, *, left_behind: bool) -> Any:
        """Do as `conclude` does, for a plain function, of which something may have been left behind."""
        try:
            self._note(config, error, left_behind=left_behind)
            raise error
        except OperationTimeoutError:
            if config.fallback is None:
                raise
            return config.fallback() if callable(config.fallback) else config.fallback
        finally:
            del error

    def _note(self, config: TimeoutConfig, error: OperationTimeoutError, *, left_behind: bool) -> None:
        self.keeper.timed_out(self.name, error, registered=config.name, left_behind=left_behind)
        if config.on_timeout is not None:
            tell(config.on_timeout, error)


def wrap(
    function: Callable[..., Any],
    guard: TimeGuard,
    bind: Callable[[Callable[[], Any]], Binding[Any]],
    *,
    is_settled: bool = False,
) -> Any:
    """Return `function` guarded, with its looks kept. `bind` makes a binding that follows what the guard is set to.

    `is_settled`: what is set now stays.
    """
    if not is_async(function):
        return wrap_plain(function, guard, bind, is_settled=is_settled)
    binding: Binding[Home | None] = bind(guard.home)

    async def run(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        binding.bind()
        return await guard.run_async(function, args, kwargs)

    async def conclude(home: Home, error: OperationTimeoutError) -> Any:
        try:
            return await guard.conclude(home.config, error)
        finally:
            del error

    return tailor(
        _QUIET,
        function,
        binding=binding,
        mark=current.get,
        set_mark=current.set,
        reset_mark=current.reset,
        thread=get_ident,
        run=run,
        ended=guard.ended,
        conclude=conclude,
    )


def tell(on_timeout: Callable[[OperationTimeoutError], object], error: OperationTimeoutError) -> None:
    """Call the user's function; if it raises, that is logged."""
    try:
        refuse_awaitable(on_timeout(error))
    except Exception:
        report_broken("timeout", "on_timeout", on_timeout)
    finally:
        del error


def _drop(pending: Awaitable[Any]) -> None:
    close = getattr(pending, "close", None) or getattr(pending, "cancel", None)
    if callable(close):
        close()
