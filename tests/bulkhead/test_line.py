"""The line by itself: tokens, places, and a debt, step by step."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from tests.support import run_virtual

from holdfast.circuit_breaker.bulkhead import queue as bulkhead_queue
from holdfast.circuit_breaker.bulkhead.queue import GONE, GRANTED, HELD, WAITING, Line, Place, TaskPlace, ThreadPlace


@pytest.fixture(params=[True, False], ids=["lock-free", "locked"], autouse=True)
def lock_free(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """The line as it is with the GIL and as it is without it."""
    monkeypatch.setattr(bulkhead_queue, "LOCK_FREE", request.param)
    return bool(request.param)


def taken(line: Line, count: int) -> list[Place]:
    places = [Place() for _ in range(count)]
    assert all(line.take(place) for place in places)
    return places


def counts(line: Line) -> dict[str, int]:
    return {"done": line.completed, "gone": line.abandoned, "refused": line.rejected, "late": line.timed_out}


def test_a_place_is_awake_and_alive_and_waits() -> None:
    place = Place()
    assert (place.state, place.wake(), place.is_dead(), place.gate, place.me) == (WAITING, True, False, None, None)
    assert Place(HELD).state == HELD
    assert ThreadPlace().gate.locked()


def test_permits_are_taken_and_given_back_one_by_one() -> None:
    line = Line(2, 5)
    first, second = taken(line, 2)
    assert (first.state, line.available) == (HELD, 0)
    third = Place()
    assert not line.take(third)
    assert third.state == WAITING
    assert line.leave(first)
    assert (first.state, line.available) == (GONE, 1)
    assert not line.leave(first), "once is enough"
    assert line.take(third)
    assert counts(line) == {"done": 1, "gone": 0, "refused": 0, "late": 0}
    assert line.leave(second)
    assert line.leave(third)
    assert line.available == 2


def test_tokens_are_made_sixty_four_at_once() -> None:
    line = Line(150, 0)
    assert (len(line.free), line.unminted, line.available) == (64, 86, 150)
    taken(line, 65)
    assert (len(line.free), line.unminted, line.available) == (63, 22, 85)
    taken(line, 85)
    assert (len(line.free), line.unminted) == (0, 0)
    assert not line.take(Place())


def test_busy_is_who_waits_who_listens_and_who_owes(lock_free: bool) -> None:
    line = Line(1, 5)
    assert line.busy is not lock_free
    line.loud = True
    line.mark()
    assert line.busy
    line.loud = False
    line.mark()
    assert line.busy is not lock_free
    (held,) = taken(line, 1)
    place = Place()
    assert line.enter(place) == 1
    assert line.busy
    line.leave(held)
    assert place.state == GRANTED
    assert line.busy is not lock_free
    line.resize(0, 5)
    assert (line.debt, line.busy) == (1, True)


def test_the_queue_is_as_long_as_it_may_be_and_numbers_its_places() -> None:
    line = Line(1, 2)
    (held,) = taken(line, 1)
    first, second, third = Place(), Place(), Place()
    assert [line.enter(first), line.enter(second), line.enter(third)] == [1, 2, None]
    assert third.state == GONE
    assert counts(line) == {"done": 0, "gone": 0, "refused": 1, "late": 0}
    assert line.expire(second)
    assert not line.expire(second)
    assert (second.state, line.timed_out) == (GONE, 1)
    assert line.leave(held)
    assert first.state == GRANTED
    assert not line.expire(first), "the grant came first"
    assert not line.leave(first), "it never was the permit of a call"
    assert counts(line) == {"done": 1, "gone": 1, "refused": 0 + 1, "late": 1}
    assert line.available == 1


def test_who_enters_when_a_permit_is_free_gets_it() -> None:
    line = Line(1, 5)
    place = Place()
    assert line.enter(place) == 1
    assert (place.state, len(line.waiters)) == (GRANTED, 0)


def test_nobody_takes_a_permit_past_those_who_wait() -> None:
    line = Line(2, 5)
    first, second = taken(line, 2)
    waiting = [Place(), Place()]
    for place in waiting:
        line.enter(place)
    line.free += bulkhead_queue.TOKEN  # one comes free, and nobody has been told so far
    late = Place()
    assert not line.take(late)
    assert [place.state for place in waiting] == [GRANTED, WAITING]
    line.free += bulkhead_queue.TOKEN
    line.waiters.pop(waiting[1])
    line.mark()
    assert line.take(late)
    assert {first.state, second.state} == {HELD}


@pytest.mark.parametrize(
    ("permits", "held", "smaller", "debt", "free"),
    [(5, 0, 2, 0, 2), (5, 2, 2, 0, 0), (5, 3, 2, 1, 0), (5, 5, 2, 3, 0), (5, 5, 0, 5, 0), (200, 100, 90, 10, 0)],
)
def test_of_fewer_permits_those_that_are_taken_too_much_are_a_debt(
    permits: int, held: int, smaller: int, debt: int, free: int
) -> None:
    line = Line(permits, 5)
    places = taken(line, held)
    line.resize(smaller, 7)
    assert (line.permits, line.places, line.debt, line.available) == (smaller, 7, debt, free)
    for left in reversed(range(debt)):
        line.leave(places.pop())
        assert (line.debt, line.available) == (left, 0)
    line.leave(places.pop()) if places else None
    assert line.debt == 0
    taken(line, smaller - len(places))
    assert not line.take(Place())


def test_more_permits_pay_a_debt_first() -> None:
    line = Line(5, 5)
    places = taken(line, 5)
    line.resize(2, 5)
    assert (line.debt, line.unminted) == (3, 0)
    line.resize(4, 5)
    assert (line.debt, line.unminted, line.available) == (1, 0, 0)
    line.resize(5, 5)
    assert (line.debt, line.unminted, line.available) == (0, 0, 0)
    line.resize(6, 5)
    assert (line.debt, line.unminted, line.available) == (0, 1, 1)
    for place in places:
        line.leave(place)
    assert line.available == 6


def test_who_waits_is_served_by_more_permits_and_not_before_a_debt_is_paid() -> None:
    line = Line(2, 5)
    first, second = taken(line, 2)
    waiting = Place()
    line.enter(waiting)
    line.resize(1, 5)
    line.leave(first)
    assert (line.debt, waiting.state) == (0, WAITING)
    line.resize(2, 5)
    assert waiting.state == GRANTED
    assert line.leave(second)


def test_of_two_tokens_that_come_at_once_one_pays_the_debt_and_one_is_granted() -> None:
    line = Line(2, 5)
    taken(line, 2)
    waiting = Place()
    line.enter(waiting)
    line.resize(1, 5)
    line.free += bulkhead_queue.TOKEN * 2
    line.dispatch()
    assert (line.debt, waiting.state, line.available) == (0, GRANTED, 0)


def test_a_place_that_is_gone_already_is_passed_over() -> None:
    line = Line(1, 5)
    (held,) = taken(line, 1)
    gone, waiting = Place(), Place()
    line.enter(gone)
    line.enter(waiting)
    gone.state = GONE
    line.leave(held)
    assert waiting.state == GRANTED
    assert len(line.waiters) == 0


class Deaf(Place):
    """Nobody is there any more."""

    __slots__ = ()

    def wake(self) -> bool:
        return False


def test_what_is_granted_to_nobody_goes_to_the_next_one() -> None:
    line = Line(1, 5)
    (held,) = taken(line, 1)
    deaf, waiting = Deaf(), Place()
    line.enter(deaf)
    line.enter(waiting)
    line.leave(held)
    assert (deaf.state, waiting.state, line.abandoned) == (GONE, GRANTED, 1)


def test_a_task_is_called_in_its_loop_and_counts_as_called_until_it_comes_or_goes() -> None:
    async def main() -> None:
        line = Line(1, 5)
        (held,) = taken(line, 1)
        place = TaskPlace(asyncio.get_running_loop())
        line.enter(place)
        assert not place.is_dead()
        line.leave(held)
        assert place.state == GRANTED
        assert place.called.done()
        assert list(line.called) == [place.me]
        assert place.wake(), "a second time does no harm"
        assert not line.leave(place)
        assert (list(line.called), line.available) == ([], 1)

    run_virtual(main())


def waiting_task(line: Line) -> tuple[TaskPlace, asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    place = TaskPlace(loop)
    line.enter(place)
    return place, loop


def test_a_task_is_called_from_elsewhere_and_not_once_its_loop_is_closed() -> None:
    line = Line(1, 5)
    (held,) = taken(line, 1)
    place, loop = waiting_task(line)
    line.leave(held)
    assert not place.called.done()
    loop.run_until_complete(asyncio.sleep(0))
    assert place.called.done()
    line.leave(place)
    loop.close()
    assert place.is_dead()
    assert not place.wake()


@pytest.mark.parametrize("permits", [1, 0])
def test_what_was_granted_to_a_task_of_a_closed_loop_is_taken_back_and_pays_a_debt_as_well(permits: int) -> None:
    line = Line(1, 5)
    (held,) = taken(line, 1)
    place, loop = waiting_task(line)
    line.leave(held)
    assert place.state == GRANTED
    loop.close()
    line.resize(permits, 5)
    late = Place()
    assert line.take(late) is (permits == 1)
    assert (place.state, line.debt, line.abandoned) == (GONE, 0, 1)


def test_a_task_that_came_or_was_dropped_is_not_called_any_more() -> None:
    line = Line(2, 5)
    places: list[Any] = taken(line, 2)
    came, loop = waiting_task(line)
    dropped, other = waiting_task(line)
    for held in places:
        line.leave(held)
    came.state = HELD
    me = dropped.me
    for each in (loop, other):
        each.run_until_complete(asyncio.sleep(0))
        each.close()
    del dropped, other, each
    gc.collect()
    assert me() is None
    assert not line.take(Place()), "one has come, and of the other only its owner's end gives it back"
    assert list(line.called) == []
