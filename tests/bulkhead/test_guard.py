"""Every way through the guard: quiet, watched, switched off, leaving work behind; each passes on what it was given."""

from __future__ import annotations

import asyncio
import functools
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.support import run_virtual

from holdfast import BulkheadTimeoutError, bulkhead as bulkhead_of, disabled
from holdfast._runtime.leftovers import Hold, holding
from holdfast.circuit_breaker.bulkhead import guard
from holdfast.circuit_breaker.bulkhead.config import BulkheadConfig
from holdfast.circuit_breaker.bulkhead.manager import Bulkhead
from holdfast.circuit_breaker.bulkhead.permit import BulkheadPermit
from holdfast.contexts import innermost
from holdfast.timeout.marks import leaves_work, note_leaves_work

Given = tuple[tuple[Any, ...], dict[str, Any]]


def plain(*args: Any, **kwargs: Any) -> Given:
    return args, kwargs


def leaving(*args: Any, **kwargs: Any) -> Given:
    return args, kwargs


note_leaves_work(leaving)


async def awaited(*args: Any, **kwargs: Any) -> Given:
    return args, kwargs


def pending(*args: Any, **kwargs: Any) -> Awaitable[Given]:
    return awaited(*args, **kwargs)


def leaving_pending(*args: Any, **kwargs: Any) -> Awaitable[Given]:
    return awaited(*args, **kwargs)


note_leaves_work(leaving_pending)


async def leaving_awaited(*args: Any, **kwargs: Any) -> Given:
    return args, kwargs


note_leaves_work(leaving_awaited)

FUNCTIONS = [plain, leaving, awaited, pending, leaving_pending, leaving_awaited]


def small(permits: int = 1, places: int = 5, **fields: Any) -> Bulkhead:
    return Bulkhead(BulkheadConfig(name="small", max_concurrent=permits, max_queue=places, **fields))


def run(outcome: Any) -> Any:
    async def main() -> Any:
        return await outcome

    return run_virtual(main()) if isinstance(outcome, Awaitable) else outcome


def each_by_name(bulkhead: Bulkhead, function: Callable[..., Any]) -> Callable[..., Any]:
    return guard.wrap_each(lambda args, kwargs: bulkhead, function)  # type: ignore[no-any-return]


WAYS: dict[str, Callable[[Bulkhead, Callable[..., Any]], Callable[..., Any]]] = {
    "protect": lambda bulkhead, function: bulkhead.protect(function),
    "execute": lambda bulkhead, function: (
        lambda *args, **kwargs: bulkhead.execute(functools.partial(function, *args, **kwargs))
    ),
    "each": each_by_name,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("watched", [False, True])
def test_a_call_gets_what_it_was_given_and_gives_its_permit_back(
    function: Callable[..., Any], way: str, watched: bool
) -> None:
    bulkhead = small()
    begun: list[object] = []
    if watched:
        bulkhead.on("execution_started", begun.append)
    guarded = WAYS[way](bulkhead, function)
    for number in range(1, 4):
        assert run(guarded(1, 2, three=3)) == ((1, 2), {"three": 3})
        assert bulkhead.stats.as_dict() == {"active": 0, "queued": 0, "available": 1}
        assert bulkhead.metrics.completed == number
    assert len(begun) == (3 if watched else 0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_switched_off_it_passes_on_what_it_was_given_and_counts_nothing(function: Callable[..., Any], way: str) -> None:
    bulkhead = small()
    guarded = WAYS[way](bulkhead, function)
    with disabled():
        assert run(guarded(1, 2, three=3)) == ((1, 2), {"three": 3})
    assert bulkhead.metrics.completed == 0


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("function", [awaited, pending, leaving_pending])
def test_a_permit_is_held_while_something_is_awaited(function: Callable[..., Any], watched: bool) -> None:
    bulkhead = small()
    if watched:
        bulkhead.on("execution_started", lambda _event: None)
    inside: list[int] = []

    async def look() -> Given:
        await asyncio.sleep(1)
        inside.append(bulkhead.stats.active)
        return (), {}

    def begin() -> Awaitable[Given]:
        return look()

    if function is leaving_pending:
        note_leaves_work(begin)
    guarded = bulkhead.protect(look if function is awaited else begin)
    for _ in range(2):
        run(guarded())
    assert inside == [1, 1]
    assert bulkhead.stats.active == 0


def test_a_task_waits_for_as_long_as_the_config_says() -> None:
    for make in WAYS.values():
        bulkhead = small(queue_timeout=0.5)

        async def slow() -> None:
            await asyncio.sleep(60)

        guarded = make(bulkhead, slow)

        async def main(guarded: Callable[[], Awaitable[None]] = guarded) -> float:
            first = asyncio.ensure_future(guarded())
            await asyncio.sleep(0)
            with pytest.raises(BulkheadTimeoutError):
                await guarded()
            first.cancel()
            return asyncio.get_running_loop().time()

        assert run_virtual(main()) == 0.5


def test_what_leaves_work_behind_is_known_through_what_wraps_it() -> None:
    assert not leaves_work(plain)
    assert leaves_work(leaving)
    assert leaves_work(bulkhead_of("small", max_concurrent=1)(leaving))

    class Called:
        def __call__(self) -> None: ...

    assert not leaves_work(Called())
    note_leaves_work(Called.__call__)
    assert leaves_work(Called())
    assert leaves_work(functools.partial(leaving, 1))
    assert not leaves_work(functools.partial(plain, 1))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("leaves", [False, True])
@pytest.mark.parametrize("watched", [False, True])
def test_a_permit_is_back_though_somebody_keeps_the_error(way: str, leaves: bool, watched: bool) -> None:
    bulkhead = small()
    if watched:
        bulkhead.on("execution_started", lambda _event: None)

    def fail() -> None:
        raise KeyError

    if leaves:
        note_leaves_work(fail)
    with pytest.raises(KeyError) as caught:
        WAYS[way](bulkhead, fail)()
    assert bulkhead.stats.active == 0
    assert caught.value.__traceback__ is not None


@pytest.mark.parametrize("way", ["protect", "each"])
@pytest.mark.parametrize("leaves", [False, True])
@pytest.mark.parametrize("awaits", [False, True])
def test_a_permit_is_kept_until_what_was_left_behind_has_ended(way: str, leaves: bool, awaits: bool) -> None:
    bulkhead = small()
    left: list[Any] = []

    def call() -> Any:
        hold = holding.get()
        assert (hold is not None) is leaves
        if hold is not None:
            hold.add()
            left.append(hold)
        return awaited() if awaits else plain()

    if leaves:
        note_leaves_work(call)
    guarded = WAYS[way](bulkhead, call)
    assert run(guarded()) == ((), {})
    assert holding.get() is None
    assert bulkhead.stats.active == (1 if leaves else 0)
    for hold in left:
        hold.end()
    assert bulkhead.stats.active == 0


@pytest.mark.parametrize("way", WAYS)
def test_what_was_held_around_a_call_is_held_after_it(way: str) -> None:
    around = Hold()
    around.open()
    assert WAYS[way](small(), leaving)() == ((), {})
    assert holding.get() is around
    around.hide()


def test_a_permit_that_was_entered_and_dropped_is_back_and_holds_nothing_any_more() -> None:
    bulkhead = small()
    permit = bulkhead.acquire()
    permit.__enter__()
    assert holding.get() is not None
    del permit
    gc.collect()
    assert innermost(holding.get()) is None
    assert bulkhead.stats.active == 0


def test_a_permit_whose_making_was_cut_off_has_nothing_to_give_back() -> None:
    permit = BulkheadPermit.__new__(BulkheadPermit)
    permit.__del__()
    permit._hold = None
    permit.__del__()


def test_who_names_a_bulkhead_for_each_call_is_told_what_the_caller_wrote() -> None:
    bulkhead = small()
    told: list[Given] = []

    def find(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        told.append((args, kwargs))
        return bulkhead

    def add(first: int, second: int = 2, *, third: int = 3) -> int:
        return first + second + third

    guarded = guard.wrap_each(find, add)
    assert (guarded(1), guarded(1, third=4), guarded(first=5)) == (6, 7, 10)
    assert told == [((1,), {}), ((1,), {"third": 4}), ((), {"first": 5})]
