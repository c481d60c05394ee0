"""The circuit and its windows by themselves: told the time and every outcome, they are where they have to be."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast import CircuitBreakerConfig
from holdfast.circuit_breaker.config import CircuitState
from holdfast.circuit_breaker.state import Circuit, Closed, HalfOpen, Open, Probe
from holdfast.circuit_breaker.window import BUCKETS, CountWindow, TimeWindow

CLOSED, OPEN, HALF_OPEN = CircuitState


def circuit(now: float = 0.0, **fields: Any) -> Circuit:
    return Circuit(CircuitBreakerConfig(name="c", **{"reset_timeout": 10, **fields}), now)


def admitted(one: Circuit, now: float) -> Any:
    permit = one.admit(now)
    assert permit is not None
    return permit


def fail(one: Circuit, now: float, *, slow: bool = False, retry_after: float | None = None) -> None:
    one.failed(admitted(one, now), now, slow=slow, retry_after=retry_after)


def succeed(one: Circuit, now: float, *, slow: bool = False) -> None:
    one.succeeded(admitted(one, now), now, slow=slow)


# Windows.


def test_a_time_window_lets_go_of_a_tenth_at_a_time() -> None:
    window = TimeWindow(10.0, now=3.5)
    assert (window.successes, window.failures, window.slow, window.turns) == (0, 0, 0, 4.0)
    window.add(1, 2, 3)
    window.add(1, 0, 0)
    window.turn(3.9)
    assert (window.successes, window.failures, window.slow, window.turns) == (2, 2, 3, 4.0)
    window.turn(4.0)
    window.add(0, 1, 1)
    assert window.turns == 5.0
    window.turn(12.9)
    assert (window.successes, window.failures, window.slow, window.turns) == (2, 3, 4, 13.0)
    window.turn(13.0)
    assert (window.successes, window.failures, window.slow) == (0, 1, 1)
    window.turn(14.0)
    assert (window.successes, window.failures, window.slow) == (0, 0, 0)


def test_a_window_turns_at_tenths_of_its_length_also_before_zero() -> None:
    window = TimeWindow(20.0, now=-5.0)
    assert window.turns == -4.0
    window.add(0, 1, 0)
    window.turn(-4.0)
    assert (window.turns, window.failures) == (-2.0, 1)
    window.turn(-3.5)
    assert (window.turns, window.failures) == (-2.0, 1)
    window.turn(13.9)
    assert (window.turns, window.failures) == (14.0, 1)
    window.turn(14.0)
    assert (window.turns, window.failures) == (16.0, 0)
    assert TimeWindow(20.0, now=7.0).turns == 8.0


def test_a_clock_that_goes_back_or_far_ahead_leaves_a_sound_window() -> None:
    window = TimeWindow(10.0, now=5.0)
    window.add(1, 1, 1)
    window.turn(2.0)
    assert (window.successes, window.turns) == (1, 6.0)
    window.turn(15.0)
    assert (window.successes, window.failures, window.slow, window.turns) == (0, 0, 0, 16.0)
    window.add(2, 0, 0)
    window.turn(1000.0)
    assert (window.successes, window.turns) == (0, 1001.0)
    window.add(0, 1, 0)
    window.turn(1000.0 + BUCKETS - 1)
    assert window.failures == 1


def test_a_count_window_keeps_the_last_ones_in_their_order() -> None:
    window = CountWindow(3)
    window.turn(1e9)
    assert window.turns == float("inf")
    window.add(0, 1, 1)
    window.add(1, 0, 0)
    window.add(1, 0, 1)
    assert (window.successes, window.failures, window.slow) == (2, 1, 2)
    window.add(0, 1, 0)
    assert (window.successes, window.failures, window.slow) == (2, 1, 1), "the slow failure has left"
    window.add(0, 1, 1)
    assert (window.successes, window.failures, window.slow) == (1, 2, 2)
    window.add(0, 1, 0)
    assert (window.successes, window.failures, window.slow) == (0, 3, 1), "the slow success has left"


def test_many_at_once_push_out_no_more_than_there_is() -> None:
    window = CountWindow(3)
    window.add(0, 3, 0)
    window.add(1000, 0, 2)
    assert (window.successes, window.failures, window.slow) == (3, 0, 2)
    window.add(2, 0, 0)
    assert (window.successes, window.failures, window.slow) == (3, 0, 1)
    window.add(0, 1000, 0)
    assert (window.successes, window.failures, window.slow) == (0, 3, 0)
    window = CountWindow(4)
    window.add(2, 1, 1)
    assert (window.successes, window.failures, window.slow) == (2, 1, 0), "the failure is the quick one"


# A closed phase.


def test_tallied_successes_are_collected_once_and_a_look_takes_none() -> None:
    phase = Closed(CircuitBreakerConfig(name="c", failure_window=10), 5.0)
    assert (phase.since, phase.row, phase.quiet_until, phase.last_number, phase.last_success) == (
        5.0,
        0,
        6.0,
        None,
        None,
    )
    assert phase.uncollected() == phase.uncollected() == 0
    phase.row = 2
    assert phase.collect(5.5) == 0
    assert phase.row == 2
    for _ in range(3):
        next(phase.tally)
    assert phase.uncollected() == phase.uncollected() == 3
    assert phase.collect(6.5) == 3
    assert (phase.row, phase.window.successes, phase.quiet_until) == (0, 3, 7.0)
    assert (phase.window.failures, phase.window.slow) == (0, 0)
    assert phase.collect(6.5) == 0
    next(phase.tally)
    assert phase.retire(6.5) == 1
    last = phase.last_number
    assert last is not None
    assert next(phase.tally) == last + 1, "whoever draws now comes too late"


# Opening.


@pytest.mark.parametrize("threshold", [1, 3])
def test_a_row_of_failures_opens_it(threshold: int) -> None:
    one = circuit(failure_threshold=threshold)
    for number in range(1, threshold + 1):
        assert one.phase.state is CLOSED
        fail(one, float(number))
    assert isinstance(one.phase, Open)
    assert (one.phase.since, one.phase.until, one.phase.held) == (threshold, threshold + 10, False)


def test_failures_with_successes_between_them_open_it_if_the_share_is_large_enough() -> None:
    one = circuit(failure_threshold=2, failure_rate_threshold=0.5, minimum_requests=4)
    for _ in range(2):
        succeed(one, 0.0)
    fail(one, 0.0)
    succeed(one, 0.0)
    fail(one, 0.0)
    assert one.phase.state is CLOSED, "two of five"
    succeed(one, 0.0)
    fail(one, 0.0)
    assert one.phase.state is CLOSED, "three of seven"
    fail(one, 0.0)
    assert one.phase.state is OPEN, "a row of two"


def test_a_share_that_is_just_reached_opens_it() -> None:
    one = circuit(failure_threshold=2, failure_rate_threshold=0.5, minimum_requests=4)
    for outcome in "fssf":
        assert one.phase.state is CLOSED
        (fail if outcome == "f" else succeed)(one, 0.0)
    assert one.phase.state is OPEN


@pytest.mark.parametrize(("slow", "opens"), [(1, False), (2, True)])
def test_slow_calls_open_it_when_their_share_is_reached_and_not_before_there_are_enough(slow: int, opens: bool) -> None:
    one = circuit(
        failure_threshold=9,
        slow_call_duration_threshold=1,
        slow_call_rate_threshold=0.5,
        minimum_requests=4,
        failure_rate_threshold=1,
    )
    for number in range(3):
        succeed(one, 0.0, slow=number < slow)
    assert one.phase.state is CLOSED
    succeed(one, 0.0)
    assert (one.phase.state is OPEN) is opens
    if opens:
        assert isinstance(one.phase, Open)
        assert one.phase.until == 10.0


def test_failures_may_be_slow_as_well() -> None:
    one = circuit(
        failure_threshold=9,
        slow_call_duration_threshold=1,
        slow_call_rate_threshold=0.5,
        minimum_requests=2,
        failure_rate_threshold=1,
    )
    fail(one, 0.0, slow=True)
    assert one.phase.state is CLOSED
    fail(one, 0.0)
    assert one.phase.state is OPEN


def test_a_success_ends_a_row() -> None:
    one = circuit(failure_threshold=2, failure_rate_threshold=1, minimum_requests=2)
    for _ in range(3):
        fail(one, 0.0)
        succeed(one, 0.0)
        assert isinstance(one.phase, Closed)
        assert one.phase.row == 0


@pytest.mark.parametrize(
    ("asked", "until"), [(None, 10.0), (0.0, 10.0), (9.0, 10.0), (25.0, 25.0), (59.0, 59.0), (61.0, 60.0)]
)
def test_a_server_that_asks_for_longer_is_heard_up_to_the_longest_timeout(asked: float | None, until: float) -> None:
    one = circuit(failure_threshold=1, max_reset_timeout=60)
    fail(one, 0.0, retry_after=asked)
    assert isinstance(one.phase, Open)
    assert one.phase.until == until
    fail(one, 100.0, retry_after=asked)
    assert isinstance(one.phase, Open), "a failed probe is heard likewise"
    assert one.phase.until == 100 + until


def test_a_timeout_may_be_shorter_than_a_second() -> None:
    one = circuit(failure_threshold=1, reset_timeout=0.25)
    fail(one, 0.0)
    assert isinstance(one.phase, Open)
    assert one.phase.until == 0.25


# Half-open.


def opened(**fields: Any) -> Circuit:
    one = circuit(failure_threshold=1, **fields)
    fail(one, 0.0)
    return one


def test_it_refuses_until_the_timeout_is_over_and_lets_so_many_probes_in() -> None:
    one = opened(half_open_max_calls=2)
    assert one.admit(9.9) is None
    assert one.phase.state is OPEN
    first, second = admitted(one, 10.0), admitted(one, 10.0)
    assert isinstance(first, Probe)
    assert isinstance(one.phase, HalfOpen)
    assert (one.phase.since, first.expires) == (10.0, 20.0)
    assert one.admit(19.9) is None
    third = admitted(one, 20.0)
    assert one.phase.probes == {third}, "the others have lost their places"
    one.abandoned(third)
    assert one.phase.probes == set()
    assert one.holds(first)
    assert one.holds(second)
    assert not one.holds(None)


def test_the_lease_of_a_probe_is_its_own_timeout_if_there_is_one() -> None:
    one = opened(probe_timeout=3, half_open_max_calls=1)
    admitted(one, 10.0)
    assert one.admit(12.9) is None
    assert one.admit(13.0) is not None


def test_so_many_successes_close_it_and_their_places_are_free_again() -> None:
    one = opened(success_threshold=2, half_open_max_calls=1)
    succeed(one, 10.0)
    assert one.phase.state is HALF_OPEN
    succeed(one, 11.0)
    assert isinstance(one.phase, Closed)
    assert (one.phase.since, one.phase.window.failures) == (11.0, 0)


def test_a_failed_probe_opens_it_for_longer_each_time_and_closing_forgets_that() -> None:
    one = opened(reset_timeout_multiplier=2, max_reset_timeout=30, success_threshold=1)
    untils = []
    now = 10.0
    for _ in range(3):
        fail(one, now)
        assert isinstance(one.phase, Open)
        untils.append(one.phase.until - now)
        now = one.phase.until
    assert untils == [20, 30, 30]
    succeed(one, now)
    fail(one, now)
    assert isinstance(one.phase, Open)
    assert one.phase.until == now + 10


def test_an_outcome_of_a_phase_that_is_over_is_not_held() -> None:
    one = circuit(failure_threshold=1)
    permit = admitted(one, 0.0)
    assert one.holds(permit)
    fail(one, 0.0)
    assert not one.holds(permit)
    one.abandoned(permit)
    probe = admitted(one, 10.0)
    one.close(11.0)
    assert not one.holds(probe)


def test_held_open_it_stays_so() -> None:
    one = circuit()
    one.hold_open(3.0)
    assert isinstance(one.phase, Open)
    assert (one.phase.since, one.phase.until, one.phase.held) == (3.0, float("inf"), True)
    assert one.admit(1e300) is None


# Another config.


def test_a_new_config_keeps_the_phase_and_what_was_counted_if_the_window_stays() -> None:
    one = circuit(failure_threshold=3, failure_window=60)
    fail(one, 0.0)
    fail(one, 0.0)
    one.adjust(CircuitBreakerConfig(name="c", failure_threshold=4, failure_window=60, reset_timeout=10), 1.0)
    assert isinstance(one.phase, Closed)
    assert one.phase.window.failures == 2
    for changed in ({"failure_window": 30}, {"window_size": 20}):
        one.adjust(CircuitBreakerConfig(name="c", failure_threshold=4, **changed), 2.0)  # type: ignore[arg-type]
        assert isinstance(one.phase, Closed)
        assert one.phase.window.failures == 0
        fail(one, 2.0)
    assert isinstance(one.phase.window, CountWindow)


def test_a_grown_timeout_stays_unless_the_timeout_is_changed_and_keeps_to_its_limit() -> None:
    grown = {"failure_threshold": 1, "reset_timeout_multiplier": 2, "max_reset_timeout": 60}
    one = opened(**{name: value for name, value in grown.items() if name != "failure_threshold"})
    fail(one, 10.0)
    assert one.reset_timeout == 20
    one.adjust(CircuitBreakerConfig(name="c", reset_timeout=10, success_threshold=5, **grown), 11.0)  # type: ignore[arg-type]
    assert one.reset_timeout == 20
    one.adjust(CircuitBreakerConfig(name="c", reset_timeout=10, **{**grown, "max_reset_timeout": 15}), 11.0)  # type: ignore[arg-type]
    assert one.reset_timeout == 15
    one.adjust(CircuitBreakerConfig(name="c", reset_timeout=7, **grown), 11.0)  # type: ignore[arg-type]
    assert one.reset_timeout == 7
    assert one.phase.state is OPEN
