"""Single values: brought into their normal form, or refused in words that help."""

from __future__ import annotations

import functools
import math
import subprocess
import sys
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from holdfast import (
    BackoffConfig,
    BulkheadConfig,
    CircuitBreakerConfig,
    ConfigurationError,
    RetryPolicy,
    settings,
)
from holdfast.timeout import TimeoutConfig


class Three:
    """A number of another library, such as numpy's."""

    def __index__(self) -> int:
        return 3


def test_whole_numbers_may_come_from_other_libraries() -> None:
    assert settings.whole_number("P", "n", Three()) == 3
    assert type(settings.whole_number("P", "n", Three())) is int


@pytest.mark.parametrize("value", [0, True, 1.0, "1", None])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"P: n must be a whole number of at least 1, not .* \(hint\)"):
        settings.whole_number("P", "n", value, hint="hint")


@pytest.mark.parametrize(
    ("given", "is_"), [(0, 0.0), (-0.0, 0.0), (2, 2.0), (0.5, 0.5), (timedelta(milliseconds=20), 0.02)]
)
def test_durations_become_float_seconds(given: Any, is_: float) -> None:
    seconds = settings.seconds("P", "d", given)
    assert seconds == is_
    assert math.copysign(1, seconds) == 1


@pytest.mark.parametrize("value", [-1, -0.001, math.nan, math.inf, -math.inf, 10**400, timedelta(-1)])
def test_durations_are_finite_and_not_negative(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="P: d must be finite and zero or more seconds, not"):
        settings.seconds("P", "d", value)


def test_a_limit_of_zero_is_refused_where_it_makes_no_sense() -> None:
    with pytest.raises(ConfigurationError, match="must be finite and more than zero seconds, not 0"):
        settings.optional_seconds("P", "d", 0)
    assert settings.optional_seconds("P", "d", 0, zero=True) == 0
    assert settings.optional_seconds("P", "d", None) is None


class Listener:
    """Something with methods to be called back."""

    def one(self, error: object) -> None: ...

    def any_number(self, *args: object) -> None: ...

    def __call__(self, error: object, *, loudly: bool = True) -> None: ...


def one(error: object) -> None: ...


def two(error: object, attempt: int = 1) -> None: ...


def with_a_needed_keyword(error: object, *, loudly: bool) -> None: ...


def with_a_keyword(error: object, *, loudly: bool = True) -> None: ...


class Silent:
    """A callable whose signature cannot be told."""

    @property
    def __signature__(self) -> Any:
        raise OSError

    def __call__(self) -> None: ...


@functools.wraps(two)
def wrapper(*args: Any) -> None: ...


TWO = "(error, attempt) -> bool"


@pytest.mark.parametrize(
    "function",
    [
        two,
        wrapper,
        Listener().any_number,
        lambda *_: None,
        lambda _first, _second=0, _third=0: None,
        functools.partial(lambda _first, _second, _third: None, 1),
        dict,
        print,
        max,
        Mock(),
        Silent(),
        None,
    ],
)
def test_a_callback_that_takes_what_it_will_be_given_is_accepted(function: Any) -> None:
    assert settings.optional_callable("P", "f", function, TWO) is function


@pytest.mark.parametrize(
    ("function", "takes"),
    [
        (one, "one takes (error: 'object')"),
        (lambda: None, "<lambda> takes none"),
        (lambda _first, _second, _third: None, "<lambda> takes (_first, _second, _third)"),
        (Listener().one, "Listener.one takes (error: 'object')"),
        (Listener(), "Listener takes (error: 'object', *, loudly: 'bool' = True)"),
        (with_a_keyword, "with_a_keyword takes (error: 'object', *, loudly: 'bool' = True)"),
        (functools.partial(two, 1), "two takes (attempt: 'int' = 1)"),
        ([].append, "append takes (object, /)"),
    ],
)
def test_a_callback_that_takes_other_arguments_is_refused_at_once(function: Any, takes: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings.optional_callable("P", "f", function, TWO)
    assert "P: f will be called with (error, attempt), but " in str(caught.value)
    assert str(caught.value).endswith(takes)


def test_a_callback_with_keywords_is_accepted_if_it_can_do_without_them() -> None:
    settings.optional_callable("P", "f", with_a_keyword, "(error)")
    settings.optional_callable("P", "f", Listener(), "(error)")
    with pytest.raises(ConfigurationError, match="with_a_needed_keyword takes"):
        settings.optional_callable("P", "f", with_a_needed_keyword, "(error)")


def test_a_function_of_the_calls_arguments_may_take_any() -> None:
    for signature in ("(*args, **kwargs) of the guarded function", "of the call's arguments"):
        assert settings.optional_callable("P", "f", one, signature) is one


@pytest.mark.parametrize(
    ("make", "field", "given", "told"),
    [
        (RetryPolicy, "on_retry", lambda _error: None, "will be called with (error, attempt, delay), but "),
        (RetryPolicy, "on_final_failure", lambda _error: None, "will be called with (error, attempts), but "),
        (RetryPolicy, "should_retry", lambda _error: True, "will be called with (error, attempt), but "),
        (RetryPolicy, "retry_on", lambda _error, _attempt: True, "will be called with (error), but "),
        (RetryPolicy, "retry_on_result", lambda: True, "will be called with (value), but "),
        (
            CircuitBreakerConfig,
            "on_state_change",
            lambda _metrics: None,
            "will be called with (old, new, metrics), but ",
        ),
        (CircuitBreakerConfig, "on_open", lambda: None, "will be called with (metrics), but "),
        (CircuitBreakerConfig, "on_close", lambda _old, _new: None, "will be called with (metrics), but "),
        (CircuitBreakerConfig, "ignore", lambda: True, "will be called with (error), but "),
        (CircuitBreakerConfig, "failure_on", lambda: True, "will be called with (error), but "),
        (CircuitBreakerConfig, "fallback", lambda _error: None, "will be called with no arguments, but "),
        (BulkheadConfig, "on_reject", lambda: None, "will be called with (event), but "),
        (BackoffConfig, "type", lambda: 1.0, "will be called with (attempt), but "),
        (functools.partial(TimeoutConfig, seconds=1), "on_timeout", lambda: None, "will be called with (error), but "),
        (
            functools.partial(TimeoutConfig, seconds=1),
            "fallback",
            lambda _e: 1,
            "will be called with no arguments, but ",
        ),
    ],
)
def test_each_callback_is_checked_when_what_it_is_for_is_made(make: Any, field: str, given: Any, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make(**{field: given})
    assert f": {field} {told}" in str(caught.value)


def test_no_signature_is_looked_at_as_long_as_functions_take_what_they_are_given() -> None:
    code = (
        "import sys; from holdfast import RetryPolicy\n"
        "class Log:\n"
        "    def write(self, error, attempt, delay=0): ...\n"
        "RetryPolicy(on_retry=Log().write, should_retry=lambda *_: None)\n"
        "print('inspect' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "False"
