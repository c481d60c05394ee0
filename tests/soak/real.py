"""A real run: rounds of traffic against a server that misbehaves, and after each a look at whether all fits."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import time
from collections import Counter
from typing import Any

from holdfast import (
    get_breaker_registry,
    get_bulkhead_registry,
    get_rate_limiter_registry,
    get_timeout_manager,
    load_config,
    with_timeout,
)
from holdfast._runtime.workers import IDLE_KEPT
from holdfast.observability import MetricsRegistry

from . import footprint
from .clients import Clients, Tally
from .findings import Findings
from .footprint import Footprint
from .mischief import MOST, Mischief, Unheard, form
from .server import HOST, PHASES, Remote, serving
from .traffic import SERVICES, Traffic

ROUNDS = 8
"""The first two are to warm up: what is kept once and for all is there after them. In every other one holdfast is
switched off and on, so that what guards count does not fit what clients do, and only the others are compared."""

CREW = {"threads": 8, "loops": 2, "tasks": 12}

BLOCKS_ALLOWED = 2_000
"""So many more blocks of memory may there be in the end: counts that are larger numbers by now, dictionaries with room
to spare, the checks of this very run. Some 500 are seen, be the run long or short; one for each call would be 50,000."""

RESIDENT_ALLOWED = 24 * 2**20
"""So many more bytes may the system hold in memory: what was freed goes back to it only if a whole arena is empty."""


def real(*, seconds: float, seed: int) -> Findings:
    """Run for so many seconds in all."""
    findings = Findings(f"real: {seconds:g} seconds in {ROUNDS} rounds against a server on loopback")
    unheard = Unheard(findings)
    with serving(seed) as remote, socket.socket() as nobody:
        nobody.bind((HOST, 0))  # and does not listen
        run = _Run(findings, remote, nobody.getsockname()[1], seed)
        unheard.begin()
        run.all(seconds)
    unheard.settle()
    findings.fact("lines logged by holdfast", unheard.logged)
    return findings


class _Run:
    def __init__(self, findings: Findings, remote: Remote, closed: int, seed: int) -> None:
        self.findings = findings
        self.remote = remote
        self.seed = seed
        load_config(form(0), environ={})
        self.tally = Tally(findings, MOST)
        self.traffic = Traffic(Clients(self.tally, remote.port, closed, SERVICES), findings, seed)
        self.mischief = Mischief(findings, self.tally, self.traffic)

    def all(self, seconds: float) -> None:
        began = time.monotonic()
        before: Footprint | None = None
        with MetricsRegistry() as metrics:
            # Who comes first has series by its own name in the metrics. No fork yet: the child of a process in which
            # another thread is just importing a module can never import that.
            self._round(0, 0.6, metrics, forks=False)
            self.mischief.all_tenants()
            for number in range(ROUNDS):
                left = began + seconds - time.monotonic()
                self._round(number, max(0.6, left / (ROUNDS - number)), metrics)
                if number == 1:
                    before = self._look()
            after = self._look()
        assert before is not None
        self._compare(before, after)
        self._facts(time.monotonic() - began)

    def _round(self, number: int, seconds: float, metrics: MetricsRegistry, *, forks: bool = True) -> None:
        switches = number % 2 == 0
        self.tally.is_exact = not switches
        counted = _counted(self.tally, metrics)
        quiet = self.mischief.listen() if number % 4 < 2 else (lambda: None)
        begun = [*self.traffic.begin(**CREW), *self.mischief.begin(switches=switches)]
        for phase in PHASES:
            self.remote.counts(phase)
            time.sleep(seconds / len(PHASES))
            if phase == "failing" and forks and hasattr(os, "fork"):
                self.mischief.fork(self.seed + number)
        self.traffic.over.set()
        for thread in begun:
            thread.join()
        quiet()
        footprint.calm()
        self._reconcile(f"round {number + 1}", _counted(self.tally, metrics) - counted, exact=not switches)

    def _reconcile(self, what: str, counted: Counter[tuple[str, str]], *, exact: bool) -> None:
        """Nothing is under way: what the server, the clients and the guards have counted is to be the same."""
        found, arrived = self.findings, self.remote.counts()
        for service in SERVICES:
            bulkhead = get_bulkhead_registry().get(service).metrics
            breaker = get_breaker_registry().get(service).metrics
            limiter = get_rate_limiter_registry().get(service).metrics
            clients = self.tally.counts()[service]
            here = f"{what}, {service}"
            found.equal(f"{here}: sent = arrived", clients["sent"], arrived["arrived"][service])
            found.at_most(f"{here}: whole answers", clients["whole"], arrived["answered"][service])
            found.equal(
                f"{here}: in use, queued, queued", (bulkhead.active, bulkhead.queued, limiter.queued), (0, 0, 0)
            )
            ended = breaker.successful_requests + breaker.failed_requests + breaker.abandoned_requests
            found.equal(f"{here}: the circuit's calls ended", ended, breaker.total_requests)
            found.equal(f"{here}: permits given back = given", bulkhead.completed, bulkhead.admitted)
            if exact:
                passed = counted[service, "circuit"]
                found.equal(f"{here}: asked the limiter = passed the circuit", counted[service, "limiter"], passed)
                room = counted[service, "bulkhead"]
                found.equal(f"{here}: asked the bulkhead = passed the limiter", room, counted[service, "limited"])
                admitted, begun = counted[service, "admitted"], counted[service, "begun"]
                found.at_most(f"{here}: begun <= given a permit", begun, admitted)
                missed = counted["", "refused"] + counted["", "timed out"]
                found.at_most(f"{here}: given a permit, and out of time before it began", admitted - begun, missed)

    def _look(self) -> Footprint:
        async def pass_by() -> None:
            await asyncio.sleep(0)

        asyncio.run(with_timeout(60)(pass_by)())  # so that nothing holds on to the loops of before
        footprint.calm()
        return footprint.take()

    def _compare(self, before: Footprint, after: Footprint) -> None:
        found = self.findings
        found.at_most("blocks of memory beyond those after two rounds", after.blocks - before.blocks, BLOCKS_ALLOWED)
        found.at_most("bytes in memory beyond those", after.resident - before.resident, RESIDENT_ALLOWED)
        grown = Counter(after.types)
        grown.subtract(before.types)
        found.fact("objects that there are more of", ", ".join(f"{kind} {n:+}" for kind, n in grown.most_common(6)))
        found.fact("bytes in memory", after.resident)
        found.equal("descriptors but for bells", after.descriptors, before.descriptors)
        found.equal("threads but for idle workers", after.threads - after.workers, 1)
        found.at_most("idle workers", after.workers, IDLE_KEPT)
        most = get_timeout_manager().max_left_behind + MOST * len(SERVICES) + CREW["threads"]
        found.at_most("bells of workers", after.bells, most)
        found.equal("permits in use and callers in queues", after.in_use, 0)
        found.equal("left behind", after.left_behind, 0)
        for name, number in after.guards.items():
            found.equal(f"{name} that there are", number, len(SERVICES))
        gc.collect()
        found.equal("loops that are still there", len(self.traffic.loops), 0)

    def _facts(self, took: float) -> None:
        fact, mischief = self.findings.fact, self.mischief
        for what, number in self.traffic.ended.most_common():
            fact(f"calls that ended with: {what}", number)
        for what in ("begun", "unguarded", "sent", "whole"):
            fact(f"attempts: {what}", sum(each.get(what, 0) for each in self.tally.counts().values()))
        timeouts = get_timeout_manager().metrics
        fact("attempts that took too long", timeouts.timed_out)
        fact("attempts that were not begun, as no time was left", timeouts.refused)
        fact("calls of tenants", mischief.tenants)
        fact("reloads", mischief.reloads)
        fact("events to a listener that raises", mischief.told)
        fact("times switched off or on", mischief.switched)
        fact("forks", mischief.forks)
        fact("seconds", took)


def _counted(tally: Tally, metrics: MetricsRegistry) -> Counter[tuple[str, str]]:
    """What the clients and the metrics have counted so far, for each service."""
    value: Any = metrics.value
    counted: Counter[tuple[str, str]] = Counter()
    for service in SERVICES:
        calls = value("circuit_breaker_calls_total", name=service)
        counted[service, "circuit"] = calls - value("circuit_breaker_calls_total", name=service, result="rejected")
        counted[service, "limiter"] = value("rate_limit_requests_total", name=service)
        counted[service, "limited"] = value("rate_limit_requests_total", name=service, result="admitted")
        counted[service, "bulkhead"] = value("bulkhead_executions_total", name=service)
        counted[service, "admitted"] = value("bulkhead_executions_total", name=service, state="completed")
        counted[service, "begun"] = tally.counts().get(service, {}).get("begun", 0)
    timeouts = get_timeout_manager().metrics
    counted["", "refused"], counted["", "timed out"] = timeouts.refused, timeouts.timed_out
    return counted
