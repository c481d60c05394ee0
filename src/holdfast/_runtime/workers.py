"""Worker threads that are waited for only so long.

A thread cannot be ended from outside. So a plain function with a time limit runs in a worker, and its caller waits; if
the time is up first, the caller goes on and the worker is left behind, until the function ends by itself. Workers are
daemons: they keep no process from ending.

All workers are alike and take jobs from one place. A worker without a job stays, for the next one, unless many do. How
a job ends is settled by whoever first takes its one `claim`: the worker, when the function is over, or the caller, when
the time is. So there is one outcome, and no result is lost that was there in time.

Two things make the hand-over quick where the system lets them:

* Workers wait at an eventfd. Writing to it releases the GIL, which the worker needs as soon as it wakes up; behind a
  lock it would wake up, find the GIL taken, and go to sleep again.
* A function that was over in a moment the last time is waited for awake, for a moment: sending the caller to sleep and
  waking it up takes longer than such a function does.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import deque
from contextvars import copy_context
from select import select
from types import CoroutineType

from ..journal import report_broken
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .leftovers import Hold, Ledger

IDLE_KEPT = 32
"""Workers that stay although they have nothing to do."""

_LOOKS = 25
"""How often a caller who is waiting awake looks; all of them together take about as long as one wake-up does."""

_A_MOMENT = 100e-6
_CAN_LOOK = hasattr(os, "eventfd")

_ABSENT = object()
_LEFT_BEHIND = " left behind by "
_OURS = "holdfast."


class NoWorkerError(Exception):
    """No thread could be started."""


class Pace:
    """Whether a function is usually over in a moment."""

    __slots__ = ("quick",)

    def __init__(self) -> None:
        self.quick = False


class Job:
    """One call of a plain function in a worker.

    `enter` is called in the worker first, with the job. The function sees the caller's context variables.
    """

    __slots__ = (
        "_args", "_claim", "_context", "_enter", "_function", "_held", "_kwargs", "_ledger", "_over", "_thread",
        "_turn", "error", "holder", "left_at", "name", "value",
    )  # fmt: skip

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
        self.left_at: float | None = None
        self.holder = object()  # stands for the job in its own context, where the job itself would be kept by it
        self._function = function
        self._args = args
        self._kwargs = kwargs
        self._enter = enter
        self._ledger = ledger
        self._context = copy_context()
        self._claim: list[None] = [None]  # to `pop` it is atomic, and works once
        self._turn: list[None] = [None]
        self._over = threading.Lock()
        self._over.acquire()
        self._thread: threading.Thread | None = None
        self._held: list[Hold] = []

    # In the caller's thread.

    def run(self, seconds: float, pace: Pace) -> bool:
        """Have the job done, and wait for it; False, and it is left behind, if it is not over after `seconds`.

        Then context variables have the values that the function gave them, and `value` or `error` says how it ended.
        Raises `NoWorkerError` if no thread can be started for it.
        """
        began = time.monotonic()
        try:
            _hand_over(self)
            if not (pace.quick and self._is_over_soon()) and not self._over.acquire(
                timeout=min(max(seconds, 0.0), threading.TIMEOUT_MAX)
            ):
                pace.quick = False
                if self._leave():
                    return False
                self._over.acquire()  # it was over in that very moment
        except NoWorkerError:
            raise
        except BaseException:  # Ctrl-C
            if self._leave():
                self._make_sure()
            raise
        pace.quick = time.monotonic() - began < _A_MOMENT
        self._take_over_context()
        return True

    def _make_sure(self) -> None:
        """Hand the job over in case that this was interrupted. No job is done twice."""
        try:
            _hand_over(self)
        except NoWorkerError:
            self._settle()

    def _is_over_soon(self) -> bool:
        if not _CAN_LOOK:
            return False
        for _ in range(_LOOKS):
            if self._over.acquire(blocking=False):
                return True
            select((), (), (), 0)  # lets the worker have the GIL, and does not sleep
        return False

    def _leave(self) -> bool:
        """Leave the job behind; False if it is over."""
        self.left_at = time.monotonic()
        self._held = self._ledger.enter(self)
        thread = self._thread
        if thread is not None:
            thread.name = f"{thread.name}{_LEFT_BEHIND}{self.name}"
        try:
            self._claim.pop()
        except IndexError:
            self._settle()
            return False
        return True

    def _take_over_context(self) -> None:
        for variable, value in self._context.items():
            if variable.get(_ABSENT) is not value and not variable.name.startswith(_OURS):
                variable.set(value)

    # In the worker's.

    def take(self) -> bool:
        """Take the job to do it; False if it has been taken before."""
        try:
            self._turn.pop()
        except IndexError:
            return False
        return True

    def perform(self, thread: threading.Thread) -> bool:
        """Call the function, unless the caller has gone already; return whether the caller waits for the outcome."""
        self._thread = thread
        if self._claim:
            here.holder = self.holder
            try:
                self.value = self._context.run(self._call)
            except BaseException as error:
                self.error = error
            finally:
                here.holder = None
        try:
            self._claim.pop()
        except IndexError:
            self._end_late()
            return False
        return True

    def _call(self) -> Any:
        self._enter(self)
        return self._function(*self._args, **self._kwargs)

    def tell(self) -> None:
        """Let the caller go on."""
        self._over.release()

    def _end_late(self) -> None:
        value, self.value, self.error = self.value, None, None
        self._settle()
        if isinstance(value, CoroutineType):
            try:
                value.close()  # nobody will await it
            except Exception:
                report_broken("timeout", "closing a late result:", value.close)

    def _settle(self) -> None:
        thread = self._thread
        if thread is not None:
            thread.name = thread.name.partition(_LEFT_BEHIND)[0]
        held, self._held = self._held, []
        self._ledger.leave(self)
        for hold in held:
            hold.end()


class _Here(threading.local):
    holder: object = None


here = _Here()
"""What stands for the job that this thread is doing, if any."""


class _Jobs:
    """Where jobs are put and taken."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_SEMAPHORE)

    def put(self, job: Job) -> None:
        self._jobs.append(job)
        os.eventfd_write(self._bell, 1)

    def get(self) -> Job:
        while True:
            try:
                os.eventfd_read(self._bell)
                # A job that was put in twice, since its caller was interrupted, may have rung only once.
                while not (job := self._jobs.popleft()).take():
                    pass
            except (InterruptedError, IndexError):  # a signal was delivered to this thread; or another one took it
                continue
            return job


class _PlainJobs:
    """The same where there is no eventfd."""

    def __init__(self) -> None:
        from queue import SimpleQueue

        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self.put = self._jobs.put

    def get(self) -> Job:
        while not (job := self._jobs.get()).take():
            pass
        return job


class _Crew:
    """The workers of this process: who has nothing to do, as tokens that are atomically put and taken."""

    def __init__(self) -> None:
        self.jobs = _Jobs() if hasattr(os, "eventfd") else _PlainJobs()
        self.idle: list[None] = []
        self.numbers = itertools.count(1)


_crew: _Crew | None = None
_founding = threading.Lock()


def _the_crew() -> _Crew:
    global _crew  # noqa: PLW0603  founded with the first job, and anew in a process that was forked
    with _founding:
        if _crew is None:
            _crew = _Crew()
        return _crew


def _disband() -> None:
    global _crew, _founding
    _crew, _founding = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disband)  # threads stay with the parent


def idle_workers() -> int:
    """Return how many workers have nothing to do."""
    crew = _crew
    return 0 if crew is None else len(crew.idle)


def _hand_over(job: Job) -> None:
    crew = _crew or _the_crew()
    try:
        crew.idle.pop()
    except IndexError:
        name = f"holdfast-worker-{next(crew.numbers)}"
        try:
            threading.Thread(target=_serve, args=(crew,), name=name, daemon=True).start()
        except RuntimeError as error:  # the system has no more threads, or the interpreter is ending
            raise NoWorkerError from error
    crew.jobs.put(job)


def _serve(crew: _Crew) -> None:
    thread = threading.current_thread()
    staying = True
    while staying:
        job = crew.jobs.get()
        waited_for = job.perform(thread)
        staying = len(crew.idle) < IDLE_KEPT
        if staying:
            crew.idle.append(None)  # before the caller goes on, who may come back at once
        if waited_for:
            job.tell()
        del job
