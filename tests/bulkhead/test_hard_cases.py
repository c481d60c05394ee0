"""Cases in which a bulkhead is easily wrong: interruptions anywhere, no stack left, permits used twice, odd clocks."""

from __future__ import annotations

import asyncio
import copy
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from tests.interrupts import Interrupted, interrupt_at
from tests.support import run_virtual

from holdfast import Bulkhead, BulkheadConfig, BulkheadFullError, ConfigurationError, bulkhead, get_bulkhead_registry
from holdfast._runtime.leftovers import holding
from holdfast._runtime.system import SystemClock
from holdfast.circuit_breaker.bulkhead.queue import GRANTED, Line, Place, TaskPlace, ThreadPlace
from holdfast.contexts import innermost
from holdfast.testing import VirtualClock


def small(permits: int = 1, places: int = 5, **fields: Any) -> Bulkhead:
    return Bulkhead(BulkheadConfig(name="small", max_concurrent=permits, max_queue=places, **fields))


def is_whole(guard: Bulkhead) -> bool:
    return guard.stats.as_dict() == {"active": 0, "queued": 0, "available": guard.config.max_concurrent}


# Interruptions: at each point at which CPython may look for signals.


def block(guard: Bulkhead) -> None:
    with guard.acquire():
        pass


def awaited(guard: Bulkhead) -> None:
    async def main() -> None:
        async with guard.acquire_async():
            pass

    run_by_hand(main())


def run_by_hand(coroutine: Any) -> None:
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")


async def asynchronous() -> int:
    return 1


WAYS: dict[str, Callable[[Bulkhead], Callable[[], Any]]] = {
    "block": lambda guard: lambda: block(guard),
    "async block": lambda guard: lambda: awaited(guard),
    "execute": lambda guard: lambda: guard.execute(lambda: 1),
    "execute async": lambda guard: lambda: run_by_hand(guard.execute(asynchronous)),
    "quiet": lambda guard: guard.protect(lambda: 1),
    "quiet async": lambda guard: lambda: run_by_hand(guard.protect(asynchronous)()),
    "awaitable": lambda guard: lambda: run_by_hand(guard.protect(lambda: asynchronous())()),
}


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("loud", [False, True])
def test_promise_3_an_interrupt_at_any_point_costs_no_permit(way: str, loud: bool) -> None:
    interrupted = 0
    for number in range(400):
        guard = small()
        if loud:
            guard.on("execution_completed", lambda event: None)
        call = WAYS[way](guard)
        call()
        with interrupt_at(number) as places:
            try:
                call()
            except Interrupted:
                interrupted += 1
            else:
                if not places:
                    break
        assert is_whole(guard), f"interrupted at {places}"
        assert innermost(holding.get()) is None, f"interrupted at {places}"
        call()
    else:
        raise AssertionError("it never came through")
    assert interrupted


@pytest.mark.parametrize("way", ["quiet", "quiet async", "block"])
@pytest.mark.parametrize("kind", ["thread", "task"])
def test_an_interrupted_hand_over_is_told_or_made_at_the_next_use(way: str, kind: str) -> None:
    loop = asyncio.new_event_loop()
    left: list[str] = []
    try:
        for number in range(400):
            guard = small()
            waiter: Any = ThreadPlace() if kind == "thread" else TaskPlace(loop)

            def enter(guard: Bulkhead = guard, waiter: Any = waiter) -> None:
                guard.line.enter(waiter)

            async def enter_async(enter: Callable[[], None] = enter) -> None:
                enter()

            def block_in_which_one_comes(guard: Bulkhead = guard, enter: Callable[[], None] = enter) -> None:
                with guard.acquire():
                    enter()

            quiet = guard.protect(enter)
            quiet_async: Any = guard.protect(enter_async)
            calls: dict[str, Callable[[], Any]] = {
                "quiet": quiet,
                "quiet async": partial(lambda call: run_by_hand(call()), quiet_async),
                "block": block_in_which_one_comes,
            }
            guard.protect(lambda: None)()
            with interrupt_at(number) as places:
                try:
                    calls[way]()
                except Interrupted:
                    pass
            if waiter in guard.line.waiters and guard.line.free:
                left.append(*places)
            guard.line.dispatch()
            if waiter.state == GRANTED:
                loop.run_until_complete(asyncio.sleep(0))
                told = waiter.gate.acquire(blocking=False) if kind == "thread" else waiter.called.done()
                assert told, f"granted, but not told, when interrupted at {places}"
            else:
                assert waiter not in guard.line.waiters
            guard.line.leave(waiter)
            assert is_whole(guard), f"interrupted at {places}"
            if not places:
                break
        else:
            raise AssertionError("it never came through")
    finally:
        loop.close()
    # Who is interrupted as it begins to hand over does not; the next use of the bulkhead does. (The other two are of
    # the one who comes in: it leaves the line when it is interrupted, which nobody does here.)
    assert set(left) <= {"call dispatch ", "call mark ", "c_return enter len"}


@pytest.mark.parametrize("at", ["call", "c_call", "c_return"])
def test_minting_is_not_done_twice_by_what_comes_in_between(at: str) -> None:
    guard = small(100, 0)
    taken = [guard.acquire() for _ in range(64)]

    def use(frame: Any, event: str, what: object) -> None:
        if event == at and frame.f_code.co_name == "_mint":
            sys.setprofile(None)
            with guard.acquire():
                pass

    before = sys.getprofile()
    sys.setprofile(use)
    try:
        taken.append(guard.acquire())
    finally:
        sys.setprofile(before)
    with pytest.raises(BulkheadFullError):
        while True:
            taken.append(guard.acquire())
    assert len(taken) == 100


def test_permits_that_were_never_asked_for_go_to_who_waits() -> None:
    line = Line(200, 5)
    line.free.clear()  # others took what was minted
    assert line.take(Place())
    line.free.clear()
    waiter = ThreadPlace()
    assert line.enter(waiter) == 1
    assert waiter.state == GRANTED


def test_promise_29_a_late_comer_leaves_a_token_to_who_waits_even_before_it_is_handed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = Line(1, 5)
    assert line.take(Place())
    waiter = ThreadPlace()
    line.enter(waiter)
    monkeypatch.setattr(Line, "dispatch", lambda self: None)  # the one who gave it back is just about to do that
    line.free.append(None)
    assert not line.take(Place())
    monkeypatch.undo()
    line.dispatch()
    assert waiter.state == GRANTED


def test_no_permit_is_lost_where_the_stack_ends() -> None:
    guard = small(places=0)
    quiet = guard.protect(lambda: 1)
    quiet()

    def deep(depth: int, call: Callable[[], Any]) -> None:
        if depth:
            return deep(depth - 1, call)
        call()
        return None

    limit = sys.getrecursionlimit()
    for call in (quiet, lambda: block(guard), lambda: guard.execute(lambda: 1)):
        failed = 0
        for depth in range(limit - 200, limit):
            try:
                deep(depth, call)
            except RecursionError:
                failed += 1
            assert is_whole(guard)
        assert failed


# Misuse.


def test_a_wait_is_for_one_block(clock: VirtualClock) -> None:
    guard = small(2)
    inside = most = 0

    async def user(slot: Any) -> None:
        nonlocal inside, most
        async with slot:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(1)
            inside -= 1

    async def main() -> list[Any]:
        slot = guard.acquire_async()
        return list(await asyncio.gather(*(user(slot) for _ in range(10)), return_exceptions=True))

    ends = run_virtual(main())
    assert most <= 2
    assert [type(end) for end in ends].count(RuntimeError) == 9
    assert is_whole(guard)


def test_a_permit_is_entered_once() -> None:
    guard = small()
    permit = guard.acquire()
    with permit, pytest.raises(RuntimeError, match="acquire another"), permit:
        pass
    with pytest.raises(RuntimeError, match="acquire another"), permit:
        pass
    assert is_whole(guard)


@pytest.mark.parametrize("fields", [{"name": 5}, {"name": ""}, {"clock": 5}, {"clock": VirtualClock}])
def test_what_cannot_be_a_name_or_a_clock_is_refused_at_once(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(fields))):
        Bulkhead(**fields)


def test_what_cannot_be_a_name_is_not_there() -> None:
    registry = get_bulkhead_registry()
    names: list[Any] = [["search"], None, 3]
    for name in names:
        assert not registry.has(name)
        assert not registry.remove(name)
        with pytest.raises(ConfigurationError, match="name must be a text"):
            registry.get_or_create(name)
        with pytest.raises(LookupError, match="no bulkhead named"):
            registry.get(name)
        with pytest.raises(ConfigurationError, match="there is no event"):
            small().on(name, print)


def test_name_and_config_may_be_given_by_keyword() -> None:
    @bulkhead(name="search", config=BulkheadConfig(max_concurrent=2))
    def search() -> int:
        return get_bulkhead_registry().get("search").stats.active

    assert search() == 1


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
def test_a_bulkhead_cannot_be_copied(how: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        how(small())


# Clocks, loops and counts.


def test_a_second_system_clock_waits_for_the_grant_and_not_for_the_time() -> None:
    guard = Bulkhead(BulkheadConfig(max_concurrent=1, queue_timeout=1e9), clock=SystemClock())
    waiting = threading.Event()
    guard.on("queued", lambda event: waiting.set())
    permit = guard.acquire()
    thread = threading.Thread(target=lambda: guard.execute(lambda: None))
    thread.start()
    assert waiting.wait(30)
    permit.release()
    thread.join(30)
    assert not thread.is_alive()
    assert is_whole(guard)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that sends a signal")
def test_a_permit_given_back_in_a_signal_handler_rouses_a_loop_that_sleeps() -> None:
    guard = small(queue_timeout=None)
    permit = guard.acquire()
    before = signal.signal(signal.SIGALRM, lambda *_: permit.release())

    async def main() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)  # again and again: one just before a sleep goes unnoticed
        async with asyncio.timeout(30), guard.acquire_async():
            pass

    try:
        asyncio.run(main())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert is_whole(guard)


def test_what_has_been_admitted_stays_admitted() -> None:
    guard = small()
    assert guard.metrics.admitted == 0
    guard.execute(lambda: None)
    seen: list[int] = []

    def look_between() -> None:
        seen.append(guard.metrics.admitted)
        guard.line.free.append(None)  # as a quiet call in another thread that has put its token back, but not counted
        seen.append(guard.metrics.admitted)
        guard.line.free.pop()

    guard.execute(look_between)
    assert seen == [2, 2]
    assert guard.metrics.admitted == 2
