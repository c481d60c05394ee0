"""Threads and tasks at once: exact numbers, exact admissions, nothing held while calls run."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from holdfast import BreakerRegistry, CircuitBreaker, CircuitBreakerConfig, CircuitOpenError, CircuitState
from holdfast.circuit_breaker import breaker as breaker_room, state as breaker_states
from holdfast.circuit_breaker.state import Closed, Probe
from holdfast.testing import VirtualClock


@pytest.fixture(params=["usual switching", "constant switching"])
def _switching(request: pytest.FixtureRequest) -> Iterator[None]:
    usual = sys.getswitchinterval()
    if request.param == "constant switching":
        sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def half_open(clock: VirtualClock, **fields: Any) -> CircuitBreaker:
    breaker = CircuitBreaker(CircuitBreakerConfig(success_threshold=100, **fields), clock=clock)
    breaker.force_open()
    clock.advance(30)
    return breaker


@pytest.mark.usefixtures("_switching")
def test_promise_18_half_open_admits_exactly_its_number_of_64_threads(clock: VirtualClock) -> None:
    for _ in range(5):
        breaker = half_open(clock)
        arrived, leave = threading.Barrier(64), threading.Event()
        inside: list[int] = []

        def call(number: int, breaker: CircuitBreaker = breaker) -> str:
            arrived.wait()
            try:
                return breaker.execute(lambda: enter(number))
            except CircuitOpenError:
                if len(refused) == 60:
                    leave.set()
                refused.append(number)
                if len(refused) == 61:
                    leave.set()
                return "refused"

        def enter(number: int) -> str:
            inside.append(number)
            leave.wait(30)
            return "fine"

        refused: list[int] = []
        with ThreadPoolExecutor(64) as threads:
            results = list(threads.map(call, range(64)))
        assert results.count("fine") == len(inside) == 3


def test_promise_18_half_open_admits_exactly_its_number_of_1000_tasks(clock: VirtualClock) -> None:
    breaker = half_open(clock)
    leave = asyncio.Event()

    @breaker.protect
    async def probe() -> str:
        await leave.wait()
        return "fine"

    async def main() -> list[Any]:
        tasks = [asyncio.ensure_future(probe()) for _ in range(1000)]
        for _ in range(5):
            await asyncio.sleep(0)
        leave.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = asyncio.run(main())
    assert results.count("fine") == 3
    assert sum(isinstance(result, CircuitOpenError) for result in results) == 997


def test_promise_18_a_free_place_is_found_and_taken_in_one_step(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker = half_open(clock, half_open_max_calls=1)
    outcomes: list[str] = []

    def come_too() -> None:
        try:
            breaker.execute(lambda: outcomes.append("let in"))
        except CircuitOpenError:
            outcomes.append("refused")

    another = threading.Thread(target=come_too)

    class Slow(Probe):
        """Another one comes just before the place is taken that was found free."""

        def __init__(self, *told: Any) -> None:
            super().__init__(*told)
            if not another.ident:
                another.start()
                another.join(0.1)

    monkeypatch.setattr(breaker_states, "Probe", Slow)
    with breaker.acquire():
        another.join(30)
    assert outcomes == ["refused"]


def test_promise_17_calls_run_side_by_side(clock: VirtualClock) -> None:
    breaker = CircuitBreaker(clock=clock)
    together = threading.Barrier(8, timeout=30)
    guarded = breaker.protect(lambda: together.wait() >= 0)
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _number: guarded(), range(8)))


@pytest.mark.usefixtures("_switching")
@pytest.mark.parametrize("lock_free", [True, False])
def test_promise_9_numbers_are_exact_after_32_threads_times_2000_calls(
    lock_free: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker_room, "LOCK_FREE", lock_free)
    breaker = CircuitBreaker(CircuitBreakerConfig(failure_threshold=3, reset_timeout=0.001))
    refused: list[int] = []

    @breaker.protect
    def service(number: int) -> int:
        if number % 50 == 7:
            raise ConnectionResetError
        if number % 50 == 8:
            raise KeyboardInterrupt
        return number

    def caller(first: int) -> tuple[int, int, int, int]:
        ended = {"success": 0, "failure": 0, "abandoned": 0, "rejected": 0}
        for number in range(first, first + 2000):
            try:
                service(number)
                ended["success"] += 1
            except ConnectionResetError:
                ended["failure"] += 1
            except KeyboardInterrupt:
                ended["abandoned"] += 1
            except CircuitOpenError:
                ended["rejected"] += 1
        refused.append(first)
        return ended["success"], ended["failure"], ended["abandoned"], ended["rejected"]

    def meddler() -> None:
        while len(refused) < 32:
            breaker.force_open()
            breaker.force_close()
            _ = breaker.metrics

    meddling = threading.Thread(target=meddler)
    meddling.start()
    with ThreadPoolExecutor(32) as threads:
        ended = list(threads.map(caller, range(0, 32 * 2000, 2000)))
    meddling.join()
    success, failure, abandoned, rejected = (sum(each) for each in zip(*ended, strict=True))
    metrics = breaker.metrics
    assert metrics.successful_requests == success
    assert metrics.failed_requests == failure
    assert metrics.abandoned_requests == abandoned
    assert metrics.rejected_requests == rejected
    assert metrics.total_requests + metrics.rejected_requests == 64_000


def test_who_tallies_after_the_last_look_at_a_phase_can_see_that_it_is_over(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker = CircuitBreaker(clock=clock)
    seen: list[bool] = []
    retire = Closed.retire

    def retire_and_look(phase: Closed, now: float) -> int:
        tallied = retire(phase, now)
        seen.append(breaker.quiet is phase)  # what another thread would see that draws its number just now
        return tallied

    monkeypatch.setattr(Closed, "retire", retire_and_look)
    for move in (breaker.force_open, breaker.force_close, breaker.reset, breaker.force_close):
        move()
    assert seen == [False] * 3


def test_promise_4_refusals_and_failures_leave_no_objects_behind(clock: VirtualClock) -> None:
    breaker = CircuitBreaker(CircuitBreakerConfig(failure_threshold=10**6), clock=clock)

    def fails() -> None:
        raise ConnectionResetError

    guarded = breaker.protect(fails)

    def call() -> None:
        try:
            guarded()
        except (ConnectionResetError, CircuitOpenError):
            pass

    for state in (CircuitState.CLOSED, CircuitState.OPEN):
        if state is CircuitState.OPEN:
            breaker.force_open(hold=True)
        call()
        gc.collect()
        gc.disable()
        try:
            before = len(gc.get_objects())
            for _ in range(2000):
                call()
            assert len(gc.get_objects()) - before < 20
        finally:
            gc.enable()


def test_a_breaker_is_small_and_calls_make_it_no_bigger() -> None:
    registry = BreakerRegistry()
    registry.get_or_create("warm-up").execute(lambda: 1)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    breakers = [registry.get_or_create(f"tenant-{number}") for number in range(200)]
    made = tracemalloc.get_traced_memory()[0]
    for breaker in breakers:
        for _ in range(20):
            breaker.execute(lambda: 1)
    called = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert (made - before) / 200 < 2048
    assert (called - before) / 200 < 2048
