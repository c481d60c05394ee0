"""What answers for a call that failed, in which order, for which failures, and what comes out when nothing does."""

from __future__ import annotations

import abc
import asyncio
import concurrent.futures
import contextvars
import copy
import functools
import gc
import inspect
import logging
import pickle
from collections.abc import Awaitable, Callable
from types import CoroutineType
from typing import Any, Optional

import pytest
from tests.support import Door, Script, run_virtual

from holdfast import (
    Bulkhead,
    BulkheadConfig,
    BulkheadFullError,
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitOpenError,
    Classification,
    ErrorCategory,
    Fallback,
    FallbackConfig,
    Instead,
    LastGood,
    OperationTimeoutError,
    RetryExhaustedError,
    TimeoutManager,
    Value,
    disabled,
    register_fallback,
    unregister_fallback,
    with_fallback,
    with_retry,
    with_timeout,
)
from holdfast.events import subscribe, watch
from holdfast.fallback import FallbackUsed
from holdfast.fallback.answers import gives_awaitables
from holdfast.testing import VirtualClock


class Refused(Exception):
    pass


def ways(door: Door, script: Script, **fields: Any) -> list[tuple[Fallback, Callable[[], Any]]]:
    """The two ways to have an operation guarded, each by a fallback of its own."""
    function = door.function(script)
    decorated, executed = Fallback(FallbackConfig(**fields)), Fallback(FallbackConfig(**fields))
    return [(decorated, decorated.protect(function)), (executed, lambda: executed.execute(function))]


def _missing() -> Any:
    raise KeyError


async def backup_async(error: Exception) -> str:
    await asyncio.sleep(0)
    return f"async, for {type(error).__name__}"


# Kinds of answers.


@pytest.mark.parametrize("value", [None, 0, "", (), [], NotImplemented, "text"])
def test_a_value_answers_and_is_the_very_object(door: Door, value: Any) -> None:
    for fallback, call in ways(door, Script(Refused), value=value):
        assert door.run(call) is value
        assert fallback.metrics.by_kind == {"value": 1}


def test_a_call_that_succeeds_is_left_alone(door: Door) -> None:
    script = Script("fine", None)
    for fallback, call in ways(door, script, value="other"):
        script.calls = 0
        assert door.run(call) == "fine"
        assert door.run(call) is None
        assert fallback.metrics.answered == 0


def test_a_function_answers_with_the_error_if_it_needs_one_and_without_if_not(door: Door) -> None:
    error = Refused("no")

    class Backup:
        def __call__(self, error: Exception) -> str:
            return repr(error)

        def method(self) -> str:
            return "method"

        @classmethod
        def of_class(cls, error: Exception) -> str:
            return cls.__name__ + repr(error)

    @functools.wraps(Backup.method)
    def wraps_one_argument(*args: Any) -> Any:
        return args

    captured = "captured"
    answers: list[tuple[Any, Any]] = [
        (lambda error: error, error),
        (lambda: "nothing", "nothing"),
        (lambda *args: args, (error,)),
        (lambda captured=captured: captured, "captured"),
        (lambda captured=captured, *args: (captured, args), ("captured", ())),
        (lambda error, more=1, *, also=2: (error, more, also), (error, 1, 2)),
        (lambda **kwargs: kwargs, {}),
        (list, []),
        (dict, {}),
        (str, ""),
        ([1, 2].copy, [1, 2]),
        (repr, "Refused('no')"),
        (functools.partial(lambda a, error: (a, error), "a"), ("a", error)),
        (functools.partial(lambda error: error, "given"), "given"),
        (functools.partial(lambda *args: args, "a"), ("a", error)),
        (functools.partial(lambda a, *, b: (a, b), b=2), (error, 2)),
        (Backup(), "Refused('no')"),
        (Backup().method, "method"),
        (Backup.of_class, "BackupRefused('no')"),
        (wraps_one_argument, (error,)),
    ]
    for answer, expected in answers:
        for _, call in ways(door, Script(error), answer=answer):
            assert door.run(call) == expected, answer


def test_an_async_fallback_is_awaited() -> None:
    async def service() -> str:
        raise Refused

    class AsyncBackup:
        async def __call__(self) -> str:
            return "object"

    for answer, expected in (
        (backup_async, "async, for Refused"),
        (AsyncBackup(), "object"),
        (functools.partial(backup_async, KeyError()), "async, for KeyError"),
        (lambda error: backup_async(error), "async, for Refused"),
        (lambda: asyncio.ensure_future(backup_async(OSError())), "async, for OSError"),
    ):
        assert run_virtual(with_fallback(answer)(service)()) == expected
        assert run_virtual(Fallback(FallbackConfig(answer=answer)).execute(service)) == expected


def test_instead_is_called_as_the_function_was() -> None:
    def service(a: int, /, b: int, *rest: int, c: int = 3, **more: int) -> Any:
        raise Refused

    def mirror(*args: int, **kwargs: int) -> Any:
        return args, kwargs

    guarded = with_fallback(Instead(mirror))(service)
    assert guarded(1, 2) == ((1, 2), {"c": 3})
    assert guarded(1, b=2, c=4, d=5) == ((1, 2), {"c": 4, "d": 5})

    @with_fallback(Instead(backup_async))
    async def ask(error: Exception) -> str:
        raise Refused

    assert run_virtual(ask(KeyError())) == "async, for KeyError"


def test_a_value_may_be_something_that_can_be_called_if_that_is_said() -> None:
    for config in (FallbackConfig(value=Value(list)), FallbackConfig(answer=Value(list))):
        assert Fallback(config).execute(_missing) is list


# Chains and kinds of errors.


def test_a_chain_is_tried_in_order_until_one_answers(door: Door) -> None:
    asked: list[str] = []

    def fails(error: Exception) -> Any:
        asked.append(f"first, {type(error).__name__}")
        raise KeyError

    def answers(error: Exception) -> str:
        asked.append(f"second, {type(error).__name__}")
        return "second"

    def never() -> str:
        raise AssertionError

    for fallback, call in ways(door, Script(Refused), answer=[fails, [answers, never]], value=1):
        assert door.run(call) == "second"
        assert asked == ["first, Refused", "second, Refused"], "each is told the failure of the call itself"
        asked.clear()
        assert fallback.metrics.as_dict() == {
            "name": "fallback",
            "answered": 1,
            "by_kind": {"function": 1},
            "failed": 0,
            "unanswered": 0,
            "abandoned": 0,
            "served_fresh": 0,
            "served_stale": 0,
        }


def test_last_good_comes_first_then_the_answer_then_the_value(door: Door) -> None:
    script = Script(Refused, "good", Refused, Refused)
    outcomes: list[Any] = [KeyError, "answer"]

    def answer() -> Any:
        outcome = outcomes.pop(0)
        if outcome is KeyError:
            raise KeyError
        return outcome

    guarded = with_fallback(answer, value="value", last_good=LastGood())(door.function(script))
    assert [door.run(guarded) for _ in range(3)] == ["value", "good", "good"]
    assert outcomes == ["answer"]
    assert door.run(guarded, "another call") == "answer"


def test_a_chain_may_have_its_last_good_value_anywhere(door: Door) -> None:
    script = Script("good", Refused)
    guarded = with_fallback([Instead(lambda *args: 1 / 0), LastGood(), Value("none")])(door.function(script))
    assert [door.run(guarded), door.run(guarded), door.run(guarded, 1)] == ["good", "good", "none"]


def test_answers_go_by_code_then_type_then_category(door: Door) -> None:
    table = {
        "EXTERNAL_UNAVAILABLE": lambda: "by code",
        TimeoutError: [lambda error: 1 / 0, lambda: "by type"],
        OSError: lambda: "by a base type",
        "transient": lambda: "by category",
        ErrorCategory.PERMANENT: lambda: "by another category",
    }

    class Declared(Exception):
        def __init__(self, **fields: Any) -> None:
            super().__init__()
            self.__resilience__ = Classification(**fields)

    script = Script(
        TimeoutError(),
        PermissionError(),
        Declared(category="TRANSIENT", code="EXTERNAL_UNAVAILABLE"),
        Declared(category="TRANSIENT"),
        Declared(category="PERMANENT"),
    )
    guarded = with_fallback(table)(door.function(script))
    expected = ["by type", "by a base type", "by code", "by category", "by another category"]
    assert [door.run(guarded) for _ in expected] == expected


def test_an_error_of_no_listed_kind_goes_on_to_the_next_answer_or_comes_out(door: Door) -> None:
    error = Refused()
    for fallback, call in ways(door, Script(error), answer=[{TimeoutError: list}, {KeyError: list, "AUTH": dict}]):
        with pytest.raises(Refused) as caught:
            door.run(call)
        assert caught.value is error
        assert fallback.metrics.unanswered == 1
    for _, call in ways(door, Script(error), answer={TimeoutError: list}, value="rest"):
        assert door.run(call) == "rest"


def test_types_that_cannot_be_hashed_are_looked_up_by_their_bases(door: Door) -> None:
    class Unhashable(type):
        __hash__ = None  # type: ignore[assignment]

    class Odd(OSError, metaclass=Unhashable):
        pass

    assert door.run(with_fallback({OSError: lambda: "base"})(door.function(Script(Odd())))) == "base"


def test_promise_6_kinds_that_raise_when_they_are_asked_are_logged_and_mean_no(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    class Hostile(type):
        def __hash__(cls) -> int:
            raise RuntimeError("secret")

    class Odd(OSError, metaclass=Hostile):
        pass

    class Abstract(Exception, abc.ABC):
        @classmethod
        def __subclasshook__(cls, other: type) -> bool:
            raise RuntimeError("secret")

    error = Odd()
    with caplog.at_level(logging.ERROR):
        assert door.run(with_fallback({OSError: lambda: "base"})(door.function(Script(error)))) == "base"
        assert len(caplog.records) == 1
        assert door.run(with_fallback(value="other", on=(Abstract, OSError))(door.function(Script(error)))) == "other"
        assert len(caplog.records) == 2
        with pytest.raises(Odd) as caught:
            door.run(with_fallback(value="other", on=Abstract)(door.function(Script(error))))
    assert caught.value is error
    assert error.__context__ is None
    assert "secret" not in caplog.text


# Promise 38: the fallback answers for every way in which the call can fail.


async def two(a: int, b: int) -> int:
    return a + b


class Adder:
    async def __call__(self, a: int, b: int) -> int:
        return a + b


def refusing(a: int) -> Any:
    """Is marked as async, and fails before there is anything to await."""
    raise PermissionError


@pytest.mark.parametrize("refresh_after", [None, 1])
@pytest.mark.parametrize("function", [functools.partial(two), Adder(), refusing])
def test_promise_38_an_async_call_that_fails_before_it_is_one_is_answered(
    function: Any, refresh_after: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = vars(asyncio.coroutines)["_is_coroutine"]
    monkeypatch.setitem(refusing.__dict__, "_is_coroutine", mark)
    last_good = None if refresh_after is None else LastGood(refresh_after=refresh_after)
    fallback = Fallback(FallbackConfig(value="answer", last_good=last_good))
    operation = functools.partial(function, 1)
    assert run_virtual(fallback.execute(operation)) == "answer"
    assert run_virtual(fallback.protect(operation)()) == "answer"
    named = with_fallback("named-later")(function)
    register_fallback("named-later", fallback)
    try:
        assert [run_virtual(named(1)), run_virtual(named(1))] == ["answer", "answer"]
    finally:
        unregister_fallback("named-later")
    assert fallback.metrics.answered == 4


# What may be copied.


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_fallback_cannot_be_copied_as_its_counts_would_not_be(how: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="a fallback cannot be copied or pickled"):
        how(Fallback(FallbackConfig(value=1)))


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda config: pickle.loads(pickle.dumps(config))])
def test_a_copied_config_answers_as_the_first_one_does(how: Callable[[Any], Any]) -> None:
    config = FallbackConfig(value={"a": 1}, answer={TimeoutError: Value(2)})
    copied = how(config)
    assert copied == config
    assert type(Fallback(copied).execute(_missing)) is dict
    assert type(copied.answer) is type(config.answer)


# More of promise 38.


def test_promise_38_every_way_a_call_can_fail_is_answered(door: Door, clock: VirtualClock) -> None:
    breaker = CircuitBreaker(CircuitBreakerConfig(name="down"))
    breaker.force_open(hold=True)
    full = Bulkhead(BulkheadConfig(name="full", max_concurrent=1, max_queue=0))
    fine = door.function(Script("fine"))

    failing: dict[type[Exception], Callable[..., Any]] = {
        Refused: door.function(Script(Refused)),
        ConnectionResetError: with_retry(max_attempts=3, clock=clock)(door.function(Script(ConnectionResetError))),
        RetryExhaustedError: with_retry(retry_on_result=lambda _value: True, clock=clock)(fine),
        CircuitOpenError: breaker.protect(fine),
        BulkheadFullError: full.protect(fine),
    }
    if door.name == "sync":
        manager = TimeoutManager(clock=clock)
        failing[OperationTimeoutError] = with_timeout(5, manager=manager)(lambda *args: clock.advance(10))
    else:
        failing[OperationTimeoutError] = with_timeout(5)(_hanging)
    seen: list[Exception] = []
    with full.acquire():
        for kind, function in failing.items():
            fallback = Fallback(FallbackConfig(answer=seen.append, name="all"))
            guarded = fallback.protect(function)
            if door.name == "returns-awaitable":
                guarded = fallback.protect(_annotated(function))
            assert door.run(guarded) is None
            assert type(seen.pop()) is kind
            assert fallback.metrics.answered == 1


async def _hanging(*args: Any) -> None:
    await asyncio.sleep(3600)


def _annotated(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    def call(*args: Any) -> Awaitable[Any]:
        result: Awaitable[Any] = function(*args)
        return result

    return call


def test_promise_38_an_error_of_the_fallback_carries_the_original_as_its_context(door: Door) -> None:
    error, own = Refused(), KeyError()

    def fails(error: Exception) -> Any:
        raise own

    async def fails_async(error: Exception) -> Any:
        await asyncio.sleep(0)
        raise own

    answers: list[Any] = [fails] if door.name == "sync" else [fails, fails_async, lambda error: fails_async(error)]
    for answer in answers:
        for fallback, call in ways(door, Script(error), answer=answer):
            own.__context__ = None
            with pytest.raises(KeyError) as caught:
                door.run(call)
            assert caught.value is own
            contexts: list[Any] = [own.__context__, own.__cause__, error.__context__]
            assert contexts == [error, None, None]
            assert fallback.metrics.failed == 1


def test_promise_38_errors_of_a_chain_are_each_the_context_of_the_next(door: Door) -> None:
    async def second(error: Exception) -> Any:
        raise OSError

    def third(error: Exception) -> Any:
        raise IndexError

    chain: list[Any] = [lambda error: _missing(), third if door.name == "sync" else second, third]
    for fallback, call in ways(door, Script(Refused), answer=chain):
        with pytest.raises(IndexError) as caught:
            door.run(call)
        found: list[Any] = []
        error: BaseException | None = caught.value
        while error is not None:
            found.append(type(error))
            error = error.__context__
        assert found == [IndexError, IndexError if door.name == "sync" else OSError, KeyError, Refused]
        assert (fallback.metrics.failed, fallback.metrics.answered) == (1, 0)


def test_promise_4_what_is_not_answered_comes_out_the_same_object_and_as_it_was(door: Door) -> None:
    error = Refused()
    error.__cause__ = cause = ValueError()
    for on in (KeyError, (KeyError, "AUTH"), lambda error: False):
        for fallback, call in ways(door, Script(error), value="other", on=on):
            with pytest.raises(Refused) as caught:
                door.run(call)
            assert caught.value is error
            assert error.__cause__ is cause
            assert error.__context__ is None
            assert not hasattr(error, "__notes__")
            assert fallback.metrics.unanswered == 1


def test_a_fallback_that_raises_the_error_itself_lets_it_out_unchanged(door: Door) -> None:
    error = Refused()

    def again(error: Exception) -> Any:
        raise error

    async def again_async(error: Exception) -> Any:
        raise error

    for answer in (again,) if door.name == "sync" else (again, again_async, lambda error: again_async(error)):
        for _, call in ways(door, Script(error), answer=[answer, answer]):
            with pytest.raises(Refused) as caught:
                door.run(call)
            assert caught.value is error
            assert error.__context__ is None


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_promise_3_what_is_no_exception_is_never_answered(door: Door, kind: type[BaseException]) -> None:
    for fallback, call in ways(door, Script(kind), answer=lambda error: "swallowed", on=lambda error: True):
        with pytest.raises(kind):
            _quietly(call)
        assert fallback.metrics.as_dict() == Fallback(fallback.config).metrics.as_dict()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, asyncio.CancelledError])
def test_promise_3_a_fallback_that_is_interrupted_is_abandoned(door: Door, kind: type[BaseException]) -> None:
    def interrupted() -> Any:
        raise kind

    for fallback, call in ways(door, Script(Refused), answer=[interrupted, list]):
        with pytest.raises(kind):
            _quietly(call)
        assert (fallback.metrics.abandoned, fallback.metrics.answered, fallback.metrics.failed) == (1, 0, 0)


def _quietly(call: Callable[[], Any]) -> Any:
    """Run without a loop that would treat a KeyboardInterrupt as its own."""
    result = call()
    if not isinstance(result, Awaitable):
        return result
    steps = result.__await__()
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value


# Which failures.


@pytest.mark.parametrize(
    "on",
    [
        TimeoutError,
        OSError,
        [KeyError, TimeoutError],
        {"transient"},
        ErrorCategory.TRANSIENT,
        ("AUTH", ErrorCategory.TRANSIENT),
        "TIMEOUT",
        lambda error: isinstance(error, TimeoutError),
        lambda error: 1,
    ],
)
def test_on_says_for_which_failures_it_answers(door: Door, on: Any) -> None:
    for _, call in ways(door, Script(TimeoutError), value="answer", on=on):
        assert door.run(call) == "answer"


def test_promise_6_a_predicate_that_raises_is_logged_and_means_no(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    async def asynchronous(error: Exception) -> bool:
        return True

    def raises(error: Exception) -> bool:
        raise ValueError("secret")

    for predicate in (raises, lambda error: asynchronous(error)):
        error = Refused("secret")
        for _, call in ways(door, Script(error), value="answer", on=predicate):
            caplog.clear()
            with caplog.at_level(logging.ERROR), pytest.raises(Refused) as caught:
                door.run(call)
            assert caught.value is error
            assert error.__context__ is None
            assert len(caplog.records) == 1
            assert "secret" not in caplog.text


@pytest.mark.parametrize("broken", [lambda error: 1 / 0, lambda error: "no verdict"])
def test_promise_6_a_classifier_that_raises_knows_nothing(broken: Any) -> None:
    class Broken:
        classify = staticmethod(broken)

    table = {"UNKNOWN": lambda: "unknown"}
    fallback = Fallback(FallbackConfig(answer=table), classifier=Broken())  # type: ignore[arg-type]
    assert fallback.execute(_missing) == "unknown"


# Who is told.


def test_each_answer_is_an_event_a_log_line_and_a_call_back(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    told: list[Exception] = []
    events: list[FallbackUsed] = []
    error = ConnectionRefusedError("secret")

    def answer(_error: Exception) -> str:
        return "secret answer"

    for number, (_, call) in enumerate(
        ways(door, Script(error), answer=answer, name="search", on_fallback=told.append)
    ):
        unsubscribe = subscribe(events.append, FallbackUsed)
        with caplog.at_level(logging.INFO):
            door.run(call, *["secret argument"] * (1 - number))
        unsubscribe()
    expected = FallbackUsed(
        name="search",
        kind="function",
        error_type="ConnectionRefusedError",
        category="TRANSIENT",
        code="CONNECTION_REFUSED",
        age=None,
    )
    assert events == [expected, expected]
    assert told == [error, error]
    assert [(each.name, each.levelname) for each in caplog.records] == [("holdfast.fallback", "INFO")] * 2
    assert caplog.messages[0] == (
        "search: answered for by its fallback (function) after ConnectionRefusedError (CONNECTION_REFUSED)"
    )
    assert "secret" not in caplog.text + repr(events)


def test_an_answer_that_failed_is_logged_by_its_kind(caplog: pytest.LogCaptureFixture) -> None:
    def fails(error: Exception) -> Any:
        raise KeyError("secret")

    with caplog.at_level(logging.INFO):
        assert with_fallback(fails, value=1)(lambda: 1 / 0)() == 1
    assert caplog.messages[0].endswith("an answer (function) failed with KeyError")
    assert "secret" not in caplog.text


def test_promise_6_callbacks_that_raise_are_logged_and_change_nothing(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    async def asynchronous(error: Exception) -> None: ...

    def raises(error: Exception) -> None:
        raise ValueError("secret")

    unsubscribe = subscribe(raises, FallbackUsed)
    try:
        for callback in (raises, lambda error: asynchronous(error)):
            for _, call in ways(door, Script(Refused), value="answer", on_fallback=callback):
                caplog.clear()
                with caplog.at_level(logging.ERROR):
                    assert door.run(call) == "answer"
                assert len(caplog.records) == 2
                assert "secret" not in caplog.text
    finally:
        unsubscribe()


def test_a_failure_that_no_guard_inside_has_told_of_is_told_of_by_the_fallback(door: Door) -> None:
    told: list[Any] = []
    end = watch(told.append)
    try:
        for _, call in ways(door, Script(ConnectionResetError), value=1, name="search"):
            door.run(call)
    finally:
        end()
    assert [(each.guard, each.name, each.error_type, each.code) for each in told] == [
        ("fallback", "search", "ConnectionResetError", "CONNECTION_RESET")
    ] * 2


def test_metrics_tell_of_each_failure_once(door: Door) -> None:
    script = Script("fine", Refused, KeyError, OSError, ValueError)

    def answer(error: Exception) -> str:
        if isinstance(error, OSError):
            raise ZeroDivisionError
        return "answer"

    fallback = Fallback(FallbackConfig(answer=answer, on=(Refused, OSError, ValueError)), name="told")
    guarded = fallback.protect(door.function(script))
    for _ in range(5):
        try:
            door.run(guarded)
        except (KeyError, ZeroDivisionError):
            pass
    metrics = fallback.metrics
    assert (metrics.name, metrics.answered, metrics.failed, metrics.unanswered) == ("told", 2, 1, 1)
    assert repr(fallback) == "Fallback('told', answered=2)"
    assert fallback.config.name == "told"


# Any guard.


class Service:
    def method(self, x: int) -> int:
        """Doc."""
        return 10 // x

    async def method_async(self, x: int) -> int:
        return 10 // x

    def __call__(self, x: int) -> int:
        return 10 // x


class AsyncService:
    async def __call__(self, x: int) -> int:
        return 10 // x


def test_promise_1_the_guarded_function_keeps_its_looks() -> None:
    for function in (Service.method, Service.method_async):
        guarded = with_fallback(value=0)(function)
        assert (guarded.__name__, guarded.__doc__) == (function.__name__, function.__doc__)
        assert inspect.signature(guarded) == inspect.signature(function)
        assert inspect.iscoroutinefunction(guarded) == inspect.iscoroutinefunction(function)


@pytest.mark.parametrize("last_good", [None, LastGood(), LastGood(refresh_after=1), LastGood(key=lambda *a, **k: a)])
def test_promise_1_methods_partials_and_objects_are_guarded(last_good: LastGood | None) -> None:
    protect: Any = Fallback(FallbackConfig(value=-1, last_good=last_good)).protect

    class Guarded:
        plain = protect(Service.method)
        static = protect(staticmethod(lambda x: 10 // x))
        of_class = protect(classmethod(lambda cls, x: 10 // x))
        awaited = protect(Service.method_async)

    guarded = Guarded()
    calls: list[Any] = [guarded.plain, Guarded.static, guarded.of_class]
    calls += [protect(functools.partial(Service.method, Service())), protect(Service())]
    for call in calls:
        assert (call(5), call(x=5), call(0)) == (2, 2, -1)
    for call in (guarded.awaited, protect(AsyncService())):
        assert (asyncio.run(call(5)), asyncio.run(call(x=5)), asyncio.run(call(0))) == (2, 2, -1)


@pytest.mark.parametrize("thing", [Service, property(lambda self: 1), 42, None])
def test_what_cannot_be_guarded_is_refused_when_decorating(thing: Any) -> None:
    for guard in (with_fallback(value=1), Fallback(FallbackConfig(value=1)).execute):
        with pytest.raises(TypeError, match="fallback cannot guard"):
            guard(thing)


def test_an_async_fallback_of_a_plain_function_is_refused_and_the_message_teaches_the_fix() -> None:
    def fetch() -> str:
        raise Refused

    for answer in (backup_async, [list, backup_async], {KeyError: backup_async}, Instead(backup_async)):
        for guard in (with_fallback(answer), Fallback(FallbackConfig(answer=answer)).execute):
            with pytest.raises(TypeError, match="a plain function, with backup_async, an async one.*`async def`"):
                guard(fetch)


def test_promise_2_a_plain_function_that_returns_an_awaitable_may_have_an_async_fallback() -> None:
    async def inner(error: type[Exception]) -> str:
        raise error

    def annotated(error: type[Exception]) -> Awaitable[str]:
        return inner(error)

    def in_words(error: type[Exception]) -> Any:
        return inner(error)

    in_words.__annotations__["return"] = "typing.Coroutine[Any, Any, str]"

    def bare(error: type[Exception]) -> Any:
        return inner(error)

    bare.__annotations__["return"] = asyncio.Future

    class Odd:
        def __call__(self, error: type[Exception]) -> Any:
            return inner(error)

    class Calls:
        def fetch(self, error: type[Exception]) -> Awaitable[str]:
            return inner(error)

    guard = with_fallback(backup_async)
    for function in (
        annotated,
        in_words,
        bare,
        Odd(),
        Calls().fetch,
        lambda error: inner(error),
        functools.partial(annotated),
        with_retry(max_attempts=1)(annotated),
    ):
        assert run_virtual(guard(function)(KeyError)) == "async, for KeyError"


class Task:
    """Something to do, and nothing to await."""


class Pending(concurrent.futures.Future[int]):
    def __await__(self) -> Any: ...


class Typed:
    """Functions that tell what they return, in words, as this module postpones annotations."""

    def task(self) -> Task:
        raise Refused

    def future(self) -> concurrent.futures.Future[int]:
        raise Refused

    def list_or_none(self) -> list[Awaitable[int]] | None:
        raise Refused

    def pending(self) -> Pending:
        raise Refused

    def either_pending(self) -> Pending | asyncio.Task[int]:
        raise Refused

    def only_for_checkers(self) -> unknown.Coroutine[Any, Any, int]:  # type: ignore[name-defined] # noqa: F821
        raise Refused

    def of_nowhere(self) -> nowhere.Task:  # type: ignore[name-defined] # noqa: F821
        raise Refused

    def anything(self) -> Any:
        raise Refused

    def any_object(self) -> object:
        raise Refused

    def perhaps(self) -> Awaitable[int] | int:
        raise Refused

    def one_of_them(self) -> Optional[int]:  # noqa: UP045
        raise Refused

    def no_type(self) -> "3 + 4":  # type: ignore[valid-type] # noqa: UP037
        raise Refused


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (Typed.task, False),
        (Typed.future, False),
        (Typed.list_or_none, False),
        (Typed.pending, True),
        (Typed.either_pending, True),
        (Typed.only_for_checkers, True),
        (Typed.of_nowhere, None),
        (Typed.anything, None),
        (Typed.any_object, None),
        (Typed.perhaps, None),
        (Typed.one_of_them, None),
        (Typed.no_type, None),
    ],
)
def test_what_a_function_is_said_to_return_is_looked_up_and_never_guessed(function: Any, told: bool | None) -> None:
    assert gives_awaitables(function) is told
    annotated: Any = function.__annotations__["return"]
    expected: dict[bool | None, type] = {True: CoroutineType, False: str, None: str}
    answer = with_fallback(value="answer")(function)(Typed())
    assert type(answer) is expected[told], annotated
    if told:
        assert run_virtual(answer) == "answer"


def test_annotations_that_are_no_words_are_looked_at_as_well() -> None:
    def function() -> None: ...

    for kind, told in (
        (int, False),
        (Awaitable[int], True),
        (int | None, False),
        (Awaitable[int] | int, None),
        (asyncio.Future, True),
        (object, None),
    ):
        function.__annotations__["return"] = kind
        assert gives_awaitables(function) is told


def test_what_stands_around_an_async_function_may_await_it_itself() -> None:
    async def fetch() -> str:
        raise Refused

    @functools.wraps(fetch)
    def in_a_loop_of_its_own() -> Any:
        return run_virtual(fetch())

    assert gives_awaitables(in_a_loop_of_its_own) is None
    assert with_fallback(value="answer")(in_a_loop_of_its_own)() == "answer"


def test_annotations_that_cannot_be_had_tell_nothing() -> None:
    class Lazy:
        @staticmethod
        def get(name: str) -> Any:
            raise NameError(name)

    def function() -> None: ...

    assert gives_awaitables(function) is False
    assert gives_awaitables(print) is None

    class Evil:
        """A function-like thing is only looked at if it is a function."""

    assert gives_awaitables(Evil()) is None
    function.__annotations__ = _Raising()
    assert gives_awaitables(function) is None


class _Raising(dict[str, Any]):
    def get(self, *args: Any) -> Any:
        raise NameError


def test_where_awaitables_are_given_a_failure_before_one_is_answered_with_one_as_well() -> None:
    async def inner() -> str:
        return "fine"

    fail = False

    def fetch() -> Any:
        if fail:
            raise Refused
        return inner()

    def annotated() -> Awaitable[str]:
        raise Refused

    fallback = Fallback(FallbackConfig(value="answer"))
    guarded = fallback.protect(fetch)
    assert run_virtual(guarded()) == "fine"
    fail = True
    assert run_virtual(guarded()) == "answer"
    assert run_virtual(fallback.protect(annotated)()) == "answer"
    assert run_virtual(fallback.execute(annotated)) == "answer"


def test_where_awaitables_are_given_what_is_not_answered_comes_out_as_it_was() -> None:
    error = Refused()

    def annotated() -> Awaitable[str]:
        raise error

    async def main(pending: Awaitable[str]) -> None:
        try:
            raise ValueError("what the task is about meanwhile")
        except ValueError:
            await pending

    at_once = Fallback(FallbackConfig(value="answer", on=KeyError))
    with pytest.raises(Refused) as caught:
        at_once.protect(annotated)()
    assert caught.value is error
    awaited = Fallback(FallbackConfig(answer={KeyError: list}))
    pending = awaited.protect(annotated)()
    with pytest.raises(Refused) as caught:
        run_virtual(main(pending))
    assert caught.value is error
    assert error.__context__ is None
    assert at_once.metrics.unanswered == awaited.metrics.unanswered == 1


def test_a_result_that_is_none_to_await_sets_right_what_was_thought_before() -> None:
    async def inner() -> str:
        return "fine"

    outcomes: list[Any] = [inner, lambda: 1, lambda: _missing()]

    @with_fallback(value="answer")
    def fetch() -> Any:
        return outcomes.pop(0)()

    assert run_virtual(fetch()) == "fine"
    assert fetch() == 1
    assert fetch() == "answer"


def test_an_awaitable_answer_that_nobody_would_await_is_refused_and_the_message_teaches_the_fix() -> None:
    def fetch() -> str:
        raise Refused

    made: list[Any] = []

    def answer() -> Any:
        made.append(backup_async(KeyError()))
        return made[-1]

    def future() -> Any:
        made.append(asyncio.new_event_loop().create_future())
        made[-1].get_loop().close()
        return made[-1]

    for each in (answer, future):
        fallback = Fallback(FallbackConfig(answer=each))
        for call in (fallback.protect(fetch), lambda fallback=fallback: fallback.execute(fetch)):
            with pytest.raises(
                TypeError, match="gave something to await, but the function is a plain one: make"
            ) as caught:
                call()
            assert type(caught.value.__context__) is Refused
    assert inspect.getcoroutinestate(made[0]) == "CORO_CLOSED"
    assert Fallback(FallbackConfig(answer=answer, value="next")).protect(fetch)() == "next"


def test_a_plain_function_whose_answer_turns_out_awaitable_gives_something_to_await() -> None:
    def fetch() -> Any:
        raise Refused

    fallback = Fallback(FallbackConfig(answer=[lambda error: _missing(), lambda error: backup_async(error)]))
    assert run_virtual(fallback.protect(fetch)()) == "async, for Refused"
    assert fallback.metrics.by_kind == {"function": 1}


def test_promise_8_a_thousand_tasks_and_no_state_of_one_is_seen_by_another() -> None:
    @with_fallback(lambda error: error.args[0] + 1000)
    async def call(number: int) -> int:
        await asyncio.sleep(number % 7)
        if number % 3:
            raise Refused(number)
        return number

    async def main() -> list[int]:
        return list(await asyncio.gather(*(call(number) for number in range(1000))))

    assert run_virtual(main()) == [number + 1000 * bool(number % 3) for number in range(1000)]


def test_promise_4_ten_thousand_failures_leave_no_objects_behind(door: Door) -> None:
    def again(error: Exception) -> Any:
        try:
            raise error
        finally:
            del error  # else this frame and the error lead to each other

    async def other(error: Exception) -> Any:
        raise KeyError

    calls: list[Any] = [
        with_fallback(lambda error: error)(door.function(Script(Refused))),
        with_fallback(lambda error: error, last_good=LastGood(refresh_after=1))(door.function(Script(Refused))),
        with_fallback([lambda error: _missing(), lambda error: error])(door.function(Script(Refused))),
        with_fallback(value=1)(door.function(Script(Refused))),
        with_fallback([lambda error: 1 / 0, list])(door.function(Script(Refused))),
        with_fallback([lambda error: 1 / 0, lambda error: _missing()])(door.function(Script(Refused))),
        with_fallback([again, again])(door.function(Script(Refused))),
        with_fallback(value=1, on=KeyError)(door.function(Script(Refused))),
        with_fallback(value=1, last_good=LastGood())(door.function(Script(1, Refused))),
    ]
    if door.name != "sync":
        calls.append(with_fallback([other, other])(door.function(Script(Refused))))
        calls.append(with_fallback(lambda error: other(error))(_annotated(with_retry(max_attempts=1)(_raising))))

    async def many(times: int) -> None:
        for _ in range(times):
            for call in calls:
                try:
                    result = call()
                    if door.name != "sync":
                        await result
                except (Refused, KeyError):
                    pass

    run_virtual(many(10))
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        run_virtual(many(10_000 // len(calls)))
        assert len(gc.get_objects()) - before < 200
    finally:
        gc.enable()


def _raising() -> Any:
    raise Refused


def test_switched_off_nothing_is_answered_kept_or_counted(door: Door) -> None:
    script = Script("good", Refused, Refused)
    for fallback, call in ways(door, script, value="answer", last_good=LastGood(refresh_after=1)):
        script.calls = 0
        with disabled():
            assert door.run(call) == "good"
            with pytest.raises(Refused):
                door.run(call)
        assert door.run(call) == "answer", "nothing was kept"
        assert fallback.metrics.answered == 1


def test_contextvars_of_the_caller_are_seen_by_the_fallback(door: Door) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")
    guarded = with_fallback(variable.get)(door.function(Script(Refused)))
    contextvars.copy_context().run(lambda: (variable.set("mine"), door.run(guarded)))
    assert contextvars.copy_context().run(lambda: (variable.set("mine"), door.run(guarded))[1]) == "mine"
