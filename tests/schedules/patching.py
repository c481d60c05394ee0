"""Puts the scheduler's locks where holdfast has those of `threading`, for the time of a run."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from types import ModuleType
from typing import Any

import holdfast

from .primitives import Condition, Event, Lock, RLock, ScheduledClock, Thread
from .scheduler import Scheduler

_LOCKS = {type(threading.Lock()): Lock, type(threading.RLock()): RLock}


@cache
def import_all() -> None:
    """Import every module beforehand: who is interrupted while importing holds a lock that is not ours."""
    for module in pkgutil.walk_packages(holdfast.__path__, "holdfast."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def threading_of(scheduler: Scheduler) -> ModuleType:
    """Return what stands for the module `threading` during a run."""
    there: Any = ModuleType("threading")
    for name, value in vars(threading).items():
        if not name.startswith("_"):
            setattr(there, name, value)
    for kind in (Lock, RLock, Condition, Event):
        setattr(there, kind.__name__, partial(kind, scheduler))
    there.Thread = partial(Thread, scheduler=scheduler)
    made: ModuleType = there
    return made


@contextmanager
def patched(scheduler: Scheduler, *, lock_free: bool) -> Iterator[None]:
    """Let holdfast make locks of the scheduler, have workers of its own, and see its time.

    `lock_free`: whether guards have their quiet paths, as they do where there is a GIL.
    """
    from holdfast._runtime import workers
    from holdfast.retry import doubled
    from holdfast.timeout import guard

    import_all()
    doubled.forget()  # after some failures, retries look at less of each
    before: list[tuple[Any, str, Any]] = []

    def put(module: Any, name: str, value: Any) -> None:
        before.append((module, name, getattr(module, name)))
        setattr(module, name, value)

    there = threading_of(scheduler)
    for name, module in list(sys.modules.items()):
        if name.startswith("holdfast."):
            for attribute, value in list(vars(module).items()):
                if value is threading:
                    put(module, attribute, there)
                elif attribute == "LOCK_FREE":
                    put(module, attribute, lock_free)
                elif type(value) in _LOCKS:
                    put(module, attribute, _LOCKS[type(value)](scheduler))
    clock = ScheduledClock(scheduler)
    put(guard, "SYSTEM_CLOCK", clock)
    put(workers, "time", clock)
    put(workers, "_CAN_LOOK", False)
    put(workers, "_new_bell", workers.PlainBell)
    put(workers, "_crew", workers._Crew())
    try:
        yield
    finally:
        for module, name, value in reversed(before):
            setattr(module, name, value)
