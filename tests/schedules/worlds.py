"""What a scenario is given: threads or tasks that a seed lets go on, and chance of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

from holdfast._runtime.system import SystemClock

from .choosing import chooser
from .loops import FAR, ChoosingLoop, StrandLoop
from .primitives import Condition, Event, Lock, ScheduledClock
from .scheduler import Found, Grain, Scheduler

# CPython 3.12 may crash when one thread is traced by bytecodes in what another one runs.
GRAINS: tuple[Grain, ...] = ("points", "lines", "lines", "lines" if sys.version_info[:2] == (3, 12) else "opcodes")


class Threads:
    """A run of threads: `start` them, then `run` them, then look at what they left."""

    def __init__(self, seed: int, watched: tuple[str, ...]) -> None:
        self.random = Random(f"scenario {seed}")
        random = Random(f"schedule {seed}")
        grain = random.choice(GRAINS)
        self.scheduler = Scheduler(chooser(random, 5 if grain == "opcodes" else 1), watched, grain)
        self.clock = ScheduledClock(self.scheduler)
        self.lock_free = sys.version_info < (3, 13) or sys._is_gil_enabled()
        if self.random.random() < 0.1:
            self.lock_free = False

    def start(self, function: Callable[..., Any], *args: Any) -> None:
        self.scheduler.start(function, *args)

    def start_tasks(self, main: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Start a thread with an event loop of its own."""

        def tasks() -> None:
            with asyncio.Runner(loop_factory=lambda: StrandLoop(self.scheduler)) as runner:
                runner.run(main())

        self.scheduler.start(tasks)

    def run(self) -> None:
        self.scheduler.run()

    def point(self) -> None:
        """Somebody else may go on here, in code that is not watched."""
        self.scheduler.point("call")

    def lock(self) -> Lock:
        return Lock(self.scheduler)

    def event(self) -> Event:
        return Event(self.scheduler)

    def condition(self) -> Condition:
        return Condition(self.scheduler)

    def close(self) -> None:
        self.scheduler.close()

    @property
    def now(self) -> float:
        return self.scheduler.now

    @property
    def digest(self) -> int:
        return self.scheduler.digest

    def told(self) -> str:
        return self.scheduler.told()


class _LoopClock(SystemClock):
    """The loop's time; to guards it is the system's, so that they set timers of the loop."""

    def __init__(self, loop: ChoosingLoop) -> None:
        self.monotonic = loop.time
        self.time = lambda: 946_684_800.0 + loop.time()

    def random(self) -> float:
        return 0.5


class Tasks:
    """A run of tasks in a loop that lets any of those that are ready go on."""

    def __init__(self, seed: int) -> None:
        self.random = Random(f"scenario {seed}")
        self.loop = ChoosingLoop(Random(f"schedule {seed}"))
        self.clock = _LoopClock(self.loop)

    def run(self, main: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            return runner.run(self._watched(main))

    async def _watched(self, main: Coroutine[Any, Any, Any]) -> Any:
        """End with what is wrong if everybody waits for ever."""
        task = asyncio.ensure_future(main)
        done, _ = await asyncio.wait([task], timeout=FAR)
        if not done:
            waiting = sorted(each.get_coro().__qualname__ for each in asyncio.all_tasks())  # type: ignore[union-attr]
            raise Found(f"nobody can go on: {', '.join(waiting)}")
        return task.result()

    def victim(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task that may be cancelled at any moment."""
        task = self.loop.create_task(coroutine)
        self.loop.victims.append(task)
        return task

    async def finish(self, tasks: list[asyncio.Task[Any]]) -> list[Any]:
        """Wait for all; those that were cancelled must have ended so, and the others must not. Return what came out."""
        await asyncio.wait(tasks)
        self.loop.victims.clear()
        outcomes: list[Any] = []
        for task in tasks:
            was_cancelled = self.loop.cancelled[task] > 0
            error = None if task.cancelled() else task.exception()
            if isinstance(error, AssertionError):
                raise error
            assert task.cancelled() == was_cancelled, f"{task} was{'' if was_cancelled else ' not'} cancelled"
            outcomes.append(asyncio.CancelledError if was_cancelled else error or task.result())
        return outcomes

    @property
    def digest(self) -> int:
        return self.loop.digest

    def told(self) -> str:
        return f"{sum(times > 0 for times in self.loop.cancelled.values())} tasks were cancelled"

    def close(self) -> None:
        self.loop.close()
