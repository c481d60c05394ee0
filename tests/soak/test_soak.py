"""A short form of the long runs: the promises hold under mixed traffic, minute by minute, in virtual time."""

from __future__ import annotations

import json
import threading
from random import Random

import pytest

from . import __main__ as command, virtual
from .dependency import Course, Phase
from .findings import Findings
from .shared_time import SharedTime


def test_forty_virtual_seconds_of_calls_from_threads_keep_every_count() -> None:
    found = virtual.threads(seconds=40, rate=100, seed=7)
    assert not found.failed, found.text()
    assert found.facts["calls that ended with: answer"] > 500, "there was traffic"


def test_forty_virtual_seconds_of_calls_from_tasks_keep_every_count_while_some_are_cancelled() -> None:
    found = virtual.tasks(seconds=40, rate=50, seed=7)
    assert not found.failed, found.text()
    assert found.facts["calls that ended with: cancelled"] > 0


def test_threads_in_shared_time_wake_up_in_their_order_and_wait_for_one_another() -> None:
    clock, woke = SharedTime(2, Random(1)), []

    def sleeper(*durations: float) -> None:
        for duration in durations:
            clock.sleep(duration)
            woke.append((duration, clock.monotonic()))
        clock.leave()

    threads = [threading.Thread(target=sleeper, args=each) for each in ([3.0, 4.0], [1.0, 5.0])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert woke == [(1.0, 1.0), (3.0, 3.0), (5.0, 6.0), (4.0, 7.0)]


def test_each_cycle_passes_through_all_phases() -> None:
    course = Course(100.0)
    assert [course.at(now) for now in (0, 14.9, 15.1, 31, 56, 71, 86, 99.9)] == [
        Phase.HEALTHY,
        Phase.HEALTHY,
        Phase.SLOW,
        Phase.FAILING,
        Phase.DOWN,
        Phase.LIMITING,
        Phase.RECOVERING,
        Phase.RECOVERING,
    ]
    assert course.at(120) is Phase.SLOW


def test_the_exit_code_is_1_if_anything_is_not_as_it_must_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> Findings:
        findings = Findings("a run")
        findings.expect("nothing of this")
        findings.equal("these two", 1, 2)
        findings.mishap("nothing of this", "once")
        return findings

    monkeypatch.setattr(virtual, "threads", lambda **_: Findings("fine"))
    monkeypatch.setattr(virtual, "tasks", lambda **_: Findings("fine"))
    assert command.main(["virtual"]) == 0
    monkeypatch.setattr(virtual, "tasks", broken)
    assert command.main(["virtual"]) == 1
    assert "2 checks, 2 of them FAILED" in capsys.readouterr().out
    assert command.main(["virtual", "--json"]) == 1
    fine, told = json.loads(capsys.readouterr().out)
    assert fine["holds"]
    assert not told["holds"]
    assert [check["seen"] for check in told["checks"]] == [1, "1: once"]
