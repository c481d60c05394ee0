"""The timer of a loop: one for all, exact, and no dearer the more there are."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import random
import sys
import weakref
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.support import VirtualLoop, run_virtual

from holdfast import OperationTimeoutError, with_timeout
from holdfast._runtime.timers import Timers, timers_of


def pending_timers(loop: asyncio.AbstractEventLoop) -> int:
    return sum(not handle._cancelled for handle in loop._scheduled)  # type: ignore[attr-defined]


class Task:
    """Stands in for a task: notes when it is cancelled."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.cancelled_at: list[float] = []

    def cancel(self) -> None:
        self.cancelled_at.append(self.loop.time())


def test_a_hundred_thousand_timeouts_use_one_timer() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        gate = loop.create_future()

        async def call(number: int) -> None:
            await waits[number % 3]()

        async def wait() -> None:
            await asyncio.shield(gate)

        waits = [with_timeout(seconds)(wait) for seconds in (5, 10, 20)]
        tasks = [loop.create_task(call(number)) for number in range(100_000)]
        await asyncio.sleep(0)
        assert pending_timers(loop) == 1
        gate.set_result(None)
        await asyncio.wait(tasks)
        for task in tasks:
            task.result()

    run_virtual(main())


def test_ten_thousand_that_expire_one_after_the_other_are_cut_on_time() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        late: list[float] = []

        @with_timeout(10)
        async def hang() -> None:
            await asyncio.sleep(3600)

        async def call(number: int) -> None:
            await asyncio.sleep(number / 1000)
            began = loop.time()
            with pytest.raises(OperationTimeoutError):
                await hang()
            late.append(loop.time() - began - 10)

        await asyncio.gather(*(call(number) for number in range(10_000)))
        assert len(late) == 10_000
        assert max(late) < 1e-6
        assert min(late) > -1e-6

    run_virtual(main())


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from([0.5, 1.0, 3.0, None]), st.floats(0, 5), st.booleans()), max_size=60))
def test_whatever_is_put_in_and_taken_out_the_rest_is_cut_at_its_moment(steps: list[tuple[Any, float, bool]]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        timers = timers_of(loop)
        queues = {seconds: timers.queue(seconds) for seconds in (0.5, 1.0, 3.0)}
        kept: list[tuple[Task, float]] = []
        for seconds, pause, taken_out in steps:
            await asyncio.sleep(pause / 10)
            task = Task(loop)
            at = loop.time() + (pause if seconds is None else seconds)
            cut = (at, timers.read, task, None, 0)
            if seconds is None:
                number = timers.put(cut)
                if taken_out:
                    assert timers.take_out(number)
            else:
                queue = queues[seconds]
                if queue.single is None:  # as guards do
                    queue.single = cut
                else:
                    queue.waiting[task] = cut
                if at < timers.armed:
                    timers.arm(at)
                if taken_out:
                    assert queue.remove(cut)
                    assert not queue.remove(cut)
                assert queue.nearest() > loop.time()
            if taken_out:
                at = float("inf")
            kept.append((task, at))
            assert pending_timers(loop) <= 2  # ours, and that of the sleep
        await asyncio.sleep(60)
        for task, at in kept:
            assert task.cancelled_at == ([] if at == float("inf") else [pytest.approx(at, abs=1e-6)])
        assert not timers.odd
        assert not any(queue.waiting or queue.single for queue in queues.values())

    run_virtual(main())


def test_cuts_that_are_taken_out_leave_nothing_behind() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        timers = timers_of(loop)
        stays = timers.put((loop.time() + 1e6, timers.read, None, None, 0))
        chance = random.Random(1)
        for _ in range(20_000):
            number = timers.put((loop.time() + 10 + chance.random(), timers.read, None, None, 0))
            assert timers.take_out(number)
        assert len(timers._heap) < 200
        assert timers.take_out(stays)
        queue = timers.queue(10.0)
        tasks = [Task(loop) for _ in range(1_000)]  # type: ignore[arg-type]
        for task in tasks:
            queue.waiting[task] = (loop.time() + 10, timers.read, task, None, 0)
        timers.arm(loop.time() + 10)
        await asyncio.sleep(11)
        assert [task.cancelled_at for task in tasks] == [[10]] * 1_000
        assert sys.getsizeof(queue.waiting) < 10_000

    run_virtual(main())


def test_a_queue_lasts_as_long_as_somebody_uses_it() -> None:
    async def main() -> None:
        timers = timers_of(asyncio.get_running_loop())
        queue = timers.queue(7.0)
        assert timers.queue(7.0) is queue
        gone = weakref.ref(queue)
        del queue
        assert gone() is None
        timers.arm(asyncio.get_running_loop().time() + 1)
        await asyncio.sleep(2)
        assert 7.0 not in timers._queues

    run_virtual(main())


def test_a_task_whose_cancel_raises_does_not_keep_the_others_from_being_cut() -> None:
    seen: list[Any] = []

    class Broken:
        def cancel(self) -> None:
            raise ValueError("awaits something odd")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: seen.append(context["exception"]))
        timers = timers_of(loop)
        task = Task(loop)  # type: ignore[arg-type]
        for each in (Broken(), task):
            timers.put((loop.time() + 1, timers.read, each, None, 0))
        later = Task(loop)  # type: ignore[arg-type]
        timers.put((loop.time() + 2, timers.read, later, None, 0))
        await asyncio.sleep(5)
        assert task.cancelled_at == [1]
        assert later.cancelled_at == [2]

    run_virtual(main())
    assert [str(error) for error in seen] == ["awaits something odd"]


def test_the_timer_keeps_no_callers_context_alive() -> None:
    class Secret:
        pass

    variable: contextvars.ContextVar[Any] = contextvars.ContextVar("secret")

    @with_timeout(3600)
    async def fetch() -> None: ...

    async def call() -> Any:
        secret = Secret()
        variable.set(secret)
        await fetch()
        return weakref.ref(secret)

    async def main() -> None:
        gone = await asyncio.create_task(call())
        await asyncio.sleep(0)
        gc.collect()
        assert gone() is None

    run_virtual(main())


def test_a_limit_of_a_century_does_not_overflow() -> None:
    @with_timeout(86400 * 365.25 * 100)
    async def fetch() -> str:
        await asyncio.sleep(1)
        return "fetched"

    assert run_virtual(fetch()) == "fetched"
    assert asyncio.run(with_timeout(1e300)(asyncio.sleep)(0, "fine")) == "fine"


def test_a_loop_that_cannot_be_found_out_quickly_takes_the_longer_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Timers, "is_quick", False)

    @with_timeout(2)
    async def fetch(duration: float) -> str:
        await asyncio.sleep(duration)
        return "fetched"

    async def main() -> None:
        for _ in range(3):
            assert await fetch(1) == "fetched"
            with pytest.raises(OperationTimeoutError):
                await fetch(3)

    run_virtual(main())


def test_timers_read_the_loops_own_time() -> None:
    async def virtual() -> bool:
        return timers_of(asyncio.get_running_loop()).read == asyncio.get_running_loop().time

    async def real() -> bool:
        import time

        return timers_of(asyncio.get_running_loop()).read is time.monotonic

    assert run_virtual(virtual())
    assert asyncio.run(real())


def test_the_timers_of_a_closed_loop_let_it_go() -> None:
    loop = VirtualLoop()

    async def find() -> Timers:
        return timers_of(asyncio.get_running_loop())

    timers = loop.run_until_complete(find())
    loop.close()
    run_virtual(find())
    assert timers.loop is not loop


@pytest.mark.parametrize("make", [VirtualLoop, asyncio.new_event_loop])
def test_a_function_that_was_called_in_a_loop_does_not_keep_it_once_it_is_closed(make: Any) -> None:
    @with_timeout(60)
    async def fetch() -> str:
        await asyncio.sleep(0)
        return "fetched"

    loop = make()
    assert loop.run_until_complete(fetch()) == "fetched"
    loop.close()
    gone = weakref.ref(loop)
    del loop

    @with_timeout(60)
    async def other() -> None:
        await asyncio.sleep(0)

    run_virtual(other())
    gc.collect()
    assert gone() is None
