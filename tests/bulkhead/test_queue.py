"""The queue: one line for threads and tasks, first come, first served, and nothing is ever lost in it."""

from __future__ import annotations

import asyncio
import gc
import queue
import random
import signal
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Self

import pytest
from tests.support import Door, run_virtual

from holdfast.circuit_breaker.bulkhead import queue as bulkhead_queue
from holdfast.circuit_breaker.bulkhead.config import BulkheadConfig
from holdfast.circuit_breaker.bulkhead.manager import Bulkhead
from holdfast.circuit_breaker.bulkhead.queue import GONE, GRANTED, HELD, Line, Place, TaskPlace, ThreadPlace
from holdfast.errors import BulkheadTimeoutError
from holdfast.testing import VirtualClock


@pytest.fixture(params=["lock-free", "locked"])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bulkhead]:
    """Bulkheads as they are with the GIL and as they are without it."""
    monkeypatch.setattr(bulkhead_queue, "LOCK_FREE", request.param == "lock-free")
    return lambda permits=1, places=50, **fields: Bulkhead(
        BulkheadConfig(name="small", max_concurrent=permits, max_queue=places, **{"queue_timeout": None, **fields})
    )


def is_whole(bulkhead: Bulkhead) -> bool:
    return bulkhead.stats.as_dict() == {"active": 0, "queued": 0, "available": bulkhead.config.max_concurrent}


class LoopThread:
    """An event loop that runs in a thread of its own."""

    def __enter__(self) -> Self:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        return self

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


def test_promise_29_threads_and_tasks_of_several_loops_are_served_in_the_order_in_which_they_came(
    make: Callable[..., Bulkhead],
) -> None:
    bulkhead = make()
    arrived: queue.Queue[Any] = queue.Queue()
    bulkhead.on("queued", arrived.put)
    order: list[int] = []
    plain = bulkhead.protect(order.append)

    @bulkhead.protect
    async def served(number: int) -> None:
        order.append(number)
        await asyncio.sleep(0)

    with LoopThread() as one, LoopThread() as two:
        threads, futures = [], []
        with bulkhead.acquire():
            for number in range(30):
                if number % 3 == 0:
                    threads.append(threading.Thread(target=plain, args=(number,)))
                    threads[-1].start()
                else:
                    futures.append((one, two)[number % 3 - 1].start(served(number)))
                assert arrived.get(timeout=30).position == number + 1
        for future in futures:
            future.result(timeout=30)
        for thread in threads:
            thread.join(30)
    assert order == list(range(30))
    assert is_whole(bulkhead)


def test_promise_29_a_late_comer_does_not_overtake_even_when_the_permit_is_given_back_in_its_tick(
    make: Callable[..., Bulkhead],
) -> None:
    bulkhead = make()
    order: list[str] = []

    async def call(name: str) -> None:
        async with bulkhead.acquire_async():
            order.append(name)

    async def main() -> None:
        permit = await bulkhead.acquire_async()
        first = asyncio.create_task(call("first"))
        await asyncio.sleep(0)
        permit.release()
        await call("late")
        await first

    asyncio.run(main())
    assert order == ["first", "late"]
    assert is_whole(bulkhead)


def test_promise_29_the_queued_are_served_although_the_queue_is_full_behind_them(make: Callable[..., Bulkhead]) -> None:
    bulkhead = make(2, 20)

    @bulkhead.protect
    async def call(number: int) -> int:
        await asyncio.sleep(1)
        return number

    async def main() -> Any:
        return await asyncio.gather(*(call(number) for number in range(30)), return_exceptions=True)

    results = run_virtual(main())
    assert results[:22] == list(range(22))
    assert {type(result).__name__ for result in results[22:]} == {"BulkheadFullError"}
    assert bulkhead.metrics.rejected == 8
    assert is_whole(bulkhead)


def test_promise_28_the_head_cancelled_in_the_tick_of_its_grant_passes_the_permit_on(
    make: Callable[..., Bulkhead],
) -> None:
    bulkhead = make()

    async def main() -> None:
        async def call(name: str) -> str:
            async with bulkhead.acquire_async():
                return name

        for release_first in (True, False):
            permit = await bulkhead.acquire_async()
            head, heir = asyncio.create_task(call("head")), asyncio.create_task(call("heir"))
            await asyncio.sleep(0)
            if release_first:
                permit.release()
            head.cancel()
            permit.release()  # a second time does no harm
            assert await heir == "heir"
            with pytest.raises(asyncio.CancelledError):
                await head
            assert is_whole(bulkhead)

    asyncio.run(main())
    assert bulkhead.metrics.abandoned == 2
    assert bulkhead.metrics.admitted == 4


def test_promise_28_twenty_thousand_cancellations_lose_no_permit_and_no_place(make: Callable[..., Bulkhead]) -> None:
    bulkhead = make(5, 40)
    chance = random.Random(28)
    running = most = 0

    @bulkhead.protect
    async def call(steps: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            for _ in range(steps):
                await asyncio.sleep(0)
        finally:
            running -= 1

    async def main() -> None:
        cancelled = 0
        tasks: list[asyncio.Task[None]] = []
        while cancelled < 20_000:
            while len(tasks) < 45:
                tasks.append(asyncio.create_task(call(chance.randrange(6))))
            for task in chance.sample(tasks, 12):
                cancelled += task.cancel()
                if chance.random() < 0.3:
                    await asyncio.sleep(0)
            await asyncio.sleep(0)
            tasks = [task for task in tasks if not task.done()]
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    assert most == 5
    assert is_whole(bulkhead)
    metrics = bulkhead.metrics
    assert metrics.abandoned > 1000
    assert metrics.completed > 1000
    assert metrics.rejected == 0


@pytest.mark.parametrize("error", [None, ValueError])
def test_a_quiet_call_hands_its_permit_to_who_came_meanwhile(error: type[Exception] | None, door: Door) -> None:
    bulkhead = Bulkhead(BulkheadConfig(max_concurrent=1))
    waiter = ThreadPlace()

    def enter() -> None:
        bulkhead.line.enter(waiter)
        if error is not None:
            raise error

    async def enter_async() -> None:
        enter()

    functions: dict[str, Any] = {"sync": enter, "async": enter_async, "returns-awaitable": lambda: enter_async()}
    call = bulkhead.protect(functions[door.name])
    if error is None:
        bulkhead.protect(lambda: None)()
        for _ in range(2):  # the first time, the type of the result is new
            door.run(call)
            assert waiter.state == GRANTED
            bulkhead.line.leave(waiter)
            waiter = ThreadPlace()
    else:
        with pytest.raises(error):
            door.run(call)
        assert waiter.state == GRANTED
        bulkhead.line.leave(waiter)
    assert is_whole(bulkhead)


def test_promise_30_one_bulkhead_serves_two_runs_and_two_loops_at_once(make: Callable[..., Bulkhead]) -> None:
    bulkhead = make(2, 5000)
    inside: list[int] = []

    @bulkhead.protect
    async def call(number: int) -> int:
        inside.append(bulkhead.stats.active)
        await asyncio.sleep(0)
        return number

    async def main() -> int:
        return sum(await asyncio.gather(*(call(1) for _ in range(500))))

    assert [asyncio.run(main()), asyncio.run(main())] == [500, 500]
    with LoopThread() as one, LoopThread() as two:
        futures = [loop.start(main()) for loop in (one, two)]
        assert [future.result(timeout=60) for future in futures] == [500, 500]
    assert max(inside) <= 2
    assert is_whole(bulkhead)
    assert bulkhead.metrics.completed == 2000


def test_a_run_that_ends_while_its_tasks_wait_leaves_nothing_in_the_queue(make: Callable[..., Bulkhead]) -> None:
    bulkhead = make()
    permit = bulkhead.acquire()

    async def main() -> None:
        waiting = [asyncio.create_task(asyncio.wait_for(bulkhead.acquire_async(), 60)) for _ in range(3)]
        while bulkhead.stats.queued < 3:
            await asyncio.sleep(0)
        assert waiting

    asyncio.run(main())
    assert bulkhead.stats.queued == 0
    permit.release()
    assert is_whole(bulkhead)


def wait_in_a_loop_that_dies(bulkhead: Bulkhead) -> tuple[asyncio.AbstractEventLoop, Any]:
    loop = asyncio.new_event_loop()

    async def wait() -> None:
        with await bulkhead.acquire_async():
            raise AssertionError

    task = loop.create_task(wait())
    quiet: Any = task
    quiet._log_destroy_pending = False  # it will be dropped, on purpose
    loop.run_until_complete(asyncio.sleep(0))
    return loop, task


def test_waiters_of_a_closed_loop_are_passed_over(make: Callable[..., Bulkhead]) -> None:
    bulkhead = make()
    permit = bulkhead.acquire()
    dead = [wait_in_a_loop_that_dies(bulkhead) for _ in range(3)]
    for loop, _task in dead:
        loop.close()
    arrived = threading.Event()
    bulkhead.on("queued", lambda event: arrived.set())
    thread = threading.Thread(target=lambda: bulkhead.execute(lambda: 1))
    thread.start()
    assert arrived.wait(30)
    permit.release()
    thread.join(30)
    assert is_whole(bulkhead)
    dead.clear()
    gc.collect()
    assert is_whole(bulkhead)
    assert bulkhead.metrics.abandoned == 3


def test_a_waiter_dropped_with_its_loop_leaves_the_queue_or_passes_its_grant_on(make: Callable[..., Bulkhead]) -> None:
    for granted in (False, True):
        bulkhead = make()
        permit = bulkhead.acquire()
        loop, task = wait_in_a_loop_that_dies(bulkhead)
        if granted:
            permit.release()
            assert bulkhead.stats.active == 1
        loop.close()
        del loop, task
        gc.collect()
        permit.release()
        assert is_whole(bulkhead)


@pytest.mark.parametrize("granted", [False, True])
def test_promise_3_ctrl_c_while_a_thread_waits_gives_its_place_back(
    granted: bool, make: Callable[..., Bulkhead]
) -> None:
    bulkhead = make()
    permit = bulkhead.acquire()
    main_thread = threading.get_ident()
    waiting = threading.Event()
    bulkhead.on("queued", lambda event: waiting.set())

    over = threading.Event()
    handled: list[int] = []

    def interrupt() -> None:
        waiting.wait(30)
        # Again and again, since CPython sleeps through one that comes just before it begins to wait for a lock.
        while not over.wait(0.01):
            signal.pthread_kill(main_thread, signal.SIGINT)

    def handler(number: int, _frame: object) -> None:
        if handled:
            return
        handled.append(number)
        if granted:
            permit.release()  # a handler may use the bulkhead, also this one that the thread is waiting for
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            bulkhead.execute(lambda: None)
    finally:
        over.set()
        thread.join()
        signal.signal(signal.SIGINT, before)
    assert bulkhead.stats.queued == 0
    permit.release()
    assert is_whole(bulkhead)
    assert bulkhead.metrics.abandoned == 1


def test_a_grant_that_comes_with_the_timeout_wins(make: Callable[..., Bulkhead]) -> None:
    bulkhead = make(queue_timeout=5)

    async def main() -> None:
        permit = await bulkhead.acquire_async()
        waiter = asyncio.create_task(bulkhead.wait_async(5))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(5, permit.release)  # runs right after the timer, before the task
        with await waiter:
            assert bulkhead.stats.active == 1

    run_virtual(main())
    assert is_whole(bulkhead)
    assert bulkhead.metrics.timed_out == 0


def test_a_grant_that_comes_while_a_thread_wakes_from_its_wait_wins() -> None:
    class Helpful(VirtualClock):
        def sleep(self, duration: float) -> None:
            super().sleep(duration)
            permit.release()

    bulkhead = Bulkhead(BulkheadConfig(max_concurrent=1), clock=Helpful())
    permit = bulkhead.acquire()
    with bulkhead.acquire():
        assert bulkhead.stats.active == 1
    assert is_whole(bulkhead)


def test_threads_that_time_out_while_permits_are_handed_over_lose_none(make: Callable[..., Bulkhead]) -> None:
    bulkhead = make(2, 100)
    together = threading.Barrier(12)

    def caller(seed: int) -> None:
        chance = random.Random(seed)
        together.wait()
        for _ in range(300):
            try:
                with bulkhead.acquire(timeout=chance.choice([0, 1e-6, 1e-5, 1e-4, None])):
                    assert bulkhead.stats.active <= 2
            except BulkheadTimeoutError:
                pass

    threads = [threading.Thread(target=caller, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert is_whole(bulkhead)
    metrics = bulkhead.metrics
    assert metrics.admitted + metrics.timed_out == 12 * 300


def test_a_waiter_whose_leaving_was_interrupted_half_way_gets_no_permit() -> None:
    line = Line(1, 5)
    holder, half_gone, heir = Place(), Place(), Place()
    assert line.take(holder)
    assert [line.enter(half_gone), line.enter(heir)] == [1, 2]
    half_gone.state = GONE
    line.leave(holder)
    assert len(line.waiters) == 0
    assert line.leave(heir) is False
    assert line.available == 1


def test_cancelled_waiters_leave_nothing_behind() -> None:
    line = Line(1, 10**6)
    line.take(Place())
    for _ in range(10_000):
        place = Place()
        line.enter(place)
        line.leave(place)
    assert len(line.waiters) == 0
    assert line.abandoned == 10_000


def seconds_per_hand_over(waiting: int) -> float:
    line = Line(1, 10**6)
    holder = Place()
    line.take(holder)
    places = [Place() for _ in range(waiting)]
    for place in places:
        line.enter(place)
    for place in places[: waiting // 2 : 2]:
        line.leave(place)
    places = [place for place in places if place.state != GONE]
    began = time.perf_counter()
    for place in (holder, *places[:50]):
        line.leave(place)
    took = (time.perf_counter() - began) / 51
    assert len(line.waiters) == len(places) - 51
    return took


def test_a_hand_over_costs_the_same_with_100_000_waiting_as_with_100() -> None:
    few = min(seconds_per_hand_over(100) for _ in range(20))
    many = min(seconds_per_hand_over(100_000) for _ in range(2))
    assert many < 10 * few


@pytest.mark.parametrize("fewer", [False, True])
def test_what_was_granted_to_a_task_whose_loop_is_closed_before_it_comes_is_taken_back(
    make: Callable[..., Bulkhead], fewer: bool
) -> None:
    bulkhead = make(2)
    line = bulkhead.line
    for round_ in range(2):
        running, loop = [ThreadPlace(), ThreadPlace()], asyncio.new_event_loop()
        for place in running:
            assert line.take(place)
        lost, came = TaskPlace(loop), TaskPlace(loop)
        for task in (lost, came):
            line.enter(task)
        for place in running:
            line.leave(place)
        assert (lost.state, came.state) == (GRANTED, GRANTED)
        came.state = HELD
        behind = ThreadPlace()
        assert not line.take(ThreadPlace())
        if round_:
            line.enter(behind)
        loop.close()
        if fewer:
            line.resize(1, 50)
            assert lost.state == GONE
            line.resize(2, 50)
        elif round_:
            line.dispatch()
        else:
            assert line.take(behind)
        assert lost.state == GONE
        line.leave(came)
        line.leave(behind)
        assert not line.called
        assert is_whole(bulkhead)
