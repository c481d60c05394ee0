"""A bulkhead whose size is changed while it is used: nobody loses a permit or a place, and no permit is made or lost."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import deque

import pytest
from hypothesis import given, strategies as st
from tests.interrupts import Interrupted, interrupt_at
from tests.support import run_virtual

from holdfast import Bulkhead, BulkheadConfig, BulkheadFullError, ConfigurationError
from holdfast.circuit_breaker.bulkhead.permit import BulkheadPermit


def sized(permits: int, places: int = 0) -> BulkheadConfig:
    return BulkheadConfig(max_concurrent=permits, max_queue=places)


def test_a_smaller_bulkhead_lets_nobody_in_until_enough_have_left() -> None:
    bulkhead = Bulkhead(sized(5))
    held = [bulkhead.acquire() for _ in range(5)]
    bulkhead.adjust(sized(2))
    for still in (5, 4, 3, 2):
        assert bulkhead.stats.as_dict() == {"active": still, "queued": 0, "available": 0}
        with pytest.raises(BulkheadFullError, match="2 calls are running"):
            bulkhead.acquire()
        held.pop().release()
    assert bulkhead.stats.as_dict() == {"active": 1, "queued": 0, "available": 1}
    bulkhead.acquire()


def test_permits_that_are_free_go_first() -> None:
    bulkhead = Bulkhead(sized(100))
    permit = bulkhead.acquire()
    bulkhead.adjust(sized(2))
    assert bulkhead.stats.available == 1
    bulkhead.adjust(sized(200))
    assert bulkhead.stats.available == 199
    permit.release()
    assert bulkhead.stats.available == 200


def test_a_quiet_call_that_ends_pays_for_a_permit_that_is_no_more() -> None:
    bulkhead = Bulkhead(sized(2))

    @bulkhead.protect
    def shrink() -> None:
        bulkhead.adjust(sized(1))

    @bulkhead.protect
    def outer() -> None:
        shrink()
        assert bulkhead.stats.active == 1

    outer()
    assert bulkhead.stats.as_dict() == {"active": 0, "queued": 0, "available": 1}
    outer_again = bulkhead.protect(lambda: bulkhead.stats.active)
    assert outer_again() == 1


def test_a_larger_bulkhead_lets_those_in_who_wait_in_their_order() -> None:
    bulkhead = Bulkhead(sized(1, 10))
    order: list[int] = []

    async def main() -> None:
        permit = await bulkhead.acquire_async()

        async def wait(number: int) -> None:
            async with bulkhead.acquire_async():
                order.append(number)
                await asyncio.sleep(1)

        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(wait(number))
            await asyncio.sleep(0.5)
            bulkhead.adjust(sized(3, 10))
            await asyncio.sleep(0.5)
            assert order == [0, 1]
            permit.release()

    run_virtual(main())
    assert order == [0, 1, 2, 3, 4]


def test_a_shorter_queue_sends_nobody_away_who_stands_in_it() -> None:
    bulkhead = Bulkhead(sized(1, 3))

    async def main() -> None:
        first = await bulkhead.acquire_async()
        waiting = [asyncio.ensure_future(bulkhead.acquire_async()) for _ in range(3)]
        await asyncio.sleep(0)
        bulkhead.adjust(sized(1, 1))
        with pytest.raises(BulkheadFullError):
            await bulkhead.acquire_async()
        first.release()
        for permit in waiting:
            (await permit).release()

    run_virtual(main())
    assert bulkhead.stats.available == 1


@given(st.lists(st.one_of(st.just("take"), st.just("leave"), st.integers(1, 8)), max_size=60))
def test_it_does_what_a_naive_model_does(steps: list[str | int]) -> None:
    bulkhead, size, held = Bulkhead(sized(3)), 3, deque[BulkheadPermit]()
    for step in steps:
        if isinstance(step, int):
            size = step
            bulkhead.adjust(sized(size))
        elif step == "leave" and held:
            held.popleft().release()
        elif step == "take":
            if len(held) < size:
                held.append(bulkhead.acquire())
            else:
                with pytest.raises(BulkheadFullError):
                    bulkhead.acquire()
        assert bulkhead.stats.active == len(held)
        assert bulkhead.stats.available == max(0, size - len(held))


def test_under_load_no_permit_is_lost_or_made() -> None:
    bulkhead = Bulkhead(sized(4, 64))
    done, inside, most = threading.Event(), [0], [0]
    counting = threading.Lock()

    @bulkhead.protect
    def work() -> None:
        with counting:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        with counting:
            inside[0] -= 1

    def busily() -> None:
        for _ in range(1_000):
            work()

    threads = [threading.Thread(target=busily) for _ in range(8)]
    chance = random.Random(7)

    def adjust() -> None:
        while not done.is_set():
            bulkhead.adjust(sized(chance.randint(1, 6), 64))

    adjuster = threading.Thread(target=adjust)
    for thread in [*threads, adjuster]:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    adjuster.join()
    assert most[0] <= 6
    bulkhead.adjust(sized(5))
    assert bulkhead.stats.as_dict() == {"active": 0, "queued": 0, "available": 5}
    assert bulkhead.metrics.completed == 8_000


def test_only_a_config_is_taken() -> None:
    with pytest.raises(ConfigurationError, match="config must be a BulkheadConfig, not 3"):
        Bulkhead().adjust(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(("before", "after"), [(4, 10), (100, 3), (100, 200), (3, 1)])
def test_an_interrupt_while_it_is_adjusted_loses_and_makes_no_permit(before: int, after: int) -> None:
    number, places = 0, ["the first"]
    while places:
        bulkhead = Bulkhead(sized(before))
        held = [bulkhead.acquire() for _ in range(2)]
        with interrupt_at(number) as places:
            try:
                bulkhead.adjust(sized(after))
            except Interrupted:
                pass
        for permit in held:
            permit.release()
        assert bulkhead.stats.available == bulkhead.line.permits, places
        bulkhead.adjust(sized(after))
        assert bulkhead.stats.as_dict() == {"active": 0, "queued": 0, "available": after}, places
        number += 1
    assert number > 5
