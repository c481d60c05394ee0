"""What the tests share: functions that follow a script, and the two doors through which they are called."""

from __future__ import annotations

import asyncio
import logging
import selectors
from collections.abc import Awaitable, Callable
from typing import Any


def log_nothing() -> None:
    """Keep what holdfast logs out of what a command prints; without this, logging writes warnings to stderr."""
    logging.getLogger("holdfast").addHandler(logging.NullHandler())


class Script:
    """A service that answers by a list: exceptions are raised, other entries are returned; the last one stays."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = outcomes
        self.calls = 0

    def next(self) -> Any:
        outcome = self.outcomes[min(self.calls, len(self.outcomes) - 1)]
        self.calls += 1
        if isinstance(outcome, type) and issubclass(outcome, BaseException):
            raise outcome(f"failure {self.calls}")
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


class Door:
    """One of the ways in which a guarded function is called."""

    def __init__(self, name: str) -> None:
        self.name = name

    def function(self, script: Script) -> Callable[..., Any]:
        """A function that follows the script, of this door's kind."""
        if self.name == "sync":

            def service(*args: Any, **kwargs: Any) -> Any:
                return script.next()

            return service
        if self.name == "async":

            async def async_service(*args: Any, **kwargs: Any) -> Any:
                await asyncio.sleep(0)
                return script.next()

            return async_service

        async def inner() -> Any:
            await asyncio.sleep(0)
            return script.next()

        return lambda *args, **kwargs: inner()  # a plain function that returns an awaitable

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call it, and await what it returns if that is how this door works."""
        if self.name == "sync":
            return function(*args, **kwargs)

        async def main() -> Any:
            result = function(*args, **kwargs)
            assert isinstance(result, Awaitable), "this door's functions return something to await"
            return await result

        return run_virtual(main())


class _VirtualSelector(selectors.SelectSelector):
    """Instead of waiting for a timer, moves the loop's time on to it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            return super().select(5)  # something outside the loop (a thread) will wake it up
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer when there is nothing else to do."""

    def __init__(self) -> None:
        self.selector = _VirtualSelector()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.now


def run_virtual(coroutine: Any) -> Any:
    """`asyncio.run` in virtual time: `asyncio.sleep(3600)` takes no time, and timers fire in their order."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)


class LoopClock:
    """A `holdfast.Clock` whose async sleeps are those of the running (virtual) loop."""

    def __init__(self) -> None:
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def time(self) -> float:
        return 946_684_800.0 + self.monotonic()

    def random(self) -> float:
        return 0.5

    def sleep(self, duration: float) -> None:
        raise AssertionError("async code must not sleep in its thread")

    async def sleep_async(self, duration: float) -> None:
        self.sleeps.append(duration)
        await asyncio.sleep(duration)
