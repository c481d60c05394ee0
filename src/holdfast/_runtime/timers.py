"""One timer for each event loop, armed for the nearest of all moments at which a task is to be cancelled.

Who wants its task to be cancelled puts a *cut* into a queue, a tuple that begins with the moment, the clock, and the
task. When the time has come the cut is taken out and the task is cancelled; so who comes to take its cut out and finds
it gone knows that its task has been cancelled, and nobody needs to be told.

There are two kinds of queues. One is for cuts that are all as far away as each other when they are put in, so that they
stand in order by themselves: a plain dict by task, whose cuts cost nothing to order, and leave nothing behind when they
are taken out. A task has one cut in it at most. Beside it there is a place for a single cut, which costs even less, and
is all that calls need that end before another one begins. The other kind is for all other cuts: a heap of moments
beside a dict.

The timer is armed once and then fires for all; taking a cut out does not touch it. All of this belongs to the thread of
its loop and needs no lock.
"""

from __future__ import annotations

import itertools
import sys
import time
from contextvars import Context
from heapq import heapify, heappop, heappush
from weakref import ref

from ..typed import TYPE_CHECKING
from .system import LONGEST_SLEEP

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator
    from typing import Any

    Loop = asyncio.AbstractEventLoop

_NEVER = float("inf")
_SPARE = 64
_OVERDUE = 1.0
"""Seconds after which a timer that should have fired is taken for lost. In a busy loop it may well be a little late."""


class _NoLoop:
    """In place of a loop that was closed: runs in no thread."""

    _thread_id = -1


class Queue:
    """Cuts that are all put in the same time ahead: one by itself in `single`, or None, the others by their tasks."""

    __slots__ = ("__weakref__", "_gone", "single", "waiting")

    def __init__(self) -> None:
        self.single: Any = None
        self.waiting: dict[Any, Any] = {}
        self._gone = 0

    def nearest(self) -> float:
        """Return the nearest moment."""
        at: float = _NEVER if self.single is None else self.single[0]
        for cut in self.waiting.values():
            return min(at, float(cut[0]))
        return at

    def remove(self, cut: Any) -> bool:
        """Take a cut out before its moment; False if its task has been cancelled."""
        task = cut[2]
        if self.single is cut:
            self.single = None
        elif self.waiting.get(task) is cut:
            del self.waiting[task]
        else:
            return False
        return True

    def take(self, now: float) -> Iterator[Any]:
        """Take out the cuts whose moment has come."""
        single: Any = self.single
        if single is not None and single[0] <= now:
            self.single = None
            yield single
        waiting = self.waiting
        due = []
        for task, cut in waiting.items():
            if cut[0] > now:
                break
            due.append(task)
        for task in due:
            yield waiting.pop(task)
        self._gone += len(due)
        if self._gone > len(waiting) + _SPARE:
            # A dict walks past the places of those who are gone each time; made anew, it has no such places.
            kept = list(waiting.items())
            waiting.clear()
            waiting.update(kept)
            self._gone = 0


class Timers:
    """The queues and the timer of one event loop."""

    __slots__ = (
        "__weakref__",
        "_context",
        "_handle",
        "_heap",
        "_numbers",
        "_queues",
        "armed",
        "current_task",
        "loop",
        "odd",
        "read",
    )

    loop: Any
    armed: float
    """For when the timer is armed; whoever puts a cut in that is nearer has to `arm` it."""
    read: Callable[[], float]
    """The clock of the loop."""
    current_task: Callable[[Any], Any]

    def __init__(self, loop: Loop) -> None:
        import asyncio

        self.loop = loop
        # What the loop itself would read, without the way through its method. A loop with a time of its own is asked.
        own_time = getattr(loop.time, "__func__", None) is not asyncio.BaseEventLoop.time
        self.read = loop.time if own_time else time.monotonic
        # In 3.11 `current_task` is written in Python, around this.
        tasks: Any = asyncio.tasks
        self.current_task = asyncio.current_task if sys.version_info >= (3, 12) else tasks._current_tasks.get  # noqa: SLF001
        self.armed = _NEVER
        self.odd: dict[int, Any] = {}
        self._numbers = itertools.count()
        self._heap: list[tuple[float, int]] = []
        self._queues: dict[float, ref[Queue]] = {}
        self._handle: asyncio.TimerHandle | None = None
        self._context = Context()  # not the caller's, which would be kept alive until the timer fires

    @property
    def is_quick(self) -> bool:
        """Whether guards can find out quickly that the loop is the one that runs in their thread."""
        return sys.version_info >= (3, 12) or hasattr(self.loop, "_thread_id")

    def queue(self, seconds: float) -> Queue:
        """Return the queue for cuts that are `seconds` away when they are put in. It lasts as long as its users do."""
        known = self._queues.get(seconds)
        queue = None if known is None else known()
        if queue is None:
            queue = Queue()
            self._queues[seconds] = ref(queue)
        return queue

    def put(self, cut: Any) -> int:
        """Put a cut of any time ahead in, and return its number, for `take_out`."""
        number = next(self._numbers)
        self.odd[number] = cut
        heap = self._heap
        heappush(heap, (cut[0], number))
        if len(heap) > 2 * len(self.odd) + _SPARE:
            self._heap = [entry for entry in heap if entry[1] in self.odd]
            heapify(self._heap)
        self.see_to(cut[0])
        return number

    def take_out(self, number: int) -> bool:
        """Take a cut out that was `put` in; False if its task has been cancelled."""
        return self.odd.pop(number, None) is not None

    def see_to(self, at: float) -> None:
        """Look after the timer because something is put in for `at`, or because the timer should have fired by now."""
        if at < self.armed:
            self.arm(at)
        elif self.armed < self.read() - _OVERDUE:
            # It was interrupted as it began to fire, as by Ctrl-C in a program that goes on.
            self.armed = _NEVER
            self.arm(min(at, self._nearest()))

    def arm(self, at: float) -> None:
        """Let the timer fire at that moment, which is nearer than the one it was armed for."""
        at = min(at, self.read() + LONGEST_SLEEP)
        handle = self.loop.call_at(at, self._fire, context=self._context)
        before, self._handle, self.armed = self._handle, handle, at
        if before is not None:
            before.cancel()

    def _fire(self) -> None:
        # A loop calls a little early, by what its clock cannot tell apart.
        now = max(self.read(), self.armed)
        self._handle, self.armed = None, _NEVER
        try:
            for cut in self._due(now):
                self._cancel(cut[2])
        finally:
            at = self._nearest()
            if at < self.armed:
                self.arm(at)

    def _due(self, now: float) -> Iterator[Any]:
        for seconds, known in list(self._queues.items()):
            queue = known()
            if queue is None:
                del self._queues[seconds]
            else:
                yield from queue.take(now)
        while self._heap and (self._heap[0][0] <= now or self._heap[0][1] not in self.odd):
            cut = self.odd.pop(heappop(self._heap)[1], None)
            if cut is not None:
                yield cut

    def _nearest(self) -> float:
        queues = [queue for known in self._queues.values() if (queue := known()) is not None]
        at = min((queue.nearest() for queue in queues), default=_NEVER)
        return min(at, self._heap[0][0]) if self._heap else at

    def let_go(self) -> None:
        """The loop is closed: guards may hold on to the timers, but not to the loop, nor to what leads to it."""
        self.loop = _NoLoop
        self.read = time.monotonic
        self._handle = None

    def _cancel(self, task: asyncio.Task[Any]) -> None:
        try:
            task.cancel()
        except Exception as error:  # what the task awaits may be of anybody's making
            self.loop.call_exception_handler({"message": "cancelling a task failed", "exception": error, "task": task})


_known: dict[int, ref[Timers]] = {}
"""The timers by the id of their loop; they keep it alive, so that the id is nobody else's."""


def timers_of(loop: Loop) -> Timers:
    """Return the timers of a loop that is running in this thread."""
    known = _known.get(id(loop))
    timers = None if known is None else known()
    if timers is None or timers.loop is not loop:
        timers = Timers(loop)
        for key, other in list(_known.items()):
            found = other()
            if found is None or found.loop.is_closed():
                if found is not None:
                    found.let_go()
                _known.pop(key, None)
        _known[id(loop)] = ref(timers)
    return timers


def running_task() -> tuple[Timers, asyncio.Task[Any]]:
    """Return the running task and the timers of its loop.

    Raises `RuntimeError` if no task is running.
    """
    import asyncio

    loop = asyncio._get_running_loop()  # noqa: SLF001  `get_running_loop` raises where there is none
    task = None if loop is None else asyncio.current_task(loop)
    if loop is None or task is None:
        raise RuntimeError(
            "a timeout or deadline of async code needs an asyncio task that it can cancel, and none is running here; "
            "call it in `asyncio.run(...)`"
        )
    return timers_of(loop), task
