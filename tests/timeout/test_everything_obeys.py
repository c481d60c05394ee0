"""Every pattern keeps to the nearest deadline: retries, queues, breakers, and timeouts in each other."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support import Door, LoopClock, Script, run_virtual

from holdfast import (
    Bulkhead,
    BulkheadConfig,
    BulkheadFullError,
    BulkheadTimeoutError,
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitState,
    ConfigurationError,
    DeadlineExceededError,
    DeadlineTracker,
    OperationTimeoutError,
    RetryPolicy,
    TimeoutManager,
    bulkhead,
    current_deadline,
    deadline,
    get_error_classifier,
    get_timeout_manager,
    register_retry_policy,
    retrying,
    time_left,
    with_circuit_breaker,
    with_retry,
    with_timeout,
)
from holdfast.retry import presets
from holdfast.testing import VirtualClock

LONG = 60.0
SOON = 0.02


class Gate:
    """A function that waits until it is let go."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.inside = 0
        self.most = 0
        self._lock = threading.Lock()

    def __call__(self, *_: Any) -> str:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        try:
            self.open.wait(LONG)
            return "through"
        finally:
            with self._lock:
                self.inside -= 1


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open.set()


# -- Retry ---------------------------------------------------------------------------------------------------------


def test_a_retry_does_not_sleep_into_a_deadline_and_its_own_error_comes_out(door: Door, clock: VirtualClock) -> None:
    script = Script(ConnectionResetError)
    guarded = with_retry(max_attempts=9, clock=clock)(door.function(script))
    with DeadlineTracker(clock=clock).track(5, name="request"), pytest.raises(ConnectionResetError) as caught:
        door.run(guarded)
    assert clock.sleeps == [1, 2]  # the next would be 4, and only 2 are left
    assert script.calls == 3
    assert "the deadline 'request' leaves 2 s" in caught.value.__notes__[0]


def test_a_retry_begins_nothing_under_a_deadline_that_is_over(door: Door, clock: VirtualClock) -> None:
    script = Script("fine")
    policies: list[Any] = [{}, {"total_timeout": 10}, {"retry_on_result": lambda _: False}]
    for fields in policies:
        guarded = with_retry(clock=clock, **fields)(door.function(script))
        with DeadlineTracker(clock=clock).track(5, name="request"):
            clock.advance(5)
            with pytest.raises(DeadlineExceededError, match=r"was not begun: the deadline 'request' of 5 s") as caught:
                door.run(guarded)
        assert caught.value.began is False
        assert "before it began" in caught.value.__notes__[0]
    assert script.calls == 0


def test_the_nearer_of_total_timeout_and_deadline_counts_and_is_named(door: Door, clock: VirtualClock) -> None:
    def note(**fields: Any) -> str:
        with DeadlineTracker(clock=clock).track(5, name="request"), pytest.raises(ConnectionResetError) as caught:
            door.run(with_retry(max_attempts=9, clock=clock, **fields)(door.function(Script(ConnectionResetError))))
        return str(caught.value.__notes__[0])

    assert "total_timeout leaves" in note(total_timeout=2)
    assert "the deadline 'request' leaves" in note(total_timeout=20)


def test_an_attempt_that_is_cut_is_cut_at_the_nearest_limit_and_says_whose_it_was() -> None:
    async def hang() -> None:
        await asyncio.sleep(LONG)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        clock = LoopClock()
        with (
            DeadlineTracker(clock=clock).track(3, name="request"),
            pytest.raises(DeadlineExceededError, match=r"hang was cut short: the deadline 'request' of 3 s"),
        ):
            await with_retry(attempt_timeout=10, clock=clock)(hang)()
        assert loop.time() == 3

    run_virtual(main())


def test_an_attempt_sees_its_own_limit_as_the_deadline(door: Door, clock: VirtualClock) -> None:
    seen: list[tuple[str, float]] = []

    def look() -> str:
        now = current_deadline()
        assert now is not None
        seen.append((now.limit.split(" of ")[0], round(now.remaining(), 3)))
        return "fine"

    async def look_async() -> str:
        return look()

    function = look if door.name == "sync" else look_async if door.name == "async" else lambda: look_async()
    policies: list[Any] = [{"attempt_timeout": 2, "total_timeout": 5}, {"total_timeout": 5}, {"attempt_timeout": 2}]
    for fields in policies:
        assert door.run(with_retry(clock=clock, **fields)(function)) == "fine"
    assert [limit for limit, _ in seen] == ["the attempt_timeout", "the total_timeout", "the attempt_timeout"]
    assert [left for _, left in seen] == [2, 5, 2]
    assert current_deadline() is None


def test_a_later_attempt_sees_what_is_left_of_the_whole_time(clock: VirtualClock) -> None:
    seen: list[float] = []

    @with_retry(max_attempts=3, total_timeout=10, clock=clock)
    def fetch() -> None:
        now = current_deadline()
        assert now is not None
        seen.append(now.remaining())
        clock.advance(1)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        fetch()
    assert seen == [10, 8, 5]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_blocks_have_the_limits_too(asynchronous: bool) -> None:
    def look() -> tuple[str, float]:
        now = current_deadline()
        assert now is not None
        return now.limit, now.seconds

    async def main() -> tuple[str, float]:
        async for attempt in retrying(attempt_timeout=7):
            with attempt:
                return look()
        raise AssertionError

    def plain() -> tuple[str, float]:
        for attempt in retrying(attempt_timeout=7):
            with attempt:
                return look()
        raise AssertionError

    limit, seconds = run_virtual(main()) if asynchronous else plain()
    assert seconds == 7
    assert limit == "the attempt_timeout of retrying('default')"
    assert current_deadline() is None


def test_a_block_under_a_deadline_that_is_over_is_not_run(clock: VirtualClock) -> None:
    ran = []
    with DeadlineTracker(clock=clock).track(5, name="request"):
        clock.advance(5)
        with pytest.raises(DeadlineExceededError, match="not begun"):
            for attempt in retrying(clock=clock):
                with attempt:
                    ran.append(1)
    assert not ran


def test_promise_10_in_thread_mode_the_running_attempt_of_a_plain_function_is_cut(gate: Gate) -> None:
    policy = RetryPolicy(name="cut", max_attempts=100, total_timeout=SOON, timeout_mode="thread")
    with pytest.raises(DeadlineExceededError, match=r"Gate took longer than its total_timeout of 0.02 s") as caught:
        with_retry(policy)(gate)()
    assert "not retried" in caught.value.__notes__[0]
    each = RetryPolicy(
        name="each", max_attempts=3, attempt_timeout=SOON, backoff={"initial_delay": 0}, timeout_mode="thread"
    )
    with pytest.raises(OperationTimeoutError, match=r"an attempt of Gate took longer than its attempt_timeout"):
        with_retry(each)(gate)()
    assert get_timeout_manager().metrics.left_behind["Gate"] == 4
    gate.open.set()
    assert with_retry(each)(gate)() == "through"
    while get_timeout_manager().metrics.left_behind:
        with_retry(each)(gate)()


def test_thread_mode_passes_values_errors_and_awaitables_through() -> None:
    here = threading.current_thread()
    fields: Any = {"max_attempts": 2, "attempt_timeout": LONG, "timeout_mode": "thread", "clock": None}
    assert with_retry(**fields)(threading.current_thread)() is not here
    with pytest.raises(KeyError):
        with_retry(**fields)(Script(KeyError).next)()

    async def fetch() -> str:
        return "fetched"

    async def main() -> str:
        pending: Any = with_retry(**fields)(lambda: fetch())()
        return str(await pending)

    assert asyncio.run(main()) == "fetched"


def test_thread_mode_without_a_limit_or_in_a_block_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="timeout_mode='thread' has no limit to hold calls to"):
        RetryPolicy(timeout_mode="thread")
    with pytest.raises(ConfigurationError, match="timeout_mode cannot be 'process'"):
        RetryPolicy(timeout_mode="process", attempt_timeout=1)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="a block cannot be moved to another thread"):
        iter(retrying(attempt_timeout=1, timeout_mode="thread"))

    async def main() -> int:
        async for attempt in retrying(attempt_timeout=1, timeout_mode="thread"):
            with attempt:
                return 7
        raise AssertionError

    assert asyncio.run(main()) == 7


# -- Bulkhead ------------------------------------------------------------------------------------------------------


def test_a_thread_waits_for_a_permit_only_as_long_as_the_deadline_allows(gate: Gate) -> None:
    guard = Bulkhead(BulkheadConfig(name="db", max_concurrent=1, queue_timeout=None))
    with (
        guard.acquire(),
        deadline(SOON, name="request"),
        pytest.raises(
            BulkheadTimeoutError, match=r"no permit came free within the .* s that the deadline 'request' left"
        ),
    ):
        guard.execute(gate)
    assert guard.metrics.timed_out == 1
    assert guard.execute(lambda: "fine") == "fine"


def test_a_shorter_queue_timeout_is_named_as_before() -> None:
    guard = Bulkhead(BulkheadConfig(name="db", max_concurrent=1, queue_timeout=0.01))
    with guard.acquire(), deadline(LONG), pytest.raises(BulkheadTimeoutError, match=r"within 0.01 s"):
        guard.execute(lambda: None)


def test_a_task_gives_up_at_the_deadline_or_is_cut_by_the_timeout_around_it() -> None:
    guard = Bulkhead(BulkheadConfig(name="db", max_concurrent=1, queue_timeout=None))

    async def work() -> None: ...

    async def main() -> None:
        async with guard.acquire_async():
            with (
                deadline(SOON, name="request"),
                pytest.raises(BulkheadTimeoutError, match="that the deadline 'request' left"),
            ):
                await guard.execute(work)
            with pytest.raises(OperationTimeoutError, match="timeout of 0.02 s"):
                await with_timeout(SOON)(guard.protect(work))()
        await guard.execute(work)
        assert guard.stats.available == 1

    asyncio.run(main())
    assert guard.metrics.timed_out == 1
    assert guard.metrics.abandoned == 1


@pytest.mark.parametrize(
    "how", ["decorator", "key", "execute", "block", "fallback", "breaker between", "retry between"]
)
def test_promise_27_the_permit_is_held_until_the_left_behind_call_has_ended(gate: Gate, how: str) -> None:
    guard = Bulkhead(BulkheadConfig(name="db", max_concurrent=1, max_queue=0))
    manager = TimeoutManager()
    timed = manager.protect(gate, timeout=SOON)
    call: Any
    if how == "decorator":
        call = guard.protect(timed)
    elif how == "key":
        call = bulkhead("db", max_concurrent=1, max_queue=0, key=lambda *_: "k")(timed)
    elif how == "execute":
        call = lambda: guard.execute(lambda: timed())
    elif how == "block":

        def call() -> str:
            with guard.acquire():
                return timed()

    elif how == "fallback":
        call = guard.protect(manager.protect(gate, timeout=SOON, fallback="unknown"))
    elif how == "breaker between":
        call = guard.protect(with_circuit_breaker(timed))
    else:
        call = guard.protect(with_retry("none")(timed))
    if how == "fallback":
        assert call() == "unknown"
    else:
        with pytest.raises(OperationTimeoutError):
            call()
    for _ in range(3):
        with pytest.raises(BulkheadFullError):
            call()
    assert gate.most == 1
    assert manager.metrics.left_behind == {"Gate": 1}
    gate.open.set()
    turn = manager.protect(lambda: None, timeout=LONG)
    while manager.metrics.left_behind or (how != "key" and not guard.stats.available):
        turn()
    while True:
        try:
            assert call() == "through"
            break
        except BulkheadFullError:
            turn()


def test_promise_27_a_retry_around_it_waits_for_the_permit_like_anybody_else(gate: Gate) -> None:
    guard = Bulkhead(BulkheadConfig(name="db", max_concurrent=2, max_queue=0))
    call = with_retry(
        max_attempts=5, backoff={"initial_delay": 0}, retry_on=(OperationTimeoutError, BulkheadFullError)
    )(guard.protect(with_timeout(SOON)(gate)))
    with pytest.raises(BulkheadFullError):
        call()
    assert gate.most == 2
    gate.open.set()
    while guard.stats.available < 2:
        with_timeout(LONG)(lambda: None)()


def test_promise_27_never_more_inside_than_permits_with_many_threads(gate: Gate) -> None:
    guard = Bulkhead(BulkheadConfig(name="db", max_concurrent=4, max_queue=1_000, queue_timeout=0.5))
    manager = TimeoutManager(max_left_behind=1_000)
    call = guard.protect(manager.protect(gate, timeout=0.005))
    outcomes: list[str] = []

    def caller() -> None:
        try:
            outcomes.append(call())
        except (OperationTimeoutError, BulkheadTimeoutError) as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=caller) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gate.most == 4
    assert outcomes.count("OperationTimeoutError") == 4
    assert outcomes.count("BulkheadTimeoutError") == 60
    gate.open.set()
    turn = manager.protect(lambda: None, timeout=LONG)
    while guard.stats.available < 4:
        turn()
    assert guard.metrics.admitted == guard.metrics.completed == 4


def test_an_awaitable_that_a_plain_function_returns_keeps_the_permit_while_it_is_awaited() -> None:
    guard = Bulkhead(BulkheadConfig(name="db", max_concurrent=1, max_queue=0))

    async def work() -> int:
        return guard.stats.available

    def begin() -> Any:
        return work()

    call = guard.protect(with_timeout(LONG)(begin))

    async def main() -> None:
        assert await call() == 0
        assert guard.stats.available == 1
        dropped = call()
        dropped.close()
        del dropped

    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asyncio.run(main())
    assert guard.stats.available == 1


# -- Circuit breaker -----------------------------------------------------------------------------------------------


def test_a_breakers_timeout_cuts_the_call_and_counts_it_as_a_failure(door: Door, clock: VirtualClock) -> None:
    breaker = CircuitBreaker(
        CircuitBreakerConfig(name="search", timeout=10, failure_threshold=2, minimum_requests=1), clock=clock
    )

    def slow() -> None:
        clock.sleep(20)

    async def slow_async() -> None:
        await clock.sleep_async(20)

    function: Any = slow if door.name == "sync" else slow_async if door.name == "async" else lambda: slow_async()
    with pytest.raises(
        OperationTimeoutError, match=r"a call through circuit 'search' took longer than its timeout of 10 s"
    ):
        door.run(breaker.protect(function))
    with pytest.raises(OperationTimeoutError):
        door.run(lambda: breaker.execute(function))
    assert breaker.state is CircuitState.OPEN
    assert breaker.metrics.failed_requests == 2
    fine = CircuitBreaker(CircuitBreakerConfig(name="search", timeout=10), clock=clock)
    assert door.run(fine.protect(door.function(Script("found")))) == "found"
    assert fine.metrics.successful_requests == 1


@pytest.mark.parametrize("mode", ["shadow", "disabled"])
def test_a_breaker_that_is_not_in_its_normal_mode_cuts_nothing(mode: Any, clock: VirtualClock) -> None:
    breaker = CircuitBreaker(CircuitBreakerConfig(timeout=10, mode=mode), clock=clock)
    assert breaker.execute(lambda: clock.sleep(20)) is None


def test_a_breakers_timeout_in_real_threads_leaves_work_behind_that_a_bulkhead_around_it_knows_of(gate: Gate) -> None:
    guard = Bulkhead(BulkheadConfig(name="db", max_concurrent=1, max_queue=0))
    breaker = CircuitBreaker(CircuitBreakerConfig(timeout=SOON))
    call = guard.protect(breaker.protect(gate))
    with pytest.raises(OperationTimeoutError):
        call()
    assert guard.stats.available == 0
    gate.open.set()
    while not guard.stats.available:
        with_timeout(LONG)(lambda: None)()


def test_a_breakers_timeout_is_checked() -> None:
    with pytest.raises(ConfigurationError, match="timeout must be finite and more than zero"):
        CircuitBreakerConfig(timeout=0)
    with pytest.raises(ConfigurationError, match="timeout_mode cannot be"):
        CircuitBreakerConfig(timeout=1, timeout_mode="async")  # type: ignore[arg-type]


def test_what_was_not_begun_says_nothing_of_the_dependency(door: Door, clock: VirtualClock) -> None:
    breaker = CircuitBreaker(CircuitBreakerConfig(failure_threshold=1), clock=clock)
    call = breaker.protect(TimeoutManager(clock=clock).protect(door.function(Script("found")), timeout=10))
    with DeadlineTracker(clock=clock).track(5):
        clock.advance(5)
        for _ in range(3):
            with pytest.raises(DeadlineExceededError):
                door.run(call)
    assert breaker.state is CircuitState.CLOSED
    assert breaker.metrics.abandoned_requests == 3
    assert door.run(call) == "found"


def test_how_both_are_judged() -> None:
    classifier = get_error_classifier()
    error = DeadlineExceededError("x")
    assert classifier.classify(error).circuit_outcome == "failure"
    assert classifier.classify(error).retryable is False
    error.began = False
    assert classifier.classify(error).circuit_outcome == "ignore"
    timeout = classifier.classify(OperationTimeoutError("x"))
    assert (timeout.retryable, timeout.circuit_outcome, str(timeout.category)) == (True, "failure", "TRANSIENT")


def test_a_timed_out_attempt_is_made_again_by_the_retry_around_it() -> None:
    durations = iter([LONG, LONG, 0])

    @with_retry(max_attempts=3, backoff={"initial_delay": 0})
    @with_timeout(1)
    async def fetch() -> str:
        await asyncio.sleep(next(durations))
        return "fetched"

    assert run_virtual(fetch()) == "fetched"


# -- A limit that is hit inside ------------------------------------------------------------------------------------


def test_an_attempts_own_limit_that_is_hit_by_something_in_it_is_retried(door: Door, clock: VirtualClock) -> None:
    """To what is guarded inside, the limit is a deadline around it; to the retry it is one attempt that took too long."""
    calls = []

    def inside() -> str:
        calls.append(1)
        clock.advance(3)
        time_left()
        return "never"

    async def inside_async() -> str:
        return inside()

    function: Any = inside if door.name == "sync" else inside_async if door.name == "async" else lambda: inside_async()
    policy = RetryPolicy(name="each", max_attempts=3, attempt_timeout=2, backoff={"initial_delay": 0})
    with pytest.raises(OperationTimeoutError, match="an attempt of .* took longer than its attempt_timeout") as caught:
        door.run(with_retry(policy, clock=clock)(function))
    assert len(calls) == 3
    assert type(caught.value) is OperationTimeoutError
    assert "gave up after 3 attempts" in caught.value.__notes__[0]
    assert isinstance(caught.value.__cause__, DeadlineExceededError)


def test_an_attempt_in_a_worker_whose_limit_is_hit_inside_is_retried() -> None:
    calls = []

    def inside() -> None:
        calls.append(1)
        with_timeout(LONG)(threading.Event().wait)(LONG) if len(calls) < 3 else None

    policy: Any = {"attempt_timeout": SOON, "timeout_mode": "thread", "backoff": {"initial_delay": 0}}
    with_retry(max_attempts=3, **policy)(inside)()
    assert len(calls) == 3


def test_a_block_whose_limit_is_hit_inside_is_retried(clock: VirtualClock) -> None:
    numbers = []
    for attempt in retrying(attempt_timeout=2, max_attempts=2, clock=clock, backoff={"initial_delay": 0}):
        with attempt:
            numbers.append(attempt.number)
            if attempt.number == 1:
                clock.advance(3)
                time_left()
    assert numbers == [1, 2]


def test_a_timeout_that_is_hit_inside_is_the_functions_own_and_its_fallback_answers(
    door: Door, clock: VirtualClock
) -> None:
    def inside() -> str:
        clock.advance(3)
        time_left()
        return "never"

    async def inside_async() -> str:
        return inside()

    function: Any = inside if door.name == "sync" else inside_async if door.name == "async" else lambda: inside_async()
    manager = TimeoutManager(clock=clock)
    modes: list[Any] = ["thread", "cooperative"]
    for mode in modes:
        with pytest.raises(OperationTimeoutError, match="took longer than its timeout of 2 s") as caught:
            door.run(manager.protect(function, timeout=2, mode=mode))
        assert type(caught.value) is OperationTimeoutError
        assert door.run(manager.protect(function, timeout=2, fallback="known", mode=mode)) == "known"
    assert door.run(manager.protect(manager.protect(function, timeout=9), timeout=2, fallback="outer")) == "outer"


def test_a_deadline_around_a_timeout_stays_the_deadlines(gate: Gate) -> None:
    @with_timeout(LONG, fallback="known")
    def fetch() -> str:
        with deadline(SOON, name="inner"):
            return with_timeout(LONG)(gate)()

    with pytest.raises(DeadlineExceededError, match="the deadline 'inner'"):
        fetch()


def test_a_quick_async_call_whose_limit_is_hit_in_a_task_of_its_own() -> None:
    async def hang() -> None:
        await asyncio.sleep(LONG)

    @with_timeout(2, fallback="known")
    async def fetch() -> str:
        await asyncio.shield(asyncio.ensure_future(with_timeout(LONG)(hang)()))
        return "never"

    async def main() -> None:
        for _ in range(3):
            assert await fetch() == "known"

    run_virtual(main())


@pytest.mark.parametrize("make", ["named policy", "keyed breaker"])
def test_promise_27_also_where_it_is_not_known_yet_that_threads_are_left_behind(gate: Gate, make: str) -> None:
    guard = Bulkhead(BulkheadConfig(name="db", max_concurrent=1, max_queue=0))
    if make == "named policy":
        call = guard.protect(with_retry("later")(gate))
        register_retry_policy(RetryPolicy(name="later", max_attempts=1, attempt_timeout=SOON, timeout_mode="thread"))
    else:
        call = guard.protect(with_circuit_breaker("later", timeout=SOON, key=lambda: "k")(gate))
    try:
        with pytest.raises(OperationTimeoutError):
            call()
        assert guard.stats.available == 0
        gate.open.set()
        while not guard.stats.available:
            with_timeout(LONG)(lambda: None)()
    finally:
        presets.registry.drop("later")


def test_promise_27_also_through_partials_and_objects_and_not_for_async_functions(gate: Gate) -> None:
    timed = with_timeout(SOON)(gate)

    class Client:
        def __call__(self) -> str:
            return timed()

        get = with_timeout(SOON)(gate)

    class Timed:
        __call__ = with_timeout(SOON)(gate)

    for function in (functools.partial(timed, 1), Timed(), functools.partial(Client.get, 1)):
        guard = Bulkhead(BulkheadConfig(name="db", max_concurrent=1, max_queue=0))
        with pytest.raises(OperationTimeoutError):
            guard.protect(function)()
        assert guard.stats.available == 0

    @functools.wraps(timed)
    async def later(*args: Any) -> str:
        return "awaited"

    assert asyncio.run(Bulkhead().protect(later)()) == "awaited"


def test_promise_27_when_the_task_around_it_is_cancelled(gate: Gate) -> None:
    guard = Bulkhead(BulkheadConfig(name="disk", max_concurrent=1, max_queue=0))
    read = with_timeout(LONG)(gate)

    async def main() -> None:
        with pytest.raises(DeadlineExceededError):
            async with deadline(SOON), guard.acquire_async():
                await asyncio.to_thread(read)
        assert guard.stats.available == 0
        gate.open.set()
        while not guard.stats.available:
            await asyncio.sleep(0)

    asyncio.run(main())


def test_a_function_that_returns_now_one_thing_and_now_another_keeps_its_limit(gate: Gate) -> None:
    async def fetch() -> str:
        return "fetched"

    @with_timeout(SOON)
    def mixed(what: str) -> Any:
        return fetch() if what == "await" else gate() if what == "hang" else what

    async def main() -> None:
        assert await mixed("await") == "fetched"
        assert mixed("plain") == "plain"
        with pytest.raises(OperationTimeoutError):
            mixed("hang")

    asyncio.run(main())


@pytest.mark.parametrize("mode", ["thread", "cooperative"])
def test_what_a_plain_function_returned_may_be_awaited_as_long_as_the_nearer_deadline_lasts(mode: Any) -> None:
    async def later() -> str:
        await asyncio.sleep(SOON)
        return "done"

    limited = with_timeout(2 * LONG, mode=mode)(lambda: later())

    async def main() -> None:
        async with deadline(LONG):
            for _ in range(2):  # the first call finds out what the function returns
                assert await limited() == "done"
        with pytest.raises(DeadlineExceededError):
            async with deadline(SOON / 2):
                await limited()

    asyncio.run(main())
