"""What holds for every guard alike, through each of its doors: looks, kinds, errors, interruptions, and company."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import threading
import traceback
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.support import Door, Script, run_virtual

from holdfast import (
    Bulkhead,
    BulkheadConfig,
    CircuitBreaker,
    CircuitBreakerConfig,
    FallbackConfig,
    ResiliencePolicy,
    with_fallback,
    with_resilience,
    with_retry,
    with_timeout,
)
from holdfast.events import subscribe
from holdfast.rate_limit import RateLimiter, TokenBucket

MUCH = TokenBucket(rate=1e6, capacity=1_000_000)


def one_policy() -> Callable[[Any], Any]:
    """All of them, one around the other."""
    policy = ResiliencePolicy(
        retry={"max_attempts": 3, "retry_on": EOFError},
        circuit_breaker={"failure_threshold": 10**6},
        bulkhead={"max_concurrent": 2_000},
        rate_limit=MUCH,
        timeout=60,
        fallback=FallbackConfig(value="fallback", on=EOFError),
    )
    return lambda function: with_resilience("all", policy)(function)


GUARDS: dict[str, Callable[[], Callable[[Any], Any]]] = {
    "retry": lambda: with_retry(),
    "retry with limits": lambda: with_retry(attempt_timeout=60, total_timeout=600),
    "circuit breaker": lambda: CircuitBreaker(CircuitBreakerConfig(failure_threshold=10**6)).protect,
    "bulkhead": lambda: Bulkhead(BulkheadConfig(max_concurrent=2_000)).protect,
    "rate limit": lambda: RateLimiter(MUCH).protect,
    "timeout": lambda: with_timeout(60),
    "cooperative timeout": lambda: with_timeout(60, mode="cooperative"),
    "fallback": lambda: with_fallback(value="fallback", on=EOFError),
    "one policy": one_policy,
}


@pytest.fixture(params=GUARDS)
def protect(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """Each test that takes it runs with every guard, set so that nothing is refused or answered for."""
    return GUARDS[request.param]()


class Unusual(BaseException):
    """What nobody has heard of."""


class Base:
    """Methods of every kind, with a guard around each."""

    def __init__(self, protect: Callable[[Any], Any]) -> None:
        class Service:
            plain = protect(lambda self, x: (type(self).__name__, x))
            static = protect(staticmethod(lambda x: x))
            of_class = protect(classmethod(lambda cls, x: (cls.__name__, x)))
            of_class_inside: Any = classmethod(protect(lambda cls, x: (cls.__name__, x)))

            @protect
            async def later(self, x: int) -> Any:
                await asyncio.sleep(0)
                return type(self).__name__, x

        class Derived(Service):
            @protect
            def plain(self, x: int) -> Any:
                return super().plain(x + 100)

        self.service, self.derived = Service, Derived


# Looks, and what can be guarded.


def test_promise_1_every_guard_keeps_the_looks_of_what_it_guards(protect: Callable[[Any], Any]) -> None:
    def plain(a: int, /, b: str = "x", *rest: int, c: bool = True, **more: float) -> list[int]:
        """What it does."""
        return [a]

    async def later(a: int, *, b: str = "x") -> str:
        """What that does."""
        return b * a

    functions: list[Any] = [plain, later]
    for function in functions:
        function.mark = "kept"
        guarded = protect(function)
        kind: object = type(guarded)
        assert kind is types.FunctionType
        for look in ("__name__", "__qualname__", "__doc__", "__module__", "__annotations__", "mark"):
            assert getattr(guarded, look) == getattr(function, look)
        assert inspect.signature(guarded) == inspect.signature(function)
        assert inspect.iscoroutinefunction(guarded) is inspect.iscoroutinefunction(function)
        assert guarded.__wrapped__ is function
    assert protect(plain)(1, "y", 2, c=False, d=1.5) == [1]
    assert asyncio.run(protect(later)(2, b="y")) == "yy"


def test_promise_1_every_guard_works_on_whatever_can_be_called(protect: Callable[[Any], Any]) -> None:
    class Callable_:
        def __call__(self, x: int) -> int:
            return x

    class AsyncCallable:
        async def __call__(self, x: int) -> int:
            return x

    both = Base(protect)
    assert both.service().plain(1) == ("Service", 1)
    assert both.derived().plain(1) == ("Derived", 101)
    assert both.service.static(2) == both.derived().static(2) == 2
    assert both.derived.of_class(3) == both.derived().of_class(x=3) == ("Derived", 3)
    assert both.derived.of_class_inside(4) == ("Derived", 4)
    assert asyncio.run(both.derived().later(5)) == ("Derived", 5)
    assert inspect.iscoroutinefunction(both.service.later)
    assert isinstance(inspect.getattr_static(both.service, "static"), staticmethod)
    assert isinstance(inspect.getattr_static(both.service, "of_class"), classmethod)
    calls: list[Any] = [Callable_(), functools.partial(Callable_(), 7), functools.partial(int, 7), abs]
    for function in calls:
        guarded = protect(function)
        assert not inspect.iscoroutinefunction(guarded)
        assert (guarded() if isinstance(function, functools.partial) else guarded(7)) == 7
    later: list[Any] = [AsyncCallable(), functools.partial(AsyncCallable(), 7), both.derived().later]
    for function in later:
        guarded = protect(function)
        assert inspect.iscoroutinefunction(guarded)
        result = asyncio.run(guarded() if isinstance(function, functools.partial) else guarded(7))
        assert result in {7, ("Derived", 7)}


# What goes wrong.


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, Unusual])
def test_promise_3_what_is_no_exception_passes_every_guard_untouched(
    protect: Callable[[Any], Any], kind: type[BaseException]
) -> None:
    raised = kind("mine")
    script = Script(raised)
    guarded = protect(Door("sync").function(script))
    for calls in (1, 2):
        with pytest.raises(kind) as caught:
            guarded()
        assert caught.value is raised
        assert raised.__context__ is raised.__cause__ is None
        assert script.calls == calls


@pytest.mark.parametrize("way", ["async", "returns-awaitable"])
def test_promise_3_a_cancelled_call_is_cancelled_through_every_guard(protect: Callable[[Any], Any], way: str) -> None:
    calls: list[str] = []

    async def hang() -> None:
        calls.append("begun")
        try:
            await asyncio.sleep(1000)
        finally:
            calls.append("cleaned up")

    guarded = protect(hang if way == "async" else lambda: hang())

    async def main() -> None:
        for _ in range(2):  # the first call may take another way than the rest
            task = asyncio.ensure_future(guarded())
            await asyncio.sleep(1)
            task.cancel("enough")
            with pytest.raises(asyncio.CancelledError):
                await task
            assert task.cancelled()
            assert task.cancelling() == 1
        await asyncio.sleep(5000)

    run_virtual(main())
    assert calls == ["begun", "cleaned up"] * 2, "nobody has tried again"


def test_promise_4_the_users_own_exception_passes_every_guard_as_it_is(
    protect: Callable[[Any], Any], door: Door
) -> None:
    error, cause = LookupError("mine"), KeyError("its cause")
    error.__cause__ = cause
    guarded = protect(door.function(Script(error)))
    for _ in range(3):
        error.__traceback__ = None
        with pytest.raises(LookupError) as caught:
            door.run(guarded)
        assert caught.value is error
        assert error.__cause__ is cause
        assert error.__context__ is None
        assert traceback.extract_tb(error.__traceback__)[-1].name == "next", "where the user's code raised it"


def test_promise_4_thousands_of_failures_through_every_guard_leave_nothing_behind(
    protect: Callable[[Any], Any], door: Door
) -> None:
    guarded = protect(door.function(Script(LookupError)))

    def fail() -> None:
        try:
            guarded()
        except LookupError:
            pass

    async def fail_async() -> None:
        try:
            await guarded()
        except LookupError:
            pass

    async def many() -> int:
        for _ in range(20):
            fail() if door.name == "sync" else await fail_async()
        gc.collect()
        gc.disable()
        before = len(gc.get_objects())
        try:
            for _ in range(1_000):
                fail() if door.name == "sync" else await fail_async()
            return len(gc.get_objects()) - before
        finally:
            gc.enable()

    assert asyncio.run(many()) < 100


def test_promise_6_who_listens_to_everything_and_raises_changes_no_call(
    protect: Callable[[Any], Any], door: Door
) -> None:
    heard: list[object] = []

    def broken(event: object) -> None:
        heard.append(event)
        raise RuntimeError("broken listener")

    error = LookupError("mine")
    guarded = protect(door.function(Script("fine", error, "fine")))
    unsubscribe = subscribe(broken)
    try:
        assert door.run(guarded) == "fine"
        with pytest.raises(LookupError) as caught:
            door.run(guarded)
        assert caught.value is error
        assert error.__context__ is None
        assert door.run(guarded) == "fine"
    finally:
        unsubscribe()


# In company.


def test_promise_5_every_guard_serves_threads_and_one_event_loop_after_another(protect: Callable[[Any], Any]) -> None:
    later, plain = protect(Door("async").function(Script("fine"))), protect(Door("sync").function(Script("fine")))

    async def several() -> list[Any]:
        return await asyncio.gather(*(later() for _ in range(3)))

    assert [asyncio.run(several()) for _ in range(3)] == [["fine"] * 3] * 3
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: plain(), range(20))) == ["fine"] * 20
        assert list(threads.map(lambda _: asyncio.run(several()), range(4))) == [["fine"] * 3] * 4


def test_promise_5_a_function_may_call_itself_through_every_guard(protect: Callable[[Any], Any]) -> None:
    @protect
    def plain(depth: int) -> int:
        return 0 if depth == 0 else 1 + plain(depth - 1)

    @protect
    async def later(depth: int) -> int:
        return 0 if depth == 0 else 1 + await later(depth - 1)

    caller = ThreadPoolExecutor(1)  # so that a deadlock would be seen as one
    try:
        assert caller.submit(plain, 5).result(30) == 5
        assert caller.submit(lambda: asyncio.run(later(5))).result(30) == 5
    finally:
        caller.shutdown(wait=False)


def test_promise_8_64_threads_through_every_guard_behave_as_if_alone(protect: Callable[[Any], Any]) -> None:
    together = threading.Barrier(64)

    @protect
    def call(number: int, *, word: str) -> tuple[int, str]:
        if number % 3 == 0:
            raise LookupError(number)
        return number, word

    def caller(number: int) -> None:
        together.wait(30)
        for turn in range(10):
            if number % 3 == 0:
                with pytest.raises(LookupError) as caught:
                    call(number, word=f"{turn}")
                assert caught.value.args == (number,)
            else:
                assert call(number, word=f"{turn}") == (number, f"{turn}")

    with ThreadPoolExecutor(64) as threads:
        list(threads.map(caller, range(64)))


def test_promise_8_1000_tasks_through_every_guard_behave_as_if_alone(protect: Callable[[Any], Any]) -> None:
    @protect
    async def call(number: int) -> int:
        await asyncio.sleep(number % 7)
        if number % 3 == 0:
            raise LookupError(number)
        return number

    async def main() -> list[Any]:
        return await asyncio.gather(*(call(number) for number in range(1000)), return_exceptions=True)

    for number, result in enumerate(run_virtual(main())):
        assert result == number if number % 3 else result.args == (number,)
