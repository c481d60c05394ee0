"""Wrappers with the parameters of the function they guard: whatever these are, and whatever they are called."""

from __future__ import annotations

import asyncio
import functools
import inspect
import itertools
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from holdfast import Bulkhead, CircuitBreaker, bulkhead, with_circuit_breaker, with_retry
from holdfast._runtime import tailor as room
from holdfast._runtime.tailor import PlainTypes, Template, tailor
from holdfast.circuit_breaker import guard as breaker_guard
from holdfast.circuit_breaker.bulkhead import guard as bulkhead_guard
from holdfast.retry import guard as retry_guard

PASSING = Template("nothing", "slow", "if slow: return AWAIT slow(ARGS, KWARGS)\nreturn AWAIT CALL(function)")

GUARDS: dict[str, Callable[[Any], Any]] = {
    "retry": with_retry(),
    "retry, watched": with_retry(retry_on_result=lambda value: False),
    "circuit breaker": with_circuit_breaker(),
    "bulkhead": bulkhead(),
    "all": lambda function: with_retry(with_circuit_breaker(bulkhead(function))),
}

# Every name that a template uses, and some that a caller might be surprised by.
NAMES = sorted(
    {name for guard in (retry_guard, breaker_guard, bulkhead_guard) for name in guard._QUIET.names.split(", ")}
    | {"self", "args", "kwargs", "function", "result", "error", "failure", "kind", "call", "phase", "now", "number"}
    | {
        "breaker",
        "line",
        "pending",
        "type",
        "id",
        "next",
        "BaseException",
        "IndexError",
        "wrapper",
        "make",
        "_0",
        "CALL",
        "ARGS",
        "KWARGS",
        "AWAIT",
    }
)
KINDS = st.sampled_from(list(inspect._ParameterKind))


@st.composite
def signatures(draw: st.DrawFn) -> inspect.Signature:
    """Any signature that Python allows, with the parameters' names out of NAMES."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=6))
    kinds = sorted(draw(st.lists(KINDS, min_size=len(names), max_size=len(names))))
    for single in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        while kinds.count(single) > 1:
            kinds.remove(single)
    parameters, defaults = [], False
    for name, kind in zip(names, kinds, strict=False):
        default: Any = inspect.Parameter.empty
        if kind not in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
            after_default = defaults and kind is not inspect.Parameter.KEYWORD_ONLY
            if after_default or draw(st.booleans()):
                default = f"default of {name}"
                defaults = defaults or kind is not inspect.Parameter.KEYWORD_ONLY
        parameters.append(inspect.Parameter(name, kind, default=default))
    return inspect.Signature(parameters)


def function_of(signature: inspect.Signature, *, asynchronous: bool) -> Any:
    """A function that returns what it was called with."""
    given_names = ", ".join(f"({name!r}, {name})" for name in signature.parameters)
    made: dict[str, Any] = {}
    exec(f"{'async ' * asynchronous}def service{signature}:\n    return [{given_names}]", made)
    return made["service"]


def outcome_of(function: Any, args: list[Any], kwargs: dict[str, Any], *, asynchronous: bool) -> Any:
    try:
        answer = function(*args, **kwargs)
        return asyncio.run(answer) if asynchronous else answer
    except TypeError as error:
        return str(error)


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("asynchronous", [False, True])
@given(
    signature=signatures(),
    args=st.lists(st.integers(), max_size=5),
    kwargs=st.dictionaries(st.sampled_from([*NAMES, "other"]), st.integers(), max_size=3),
)
def test_promise_1_a_guarded_function_takes_what_the_function_takes(
    guard: str, asynchronous: bool, signature: inspect.Signature, args: list[int], kwargs: dict[str, int]
) -> None:
    function = function_of(signature, asynchronous=asynchronous)
    guarded = GUARDS[guard](function)
    assert inspect.signature(guarded) == signature
    assert inspect.iscoroutinefunction(guarded) is asynchronous
    expected = outcome_of(function, args, kwargs, asynchronous=asynchronous)
    assert outcome_of(guarded, args, kwargs, asynchronous=asynchronous) == expected  # the message of an error, too


@pytest.mark.parametrize("asynchronous", [False, True])
@given(signature=signatures())
def test_the_slow_path_is_given_the_same(asynchronous: bool, signature: inspect.Signature) -> None:
    function = function_of(signature, asynchronous=asynchronous)

    def slow(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return function(*args, **kwargs)

    wrapper = tailor(PASSING, function, slow=slow)
    args = [name for name, each in signature.parameters.items() if each.kind <= each.POSITIONAL_OR_KEYWORD]
    kwargs = {name: name for name, each in signature.parameters.items() if each.kind is each.KEYWORD_ONLY}
    expected = outcome_of(function, args, kwargs, asynchronous=asynchronous)
    assert outcome_of(wrapper, args, kwargs, asynchronous=asynchronous) == expected


@pytest.mark.parametrize("guard", GUARDS)
def test_a_call_with_wrong_arguments_is_no_failure_of_the_function(guard: str) -> None:
    calls: list[int] = []
    guarded: Any = GUARDS[guard](lambda number: calls.append(number))
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'number'"):
        guarded()
    with pytest.raises(TypeError, match="unexpected keyword argument 'nummer'"):
        guarded(nummer=1)
    assert calls == []
    breaker, full = CircuitBreaker(), Bulkhead()
    for protect in (breaker.protect, full.protect):
        with pytest.raises(TypeError, match="takes 0 positional arguments but 1 was given"):
            protect(lambda: None)(1)  # type: ignore[call-arg]
    assert breaker.metrics.total_requests == full.metrics.admitted == 0


@pytest.mark.parametrize("guard", GUARDS)
def test_what_is_no_plain_function_is_called_with_whatever_comes(guard: str) -> None:
    def place(a: int, b: int = 2, *, c: int = 3) -> tuple[int, int, int]:
        return a, b, c

    class Placer:
        def __call__(self, *args: int, **kwargs: int) -> tuple[int, int, int]:
            return place(*args, **kwargs)

        def method(self, a: int, c: int = 3) -> tuple[int, int, int]:
            return place(a, c=c)

    protect = GUARDS[guard]
    assert protect(functools.partial(place, b=5))(1, c=4) == (1, 5, 4)
    assert protect(Placer())(1, 2, c=4) == (1, 2, 4)
    assert protect(Placer().method)(1, c=4) == (1, 2, 4)
    assert protect(max)(1, 7, 3) == 7
    assert protect(sorted)([2, 1], reverse=True) == [2, 1]


def test_each_wrapper_has_code_of_its_own_and_the_shape_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = room._factory.cache_info().misses
    made = [tailor(PASSING, function_of(inspect.Signature(), asynchronous=False), slow=None) for _ in range(5)]
    assert room._factory.cache_info().misses <= compiled + 1
    assert len({id(each.__code__) for each in made}) == 5


def test_defaults_are_those_of_the_function() -> None:
    shared: list[int] = []

    def note(number: int, into: list[int] = shared, *, twice: bool = False) -> list[int]:
        into += [number] * (1 + twice)
        return into

    guarded: Any = with_retry(note)
    assert guarded(1) is shared
    assert guarded(2, twice=True) == [1, 2, 2]
    assert guarded.__defaults__ is note.__defaults__
    assert guarded.__kwdefaults__ == {"twice": False}


def test_the_traceback_names_the_guard_and_the_function() -> None:
    def service() -> None:
        raise ValueError

    places = []
    try:
        GUARDS["all"](service)()
    except ValueError as error:
        trace = error.__traceback__
        while trace is not None:
            places.append(trace.tb_frame.f_code.co_filename)
            trace = trace.tb_next
    assert [place for place in dict.fromkeys(places) if place.startswith("<")] == [
        "<holdfast retry>",
        "<holdfast circuit breaker>",
        "<holdfast bulkhead>",
    ]
    assert places[-1] == __file__


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_debugger_that_looks_at_variables_changes_none(guard: str, asynchronous: bool) -> None:
    def look(frame: Any, _event: str, _value: object) -> Any:
        assert isinstance(frame.f_locals, dict) or frame.f_locals is not None  # reading them is what debuggers do
        return look

    for name in NAMES:
        one = inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        function = function_of(inspect.Signature([one]), asynchronous=asynchronous)
        guarded = GUARDS[guard](function)
        before = sys.gettrace()
        sys.settrace(look)
        try:
            answer = guarded("mine")
            if asynchronous:
                answer = asyncio.run(answer)
        finally:
            sys.settrace(before)
        assert answer == [(name, "mine")]


def test_a_function_guarded_many_times_calls_through_all_of_them() -> None:
    calls = itertools.count(1)
    guarded: Any = lambda: next(calls)
    for protect in itertools.islice(itertools.cycle(GUARDS.values()), 60):
        guarded = protect(guarded)
    assert [guarded(), guarded()] == [1, 2]


def test_many_threads_may_decorate_at_once() -> None:
    together = threading.Barrier(16)
    seen: list[Any] = []

    def decorate(number: int) -> None:
        together.wait()
        for turn in range(50):
            function = function_of(
                inspect.Signature([inspect.Parameter(f"p{turn}", inspect.Parameter.KEYWORD_ONLY)]), asynchronous=False
            )
            seen.append(GUARDS["all"](function)(**{f"p{turn}": number}) == [(f"p{turn}", number)])

    threads = [threading.Thread(target=decorate, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 800


def test_only_so_many_types_of_results_are_remembered_and_generators_never() -> None:
    plain = PlainTypes()
    plain.learn(number for number in range(1))
    assert (plain.first, plain.by_id) == (None, {})
    kinds = [type(f"Kind{number}", (), {}) for number in range(20)]
    for kind in kinds:
        plain.learn(kind())
    assert (plain.first, plain.second) == tuple(kinds[:2])
    assert list(plain.by_id.values()) == kinds[:16]
