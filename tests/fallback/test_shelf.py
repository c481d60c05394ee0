"""The memory of last good values: bounded and free of locks, whatever the keys do, and private to what tells calls apart."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import warnings
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from tests.interrupts import Interrupted, interrupt_at
from tests.support import Door, Script, run_virtual

from holdfast import (
    ConfigurationError,
    Fallback,
    FallbackConfig,
    LastGood,
    ResilienceManager,
    ResiliencePolicy,
    register_fallback,
    unregister_fallback,
    with_fallback,
)
from holdfast.fallback import shelf as shelf_module
from holdfast.fallback.memory import Memory
from holdfast.fallback.shelf import Claim, Entry, Shelf
from holdfast.testing import VirtualClock


class Refused(Exception):
    pass


def shelf_of(guarded: Any) -> Shelf:
    (memory,) = [cell.cell_contents for cell in guarded.__closure__ if isinstance(cell.cell_contents, Memory)]
    return memory.shelf


def keeping(most: int, function: Any) -> Any:
    guarded: Any = with_fallback(value=None, last_good=LastGood(max_keys=most))(function)
    return guarded


def good_of(shelf: Shelf, key: Any) -> Any:
    entry = shelf.find(key)
    return None if entry is None or entry.good is None else entry.good[1]


# Bounded.


@dataclass(unsafe_hash=True)
class Query:
    text: str
    page: int = 0


def test_keys_that_change_after_the_call_cannot_make_it_grow() -> None:
    guarded = keeping(10, lambda query: query.text)
    shelf = shelf_of(guarded)
    sizes = []
    for number in range(200):
        query = Query(str(number))
        guarded(query)
        query.page = 1
        sizes.append(len(shelf.entries))
    assert max(sizes) <= 20
    assert good_of(shelf, (Query("unchanged"),)) is None
    guarded(Query("unchanged"))
    assert good_of(shelf, (Query("unchanged"),)) == "unchanged"


class Changing:
    """Has this hash now; the keys of a small dict are told apart by its last bits."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return self.number


def test_a_value_whose_key_changed_is_let_go_of_in_its_turn_and_may_come_back() -> None:
    fallback = Fallback(FallbackConfig(last_good=LastGood(max_keys=3)))
    memory = Memory()
    shelf = memory.shelf
    key = Changing(4)
    shelf.keep(key, (0.0, "value", False), 3)
    key.number = 7
    for number in range(3):
        shelf.keep(number, (1.0, number, False), 3)
    assert [good_of(shelf, number) for number in range(3)] == [0, 1, 2]
    key.number = 4
    entry = shelf.find(key)
    assert entry is not None
    assert entry.good is None, "it is found again, and the value is gone"
    assert memory.of_call(key).recall(fallback, LastGood(), (), {}) is None
    assert memory.visit(fallback, LastGood(refresh_after=1), key, Claim()) is None
    shelf.keep(key, (2.0, "newer", False), 3)
    assert good_of(shelf, key) == "newer"


class Moody:
    """Raises when it is hashed, compared, or both, from some time on."""

    def __init__(self, times: int = 0) -> None:
        self.times = times

    def __hash__(self) -> int:
        self.times -= 1
        if self.times < 0:
            raise ValueError("hash")
        return 1

    def __eq__(self, other: object) -> bool:
        raise IndexError("no truth value")


@pytest.mark.parametrize("times", range(7))
def test_keys_that_raise_at_any_moment_cost_nobody_but_themselves(times: int) -> None:
    shelf = Shelf()
    for number in range(1000, 1100):
        shelf.keep(Moody(times), (float(number), number, False), 5)
        shelf.find(Moody(times))
        shelf.keep(number, (float(number), number, False), 5)
        assert good_of(shelf, number) == number
        assert len(shelf.entries) <= 10


def test_values_that_were_renewed_get_a_second_chance_but_not_without_end() -> None:
    shelf = Shelf()
    for number in range(100):
        shelf.keep(number, (0.0, number, False), 100)
    for number in range(100):
        shelf.keep(number, (1.0, number, False), 100)
    shelf.keep("new", (2.0, "new", False), 100)
    gone = [number for number in range(100) if good_of(shelf, number) is None]
    assert gone == [shelf_module._CHANCES]
    shelf.keep("newer", (3.0, "newer", False), 100)
    assert good_of(shelf, 0) == 0


def test_promise_3_an_interrupt_at_any_point_of_storing_a_value_leaves_the_bound_as_it_was() -> None:
    interrupted = 0
    for number in range(100):
        guarded = keeping(3, lambda number: number)
        for each in range(5):
            guarded(each)
        with interrupt_at(number) as places:
            try:
                guarded("a")
                guarded("b")
            except Interrupted:
                interrupted += 1
        for each in range(20, 26):
            guarded(each)
        shelf = shelf_of(guarded)
        assert [good_of(shelf, (each,)) for each in (23, 24, 25)] == [23, 24, 25], places
        assert len(shelf.entries) == 3, places
        if not places:
            break
    assert interrupted


# No lock.


def test_a_key_that_takes_a_lock_of_its_user_cannot_bring_about_a_deadlock() -> None:
    users = threading.RLock()
    inside, go_on = threading.Event(), threading.Event()

    class Row:
        def __init__(self, number: int, slow: bool = False) -> None:
            self.number = number
            self.slow = slow

        def __hash__(self) -> int:
            return 1

        def __eq__(self, other: object) -> bool:
            assert isinstance(other, Row)
            if self.slow or other.slow:
                inside.set()
                assert go_on.wait(10)
                with users:
                    pass
            return self.number == other.number

    guarded = keeping(2, lambda row: row.number)
    guarded(Row(1))
    slow = threading.Thread(target=guarded, args=(Row(2, slow=True),))
    slow.start()
    assert inside.wait(10)
    with users:
        go_on.set()
        assert guarded(Row(3)) == 3, "a call while the lock is held gets through"
    slow.join(10)
    assert not slow.is_alive()


def test_what_is_let_go_of_may_call_the_guarded_function_and_wait_for_threads_that_do() -> None:
    stored: list[Any] = []

    class Connection:
        def __del__(self) -> None:
            thread = threading.Thread(target=lambda: stored.append(guarded("closing")))
            thread.start()
            thread.join(10)

    outcomes: list[Any] = [Connection(), *range(10)]
    guarded = keeping(1, lambda key: outcomes.pop(0))
    guarded("first")
    guarded("second")
    gc.collect()
    assert len(stored) == 1


class OfTwoThreads:
    """When it is looked for, another thread does the same first."""

    def __init__(self, meanwhile: Callable[[], Any], at: int) -> None:
        self.meanwhile = meanwhile
        self.at = at

    def __hash__(self) -> int:
        self.at -= 1
        if self.at == 0:
            self.meanwhile()
        return 1


def test_two_threads_that_store_the_same_new_key_make_one_entry() -> None:
    shelf = Shelf()
    key: Any = OfTwoThreads(lambda: shelf.keep(key, (0.0, "first", False), 2), at=2)
    shelf.keep(key, (0.0, "second", False), 2)
    assert good_of(shelf, key) == "second"
    shelf.keep("other", (0.0, "other", False), 2)
    assert len(shelf.entries) == 2, "and it takes the room of one"


def test_an_entry_whose_turn_to_go_comes_before_it_is_there_is_not_left_behind() -> None:
    shelf = Shelf()

    def many() -> None:
        for number in range(5):
            shelf.keep(f"key {number}", (0.0, number, False), 2)

    late: Any = OfTwoThreads(many, at=2)
    shelf.keep(late, (0.0, "late", False), 2)
    assert good_of(shelf, late) is None
    assert good_of(shelf, "key 4") == 4
    assert len(shelf.entries) <= 2


@pytest.mark.parametrize("at", [3, 4])
def test_two_threads_that_take_the_same_entry_out_do_not_take_its_key_for_a_changed_one(at: int) -> None:
    shelf = Shelf()
    key: Any = OfTwoThreads(lambda: shelf._take_out(entry, 100), at=at)
    shelf.keep(key, (0.0, "value", False), 100)
    entry = shelf._queue[0]
    shelf._take_out(entry, 100)
    assert not shelf.entries
    assert shelf._lost == 0
    shelf._queue.clear()
    key.at = 3
    key.meanwhile = lambda: shelf.keep("meanwhile", (0.0, 1, False), 1)
    shelf.keep(key, (0.0, 0, False), 1)
    shelf.keep("last", (0.0, 2, False), 1)
    assert good_of(shelf, "last") == 2
    assert len(shelf.entries) == 1


# One that makes a value anew.


def test_of_two_who_ask_for_the_place_at_the_same_moment_one_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry("key", (0.0, "value", False))
    fast, slow = Claim(), Claim()
    fast.until = slow.until = 10.0

    class Exchanging:
        def __enter__(self) -> None:
            monkeypatch.undo()
            assert entry.give(fast, 0.0)

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(shelf_module, "_exchanging", Exchanging())
    assert not entry.give(slow, 0.0)
    assert fast.is_held(0.0)
    fast.is_released = True
    assert entry.give(slow, 0.0)


def refreshing(clock: VirtualClock, **fields: Any) -> Fallback:
    return Fallback(FallbackConfig(last_good=LastGood(max_age=None, refresh_after=1), **fields), clock=clock)


def test_a_value_that_was_made_anew_since_the_look_at_the_old_one_is_not_made_once_more() -> None:
    meanwhile: list[Callable[[], object]] = []

    class Meanwhile(VirtualClock):
        def monotonic(self) -> float:
            while meanwhile:
                meanwhile.pop()()
            return super().monotonic()

    clock = Meanwhile()
    fallback = refreshing(clock)
    script = Script(1, 2, 3)
    guarded = fallback.protect(script.next)
    assert guarded() == 1
    clock.advance(5)
    meanwhile.append(guarded)
    assert guarded() == 2, "what the other one made in between"
    assert script.calls == 2
    assert fallback.metrics.served_fresh == 1
    clock.advance(5)
    assert guarded() == 3, "the place is free again"


def test_a_call_that_hangs_does_not_hold_the_place_for_ever(clock: VirtualClock) -> None:
    begun, goes_on = threading.Event(), threading.Event()
    calls: list[int] = []

    @refreshing(clock).protect
    def ask() -> int:
        calls.append(1)
        if len(calls) == 2:
            begun.set()
            assert goes_on.wait(10)
        return len(calls)

    assert ask() == 1
    clock.advance(5)
    hanging = threading.Thread(target=ask)
    hanging.start()
    try:
        assert begun.wait(10)
        clock.advance(9.5)
        assert ask() == 1
        clock.advance(1)
        assert ask() == 3
    finally:
        goes_on.set()
        hanging.join(10)


def test_a_task_that_was_cancelled_before_it_began_does_not_hold_the_place(clock: VirtualClock) -> None:
    calls: list[int] = []

    async def inner() -> int:
        calls.append(1)
        return len(calls)

    @refreshing(clock).protect
    def ask() -> Awaitable[int]:
        return inner()

    async def main() -> None:
        kept: list[Any] = []
        assert await ask() == 1
        for number in (2, 3):
            clock.advance(5)
            task = asyncio.ensure_future(ask())
            kept.append(task)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError as error:
                kept.append(error)
            gc.collect()
            assert await ask() == number, "the next one makes it anew, though task and error are kept"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the function itself returned was never awaited
        run_virtual(main())
        gc.collect()


# What tells calls apart.


class Lazy:
    """Can be hashed so many times."""

    times = 1_000_000

    def __hash__(self) -> int:
        self.times -= 1
        if self.times < 0:
            raise Refused
        return 1


def test_a_clock_that_is_broken_costs_nobody_a_result(door: Door) -> None:
    class Broken(VirtualClock):
        def monotonic(self) -> float:
            raise Refused

    fallback = Fallback(FallbackConfig(last_good=LastGood()), clock=Broken())
    guarded = fallback.protect(door.function(Script("good")))
    assert [door.run(guarded, 1), door.run(guarded, 1)] == ["good", "good"]


@pytest.mark.parametrize("times", range(8))
def test_arguments_that_cannot_be_hashed_any_more_never_break_a_call(
    times: int, door: Door, clock: VirtualClock
) -> None:
    guarded = refreshing(clock, value="none").protect(door.function(Script("good")))
    argument = Lazy()
    door.run(guarded, argument)
    clock.advance(5)
    argument.times = times
    assert door.run(guarded, argument) == "good"


def test_the_key_of_a_call_is_made_once(door: Door, clock: VirtualClock) -> None:
    made: list[Any] = []

    def key(*args: Any) -> Any:
        made.append(args)
        return args

    last_good = LastGood(key=key, max_age=None, refresh_after=1)
    fallback = Fallback(FallbackConfig(value="none", last_good=last_good), clock=clock)
    script = Script("good", "newer", Refused)
    guarded = fallback.protect(door.function(script))
    for expected in ("good", "newer", "newer"):
        made.clear()
        clock.advance(5)
        assert door.run(guarded, 1) == expected
        assert made == [(1,)]


@pytest.mark.parametrize("refresh_after", [None, 1])
def test_promise_6_a_key_of_no_use_is_told_once_for_each_call_and_the_call_is_not_remembered(
    door: Door, refresh_after: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def asynchronous() -> None: ...

    def raises() -> Any:
        raise ValueError("secret")

    for make in (raises, lambda: ["secret"], asynchronous):
        script = Script("good", Refused)
        last_good = LastGood(key=lambda *args, make=make: make(), refresh_after=refresh_after)
        guarded: Any = with_fallback(value="none", last_good=last_good)(door.function(script))
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            assert door.run(guarded, 1) == "good"
            assert len(caplog.records) == 1
            assert door.run(guarded, 1) == "none"
        assert "secret" not in caplog.text


def test_calls_whose_key_is_of_no_use_do_not_wait_for_one_another(clock: VirtualClock) -> None:
    depth: list[int] = []

    @refreshing(clock).protect
    def ask(argument: list[int]) -> int:
        depth.append(1)
        return ask(argument) if len(depth) < 3 else len(depth)

    assert ask([]) == 3


def test_a_name_that_is_registered_anew_with_another_key_never_answers_for_other_calls() -> None:
    outcomes: list[Any] = ["page of user 7", "page of tenant 8", Refused, Refused, Refused]

    def profile(user: int, tenant: int) -> Any:
        outcome = outcomes.pop(0)
        if outcome is Refused:
            raise Refused
        return outcome

    def by_user(user: int, tenant: int) -> int:
        return user

    try:
        register_fallback("profiles", LastGood(key=by_user), value="none")
        guarded: Any = with_fallback("profiles")(profile)
        guarded(7, 1)
        register_fallback("profiles", LastGood(key=lambda user, tenant: tenant), value="none")
        guarded(99, 8)
        assert guarded(99, 7) == "none", "the page of user 7 is none of user 99's business"
        assert guarded(1, 8) == "page of tenant 8"
        register_fallback("profiles", LastGood(key=by_user, max_age=60), value="none")
        assert guarded(7, 2) == "page of user 7", "with the same key, values stay"
    finally:
        unregister_fallback("profiles")


def test_a_policy_that_is_registered_anew_with_another_key_never_answers_for_other_calls(
    clock: VirtualClock, door: Door
) -> None:
    manager = ResilienceManager(clock=clock)
    script = Script("page of user 7", Refused)
    guarded = manager.protect(door.function(script), "profiles", fallback=LastGood(key=lambda user, tenant: user))
    assert door.run(guarded, 7, 1) == "page of user 7"
    manager.register("profiles", fallback=[LastGood(key=lambda user, tenant: tenant), lambda: "none"])
    assert door.run(guarded, 99, 7) == "none"


def test_a_key_that_cannot_be_hashed_itself_is_refused() -> None:
    class Key:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, *args: Any) -> Any:
            return args

    with pytest.raises(ConfigurationError, match=r"LastGood: key=.* cannot be hashed, .*; give a function"):
        LastGood(key=Key())


# Operations without arguments.


def executing(door: Door, how: str) -> Callable[[Callable[[], Any]], Any]:
    """Ways to have operations executed with last good values."""
    if how == "fallback":
        fallback = Fallback(FallbackConfig(value="none", last_good=LastGood()))
        return lambda operation: door.run(lambda: fallback.execute(operation))
    manager = ResilienceManager(clock=VirtualClock())
    policy = ResiliencePolicy(fallback=FallbackConfig(value="none", last_good=LastGood()))
    return lambda operation: door.run(lambda: manager.execute("shop", operation, policy))


@pytest.mark.parametrize("how", ["fallback", "policy"])
def test_an_operation_that_is_made_for_one_call_is_not_kept_alive(door: Door, how: str) -> None:
    class Request:
        pass

    execute = executing(door, how)
    alive: weakref.WeakSet[Request] = weakref.WeakSet()
    fine = door.function(Script("fine"))

    def handle() -> None:
        request = Request()
        alive.add(request)
        assert execute(lambda request=request: fine()) == "fine"  # type: ignore[misc]
        local = lambda request: fine()  # noqa: E731
        assert execute(partial(local, len([request]))) == "fine"

    for _ in range(20):
        handle()
    gc.collect()
    assert not alive


@pytest.mark.parametrize("how", ["fallback", "policy"])
def test_an_operation_that_lives_on_and_an_equal_partial_are_known_again(door: Door, how: str) -> None:
    execute = executing(door, how)
    script = Script("itself", "partial", Refused)
    function = door.function(script)
    assert execute(function) == "itself"
    assert execute(partial(function, 1)) == "partial"
    assert execute(function) == "itself"
    assert execute(partial(function, 1)) == "partial"
    assert execute(partial(function, 2)) == "none"


@pytest.mark.parametrize("refresh_after", [None, 1])
def test_keywords_that_cannot_be_hashed_are_not_remembered(refresh_after: Any) -> None:
    script = Script("good", Refused)
    last_good = LastGood(refresh_after=refresh_after)
    guarded: Any = with_fallback(value="none", last_good=last_good)(lambda **kwargs: script.next())
    assert [guarded(a=[]), guarded(a=[])] == ["good", "none"]


def test_a_policy_may_tell_operations_apart_by_a_function_of_them(door: Door) -> None:
    manager = ResilienceManager(clock=VirtualClock())
    policy = ResiliencePolicy(fallback=LastGood(key=lambda operation: operation.__name__))
    for function in (door.function(Script("good")), door.function(Script(Refused))):
        function.__name__ = "search"
        assert door.run(lambda function=function: manager.execute("shop", function, policy)) == "good"
