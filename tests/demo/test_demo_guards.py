"""The settings bear the rough time, open in the outage, and find out that it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from urllib.error import HTTPError

import pytest

from holdfast import (
    BreakerRegistry,
    BulkheadRegistry,
    CircuitBreaker,
    CircuitOpenError,
    CircuitState,
    ResilienceManager,
)
from holdfast.demo import Plan
from holdfast.demo.clients import POLICY, Call, Site, StatusError, ask_with_streams, ask_with_urllib
from holdfast.demo.guards import BREAKER, RETRIES
from holdfast.demo.script import Behaviour, Phase, Script, body_of
from holdfast.demo.server import Server
from holdfast.testing import VirtualClock

AN_HOUR = 3600
LONG = 2.0  # seconds that an attempt may take where that is not what is tested


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


def with_urllib(manager: ResilienceManager) -> Callable[[Call], bytes]:
    return manager.protect(ask_with_urllib, "demo", POLICY, timeout=LONG)


def with_streams(manager: ResilienceManager) -> Callable[[Call], bytes]:
    ask = manager.protect(ask_with_streams, "demo", POLICY, timeout=LONG)

    async def asked(call: Call) -> bytes:
        return await ask(call)

    return lambda call: asyncio.run(asked(call))


@pytest.mark.parametrize("client", [with_urllib, with_streams])
def test_the_circuit_opens_refuses_unasked_and_closes_when_the_server_is_well(
    client: Callable[[ResilienceManager], Callable[[Call], bytes]], server: Server
) -> None:
    breakers = BreakerRegistry(clock=(clock := VirtualClock()))
    ask = client(ResilienceManager(breakers=breakers, bulkheads=BulkheadRegistry()))
    breaker = breakers.get_or_create("demo", BREAKER)
    moves: list[CircuitState] = []
    breaker.on("state_change", lambda event: moves.append(event.new))
    site = Site(server.host, server.port, timeout=5.0)
    for number in range(BREAKER.failure_threshold):
        with pytest.raises((HTTPError, StatusError)):
            ask(Call(site, number))

    refused = Call(site, 100)
    with pytest.raises(CircuitOpenError):
        ask(refused)
    assert refused.attempts == 0
    assert server.acted == {Behaviour.PAUSE: BREAKER.failure_threshold}

    longest = BREAKER.longest_reset_timeout  # the server has asked for an hour, which is more
    clock.advance(0.9 * longest)
    with pytest.raises(CircuitOpenError):
        ask(Call(site, 101))
    clock.advance(0.1 * longest)
    with pytest.raises((HTTPError, StatusError)):
        ask(Call(site, 102))  # a probe
    assert breaker.metrics.rejected_requests == 2

    assert isinstance(server.script, Switch)
    server.script.switch_on()
    clock.advance(longest)
    for number in range(BREAKER.success_threshold):
        assert ask(Call(site, number)) == body_of(number)
    assert moves == [
        CircuitState.OPEN, CircuitState.HALF_OPEN, CircuitState.OPEN, CircuitState.HALF_OPEN, CircuitState.CLOSED
    ]  # fmt: skip


def opened_in_the_rough_time(seed: int) -> bool:
    """Let a circuit see all that the script has for the rough time, each attempt right after the one before."""
    script = Script(seed)
    breaker = CircuitBreaker(BREAKER, name="demo", clock=VirtualClock())
    for call in range(Plan().outage.start):
        for attempt in range(1, RETRIES.max_attempts + 1):
            met = script.behaviour(call=call, attempt=attempt)
            with breaker.acquire() as permit:
                if met in (Behaviour.BUSY, Behaviour.PAUSE):
                    permit.fail(StatusError(503, {}))
                elif met in (Behaviour.RESET, Behaviour.TRUNCATED, Behaviour.STALL):
                    permit.fail(ConnectionResetError())
            if breaker.state is CircuitState.OPEN:
                return True
            if met in (Behaviour.ANSWER, Behaviour.MISSING):
                break
    return False


def test_the_rough_time_hardly_ever_opens_the_circuit() -> None:
    opened = [seed for seed in range(200) if opened_in_the_rough_time(seed)]
    assert len(opened) <= 4
    assert 1 not in opened, "that is the seed which is shown unless one asks for another"


def test_an_outage_opens_it_after_a_few_failures_in_a_row_whatever_was_before() -> None:
    breaker = CircuitBreaker(BREAKER, name="demo", clock=VirtualClock())
    for _ in range(1_000):
        breaker.execute(lambda: "fine")
    for failures in range(BREAKER.failure_threshold):
        assert breaker.state is CircuitState.CLOSED, f"opened after {failures}"
        with breaker.acquire() as permit:
            permit.fail(StatusError(503, {}))
    assert breaker.state is CircuitState.OPEN


def test_too_many_requests_are_no_reason_to_open_it() -> None:
    breaker = CircuitBreaker(BREAKER, name="demo", clock=VirtualClock())
    for _ in range(2 * BREAKER.failure_threshold):
        with breaker.acquire() as permit:
            permit.fail(StatusError(429, {}))
    assert breaker.state is CircuitState.CLOSED


def test_the_breaker_looks_at_the_server_a_few_times_in_the_outage() -> None:
    plan = Plan()
    assert 3 <= len(plan.outage) * plan.gap / BREAKER.reset_timeout <= 6


def test_an_attempt_is_cut_short_long_before_the_client_gives_it_up_and_that_long_before_the_answer() -> None:
    plan = Plan()
    assert plan.attempt_timeout <= plan.timeout / 2 <= plan.stall / 4
    assert 4 * plan.pace < plan.attempt_timeout, "an answer without a stall has time"


def test_what_the_code_says_is_what_the_plan_wants() -> None:
    """So that the four lines that are shown do all there is to do."""
    assert POLICY.timeout == Plan().attempt_timeout
    assert POLICY.worst_case.seconds == RETRIES.total_timeout
