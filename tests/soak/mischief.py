"""What else happens meanwhile: reloads, tenants that come and go, listeners that raise, the switch, and forks."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from random import Random
from typing import Any

from holdfast import (
    BreakerRegistry,
    BulkheadRegistry,
    RateLimiterRegistry,
    ResilienceManager,
    ResiliencePolicy,
    SlidingWindow,
    events,
    load_config,
    set_enabled,
)

from .clients import Tally
from .findings import Findings
from .traffic import SERVICES, Traffic

MOST = 16
"""The largest number of permits that a configuration gives."""

TENANTS = 3000
KEPT = 100
LIMIT_OF_TENANTS = SlidingWindow(limit=5, period=0.2)
BROKEN = "something that went wrong where nobody waits for it"
CHILD = "a forked child that did not end well"
TOO_MANY = "more guards of tenants than are kept"


def form(turn: int) -> dict[str, Any]:
    """The configuration, which differs from turn to turn."""
    policy = {
        "timeout": 0.15 + turn % 3 / 100,
        "total_timeout": 1,
        "retry": {
            "max_attempts": 3 + turn % 2,
            "backoff": {"type": "full-jitter", "initial_delay": 0.01, "max_delay": 0.05},
        },
        "circuit_breaker": {"failure_threshold": 10 + turn % 3, "reset_timeout": 0.2},
        "bulkhead": {"max_concurrent": MOST - turn % 4, "max_queue": 20, "queue_timeout": 0.1},
        "rate_limit": {"rate": 800 + 100 * (turn % 2), "capacity": 50, "queue_timeout": 0.1},
    }
    return {"policies": dict.fromkeys(SERVICES, policy)}


def _answer() -> str:
    return "answer"


class Tenants:
    """Guards by names of which there are far more than are kept, asked for one by one, and under a policy.

    They are of one round and gone after it, so that nothing of them is to be found then.
    """

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.calls = 0
        self.breakers = BreakerRegistry(max_breakers=KEPT)
        self.bulkheads = BulkheadRegistry(max_bulkheads=KEPT)
        self.limiters = RateLimiterRegistry(max_limiters=KEPT)
        self.manager = ResilienceManager(
            breakers=BreakerRegistry(max_breakers=KEPT),
            bulkheads=BulkheadRegistry(max_bulkheads=KEPT),
            rate_limiters=RateLimiterRegistry(max_limiters=KEPT),
        )
        self.policy = ResiliencePolicy(circuit_breaker={}, bulkhead={}, rate_limit=LIMIT_OF_TENANTS)
        findings.expect(TOO_MANY)

    def call(self, number: int) -> None:
        """A call for a tenant, who keeps to the limit, through each guard and through all."""
        name = f"soak-tenant-{number}"
        self.breakers.get_or_create(name).execute(_answer)
        self.bulkheads.get_or_create(name).execute(_answer)
        self.limiters.get_or_create(name, LIMIT_OF_TENANTS).execute(_answer)
        for registry in (self.breakers, self.bulkheads, self.limiters):
            there = len(registry.get_all())
            if there > KEPT:
                self.findings.mishap(TOO_MANY, f"{there} in {type(registry).__name__}")
        self.calls += 3

    def call_under_policy(self, number: int) -> None:
        self.manager.execute(f"soak-tenant-{number}", _answer, self.policy)
        self.calls += 1

    def work(self, over: threading.Event) -> None:
        number = 0
        while not over.wait(0.002):
            self.call(number % TENANTS)
            self.call_under_policy(number % TENANTS)
            number += 1


class Mischief:
    """What goes on beside the traffic of one run."""

    def __init__(self, findings: Findings, tally: Tally, traffic: Traffic) -> None:
        self.findings = findings
        self.tally = tally
        self.traffic = traffic
        self.tenants = 0
        self.reloads = self.told = self.forks = self.switched = 0
        for what in (BROKEN, CHILD):
            findings.expect(what)

    def begin(self, *, switches: bool) -> list[threading.Thread]:
        workers: list[Callable[[], None]] = [self._reload, self._churn]
        if switches:
            workers.append(self._switch)
        begun = [threading.Thread(target=worker) for worker in workers]
        for thread in begun:
            thread.start()
        return begun

    def _reload(self) -> None:
        while not self.traffic.over.wait(0.03):
            self.reloads += 1
            load_config(form(self.reloads), environ={})

    def _churn(self) -> None:
        tenants = Tenants(self.findings)
        tenants.work(self.traffic.over)
        self.tenants += tenants.calls

    def all_tenants(self) -> None:
        """Let every tenant come once: what is kept of their names is kept then."""
        tenants = Tenants(self.findings)
        for number in range(TENANTS):
            tenants.call(number)

    def _switch(self) -> None:
        try:
            while not self.traffic.over.wait(0.05):
                self.switched += 1
                set_enabled(self.switched % 2 == 0)
        finally:
            set_enabled(True)

    def listen(self) -> Callable[[], None]:
        """Have a listener that raises hear of everything."""

        def raising(_event: object) -> None:
            self.told += 1
            raise ValueError("a listener that raises")

        return events.subscribe(raising)

    # Forks.

    def fork(self, seed: int) -> None:
        """Fork in the middle of all that; the child makes calls through both doors, and ends."""
        self.forks += 1
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            self._be_child(writer, seed)
        os.close(writer)
        timer = threading.Timer(60, os.kill, (child, signal.SIGKILL))
        timer.start()
        try:
            with os.fdopen(reader) as pipe:
                told = pipe.read()
            _, status = os.waitpid(child, 0)
        finally:
            timer.cancel()
            timer.join()
        if status or not told:
            self.findings.mishap(CHILD, f"status {status}, told {told!r}")
            return
        report = json.loads(told)
        self.tally.add(report["counts"], of=("sent", "whole"))  # what guards count there is lost with it
        for what in report["mishaps"]:
            self.findings.mishap(CHILD, what)

    def _be_child(self, writer: int, seed: int) -> None:
        code = 1
        signal.alarm(60)  # also if nobody is left to end it
        try:
            chance = Random(f"child {seed}")
            findings = self.traffic.findings = self.tally.findings = Findings("child")
            self.tally.renew()
            self.traffic.renew()
            for _ in range(10):
                self.traffic.one(chance)
            asyncio.run(self._ten_async(chance))
            while threading.active_count() > 1 and any(
                "left behind" in thread.name for thread in threading.enumerate()
            ):
                time.sleep(0.01)  # what was left behind may still send
            mishaps = [f"{check.what}: {check.seen}" for check in findings.failed]
            report = {"counts": self.tally.counts(), "mishaps": mishaps}
            os.write(writer, json.dumps(report).encode())
            code = 0
        except BaseException as error:
            os.write(writer, json.dumps({"counts": {}, "mishaps": [repr(error)]}).encode())
        finally:
            os._exit(code)

    async def _ten_async(self, chance: Random) -> None:
        await asyncio.gather(*(self.traffic.one_async(chance) for _ in range(10)))


class Unheard:
    """What goes wrong where nobody waits for it: in threads, in finalisers, in loops; and what holdfast logs."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.logged = 0

    def begin(self) -> None:
        """Listen from now on. What is only told because the development mode is on is left unheard."""
        warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
        threading.excepthook = lambda args: self._tell("a thread", args.exc_value)
        sys.unraisablehook = lambda args: self._tell(f"a finaliser ({args.object!r:.100})", args.exc_value)
        for name, least in (("asyncio", logging.ERROR), ("holdfast", logging.DEBUG)):
            logger = logging.getLogger(name)
            logger.propagate = False
            logger.setLevel(least)
            logger.addHandler(_Handler(self))

    def _tell(self, where: str, error: object) -> None:
        self.findings.mishap(BROKEN, f"{where}: {error!r}")

    def hear(self, record: logging.LogRecord) -> None:
        if record.name.startswith("holdfast"):
            self.logged += 1
        else:
            self._tell(record.name, record.getMessage())

    def settle(self) -> None:
        """Finalisers that have something to say are to say it now."""
        gc.collect()


class _Handler(logging.Handler):
    def __init__(self, unheard: Unheard) -> None:
        super().__init__()
        self._unheard = unheard

    def emit(self, record: logging.LogRecord) -> None:
        self._unheard.hear(record)
