"""Failures that are returned are tried again as errors are, and the last result comes out as it is."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support import Door, Script

from holdfast import (
    Classification,
    ConfigurationError,
    DeadlineTracker,
    ErrorClassifier,
    RetryBudget,
    RetryExhaustedError,
    RetryManager,
    RetryPolicy,
    disabled,
    events,
    retrying,
    with_resilience,
    with_retry,
)
from holdfast.testing import VirtualClock


class Response:
    """As an HTTP client has it."""

    def __init__(self, status_code: int, **headers: str) -> None:
        self.status_code = status_code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


FINE = Response(200)


@pytest.fixture(params=["sync", "async", "plain that returns an awaitable"])
def any_door(request: pytest.FixtureRequest) -> Door:
    return Door(request.param)


@pytest.fixture(params=[{}, {"total_timeout": 1000}, {"budget": RetryBudget()}], ids=["quiet", "timed", "watched"])
def ways(request: pytest.FixtureRequest) -> Any:
    """The ways that a first attempt takes, by what the policy wants besides."""
    return request.param


@pytest.fixture
def heard() -> Iterator[list[Any]]:
    told: list[Any] = []
    unsubscribe = events.subscribe(told.append)
    yield told
    unsubscribe()


def guard(clock: VirtualClock, *args: Any, **fields: Any) -> Any:
    return with_retry(*args, clock=clock, classify_results=True, **fields)


def test_a_returned_failure_is_tried_again_and_a_success_comes_out(
    any_door: Door, clock: VirtualClock, ways: Any
) -> None:
    script = Script(Response(503), ConnectionResetError, Response(500), FINE)
    assert any_door.run(guard(clock, max_attempts=4, **ways)(any_door.function(script))) is FINE
    assert clock.sleeps == [1, 2, 4]


def test_what_stays_a_failure_is_returned_as_it_is_and_not_raised(
    any_door: Door, clock: VirtualClock, ways: Any
) -> None:
    last = Response(503)
    script = Script(Response(502), Response(503), last)
    assert any_door.run(guard(clock, **ways)(any_door.function(script))) is last
    assert (script.calls, clock.sleeps) == (3, [1, 2])


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422])
def test_what_a_retry_cannot_help_is_returned_untouched(
    any_door: Door, clock: VirtualClock, ways: Any, status: int
) -> None:
    response = Response(status)
    script = Script(response)
    assert any_door.run(guard(clock, **ways)(any_door.function(script))) is response
    assert (script.calls, clock.sleeps, response.closed) == (1, [], 0)


def test_without_the_field_results_are_not_looked_at(any_door: Door, clock: VirtualClock) -> None:
    response = Response(503)
    script = Script(response)
    assert any_door.run(with_retry(clock=clock)(any_door.function(script))) is response
    assert script.calls == 1


def test_an_error_at_the_end_is_raised_though_a_failure_was_returned_before(
    any_door: Door, clock: VirtualClock, ways: Any
) -> None:
    script = Script(Response(503), ConnectionResetError)
    with pytest.raises(ConnectionResetError):
        any_door.run(guard(clock, **ways)(any_door.function(script)))
    last = Response(503)
    assert any_door.run(guard(clock, **ways)(any_door.function(Script(OSError(104, "x"), last)))) is last


@pytest.mark.parametrize(
    ("asked", "max_retry_after", "sleeps"),
    [("0.5", 120, [1, 2]), ("7", 120, [7, 7]), ("121", 120, []), ("121", None, [121, 121])],
)
def test_the_servers_waiting_time_is_a_floor_and_too_long_a_wait_is_not_waited(
    any_door: Door, clock: VirtualClock, asked: str, max_retry_after: Any, sleeps: list[float]
) -> None:
    response = Response(429, retry_after=asked)
    policy = RetryPolicy(classify_results=True, max_retry_after=max_retry_after)
    assert any_door.run(with_retry(policy, clock=clock)(any_door.function(Script(response)))) is response
    assert clock.sleeps == sleeps


@pytest.mark.parametrize(
    ("fields", "status", "calls"),
    [
        ({"idempotent": False}, 500, 1),
        ({"idempotent": False}, 503, 3),
        ({"non_retryable_codes": {"EXTERNAL_UNAVAILABLE"}}, 503, 1),
        ({"retryable_codes": {"NOT_FOUND"}}, 404, 3),
        ({"retryable_categories": {"EXTERNAL"}}, 503, 1),
        ({"retryable_categories": {"EXTERNAL"}}, 429, 3),
        ({"retry_on": KeyError}, 503, 3),
        ({"should_retry": lambda error, attempt: True}, 404, 1),
        ({}, 499, 1),
    ],
)
def test_it_is_decided_by_codes_category_and_scope_but_not_by_what_is_asked_of_errors(
    any_door: Door, clock: VirtualClock, fields: Any, status: int, calls: int
) -> None:
    script = Script(Response(status))
    any_door.run(guard(clock, **fields)(any_door.function(script)))
    assert script.calls == calls


def test_a_kind_of_failure_may_have_its_own_back_off(any_door: Door, clock: VirtualClock) -> None:
    policy = RetryPolicy(
        classify_results=True, backoff_for={"EXTERNAL_RATE_LIMITED": {"type": "fixed", "initial_delay": 9}}
    )
    script = Script(Response(429), Response(503), FINE)
    assert any_door.run(with_retry(policy, clock=clock)(any_door.function(script))) is FINE
    assert clock.sleeps == [9, 1]


def test_a_budget_that_is_used_up_gives_the_result(any_door: Door, clock: VirtualClock, heard: list[Any]) -> None:
    response = Response(503)
    budget = RetryBudget(ratio=0, min_per_second=0)
    assert any_door.run(guard(clock, budget=budget)(any_door.function(Script(response)))) is response
    assert [type(each).__name__ for each in heard] == ["RetryBudgetRefused", "RetryStopped"]
    assert heard[1].reason == "the retry budget is used up"


def test_no_wait_is_begun_beyond_the_total_timeout_and_the_result_comes_out(
    any_door: Door, clock: VirtualClock
) -> None:
    response = Response(503, retry_after="4")
    script = Script(response)
    assert any_door.run(guard(clock, total_timeout=4)(any_door.function(script))) is response
    assert (script.calls, clock.sleeps) == (1, [])


def test_if_the_time_is_over_after_a_wait_the_result_comes_out(clock: VirtualClock, heard: list[Any]) -> None:
    class Late(VirtualClock):
        def sleep(self, duration: float) -> None:
            super().sleep(duration + 20)

    response = Response(503)
    script = Script(response)
    policy = RetryPolicy(classify_results=True, total_timeout=10, close_discarded=True)
    assert with_retry(policy, clock=Late())(Door("sync").function(script))() is response
    assert (script.calls, response.closed) == (1, 0)
    assert (heard[-1].code, heard[-1].error_type) == ("EXTERNAL_UNAVAILABLE", "Response")
    assert heard[-1].reason == "total_timeout was over when the wait ended"


def test_a_deadline_around_the_call_counts(clock: VirtualClock) -> None:
    response = Response(503, retry_after="6")
    with DeadlineTracker(clock=clock).track(5):
        assert guard(clock)(Door("sync").function(Script(response)))() is response
    assert clock.sleeps == []


def test_a_worker_thread_may_make_the_attempts() -> None:
    responses = [Response(503), FINE]
    guarded = with_retry(
        classify_results=True, timeout_mode="thread", attempt_timeout=30, backoff={"type": "fixed", "initial_delay": 0}
    )(lambda: responses.pop(0))
    assert guarded() is FINE


def test_callbacks_and_events_tell_of_it_and_hold_nothing_of_the_result(
    any_door: Door, clock: VirtualClock, heard: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="holdfast")
    told: list[Any] = []
    response = Response(503)
    guarded = guard(
        clock,
        max_attempts=2,
        on_retry=lambda error, attempt, delay: told.append((error, attempt, delay)),
        on_final_failure=lambda error, attempts: told.append((error, attempts)),
    )(any_door.function(Script(response)))
    assert any_door.run(guarded) is response
    (first, *when), (last, attempts) = told
    assert type(first) is type(last) is RetryExhaustedError
    assert first.last_result is last.last_result is response
    assert (when, attempts, last.attempts) == ([1, 1.0], 2, 2)
    assert "returned a failure: TRANSIENT EXTERNAL_UNAVAILABLE" in str(last)
    assert last.__notes__ == ["holdfast: gave up after 2 attempts (policy 'default'; waited 1 s)"]
    scheduled, stopped = heard
    assert (scheduled.error_type, scheduled.category, scheduled.code) == (
        "Response",
        "TRANSIENT",
        "EXTERNAL_UNAVAILABLE",
    )
    assert (stopped.error_type, stopped.attempts, stopped.code) == ("Response", 2, "EXTERNAL_UNAVAILABLE")
    assert "attempt 1 of 2 failed (Response, EXTERNAL_UNAVAILABLE), next in 1 s" in caplog.text


def test_who_watches_failures_is_told_of_each(any_door: Door, clock: VirtualClock) -> None:
    told: list[Any] = []
    stop = events.watch(told.append)
    try:
        any_door.run(guard(clock, max_attempts=2)(any_door.function(Script(Response(503)))))
    finally:
        stop()
    assert [(each.guard, each.code) for each in told] == [("retry", "EXTERNAL_UNAVAILABLE")] * 2


def test_results_that_are_thrown_away_can_be_closed_and_the_last_one_is_not(
    any_door: Door, clock: VirtualClock
) -> None:
    responses = [Response(503), Response(503), Response(503)]
    guarded = guard(clock, close_discarded=True)(any_door.function(Script(*responses)))
    assert any_door.run(guarded) is responses[2]
    assert [response.closed for response in responses] == [1, 1, 0]
    kept = [Response(503), FINE]
    any_door.run(guard(clock)(any_door.function(Script(*kept))))
    assert kept[0].closed == 0


def test_retry_on_result_is_asked_first_and_raises_for_what_it_calls_bad(any_door: Door, clock: VirtualClock) -> None:
    policy = RetryPolicy(classify_results=True, retry_on_result=lambda response: response.status_code == 202)
    pending, down = Response(202), Response(503)
    with pytest.raises(RetryExhaustedError) as caught:
        any_door.run(with_retry(policy, clock=clock)(any_door.function(Script(down, pending))))
    assert caught.value.last_result is pending
    assert any_door.run(with_retry(policy, clock=clock)(any_door.function(Script(pending, down)))) is down
    assert any_door.run(with_retry(policy, clock=clock)(any_door.function(Script(pending, down, FINE)))) is FINE


def test_a_manager_gives_the_value_and_tells_of_the_failure(any_door: Door, clock: VirtualClock) -> None:
    response = Response(503)
    manager = RetryManager(clock=clock, classify_results=True)
    result = any_door.run(lambda: manager.execute(any_door.function(Script(response))))
    assert (result.success, result.value, result.error, result.context.attempt) == (True, response, None, 3)
    assert result.context.last_error.last_result is response
    assert any_door.run(lambda: manager.execute_or_raise(any_door.function(Script(response)))) is response


def test_nothing_keeps_a_result_after_the_call(clock: VirtualClock) -> None:
    guarded = guard(clock)(lambda: Response(404))
    gone = weakref.ref(guarded())
    assert gone() is None, "no cycle holds it either"
    gc.collect()


def test_while_holdfast_is_off_results_pass(any_door: Door, clock: VirtualClock) -> None:
    script = Script(Response(503))
    with disabled():
        any_door.run(guard(clock)(any_door.function(script)))
    assert script.calls == 1


def test_a_block_has_no_result_to_judge(clock: VirtualClock) -> None:
    with pytest.raises(ConfigurationError, match="has classify_results, but a block has no result to judge"):
        retrying(classify_results=True, clock=clock)


def test_the_field_is_true_or_false() -> None:
    with pytest.raises(ConfigurationError, match="classify_results must be True or False"):
        RetryPolicy(classify_results="yes")  # type: ignore[arg-type]


# -- classifiers of the user's making -----------------------------------------------------------------------


class ErrorsOnly:
    def classify(self, error: BaseException) -> Classification:
        return Classification(category="TRANSIENT")


class Broken(ErrorsOnly):
    def classify_result(self, value: object) -> Classification | None:
        raise RuntimeError("s3cret")


class Nonsense(ErrorsOnly):
    def classify_result(self, value: object) -> Any:
        return "transient"


class Strict(ErrorsOnly):
    def classify_result(self, value: object) -> Classification | None:
        return Classification(category="TRANSIENT", code="STRICT")


@pytest.mark.parametrize(
    ("classifier", "calls"), [(ErrorsOnly(), 3), (Broken(), 1), (Nonsense(), 1), (Strict(), 3), (ErrorClassifier(), 3)]
)
def test_whatever_the_classifier_does_the_call_goes_on(
    any_door: Door, clock: VirtualClock, ways: Any, classifier: Any, calls: int, caplog: pytest.LogCaptureFixture
) -> None:
    response = Response(503)
    script = Script(response)
    assert any_door.run(guard(clock, classifier=classifier, **ways)(any_door.function(script))) is response
    assert script.calls == calls
    assert ("classifier" in caplog.text) is (type(classifier) is Broken)
    assert "s3cret" not in caplog.text.replace("RuntimeError: s3cret", "")


def test_an_interrupt_in_a_rule_passes_and_leaves_nothing(any_door: Door, clock: VirtualClock, ways: Any) -> None:
    classifier = ErrorClassifier()

    def interrupted(_value: object) -> bool:
        raise KeyboardInterrupt

    classifier.register_result(interrupted, failure=False)
    with pytest.raises(KeyboardInterrupt):
        any_door.run(guard(clock, classifier=classifier, **ways)(any_door.function(Script(Response(503)))))


def test_an_interrupt_in_a_callback_passes(any_door: Door, clock: VirtualClock, ways: Any) -> None:
    def interrupted(*_args: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        any_door.run(guard(clock, on_retry=interrupted, **ways)(any_door.function(Script(Response(503)))))


def test_a_policy_for_the_whole_call_hands_it_on() -> None:
    responses = [Response(503), FINE]

    @with_resilience(
        "test-classified-results",
        retry={"classify_results": True, "backoff": {"type": "fixed", "initial_delay": 0}},
        circuit_breaker={"classify_results": True},
    )
    def ask() -> Response:
        return responses.pop(0)

    assert ask() is FINE
