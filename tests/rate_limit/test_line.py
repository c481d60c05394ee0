"""The line: one for threads and tasks, first come, first served, and what is given up is there for the next."""

from __future__ import annotations

import asyncio
import gc
import queue
import random
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from fractions import Fraction
from itertools import pairwise
from typing import Any, Self

import pytest
from tests.interrupts import Interrupted, interrupt_at
from tests.rate_limit.loop_time import LoopTime
from tests.support import run_virtual

from holdfast import Clock, deadline
from holdfast.errors import ConfigurationError, DeadlineExceededError, RateLimitExceededError
from holdfast.rate_limit import RateLimiter, RateLimiterConfig, SlidingWindow, TokenBucket, line as rate_limit_line
from holdfast.rate_limit.manager import limiters
from holdfast.rate_limit.places import GONE, GRANTED, HELD, WAITING, Booked, WaitingTask, WaitingThread
from holdfast.testing import VirtualClock

Limit = TokenBucket | SlidingWindow

LIMITS: dict[str, Limit] = {
    "token bucket": TokenBucket(rate=100, capacity=5),
    "sliding window": SlidingWindow(limit=5, period=0.05),
    "sliding window in buckets": SlidingWindow(limit=5, period=0.05, buckets=5),
}


@pytest.fixture(params=LIMITS)
def limit(request: pytest.FixtureRequest) -> Limit:
    """One of each kind: about a hundred per second, five at once."""
    return LIMITS[request.param]


@pytest.fixture(params=["lock-free", "locked"])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RateLimiter]:
    """Limiters as they are with the GIL and as they are without it."""
    monkeypatch.setattr(rate_limit_line, "LOCK_FREE", request.param == "lock-free")

    def limiter(limit: Limit, clock: Clock | None = None, **fields: Any) -> RateLimiter:
        given: dict[str, Any] = {"queue_timeout": None, "max_queue": 100_000, **fields}
        return RateLimiter(RateLimiterConfig(name="small", limit=limit, **given), clock=clock)

    return limiter


class Noting:
    """The real clock, or another one, that notes what the limiter counts."""

    def __init__(self, limiter: RateLimiter) -> None:
        self.admitted: list[tuple[float, int]] = []
        measured = limiter.line.allowance.measure
        allowance: Any = limiter.line.allowance
        take, record = measured.take, measured.record
        noting = self

        class Noted:
            def __getattr__(self, name: str) -> Any:
                return getattr(measured, name)

            def take(self, now: float, amount: int) -> None:
                noting.admitted.append((now, amount))
                take(now, amount)

            def record(self, times: list[float]) -> None:
                noting.admitted.extend((time, 1) for time in times)
                record(times)

        allowance.measure = Noted()

    def keeps(self, limit: Limit) -> bool:
        """Whether the limit was kept, reckoned exactly, by what was noted."""
        admitted = sorted(self.admitted)
        if isinstance(limit, TokenBucket):
            return all(
                sum(cost for _, cost in admitted[first : last + 1])
                <= limit.capacity + Fraction(limit.rate) * (Fraction(admitted[last][0]) - Fraction(admitted[first][0]))
                for first in range(len(admitted))
                for last in range(first, min(first + 60, len(admitted)))
            )
        units = [when for when, cost in admitted for _ in range(cost)]
        return all(
            Fraction(after) - Fraction(first) >= Fraction(limit.period)
            for first, after in zip(units, units[limit.limit :], strict=False)
        )


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


def is_idle(limiter: RateLimiter) -> bool:
    line = limiter.line
    return not line.waiters and not line.held and not line.queued and not line.granted and not line.booked


def test_promise_35_many_threads_at_once_are_never_let_pass_faster_than_the_limit(
    make: Callable[..., RateLimiter], limit: Limit
) -> None:
    limiter = make(limit)
    noted = Noting(limiter)
    calls: list[float] = []
    call = limiter.protect(lambda: calls.append(time.monotonic()))

    def work() -> None:
        for _ in range(6):
            call()

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(calls) == 96
    assert limiter.metrics.admitted == limiter.metrics.asked == 96
    assert noted.keeps(limit)
    assert is_idle(limiter)


def test_promise_35_many_tasks_and_costs_are_never_let_pass_faster_than_the_limit(
    make: Callable[..., RateLimiter], limit: Limit
) -> None:
    chance = random.Random(35)
    limiter = make(limit, LoopTime())
    noted = Noting(limiter)
    seen: list[tuple[float, int]] = []

    async def call(cost: int, after: float) -> None:
        await asyncio.sleep(after)
        await limiter.acquire_async(cost)
        seen.append((asyncio.get_running_loop().time(), cost))

    async def main() -> None:
        await asyncio.gather(*(call(chance.randint(1, 5), chance.random()) for _ in range(300)))

    run_virtual(main())
    assert len(seen) == 300
    assert noted.keeps(limit)
    noted.admitted = seen
    assert noted.keeps(limit)
    assert is_idle(limiter)


def test_promise_35_quick_and_slow_calls_of_threads_together_keep_the_limit(
    make: Callable[..., RateLimiter],
) -> None:
    limit = TokenBucket(rate=20_000, capacity=300)
    limiter = make(limit)
    noted = Noting(limiter)
    done: list[int] = []

    @limiter.protect
    def call(number: int) -> None:
        done.append(number)

    def work(number: int) -> None:
        for _ in range(150):
            call(number)
            if number % 4 == 0:
                limiter.try_acquire(2)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(before)
    assert len(done) == 1200
    assert limiter.metrics.asked == 1500
    assert noted.keeps(limit)
    assert sum(cost for _, cost in noted.admitted) == 1200 + 2 * (limiter.metrics.admitted - 1200)


def test_promise_36_threads_and_tasks_of_several_loops_are_let_pass_in_the_order_in_which_they_came(
    make: Callable[..., RateLimiter],
) -> None:
    limiter = make(TokenBucket(rate=0.001, capacity=1))  # nobody passes before all have come
    arrived: queue.Queue[Any] = queue.Queue()
    limiter.on("queued", arrived.put)
    order: list[int] = []
    admitted: list[int] = []
    limiter.on("admitted", lambda event: admitted.append(1))
    plain = limiter.protect(order.append)

    @limiter.protect
    async def served(number: int) -> None:
        order.append(number)

    limiter.acquire()
    with LoopThread() as one, LoopThread() as two:
        threads, futures = [], []
        for number in range(24):
            if number % 3 == 0:
                threads.append(threading.Thread(target=plain, args=(number,)))
                threads[-1].start()
            else:
                futures.append((one, two)[number % 3 - 1].start(served(number)))
            arrived.get(timeout=30)
        limiter.update(TokenBucket(rate=150, capacity=1))
        for future in futures:
            future.result(timeout=30)
        for thread in threads:
            thread.join(30)
    assert order == list(range(24))
    assert len(admitted) == 25
    assert is_idle(limiter)


def test_promise_36_a_large_request_is_not_starved_and_nobody_overtakes(make: Callable[..., RateLimiter]) -> None:
    limiter = make(TokenBucket(rate=10, capacity=10), LoopTime())
    order: list[tuple[str, float]] = []

    async def call(name: str, cost: int) -> None:
        await limiter.acquire_async(cost)
        order.append((name, round(asyncio.get_running_loop().time(), 4)))

    async def main() -> None:
        await limiter.acquire_async(10)
        large = asyncio.create_task(call("large", 10))
        await asyncio.sleep(0)
        small = []
        for number in range(5):
            small.append(asyncio.create_task(call(f"small {number}", 1)))
            await asyncio.sleep(0.05)
            assert not limiter.try_acquire()  # though there is a token, which the large one waits for
        await asyncio.gather(large, *small)

    run_virtual(main())
    assert order == [("large", 1.0), *((f"small {number}", round(1.1 + number / 10, 4)) for number in range(5))]


def test_promise_36_a_wait_that_cannot_be_met_in_time_is_refused_at_once(make: Callable[..., RateLimiter]) -> None:
    clock = VirtualClock()
    limiter = make(TokenBucket(rate=1, capacity=2), clock, queue_timeout=3, max_queue=10)
    call = limiter.protect(lambda: "done")
    limiter.acquire(2)
    with pytest.raises(RateLimitExceededError, match="'small' refused a call: its turn would come in 2 s") as caught:
        limiter.acquire(2, timeout=1.9)
    assert caught.value.retry_after == 2
    assert caught.value.name == "small"
    limiter.reserve(2)
    limiter.reserve()
    with pytest.raises(RateLimitExceededError, match="in 4 s, which is more than the 3 s that it may wait"):
        call()
    with pytest.raises(RateLimitExceededError, match="the 0 s that it may wait"):
        limiter.acquire(timeout=0)
    assert clock.sleeps == []
    limiter.acquire(timeout=4)
    assert clock.monotonic() == 4
    assert limiter.metrics.rejected == 3


def test_promise_36_a_deadline_that_is_nearer_than_the_turn_refuses_at_once(make: Callable[..., RateLimiter]) -> None:
    limiter = make(TokenBucket(rate=0.01, capacity=1))
    limiter.acquire()

    @limiter.protect
    async def call() -> None: ...

    async def main() -> None:
        with deadline(20, name="request"), pytest.raises(RateLimitExceededError, match=r"deadline 'request' left"):
            await call()

    with deadline(20, name="request"):
        with pytest.raises(
            RateLimitExceededError, match=r"more than the 20 s that the deadline 'request' left"
        ) as caught:
            limiter.acquire()
        assert 90 < (caught.value.retry_after or 0) <= 100
        with pytest.raises(RateLimitExceededError, match="the 10 s that it may wait"):
            limiter.acquire(timeout=10)
    asyncio.run(main())
    assert issubclass(DeadlineExceededError, TimeoutError)


def test_who_waits_as_long_as_it_was_told_is_let_pass(make: Callable[..., RateLimiter], limit: Limit) -> None:
    for start in (0.0, 0.1, 1 / 3, 12345.678901234567):
        clock = VirtualClock(start=start)
        limiter = make(limit, clock)
        for _ in range(40):
            limiter.acquire()
            try:
                limiter.acquire(5, timeout=0)
            except RateLimitExceededError as error:
                assert error.retry_after is not None
                before = clock.monotonic()
                limiter.acquire(5, timeout=error.retry_after)
                assert clock.monotonic() - before == pytest.approx(error.retry_after, abs=1e-9)


def test_the_queue_is_bounded(make: Callable[..., RateLimiter]) -> None:
    limiter = make(TokenBucket(rate=1, capacity=1), VirtualClock(), max_queue=2)
    limiter.acquire()
    limiter.reserve()
    limiter.reserve()
    with pytest.raises(RateLimitExceededError, match="in 3 s, and 2 wait, which is all that may"):
        limiter.acquire()
    with pytest.raises(RateLimitExceededError, match="and 2 wait"):
        limiter.reserve()
    assert limiter.metrics.rejected == 2


def test_promise_37_a_cancelled_waiter_gives_its_place_back_and_those_behind_move_up(
    make: Callable[..., RateLimiter], limit: Limit
) -> None:
    limiter = make(limit, LoopTime())
    done: dict[str, float] = {}

    async def call(name: str, cost: int) -> None:
        await limiter.acquire_async(cost)
        done[name] = asyncio.get_running_loop().time()

    async def main() -> None:
        await limiter.acquire_async(5)
        tasks = {name: asyncio.create_task(call(name, 5)) for name in ("first", "second", "third")}
        await asyncio.sleep(0.001)
        tasks["first"].cancel()
        tasks["second"].cancel()
        await asyncio.wait(tasks.values())

    run_virtual(main())
    assert done == {"third": pytest.approx(0.05)}
    assert limiter.metrics.abandoned == 2
    assert is_idle(limiter)


def test_promise_37_a_cancellation_in_the_tick_of_the_turn_passes_it_on(make: Callable[..., RateLimiter]) -> None:
    limiter = make(TokenBucket(rate=10, capacity=1), LoopTime())

    async def main() -> None:
        await limiter.acquire_async()
        head, heir = (asyncio.create_task(limiter.acquire_async()) for _ in range(2))
        await asyncio.sleep(0.05)
        asyncio.get_running_loop().call_at(0.1, head.cancel)  # its alarm rings in the same tick
        await heir
        assert asyncio.get_running_loop().time() == pytest.approx(0.1, abs=1e-6)
        with pytest.raises(asyncio.CancelledError):
            await head

    run_virtual(main())
    assert limiter.metrics.as_dict() | {"available": 0} == {
        "name": "small",
        "admitted": 2,
        "rejected": 0,
        "timed_out": 0,
        "abandoned": 1,
        "queued": 0,
        "available": 0,
    }


def test_promise_37_what_was_promised_to_a_task_that_is_cancelled_then_is_there_for_the_next(
    make: Callable[..., RateLimiter],
) -> None:
    clock = VirtualClock()
    limiter = make(TokenBucket(rate=10, capacity=1), clock)
    line = limiter.line

    async def main() -> None:
        limiter.acquire()
        places = [WaitingTask(asyncio.get_running_loop(), 1) for _ in range(2)]
        for place in places:
            line.enter(place, 10)
        clock.advance(0.1)
        line.dispatch()
        assert [place.state for place in places] == [GRANTED, WAITING]
        assert limiter.stats.as_dict() == {"available": 0, "queued": 2}
        assert line.leave(places[0])
        assert [place.state for place in places] == [GONE, GRANTED]
        assert not line.look(places[1])
        assert places[1].state == HELD
        assert not line.leave(places[1])

    asyncio.run(main())
    assert limiter.metrics.abandoned == 1
    assert is_idle(limiter)


def test_promise_37_twenty_thousand_cancellations_lose_no_place_and_no_token(make: Callable[..., RateLimiter]) -> None:
    limit = TokenBucket(rate=1000, capacity=5)
    limiter = make(limit, LoopTime(), max_queue=50)
    chance = random.Random(37)
    seen: list[tuple[float, int]] = []
    noted = Noting(limiter)

    async def call(cost: int) -> None:
        await limiter.acquire_async(cost)
        seen.append((asyncio.get_running_loop().time(), cost))

    async def main() -> None:
        cancelled = 0
        tasks: list[asyncio.Task[None]] = []
        while cancelled < 20_000:
            while len(tasks) < 45:
                tasks.append(asyncio.create_task(call(chance.randint(1, 3))))
            for task in chance.sample(tasks, 12):
                cancelled += task.cancel()
                if chance.random() < 0.3:
                    await asyncio.sleep(chance.choice([0, 0, 0.0005, 0.001]))
            await asyncio.sleep(chance.choice([0, 0.001, 0.002]))
            tasks = [task for task in tasks if not task.done()]
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(1)
        assert limiter.stats.as_dict() == {"available": 5, "queued": 0}

    run_virtual(main())
    assert is_idle(limiter)
    metrics = limiter.metrics
    assert metrics.admitted == len(seen) > 1000
    assert metrics.abandoned > 10_000
    assert metrics.rejected == 0
    assert noted.keeps(limit)
    # And nothing was wasted: while somebody waited, the tokens were used as they came.
    assert sum(cost for _, cost in seen) > 0.8 * limit.rate * seen[-1][0]


def test_one_limiter_serves_two_runs_and_two_loops_at_once(make: Callable[..., RateLimiter]) -> None:
    limiter = make(TokenBucket(rate=5000, capacity=10))

    @limiter.protect
    async def call(number: int) -> int:
        return number

    async def main() -> int:
        return sum(await asyncio.gather(*(call(1) for _ in range(60))))

    assert [asyncio.run(main()), asyncio.run(main())] == [60, 60]
    with LoopThread() as one, LoopThread() as two:
        futures = [loop.start(main()) for loop in (one, two)]
        assert [future.result(timeout=60) for future in futures] == [60, 60]
    assert is_idle(limiter)
    assert limiter.metrics.admitted == 240


def test_a_run_that_ends_while_its_tasks_wait_leaves_nothing_in_the_line(make: Callable[..., RateLimiter]) -> None:
    limiter = make(TokenBucket(rate=0.01, capacity=1))
    limiter.acquire()

    async def main() -> None:
        tasks = [asyncio.create_task(limiter.acquire_async()) for _ in range(3)]
        while limiter.stats.queued < 3:
            await asyncio.sleep(0)
        assert tasks

    asyncio.run(main())
    assert limiter.stats.queued == 0
    assert is_idle(limiter)


def wait_in_a_loop_that_dies(limiter: RateLimiter) -> tuple[asyncio.AbstractEventLoop, Any]:
    loop = asyncio.new_event_loop()
    task = loop.create_task(limiter.acquire_async())
    quiet: Any = task
    quiet._log_destroy_pending = False  # it will be dropped, on purpose
    loop.run_until_complete(asyncio.sleep(0))
    return loop, task


def test_waiters_of_a_closed_loop_are_passed_over(make: Callable[..., RateLimiter]) -> None:
    limiter = make(TokenBucket(rate=100, capacity=1))
    limiter.acquire()
    dead = [wait_in_a_loop_that_dies(limiter) for _ in range(3)]
    for loop, _task in dead:
        loop.close()
    limiter.acquire()
    assert limiter.metrics.abandoned == 3
    dead.clear()
    gc.collect()
    assert is_idle(limiter)
    assert limiter.metrics.abandoned == 3


def test_a_thread_that_is_first_now_is_woken_for_its_new_moment(make: Callable[..., RateLimiter]) -> None:
    limiter = make(SlidingWindow(limit=2, period=0.2))
    limiter.acquire(2)
    before = [limiter.reserve(2) for _ in range(1000)]
    arrived, done = threading.Event(), threading.Event()

    def work() -> None:
        limiter.acquire()
        done.set()

    thread = threading.Thread(target=work)
    limiter.on("queued", lambda event: arrived.set())
    thread.start()
    assert arrived.wait(30)
    for each in reversed(before):  # the thread's alarm was to ring in minutes
        each.cancel()
    assert done.wait(30)
    thread.join(30)
    assert is_idle(limiter)


def test_a_place_is_woken_once_until_it_looks() -> None:
    clock = VirtualClock()
    limiter = RateLimiter(TokenBucket(rate=1, capacity=1), clock=clock)
    limiter.acquire()
    first, second = WaitingThread(1), WaitingThread(1)
    limiter.line.enter(first, 100)
    limiter.line.enter(second, 100)
    limiter.line.leave(first)
    assert second.called_up  # its alarm is for later than its turn is now
    limiter.line.dispatch()
    clock.advance(1)
    limiter.line.dispatch()
    assert [second.state] == [GRANTED]
    assert not limiter.line.look(second)
    assert [second.state, second.called_up] == [HELD, False]
    assert not second.gate.acquire(blocking=False)


def test_a_waiter_whose_loop_closes_when_it_is_called_up_makes_room_for_the_next() -> None:
    clock = VirtualClock()
    limiter = RateLimiter(TokenBucket(rate=1, capacity=1), clock=clock)
    limiter.acquire()
    loop = asyncio.new_event_loop()
    dead, alive = WaitingTask(loop, 1), WaitingThread(1)
    loop.close()
    limiter.line.enter(dead, 100)
    limiter.line.enter(alive, 100)
    clock.advance(1)
    assert not limiter.line.look(alive)
    assert (dead.state, alive.state) == (GONE, HELD)
    assert limiter.metrics.abandoned == 1


def test_one_that_asks_in_the_midst_of_the_limiters_own_work_is_refused_and_one_that_goes_is_cleared_later() -> None:
    clock = VirtualClock()
    limiter = RateLimiter(TokenBucket(rate=1, capacity=5), clock=clock)
    line = limiter.line
    limiter.acquire(5)
    leaving, staying = Booked(1), WaitingThread(2)
    line.enter(leaving, 100)
    line.enter(staying, 100)
    line.inside = True  # as a signal handler or a finaliser finds it
    assert not limiter.try_acquire()
    with pytest.raises(RateLimitExceededError):
        limiter.reserve()
    assert limiter.stats.as_dict() == {"available": 0, "queued": 2}
    assert line.look(staying)
    assert line.wait_of(1) == 0
    assert line.leave(leaving)
    assert len(line.waiters) == 2
    limiter.pause_for(3)
    assert line.busy
    line.inside = False
    assert limiter.stats.available == 0
    clock.advance(2)
    assert line.look(staying)
    clock.advance(1)
    assert not line.look(staying)
    assert staying.state == HELD
    assert is_idle(limiter)
    assert limiter.metrics.abandoned == 1


@pytest.mark.parametrize(
    "limit", [SlidingWindow(limit=2, period=1), TokenBucket(rate=2, capacity=2)], ids=["window", "bucket"]
)
def test_promise_35_a_reservation_waits_for_one_before_it_who_was_called_up_and_comes_late(limit: Limit) -> None:
    clock = VirtualClock()
    limiter = RateLimiter(limit, clock=clock)
    line, noting = limiter.line, Noting(limiter)
    limiter.acquire(2)
    late, reserved = WaitingThread(2), Booked(1)
    line.enter(late, 100)
    line.enter(reserved, 100)
    clock.advance(1)
    line.dispatch()
    assert late.state == GRANTED
    clock.advance(2)
    assert limiter.stats.queued == 2, "a thread that has not gone on yet still goes first"
    assert not line.look(late)
    assert line.look(reserved)
    assert reserved.alarm > 3
    clock.advance(reserved.alarm - 3)
    assert limiter.stats.queued == 0
    assert noting.admitted == [(0, 2), (3, 2), (reserved.alarm, 1)]


def test_a_promise_that_is_given_up_in_the_midst_of_the_limiters_own_work_is_given_back() -> None:
    clock = VirtualClock()
    limiter = RateLimiter(TokenBucket(rate=1, capacity=5), clock=clock)
    place = WaitingThread(5)
    limiter.acquire(5)
    limiter.line.enter(place, 100)
    clock.advance(5)
    limiter.line.dispatch()
    limiter.line.inside = True
    assert limiter.line.leave(place)
    limiter.line.inside = False
    assert limiter.stats.available == 5


def test_those_behind_a_reservation_move_up_when_somebody_before_it_goes_away() -> None:
    limiter = RateLimiter(TokenBucket(rate=10, capacity=20), clock=LoopTime())
    done: list[float] = []

    async def call(cost: int) -> None:
        await limiter.acquire_async(cost)
        done.append(asyncio.get_running_loop().time())

    async def main() -> None:
        await limiter.acquire_async(20)
        first = asyncio.create_task(call(20))
        await asyncio.sleep(0)
        reserved = limiter.reserve(5)
        last = asyncio.create_task(call(1))
        await asyncio.sleep(0.05)
        first.cancel()
        await last
        assert reserved.delay == 0

    run_virtual(main())
    assert done == [pytest.approx(0.6, abs=1e-5)]


def test_a_line_of_reservations_wakes_nobody_and_one_that_is_woken_is_not_woken_again(clock: VirtualClock) -> None:
    limiter = RateLimiter(TokenBucket(rate=1, capacity=3), clock=clock)
    limiter.acquire(3)
    first, second, third = limiter.reserve(3), limiter.reserve(3), limiter.reserve(3)
    last = WaitingThread(1)
    assert first.cancel()
    limiter.line.enter(last, 100)
    last.alarm = 50  # as if it had looked while a pause was on
    assert second.cancel()
    assert last.called_up
    limiter.line.dispatch()
    assert third.at == 3
    assert limiter.line.look(last)
    assert (last.alarm, last.called_up) == (4, False)


def test_a_place_that_is_woken_by_two_at_once_is_awake(clock: VirtualClock) -> None:
    limiter = RateLimiter(TokenBucket(rate=1, capacity=1), clock=clock)
    limiter.acquire()
    ahead, place = WaitingThread(1), WaitingThread(1)
    limiter.line.enter(ahead, 100)
    limiter.line.enter(place, 100)
    limiter.line.leave(ahead)
    assert place.called_up  # and its gate is open
    assert limiter.line.look(place)
    assert place.wake()  # by one that was about to
    place.alarm = 50
    limiter.line.dispatch()
    assert place.called_up
    assert limiter.line.look(place)
    assert not place.gate.acquire(blocking=False)


def test_reservations_and_waiters_together_keep_the_limit_exactly(limit: Limit) -> None:
    chance = random.Random(7)
    limiter = RateLimiter(RateLimiterConfig(limit=limit, queue_timeout=None), clock=LoopTime())
    noted = Noting(limiter)
    went: list[tuple[float, int]] = []

    async def late(seconds: float) -> None:
        await asyncio.sleep(seconds + chance.random() * 0.01)  # everybody comes a little late

    async def waits(place: WaitingTask) -> None:
        if not limiter.line.enter(place, 1000)[0]:
            waiting = True
            while waiting:
                await late(max(0.0, place.alarm - limiter.line.read()))
                waiting = limiter.line.look(place)
        went.append((limiter.line.read(), place.cost))

    async def books(cost: int) -> None:
        reserved = limiter.reserve(cost)
        while (delay := reserved.delay) > 0:
            await late(delay)
        went.append((limiter.line.read(), cost))

    async def main() -> None:
        tasks = []
        for _ in range(80):
            cost = chance.randint(1, 3)
            place = WaitingTask(asyncio.get_running_loop(), cost)
            tasks.append(asyncio.create_task(waits(place) if chance.random() < 0.5 else books(cost)))
            await asyncio.sleep(chance.random() * 0.02)
        await asyncio.gather(*tasks)

    run_virtual(main())
    assert len(went) == 80
    assert limiter.stats.queued == 0
    assert sum(cost for _, cost in noted.admitted) == sum(cost for _, cost in went)
    assert noted.keeps(limit)


def test_a_change_takes_one_walk_through_the_line_however_long_it_is() -> None:
    steps: dict[int, int] = {}
    for waiting in (100, 400):
        limiter = RateLimiter(RateLimiterConfig(limit=TokenBucket(rate=10, capacity=5)), clock=VirtualClock())
        limiter.acquire(5)
        for _ in range(waiting):
            limiter.line.enter(WaitingThread(1), 1e9)
        steps[waiting] = 0

        def count(frame: Any, event: str, what: object, waiting: int = waiting) -> None:
            steps[waiting] += 1

        sys.setprofile(count)
        try:
            limiter.learn({"RateLimit-Remaining": "5", "RateLimit-Reset": "30"})
        finally:
            sys.setprofile(None)
    assert steps[400] < 5 * steps[100]


def test_what_was_promised_to_a_task_whose_loop_is_closed_then_is_taken_back() -> None:
    clock = VirtualClock()
    limiter = RateLimiter(RateLimiterConfig(limit=TokenBucket(rate=1, capacity=1), queue_timeout=0), clock=clock)
    for _ in range(2):
        limiter.acquire()
        loop = asyncio.new_event_loop()
        place = WaitingTask(loop, 1)
        limiter.line.enter(place, 100)
        clock.advance(1)
        limiter.line.dispatch()
        assert place.state == GRANTED
        assert not limiter.try_acquire()
        loop.close()
        assert limiter.try_acquire()
        assert place.state == GONE
        clock.advance(1)
    assert limiter.metrics.abandoned == 2
    assert is_idle(limiter)


def test_places_that_were_promised_something_are_not_kept_alive_nor_remembered_for_long() -> None:
    clock = VirtualClock()
    limiter = RateLimiter(TokenBucket(rate=1, capacity=1), clock=clock)
    limiter.acquire()
    loop = asyncio.new_event_loop()
    place = WaitingTask(loop, 1)
    limiter.line.enter(place, 100)
    clock.advance(1)
    limiter.line.dispatch()
    assert len(limiter.line.promised) == 1
    me = place.me
    place.state = HELD  # as if it had been interrupted when it came
    clock.advance(1)
    limiter.line.take_back()
    assert not limiter.line.promised
    limiter.line.promised[me] = None
    loop.close()
    del place
    gc.collect()
    assert me() is None
    limiter.line.take_back()
    assert not limiter.line.promised


def test_an_interrupt_while_a_reservation_becomes_due_loses_nothing() -> None:
    for number in range(1000):
        clock = VirtualClock()
        limiter = RateLimiter(SlidingWindow(limit=3, period=10), clock=clock)
        limiter.acquire(3)
        ahead, mine = limiter.reserve(3), limiter.reserve(2)
        ahead.cancel()
        clock.advance(10)
        places: list[str] = []
        try:
            with interrupt_at(number) as places:
                limiter.stats  # noqa: B018  it is promised what it costs, from the moment on that it was told
                clock.advance(10)
                limiter.stats  # noqa: B018  it counts
        except Interrupted:
            pass
        clock.advance(1000)
        assert limiter.stats.as_dict() == {"available": 3, "queued": 0}, places
        assert not mine.cancel()
        assert is_idle(limiter), places
        assert limiter.metrics.admitted == 2, places
        if not places:
            return
    raise AssertionError("it never ended")


def test_a_change_that_interrupts_the_limiter_is_done_when_that_is_over_wherever_it_comes() -> None:
    limits = [TokenBucket(rate=1, capacity=10), TokenBucket(rate=1, capacity=20)]

    def use(limiter: RateLimiter) -> None:
        limiter.try_acquire()
        limiter.line.wait_of(1)
        limiter.stats  # noqa: B018
        limiter.reserve(15).cancel()
        place = WaitingThread(8)
        limiter.line.enter(place, 100)
        limiter.line.look(place)
        limiter.line.leave(place)
        limiter.pause_for(1)

    number, interrupted = 0, True
    while interrupted:
        limiter = RateLimiter(limits[1], clock=VirtualClock())
        interrupted, left = False, number

        def look(frame: Any, event: str, what: object, limiter: RateLimiter = limiter) -> None:
            nonlocal interrupted, left
            if event in {"call", "c_return"} and frame.f_code.co_filename.endswith(("line.py", "till.py")):
                left -= 1
                if left < 0 and not interrupted:
                    interrupted = True
                    limiter.update(limits[0])

        sys.setprofile(look)
        try:
            use(limiter)
        except (ConfigurationError, RateLimitExceededError):
            pass  # what costs 15 can never pass now
        finally:
            sys.setprofile(None)
        assert limiter.line.allowance.limit == limiter.config.limit == limits[0 if interrupted else 1]
        assert not limiter.line.changes
        assert not limiter.line.inside
        number += 1
    assert number > 100


def test_a_change_that_is_interrupted_is_done_by_who_comes_next() -> None:
    for number in range(1000):
        limiter = RateLimiter(SlidingWindow(limit=5, period=1), clock=VirtualClock())
        places: list[str] = []
        try:
            with interrupt_at(number) as places:
                limiter.update(RateLimiterConfig(limit=SlidingWindow(limit=3, period=1), max_queue=7))
        except Interrupted:
            pass
        limiter.try_acquire()
        now = (limiter.config.limit.most, limiter.line.allowance.limit.most, limiter.line.places)
        assert now in {(5, 5, 1000), (3, 3, 7)}, places
        if not places:
            assert now == (3, 3, 7)
            return
    raise AssertionError("it never ended")


def test_what_was_promised_and_who_has_said_that_it_goes_are_reckoned_with_when_the_limit_changes() -> None:
    clock = VirtualClock()
    limiter = RateLimiter(TokenBucket(rate=1, capacity=2), clock=clock)
    line = limiter.line
    limiter.acquire(2)
    called, going, staying, late = (WaitingThread(1) for _ in range(4))
    for place, patience in ((called, 9), (staying, 9), (going, 9), (late, 4)):
        line.enter(place, patience)
    clock.advance(1)
    line.dispatch()
    assert called.state == GRANTED
    line.inside = True
    line.leave(going)
    line.inside = False
    limiter.pause_for(2)
    assert [place.state for place in (called, going, staying, late)] == [GRANTED, GONE, WAITING, WAITING]
    limiter.pause_for(4)
    assert (staying.state, late.state) == (WAITING, GONE)
    assert (limiter.metrics.abandoned, limiter.metrics.timed_out) == (1, 1)


def test_in_a_forked_child_nobody_waits_but_those_who_wait_themselves() -> None:
    clock = VirtualClock()
    limiter = RateLimiter(TokenBucket(rate=1, capacity=1), clock=clock)
    limiter.acquire()
    called, waiting = WaitingThread(1), WaitingThread(1)
    limiter.line.enter(called, 100)
    limiter.line.enter(waiting, 100)
    reserved = limiter.reserve()
    clock.advance(1)
    limiter.line.dispatch()
    limiter.line.inside = True  # as another thread left it
    limiters.renew(limiter)
    assert (called.state, waiting.state) == (GONE, GONE)
    assert reserved.delay == 0
    assert is_idle(limiter)
    clock.advance(1)
    assert limiter.try_acquire()


def interrupted_everywhere(make_call: Callable[[RateLimiter, VirtualClock], Callable[[], object]], limit: Limit) -> int:
    """Interrupt a call at each point, one after the other; each time the limiter must be whole afterwards."""
    for number in range(10_000):
        clock = VirtualClock()
        limiter = RateLimiter(limit, clock=clock)
        call = make_call(limiter, clock)
        places: list[str] = []
        try:
            with interrupt_at(number) as places:
                call()
        except Interrupted:
            pass
        clock.advance(1000)
        assert limiter.stats.as_dict() == {"available": 5, "queued": 0}, places
        assert is_idle(limiter), places
        assert not limiter.line.inside, places
        assert limiter.try_acquire(5), places
        assert not limiter.try_acquire(), places
        if not places:
            return number
    raise AssertionError("it never ended")


def test_an_interrupt_at_any_point_loses_no_token_and_no_place(limit: Limit) -> None:
    def quiet(limiter: RateLimiter, clock: VirtualClock) -> Callable[[], object]:
        call = limiter.protect(lambda: None)
        call()
        return call

    def slow(limiter: RateLimiter, clock: VirtualClock) -> Callable[[], object]:
        return limiter.protect(lambda: None)

    def waits(limiter: RateLimiter, clock: VirtualClock) -> Callable[[], object]:
        limiter.acquire(5)
        return lambda: limiter.acquire(3)

    def reserves(limiter: RateLimiter, clock: VirtualClock) -> Callable[[], object]:
        limiter.acquire(5)

        def call() -> None:
            first, second = limiter.reserve(), limiter.reserve(2)
            first.cancel()
            clock.advance(second.delay)

        return call

    def changes(limiter: RateLimiter, clock: VirtualClock) -> Callable[[], object]:
        call = limiter.protect(lambda: None)
        call()
        call()

        def change() -> None:
            limiter.pause_for(1)
            limiter.update(limiter.config)

        return change

    for make_call in (quiet, slow, waits, reserves, changes):
        assert interrupted_everywhere(make_call, limit) > 2


def test_a_call_without_room_on_the_stack_costs_no_token() -> None:
    limiter = RateLimiter(TokenBucket(rate=1e-9, capacity=100), clock=VirtualClock())
    call = limiter.protect(lambda: None)
    call()

    def deeper(depth: int) -> None:
        try:
            call()
        finally:
            deeper(depth + 1)

    with pytest.raises(RecursionError):
        deeper(0)
    metrics = limiter.metrics
    assert metrics.available + metrics.admitted == 100


def test_a_clock_that_fails_on_the_quiet_path_costs_no_token() -> None:
    clock = VirtualClock()
    limiter = RateLimiter(TokenBucket(rate=1e-9, capacity=5), clock=clock)
    call = limiter.protect(lambda: None)
    call()

    def broken() -> float:
        raise OSError

    read, limiter.line.read = limiter.line.read, broken
    with pytest.raises(OSError):
        call()
    limiter.line.read = read
    assert limiter.metrics.admitted == 1
    assert limiter.stats.available == 4


def test_who_has_nothing_has_nothing_to_give_up(clock: VirtualClock) -> None:
    limiter = RateLimiter(TokenBucket(rate=1, capacity=1), clock=clock)
    place = Booked(1)
    limiter.line.enter(place, 0)
    limiter.line.dispatch()
    clock.advance(1)
    assert limiter.stats.available == 1
    assert not limiter.line._give_up(place)
    assert limiter.metrics.abandoned == 0


class _FullLog(list[float]):
    def append(self, value: float) -> None:
        raise RecursionError


def test_a_moment_that_cannot_be_noted_costs_no_token() -> None:
    limiter = RateLimiter(TokenBucket(rate=1e-9, capacity=5), clock=VirtualClock())
    call = limiter.protect(lambda: None)
    call()
    limiter.line.log = _FullLog()
    with pytest.raises(RecursionError):
        call()
    assert limiter.metrics.admitted == 1
    assert limiter.stats.available == 4


def test_promise_37_nobody_polls_and_no_thread_is_started() -> None:
    clock = VirtualClock()
    limiter = RateLimiter(TokenBucket(rate=1, capacity=1), clock=clock)
    threads = threading.active_count()
    for _ in range(5):
        limiter.acquire()
    assert clock.sleeps == [1.0, 1.0, 1.0, 1.0]  # one sleep for each wait
    assert threading.active_count() == threads
    assert all(later - earlier > 0 for earlier, later in pairwise([0, *clock.sleeps[:1]]))


def test_who_has_said_that_they_go_is_not_told_to_go_by_a_change() -> None:
    clock = VirtualClock()
    limiter = RateLimiter(TokenBucket(rate=1, capacity=5), clock=clock)
    line = limiter.line
    limiter.acquire(5)
    leaving, staying = WaitingThread(1), WaitingThread(2)
    for place in (staying, leaving):
        line.enter(place, 100)
    line.inside = True  # as a signal handler or a finaliser finds it
    assert line.leave(leaving)
    line.inside = False
    limiter.update(TokenBucket(rate=0.001, capacity=5))
    metrics = limiter.metrics
    assert (metrics.abandoned, metrics.timed_out, metrics.queued) == (1, 1, 0)
