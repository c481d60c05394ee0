"""Timeouts of plain functions: in worker threads that are reused, bounded and visible, and hold up nobody."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import subprocess
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from holdfast import (
    DeadlineExceededError,
    OperationTimeoutError,
    TimeoutManager,
    WorkerLimitError,
    current_deadline,
    deadline,
    with_timeout,
)
from holdfast._runtime import workers

SOON = 0.02
LONG = 60.0


@pytest.fixture
def manager() -> TimeoutManager:
    return TimeoutManager()


@pytest.fixture
def _new_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """None that another test has left behind."""
    monkeypatch.setattr(workers, "_crew", workers._Crew())


class Stuck:
    """A function that hangs until it is let go; `ended` counts how many of its calls are over."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.began = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)

    def __call__(self) -> str:
        self.began.release()
        try:
            self.let_go.wait(LONG)
            return "late"
        finally:
            self.ended.release()


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    function = Stuck()
    yield function
    function.let_go.set()


def until_nothing_is_left_behind(manager: TimeoutManager) -> None:
    turn = manager.protect(lambda: None, timeout=LONG)
    while manager.metrics.left_behind:
        turn()


def worker_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("holdfast-worker")]


def test_promise_31_the_caller_goes_on_in_time_and_the_function_goes_on_without_it(
    manager: TimeoutManager, stuck: Stuck
) -> None:
    with pytest.raises(OperationTimeoutError, match=r"Stuck took longer than its timeout of 0.02 s") as caught:
        manager.execute(stuck, SOON)
    assert caught.value.duration == SOON
    assert caught.value.name == "Stuck"
    assert not stuck.let_go.is_set()
    assert manager.metrics.left_behind == {"Stuck": 1}
    assert any(thread.name.endswith("left behind by Stuck") for thread in worker_threads())
    stuck.let_go.set()
    until_nothing_is_left_behind(manager)
    assert not any(thread.name.endswith("left behind by Stuck") for thread in worker_threads())


def test_promise_32_the_functions_own_timeout_error_comes_out_as_itself(manager: TimeoutManager) -> None:
    own = TimeoutError("the socket's")

    def fail() -> None:
        raise own

    with pytest.raises(TimeoutError) as caught:
        manager.execute(fail, LONG)
    assert caught.value is own
    assert manager.metrics.timed_out == 0


def test_an_error_comes_out_with_its_own_traceback_and_without_a_cycle(manager: TimeoutManager) -> None:
    class OwnError(Exception):
        pass

    def deeper() -> None:
        raise OwnError

    def fail() -> None:
        deeper()

    gone: weakref.ref[OwnError] | None = None
    try:
        manager.execute(fail, LONG)
    except OwnError as error:
        names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        assert names[-2:] == ["fail", "deeper"]
        gone = weakref.ref(error)
    gc.disable()
    try:
        assert gone is not None
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.usefixtures("_new_workers")
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, StopIteration])
def test_what_is_no_ordinary_exception_comes_out_too_and_the_worker_survives(
    manager: TimeoutManager, kind: type[BaseException]
) -> None:
    def fail() -> None:
        raise kind

    before = len(worker_threads())
    for _ in range(5):
        with pytest.raises(kind):
            manager.execute(fail, LONG)
    assert len(worker_threads()) == before + 1


def test_promise_34_context_variables_are_seen_inside_and_what_is_set_there_is_seen_afterwards() -> None:
    request: contextvars.ContextVar[str] = contextvars.ContextVar("request")
    request.set("r-1")

    @with_timeout(LONG)
    def handle() -> str:
        seen = request.get()
        request.set("r-2")
        return seen

    assert handle() == "r-1"
    assert request.get() == "r-2"
    assert current_deadline() is None


def test_promise_34_what_a_left_behind_function_sets_reaches_nobody(manager: TimeoutManager, stuck: Stuck) -> None:
    request: contextvars.ContextVar[str] = contextvars.ContextVar("request")
    request.set("r-1")

    def handle() -> None:
        request.set("r-2")
        stuck()

    with pytest.raises(OperationTimeoutError):
        manager.execute(handle, SOON)
    stuck.let_go.set()
    until_nothing_is_left_behind(manager)
    assert request.get() == "r-1"


def test_promise_34_two_hundred_timeouts_do_not_add_two_hundred_threads(stuck: Stuck) -> None:
    manager = TimeoutManager(max_left_behind=8)
    before = threading.active_count()
    while manager.metrics.left_behind != {"Stuck": 8}:  # on a busy machine some time out before their worker begins
        with pytest.raises(OperationTimeoutError):
            manager.execute(stuck, 0.001)
    for _ in range(200):
        with pytest.raises(WorkerLimitError):
            manager.execute(stuck, 0.001)
    assert threading.active_count() - before <= 8
    metrics = manager.metrics
    assert metrics.left_behind == {"Stuck": 8}
    assert metrics.refused == 200
    assert metrics.max_left_behind == 8
    with pytest.raises(WorkerLimitError, match="8 workers are still busy"):
        manager.execute(lambda: None, LONG)
    stuck.let_go.set()
    while manager.metrics.left_behind:
        stuck.ended.acquire(timeout=1)
    assert manager.execute(lambda: "fine again", LONG) == "fine again"


@pytest.mark.usefixtures("_new_workers")
def test_workers_are_named_daemons_and_used_again(manager: TimeoutManager) -> None:
    seen = {manager.execute(threading.current_thread, LONG) for _ in range(100)}
    assert len(seen) == 1
    for thread in seen:
        assert thread.daemon
        assert thread.name.startswith("holdfast-worker-")


def test_many_callers_at_once_each_get_their_own_result_and_few_workers_stay(manager: TimeoutManager) -> None:
    barrier = threading.Barrier(100)
    results: list[int] = []

    def work(number: int) -> int:
        barrier.wait(LONG)  # all of them run at once
        return number

    limited = manager.protect(work, timeout=LONG)
    callers = [threading.Thread(target=lambda n=n: results.append(limited(n))) for n in range(100)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sorted(results) == list(range(100))
    for thread in worker_threads():
        if workers.idle_workers() > workers.IDLE_KEPT:
            thread.join(1)
    assert workers.idle_workers() <= workers.IDLE_KEPT + 8  # several may decide at the same moment to stay


def test_the_process_ends_while_a_call_hangs() -> None:
    code = """
import threading
from holdfast import OperationTimeoutError, with_timeout
@with_timeout(0.05)
def hang():
    threading.Event().wait()
try:
    hang()
except OperationTimeoutError:
    print("went on")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "went on"
    assert done.stderr == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, which this system does not have")
def test_a_forked_process_has_workers_of_its_own() -> None:
    code = """
import os, sys, threading
from holdfast import Bulkhead, BulkheadConfig, OperationTimeoutError, get_timeout_manager
manager = get_timeout_manager()
manager.execute(lambda: None, 60)
try:
    manager.execute(threading.Event().wait, 0.01)
except OperationTimeoutError:
    pass
guard = Bulkhead(BulkheadConfig(max_concurrent=1, max_queue=0))
try:
    guard.protect(manager.protect(threading.Event().wait, timeout=0.01))()
except OperationTimeoutError:
    pass
assert guard.stats.available == 0
child = os.fork()
if child == 0:
    assert guard.stats.available == 1, guard.stats
    assert not manager.metrics.left_behind, manager.metrics
    os._exit(0 if manager.execute(lambda: 7, 60) == 7 else 1)
assert manager.metrics.left_behind == {"Event.wait": 2}, manager.metrics
assert manager.execute(lambda: 7, 60) == 7
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], timeout=60, check=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, which this system does not have")
def test_a_process_that_is_forked_in_a_timed_call_has_timeouts_too() -> None:
    code = """
import os, sys, threading
from holdfast import OperationTimeoutError, with_timeout
@with_timeout(0.05)
def hang():
    threading.Event().wait(60)
@with_timeout(60)
def work():
    child = os.fork()
    if child == 0:
        try:
            hang()
        except OperationTimeoutError:
            os._exit(7)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(work())
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], timeout=90, check=False)
    assert done.returncode == 7


def test_cooperative_mode_keeps_the_thread_and_only_sets_the_deadline() -> None:
    here = threading.current_thread()

    @with_timeout(LONG, mode="cooperative")
    def work() -> tuple[threading.Thread, float]:
        seen = current_deadline()
        assert seen is not None
        return threading.current_thread(), seen.seconds

    assert work() == (here, LONG)

    @with_timeout(1e-6, mode="cooperative")
    def too_long() -> str:
        seen = current_deadline()
        assert seen is not None
        while not seen.expired:
            pass
        with pytest.raises(DeadlineExceededError, match="the timeout of .*too_long"):
            with_timeout(LONG)(work)()
        return "late, but there"

    assert too_long() == "late, but there"


def test_nested_timeouts_take_the_nearest_and_need_no_second_worker(manager: TimeoutManager, stuck: Stuck) -> None:
    def inner() -> tuple[str, float]:
        seen = current_deadline()
        assert seen is not None
        return threading.current_thread().name, seen.seconds

    inside_longer = manager.protect(inner, timeout=LONG)
    inside_shorter = manager.protect(inner, timeout=5)

    def outer() -> list[Any]:
        return [threading.current_thread().name, inside_longer(), inside_shorter()]

    name, longer, shorter = manager.execute(outer, 10)
    assert longer == (name, 10)  # it would be left behind with this thread in any case
    assert shorter[0] != name
    assert shorter[1] == 5

    with (
        deadline(SOON, name="request"),
        pytest.raises(DeadlineExceededError, match=r"Stuck was cut short: the deadline 'request' of 0.02 s"),
    ):
        manager.execute(stuck, LONG)


def test_a_plain_function_that_returns_an_awaitable_is_limited_while_that_is_awaited(manager: TimeoutManager) -> None:
    async def hang(duration: float) -> str:
        await asyncio.sleep(duration)
        return "fine"

    limited = manager.protect(lambda duration: hang(duration), timeout=SOON)

    async def main() -> None:
        for _ in range(3):
            assert await limited(0) == "fine"
            with pytest.raises(OperationTimeoutError):
                await limited(LONG)

    asyncio.run(main())


def test_a_late_coroutine_is_closed(manager: TimeoutManager, stuck: Stuck) -> None:
    closed = threading.Event()

    class Resource:
        def __del__(self) -> None:
            closed.set()

    async def never(resource: Resource) -> None:
        del resource

    def slow() -> Any:
        stuck()
        return never(Resource())

    with pytest.raises(OperationTimeoutError):
        manager.execute(slow, SOON)
    stuck.let_go.set()
    assert closed.wait(LONG)
    until_nothing_is_left_behind(manager)


def test_a_function_that_wants_the_callers_event_loop_is_told_why_there_is_none(manager: TimeoutManager) -> None:
    made: list[Any] = []

    def begin() -> Any:
        made.append(asyncio.sleep(0, "fine"))
        return asyncio.ensure_future(made[-1])

    limited: Callable[[], Any] = manager.protect(begin, timeout=LONG)
    in_place: Callable[[], Any] = manager.protect(begin, timeout=LONG, mode="cooperative")

    async def main() -> None:
        with pytest.raises(RuntimeError, match="event loop") as caught:
            limited()
        made[0].close()
        assert 'mode="cooperative"' in caught.value.__notes__[0]
        assert await in_place() == "fine"

    asyncio.run(main())


def test_a_plain_function_in_the_thread_of_a_loop_is_cut_as_well(manager: TimeoutManager, stuck: Stuck) -> None:
    async def main() -> None:
        with pytest.raises(OperationTimeoutError):
            manager.execute(stuck, SOON)

    asyncio.run(main())


def test_no_thread_can_be_started(manager: TimeoutManager, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(workers, "_crew", workers._Crew())
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(WorkerLimitError, match=r"no thread can be started \(can't start new thread\)"):
            manager.execute(lambda: None, LONG)
    assert manager.metrics.refused == 1
    assert not manager.metrics.left_behind
    assert manager.execute(lambda: "fine", LONG) == "fine"


def test_without_an_eventfd_it_works_as_well(
    manager: TimeoutManager, monkeypatch: pytest.MonkeyPatch, stuck: Stuck
) -> None:
    monkeypatch.delattr(os, "eventfd", raising=False)
    monkeypatch.setattr(workers, "_CAN_LOOK", False)
    monkeypatch.setattr(workers, "_crew", workers._Crew())
    assert isinstance(workers._new_bell(), workers.PlainBell)
    double = manager.protect(lambda number: 2 * number, timeout=LONG)
    for number in range(100):
        assert double(number) == 2 * number
    with pytest.raises(OperationTimeoutError):
        manager.execute(stuck, SOON)


def test_ten_thousand_calls_keep_no_objects(manager: TimeoutManager) -> None:
    work = manager.protect(lambda: None, timeout=LONG)
    for _ in range(100):
        work()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(10_000):
            work()
        assert len(gc.get_objects()) - before < 50
    finally:
        gc.enable()
