"""Calling instead of decorating: RetryManager and execute_with_retry."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from tests.support import Door, Script

from holdfast import (
    ConfigurationError,
    RetryExhaustedError,
    RetryManager,
    RetryPolicy,
    RetryResult,
    UnknownPolicyError,
    execute_with_retry,
    register_retry_policy,
    with_retry,
)
from holdfast.testing import VirtualClock


def test_execute_tells_what_happened_when_it_went_well_in_the_end(door: Door, clock: VirtualClock) -> None:
    failure = ConnectionResetError()
    manager = RetryManager(clock=clock)
    function = door.function(Script(failure, "fine"))
    result: RetryResult[str] = door.run(lambda: manager.execute(function))
    assert (result.success, result.value, result.error) == (True, "fine", None)
    assert result.context.as_dict() == {
        "attempt": 2,
        "total_attempts": 3,
        "start_time": "2000-01-01T00:00:00+00:00",
        "last_error": repr(failure),
        "delays": [1.0],
        "total_delay": 1.0,
    }
    assert result.context.last_error is failure
    assert result.context.start_time == datetime(2000, 1, 1, tzinfo=UTC)


def test_execute_returns_a_failure_instead_of_raising_it(door: Door, clock: VirtualClock) -> None:
    failure = ConnectionResetError()
    manager = RetryManager("mcp", clock=clock)
    function = door.function(Script(failure))
    result = door.run(lambda: manager.execute(function))
    assert [result.success, result.value] == [False, None]
    assert result.error is failure
    assert result.context.last_error is failure
    assert (result.context.attempt, result.context.total_attempts) == (4, 4)
    assert result.context.delays == (2, 3.5, 5.75)
    assert result.context.total_delay == 11.25


def test_execute_returns_a_bad_result_as_a_failure_that_holds_it(door: Door, clock: VirtualClock) -> None:
    manager = RetryManager(clock=clock)
    function = door.function(Script("bad"))
    result: RetryResult[str] = door.run(
        lambda: manager.execute(function, max_attempts=2, retry_on_result=lambda value: value == "bad")
    )
    assert not result.success
    assert isinstance(result.error, RetryExhaustedError)
    assert result.error.last_result == "bad"
    assert result.value is None


def test_execute_or_raise_returns_the_value_or_raises_the_error(door: Door, clock: VirtualClock) -> None:
    manager = RetryManager(clock=clock)
    fine, failing = door.function(Script(ConnectionResetError, "fine")), door.function(Script(ConnectionResetError))
    assert door.run(lambda: manager.execute_or_raise(fine)) == "fine"
    with pytest.raises(ConnectionResetError):
        door.run(lambda: manager.execute_or_raise(failing, "none"))


def test_a_call_may_name_another_policy_or_override_fields(clock: VirtualClock) -> None:
    manager = RetryManager(RetryPolicy.fixed(3), clock=clock)
    failing = Door("sync").function(Script(ConnectionResetError))
    manager.execute(failing)
    manager.execute(failing, max_attempts=2)
    manager.execute(failing, "infrastructure")
    manager.execute(failing, RetryPolicy.fixed(9), max_attempts=2)
    assert clock.sleeps == [3, 3, 3, 5, 15, 9]


def test_a_managers_overrides_and_a_calls_are_added_up(clock: VirtualClock) -> None:
    manager = RetryManager("infrastructure", clock=clock, max_attempts=2)
    failing = Door("sync").function(Script(ConnectionResetError))
    manager.execute(failing)
    manager.execute(failing, backoff="fixed")
    assert clock.sleeps == [5, 1]


def test_a_manager_follows_a_name_that_is_registered_anew(clock: VirtualClock) -> None:
    register_retry_policy("followed", RetryPolicy.fixed(1, max_attempts=2))
    manager = RetryManager("followed", clock=clock)
    failing = Door("sync").function(Script(ConnectionResetError))
    manager.execute(failing)
    register_retry_policy("followed", RetryPolicy.fixed(2, max_attempts=2))
    manager.execute(failing)
    assert clock.sleeps == [1, 2]


def test_execute_with_retry_is_the_short_form() -> None:
    assert execute_with_retry(lambda: 1) == 1
    assert asyncio.run(execute_with_retry(partial(asyncio.sleep, 0, "fine"), "mcp")) == "fine"
    with pytest.raises(ConnectionResetError):
        execute_with_retry(Door("sync").function(Script(ConnectionResetError)), max_attempts=1)


def test_protect_is_the_decorator_with_the_managers_settings(door: Door, clock: VirtualClock) -> None:
    manager = RetryManager(RetryPolicy.fixed(4), clock=clock)
    assert door.run(manager.protect(door.function(Script(ConnectionResetError, "fine")))) == "fine"
    assert clock.sleeps == [4]


def generator() -> Any:
    yield 1


async def async_generator() -> Any:
    yield 1


@pytest.mark.parametrize("operation", [3, None, "name", dict, generator, async_generator])
def test_what_cannot_be_guarded_is_refused_with_the_fix(operation: Any) -> None:
    with pytest.raises(TypeError, match="RetryManager cannot guard"):
        RetryManager().execute(operation)
    with pytest.raises(TypeError, match="retry cannot guard"):
        with_retry()(operation)


@pytest.mark.parametrize("policy", [3, ["mcp"], {"max_attempts": 3}])
def test_a_policy_is_a_name_or_a_policy(policy: Any) -> None:
    with pytest.raises(ConfigurationError, match="by its name or as a RetryPolicy, not as"):
        RetryManager(policy)
    with pytest.raises(ConfigurationError, match="by its name or as a RetryPolicy"):
        RetryManager().execute(lambda: 1, policy)
    with pytest.raises(TypeError, match="with_retry takes the name of a policy, a RetryPolicy or a function, not"):
        with_retry(policy)


def test_an_unknown_name_is_an_error_before_anything_runs() -> None:
    script = Script("fine")
    with pytest.raises(UnknownPolicyError, match="did you mean 'default'"):
        RetryManager().execute(Door("sync").function(script), "defualt")
    assert script.calls == 0


def test_a_clock_or_classifier_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"clock must have the methods of holdfast\.Clock; .* has no monotonic"
    ):
        RetryManager(clock=3)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="classifier must have a method classify"):
        with_retry(classifier=3)  # type: ignore[call-overload]


def test_overrides_that_cannot_work_are_refused_when_decorating() -> None:
    with pytest.raises(ConfigurationError, match="max_attempts"):
        with_retry("not known yet", max_attempts=0)
    with pytest.raises(
        ConfigurationError, match=r"attempt_timeout \(30 s\) cannot be longer than total_timeout \(5 s\)"
    ):
        with_retry("aggressive", total_timeout=5)
    with pytest.raises(ConfigurationError, match="did you mean 'max_attempts'"):
        with_retry(max_attempt=3)  # type: ignore[call-overload]
