"""A bulkhead does what a naive model of it does, whatever arrives, ends, is cancelled or runs out of time."""

from __future__ import annotations

import asyncio
import heapq
from typing import NamedTuple

from hypothesis import assume, given, strategies as st
from tests.support import run_virtual

from holdfast.circuit_breaker.bulkhead.config import BulkheadConfig
from holdfast.circuit_breaker.bulkhead.manager import Bulkhead
from holdfast.errors import BulkheadFullError, BulkheadTimeoutError


class Caller(NamedTuple):
    """All in whole ticks; None: never."""

    arrives: int
    runs: int
    waits: int | None
    cancelled: int | None


def model(callers: list[Caller], permits: int, places: int) -> list[tuple[str, int]]:
    """Return for each caller how it ended and when."""
    agenda = [(caller.arrives, number, "arrive") for number, caller in enumerate(callers)]
    heapq.heapify(agenda)
    outcome: dict[int, tuple[str, int]] = {}
    running: set[int] = set()
    waiting: list[int] = []
    times = set()
    while agenda:
        now, number, what = heapq.heappop(agenda)
        if number in outcome or (what == "timeout" and number not in waiting):
            continue
        assume(now not in times)  # what happens first of two things at the same time is not the model's business
        times.add(now)
        caller = callers[number]
        if what == "arrive":
            if len(running) == permits and len(waiting) == places:
                outcome[number] = ("full", now)
                continue
            waiting.append(number)
            if caller.cancelled is not None:
                heapq.heappush(agenda, (now + caller.cancelled, number, "cancelled"))
            if caller.waits is not None and len(running) == permits:
                heapq.heappush(agenda, (now + caller.waits, number, "timeout"))
        else:
            outcome[number] = (what, now)
            running.discard(number)
            if number in waiting:
                waiting.remove(number)
        while waiting and len(running) < permits:
            begins = waiting.pop(0)
            running.add(begins)
            heapq.heappush(agenda, (now + callers[begins].runs, begins, "done"))
    return [outcome[number] for number in range(len(callers))]


def actual(callers: list[Caller], permits: int, places: int) -> list[tuple[str, int]]:
    bulkhead = Bulkhead(BulkheadConfig(max_concurrent=permits, max_queue=places))

    async def main() -> list[tuple[str, int]]:
        loop = asyncio.get_running_loop()

        async def play(caller: Caller) -> tuple[str, int]:
            await asyncio.sleep(caller.arrives)
            task = asyncio.current_task()
            assert task is not None
            if caller.cancelled is not None:
                loop.call_later(caller.cancelled, task.cancel)
            try:
                async with bulkhead.acquire_async(timeout=caller.waits):
                    assert bulkhead.stats.active <= permits
                    await asyncio.sleep(caller.runs)
            except BulkheadFullError:
                return "full", round(loop.time())
            except BulkheadTimeoutError:
                return "timeout", round(loop.time())
            except asyncio.CancelledError:
                return "cancelled", round(loop.time())
            return "done", round(loop.time())

        return list(await asyncio.gather(*(asyncio.create_task(play(caller)) for caller in callers)))

    results: list[tuple[str, int]] = run_virtual(main())
    assert bulkhead.stats.as_dict() == {"active": 0, "queued": 0, "available": permits}
    metrics = bulkhead.metrics
    ends = [end for end, _ in results]
    assert metrics.rejected == ends.count("full")
    assert metrics.timed_out == ends.count("timeout")
    assert metrics.completed + metrics.abandoned == ends.count("done") + ends.count("cancelled")
    assert metrics.admitted == metrics.completed
    return results


ticks = st.integers(1, 10**6)


@given(
    callers=st.lists(
        st.builds(Caller, arrives=ticks, runs=ticks, waits=st.none() | ticks, cancelled=st.none() | ticks), max_size=25
    ),
    permits=st.integers(1, 3),
    places=st.integers(0, 5),
)
def test_a_bulkhead_does_what_the_model_does(callers: list[Caller], permits: int, places: int) -> None:
    assert actual(callers, permits, places) == model(callers, permits, places)
