"""Completion against expiry, tens of thousands of times: one outcome each, none lost, none doubled, nobody else harmed."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from typing import Any

from tests.support import run_virtual

from holdfast import OperationTimeoutError, TimeoutManager, with_timeout


def test_50_000_completions_and_expiries_in_the_same_tick() -> None:
    """Half of them are set to end before the timer is, half after; outer cancellations come in the same tick as well."""
    chance = random.Random(4)
    finished: set[int] = set()
    outcomes: dict[int, str] = {}

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def finish(done: asyncio.Future[None]) -> None:
            if not done.done():
                done.set_result(None)

        async def work(number: int, moment: float) -> int:
            done = loop.create_future()
            loop.call_at(moment, finish, done)
            await done
            finished.add(number)
            return number

        limited = {seconds: with_timeout(seconds)(work) for seconds in (1.0, 2.0)}

        async def call(number: int) -> None:
            seconds = chance.choice((1.0, 2.0))
            moment = loop.time() + seconds + chance.choice((-1e-9, 0, 0, 0, 1e-9))
            if number % 10 == 0:
                loop.call_at(moment, tasks[number].cancel)
            try:
                value = await limited[seconds](number, moment)
                assert value == number
                outcomes[number] = "result"
            except OperationTimeoutError:
                outcomes[number] = "timeout"
            except asyncio.CancelledError:
                outcomes[number] = "cancelled"
                raise
            task = asyncio.current_task()
            assert task is not None
            assert task.cancelling() == 0
            await asyncio.sleep(0)  # a stray cancellation would come in here

        tasks: dict[int, asyncio.Task[None]] = {}
        for round_ in range(50):
            numbers = range(round_ * 1_000, (round_ + 1) * 1_000)
            tasks.update({number: loop.create_task(call(number)) for number in numbers})
            await asyncio.wait([tasks[number] for number in numbers])
            tasks.clear()

    run_virtual(main())
    assert len(outcomes) == 50_000
    for number, outcome in outcomes.items():
        assert outcome == "cancelled" or (number in finished) == (outcome == "result"), (number, outcome)
        assert outcome != "cancelled" or number % 10 == 0
    assert set(outcomes.values()) == {"result", "timeout", "cancelled"}


def test_thousands_of_races_between_a_worker_and_its_caller() -> None:
    """The function ends at about the moment at which its caller stops waiting; four callers at once."""
    manager = TimeoutManager(max_left_behind=10_000)
    outcomes: list[tuple[str, int]] = []
    ended: list[int] = []

    def work(number: int, duration: float) -> int:
        until = time.monotonic() + duration
        while time.monotonic() < until:
            pass
        ended.append(number)
        return number

    limited: Any = manager.protect(work, timeout=100e-6)

    def caller(first: int) -> None:
        chance = random.Random(first)
        for number in range(first, first + 2_000):
            try:
                assert limited(number, chance.uniform(0, 200e-6)) == number
                outcomes.append(("result", number))
            except OperationTimeoutError:
                outcomes.append(("timeout", number))

    threads = [threading.Thread(target=caller, args=(first,)) for first in range(0, 8_000, 2_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(number for _, number in outcomes) == list(range(8_000))
    assert {kind for kind, _ in outcomes} == {"result", "timeout"}
    assert {number for kind, number in outcomes if kind == "result"} <= set(ended)
    # All that was left behind ends, and is then not counted any more.
    drained = manager.protect(lambda: None, timeout=60)
    while manager.metrics.left_behind:
        drained()
    assert manager.metrics.timed_out == sum(kind == "timeout" for kind, _ in outcomes)
    assert len(ended) == len(set(ended))
