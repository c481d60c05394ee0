"""The script is a pure function of the seed, and what it prescribes is the trouble the demonstration promises."""

from __future__ import annotations

from collections import Counter

import pytest

from holdfast.demo import Plan
from holdfast.demo.guards import RETRIES
from holdfast.demo.script import Behaviour, Phase, Script, body_of

with_any_seed = pytest.mark.parametrize("seed", [0, 1, 2, 3, 17, 99, 2**31, -5])


def played(seed: int, *, calls: int = 60, attempts: int = 4) -> dict[tuple[int, int, Phase], Behaviour]:
    script = Script(seed)
    return {
        (call, attempt, phase): script.behaviour(call=call, attempt=attempt, phase=phase)
        for call in range(calls)
        for attempt in range(1, attempts + 1)
        for phase in Phase
    }


@with_any_seed
def test_the_same_seed_misbehaves_in_the_same_way(seed: int) -> None:
    assert played(seed) == played(seed)


def test_another_seed_misbehaves_in_another_way() -> None:
    assert played(1) != played(2)


@with_any_seed
def test_what_happens_to_a_call_does_not_depend_on_what_was_asked_before(seed: int) -> None:
    forwards, backwards = Script(seed), Script(seed)
    met = {call: forwards.behaviour(call=call, attempt=1) for call in range(60)}
    assert {call: backwards.behaviour(call=call, attempt=1) for call in reversed(range(60))} == met


@with_any_seed
@pytest.mark.parametrize("round_", [0, 1, 7])
def test_fifty_first_attempts_meet_with_every_kind_of_trouble(seed: int, round_: int) -> None:
    script = Script(seed)
    met = Counter(script.behaviour(call=50 * round_ + place, attempt=1) for place in range(50))
    assert met == {
        Behaviour.ANSWER: 33,
        Behaviour.BUSY: 4,
        Behaviour.PAUSE: 1,
        Behaviour.LIMITED: 3,
        Behaviour.RESET: 3,
        Behaviour.TRUNCATED: 2,
        Behaviour.STALL: 3,
        Behaviour.MISSING: 1,
    }


@with_any_seed
def test_what_is_missing_is_missing_at_every_attempt_and_nothing_else_is(seed: int) -> None:
    script = Script(seed)
    for call in range(50):
        missing = {script.behaviour(call=call, attempt=attempt) is Behaviour.MISSING for attempt in (1, 2, 3)}
        assert missing == {script.behaviour(call=call, attempt=1) is Behaviour.MISSING}


def test_a_fifth_of_the_later_attempts_fail_again() -> None:
    script = Script(seed=3)
    later = [script.behaviour(call=call, attempt=2) for call in range(2_000)]
    failed = [met for met in later if met not in (Behaviour.ANSWER, Behaviour.MISSING)]
    assert 340 < len(failed) < 460
    assert set(failed) == {Behaviour.BUSY, Behaviour.LIMITED, Behaviour.RESET, Behaviour.TRUNCATED}


@with_any_seed
def test_in_an_outage_no_attempt_is_answered(seed: int) -> None:
    script = Script(seed)
    met = {
        script.behaviour(call=call, attempt=attempt, phase=Phase.OUTAGE) for call in range(30) for attempt in (1, 2, 3)
    }
    assert met == {Behaviour.RESET, Behaviour.DOWN}


@with_any_seed
def test_afterwards_all_is_answered_that_there_is(seed: int) -> None:
    script = Script(seed)
    met = Counter(
        script.behaviour(call=call, attempt=attempt, phase=Phase.WELL) for call in range(50) for attempt in (1, 2, 3)
    )
    assert met == {Behaviour.ANSWER: 3 * 49, Behaviour.MISSING: 3}


def test_without_an_outage_the_rough_time_never_ends() -> None:
    phases = {Script(seed=1).phase(call=call, attempt=attempt, reached=99) for call in (0, 99) for attempt in (1, 2)}
    assert phases == {Phase.ROUGH}


@pytest.mark.parametrize("reached", [0, 10, 19, 20, 99])
def test_a_first_attempt_meets_what_is_at_its_own_place_in_the_traffic(reached: int) -> None:
    script = Script(seed=1, outage=range(10, 20))
    phases = [script.phase(call=call, attempt=1, reached=reached) for call in (9, 10, 19, 20)]
    assert phases == [Phase.ROUGH, Phase.OUTAGE, Phase.OUTAGE, Phase.WELL]


@pytest.mark.parametrize("call", [0, 15, 25])
def test_a_later_attempt_meets_what_is_going_on_when_it_is_made(call: int) -> None:
    script = Script(seed=1, outage=range(10, 20))
    phases = [script.phase(call=call, attempt=2, reached=reached) for reached in (9, 10, 19, 20)]
    assert phases == [Phase.ROUGH, Phase.OUTAGE, Phase.OUTAGE, Phase.WELL]


def test_even_the_shortest_waits_outlast_the_outage() -> None:
    plan = Plan()
    shortest = sum(low for low, _ in RETRIES.backoff.delays(RETRIES.max_attempts - 1))
    assert shortest > 1.5 * len(plan.outage) * plan.gap


def test_the_seed_that_is_shown_stalls_early_enough_for_another_attempt_before_the_outage() -> None:
    plan = Plan()
    script = Script(plan.seed)
    stalled = [c for c in range(plan.outage.start) if script.behaviour(call=c, attempt=1) is Behaviour.STALL]
    again = [script.behaviour(call=call, attempt=2) for call in stalled]
    assert again == [Behaviour.ANSWER] * 3
    longest_wait = RETRIES.backoff.delays(1)[0][1]
    assert max(stalled) * plan.gap + plan.attempt_timeout + longest_wait + plan.pace < plan.outage.start * plan.gap


def test_every_call_has_an_answer_of_its_own_and_always_the_same() -> None:
    bodies = [body_of(call) for call in range(200)]
    assert len(set(bodies)) == 200
    assert bodies == [body_of(call) for call in range(200)]
    assert all(len(body) > 500 for body in bodies)
