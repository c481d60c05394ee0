"""What is observed of the guards of a run is what they did in it, and nothing of them is left when it is over."""

from __future__ import annotations

import asyncio
import gc
import io
import time
import weakref
from threading import Event
from typing import cast

import pytest

from holdfast import (
    CircuitBreaker,
    CircuitOpenError,
    CircuitState,
    OperationTimeoutError,
    disabled,
    events,
    get_breaker_registry,
    get_bulkhead_registry,
    get_health_status,
    get_metrics_registry,
    get_timeout_manager,
    resilience_manager,
)
from holdfast.demo import Plan, clients, observed
from holdfast.demo.clients import Call, ask_with_streams_under_policy, ask_with_urllib_under_policy
from holdfast.demo.guards import BREAKER, BULKHEAD
from holdfast.demo.observed import CALLS, ERRORS, METRICS, MOVES, NAME, PERMITS, TIMEOUTS, Observed
from holdfast.demo.plan import Protection, Scenario
from holdfast.demo.run import SCENARIOS, run_scenario
from holdfast.demo.strips import screen

LONG = 2.0  # seconds that an attempt may take where that is not what is tested
GUARDED = [scenario for scenario in SCENARIOS if scenario.protection is Protection.POLICY]
NO_CALL = cast("Call", None)  # for clients that ask nobody


def breaker() -> CircuitBreaker:
    return get_breaker_registry().get(NAME)


def test_nothing_happened_before_anything_happens() -> None:
    for _ in range(2):
        with Observed(LONG) as guards:
            report = guards.report()
            assert report.counts == {metric: {} for metric in METRICS}
            assert report[1:-1] == (CircuitState.CLOSED, 0, 0, 0, None)
            assert (report.opened, report.refused, report.admitted, report.cut_short) == (0, 0, 0, 0)
            ask_ourselves()


def ask_ourselves() -> None:
    """Make a call that is answered and one that is refused."""
    breaker().execute(lambda: "fine")
    breaker().force_open(hold=True)
    with pytest.raises(CircuitOpenError):
        breaker().execute(lambda: "never")


def test_calls_refusals_and_moves_are_counted_from_when_it_begins() -> None:
    for _ in range(2):
        with Observed(LONG) as guards:
            ask_ourselves()
            report = guards.report()
            assert report.counts[CALLS] == {("success",): 1, ("rejected",): 1}
            assert report.counts[MOVES] == {("closed", "open"): 1}
            assert report.counts[ERRORS] == {("TRANSIENT", "CIRCUIT_OPEN"): 1}
            assert (report.opened, report.refused, report.admitted) == (1, 1, 1)
            assert report.state is CircuitState.OPEN
            assert guards.moves == [CircuitState.OPEN]


def test_what_others_do_is_not_counted() -> None:
    with Observed(LONG) as guards:
        other = get_breaker_registry().get_or_create("somebody else")
        other.execute(lambda: "fine")
        other.force_open()
        assert guards.report().counts == {metric: {} for metric in METRICS}


def test_the_worst_health_that_was_seen_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reports are made up: real ones are about all guards of the process, those that other tests left too."""
    statuses = iter(["healthy", "healthy", "degraded", "healthy", "healthy"])
    real = get_health_status()
    monkeypatch.setattr(observed, "get_health_status", lambda: real.replace(status=next(statuses)))
    with Observed(LONG) as guards:
        guards.look()
        assert guards.report().worst_health == "healthy"
        guards.look()
        guards.look()
        report = guards.report()
    assert (report.worst_health, report.health) == ("degraded", "healthy")


def test_an_open_circuit_shows_in_the_health_that_is_seen() -> None:
    with Observed(LONG) as guards:
        breaker().force_open(hold=True)
        guards.look()
        assert guards.report().worst_health in {"unhealthy", "degraded"}


def test_who_finds_no_permit_free_waits_in_the_queue_and_is_counted() -> None:
    async def main() -> None:
        free = asyncio.Event()
        bulkhead = get_bulkhead_registry().get(NAME)

        async def held() -> None:
            async with bulkhead.acquire_async():
                await free.wait()

        calls = [asyncio.create_task(held()) for _ in range(BULKHEAD.max_concurrent + 3)]
        while bulkhead.stats.queued < 3:
            await asyncio.sleep(0)
        assert bulkhead.stats.active == BULKHEAD.max_concurrent
        free.set()
        await asyncio.gather(*calls)

    with Observed(LONG) as guards:
        asyncio.run(main())
        report = guards.report()
        assert report.queued == 3
        assert report.counts[PERMITS][("completed",)] == BULKHEAD.max_concurrent + 3


def test_attempts_that_are_cut_short_and_left_behind_are_counted_and_seen_out(monkeypatch: pytest.MonkeyPatch) -> None:
    done = Event()
    monkeypatch.setattr(clients, "ask_with_urllib", lambda _: done.wait(60))
    with Observed(0.01) as guards:
        resilience_manager.register(NAME, resilience_manager.get(NAME), retry=None)
        cuts = 0
        while guards.report().left_behind < 3:  # on a busy machine, one may be cut short before it has begun
            with pytest.raises(OperationTimeoutError):
                ask_with_urllib_under_policy(NO_CALL)
            cuts += 1
        assert told_of_cuts(guards) == (cuts, 3, 3)

        began = time.monotonic()
        guards.see_out(0.05)
        assert time.monotonic() - began >= 0.05
        assert told_of_cuts(guards) == (cuts, 3, 3), "patience has an end"

        done.set()
        guards.see_out(30.0)
        assert told_of_cuts(guards) == (cuts, 3, 0)


def told_of_cuts(guards: Observed) -> tuple[int, int, int]:
    report = guards.report()
    assert report.counts[TIMEOUTS] == {("timed_out",): report.cut_short}
    return report.cut_short, report.most_left_behind, report.left_behind


def test_an_attempt_in_a_task_that_is_cut_short_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_: Call) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    async def main() -> None:
        with pytest.raises(OperationTimeoutError):
            await ask_with_streams_under_policy(NO_CALL)

    monkeypatch.setattr(clients, "ask_with_streams", hang)
    with Observed(0.01) as guards:
        resilience_manager.register(NAME, resilience_manager.get(NAME), retry=None)
        asyncio.run(main())
        assert told_of_cuts(guards) == (1, 0, 0)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_run_has_guards_of_its_own_and_leaves_none_in_the_registries(scenario: Scenario) -> None:
    plan = Plan(seed=1, calls=12, gap=0.05, outage=range(11), pace=0.0, timeout=5.0, retry_after=0, retry_after_ms=1)
    for _ in range(2 if scenario in GUARDED else 1):
        report = run_scenario(scenario, plan, screen(io.StringIO())).guards
        assert (report is not None) is (scenario in GUARDED)
        assert report is None or report.opened >= 1
    assert get_breaker_registry().get_all() == {}
    assert get_bulkhead_registry().get_all() == {}
    assert get_timeout_manager().registered == {}
    assert resilience_manager.registered == {}
    assert not get_metrics_registry().is_started, "the metrics of the process are its owner's business"


def test_nobody_listens_any_more_when_it_is_over() -> None:
    before = (events.listeners, events.watchers)
    with Observed(LONG):
        assert len(events.listeners) > len(before[0])
        assert len(events.watchers) > len(before[1])
    assert (events.listeners, events.watchers) == before


def test_nothing_of_a_run_keeps_its_guards_when_it_is_over() -> None:
    guards = Observed(LONG)
    with guards:
        gone = weakref.ref(breaker())
        assert gone() is not None
    gc.collect()
    assert gone() is None


def test_another_breaker_of_the_name_makes_room() -> None:
    there = get_breaker_registry().get_or_create(NAME)
    with Observed(LONG):
        assert breaker() is not there
        assert breaker().config == BREAKER.replace(name=NAME)


def test_with_holdfast_switched_off_there_is_nothing_to_observe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "ask_with_urllib", lambda _: b"asked")
    with Observed(LONG) as guards, disabled():
        assert ask_with_urllib_under_policy(NO_CALL) == b"asked"
        assert guards.report().admitted == 0
