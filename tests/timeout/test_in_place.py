"""A limit that leaves a plain function in its caller's thread: quick while all goes well, and right when it does not."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Any

import pytest

from holdfast import (
    Bulkhead,
    DeadlineExceededError,
    OperationTimeoutError,
    TimeoutManager,
    current_deadline,
    deadline,
    disabled,
    time_left,
    with_timeout,
)
from holdfast.timeout.marks import current

SOON = 0.02
LONG = 60.0


def use_up_the_time() -> None:
    """Take as long as there is time, then begin something that needs more."""
    while time_left(LONG) > 1e-9 and (mark := current_deadline()) is not None and not mark.expired:
        time.sleep(SOON / 4)
    with_timeout(LONG)(lambda: None)()


def test_it_stays_in_its_thread_under_its_limit_and_leaves_no_mark() -> None:
    @with_timeout(LONG, mode="cooperative")
    def look() -> tuple[int, float]:
        mark = current_deadline()
        assert mark is not None
        return threading.get_ident(), mark.remaining()

    for _ in range(3):  # the second call takes the quick way
        thread, remaining = look()
        assert thread == threading.get_ident()
        assert LONG - 5 < remaining <= LONG
        assert current.get() is None


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_its_own_errors_come_out_and_leave_no_mark(kind: type[BaseException]) -> None:
    error = kind("mine")

    @with_timeout(LONG, mode="cooperative")
    def fail() -> None:
        raise error

    for _ in range(2):
        with pytest.raises(kind) as caught:
            fail()
        assert caught.value is error
        assert current.get() is None


def test_what_is_cut_by_its_limit_is_its_own_timeout() -> None:
    told: list[OperationTimeoutError] = []
    limited = with_timeout(SOON, mode="cooperative", on_timeout=told.append)(use_up_the_time)
    for _ in range(2):
        with pytest.raises(
            OperationTimeoutError, match="use_up_the_time took longer than its timeout of 0.02 s"
        ) as caught:
            limited()
        assert not isinstance(caught.value, DeadlineExceededError)
        assert isinstance(caught.value.__cause__, DeadlineExceededError)
    assert len(told) == 2
    answered = with_timeout(SOON, mode="cooperative", fallback=lambda: "fallback")(use_up_the_time)
    assert [answered(), answered()] == ["fallback", "fallback"]


def test_a_nearer_deadline_around_it_is_kept_to() -> None:
    limited = with_timeout(LONG, mode="cooperative")(use_up_the_time)
    for _ in range(2):
        with deadline(SOON, name="request"), pytest.raises(DeadlineExceededError) as caught:
            limited()
        assert caught.value.limit == "the deadline 'request'"


def test_a_nearer_limit_inside_of_it_counts() -> None:
    @with_timeout(LONG, mode="cooperative")
    def outer() -> float:
        return inner()

    @with_timeout(1, mode="cooperative")
    def inner() -> float:
        mark = current_deadline()
        assert mark is not None
        return mark.seconds

    assert [outer(), outer()] == [1, 1]


def test_what_it_returns_to_be_awaited_has_the_time_that_is_left() -> None:
    async def later(pause: float) -> str:
        await asyncio.sleep(pause)
        return "done"

    def begin(pause: float) -> Any:
        return later(pause)

    limited = with_timeout(SOON, mode="cooperative")(begin)

    async def main() -> None:
        for _ in range(2):
            assert await limited(0) == "done"
            with pytest.raises(OperationTimeoutError):
                await limited(LONG)

    asyncio.run(main())


def test_results_of_many_types_come_out_as_they_are() -> None:
    limited = with_timeout(LONG, mode="cooperative")(lambda value: value)
    values: list[Any] = [None, 1, "a", [1], {"a": 1}, 2.5, (1, 2), None, 1]
    assert [limited(value) for value in values] == values


def test_a_name_that_comes_to_mean_a_worker_thread_is_followed() -> None:
    manager = TimeoutManager()
    manager.register("job", LONG, mode="cooperative")
    here = threading.get_ident()
    look = manager.protect(threading.get_ident, "job")
    assert [look(), look()] == [here, here]
    manager.register("job", LONG)
    assert look() != here
    manager.register("job", LONG, mode="cooperative")
    assert look() == here


def test_off_there_is_no_limit() -> None:
    limited = with_timeout(LONG, mode="cooperative")(lambda: current_deadline() is None)
    assert limited() is False
    with disabled():
        assert limited() is True
    assert limited() is False


def test_a_bulkhead_around_it_may_give_its_permit_back_without_a_look_at_what_was_left_behind() -> None:
    bulkhead = Bulkhead()
    settled = bulkhead.protect(with_timeout(LONG, mode="cooperative")(lambda: bulkhead.stats.active))
    by_name = bulkhead.protect(with_timeout("comes later", mode="cooperative")(lambda: None))
    assert settled() == 1
    assert bulkhead.stats.active == 0
    assert by_name.__code__.co_code != settled.__code__.co_code


def test_failures_leave_no_objects_behind() -> None:
    @with_timeout(LONG, mode="cooperative", fallback=0)
    def fail() -> None:
        raise ConnectionError

    def many() -> None:
        for _ in range(200):
            with pytest.raises(ConnectionError):
                fail()

    many()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        many()
        assert len(gc.get_objects()) - before < 20
    finally:
        gc.enable()
