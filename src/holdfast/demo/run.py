"""The runs: the same traffic through threads and through tasks, bare and with holdfast, and what came of every call."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Protocol
from urllib.error import URLError

from .clients import (
    Call,
    Site,
    ask_with_streams,
    ask_with_streams_and_holdfast,
    ask_with_urllib,
    ask_with_urllib_and_holdfast,
)
from .script import Script
from .server import Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

_LOOK = 0.05  # seconds between two looks at calls that are still under way


@dataclass(frozen=True)
class Plan:
    """How much traffic there is, and how patient everyone is. Durations are seconds.

    A call is sent every `gap`, whether or not earlier ones are answered, as users do. The calls whose numbers lie in
    `outage` meet with one. `timeout` is the client's own for one attempt; a stalled answer comes at twice that.
    """

    seed: int = 1
    calls: int = 110
    gap: float = 0.012
    outage: range = range(50, 100)
    timeout: float = 0.4
    retry_after: int = 1
    retry_after_ms: int = 150


@dataclass(frozen=True)
class Result:
    """What came of one run. A call is lost if its caller got no right answer; `lost_to` counts the causes."""

    scenario: Scenario
    calls: int
    attempts: int
    answered: int
    """At the first attempt."""
    recovered: int
    """After at least one failed attempt."""
    lost: int
    lost_to: dict[str, int]
    seconds: float

    @property
    def done(self) -> int:
        """How many calls have come to an end."""
        return self.answered + self.recovered + self.lost


@dataclass(frozen=True)
class Scenario:
    """One run: through which door it goes, with which client, guarded or bare, and what sends its traffic."""

    door: str
    client: str
    guarded: bool
    drive: Callable[[Traffic], None]

    @property
    def name(self) -> str:
        """The door and the guard, as shown in progress lines and tables."""
        return f"{self.door}, {'holdfast' if self.guarded else 'bare'}"


class Watcher(Protocol):
    """Whoever is shown the runs while they are going on; always called from the thread that called `run_demo`."""

    def begin(self, plan: Plan) -> None:
        """Learn what is about to happen."""

    def progress(self, result: Result) -> None:
        """See where the run under way is."""

    def finished(self, result: Result) -> None:
        """See what came of the run that has just ended."""


class Traffic:
    """The calls of one run, in the order and at the times they are sent, and the count of what came of them."""

    def __init__(self, scenario: Scenario, plan: Plan, server: Server, watcher: Watcher) -> None:
        self.site = Site(server.host, server.port, plan.timeout)
        self._scenario = scenario
        self._plan = plan
        self._server = server
        self._watcher = watcher
        self._lock = Lock()
        self._counts: Counter[str] = Counter()
        self._lost_to: Counter[str] = Counter()
        self._started = time.monotonic()

    def schedule(self) -> Iterator[tuple[Call, float]]:
        """Yield each call with the seconds to wait before it is sent."""
        for number in range(self._plan.calls):
            yield Call(self.site, number), max(0.0, self._started + number * self._plan.gap - time.monotonic())
            self._server.reached = number
            self.show()

    @contextmanager
    def settling(self, call: Call) -> Iterator[None]:
        """Count what comes of the call made in this block; an `Exception` ends here, as a lost call."""
        lost_to: list[str] = []
        try:
            yield
        except Exception as error:
            outcome = "lost"
            lost_to.append(cause_of(error))
        else:
            outcome = "answered" if call.attempts == 1 else "recovered"
        with self._lock:
            self._counts.update({outcome: 1, "attempts": call.attempts})
            self._lost_to.update(lost_to)

    def show(self) -> None:
        """Let the watcher see where the run is."""
        self._watcher.progress(self.result())

    def result(self) -> Result:
        """Return what has come of the run so far."""
        with self._lock:
            return Result(
                scenario=self._scenario,
                calls=self._plan.calls,
                attempts=self._counts["attempts"],
                answered=self._counts["answered"],
                recovered=self._counts["recovered"],
                lost=self._counts["lost"],
                lost_to=dict(self._lost_to.most_common()),
                seconds=time.monotonic() - self._started,
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
    """Return a driver that makes every call in a thread of its own."""

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
    """Return a driver that makes every call in a task of its own, all on one event loop."""

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


SCENARIOS = (
    Scenario("threads", "urllib", False, in_threads(ask_with_urllib)),
    Scenario("threads", "urllib", True, in_threads(ask_with_urllib_and_holdfast)),
    Scenario("tasks", "asyncio streams", False, in_tasks(ask_with_streams)),
    Scenario("tasks", "asyncio streams", True, in_tasks(ask_with_streams_and_holdfast)),
)
"""What is shown, in this order."""


def run_scenario(scenario: Scenario, plan: Plan, watcher: Watcher) -> Result:
    """Send the plan's traffic to a server of its own and return what came of it."""
    script = Script(plan.seed, plan.outage)
    with Server(
        script, stall=2 * plan.timeout, retry_after=plan.retry_after, retry_after_ms=plan.retry_after_ms
    ) as server:
        traffic = Traffic(scenario, plan, server, watcher)
        scenario.drive(traffic)
        result = traffic.result()
    watcher.finished(result)
    return result


def run_demo(plan: Plan, watcher: Watcher) -> list[Result]:
    """Play every scenario and return what came of each, in the order of `SCENARIOS`.

    Raises `OSError` when the server cannot listen on loopback.
    """
    watcher.begin(plan)
    return [run_scenario(scenario, plan, watcher) for scenario in SCENARIOS]
