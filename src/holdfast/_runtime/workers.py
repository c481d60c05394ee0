"""Worker threads that are waited for only so long.

A thread cannot be ended from outside. So a plain function with a time limit runs in a worker, and its caller waits; if
the time is up first, the caller goes on and the worker is left behind, until the function ends by itself. Workers are
daemons: they keep no process from ending.

Each worker has a bell and a place for one job. A worker without a job is among the idle ones, from which it is taken,
given the job, and rung for; so it is one caller's alone, and what happens to it costs that one call at most.

Two questions about a job are settled by taking something that is there once, which is atomic: whoever takes its `turn`,
the worker to begin it or the caller to call it off; and whoever takes its `claim`, the worker when the function is over
or the caller when the time is. So there is one outcome, and no result is lost that was there in time.

Two things make the hand-over quick where the system lets them:

* The bell is an eventfd. Writing to it releases the GIL, which the worker needs as soon as it wakes up; behind a lock
  it would wake up, find the GIL taken, and go to sleep again.
* A function that was over in a moment the last time is waited for awake, for a moment: sending the caller to sleep and
  waking it up takes longer than such a function does. What passes that time has to let the GIL go meanwhile, and must
  not sleep: the checksum of some zeros does.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from contextvars import copy_context
from types import CoroutineType
from zlib import crc32

from ..contexts import innermost
from ..journal import report_broken
from ..typed import TYPE_CHECKING
from .leftovers import holding

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .leftovers import Hold, Ledger

IDLE_KEPT = 32
"""Workers that stay although they have nothing to do."""

_LOOKS = 10
"""How often a caller who is waiting awake looks."""

_ZEROS = bytes(40_000)
"""Their checksum takes some six microseconds, so that all looks take about as long as two wake-ups."""

_A_MOMENT = 100e-6
_CAN_LOOK = hasattr(os, "eventfd")
_ABSENT = object()
_OURS = "holdfast."
_LEFT_BEHIND = " left behind by "


class NoWorkerError(Exception):
    """No thread could be started."""


class Pace:
    """Whether a function is usually over in a moment."""

    __slots__ = ("quick",)

    def __init__(self) -> None:
        self.quick = False


class Job:
    """One call of a plain function in a worker, `_thread`, which is there once the job has begun.

    `enter` is called in the worker first, with the job. The function sees the caller's context variables. Until it is
    over it counts with everything that is held around the call.
    """

    __slots__ = (
        "_args",
        "_before",
        "_claim",
        "_context",
        "_ended",
        "_enter",
        "_function",
        "_held",
        "_kwargs",
        "_ledger",
        "_over",
        "_thread",
        "_turn",
        "error",
        "holder",
        "name",
        "value",
    )

    _thread: threading.Thread

    def __init__(  # noqa: PLR0917  internal
        self,
        name: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        ledger: Ledger,
        enter: Callable[[Job], object],
    ) -> None:
        self.name = name
        self.value: Any = None
        self.error: BaseException | None = None
        self.holder = object()  # stands for the job in its own context, where the job itself would be kept by it
        self._function = function
        self._args = args
        self._kwargs = kwargs
        self._enter = enter
        self._ledger = ledger
        self._context = copy_context()
        self._before = self._context.copy()
        self._turn: list[None] = [None]
        self._claim: list[None] = [None]
        self._ended = False
        self._over = threading.Lock()
        self._over.acquire()
        self._held: list[Hold] = []

    # In the caller's thread.

    def run(self, remaining: Callable[[], float], pace: Pace) -> bool:
        """Have the job done, and wait for it; False, and it is left behind, if it is not over when no time remains.

        Then context variables have the values that the function gave them, and `value` or `error` says how it ended.
        Raises `NoWorkerError` if no thread can be started for it.
        """
        began = time.monotonic()
        worker: Worker | None = None
        try:
            self._hold()
            worker = _free_worker()
            worker.job = self  # nothing comes in between: an interrupt waits for the next call
            worker.ring()
            in_time = self._wait(remaining, pace) or not self._leave()
            if not in_time:
                pace.quick = False
                return False
        except BaseException:  # Ctrl-C, or no worker
            self._abandon(worker)
            raise
        pace.quick = time.monotonic() - began < _A_MOMENT
        self._take_over_context()
        return True

    def _hold(self) -> None:
        hold = innermost(holding.get())
        while hold is not None:
            hold.add()
            self._held.append(hold)
            hold = innermost(hold.outer)

    def _wait(self, remaining: Callable[[], float], pace: Pace) -> bool:
        if pace.quick and self._is_over_soon():
            return True
        return self._over.acquire(timeout=min(max(remaining(), 0.0), threading.TIMEOUT_MAX))

    def _is_over_soon(self) -> bool:
        if not _CAN_LOOK:
            return False
        for _ in range(_LOOKS):
            if self._over.acquire(blocking=False):
                return True
            crc32(_ZEROS)
        return False

    def _leave(self) -> bool:
        """Go on without the outcome; False if it is there by now."""
        try:
            self._turn.pop()
        except IndexError:
            self._enter_ledger()
        else:  # no worker has come to it, and none will
            self._end_holds()
            return True
        try:
            self._claim.pop()
        except IndexError:
            return False
        return True

    def _enter_ledger(self) -> None:
        """Be among what is left behind, unless it is over; may be done again."""
        thread = self._thread
        if _LEFT_BEHIND not in thread.name:
            thread.name = f"{thread.name}{_LEFT_BEHIND}{self.name}"
        self._ledger.jobs[self] = None
        if self._ended:  # the worker looks in the other order, so one of both sees the other
            self._leave_ledger()

    def _leave_ledger(self) -> None:
        self._ledger.jobs.pop(self, None)
        thread = self._thread
        thread.name = thread.name.partition(_LEFT_BEHIND)[0]

    def _abandon(self, worker: Worker | None) -> None:
        """The caller was interrupted: call the job off if it has not begun, else leave it behind."""
        try:
            self._turn.pop()
        except IndexError:
            if hasattr(self, "_thread"):  # else it was called off before the interrupt
                self._enter_ledger()
                self._claim.clear()
            return
        self._end_holds()
        if worker is not None:
            worker.ring()  # perhaps it has not been rung for; one time too many does no harm

    def _take_over_context(self) -> None:
        before = self._before
        for variable, value in self._context.items():
            if before.get(variable, _ABSENT) is not value and not variable.name.startswith(_OURS):
                variable.set(value)

    # In the worker's.

    def perform(self, thread: threading.Thread) -> threading.Lock | None:
        """Call the function, unless it was called off; return what the caller waits for, if it still does."""
        self._thread = thread
        try:
            self._turn.pop()
        except IndexError:
            return None
        here.holder = self.holder
        try:
            self.value = self._context.run(self._call)
        except BaseException as error:
            self.error = error
        finally:
            here.holder = None
            self.end()
        try:
            self._claim.pop()
        except IndexError:
            self._drop()
            return None
        return self._over

    def _call(self) -> Any:
        self._enter(self)
        return self._function(*self._args, **self._kwargs)

    def end(self) -> None:
        """It is over: it is not left behind any more, and nothing is held for it."""
        self._ended = True
        self._leave_ledger()
        self._end_holds()

    def _end_holds(self) -> None:
        held = self._held
        try:
            while True:
                held.pop().end()
        except IndexError:  # all have ended
            return

    def _drop(self) -> None:
        value, self.value, self.error = self.value, None, None
        if isinstance(value, CoroutineType):
            try:
                value.close()  # nobody will await it
            except Exception:
                report_broken("timeout", "closing a late result:", value.close)


class _Here(threading.local):
    holder: object = None


here = _Here()
"""What stands for the job that this thread is doing, if any."""


class Bell:
    """Wakes a worker up."""

    __slots__ = ("_descriptor",)

    def __init__(self) -> None:
        self._descriptor = os.eventfd(0, os.EFD_CLOEXEC)

    def ring(self) -> None:
        """Let the worker go on, now or when it waits; rung twice it may sound once."""
        os.eventfd_write(self._descriptor, 1)

    def wait(self) -> None:
        """Wait until it is rung."""
        while True:
            try:
                os.eventfd_read(self._descriptor)
            except InterruptedError:  # a signal was delivered to this thread
                continue
            return


class PlainBell:
    """The same without an eventfd."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def ring(self) -> None:
        """Let the worker go on, now or when it waits; rung twice it may sound once."""
        try:
            self._lock.release()
        except RuntimeError:  # it is ringing
            return

    def wait(self) -> None:
        """Wait until it is rung."""
        self._lock.acquire()


def _new_bell() -> Bell | PlainBell:
    try:
        return Bell()
    except (AttributeError, OSError):  # the system has none, or no more
        return PlainBell()


class Worker:
    """A thread that does one job after the other."""

    __slots__ = ("_bell", "_crew", "_thread", "job", "ring")

    def __init__(self, crew: _Crew) -> None:
        self.job: Job | None = None
        self._crew = crew
        try:
            # Used again and never closed: one that was rung once too often must not ring for anybody else.
            self._bell = crew.bells.pop()
        except IndexError:
            self._bell = _new_bell()
        self.ring = self._bell.ring
        name = f"holdfast-worker-{next(crew.numbers)}"
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        try:
            self._thread.start()
        except (RuntimeError, MemoryError, OSError) as error:  # no more threads, or the interpreter is ending
            if isinstance(error, RecursionError):
                raise
            raise NoWorkerError from error

    def _serve(self) -> None:
        staying = True
        while staying:
            try:
                self._bell.wait()
                staying = self._do_next()
            except BaseException:  # noqa: S112  from outside: what a job raises is the job's
                continue
        self._crew.bells.append(self._bell)

    def _do_next(self) -> bool:
        """Do the job that is there, and say whether to stay for another one."""
        job, self.job = self.job, None
        if job is None:
            return True
        over: threading.Lock | None = None
        idle = self._crew.idle
        try:
            over = job.perform(self._thread)
            # What is finalised with the job may call again, and has to find another worker for that.
            del job
            # In a process that was forked in a job, the crew is another one.
            staying = self._crew is _crew and len(idle) < IDLE_KEPT
            if staying:
                idle.append(self)  # before the caller goes on, who may come back at once
            return staying
        finally:
            if over is not None:
                over.release()


class _Crew:
    """The workers of this process that have nothing to do."""

    def __init__(self) -> None:
        self.idle: list[Worker] = []
        self.bells: list[Bell | PlainBell] = []
        self.numbers = itertools.count(1)


_crew = _Crew()


def _free_worker() -> Worker:
    crew = _crew
    try:
        return crew.idle.pop()
    except IndexError:
        return Worker(crew)


def _disband() -> None:
    global _crew  # noqa: PLW0603  threads stay with the parent
    _crew = _Crew()
    here.holder = None


getattr(os, "register_at_fork", dict)(after_in_child=_disband)


def idle_workers() -> int:
    """Return how many workers have nothing to do."""
    return len(_crew.idle)
