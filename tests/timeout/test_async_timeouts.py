"""Timeouts of async functions: in time, cleaned up, and exact in what they do to cancellation."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.support import VirtualLoop, run_virtual

from holdfast import (
    DeadlineExceededError,
    OperationTimeoutError,
    TimeoutManager,
    current_deadline,
    deadline,
    with_timeout,
)

Limited = Callable[[Callable[[], Awaitable[Any]]], Callable[[], Awaitable[Any]]]


@pytest.fixture(params=["decorator", "returns-awaitable", "execute", "block"])
def limited(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`limited(seconds, function)()` calls an async function under a limit, in each of the ways there are."""

    def limit(seconds: float, function: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
        if request.param == "decorator":
            return with_timeout(seconds)(function)
        if request.param == "returns-awaitable":
            return with_timeout(seconds, mode="cooperative")(lambda: function())
        if request.param == "execute":
            return lambda: TimeoutManager().execute(function, seconds)

        async def block() -> Any:
            async with deadline(seconds):
                return await function()

        return block

    return limit


async def settle(turns: int = 5) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


def the_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def test_promise_31_the_caller_goes_on_in_time_after_the_clean_up_and_is_not_cancelled(limited: Any) -> None:
    ended = []

    async def hang() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.5)
            ended.append("cleaned up")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        call = limited(2, hang)
        for turn in range(1, 4):  # the first call in a loop takes another way than the rest
            with pytest.raises(OperationTimeoutError) as caught:
                await call()
            assert ended == ["cleaned up"] * turn
            assert loop.time() == pytest.approx(2.5 * turn, abs=0.1)  # less what a plain part took by the real clock
            assert the_task().cancelling() == 0
            assert isinstance(caught.value.__cause__, asyncio.CancelledError)
            assert caught.value.duration == 2
            await asyncio.sleep(0)  # no cancellation is left over

    run_virtual(main())


def test_a_decorated_function_is_cut_at_every_call_not_only_at_the_first() -> None:
    @with_timeout(1)
    async def fetch(duration: float) -> str:
        await asyncio.sleep(duration)
        return "fetched"

    async def main() -> None:
        for _ in range(3):
            assert await fetch(0.5) == "fetched"
            with pytest.raises(OperationTimeoutError, match=r"fetch took longer than its timeout of 1 s"):
                await fetch(1.5)
        assert the_task().cancelling() == 0

    run_virtual(main())


def test_promise_32_the_functions_own_timeout_error_comes_out_as_itself(limited: Any) -> None:
    own = TimeoutError("the database's")

    async def fail() -> None:
        await asyncio.sleep(0)
        raise own

    async def main() -> None:
        call = limited(2, fail)
        for _ in range(3):  # the first call in a loop takes another way than the rest
            with pytest.raises(TimeoutError) as caught:
                await call()
            assert caught.value is own
            assert not isinstance(caught.value, OperationTimeoutError)
            own.__traceback__ = None
        await asyncio.sleep(10)  # nothing of it fires later
        assert the_task().cancelling() == 0

    run_virtual(main())


def test_promise_32_an_inner_asyncio_timeout_is_the_functions_own(limited: Any) -> None:
    async def fail() -> None:
        async with asyncio.timeout(1):
            await asyncio.sleep(60)

    async def main() -> None:
        call = limited(2, fail)
        for _ in range(2):
            with pytest.raises(TimeoutError) as caught:
                await call()
            assert type(caught.value) is TimeoutError

    run_virtual(main())


def test_a_cancelled_error_that_the_function_raises_by_itself_is_no_timeout(limited: Any) -> None:
    async def fail() -> None:
        raise asyncio.CancelledError("its own")

    async def main() -> None:
        call = limited(2, fail)
        for _ in range(2):
            with pytest.raises(asyncio.CancelledError, match="its own"):
                await call()
            assert the_task().cancelling() == 0

    run_virtual(main())


async def cancelled_in_the_tick_of_the_timeout(call: Callable[[], Awaitable[Any]], first: str) -> None:
    """Cancel a call that is limited to two seconds in the tick in which they are over; of both, `first` comes first."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + 2.0

    async def caller() -> None:
        if first == "timer":
            loop.call_at(ends, task.cancel)  # of two at the same moment, the one that was set first comes first
        await call()

    task = asyncio.ensure_future(caller())
    if first == "outer":
        loop.call_at(ends, lambda: task.cancel())
    await asyncio.wait([task])
    assert task.cancelled()
    assert loop.time() == pytest.approx(ends)


@pytest.mark.parametrize("first", ["outer", "timer"])
def test_promise_33_outer_cancellation_wins_in_the_tick_in_which_the_timeout_fires(limited: Any, first: str) -> None:
    async def hang() -> None:
        await asyncio.sleep(60)

    run_virtual(cancelled_in_the_tick_of_the_timeout(limited(2, hang), first))


@pytest.mark.parametrize("first", ["outer", "timer"])
def test_promise_33_outer_cancellation_wins_in_that_tick_at_later_calls_too(first: str) -> None:
    @with_timeout(2)
    async def hang(seconds: float = 60) -> None:
        await asyncio.sleep(seconds)

    async def main() -> None:
        await hang(0)  # the first call in a loop takes another way than the rest
        for _ in range(3):
            await cancelled_in_the_tick_of_the_timeout(hang, first)

    run_virtual(main())


@pytest.mark.parametrize("order", ["before", "after"])
def test_promise_33_both_cancellations_are_told_apart_when_both_are_there(order: str) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        @with_timeout(2)
        async def hang() -> None:
            await asyncio.sleep(60)

        async def call() -> None:
            with contextlib.suppress(OperationTimeoutError):
                await hang()

        async def twice() -> None:
            with contextlib.suppress(asyncio.CancelledError, OperationTimeoutError):
                await call()
            await call()

        task = asyncio.ensure_future(twice() if order == "after" else call())
        await asyncio.sleep(0)
        loop.call_at(2.0, task.cancel)
        await asyncio.wait([task])
        if order == "before":
            assert task.cancelled()
        else:  # the cancellation was swallowed by the code above, and the second call timed out by itself
            assert not task.cancelled()

    run_virtual(main())


def test_a_cancellation_during_the_clean_up_after_a_timeout_is_not_swallowed(limited: Any) -> None:
    async def main() -> None:
        async def hang() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(60)

        task = asyncio.ensure_future(limited(2, hang)())
        await asyncio.sleep(3)  # it is cleaning up now
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    run_virtual(main())


def test_the_clean_up_after_an_outer_cancellation_is_limited_too_and_stays_a_cancellation(limited: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def hang() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(60)

        task = asyncio.ensure_future(limited(2, hang)())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert loop.time() == pytest.approx(2)

    run_virtual(main())


def test_a_timeout_works_in_the_clean_up_of_a_task_that_is_being_cancelled(limited: Any) -> None:
    seen: list[object] = []

    async def main() -> None:
        async def hang() -> None:
            await asyncio.sleep(60)

        async def work() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                try:
                    await limited(2, hang)()
                except OperationTimeoutError as error:
                    seen.append(error.duration)
                seen.append(the_task().cancelling())

        task = asyncio.ensure_future(work())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    run_virtual(main())
    assert seen == [2, 1]


def test_a_result_that_comes_in_spite_of_the_cancellation_is_kept(limited: Any) -> None:
    async def stubborn() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "saved"
        return "never"

    async def main() -> None:
        for _ in range(3):
            assert await limited(2, stubborn)() == "saved"
            assert the_task().cancelling() == 0
            await settle()

    run_virtual(main())


def test_an_error_of_the_clean_up_comes_out_and_nothing_stays_cancelled(limited: Any) -> None:
    async def breaks() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ConnectionResetError("while closing") from None

    async def main() -> None:
        for _ in range(3):
            with pytest.raises(ConnectionResetError, match="while closing"):
                await limited(2, breaks)()
            assert the_task().cancelling() == 0
            await settle()

    run_virtual(main())


def test_of_nested_timeouts_the_nearest_fires_and_says_whose_it_was() -> None:
    async def hang() -> None:
        await asyncio.sleep(60)

    inner_short = with_timeout(5)(with_timeout(2)(hang))
    inner_long = with_timeout(2)(with_timeout(5)(hang))

    @with_timeout(2)
    async def outer() -> None:
        with pytest.raises(asyncio.CancelledError):
            await with_timeout(2)(hang)()
        raise asyncio.CancelledError

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(2):
            began = loop.time()
            with pytest.raises(OperationTimeoutError, match="timeout of 2 s"):
                await inner_short()
            assert loop.time() - began == pytest.approx(2)
            with pytest.raises(OperationTimeoutError, match="timeout of 2 s"):
                await inner_long()
            assert loop.time() - began == pytest.approx(4)
            assert the_task().cancelling() == 0
        with pytest.raises(OperationTimeoutError, match="outer took"):
            await outer()

    run_virtual(main())


def test_a_timeout_around_and_inside_a_task_group() -> None:
    cleaned: list[str] = []

    async def child(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(name)

    @with_timeout(2)
    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(child("a"))
            tasks.create_task(child("b"))

    async def failing() -> None:
        await asyncio.sleep(2)
        raise ValueError("a sibling")

    async def main() -> None:
        for _ in range(2):
            with pytest.raises(OperationTimeoutError):
                await group()
        assert sorted(cleaned) == ["a", "a", "b", "b"]
        # A sibling fails at the very moment at which the timeout fires: the group hears of one of them, or of both.
        for _ in range(2):
            with pytest.raises(ExceptionGroup) as caught:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(failing())
                    await with_timeout(2)(child)("c")
            assert caught.group_contains((ValueError, OperationTimeoutError))
            assert the_task().cancelling() == 0
        # Inside a group, one that times out ends the group like any other failure.
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(with_timeout(1)(child)("d"))
                tasks.create_task(child("e"))
        assert caught.group_contains(OperationTimeoutError)

    run_virtual(main())


def test_the_task_of_a_nested_call_is_limited_by_what_is_around_it() -> None:
    async def hang() -> None:
        await asyncio.sleep(60)

    @with_timeout(2)
    async def outer() -> None:
        tasks = [asyncio.ensure_future(with_timeout(30)(hang)()) for _ in range(3)]
        await asyncio.wait(tasks, timeout=None)

    left: list[asyncio.Task[None]] = []

    @with_timeout(2)
    async def spawns() -> None:
        left.append(asyncio.ensure_future(with_timeout(30)(hang)()))
        await asyncio.sleep(1)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(OperationTimeoutError):
            await outer()
        assert loop.time() == pytest.approx(2)
        await spawns()
        with pytest.raises(DeadlineExceededError, match="hang was cut short: the timeout of .*spawns of 2 s is over"):
            await left[0]
        assert loop.time() == pytest.approx(4)

    run_virtual(main())


@pytest.mark.parametrize("how", ["closed", "left open"])
def test_one_function_in_one_loop_after_the_other(how: str) -> None:
    @with_timeout(2)
    async def fetch(duration: float) -> str:
        await asyncio.sleep(duration)
        return "fetched"

    loops = []
    for _ in range(5):
        loop = VirtualLoop()
        loops.append(loop)
        assert loop.run_until_complete(fetch(1)) == "fetched"
        with pytest.raises(OperationTimeoutError):
            loop.run_until_complete(fetch(3))
        assert loop.run_until_complete(fetch(1)) == "fetched"
        if how == "closed":
            loop.close()
    for loop in loops:
        loop.close()


def test_two_loops_in_turn_each_with_their_own_timer() -> None:
    @with_timeout(2)
    async def fetch(duration: float) -> str:
        await asyncio.sleep(duration)
        return "fetched"

    first, second = VirtualLoop(), VirtualLoop()
    for _ in range(3):
        for loop in (first, second):
            assert loop.run_until_complete(fetch(1)) == "fetched"
            with pytest.raises(OperationTimeoutError):
                loop.run_until_complete(fetch(3))
    first.close()
    second.close()


def test_a_loop_whose_tasks_were_never_finished_is_not_kept_alive() -> None:
    @with_timeout(50)
    async def fetch() -> None:
        await asyncio.sleep(100)

    loop = VirtualLoop()

    async def main() -> None:
        for _ in range(3):
            task = asyncio.ensure_future(fetch())
            await asyncio.sleep(1)
            task.cancel()
            await asyncio.wait([task])

    loop.run_until_complete(main())
    gone = weakref.ref(loop)
    loop.close()
    del loop
    run_virtual(use_another_loop(fetch))
    gc.collect()
    assert gone() is None


async def use_another_loop(fetch: Callable[[], Awaitable[None]]) -> None:
    with pytest.raises(OperationTimeoutError):
        await fetch()


def test_outside_a_task_it_says_what_is_missing() -> None:
    @with_timeout(2)
    async def fetch() -> None: ...

    coroutine = fetch()
    with pytest.raises(RuntimeError, match=r"needs an asyncio task"):
        coroutine.send(None)


def test_the_deadline_that_is_seen_inside_is_that_of_the_timeout(limited: Any) -> None:
    async def look() -> float:
        seen = current_deadline()
        assert seen is not None
        assert seen.seconds == 2
        return seen.remaining()

    async def main() -> None:
        for _ in range(3):
            assert await limited(2, look)() == pytest.approx(2)
            assert current_deadline() is None

    run_virtual(main())


def test_a_coroutine_that_is_dropped_leaves_nothing_behind() -> None:
    @with_timeout(2)
    async def hang() -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        await with_timeout(2)(asyncio.sleep)(0)
        for _ in range(3):
            coroutine: Any = hang()
            coroutine.send(None)
            coroutine.close()
        await asyncio.sleep(5)
        assert the_task().cancelling() == 0

    run_virtual(main())


def test_ten_thousand_timeouts_leave_no_objects_behind() -> None:
    @with_timeout(0.001)
    async def hang() -> None:
        await asyncio.sleep(60)

    async def many(count: int) -> None:
        for _ in range(count):
            with contextlib.suppress(OperationTimeoutError):
                await hang()

    async def main() -> None:
        await many(10)
        gc.collect()
        gc.disable()
        try:
            before = len(gc.get_objects())
            await many(1_000)
            assert len(gc.get_objects()) - before < 50
        finally:
            gc.enable()

    run_virtual(main())


def test_thousands_of_tasks_at_once_each_get_their_own_outcome() -> None:
    @with_timeout(10)
    async def work(number: int) -> int:
        await asyncio.sleep(number % 20 + 0.5)
        return number

    async def main() -> None:
        outcomes = await asyncio.gather(*(work(number) for number in range(5_000)), return_exceptions=True)
        for number, outcome in enumerate(outcomes):
            if number % 20 + 0.5 < 10:
                assert outcome == number
            else:
                assert isinstance(outcome, OperationTimeoutError)

    run_virtual(main())
