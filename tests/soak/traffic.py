"""The calls of a real run: from threads, and from tasks in loops of their own, some with deadlines, some cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from holdfast import deadline, disabled, with_fallback, with_resilience
from holdfast._runtime.timers import timers_of

from .clients import EXPECTED, Clients
from .findings import Findings

SERVICES = ("soak-orders", "soak-prices")
"""Names of policies. Plain functions and async ones share the guards of both."""

INSTEAD = "instead"
UNEXPECTED = "a call that ended as none should"
LEFT_IN_LOOP = "something that a loop still had when all was over"


class Traffic:
    """Calls until `over` is set; `ended` counts how."""

    def __init__(self, clients: Clients, findings: Findings, seed: int) -> None:
        self.findings = findings
        self.over = threading.Event()
        self.ended: Counter[str] = Counter()
        self.loops: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
        self._seed = seed
        self._lock = threading.Lock()
        findings.expect(UNEXPECTED)
        findings.expect(LEFT_IN_LOOP)
        answered = with_fallback(value=INSTEAD)
        self.plain: list[Callable[[], Any]] = []
        self.later: list[Callable[[], Any]] = []
        for service in SERVICES:
            for ask in (clients.with_http_client, clients.with_urllib):
                guarded = with_resilience(service)(_plain(ask, service))
                self.plain += [guarded, answered(guarded)]
            async_guarded = with_resilience(service)(_later(clients.with_streams, service))
            self.later += [async_guarded, answered(async_guarded)]

    def renew(self) -> None:
        """In a forked child: nobody else is there."""
        self._lock = threading.Lock()
        self.ended.clear()

    def end(self, how: str) -> None:
        with self._lock:
            self.ended[how] += 1

    def failed(self, error: BaseException) -> None:
        if isinstance(error, EXPECTED):
            self.end(f"{type(error).__name__}")
        else:
            self.end("error")
            self.findings.mishap(UNEXPECTED, f"{type(error).__name__}: {error}")

    def begin(self, *, threads: int, loops: int, tasks: int) -> list[threading.Thread]:
        """Begin with so many threads, and with so many loops, in a thread each, with so many tasks."""
        self.over.clear()
        self._seed += 1
        begun = [threading.Thread(target=self.in_thread, args=[Random(f"{self._seed}/{n}")]) for n in range(threads)]
        begun += [
            threading.Thread(target=self.in_loop, args=[tasks, Random(f"{self._seed}/loop {n}")]) for n in range(loops)
        ]
        for thread in begun:
            thread.start()
        return begun

    # In threads.

    def in_thread(self, chance: Random) -> None:
        while not self.over.is_set():
            self.one(chance)
            time.sleep(chance.random() * 0.02)

    def one(self, chance: Random) -> None:
        try:
            with _around(chance):
                self.end(chance.choice(self.plain)())
        except BaseException as error:
            self.failed(error)

    # In loops.

    def in_loop(self, tasks: int, chance: Random) -> None:
        asyncio.run(self._loop(tasks, chance))

    async def _loop(self, tasks: int, chance: Random) -> None:
        self.loops.add(asyncio.get_running_loop())
        await asyncio.gather(*(self._in_task(chance) for _ in range(tasks)))
        for what in left_in_loop():
            self.findings.mishap(LEFT_IN_LOOP, what)

    async def _in_task(self, chance: Random) -> None:
        while not self.over.is_set():
            await self.one_async(chance)
            await asyncio.sleep(chance.random() * 0.02)

    async def one_async(self, chance: Random) -> None:
        if chance.random() < 0.85:
            await self._call(chance)
            return
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._call(chance))
        timer = loop.call_later(chance.random() * 0.1, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            self.end("cancelled")
        finally:
            timer.cancel()

    async def _call(self, chance: Random) -> None:
        try:
            with _around(chance):
                self.end(await chance.choice(self.later)())
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.failed(error)


def _plain(ask: Callable[[str], str], service: str) -> Callable[[], str]:
    def plain() -> str:
        return ask(service)

    return plain


def _later(ask: Callable[[str], Any], service: str) -> Callable[[], Any]:
    async def later() -> str:
        answer: str = await ask(service)
        return answer

    return later


def _around(chance: Random) -> Any:
    """What may be around a call: a deadline, sometimes; rarely a block in which holdfast is off; mostly nothing."""
    kind = chance.random()
    if kind < 0.1:
        return deadline(0.01 + chance.random() * 0.3)
    return disabled() if kind < 0.12 else contextlib.nullcontext()


def left_in_loop() -> list[str]:
    """What a loop has besides the running task: tasks, timers of its own, and moments at which ours would cancel."""
    loop: Any = asyncio.get_running_loop()
    timers = timers_of(loop)
    found = [repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    found += [repr(each) for each in loop._scheduled if not each.cancelled() and each is not timers._handle]
    queues = [queue for known in timers._queues.values() if (queue := known()) is not None]
    cuts = len(timers.odd) + sum(len(queue.waiting) + (queue.single is not None) for queue in queues)
    found += [f"{cuts} moments at which to cancel"] if cuts else []
    return found
