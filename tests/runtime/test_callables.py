"""What can be decorated, how it is guarded, and that it keeps its looks."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import sys
import types
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from holdfast import ConfigurationError, RetryManager, retrying, with_retry
from holdfast._runtime.callables import is_awaitable
from holdfast.functions import is_async, name_of
from holdfast.testing import VirtualClock


class Flaky:
    """Fails the first time for each object; methods of every kind."""

    failed_once: bool = False
    class_failed_once: bool = False

    def __init__(self) -> None:
        self.failed_once = False

    def _fail_once(self) -> None:
        if not self.failed_once:
            self.failed_once = True
            raise ConnectionResetError

    @with_retry("instant-once")
    def method(self, value: int, *, double: bool = False) -> int:
        """The doc of the method."""
        self._fail_once()
        return value * 2 if double else value

    @with_retry("instant-once")
    async def async_method(self, value: int) -> int:
        self._fail_once()
        return value

    @with_retry("instant-once")
    @classmethod
    def class_method(cls, value: int) -> tuple[type, int]:
        if not cls.class_failed_once:
            cls.class_failed_once = True
            raise ConnectionResetError
        return cls, value

    @classmethod
    @with_retry("instant-once")
    def class_method_inside(cls, value: int) -> tuple[type, int]:
        if not cls.class_failed_once:
            cls.class_failed_once = True
            raise ConnectionResetError
        return cls, value

    @with_retry("instant-once")
    @staticmethod
    async def static_method(calls: list[int]) -> int:
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionResetError
        return len(calls)

    def __call__(self, value: int) -> int:
        """The doc of the call."""
        self._fail_once()
        return value


class AsyncCallable(Flaky):
    async def __call__(self, value: int) -> int:  # type: ignore[override]
        self._fail_once()
        return value


class Derived(Flaky):
    def method(self, value: int, *, double: bool = False) -> int:
        return super().method(value, double=double) + 100


@pytest.fixture(autouse=True)
def _instant_policy() -> None:
    from holdfast import RetryPolicy, register_retry_policy

    register_retry_policy(
        RetryPolicy(name="instant-once", max_attempts=2, backoff={"type": "fixed", "initial_delay": 0})
    )
    Flaky.class_failed_once = False


def test_promise_1_methods_of_every_kind_are_guarded() -> None:
    assert Flaky().method(3, double=True) == 6
    assert Derived().method(3) == 103
    assert asyncio.run(Flaky().async_method(4)) == 4
    assert Flaky.class_method(5) == (Flaky, 5)
    Derived.class_failed_once = False
    assert Derived().class_method(5) == (Derived, 5)
    Flaky.class_failed_once = False
    assert Flaky().class_method_inside(6) == (Flaky, 6)
    assert asyncio.run(Flaky.static_method([])) == 2
    assert asyncio.run(Flaky().static_method([])) == 2


def test_promise_1_static_and_class_methods_stay_what_they_are() -> None:
    assert isinstance(inspect.getattr_static(Flaky, "static_method"), staticmethod)
    assert isinstance(inspect.getattr_static(Flaky, "class_method"), classmethod)
    assert inspect.iscoroutinefunction(Flaky.static_method)


def test_promise_1_name_doc_signature_type_and_kind_are_kept() -> None:
    def plain(a: int, /, b: str = "x", *rest: int, c: bool, **more: float) -> list[int]:
        """What it does."""
        return []

    async def asynchronous(a: int) -> str:
        """What that does."""
        return ""

    plain.mark = "kept"  # type: ignore[attr-defined]
    for function in (plain, asynchronous):
        guarded: Any = with_retry(function)
        kind: object = type(guarded)
        assert kind is types.FunctionType
        assert guarded.__name__ == function.__name__
        assert guarded.__qualname__ == function.__qualname__
        assert guarded.__doc__ == function.__doc__
        assert guarded.__module__ == __name__
        assert guarded.__annotations__ == function.__annotations__
        assert guarded.__wrapped__ is function
        assert inspect.signature(guarded) == inspect.signature(function)
        assert inspect.iscoroutinefunction(guarded) is inspect.iscoroutinefunction(function)
    assert with_retry(plain).mark == "kept"  # type: ignore[attr-defined]
    assert str(inspect.signature(Flaky().method)) == "(value: 'int', *, double: 'bool' = False) -> 'int'"


async def add_async(a: int, b: int) -> int:
    await asyncio.sleep(0)
    return a + b


class Wrapper:
    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.secret = "an attribute of the object, not of its guarded form"

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


class AsyncAdder:
    async def __call__(self, a: int, b: int) -> int:
        return await add_async(a, b)

    async def method(self, a: int, b: int) -> int:
        return await add_async(a, b)


ASYNC = [
    add_async,
    functools.partial(add_async, 1),
    functools.partial(functools.partial(add_async), 1),
    AsyncAdder(),
    functools.partial(AsyncAdder(), 1),
    AsyncAdder().method,
    functools.partial(AsyncAdder().method, 1),
]


@pytest.mark.parametrize("function", ASYNC)
def test_promise_1_async_callables_of_every_kind_are_guarded_as_async(function: Any) -> None:
    guarded = with_retry(function)
    assert is_async(function)
    assert inspect.iscoroutinefunction(guarded)
    arguments = (2,) if isinstance(function, functools.partial) and function.args else (1, 2)
    assert asyncio.run(guarded(*arguments)) == 3


def add(a: int, b: int = 2) -> int:
    """Adds."""
    return a + b


@pytest.mark.parametrize(
    ("function", "name", "doc"),
    [
        (functools.partial(add, 1), "add", "Adds."),
        (functools.partial(functools.partial(add), 1), "add", "Adds."),
        (Wrapper(add), "Wrapper", Wrapper.__doc__),
        (functools.partial(Wrapper(add), 1), "Wrapper", Wrapper.__doc__),
        (Flaky(), "Flaky", Flaky.__doc__),
        (abs, "abs", abs.__doc__),
        (functools.lru_cache(add), "add", "Adds."),
    ],
)
def test_promise_1_callables_without_a_name_get_one(function: Any, name: str, doc: str | None) -> None:
    guarded: Any = with_retry(function)
    assert guarded.__name__ == name
    assert guarded.__doc__ == doc
    assert not hasattr(guarded, "secret")
    assert not inspect.iscoroutinefunction(guarded)
    assert str(inspect.signature(guarded)) == str(inspect.signature(function))
    assert guarded.__module__
    assert guarded.__qualname__


def test_promise_1_partials_and_objects_are_guarded() -> None:
    flaky = Flaky()
    assert with_retry("instant-once")(flaky)(7) == 7
    flaky = Flaky()
    assert with_retry("instant-once")(functools.partial(flaky, 7))() == 7
    assert asyncio.run(with_retry("instant-once")(AsyncCallable())(7)) == 7


def test_promise_2_a_plain_function_that_returns_something_awaitable_is_guarded_while_it_is_awaited(
    clock: VirtualClock,
) -> None:
    made = 0

    async def fails_twice() -> str:
        await asyncio.sleep(0)
        if made < 3:
            raise ConnectionResetError
        return "fine"

    class Awaitable:
        def __await__(self) -> Any:
            return fails_twice().__await__()

    @types.coroutine
    def old_style() -> Any:
        return (yield from fails_twice().__await__())

    async def main() -> None:
        nonlocal made
        for make in (
            fails_twice,
            lambda: asyncio.ensure_future(fails_twice()),
            Awaitable,
            old_style,
        ):

            def plain(make: Any = make) -> Any:
                nonlocal made
                made += 1
                return make()

            made = 0
            guarded = with_retry(clock=clock)(plain)
            assert not inspect.iscoroutinefunction(guarded)
            assert await guarded() == "fine"
            assert made == 3

    asyncio.run(main())


def test_promise_2_a_function_may_return_now_this_now_that(clock: VirtualClock) -> None:
    async def later() -> str:
        raise ConnectionResetError

    results: list[Any] = [1, "x", None, later, 2, later, [3]]

    def plain(index: int) -> Any:
        result = results[index]
        return result() if callable(result) else result

    guarded = with_retry(clock=clock, max_attempts=2)(plain)

    async def main() -> None:
        for index, result in enumerate(results):
            returned = guarded(index)
            if result is later:
                with pytest.raises(ConnectionResetError):
                    await returned
            else:
                assert returned == result

    asyncio.run(main())
    assert clock.sleeps == [1, 1]


def test_promise_2_retries_of_a_call_that_raised_at_first_carry_on_once_it_returns_an_awaitable(
    clock: VirtualClock,
) -> None:
    calls = 0

    async def later() -> str:
        if calls < 4:
            raise TimeoutError
        return "fine"

    def plain() -> Any:
        nonlocal calls
        calls += 1
        if calls in (1, 3):
            raise ConnectionResetError
        return later()

    guarded = with_retry(clock=clock, max_attempts=4)(plain)

    async def main() -> str:
        with pytest.warns(RuntimeWarning, match="Make it `async def`"):
            pending = guarded()  # the first attempt raises and is waited for here
        return await pending  # type: ignore[no-any-return]

    assert asyncio.run(main()) == "fine"
    assert clock.sleeps == [1, 2, 4]


def test_a_plain_function_that_returns_a_generator_gives_it_back(clock: VirtualClock) -> None:
    guarded = with_retry(clock=clock)(lambda: (n for n in range(3)))
    assert list(guarded()) == [0, 1, 2]
    assert list(guarded()) == [0, 1, 2]
    assert not is_awaitable(iter([]))


def a_generator() -> Iterator[int]:
    yield 1


async def an_async_generator() -> AsyncIterator[int]:
    yield 1


class GeneratorCall:
    def __call__(self) -> Iterator[int]:
        yield 1

    def method(self) -> Iterator[int]:
        yield 1

    partly = functools.partialmethod(method)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (dict, "the class dict: decorate a function that makes the object"),
        (Flaky, "the class Flaky"),
        (a_generator, "the generator function a_generator: its body runs only while it is iterated"),
        (an_async_generator, "the async generator function an_async_generator"),
        (GeneratorCall(), "the generator function GeneratorCall"),
        (GeneratorCall().method, "the generator function GeneratorCall.method"),
        (functools.partial(a_generator), "the generator function a_generator"),
        (functools.partial(GeneratorCall()), "the generator function GeneratorCall"),
        (staticmethod(a_generator), "the generator function a_generator"),
        (GeneratorCall.__dict__["partly"], "a partialmethod: decorate the method"),
        (contextlib.contextmanager(a_generator), "the context manager function a_generator: its body runs in the"),
        (contextlib.asynccontextmanager(an_async_generator), "the context manager function an_async_generator"),
        (property(lambda self: 1), "a property: decorate the function inside"),
        ("text", "'text', which cannot be called"),
        (None, "None, which cannot be called"),
        ([1], "a list, which cannot be called"),
    ],
)
def test_what_cannot_be_guarded_is_refused_when_it_is_decorated(function: Any, says: str) -> None:
    with pytest.raises(TypeError) as caught:
        with_retry()(function)
    assert str(caught.value).startswith("retry cannot guard ")
    assert says in str(caught.value)


def test_a_settings_mistake_in_place_of_a_policy_is_told() -> None:
    with pytest.raises(TypeError, match=r"not 5; settings are given by keyword, such as max_attempts=5"):
        with_retry(5)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="such as max_attempts=3"):
        with_retry(3)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="not 0.5; .* such as max_attempts=5"):
        with_retry(0.5)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        (ValueError, "retry_on=ValueError"),
        (asyncio.CancelledError, "retry_on=CancelledError"),
        ((ValueError, KeyError), r"retry_on=\(KeyError, ValueError\)"),
        ([ValueError], "retry_on=ValueError"),
    ],
)
def test_exception_types_in_place_of_a_policy_are_told_their_keyword(kinds: Any, told: str) -> None:
    with pytest.raises(TypeError, match=rf"write with_retry\({told}\)$"):
        with_retry(kinds)
    for use in (retrying, RetryManager):
        with pytest.raises(ConfigurationError, match=f"; write {told}$"):
            use(kinds)


def test_mocks_are_guarded_by_what_they_are() -> None:
    assert is_async(AsyncMock())
    assert not is_async(Mock())
    assert asyncio.run(with_retry(AsyncMock(return_value=3))()) == 3
    assert with_retry(Mock(return_value=3))() == 3


def test_what_says_of_itself_that_it_is_a_coroutine_function_is_believed() -> None:
    def returns_coroutine() -> Any:
        return add_async(1, 2)

    assert not is_async(returns_coroutine)
    if sys.version_info >= (3, 12):
        marked = inspect.markcoroutinefunction(returns_coroutine)
    else:
        marked = returns_coroutine
        marked._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]
    assert is_async(marked)
    guarded = with_retry(marked)
    assert inspect.iscoroutinefunction(guarded)
    assert asyncio.run(guarded()) == 3


def test_what_inspect_says_of_a_function_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect, "iscoroutinefunction", lambda function: function is add)
    assert is_async(add)


def test_a_function_with_results_of_many_types_is_looked_at_each_time_and_stays_right(clock: VirtualClock) -> None:
    async def later() -> str:
        return "later"

    results = [1, "x", None, 1.5, b"", (), [], {}, set(), later]
    guarded = with_retry(clock=clock)(lambda index: later() if results[index] is later else results[index])
    for _ in range(3):
        for index, result in enumerate(results):
            given = guarded(index)
            assert (asyncio.run(given) == "later") if result is later else given == result  # type: ignore[arg-type]


def test_names_are_seen_through_partials_and_objects() -> None:
    assert name_of(functools.partial(add, 1)) == "add"
    assert name_of(Flaky().method) == "Flaky.method"
    assert name_of(Wrapper(add)) == "Wrapper"
