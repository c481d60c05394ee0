"""The two doors: the same scenario is played with threads and plain functions, and with tasks and async functions."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, Literal

from tests.support import VirtualLoop

from . import worldly
from .endings import Ending, Unfulfilled
from .services import PATIENCE, Gate, Service

Door = Literal["sync", "async"]

LONGEST_CALL = 10.0
"""Seconds after which a call that goes on in a task is cancelled."""

CLOCKWORK = 0.1
"""Seconds for which a library that cannot be asked is given time to put a caller into its queue."""


class Going:
    """A call that is under way."""

    def __init__(self, ending: Callable[[], Ending], done: Callable[[], bool], cancel: Callable[[], object]) -> None:
        self.ending = ending
        self.done = done
        self.cancel = cancel


class Lab:
    """Where a scenario is played: calls, waits and looks at the time, through one door."""

    door: Door

    def __init__(self, clock: Any = None) -> None:
        self.clock = clock
        """A virtual clock for guards that take one; None: real time."""

    def service(self, *script: Any) -> Service:
        return Service(self, *script)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Ending:
        """Call it, and see how it ends."""
        raise NotImplementedError

    def start(self, function: Callable[..., Any], *arguments: Any) -> Going:
        """Begin to call it, in a thread or a task of its own."""
        raise NotImplementedError

    def together(self, function: Callable[..., Any], count: int) -> list[Going]:
        """Begin so many calls at once."""
        raise NotImplementedError

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        raise NotImplementedError

    def now(self) -> float:
        raise NotImplementedError

    def inside(self, factory: Callable[[], Any]) -> Any:
        """Make something where it has to be made: for async code, in a running loop."""
        raise NotImplementedError

    def turn(self) -> None:
        """Let the others get on."""
        raise NotImplementedError

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until it holds."""
        limit = worldly.monotonic() + PATIENCE
        while not condition():
            if worldly.monotonic() > limit:
                raise Unfulfilled(f"waited {PATIENCE:g} s in vain until {what}")
            self.turn()

    def eventually(self, condition: Callable[[], object], seconds: float | None = None) -> bool:
        """Wait until it holds, but no longer than that; tells whether it does."""
        limit = worldly.monotonic() + (PATIENCE if seconds is None else seconds)
        while not condition():
            if worldly.monotonic() > limit:
                return False
            self.turn()
        return True

    def queued(self, waiting: Callable[[], int] | None, count: int) -> None:
        """Wait until so many callers are in a queue; a library that cannot be asked is given a moment."""
        if waiting is None:
            self.eventually(lambda: False, CLOCKWORK)
        else:
            self.until(lambda: waiting() >= count, f"{count} callers are in the queue")

    @contextlib.contextmanager
    def no_waiting(self) -> Iterator[list[tuple[object, float]]]:
        """Let every sleep return at once, and note who slept how long."""
        clock, self.clock = self.clock, None
        try:
            with worldly.no_waiting() as naps:
                yield naps
        finally:
            self.clock = clock

    def close(self) -> None:
        """End what is left."""


class ThreadLab(Lab):
    """Plain functions, called by threads."""

    door: Door = "sync"

    def call(self, function: Callable[..., Any], *arguments: Any) -> Ending:
        try:
            return Ending(function(*arguments))
        except BaseException as error:
            return Ending(error=error)

    def start(self, function: Callable[..., Any], *arguments: Any) -> Going:
        endings: list[Ending] = []
        thread = threading.Thread(target=lambda: endings.append(self.call(function, *arguments)), daemon=True)
        thread.start()

        def ending() -> Ending:
            thread.join(PATIENCE)
            if not endings:
                raise Unfulfilled("a call does not end")
            return endings[0]

        return Going(ending, lambda: bool(endings), lambda: None)

    def together(self, function: Callable[..., Any], count: int) -> list[Going]:
        barrier = threading.Barrier(count)

        def at_once() -> Any:
            barrier.wait(PATIENCE)
            return function()

        return [self.start(at_once) for _ in range(count)]

    def wait(self, seconds: float) -> None:
        if self.clock is None:
            worldly.sleep(seconds)
        else:
            self.clock.advance(seconds)

    def now(self) -> float:
        return worldly.monotonic() if self.clock is None else float(self.clock.monotonic())

    def inside(self, factory: Callable[[], Any]) -> Any:
        return factory()

    def turn(self) -> None:
        worldly.sleep(0.001)


class LoopClock:
    """A clock for guards whose time is that of a virtual loop, also between the turns of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.offset = 946_684_800.0

    def monotonic(self) -> float:
        return self._loop.time()

    def time(self) -> float:
        return self.offset + self._loop.time()

    def random(self) -> float:
        return 0.5

    def sleep(self, duration: float) -> None:
        raise AssertionError("async code must not sleep in its thread")

    async def sleep_async(self, duration: float) -> None:
        await asyncio.sleep(duration)


class TaskLab(Lab):
    """Async functions, called by tasks of one loop."""

    door: Door = "async"

    def __init__(self, *, virtual: bool = False) -> None:
        super().__init__()
        self.virtual = virtual
        self.runner = asyncio.Runner(loop_factory=VirtualLoop if virtual else None)
        self.loop = self.runner.get_loop()
        if virtual:
            self.clock = LoopClock(self.loop)

    def another_loop(self) -> None:
        """Close this loop and go on in a new one, as a second `asyncio.run` does."""
        self.runner.close()
        self.runner = asyncio.Runner(loop_factory=VirtualLoop if self.virtual else None)
        self.loop = self.runner.get_loop()
        if self.virtual:
            self.clock._loop = self.loop

    def call(self, function: Callable[..., Any], *arguments: Any) -> Ending:
        return self.start(function, *arguments).ending()

    def start(self, function: Callable[..., Any], *arguments: Any) -> Going:
        async def ended() -> Ending:
            try:
                return Ending(await function(*arguments))
            except BaseException as error:
                return Ending(error=error)

        task = self.loop.create_task(ended())

        def ending() -> Ending:
            if not task.done():
                giving_up = self.loop.call_later(LONGEST_CALL, self._give_up, task)
                try:
                    self.runner.run(_done(task))
                finally:
                    giving_up.cancel()
            # A task that is cancelled before its first step never ran.
            return Ending(error=asyncio.CancelledError()) if task.cancelled() else task.result()

        return Going(ending, task.done, task.cancel)

    def _give_up(self, task: asyncio.Task[Ending]) -> None:
        task.cancel("a call does not end")

    def together(self, function: Callable[..., Any], count: int) -> list[Going]:
        return [self.start(function) for _ in range(count)]

    def wait(self, seconds: float) -> None:
        self.runner.run(asyncio.sleep(seconds))

    def now(self) -> float:
        return self.loop.time()

    def inside(self, factory: Callable[[], Any]) -> Any:
        async def main() -> Any:
            return factory()

        return self.runner.run(main())

    def turn(self) -> None:
        self.runner.run(asyncio.sleep(0))

    def close(self) -> None:
        self.runner.close()


async def _done(task: asyncio.Task[Ending]) -> None:
    await asyncio.wait([task])


def open_lab(door: Door, *, virtual: bool = False) -> Lab:
    """A lab for a door; `virtual`: time passes only when the scenario lets it."""
    if door == "async":
        return TaskLab(virtual=virtual)
    if virtual:
        return ThreadLab(worldly.virtual_clock())
    return ThreadLab()


__all__ = ["Door", "Gate", "Going", "Lab", "TaskLab", "ThreadLab", "open_lab"]
