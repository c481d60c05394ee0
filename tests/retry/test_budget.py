"""A shared budget: retries are a share of the calls, plus a few."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import pytest
from hypothesis import given, strategies as st

from holdfast import ConfigurationError, RetryBudget


def test_a_tenth_of_thirty_calls_is_three_retries() -> None:
    budget = RetryBudget(ratio=0.1, min_per_second=0)
    for _ in range(30):
        budget.record_call(5.0)
    assert [budget.try_spend(5.0) for _ in range(4)] == [True, True, True, False]


def test_callers_with_little_traffic_have_their_minimum() -> None:
    budget = RetryBudget(ratio=0, min_per_second=0.2)
    assert [budget.try_spend(0.0) for _ in range(3)] == [True, True, False]
    assert [budget.try_spend(10.0) for _ in range(3)] == [True, True, False], "ten seconds later it is full again"


def test_calls_and_retries_leave_the_window_second_by_second() -> None:
    budget = RetryBudget(ratio=0.5, min_per_second=0)
    for now in (0.0, 0.5, 0.9, 1.0, 1.5):
        budget.record_call(now)
    assert budget.available(1.5) == 2.5
    assert budget.try_spend(1.5)
    assert budget.try_spend(2.5)
    assert budget.available(9.9) == 0.5
    assert budget.available(10.0) == 0.5 * 2 - 2, "those of the first second are gone"
    assert budget.available(11.0) == -1
    assert budget.available(12.0) == 0
    for _ in range(4):
        budget.record_call(12.9)
    assert budget.available(12.9) == 2
    assert budget.available(21.9) == 2
    assert budget.available(22.0) == 0


def test_a_hair_less_than_one_retry_is_one() -> None:
    budget = RetryBudget(ratio=1 - 1e-9, min_per_second=0)
    budget.record_call(0.0)
    assert budget.try_spend(0.0)
    budget = RetryBudget(ratio=1 - 2e-9, min_per_second=0)
    budget.record_call(0.0)
    assert not budget.try_spend(0.0)


@given(
    st.lists(st.tuples(st.sampled_from(["call", "retry"]), st.floats(min_value=0, max_value=5)), max_size=200),
    st.floats(min_value=0, max_value=1),
    st.integers(min_value=0, max_value=3),
)
def test_it_agrees_with_a_model_that_remembers_everything(
    history: list[tuple[str, float]], ratio: float, minimum: int
) -> None:
    budget = RetryBudget(ratio=ratio, min_per_second=minimum)
    calls: deque[int] = deque()
    retries: deque[int] = deque()
    now = 0.0
    for kind, passes in history:
        now += passes
        oldest = int(now) - 9
        in_window = [sum(second >= oldest for second in seconds) for seconds in (calls, retries)]
        if kind == "call":
            budget.record_call(now)
            calls.append(int(now))
        else:
            allowed = ratio * in_window[0] + minimum * 10 - in_window[1] >= 1 - 1e-9
            assert budget.try_spend(now) is allowed
            if allowed:
                retries.append(int(now))
    assert len(budget._seconds) <= 10


RULES = {"ratio": "a number from 0 to 1", "min_per_second": "a finite number of at least 0"}


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, True, "0.2", None])
@pytest.mark.parametrize("field", ["ratio", "min_per_second"])
def test_bad_settings_are_refused(field: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"RetryBudget: {field} must be {RULES[field]}, not "):
        RetryBudget(**{field: value})


def test_a_ratio_that_is_refused_is_explained() -> None:
    with pytest.raises(ConfigurationError, match=r"not -1 \(a share of the calls: 0\.2 allows one retry for five\)$"):
        RetryBudget(ratio=-1)
    with pytest.raises(ConfigurationError, match=r"not 20 \(a percentage is written as a fraction: 0\.2\)$"):
        RetryBudget(ratio=20)


def test_it_shows_its_settings() -> None:
    assert repr(RetryBudget()) == "RetryBudget(ratio=0.2, min_per_second=10)"
