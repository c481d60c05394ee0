"""The course of one call, told attempt by attempt: what follows, after how long, and up to when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from holdfast import BackoffConfig, Classification, RetryPolicy
from holdfast.retry.state import RetryState, Step

TRANSIENT = Classification(category="TRANSIENT", code="T")
PERMANENT = Classification(category="PERMANENT", code="NOT_FOUND")
ASKED = Classification(category="TRANSIENT", code="T", retry_after=7.0)


class Reports(list[tuple[str, Any]]):
    def __call__(self, what: str, function: Callable[..., object]) -> None:
        self.append((what, function))


def begun(policy: RetryPolicy, attempts: int = 1, *, started: float | None = None) -> RetryState:
    return RetryState(policy, started, attempts)


def broken(attempt: int) -> float:
    raise RuntimeError(attempt)


def half() -> float:
    return 0.5


# Every way in which an attempt may end, by one name.

WAYS: dict[str, Callable[..., Step]] = {
    "an error": lambda state, seen, random, reports: state.after_error(ValueError(), seen, 100.0, random, reports),
    "a returned failure": lambda state, seen, random, reports: state.after_failed_result(
        ValueError(), seen, 100.0, random, reports
    ),
    "a bad result": lambda state, _seen, random, reports: state.after_bad_result(100.0, random, reports),
}


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def ended(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_after_the_last_attempt_nothing_follows_and_no_reason_is_needed(ended: Any) -> None:
    for attempts, follows in ((2, True), (3, False), (4, False)):
        step = ended(begun(RetryPolicy(max_attempts=3), attempts), TRANSIENT, half, Reports())
        assert (step.delay is not None) is follows
        assert step.why == ""


def test_delays_are_drawn_by_the_chance_that_is_given(ended: Any) -> None:
    policy = RetryPolicy(backoff=BackoffConfig(type="full-jitter", initial_delay=8))
    assert ended(begun(policy), TRANSIENT, lambda: 0.25, Reports()).delay == 2


def test_delays_grow_from_one_attempt_to_the_next(ended: Any) -> None:
    state = begun(RetryPolicy(backoff=BackoffConfig(initial_delay=1, multiplier=3), max_attempts=9))
    assert [ended(state, TRANSIENT, half, Reports()).delay for _ in range(3)] == [1, 3, 9]


def test_a_back_off_function_that_raises_is_told_of_and_its_initial_delay_counts(ended: Any) -> None:
    reports = Reports()
    policy = RetryPolicy(backoff=BackoffConfig(type=broken, initial_delay=4))
    assert ended(begun(policy), TRANSIENT, half, reports).delay == 4
    assert reports == [("backoff", broken)]


def test_why_nothing_follows_is_told() -> None:
    for way in ("an error", "a returned failure"):
        step = WAYS[way](begun(RetryPolicy()), PERMANENT, half, Reports())
        assert step.delay is None
        assert step.why == "PERMANENT NOT_FOUND is not helped by a retry"


def test_the_back_off_of_an_errors_type_counts_also_if_the_error_was_made_of_a_result() -> None:
    policy = RetryPolicy(backoff_for={ValueError: BackoffConfig(type="fixed", initial_delay=5)})
    for way in ("an error", "a returned failure"):
        assert WAYS[way](begun(policy), TRANSIENT, half, Reports()).delay == 5


def test_a_rule_is_told_the_number_of_the_attempt() -> None:
    asked: list[int] = []

    def rule(_error: Exception, attempt: int) -> bool:
        asked.append(attempt)
        return True

    state = begun(RetryPolicy(should_retry=rule, max_attempts=9), 4)
    state.after_error(ValueError(), TRANSIENT, 0.0, half, Reports())
    assert asked == [4]


def test_each_back_off_counts_its_own_uses() -> None:
    policy = RetryPolicy(
        max_attempts=9,
        backoff=BackoffConfig(initial_delay=1, multiplier=2),
        backoff_for={"T": BackoffConfig(initial_delay=10, multiplier=2)},
    )
    state = begun(policy)
    other = Classification(category="TRANSIENT", code="OTHER")
    seen = [TRANSIENT, other, TRANSIENT, other]
    steps = [state.after_error(ValueError(), each, 0.0, half, Reports()) for each in seen]
    assert [step.delay for step in steps] == [10, 1, 20, 2]


@pytest.mark.parametrize(
    ("most", "delay", "why"),
    [
        (8, 7, ""),
        (7, 7, ""),
        (None, 7, ""),
        (6.5, None, "the server asks to wait 7 s, max_retry_after is 6.5 s"),
        (0, None, "the server asks to wait 7 s, max_retry_after is 0 s"),
    ],
)
def test_what_the_server_asks_for_is_a_floor_up_to_the_limit(most: float | None, delay: float | None, why: str) -> None:
    policy = RetryPolicy(max_retry_after=most, backoff=BackoffConfig(initial_delay=1))
    for way in ("an error", "a returned failure"):
        step = WAYS[way](begun(policy), ASKED, half, Reports())
        assert (step.delay, step.why) == (delay, why)


def test_a_longer_delay_than_the_server_asks_for_stays() -> None:
    policy = RetryPolicy(backoff=BackoffConfig(type="fixed", initial_delay=9))
    assert begun(policy).after_error(ValueError(), ASKED, 0.0, half, Reports()).delay == 9


def test_no_attempt_begins_at_the_deadline_and_none_is_waited_for_that_would() -> None:
    state = RetryState(RetryPolicy(total_timeout=5), 100.0)
    assert (state.deadline, state.whose, state.attempts) == (105.0, "total_timeout", 0)
    assert state.begin(104.9)
    assert not state.begin(105.0)
    assert state.attempts == 1
    assert state.too_late(102.0, 2.9) is None
    for now, delay, why in (
        (102.0, 3.0, "the next attempt is due in 3 s, total_timeout leaves 3 s"),
        (102.0, 3.5, "the next attempt is due in 3.5 s, total_timeout leaves 3 s"),
        (106.0, 1.0, "the next attempt is due in 1 s, total_timeout leaves 0 s"),
    ):
        step = state.too_late(now, delay)
        assert step is not None
        assert (step.delay, step.why) == (None, why)


def test_a_step_that_would_come_too_late_is_not_made(ended: Any) -> None:
    policy = RetryPolicy(total_timeout=1, backoff=BackoffConfig(type="fixed", initial_delay=5))
    step = ended(begun(policy, started=100.0), TRANSIENT, half, Reports())
    assert (step.delay, step.why) == (None, "the next attempt is due in 5 s, total_timeout leaves 1 s")


def test_without_a_limit_or_a_start_there_is_no_deadline() -> None:
    assert RetryState(RetryPolicy(), 100.0).deadline is None
    state = RetryState(RetryPolicy(total_timeout=5), None)
    assert state.deadline is None
    assert state.begin(1e9)
    assert state.too_late(1e9, 1e9) is None


def test_the_nearer_deadline_counts_and_of_two_at_the_same_moment_the_one_around() -> None:
    state = RetryState(RetryPolicy(total_timeout=5), 100.0)
    state.narrow(106.0, "the deadline 'far'")
    assert (state.deadline, state.whose) == (105.0, "total_timeout")
    state.narrow(105.0, "the deadline 'same'")
    assert (state.deadline, state.whose) == (105.0, "the deadline 'same'")
    state.narrow(103.0, "the deadline 'near'")
    assert (state.deadline, state.whose) == (103.0, "the deadline 'near'")
    free = RetryState(RetryPolicy(), 100.0)
    free.narrow(103.0, "the deadline 'any'")
    assert (free.deadline, free.whose) == (103.0, "the deadline 'any'")


def test_waits_are_noted_in_their_order() -> None:
    state = begun(RetryPolicy())
    state.waits(1.0)
    state.waits(2.0)
    assert state.delays == [1.0, 2.0]
