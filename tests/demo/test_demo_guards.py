"""The guards bear the rough time, open in the outage, find out that it is over, and leave nothing behind."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable, Iterator
from threading import Event
from urllib.error import HTTPError

import pytest

from holdfast import (
    CircuitOpenError,
    CircuitState,
    OperationTimeoutError,
    get_breaker_registry,
    get_bulkhead_registry,
    get_timeout_manager,
    with_timeout,
)
from holdfast.demo import Plan
from holdfast.demo.clients import Call, Site, StatusError, streams_with_all_four, urllib_with_all_four
from holdfast.demo.guards import BREAKER, BULKHEAD, RETRIES, Guards
from holdfast.demo.plan import Protection, Scenario
from holdfast.demo.run import SCENARIOS, run_scenario
from holdfast.demo.script import Behaviour, Phase, Script, body_of
from holdfast.demo.server import Server
from holdfast.demo.strips import screen
from holdfast.testing import VirtualClock

AN_HOUR = 3600
LONG = 5.0  # seconds that an attempt may take where that is not what is tested
GUARDED = [scenario for scenario in SCENARIOS if scenario.protection is Protection.ALL]


class Switch(Script):
    """A script that has everybody come back in an hour, which nobody waits for, until it is switched on."""

    def behaviour(self, *, call: int, attempt: int, phase: Phase = Phase.ROUGH) -> Behaviour:
        return Behaviour.ANSWER if self.__dict__.get("on") else Behaviour.PAUSE

    def switch_on(self) -> None:
        object.__setattr__(self, "on", True)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Switch(seed=0), retry_after=AN_HOUR) as running:
        yield running


def with_urllib(guards: Guards) -> Callable[[Call], bytes]:
    return urllib_with_all_four(guards)


def with_streams(guards: Guards) -> Callable[[Call], bytes]:
    ask = streams_with_all_four(guards)

    async def asked(call: Call) -> bytes:
        return await ask(call)

    return lambda call: asyncio.run(asked(call))


@pytest.mark.parametrize("client", [with_urllib, with_streams])
def test_the_circuit_opens_refuses_unasked_and_closes_when_the_server_is_well(
    client: Callable[[Guards], Callable[[Call], bytes]], server: Server
) -> None:
    guards = Guards(LONG, clock := VirtualClock())
    ask = client(guards)
    site = Site(server.host, server.port, timeout=5.0)
    for number in range(BREAKER.failure_threshold):
        with pytest.raises((HTTPError, StatusError)):
            ask(Call(site, number))

    refused = Call(site, 100)
    with pytest.raises(CircuitOpenError):
        ask(refused)
    assert refused.attempts == 0
    assert server.acted == {Behaviour.PAUSE: BREAKER.failure_threshold}
    assert guards.report() == (1, CircuitState.OPEN, 1, 0, 0, 0, 0)

    longest = BREAKER.longest_reset_timeout  # the server has asked for an hour, which is more
    clock.advance(0.9 * longest)
    with pytest.raises(CircuitOpenError):
        ask(Call(site, 101))
    clock.advance(0.1 * longest)
    with pytest.raises((HTTPError, StatusError)):
        ask(Call(site, 102))  # a probe
    assert guards.report() == (2, CircuitState.OPEN, 2, 0, 0, 0, 0)

    assert isinstance(server.script, Switch)
    server.script.switch_on()
    clock.advance(longest)
    for number in range(BREAKER.success_threshold):
        assert ask(Call(site, number)) == body_of(number)
    assert guards.report() == (2, CircuitState.CLOSED, 2, 0, 0, 0, 0)
    assert guards.moves == [
        CircuitState.OPEN, CircuitState.HALF_OPEN, CircuitState.OPEN, CircuitState.HALF_OPEN, CircuitState.CLOSED
    ]  # fmt: skip


def opened_in_the_rough_time(seed: int) -> bool:
    """Let a circuit see all that the script has for the rough time, each attempt right after the one before."""
    script = Script(seed)
    guards = Guards(LONG, VirtualClock())
    for call in range(Plan().outage.start):
        for attempt in range(1, RETRIES.max_attempts + 1):
            met = script.behaviour(call=call, attempt=attempt)
            with guards.breaker.acquire() as permit:
                if met in (Behaviour.BUSY, Behaviour.PAUSE):
                    permit.fail(StatusError(503, {}))
                elif met in (Behaviour.RESET, Behaviour.TRUNCATED, Behaviour.STALL):
                    permit.fail(ConnectionResetError())
            if guards.moves:
                return True
            if met in (Behaviour.ANSWER, Behaviour.MISSING):
                break
    return False


def test_the_rough_time_hardly_ever_opens_the_circuit() -> None:
    opened = [seed for seed in range(200) if opened_in_the_rough_time(seed)]
    assert len(opened) <= 4
    assert 1 not in opened, "that is the seed which is shown unless one asks for another"


def test_an_outage_opens_it_after_a_few_failures_in_a_row_whatever_was_before() -> None:
    guards = Guards(LONG, VirtualClock())
    for _ in range(1_000):
        guards.breaker.execute(lambda: "fine")
    for failures in range(BREAKER.failure_threshold):
        assert not guards.moves, f"opened after {failures}"
        with guards.breaker.acquire() as permit:
            permit.fail(StatusError(503, {}))
    assert guards.moves == [CircuitState.OPEN]


def test_too_many_requests_are_no_reason_to_open_it() -> None:
    guards = Guards(LONG, VirtualClock())
    for _ in range(2 * BREAKER.failure_threshold):
        with guards.breaker.acquire() as permit:
            permit.fail(StatusError(429, {}))
    assert guards.moves == []


def test_the_breaker_looks_at_the_server_a_few_times_in_the_outage() -> None:
    plan = Plan()
    assert 3 <= len(plan.outage) * plan.gap / BREAKER.reset_timeout <= 6


def test_who_finds_no_permit_free_waits_in_the_queue_and_is_counted() -> None:
    guards = Guards(LONG)

    async def main() -> None:
        free = asyncio.Event()
        held = [asyncio.create_task(held_until(free)) for _ in range(BULKHEAD.max_concurrent + 3)]
        while guards.bulkhead.stats.queued < 3:
            await asyncio.sleep(0)
        assert guards.bulkhead.stats.active == BULKHEAD.max_concurrent
        free.set()
        await asyncio.gather(*held)

    async def held_until(free: asyncio.Event) -> None:
        async with guards.bulkhead.acquire_async():
            await free.wait()

    asyncio.run(main())
    assert guards.report() == (0, CircuitState.CLOSED, 0, 3, 0, 0, 0)


@pytest.mark.parametrize("scenario", GUARDED, ids=lambda scenario: scenario.name)
def test_every_run_has_guards_of_its_own_and_leaves_none_in_the_registries(scenario: Scenario) -> None:
    plan = Plan(seed=1, calls=12, gap=0.0, outage=range(12), pace=0.0, timeout=5.0, retry_after=0, retry_after_ms=1)
    for _ in range(2):
        report = run_scenario(scenario, plan, screen(io.StringIO())).guards
        assert report is not None
        assert report.opened >= 1
    assert get_breaker_registry().get_all() == {}
    assert get_bulkhead_registry().get_all() == {}
    assert get_timeout_manager().registered == {}


def test_attempts_that_are_cut_short_and_left_behind_are_counted_and_seen_out() -> None:
    guards = Guards(0.01)
    done = Event()
    hang = with_timeout(guards.timeout, manager=guards.timeouts)(done.wait)
    for _ in range(3):
        with pytest.raises(OperationTimeoutError):
            hang()
    assert guards.report()[-3:] == (3, 3, 3)

    began = time.monotonic()
    guards.see_out(0.05)
    assert time.monotonic() - began >= 0.05
    assert guards.report()[-3:] == (3, 3, 3), "patience has an end"

    done.set()
    guards.see_out(30.0)
    assert guards.report()[-3:] == (3, 3, 0)


def test_an_attempt_in_a_task_that_is_cut_short_leaves_nothing_behind() -> None:
    guards = Guards(0.01)

    @with_timeout(guards.timeout, manager=guards.timeouts)
    async def hang() -> None:
        await asyncio.Event().wait()

    with pytest.raises(OperationTimeoutError):
        asyncio.run(hang())
    assert guards.report()[-3:] == (1, 0, 0)


def test_an_attempt_is_cut_short_long_before_the_client_gives_it_up_and_that_long_before_the_answer() -> None:
    plan = Plan()
    assert plan.attempt_timeout <= plan.timeout / 2 <= plan.stall / 4
    assert 4 * plan.pace < plan.attempt_timeout, "an answer without a stall has time"
