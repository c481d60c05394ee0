"""Deadlines: blocks, narrowing, headers, other threads, and how they look."""

from __future__ import annotations

import asyncio
import copy
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.support import run_virtual

from holdfast import (
    ConfigurationError,
    Deadline,
    DeadlineExceededError,
    DeadlineTracker,
    OperationTimeoutError,
    current_deadline,
    deadline,
    disabled,
    time_left,
    with_timeout,
)
from holdfast.testing import VirtualClock
from holdfast.timeout import get_deadline_tracker
from holdfast.timeout.marks import Block, Limit, current, current_mark, nearest


@pytest.fixture
def tracker(clock: VirtualClock) -> DeadlineTracker:
    return DeadlineTracker(clock=clock)


def now() -> Deadline:
    seen = current_deadline()
    assert seen is not None
    return seen


def test_a_block_has_a_deadline_that_ends_with_it(tracker: DeadlineTracker, clock: VirtualClock) -> None:
    assert current_deadline() is None
    with tracker.track(5, name="request") as request:
        assert now().remaining() == request.remaining() == 5
        clock.advance(2)
        assert now().remaining() == 3
        assert not now().expired
        clock.advance(4)
        assert now().remaining() == 0
        assert now().expired
        with pytest.raises(DeadlineExceededError, match=r"import was cut short: the deadline 'request' of 5 s is over"):
            request.check("import")
    assert current_deadline() is None


def test_a_plain_block_that_ends_late_ends_as_it_would(tracker: DeadlineTracker, clock: VirtualClock) -> None:
    with tracker.track(5):
        clock.advance(10)
    with pytest.raises(KeyError), tracker.track(5):
        clock.advance(10)
        raise KeyError


def test_the_nearest_deadline_counts_however_they_are_nested(tracker: DeadlineTracker, clock: VirtualClock) -> None:
    with tracker.track(5, name="outer"):
        with tracker.track(60, name="longer") as longer:
            assert longer.limit == "the deadline 'outer'"
            assert time_left(100) == 5
        with tracker.track(2, name="shorter") as shorter:
            assert shorter.limit == "the deadline 'shorter'"
            assert now().remaining() == 2
        assert now().remaining() == 5
        clock.advance(5)
        with pytest.raises(DeadlineExceededError, match=r"the block was not begun: the deadline 'outer'") as caught:
            tracker.track(1).__enter__()
        assert caught.value.began is False
        assert caught.value.limit == "the deadline 'outer'"


@given(st.lists(st.floats(min_value=0.001, max_value=1e6), min_size=1, max_size=8))
def test_nested_blocks_only_narrow(seconds: list[float]) -> None:
    tracker = DeadlineTracker(clock=VirtualClock())
    blocks = [tracker.track(each) for each in seconds]
    for count, block in enumerate(blocks, 1):
        block.__enter__()
        assert now().remaining() == min(seconds[:count])
    for count in range(len(blocks) - 1, -1, -1):
        blocks[count].__exit__(None, None, None)
        seen = current_deadline()
        assert (None if seen is None else seen.remaining()) == (min(seconds[:count]) if count else None)


def test_narrow_gives_a_nearer_one_and_never_a_longer_one(clock: VirtualClock) -> None:
    whole = Deadline(10, name="request", clock=clock)
    part = whole.narrow(timedelta(seconds=3), name="lookup")
    assert (part.seconds, part.limit) == (3, "the deadline 'lookup'")
    clock.advance(8)
    assert whole.narrow(3) is whole
    assert part.expired
    assert part.narrow(1) is part


def test_an_async_block_is_cut_at_its_deadline_after_cleaning_up() -> None:
    ended = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(DeadlineExceededError, match=r"the deadline 'request' of 5 s is over") as caught:
            async with deadline(5, name="request"):
                try:
                    await asyncio.sleep(60)
                finally:
                    await asyncio.sleep(1)
                    ended.append(loop.time())
        assert ended == [6]
        assert isinstance(caught.value.__cause__, asyncio.CancelledError)
        assert isinstance(caught.value, OperationTimeoutError)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        async with deadline(5) as block:
            await asyncio.sleep(1)
            assert block.remaining() == 4

    run_virtual(main())


def test_a_plain_block_in_async_code_stops_nothing_by_itself_but_what_is_guarded_in_it() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with deadline(LONG := 0.01, name="request"):
            with pytest.raises(DeadlineExceededError, match="the deadline 'request'"):
                await with_timeout(3600)(asyncio.Event().wait)()
        assert current_deadline() is None
        assert loop.time() <= LONG

    run_virtual(main())


def test_a_block_is_entered_once() -> None:
    block = deadline(5)
    with block, pytest.raises(RuntimeError, match="entered once"), block:
        pass
    with pytest.raises(RuntimeError, match="entered once"):
        block.__enter__()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("1500", 1.5), (" 250 ", 0.25), (b"40", 0.04), (2000, 2.0), ("0", 0.0), ("-3", 0.0), ("9" * 18, 1e15)],
)
def test_a_header_gives_a_deadline(header: Any, seconds: float, clock: VirtualClock) -> None:
    made = Deadline.from_header(header, name="caller", clock=clock)
    assert made is not None
    assert made.seconds == pytest.approx(seconds)
    assert made.limit == "the deadline 'caller'"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "soon",
        "1.5",
        "1e3",
        "٣",
        "0x10",
        "1_000",
        "NaN",
        "inf",
        True,
        1.5,
        "9" * 20,
        b"\xff",
        "--1",
        object(),
    ],
)
def test_garbage_in_a_header_is_ignored(header: Any) -> None:
    assert Deadline.from_header(header) is None
    with deadline(5, name="own", header=header) as block:
        assert block.limit == "the deadline 'own'"
    assert Deadline.from_header(10**5000) is None


def test_a_header_is_what_is_left_in_whole_milliseconds_rounded_down(clock: VirtualClock) -> None:
    request = Deadline(1.2345, clock=clock)
    assert request.to_header() == "1234"
    clock.advance(1.2344)
    assert request.to_header() == "0"
    clock.advance(5)
    assert request.to_header() == "0"


def test_what_the_caller_sent_counts_if_it_is_nearer(tracker: DeadlineTracker) -> None:
    with tracker.track(10, name="own", header="2000") as block:
        assert (block.seconds, block.limit) == (2, "the deadline 'sent by the caller'")
    with tracker.track(10, name="own", header="20000") as block:
        assert block.limit == "the deadline 'own'"
    with pytest.raises(DeadlineExceededError, match=r"not begun: the deadline 'sent by the caller' of 0 s"):
        tracker.track(10, header="0").__enter__()


def test_a_deadline_is_carried_into_worker_threads(clock: VirtualClock) -> None:
    tracker = DeadlineTracker(clock=clock)

    def look(_: int) -> str:
        return now().limit

    with ThreadPoolExecutor(2) as pool:
        with tracker.track(5, name="request") as request:
            seen = list(pool.map(request.carry(look), range(4)))
            handed_over = pool.submit(copy_context().run, now).result()
        assert seen == ["the deadline 'request'"] * 4
        assert handed_over.limit == "the deadline 'request'"
        assert pool.submit(current_deadline).result() is None

        def work(given: Deadline) -> float:
            with deadline(given) as block:
                return block.remaining()

        assert pool.submit(work, Deadline(3, clock=clock)).result() == pytest.approx(3, abs=0.1)
        clock.advance(10)
        with pytest.raises(DeadlineExceededError, match="not begun: the deadline 'request'"):
            pool.submit(request.carry(lambda: None)).result()


def test_carry_is_for_plain_functions() -> None:
    async def fetch() -> None: ...

    with pytest.raises(TypeError, match="tasks inherit the deadline"):
        Deadline(5).carry(fetch)


def test_tasks_and_to_thread_inherit_it() -> None:
    async def main() -> None:
        with deadline(5, name="request"):
            assert await asyncio.to_thread(lambda: now().limit) == "the deadline 'request'"
            task = asyncio.ensure_future(asyncio.sleep(0, None))
            await task
            assert await asyncio.create_task(look()) == "the deadline 'request'"

    async def look() -> str:
        return now().limit

    asyncio.run(main())


def test_time_left_is_what_to_give_a_client(tracker: DeadlineTracker, clock: VirtualClock) -> None:
    assert time_left() is None
    assert time_left(10) == 10
    assert time_left(timedelta(minutes=1)) == 60
    with tracker.track(5, name="request"):
        assert time_left() == 5
        assert time_left(10) == 5
        assert time_left(3) == 3
        clock.advance(5)
        with pytest.raises(DeadlineExceededError, match="the deadline 'request'"):
            time_left(3)
    for wrong in (0, -1, float("nan"), True, "3"):
        with pytest.raises(ConfigurationError, match="time_left: at_most"):
            time_left(wrong)  # type: ignore[arg-type]


def test_the_tracker_shows_what_is_live_and_what_was(tracker: DeadlineTracker, clock: VirtualClock) -> None:
    inside = threading.Event()
    done = threading.Event()

    def other() -> None:
        with tracker.track(2, name="other"):
            inside.set()
            done.wait(30)

    thread = threading.Thread(target=other)
    with tracker.track(5, name="mine"):
        thread.start()
        assert inside.wait(30)
        assert [each.limit for each in tracker.live] == ["the deadline 'other'", "the deadline 'mine'"]
        assert tracker.metrics.as_dict() == {"entered": 2, "live": 2, "expired": 0}
        clock.advance(3)
        done.set()
        thread.join()
        assert [each.limit for each in tracker.live] == ["the deadline 'mine'"]
    assert tracker.live == ()
    assert tracker.metrics.as_dict() == {"entered": 2, "live": 0, "expired": 1}
    before = get_deadline_tracker().metrics.entered
    with deadline(5):
        assert get_deadline_tracker().metrics.entered == before + 1


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), True, "5", None, timedelta(0), timedelta(-1)])
def test_what_is_no_duration_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="deadline: seconds must be"):
        deadline(wrong)


def test_a_wrong_name_and_a_second_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="name"):
        deadline(5, name=7)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="has its name; give no other"):
        deadline(Deadline(5), name="x")
    with pytest.raises(ConfigurationError, match="Deadline: seconds"):
        Deadline(-1)


def test_a_deadline_cannot_be_copied_to_where_its_clock_is_not() -> None:
    with pytest.raises(TypeError, match="to_header"):
        copy.copy(Deadline(5))


def test_how_a_deadline_looks(clock: VirtualClock) -> None:
    assert repr(Deadline(5, name="request", clock=clock)) == "Deadline(the deadline 'request': 5 of 5 s left)"


def test_a_deadline_without_a_name_is_just_the_deadline(clock: VirtualClock) -> None:
    whole = Deadline(10, clock=clock)
    sent = Deadline.from_header("1500", clock=clock)
    assert sent is not None
    assert [each.limit for each in (whole, whole.narrow(3), sent)] == ["the deadline"] * 3
    clock.advance(10)
    with pytest.raises(DeadlineExceededError, match="^the operation was cut short: the deadline of 10 s is over$"):
        whole.check()


def test_a_narrower_one_may_be_over_at_once_and_of_two_at_the_same_moment_the_first_stays(clock: VirtualClock) -> None:
    whole = Deadline(10, clock=clock)
    assert whole.narrow(0).expired
    assert whole.narrow(10) is whole
    assert whole.narrow(9.9) is not whole
    for wrong in (-1, float("nan"), "3"):
        with pytest.raises(ConfigurationError, match="^Deadline: seconds must be"):
            whole.narrow(wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="^Deadline: name must be"):
        whole.narrow(3, name=7)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(1500, 1.5), (-5, 0.0), (0, 0.0), ("9" * 19, (10**19 - 1) / 1000), (10**19 - 1, (10**19 - 1) / 1000)],
)
def test_a_header_may_be_a_number_and_has_up_to_nineteen_digits(header: Any, seconds: float) -> None:
    read = Deadline.from_header(header)
    assert read is not None
    assert read.seconds == seconds


def test_a_header_is_counted_by_the_clock_that_is_given(clock: VirtualClock) -> None:
    read = Deadline.from_header("1500", name="caller", clock=clock)
    assert read is not None
    clock.advance(0.5)
    assert (read.remaining(), read.limit) == (1.0, "the deadline 'caller'")


def test_the_error_knows_which_moment_of_which_limit_was_passed(clock: VirtualClock) -> None:
    start = clock.monotonic()
    request = Deadline(5, name="request", clock=clock)
    for began in (True, False):
        error = request.over("import", began=began)
        assert error.hit == (request.told, start + 5)
        assert error.began is began
        assert (error.name, error.duration, error.limit) == ("import", 5, "the deadline 'request'")


def test_a_limit_without_an_owner_is_that_of_the_block() -> None:
    for final, kind in ((True, DeadlineExceededError), (False, OperationTimeoutError)):
        error = Limit(5, "deadline 'request'", final=final).exceeded()
        assert type(error) is kind
        assert (error.name, str(error)) == ("the block", "the deadline 'request' of 5 s is over")
        error = Limit(5, "timeout", "fetch", final=final).exceeded()
        assert (error.name, str(error)) == ("fetch", "fetch took longer than its timeout of 5 s")


def test_of_two_marks_at_the_same_moment_the_one_that_is_there_stays(clock: VirtualClock) -> None:
    start = clock.monotonic()
    limit = Limit(5, "timeout", "fetch")
    assert nearest(start + 5, clock.monotonic, limit, "fetch") == (start + 5, clock.monotonic, None, limit, 0, None)
    with DeadlineTracker(clock=clock).track(5, name="request"):
        there = current_mark()
        assert nearest(start + 5, clock.monotonic, limit, "fetch") is there
        assert nearest(start + 4.5, clock.monotonic, limit, "fetch") is not there


def test_a_mark_of_a_block_that_is_over_gives_way_to_the_one_around_it(clock: VirtualClock) -> None:
    def over(outer: Any = None) -> Block:
        block = Block(outer)
        block.is_open = False
        return block

    limit = Limit(5, "timeout", "fetch")
    with DeadlineTracker(clock=clock).track(5, name="request"):
        inner = over(current_mark())
        innermost = over((clock.monotonic() + 2, clock.monotonic, None, limit, 0, inner))
        token = current.set((clock.monotonic() + 1, clock.monotonic, None, limit, 0, innermost))
        assert current_mark() is inner.outer
        current.reset(token)
        with disabled():
            assert current_mark() is None
        assert current_mark() is inner.outer
    alone = over()
    token = current.set((clock.monotonic() + 1, clock.monotonic, None, limit, 0, alone))
    assert current_mark() is None
    current.reset(token)


def test_a_carried_function_is_called_as_it_is_under_the_nearest_deadline(clock: VirtualClock) -> None:
    tracker = DeadlineTracker(clock=clock)
    request = Deadline(5, name="request", clock=clock)

    def look(*args: int, **kwargs: int) -> tuple[float, str, Any, Any]:
        return now().remaining(), now().limit, args, kwargs

    carried = request.carry(look)
    clock.advance(1)
    assert carried(1, two=2) == (4, "the deadline 'request'", (1,), {"two": 2})
    assert current_deadline() is None
    with tracker.track(2, name="nearer"):
        assert carried()[:2] == (2, "the deadline 'nearer'")
        assert now().limit == "the deadline 'nearer'"
    with tracker.track(9, name="farther"):
        assert carried()[:2] == (4, "the deadline 'request'")
        assert now().limit == "the deadline 'farther'"
        assert now().remaining() == 9


def test_a_carried_function_that_must_not_begin_is_named(clock: VirtualClock) -> None:
    tracker = DeadlineTracker(clock=clock)

    def fetch() -> None:
        raise AssertionError("it must not begin")

    with tracker.track(1, name="around"):
        clock.advance(1)
        with pytest.raises(DeadlineExceededError, match=r"fetch was not begun: the deadline 'around' of 1 s") as caught:
            Deadline(5, name="request", clock=clock).carry(fetch)()
        assert caught.value.began is False
    request = Deadline(1, name="request", clock=clock)
    clock.advance(1)
    with pytest.raises(DeadlineExceededError, match=r"fetch was not begun: the deadline 'request' of 1 s") as caught:
        request.carry(fetch)()
    assert caught.value.began is False


def test_half_a_second_is_time_left_and_at_the_moment_itself_there_is_none(clock: VirtualClock) -> None:
    tracker = DeadlineTracker(clock=clock)
    with tracker.track(5, name="request"):
        clock.advance(4.5)
        assert time_left() == time_left(3) == 0.5
        clock.advance(0.5)
        with pytest.raises(
            DeadlineExceededError, match="^the operation was cut short: the deadline 'request'"
        ) as caught:
            time_left()
        assert caught.value.began is True
