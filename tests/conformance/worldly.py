"""Time, sleep and the wall clock, in the hands of the scenarios.

A worker calls `take_over()` before it imports the library it is to ask. Sleeps are real, unless a scenario lets them
return at once to read the delays; the wall clock is real, unless a scenario moves it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, SupportsIndex
from unittest import mock

monotonic = time.monotonic
sleep = time.sleep
_async_sleep = asyncio.sleep
_wall = time.time
_datetime = dt.datetime

_naps: list[tuple[object, float]] | None = None
_strangers: frozenset[threading.Thread] = frozenset()
_shift = 0.0


def _who() -> object:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return threading.current_thread().name if task is None else task.get_name()


def _sleep(seconds: float | SupportsIndex) -> None:
    if _naps is None or threading.current_thread() in _strangers:
        sleep(seconds)
    else:
        _naps.append((_who(), float(seconds)))


async def _sleep_async(delay: float, result: Any = None) -> Any:
    if _naps is None or not delay:
        return await _async_sleep(delay, result)
    _naps.append((_who(), float(delay)))
    return await _async_sleep(0, result)


def _shifted() -> float:
    return _wall() + _shift


class _Shifted(_datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Any:
        return _datetime.now(tz) + dt.timedelta(seconds=_shift)

    @classmethod
    def utcnow(cls) -> Any:
        return _datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(seconds=_shift)


def take_over() -> None:
    """Stand in for the sleeping functions and `time.time`, for all that is imported from now on."""
    time.sleep = _sleep
    asyncio.sleep = _sleep_async
    time.time = _shifted


@contextlib.contextmanager
def no_waiting() -> Iterator[list[tuple[object, float]]]:
    """Let sleeps return at once; gives the list of who slept how long.

    Threads that other scenarios have left behind go on as before.
    """
    global _naps, _strangers
    _strangers = frozenset(threading.enumerate()) - {threading.current_thread()}
    naps: list[tuple[object, float]] = []
    _naps = naps
    try:
        with mock.patch("time.sleep", _sleep), mock.patch("asyncio.sleep", _sleep_async):
            yield naps
    finally:
        _naps = None


@contextlib.contextmanager
def wall_clock_moved(seconds: float, package: str) -> Iterator[None]:
    """Set the wall clock forward, or back if negative, as the package sees it through `time.time` and `datetime`."""
    global _shift
    _shift = seconds
    modules = [
        module
        for name, module in list(sys.modules.items())
        if name.split(".")[0] == package and getattr(module, "datetime", None) is _datetime
    ]
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch("time.time", _shifted))
            for module in modules:
                stack.enter_context(mock.patch.object(module, "datetime", _Shifted))
            yield
    finally:
        _strangers: frozenset[threading.Thread] = frozenset()


_shift = 0.0


def virtual_clock() -> Any:
    """holdfast's clock for tests."""
    from holdfast.testing import VirtualClock

    return VirtualClock()
