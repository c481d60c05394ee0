"""Last good values: which answer, for how long, how many are kept, and who makes them anew."""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import sys
import threading
import warnings
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.interrupts import Interrupted, interrupt_at
from tests.support import Door, LoopClock, Script, run_virtual

from holdfast import Fallback, FallbackConfig, Instead, LastGood, Value, with_fallback
from holdfast.events import subscribe
from holdfast.fallback import FallbackUsed
from holdfast.fallback.memory import Memory
from holdfast.fallback.shelf import Shelf
from holdfast.testing import VirtualClock


class Refused(Exception):
    pass


class Sensor:
    """Gives its argument and how often it was asked, unless it is out of order."""

    def __init__(self) -> None:
        self.broken = False
        self.calls = 0

    def read(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        if self.broken:
            raise Refused
        return (*args, self.calls)

    async def read_async(self, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return self.read(*args, **kwargs)

    def of(self, door: Door) -> Callable[..., Any]:
        if door.name == "sync":
            return self.read
        if door.name == "async":
            return self.read_async
        return lambda *args, **kwargs: self.read_async(*args, **kwargs)


def functions(door: Door, sensor: Sensor) -> list[Callable[..., Any]]:
    """Functions with parameters of several shapes, each of which has its own way to keep values."""
    inner = sensor.of(door)
    if door.name == "async":

        async def positional(a: Any) -> Any:
            return await inner(a)

        async def keyword(*, a: Any) -> Any:
            return await inner(a)

        return [positional, lambda a: inner(a), _calling(keyword), inner]

    def plain_positional(a: Any) -> Any:
        return inner(a)

    def plain_keyword(*, a: Any) -> Any:
        return inner(a)

    return [plain_positional, _calling(plain_keyword), inner]


def _calling(keyword: Callable[..., Any]) -> Callable[..., Any]:
    keyword.__dict__["by_keyword"] = True
    return keyword


@pytest.mark.parametrize("key", [None, lambda *args, **kwargs: (args, tuple(kwargs.values()))])
def test_each_call_has_its_own_last_good_value(door: Door, key: Any) -> None:
    sensor = Sensor()
    for function in functions(door, sensor):
        sensor.broken = False
        guarded = with_fallback(value="none", last_good=LastGood(key=key))(function)

        def ask(a: Any, guarded: Any = guarded, by_keyword: bool = hasattr(function, "by_keyword")) -> Any:
            return door.run(guarded, a=a) if by_keyword else door.run(guarded, a)

        first, second = ask("a"), ask("b")
        newer = ask("a")
        assert newer != first
        sensor.broken = True
        assert (ask("a"), ask("b"), ask("c")) == (newer, second, "none")
        assert ask("a") is newer, "the very object"


def test_the_same_call_written_in_another_way_is_the_same() -> None:
    sensor = Sensor()

    @with_fallback(last_good=LastGood())
    def ask(a: int, b: int = 2, *, c: int = 3) -> Any:
        return sensor.read(a, b, c)

    found = ask(1)
    sensor.broken = True
    assert ask(a=1) is ask(1, 2) is ask(1, b=2, c=3) is ask(c=3, a=1) is found
    with pytest.raises(Refused):
        ask(1, 2, c=4)


def test_positional_and_keyword_arguments_are_never_taken_for_one_another() -> None:
    sensor = Sensor()
    guarded = with_fallback(value="none", last_good=LastGood())(lambda *args, **kwargs: sensor.read())
    guarded(("a",), frozenset({("b", 1)}))
    guarded(("b", 1))
    sensor.broken = True
    assert guarded("a", b=1) == "none"
    assert guarded(b=1) == "none"


def test_without_a_last_good_value_the_error_comes_out_as_it_is(door: Door) -> None:
    error = Refused()
    fallback = Fallback(FallbackConfig(last_good=LastGood()))
    with pytest.raises(Refused) as caught:
        door.run(fallback.protect(door.function(Script(error))))
    assert caught.value is error
    assert error.__context__ is None
    assert fallback.metrics.unanswered == 1


def test_a_value_answers_up_to_its_age_and_the_event_tells_it(door: Door, clock: VirtualClock) -> None:
    events: list[FallbackUsed] = []
    unsubscribe = subscribe(events.append, FallbackUsed)
    try:
        guarded = with_fallback(last_good=LastGood(max_age=10), clock=clock)(door.function(Script("good", Refused)))
        assert door.run(guarded) == "good"
        clock.advance(10)
        assert door.run(guarded) == "good"
        assert (events[0].kind, events[0].age) == ("last_good", 10)
        clock.advance(0.5)
        with pytest.raises(Refused):
            door.run(guarded)
    finally:
        unsubscribe()


def test_without_an_age_limit_it_answers_for_ever(door: Door, clock: VirtualClock) -> None:
    guarded = with_fallback(last_good=LastGood(max_age=None), clock=clock)(door.function(Script("good", Refused)))
    door.run(guarded)
    clock.advance(1e9)
    assert door.run(guarded) == "good"


def test_promise_7_the_wall_clock_changes_nothing(door: Door, clock: VirtualClock) -> None:
    guarded = with_fallback(last_good=LastGood(max_age=10), clock=clock)(door.function(Script("good", Refused)))
    door.run(guarded)
    for days in (-1, 2):
        clock.set_wall_clock(clock.time() + days * 86_400)
        assert door.run(guarded) == "good"
    clock.advance(11)
    with pytest.raises(Refused):
        door.run(guarded)


def test_neither_errors_nor_answers_are_kept(door: Door) -> None:
    script = Script(Refused, Refused, None, Refused)
    guarded = with_fallback(["answer"].copy, last_good=LastGood())(door.function(script))
    assert [door.run(guarded) for _ in range(4)] == [["answer"], ["answer"], None, None]


@pytest.mark.parametrize("refresh_after", [None, 1])
def test_calls_that_cannot_be_told_apart_are_not_remembered(door: Door, refresh_after: Any) -> None:
    class Angry:
        def __hash__(self) -> int:
            raise RuntimeError

    sensor = Sensor()
    for function in functions(door, sensor):
        if hasattr(function, "by_keyword"):
            continue
        for argument in ([1], Angry()):
            sensor.broken = False
            guarded = with_fallback(value="none", last_good=LastGood(refresh_after=refresh_after))(function)
            assert door.run(guarded, argument)[0] is argument
            sensor.broken = True
            assert door.run(guarded, argument) == "none"


def test_promise_6_a_key_that_raises_is_logged_and_the_call_not_remembered(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    def key(*_args: Any, **_kwargs: Any) -> Any:
        raise ValueError("secret")

    guarded = with_fallback(value="none", last_good=LastGood(key=key))(door.function(Script("good", Refused)))
    with caplog.at_level(logging.ERROR):
        assert [door.run(guarded), door.run(guarded)] == ["good", "none"]
    assert caplog.records
    assert "secret" not in caplog.text


def test_a_key_that_cannot_be_hashed_is_none(door: Door) -> None:
    guarded = with_fallback(value="none", last_good=LastGood(key=lambda *a: []))(door.function(Script("good", Refused)))
    assert [door.run(guarded), door.run(guarded)] == ["good", "none"]


def test_results_that_can_be_awaited_are_values_like_others_where_a_task_returned_them() -> None:
    async def main() -> None:
        future = asyncio.get_running_loop().create_future()
        outcomes: list[Any] = [future, Refused]

        @with_fallback(last_good=LastGood())
        async def ask() -> Any:
            outcome = outcomes.pop(0)
            if outcome is Refused:
                raise Refused
            return outcome

        assert await ask() is await ask() is future

    run_virtual(main())


def test_two_functions_of_one_fallback_share_counts_but_no_values(door: Door) -> None:
    fallback = Fallback(FallbackConfig(value="none", last_good=LastGood()))
    one = fallback.protect(door.function(Script("one", Refused)))
    two = fallback.protect(door.function(Script(Refused)))
    assert [door.run(one), door.run(two), door.run(one)] == ["one", "none", "one"]
    assert fallback.metrics.by_kind == {"value": 1, "last_good": 1}


# What is called without arguments.


def test_execute_knows_a_partial_by_its_function_and_arguments_and_others_by_what_they_are(door: Door) -> None:
    sensor = Sensor()
    read = sensor.of(door)
    for key in (None, lambda *args, **kwargs: (args, *kwargs)):
        sensor.broken = False
        execute = Fallback(FallbackConfig(value="none", last_good=LastGood(key=key))).execute
        good = door.run(lambda: execute(functools.partial(read, "a", b=1)))
        itself = door.run(lambda: execute(read))
        sensor.broken = True
        assert door.run(lambda: execute(functools.partial(read, "a", b=1))) is good
        assert door.run(lambda: execute(functools.partial(read, "b", b=1))) == "none"
        assert door.run(lambda: execute(functools.partial(read, []))) == "none"
        assert door.run(lambda: execute(read)) is itself
        assert door.run(lambda: execute(lambda: read())) == "none"


def test_execute_takes_a_key(door: Door) -> None:
    sensor = Sensor()
    fallback = Fallback(FallbackConfig(value="none", last_good=LastGood()))
    good = door.run(lambda: fallback.execute(lambda: sensor.of(door)(), key="a"))
    sensor.broken = True
    assert door.run(lambda: fallback.execute(lambda: sensor.of(door)(), key="a")) is good
    assert door.run(lambda: fallback.execute(lambda: sensor.of(door)(), key="b")) == "none"


def test_promise_6_a_key_that_raises_for_a_partial_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    config = FallbackConfig(value="none", last_good=LastGood(key=lambda: 1 / 0))
    fallback = Fallback(config)
    assert fallback.execute(functools.partial(int)) == 0
    failing: Any = functools.partial(int, "x")
    assert fallback.execute(failing) == "none"
    assert "key" in caplog.text


# How many are kept.


def test_there_are_never_more_values_than_the_bound() -> None:
    sensor = Sensor()
    fallback = Fallback(FallbackConfig(value=None, last_good=LastGood(max_keys=3)))
    guarded = fallback.protect(sensor.read)
    for number in range(100):
        guarded(number)
        guarded(0)  # always renewed
    sensor.broken = True
    kept = [number for number in range(100) if guarded(number) is not None]
    assert kept == [0, 98, 99]


@given(st.integers(1, 5), st.lists(st.integers(0, 9), max_size=60))
def test_whatever_is_stored_the_newest_is_kept_and_the_bound_too(most: int, keys: list[int]) -> None:
    shelf = Shelf()
    for moment, key in enumerate(keys):
        shelf.keep(key, (float(moment), moment, False), most)
        assert len(shelf.entries) <= most
        assert good_of(shelf, key) == moment


def good_of(shelf: Shelf, key: Any) -> Any:
    entry = shelf.find(key)
    return None if entry is None or entry.good is None else entry.good[1]


def shelf_of(guarded: Any) -> Shelf:
    (memory,) = [cell.cell_contents for cell in guarded.__closure__ if isinstance(cell.cell_contents, Memory)]
    return memory.shelf


def test_what_goes_is_let_go_of() -> None:
    class Thing:
        pass

    guarded = with_fallback(last_good=LastGood(max_keys=1))(lambda number: Thing())
    first = weakref.ref(guarded(1))
    gc.collect()
    assert first() is not None
    guarded(2)
    gc.collect()
    assert first() is None


# Threads and tasks.


def test_promise_8_64_threads_get_the_last_good_value_of_their_own_calls() -> None:
    broken = threading.Event()

    @with_fallback(last_good=LastGood(max_keys=64))
    def ask(number: int) -> int:
        if broken.is_set():
            raise Refused
        return number * 10

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(64) as threads:
            for _ in range(20):
                assert list(threads.map(ask, range(64))) == [number * 10 for number in range(64)]
            broken.set()
            assert list(threads.map(ask, range(64))) == [number * 10 for number in range(64)]
    finally:
        sys.setswitchinterval(before)


def test_threads_that_store_new_keys_all_the_time_never_exceed_the_bound_for_long() -> None:
    fallback = Fallback(FallbackConfig(last_good=LastGood(max_keys=5)))
    guarded = fallback.protect(lambda number: number)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(guarded, [number % 50 for number in range(20_000)]))
    finally:
        sys.setswitchinterval(before)
    guarded("last")
    assert len(shelf_of(guarded).entries) <= 5


def test_promise_8_a_thousand_tasks_get_the_last_good_value_of_their_own_calls() -> None:
    sensor = Sensor()
    guarded = with_fallback(last_good=LastGood())(sensor.read_async)

    async def main() -> None:
        good = await asyncio.gather(*(guarded(number) for number in range(1000)))
        sensor.broken = True
        assert await asyncio.gather(*(guarded(number) for number in range(1000))) == good

    run_virtual(main())


def test_promise_9_counts_are_exact_over_32_threads() -> None:
    fallback = Fallback(FallbackConfig(value=1, on=Refused))

    def fail(number: int) -> int:
        raise Refused if number % 2 else KeyError

    def call(number: int) -> None:
        try:
            fallback.protect(fail)(number)
        except KeyError:
            pass

    with ThreadPoolExecutor(32) as threads:
        list(threads.map(call, range(2000)))
    assert (fallback.metrics.answered, fallback.metrics.unanswered) == (1000, 1000)


# Values that are made anew after some time.


def refreshing(clock: Any, **fields: Any) -> Fallback:
    return Fallback(FallbackConfig(last_good=LastGood(max_age=100, refresh_after=10), **fields), clock=clock)


def test_a_young_value_answers_without_a_call_and_an_older_one_is_made_anew(door: Door, clock: VirtualClock) -> None:
    sensor = Sensor()
    fallback = refreshing(clock)
    guarded = fallback.protect(sensor.of(door))
    assert door.run(guarded, "a") == ("a", 1)
    clock.advance(10)
    assert door.run(guarded, "a") == ("a", 1)
    assert door.run(guarded, "b") == ("b", 2)
    clock.advance(0.5)
    assert door.run(guarded, "a") == ("a", 3)
    assert door.run(guarded, "a") == ("a", 3)
    assert (fallback.metrics.served_fresh, fallback.metrics.served_stale, fallback.metrics.answered) == (2, 0, 0)


def test_if_making_it_anew_fails_the_old_value_answers_and_the_next_call_tries_again(
    door: Door, clock: VirtualClock
) -> None:
    sensor = Sensor()
    fallback = refreshing(clock)
    guarded = fallback.protect(sensor.of(door))
    good = door.run(guarded)
    clock.advance(50)
    sensor.broken = True
    assert door.run(guarded) is door.run(guarded) is good
    assert sensor.calls == 3
    clock.advance(51)
    with pytest.raises(Refused):
        door.run(guarded)
    assert fallback.metrics.by_kind == {"last_good": 2}


def test_one_task_makes_a_value_anew_while_the_others_get_the_old_one() -> None:
    calls: list[float] = []
    clock = LoopClock()
    fallback = refreshing(clock)

    @fallback.protect
    async def ask() -> int:
        calls.append(clock.monotonic())
        await asyncio.sleep(5)
        return len(calls)

    async def main() -> None:
        assert await ask() == 1
        await asyncio.sleep(20)
        refresh = asyncio.create_task(ask())
        await asyncio.sleep(1)
        assert await asyncio.gather(*(ask() for _ in range(1000))) == [1] * 1000
        assert await refresh == 2
        assert await ask() == 2

    run_virtual(main())
    assert len(calls) == 2
    assert (fallback.metrics.served_stale, fallback.metrics.served_fresh) == (1000, 1)


def test_one_thread_makes_a_value_anew_while_the_others_get_the_old_one(clock: VirtualClock) -> None:
    began, goes_on = threading.Event(), threading.Event()
    calls: list[int] = []

    @refreshing(clock).protect
    def ask() -> int:
        calls.append(1)
        if len(calls) > 1:
            began.set()
            assert goes_on.wait(10)
        return len(calls)

    assert ask() == 1
    clock.advance(20)
    with ThreadPoolExecutor(64) as threads:
        refresh = threads.submit(ask)
        assert began.wait(10)
        assert [each.result() for each in [threads.submit(ask) for _ in range(200)]] == [1] * 200
        goes_on.set()
        assert refresh.result() == 2
    assert len(calls) == 2


def test_where_no_value_can_answer_each_call_is_made() -> None:
    clock = LoopClock()
    calls: list[int] = []

    @refreshing(clock).protect
    async def ask() -> int:
        calls.append(1)
        await asyncio.sleep(5)
        return len(calls)

    async def main() -> None:
        assert await asyncio.gather(*(ask() for _ in range(3))) == [3, 3, 3]
        await asyncio.sleep(101)
        assert await asyncio.gather(*(ask() for _ in range(3))) == [6, 6, 6]

    run_virtual(main())


@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize("end", ["cancelled", "failed", "dropped"])
def test_whoever_was_to_make_it_anew_and_did_not_gives_the_place_up(end: str, is_async: bool) -> None:
    clock = LoopClock()
    sensor = Sensor()
    fallback = refreshing(clock)

    async def slow(*args: Any) -> Any:
        result = sensor.read(*args)
        await asyncio.sleep(5)
        return result

    async def service(*args: Any) -> Any:
        return await slow(*args)

    guarded: Any = fallback.protect(service if is_async else lambda *args: slow(*args))

    async def main() -> None:
        assert await guarded() == (1,)
        await asyncio.sleep(20)
        if end == "cancelled":
            task = asyncio.create_task(guarded())
            await asyncio.sleep(1)
            assert await guarded() == (1,), "while it is under way, the old value answers"
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        elif end == "failed":
            sensor.broken = True
            assert await guarded() == (1,)
            sensor.broken = False
        else:
            pending = guarded()
            if not is_async:
                assert await guarded() == (1,)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # it was never awaited
                    del pending
                    gc.collect()
            else:
                pending.close()
        calls = sensor.calls
        assert await guarded() == (calls + 1,), "the next one makes it anew"

    run_virtual(main())


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, Refused])
def test_a_plain_call_that_ends_badly_gives_the_place_up(kind: type[BaseException], clock: VirtualClock) -> None:
    script = Script("good", kind, "newer")
    guarded = refreshing(clock).protect(lambda: script.next())
    guarded()
    clock.advance(20)
    try:
        assert guarded() == "good"
    except (KeyboardInterrupt, SystemExit):
        pass
    assert guarded() == "newer"


@pytest.mark.parametrize("is_broken", [False, True])
def test_promise_3_an_interrupt_at_any_point_costs_neither_the_place_nor_a_value(is_broken: bool) -> None:
    interrupted, over = 0, False
    for number in range(200):
        clock = VirtualClock()
        sensor = Sensor()
        guarded = refreshing(clock, value="none").protect(sensor.read)
        guarded("a")
        clock.advance(20)
        sensor.broken = is_broken
        with interrupt_at(number) as places:
            try:
                guarded("a")
                guarded("b")
            except Interrupted:
                interrupted += 1
        sensor.broken = False
        clock.advance(20)
        calls = sensor.calls
        assert guarded("a") == ("a", calls + 1), f"interrupted at {places}"
        sensor.broken = True
        clock.advance(20)
        assert guarded("a") == ("a", calls + 1), f"interrupted at {places}"
        over = not places
        if over:
            break
    assert over
    assert interrupted


def test_values_of_awaitables_are_served_as_awaitables(clock: VirtualClock) -> None:
    sensor = Sensor()
    protect: Any = refreshing(clock).protect
    guarded = protect(lambda: sensor.read_async())
    for _ in range(2):
        pending = guarded()
        assert isinstance(pending, Awaitable)

        async def main(pending: Any = pending) -> Any:
            return await pending

        assert run_virtual(main()) == (1,)


def test_execute_serves_and_makes_anew_as_well(door: Door, clock: VirtualClock) -> None:
    sensor = Sensor()
    fallback = refreshing(clock, answer=Instead(lambda: "unused"), value=Value(1))
    call = functools.partial(sensor.of(door), "a")
    outcomes = []
    for _ in range(3):
        outcomes.append(door.run(lambda: fallback.execute(call)))
        clock.advance(9)
    assert outcomes == [("a", 1), ("a", 1), ("a", 2)]


def test_a_call_that_calls_itself_while_it_makes_a_value_anew_gets_the_old_one(clock: VirtualClock) -> None:
    depth: list[int] = []
    fallback = refreshing(clock)

    def ask() -> Any:
        depth.append(1)
        return guarded() if len(depth) == 2 else len(depth)

    guarded: Any = fallback.protect(ask)
    assert guarded() == 1
    clock.advance(20)
    assert guarded() == 1
    assert len(depth) == 2
