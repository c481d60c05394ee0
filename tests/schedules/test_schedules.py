"""Every scenario holds in the first schedules, and a schedule is the same whenever it is played again."""

from __future__ import annotations

import pytest
from tests.schedules.exploring import Scenario, find, play
from tests.schedules.scenarios import SCENARIOS

_OF_THREADS, _OF_TASKS = 40, 150


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_what_is_promised_holds_whoever_goes_on_when(scenario: Scenario) -> None:
    finding = find(scenario, _OF_TASKS if scenario.watched is None else _OF_THREADS)
    assert finding is None, str(finding)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_a_seed_makes_the_same_schedule_again(scenario: Scenario) -> None:
    for seed in (1, 2, 3):
        assert play(scenario, seed)[0] == play(scenario, seed)[0]


@pytest.mark.parametrize("name", ["bulkhead-permits", "tasks-bulkhead-permits"])
def test_seeds_make_different_schedules(name: str) -> None:
    assert len({play(SCENARIOS[name], seed)[0] for seed in range(20)}) > 15
