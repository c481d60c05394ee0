"""A result adds up what came of its calls, and tells what was lost from what was refused."""

from __future__ import annotations

from holdfast.demo.result import PENDING, Fate, Outcome, Result
from holdfast.demo.run import SCENARIOS
from holdfast.demo.script import Phase

RESULT = Result(
    scenario=SCENARIOS[2],
    fates=(
        Fate(Outcome.ANSWERED, attempts=1, seconds=0.01),
        Fate(Outcome.RECOVERED, attempts=3, seconds=0.3),
        Fate(Outcome.LOST, attempts=1, seconds=0.02, cause="HTTP 404"),
        Fate(Outcome.REFUSED, attempts=2, seconds=0.2, cause="CircuitOpenError"),
        Fate(Outcome.REFUSED, attempts=0, seconds=0.0001, cause="CircuitOpenError"),
        PENDING,
    ),
    requests=dict.fromkeys(Phase, 2),
    most_at_once=2,
    seconds=1.0,
    stalled=frozenset({1, 3}),
)


def test_a_result_counts_its_calls_and_attempts() -> None:
    assert (RESULT.calls, RESULT.done, RESULT.attempts) == (6, 5, 7)
    assert RESULT.count(Outcome.ANSWERED, Outcome.RECOVERED) == 2
    assert RESULT.count(Outcome.PENDING) == 1


def test_a_part_of_the_calls_can_be_counted() -> None:
    assert RESULT.count(Outcome.REFUSED, among=range(4, 6)) == 1
    assert RESULT.count(Outcome.ANSWERED, among=range(4, 6)) == 0
    assert RESULT.count(*Outcome, among=range(6, 6)) == 0
    assert RESULT.count(*Outcome, among=range(5, 99)) == 1
    assert RESULT.count(Outcome.RECOVERED, among=RESULT.stalled) == 1


def test_the_refused_are_among_the_lost() -> None:
    assert RESULT.lost == 3
    assert RESULT.lost_to == {"CircuitOpenError": 2, "HTTP 404": 1}


def test_a_wait_is_known_when_it_is_over() -> None:
    assert RESULT.waits(range(3, 6)) == [0.2, 0.0001]
    assert RESULT.waits(RESULT.stalled) == [0.3, 0.2]
    assert RESULT.waits() == [0.01, 0.3, 0.02, 0.2, 0.0001]


def test_a_refusal_is_that_of_a_call_which_was_never_sent() -> None:
    assert RESULT.refusals == [0.0001]
