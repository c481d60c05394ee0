"""Cases in which a guard is easily wrong: odd answers, odd objects, bad timing, interruptions."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import enum
import gc
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support import Door, LoopClock, Script, run_virtual

from holdfast import (
    BackoffConfig,
    BackoffStrategy,
    Classification,
    ConfigurationError,
    ErrorClassifier,
    RejectedError,
    RetryBudget,
    RetryExhaustedError,
    RetryManager,
    RetryPolicy,
    events,
    execute_with_retry,
    register_retry_policy,
    retrying,
    with_retry,
)
from holdfast.testing import VirtualClock

# Results and names.


def test_a_function_that_returns_bare_objects_is_called_after_its_policy_was_registered_anew(
    clock: VirtualClock,
) -> None:
    calls: list[object] = []

    def service() -> object:
        calls.append(object())
        return calls[-1]

    register_retry_policy("renewed", RetryPolicy(max_attempts=2))
    guarded = with_retry("renewed", clock=clock)(service)
    guarded()
    for attempts in (3, 4):
        register_retry_policy("renewed", RetryPolicy(max_attempts=attempts))
        assert guarded() is calls[-1]
    assert len(calls) == 3


class Hostile(type):
    """A metaclass whose classes cannot be compared or hashed."""

    def __eq__(cls, other: object) -> bool:
        raise RuntimeError("compared")

    __hash__ = None  # type: ignore[assignment]


class HostileResult(metaclass=Hostile):
    pass


class HostileError(ConnectionError, metaclass=Hostile):
    pass


def test_classes_that_cannot_be_compared_or_hashed_disturb_nothing(door: Door, clock: VirtualClock) -> None:
    results = [1, HostileResult(), "x", HostileResult(), HostileResult()]
    left = iter(results)
    script: Any = type("Results", (), {"next": lambda self: next(left)})()
    guarded = with_retry(clock=clock)(door.function(script))
    for result in results:
        assert door.run(guarded) is result
    policy = RetryPolicy(backoff_for={ConnectionError: {"type": "fixed", "initial_delay": 5}})
    failing = with_retry(policy, clock=clock)(door.function(Script(HostileError, "fine")))
    assert door.run(failing) == "fine"
    assert clock.sleeps == [5]


# Answers of predicates and callbacks.


class Ambiguous:
    """An answer that is neither yes nor no, as an array of numbers is."""

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")


async def an_async_answer() -> bool:
    return True


class Later:
    """An answer that would have to be awaited, and is no coroutine."""

    def __await__(self) -> Iterator[None]:
        yield None


@pytest.mark.parametrize("answer", [Ambiguous, an_async_answer, Later])
@pytest.mark.parametrize("field", ["should_retry", "retry_on", "retry_on_result", "on_retry", "on_final_failure"])
def test_promise_6_an_answer_that_is_none_is_no_opinion(
    door: Door, clock: VirtualClock, caplog: pytest.LogCaptureFixture, field: str, answer: Callable[[], Any]
) -> None:
    error = ConnectionResetError("mine")
    fields: Any = {field: lambda *_args: answer()}
    guarded = with_retry(clock=clock, **fields)(door.function(Script(error)))
    with pytest.raises(ConnectionResetError) as caught:
        door.run(guarded)
    assert caught.value is error
    assert clock.sleeps == [1, 2]
    if field == "retry_on_result":
        assert door.run(with_retry(clock=clock, **fields)(door.function(Script("value")))) == "value"
    if answer is not Ambiguous or field not in ("on_retry", "on_final_failure"):
        assert field in caplog.text


class AsyncCallable:
    async def __call__(self, *_args: object) -> bool:
        return True


@pytest.mark.parametrize("field", ["should_retry", "retry_on", "retry_on_result", "on_retry", "backoff"])
def test_async_predicates_and_callbacks_are_refused_in_every_form(field: str) -> None:
    import functools

    for function in (an_async_answer, functools.partial(an_async_answer), AsyncCallable(), AsyncCallable().__call__):
        fields: Any = {field: function}
        with pytest.raises(ConfigurationError, match="must be a plain function .*, not an async one"):
            RetryPolicy(**fields)


def test_what_is_logged_of_a_broken_callback_is_its_type_and_place_never_a_text(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(error: Exception, _attempt: int, _delay: float) -> None:
        raise RuntimeError("s3cret of the callback") from error

    for attempt in retrying(clock=clock, on_retry=broken):
        with attempt:
            if attempt.number == 1:
                raise ConnectionResetError("s3cret of the call")
    assert "on_retry" in caplog.text
    assert "broken raised RuntimeError (" in caplog.text
    assert "test_hard_cases.py:" in caplog.text
    assert "s3cret" not in caplog.text


# Errors of odd kinds.


def test_an_error_that_lies_of_its_class_is_still_judged(clock: VirtualClock) -> None:
    def its_class(self: object) -> type:
        raise RuntimeError

    liar: Any = type("LiarError", (ConnectionError,), {"__class__": property(its_class)})

    def service() -> None:
        raise liar

    with pytest.raises(ConnectionError):
        with_retry(clock=clock)(service)()
    assert clock.sleeps == [1, 2]


class Code(str, enum.Enum):
    """Codes as users wrote them before StrEnum."""

    BUSY = "BUSY"


def test_codes_and_types_may_be_members_of_a_users_own_enum(clock: VirtualClock) -> None:
    class BusyError(Exception):
        __resilience__ = Classification(category="PERMANENT", code=Code.BUSY)

    for codes in ({Code.BUSY}, {"BUSY"}):
        guarded = with_retry(retryable_codes=codes, clock=clock)(Door("sync").function(Script(BusyError, "fine")))
        assert guarded() == "fine"

    class Kind(str, enum.Enum):
        FIXED = "fixed"

    assert BackoffConfig(type=Kind.FIXED).max_delay == 1  # type: ignore[arg-type]


def test_a_category_may_be_written_in_any_case_in_backoff_for_too(clock: VirtualClock) -> None:
    policy = RetryPolicy(backoff_for={"transient": {"type": "fixed", "initial_delay": 7}, Code.BUSY: "fixed"})
    with_retry(policy, clock=clock)(Door("sync").function(Script(ConnectionResetError, "fine")))()
    assert clock.sleeps == [7]
    assert policy.backoff_for is not None
    assert list(policy.backoff_for) == ["TRANSIENT", "BUSY"]


# Time.


@pytest.mark.parametrize("slow", ["on_retry", "should_retry"])
def test_promise_10_no_wait_is_begun_that_a_slow_callback_has_made_too_long(door: Door, slow: str) -> None:
    clock = VirtualClock()

    def takes_five_seconds(*_args: object) -> None:
        clock.advance(5)

    fields: Any = {slow: takes_five_seconds}
    guarded = with_retry(total_timeout=10, backoff={"type": "fixed", "initial_delay": 8}, clock=clock, **fields)
    with pytest.raises(ConnectionResetError) as caught:
        door.run(guarded(door.function(Script(ConnectionResetError))))
    assert clock.sleeps == []
    assert "the next attempt is due in 8 s, total_timeout leaves 5 s" in caught.value.__notes__[0]


def test_promise_14_the_result_that_comes_out_is_not_closed() -> None:
    class Late(VirtualClock):
        def sleep(self, duration: float) -> None:
            super().sleep(duration + 50)

    class Response:
        closed = False

        def close(self) -> None:
            self.closed = True

    responses = [Response(), Response()]
    for door in (Door("sync"), Door("async")):
        guarded = with_retry(
            total_timeout=10, retry_on_result=lambda _result: True, close_discarded=True, clock=Late()
        )(door.function(Script(*responses)))
        with pytest.raises(RetryExhaustedError) as caught:
            door.run(guarded)
        assert caught.value.last_result is responses[0]
        assert not responses[0].closed


def test_the_time_of_an_async_operation_begins_when_it_is_awaited() -> None:
    budget = RetryBudget(ratio=1, min_per_second=0)

    async def operation() -> str:
        await asyncio.sleep(1)
        return "fine"

    async def main() -> None:
        manager = RetryManager(clock=LoopClock(), total_timeout=2, budget=budget)
        pending = manager.execute_or_raise(operation)
        await asyncio.sleep(10)
        assert budget.available(10) == 0
        assert await pending == "fine"
        assert budget.available(11) == 1

    run_virtual(main())


def test_an_error_from_the_wait_itself_is_not_taken_for_the_functions_failure() -> None:
    class Alarm(TimeoutError):
        """What a signal handler may raise out of a sleep."""

    class Ringing(VirtualClock):
        def sleep(self, duration: float) -> None:
            raise Alarm

    script = Script("fine", ConnectionResetError)
    guarded = with_retry(total_timeout=60, clock=Ringing())(Door("sync").function(script))
    guarded()
    with pytest.raises(Alarm):
        guarded()
    assert script.calls == 2


# Settings that would silently guard nothing.


def test_a_result_means_that_the_operation_was_executed() -> None:
    with pytest.raises(ConfigurationError, match="which idempotent=False forbids"):
        RetryPolicy(idempotent=False, retry_on_result=lambda result: result == "pending")


def test_a_block_has_no_result_to_judge() -> None:
    with pytest.raises(ConfigurationError, match="a block has no result to judge"):
        retrying(retry_on_result=bool)
    loop = retrying("judges-results-later")
    register_retry_policy("judges-results-later", RetryPolicy(retry_on_result=bool))
    with pytest.raises(ConfigurationError, match="policy 'judges-results-later' has retry_on_result"):
        iter(loop)


def test_a_class_in_place_of_a_clock_or_classifier_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"clock must be an object, .* write VirtualClock\(\)"):
        with_retry(clock=VirtualClock)  # type: ignore[call-overload]
    with pytest.raises(ConfigurationError, match=r"write ErrorClassifier\(\)"):
        with_retry(classifier=ErrorClassifier)  # type: ignore[call-overload]


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: RetryPolicy(max_attempts=int),  # type: ignore[arg-type]
        lambda: RetryPolicy(max_attempts=Unshowable()),  # type: ignore[arg-type]
        lambda: RetryPolicy(attempt_timeout=10**5000),
        lambda: RetryPolicy(name="x" * 500, max_attempts=0),
        lambda: RetryPolicy(backoff={1: 2}),  # type: ignore[dict-item]
        lambda: RetryPolicy(retryable_categories={b"x"}),  # type: ignore[arg-type]
        lambda: RetryPolicy.fixed(0.5, backoff="linear"),
        lambda: BackoffConfig(multiplier=10**400),
        lambda: BackoffStrategy("exponential"),  # type: ignore[arg-type]
        lambda: BackoffStrategy(BackoffConfig(), random=5),  # type: ignore[arg-type]
        lambda: RetryBudget(ratio=10**400),
        lambda: VirtualClock(start="x"),  # type: ignore[arg-type]
        lambda: VirtualClock(random=5),  # type: ignore[arg-type]
        lambda: VirtualClock().sleep(-1),
        lambda: register_retry_policy(5, RetryPolicy()),  # type: ignore[call-overload]
        lambda: register_retry_policy(RetryPolicy(name="a"), RetryPolicy(name="b")),  # type: ignore[call-overload]
        lambda: with_retry(""),
        lambda: retrying(" "),
        lambda: events.subscribe(None),  # type: ignore[arg-type]
        lambda: events.subscribe(print, "RetryScheduled"),  # type: ignore[arg-type]
    ],
)
def test_promise_11_wrong_settings_of_every_kind_are_a_clear_error_at_once(wrong: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        wrong()
    assert len(str(caught.value)) < 500


def test_the_parameter_is_named_also_for_a_wrong_category() -> None:
    with pytest.raises(ConfigurationError, match="RetryPolicy: retryable_categories: 'TYPO' is no error category"):
        RetryPolicy(retryable_categories={"TYPO"})


def test_a_policy_can_be_copied_pickled_and_hashed_with_every_field() -> None:
    policy = RetryPolicy(name="p", backoff_for={OSError: "fixed"}, retry_on=(KeyError,), retryable_codes={"X"})
    assert pickle.loads(pickle.dumps(policy)) == copy.deepcopy(policy) == policy
    assert hash(copy.copy(policy)) == hash(policy)
    with pytest.raises(TypeError):
        copy.deepcopy(policy).backoff_for[ValueError] = BackoffConfig()  # type: ignore[index]


# What may be decorated.


class Transaction(contextlib.ContextDecorator):
    """A decorator made of a context manager, as database libraries have them."""

    entered = 0

    def __enter__(self) -> None:
        Transaction.entered += 1

    def __exit__(self, *_error: object) -> None: ...


@contextlib.contextmanager
def a_scope() -> Iterator[None]:
    yield


def test_functions_decorated_with_a_context_manager_are_guarded(clock: VirtualClock) -> None:
    script = Script(ConnectionResetError, "fine")

    @with_retry("database", clock=clock)
    @Transaction()
    def transfer() -> Any:
        return script.next()

    @with_retry
    @a_scope()
    def within() -> int:
        return 3

    Transaction.entered = 0
    assert transfer() == "fine"
    assert Transaction.entered == 2, "each attempt has a transaction of its own"
    assert within() == 3
    with contextlib.ExitStack() as stack:
        with_retry(stack.close)()


class AnswersEverything:
    """As a proxy for remote calls does: any attribute is another remote call."""

    def __init__(self) -> None:
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__wrapped"):
            raise AttributeError(name)
        return AnswersEverything()

    def __call__(self, *_args: object) -> str:
        self.calls += 1
        return "fine"


def test_an_object_that_answers_everything_is_only_called_when_it_is_called() -> None:
    proxy = AnswersEverything()
    guarded: Any = with_retry(proxy)
    assert proxy.calls == 0
    assert guarded.__name__ == "AnswersEverything"
    assert guarded() == "fine"
    assert execute_with_retry(proxy) == "fine"
    assert proxy.calls == 2


# Interruptions, finalisers, threads.


def test_promise_5_a_guarded_call_within_the_budgets_own_work_does_not_deadlock(clock: VirtualClock) -> None:
    class Reentrant(RetryBudget):
        depth = 0

        def record_call(self, now: float) -> None:
            super().record_call(now)
            if Reentrant.depth == 0:
                Reentrant.depth = 1
                guarded()  # as a signal handler or a finaliser may

    guarded = with_retry(budget=Reentrant(), clock=clock)(lambda: "fine")
    caller = threading.Thread(target=guarded, daemon=True)
    caller.start()
    caller.join(10)
    assert not caller.is_alive()


class Interruption(BaseException):
    pass


class LeakError(ConnectionError):
    pass


def left_behind() -> int:
    return sum(type(each) is LeakError for each in gc.get_objects())


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def interrupted(call: Callable[[], Any]) -> None:
    with contextlib.suppress(Interruption):
        call()


async def interrupted_async(call: Callable[[], Any]) -> None:
    try:
        await call()
    except Interruption:
        return


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("where", ["wait", "callback", "second attempt"])
def test_promise_4_an_interrupted_call_leaves_no_objects_behind(door: Door, where: str) -> None:
    class Interrupted(VirtualClock):
        def sleep(self, duration: float) -> None:
            if where == "wait":
                raise Interruption

    def callback(*_args: object) -> None:
        if where == "callback":
            raise Interruption

    for fields in ({}, {"total_timeout": 1e6}, {"attempt_timeout": 1e6}):
        settings: Any = {"clock": Interrupted(), "on_retry": callback, **fields}
        manager = RetryManager(**settings)
        for call in (
            with_retry(**settings)(door.function(Script(LeakError, Interruption))),
            lambda manager=manager: manager.execute(door.function(Script(LeakError, Interruption))),
        ):
            for _ in range(3):
                if door.name == "sync":
                    interrupted(call)
                else:  # within the task: a loop that ends with an exception has cycles of its own
                    run_virtual(interrupted_async(call))
    assert left_behind() == 0


@pytest.mark.usefixtures("no_collector")
def test_promise_4_a_cancelled_wait_leaves_no_objects_behind() -> None:
    async def main() -> None:
        for fields in ({}, {"attempt_timeout": 60}, {"total_timeout": 60}):
            settings: Any = {"clock": LoopClock(), **fields}
            for function in (Door("async").function(Script(LeakError)), Door("lazy").function(Script(LeakError))):
                task = asyncio.ensure_future(with_retry(**settings)(function)())
                await asyncio.sleep(0.5)
                task.cancel()
                await asyncio.wait([task])
                del task

    run_virtual(main())
    assert left_behind() == 0


@pytest.mark.usefixtures("no_collector")
def test_promise_4_attempts_that_timed_out_leave_no_objects_behind() -> None:
    async def main() -> None:
        clock = LoopClock()
        for _ in range(3):
            with contextlib.suppress(TimeoutError):
                async for attempt in retrying(attempt_timeout=1, clock=clock):
                    with attempt:
                        await asyncio.sleep(60)

    run_virtual(main())
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        run_virtual(main())
        gc.collect()
        kept = [each for each in gc.garbage if isinstance(each, TimeoutError)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    assert kept == []


def test_listeners_that_leave_at_once_from_many_threads_are_all_gone() -> None:
    leave = [events.subscribe(lambda _event: None) for _ in range(400)]
    together = threading.Barrier(8)

    def unsubscribe(part: int) -> None:
        together.wait()
        for each in leave[part::8]:
            each()

    threads = [threading.Thread(target=unsubscribe, args=(part,)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert events.listeners == ()


def test_a_loop_that_ended_for_lack_of_time_stays_ended() -> None:
    class Late(VirtualClock):
        def sleep(self, duration: float) -> None:
            super().sleep(duration + 50)

    for error in (ConnectionResetError, StopIteration):
        attempts = iter(retrying(total_timeout=10, retry_on=Exception, clock=Late()))
        with next(attempts):
            raise error
        with pytest.raises(ConnectionResetError if error is ConnectionResetError else RuntimeError):
            next(attempts)
        with pytest.raises(StopIteration):
            next(attempts)


def test_a_rejection_of_an_odd_class_is_still_a_rejection(clock: VirtualClock) -> None:
    class OddRejection(RejectedError, metaclass=Hostile):
        pass

    script = Script(OddRejection("no"))
    with pytest.raises(OddRejection):
        with_retry(retry_on=Exception, clock=clock)(Door("sync").function(script))()
    assert script.calls == 1
