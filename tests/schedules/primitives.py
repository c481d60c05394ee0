"""Locks and the like that wait at the scheduler. Outside its threads they are there as well, but nobody waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

from holdfast._runtime.system import SystemClock

from .scheduler import Scheduler, Strand


class Lock:
    """A `threading.Lock`: anybody may release it."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._taken = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        self._scheduler.point("acquire")
        if self._taken:
            if not blocking:
                return False
            limit = None if timeout < 0 else timeout
            if not self._scheduler.wait(lambda: not self._taken, limit, "acquire"):
                return False
        self._taken = True
        return True

    def release(self) -> None:
        if not self._taken:
            raise RuntimeError("release unlocked lock")
        self._taken = False
        self._scheduler.point("release")

    def locked(self) -> bool:
        return self._taken

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class RLock:
    """A `threading.RLock`."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._owner: int | None = None
        self._count = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        me = threading.get_ident()
        if self._owner != me:
            self._scheduler.point("acquire")
            if self._owner is not None:
                if not blocking:
                    return False
                limit = None if timeout < 0 else timeout
                if not self._scheduler.wait(lambda: self._owner is None, limit, "acquire"):
                    return False
            self._owner = me
        self._count += 1
        return True

    def release(self) -> None:
        if self._owner != threading.get_ident():
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if not self._count:
            self._owner = None
            self._scheduler.point("release")

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Event:
    """A `threading.Event`."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        self._scheduler.point("set")

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        self._scheduler.point("wait")
        return self._is_set or self._scheduler.wait(lambda: self._is_set, timeout, "wait")


class Condition:
    """A `threading.Condition`: who is notified is one of those who wait by then."""

    def __init__(self, scheduler: Scheduler, lock: Lock | None = None) -> None:
        self._scheduler = scheduler
        self._lock = Lock(scheduler) if lock is None else lock
        self._waiting: list[list[bool]] = []

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        called = [False]
        self._waiting.append(called)
        self._lock.release()
        try:
            return self._scheduler.wait(lambda: called[0], timeout, "wait")
        finally:
            if called in self._waiting:
                self._waiting.remove(called)
            self._lock.acquire()

    def notify(self, n: int = 1) -> None:
        for called in self._waiting[:n]:
            called[0] = True
        del self._waiting[:n]

    def notify_all(self) -> None:
        self.notify(len(self._waiting))


class Thread:
    """A `threading.Thread` that belongs to the run."""

    def __init__(
        self,
        group: None = None,
        target: Callable[..., Any] | None = None,
        name: str | None = None,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        daemon: bool | None = None,
        scheduler: Scheduler,
    ) -> None:
        self._scheduler = scheduler
        self._target = target
        self._args = tuple(args)
        self.name = name or "thread"
        self.daemon = bool(daemon)
        self._strand: Strand | None = None

    def start(self) -> None:
        assert self._target is not None
        self._strand = self._scheduler.start(self._target, *self._args, name=self.name, daemon=self.daemon)
        self._scheduler.point("start")

    def is_alive(self) -> bool:
        return self._strand is not None and not self._strand.over

    def join(self, timeout: float | None = None) -> None:
        self._scheduler.wait(lambda: not self.is_alive(), timeout, "join")


class ScheduledClock(SystemClock):
    """Shows the scheduler's time; to guards it is the system's."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        # One object each, as marks tell clocks apart by what reads them.
        self.monotonic = lambda: scheduler.now
        self.time = lambda: 946_684_800.0 + scheduler.now

    def random(self) -> float:
        return 0.5

    def sleep(self, duration: float) -> None:
        self._scheduler.sleep(duration)
