"""The runs: the same traffic through threads and through tasks, bare and guarded, and what came of every call."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol
from urllib.error import URLError

from holdfast import CircuitOpenError

from .clients import (
    Call,
    Site,
    ask_with_streams,
    ask_with_streams_and_retry,
    ask_with_streams_under_policy,
    ask_with_urllib,
    ask_with_urllib_and_retry,
    ask_with_urllib_under_policy,
)
from .observed import Observed
from .plan import Plan, Protection, Scenario
from .result import PENDING, Fate, Outcome, Result
from .script import Script
from .server import Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from .observed import GuardsReport

_LOOK = 0.05  # seconds between two looks at calls that are still under way


class Watcher(Protocol):
    """Whoever is shown the runs while they are going on; always called from the thread that called `run_demo`."""

    def begin(self, plan: Plan) -> None:
        """Learn what is about to happen."""

    def progress(self, result: Result) -> None:
        """See where the run under way is."""

    def finished(self, result: Result) -> None:
        """See what came of the run that has just ended."""


class Traffic:
    """The calls of one run, in the order and at the times they are sent, and the record of what came of them."""

    def __init__(self, scenario: Scenario, plan: Plan, server: Server, guards: Observed, watcher: Watcher) -> None:
        self.site = Site(server.host, server.port, plan.timeout)
        self._guards = guards
        self._scenario = scenario
        self._plan = plan
        self._server = server
        self._watcher = watcher
        self._fates = [PENDING] * plan.calls
        self._started = time.monotonic()

    def schedule(self) -> Iterator[tuple[Call, float]]:
        """Yield each call with the seconds to wait before it is sent."""
        for number in range(self._plan.calls):
            yield Call(self.site, number), max(0.0, self._started + number * self._plan.gap - time.monotonic())
            self._server.reached = number
            if number in self._plan.outage:
                self._guards.look()
            self.show()

    @contextmanager
    def settling(self, call: Call) -> Iterator[None]:
        """Record what comes of the call made in this block; an `Exception` ends here, as a lost call."""
        began = time.perf_counter()
        try:
            yield
        except Exception as error:
            seconds = time.perf_counter() - began
            outcome = Outcome.REFUSED if isinstance(error, CircuitOpenError) else Outcome.LOST
            fate = Fate(outcome, call.attempts, seconds, cause_of(error))
        else:
            seconds = time.perf_counter() - began
            fate = Fate(Outcome.ANSWERED if call.attempts == 1 else Outcome.RECOVERED, call.attempts, seconds)
        self._fates[call.number] = fate

    def show(self) -> None:
        """Let the watcher see where the run is."""
        self._watcher.progress(self.result())

    def result(self, guards: GuardsReport | None = None) -> Result:
        """Return what has come of the run so far, with what there is to tell of its guards."""
        return Result(
            scenario=self._scenario,
            fates=tuple(self._fates),
            requests=dict(self._server.requests),
            stalled=frozenset(self._server.stalled),
            most_at_once=self.site.crowd.most,
            seconds=time.monotonic() - self._started,
            guards=guards,
        )


def cause_of(error: Exception) -> str:
    """Return in a word or two what a call was lost to.

    >>> cause_of(URLError(ConnectionResetError(104, "Connection reset by peer")))
    'ConnectionResetError'
    """
    if isinstance(error, URLError) and isinstance(error.reason, Exception):
        error = error.reason
    status = getattr(error, "status", None)
    return f"HTTP {status}" if status is not None else type(error).__name__


def in_threads(ask: Callable[[Call], object]) -> Callable[[Traffic], None]:
    """Return a driver that makes every call in a thread of its own, with the client `ask`."""

    def drive(traffic: Traffic) -> None:
        def make(call: Call) -> None:
            with traffic.settling(call):
                ask(call)

        with ThreadPoolExecutor(max_workers=256, thread_name_prefix="holdfast-demo") as pool:
            try:
                calls = set()
                for call, pause in traffic.schedule():
                    time.sleep(pause)
                    calls.add(pool.submit(make, call))
                while calls:
                    _, calls = wait(calls, timeout=_LOOK)
                    traffic.show()
            except BaseException:
                traffic.site.halted.set()
                raise

    return drive


def in_tasks(ask: Callable[[Call], Awaitable[object]]) -> Callable[[Traffic], None]:
    """Return a driver that makes every call in a task of its own, all on one event loop, with the client `ask`."""

    async def drive(traffic: Traffic) -> None:
        async def make(call: Call) -> None:
            with traffic.settling(call):
                await ask(call)

        calls = set()
        for call, pause in traffic.schedule():
            await asyncio.sleep(pause)
            calls.add(asyncio.create_task(make(call)))
        while calls:
            _, calls = await asyncio.wait(calls, timeout=_LOOK)
            traffic.show()

    return lambda traffic: asyncio.run(drive(traffic))  # which cancels what is left when the user interrupts


DRIVERS: dict[Scenario, Callable[[Traffic], None]] = {
    Scenario("threads", "urllib", Protection.BARE): in_threads(ask_with_urllib),
    Scenario("threads", "urllib", Protection.RETRY): in_threads(ask_with_urllib_and_retry),
    Scenario("threads", "urllib", Protection.POLICY): in_threads(ask_with_urllib_under_policy),
    Scenario("tasks", "asyncio streams", Protection.BARE): in_tasks(ask_with_streams),
    Scenario("tasks", "asyncio streams", Protection.RETRY): in_tasks(ask_with_streams_and_retry),
    Scenario("tasks", "asyncio streams", Protection.POLICY): in_tasks(ask_with_streams_under_policy),
}
"""What sends the traffic of each run."""

SCENARIOS = tuple(DRIVERS)
"""What is shown, in this order."""


def run_scenario(scenario: Scenario, plan: Plan, watcher: Watcher) -> Result:
    """Send the plan's traffic to a server of its own and return what came of it.

    Guards are observed in the runs that have none as well, so that all are under the same conditions.
    """
    script = Script(plan.seed, plan.outage)
    server = Server(
        script,
        pace=plan.pace,
        stall=plan.stall,
        retry_after=plan.retry_after,
        retry_after_ms=plan.retry_after_ms,
    )
    with server, Observed(plan.attempt_timeout) as guards:
        traffic = Traffic(scenario, plan, server, guards, watcher)
        DRIVERS[scenario](traffic)
        guards.see_out(plan.stall)  # by then even a stalled answer has come
        result = traffic.result(guards.report() if scenario.protection is Protection.POLICY else None)
    watcher.finished(result)
    return result


def run_demo(plan: Plan, watcher: Watcher) -> list[Result]:
    """Play every scenario and return what came of each, in the order of `SCENARIOS`.

    Raises `OSError` when the server cannot listen on loopback.
    """
    watcher.begin(plan)
    return [run_scenario(scenario, plan, watcher) for scenario in SCENARIOS]
