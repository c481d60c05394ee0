"""The search finds what it is for: guards that are broken on purpose, each within its budget, and tells how to see it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from random import Random

import pytest
from tests.schedules.__main__ import main
from tests.schedules.broken import BROKEN
from tests.schedules.choosing import Ranks, Walk, chooser
from tests.schedules.exploring import Scenario, find, play
from tests.schedules.scheduler import Deadlock, Endless, Found, Scheduler
from tests.schedules.worlds import Threads

_BUDGET = 100


@pytest.mark.parametrize("scenario", BROKEN, ids=lambda scenario: scenario.name)
def test_a_broken_guard_is_found_within_the_budget_wherever_the_search_begins(scenario: Scenario) -> None:
    for begin in (0, 1000, 2000):
        finding = find(scenario, _BUDGET, begin)
        assert finding is not None
        again = play(scenario, finding.seed)[1]
        assert str(again) == str(finding)
        assert f"--seed {finding.seed}" in str(finding)


@pytest.mark.parametrize("kind", [Walk, Ranks])
def test_either_way_to_choose_finds_a_lost_wake_up(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.schedules.worlds.chooser", kind)
    lost = next(scenario for scenario in BROKEN if scenario.name == "lost-wake-up")
    finding = find(lost, 300)
    assert finding is not None
    assert isinstance(finding.error, Deadlock)


def test_a_seed_found_in_one_process_is_found_in_another() -> None:
    lost = next(scenario for scenario in BROKEN if scenario.name == "lost-wake-up")
    finding = find(lost, _BUDGET)
    assert finding is not None
    command = [sys.executable, "-m", "tests.schedules", "--scenario", lost.name, "--schedules", "1"]
    house = Path(__file__).parents[2]
    path = os.pathsep.join([str(house), str(house / "src")])
    ended = subprocess.run(
        [*command, "--seed", str(finding.seed)],
        cwd=house,
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    assert str(finding) in ended.stdout


def test_the_command_says_what_was_played(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scenario", "tasks-limiter-turns", "--schedules", "5"]) == 0
    assert "tasks-limiter-turns" in capsys.readouterr().out
    assert main(["--scenario", "opposite-order", "--schedules", "100"]) == 1
    assert "nobody can go on" in capsys.readouterr().out


def test_what_a_thread_raises_comes_out_and_ends_all_the_others() -> None:
    world = Threads(0, ())
    never = world.event()

    def fails() -> None:
        raise ValueError("mine")

    world.start(never.wait)
    world.start(fails)
    with pytest.raises(ValueError, match="mine"):
        world.run()
    assert all(strand.over for strand in world.scheduler.strands)


def test_who_goes_on_for_ever_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.schedules.scheduler._MOST_STEPS", 1000)
    world = Threads(0, ())

    def goes_on() -> None:
        while True:
            world.point()

    world.start(goes_on)
    with pytest.raises(Endless):
        world.run()


def test_what_waits_for_a_lock_of_nobody_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.schedules.scheduler._PATIENCE", 0.05)
    foreign = threading.Lock()
    foreign.acquire()
    scheduler = Scheduler(chooser(Random(0)))
    scheduler.start(foreign.acquire, name="stuck")
    with pytest.raises(Found, match="stuck waits for something that is not ours"):
        scheduler.run()
    foreign.release()
    assert scheduler._done.acquire(timeout=30)


def test_time_goes_on_to_the_next_moment_for_which_somebody_waits() -> None:
    for seed in range(20):
        world = Threads(seed, ())
        came: list[float] = []

        def sleeper(duration: float) -> None:
            world.clock.sleep(duration)
            came.append(world.now)

        for duration in (3600.0, 1.0, 60.0):
            world.start(sleeper, duration)
        world.run()
        assert 3600.0 <= world.now <= 3661.0, "each begins to sleep when it is its turn"
        assert came == sorted(came)


def test_a_condition_wakes_those_who_wait_by_then_and_gives_the_lock_back() -> None:
    for seed in range(30):
        world = Threads(seed, ())
        condition = world.condition()
        things: list[int] = []
        taken: list[int] = []

        def taker() -> None:
            with condition:
                while not things:
                    condition.wait()
                taken.append(things.pop())

        def giver() -> None:
            for thing in (1, 2):
                with condition:
                    things.append(thing)
                    condition.notify_all()

        world.start(taker)
        world.start(giver)
        world.start(taker)
        world.run()
        assert sorted(taken) == [1, 2]
