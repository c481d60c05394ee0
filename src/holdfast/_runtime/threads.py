"""The door for plain functions: calls, waits in the caller's own thread, and hands over to `aio` where it must."""

from __future__ import annotations

import sys

from ..journal import report_broken, warn
from ..typed import TYPE_CHECKING
from .callables import is_awaitable
from .repetition import Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from .repetition import Repetition

_WARNED_AT_MOST = 1000
_warned: set[str] = set()


def attempt(call: Callable[[], Any]) -> Outcome:
    """Call once; an `Exception` becomes part of the outcome, anything else passes.

    This frame stays alive in the error's traceback, so it holds nothing that leads back to the error.
    """
    try:
        return Outcome(value=call())
    except Exception as error:
        return Outcome(error=error)


def repeat(repetition: Repetition, call: Callable[[], Any], delay: float | None) -> Awaitable[Any] | None:
    """Make attempts, `delay` seconds from now, until `repetition` has had enough.

    Return None when it is over. If an attempt returned something to await, return that: `aio.resume` carries on.
    """
    try:
        while delay is not None:
            if delay > 0:
                wait(repetition, delay)
            if not repetition.begin():
                break
            release(repetition.discarded())
            outcome = attempt(repetition.limited(call))
            if outcome.error is None and is_awaitable(outcome.value):
                return outcome.value
            try:
                delay = repetition.ended(outcome)
            finally:
                # The error's traceback keeps the frames it passed, they keep their callers, and one of these is ours:
                # a frame that still knew the outcome when it ends would close a cycle.
                del outcome
    except BaseException:
        repetition.forget()
        raise
    return None


def release(value: object) -> None:
    """Close a result that nobody will see, if it can be closed; an error in that is logged."""
    close = getattr(value, "close", None)
    if callable(close):
        try:
            close()
        except Exception:
            report_broken("retry", "closing a discarded result:", close)


def wait(repetition: Repetition, delay: float) -> None:
    """Sleep in this thread; Ctrl-C ends it. Warn, once for each name, if that stops a running event loop."""
    if loop_is_running() and repetition.name not in _warned and len(_warned) < _WARNED_AT_MOST:
        _warned.add(repetition.name)
        warn(
            f"{repetition.name} is a plain function called in a thread whose event loop is running: "
            f"its retries block the loop while they wait ({delay:.3g} s now). Make it `async def`, "
            "or call it through `asyncio.to_thread`.",
            RuntimeWarning,
        )
    repetition.clock.sleep(delay)


def loop_is_running() -> bool:
    """Whether an asyncio event loop is running in this thread; never imports asyncio to find out."""
    # Nothing while another thread is just importing asyncio.
    running = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    return running is not None and running() is not None
