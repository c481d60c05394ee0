"""A dependency in virtual time that goes through phases, and counts by itself what reaches it."""

from __future__ import annotations

import bisect
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from types import MappingProxyType

from .findings import Findings


class Phase(StrEnum):
    """How the dependency is doing."""

    HEALTHY = "healthy"
    SLOW = "slow"
    FAILING = "failing"
    DOWN = "down"
    LIMITING = "limiting"
    RECOVERING = "recovering"


SHARES = {
    Phase.HEALTHY: 0.15,
    Phase.SLOW: 0.15,
    Phase.FAILING: 0.25,
    Phase.DOWN: 0.15,
    Phase.LIMITING: 0.15,
    Phase.RECOVERING: 0.15,
}
"""In this order, and so much of each cycle."""


class StatusError(Exception):
    """An answer other than 200; holdfast reads `status` and `headers`."""

    def __init__(self, status: int, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status
        self.headers = headers


@dataclass(frozen=True)
class Course:
    """When which phase is, in cycles of so many seconds."""

    cycle: float

    def at(self, now: float) -> Phase:
        place, passed = now % self.cycle / self.cycle, 0.0
        for phase, share in SHARES.items():
            passed += share
            if place < passed:
                return phase
        return Phase.RECOVERING

    def length(self, phase: Phase) -> float:
        return SHARES[phase] * self.cycle


@dataclass
class Dependency:
    """What it does to each call, and what it has seen; entered and left by the function that is guarded.

    `limit` is how many calls a second it takes while it limits. `most` may be inside at the same time, and of those
    `probes` while `is_half_open`.
    """

    course: Course
    chance: Random
    findings: Findings
    limit: int
    most: int
    probes: int
    is_half_open: Callable[[], bool] = lambda: False
    arrivals: list[float] = field(default_factory=list)
    by_phase: Counter[Phase] = field(default_factory=Counter)
    answered: int = 0
    inside: int = 0
    peak: int = 0
    probing: int = 0
    probed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.findings.expect("more calls inside than there are permits")
        self.findings.expect("more probes inside than are allowed")
        self._second = -1
        self._taken = 0

    def enter(self, now: float) -> tuple[float, BaseException | None, bool]:
        """A call arrives: return how long it is going to take, what comes of it, and whether it is a probe."""
        is_probe = self.is_half_open()
        with self.lock:
            phase = self.course.at(now)
            self.arrivals.append(now)
            self.by_phase[phase] += 1
            self.inside += 1
            self.peak = max(self.peak, self.inside)
            if self.inside > self.most:
                self.findings.mishap("more calls inside than there are permits", f"{self.inside} at {now:.3f} s")
            if is_probe:
                self.probing += 1
                self.probed += 1
                if self.probing > self.probes:
                    self.findings.mishap("more probes inside than are allowed", f"{self.probing} at {now:.3f} s")
            return *self._fate(now, phase), is_probe

    def _fate(self, now: float, phase: Phase) -> tuple[float, BaseException | None]:
        took = 0.005 * self.chance.randint(1, 4)
        trouble = self.chance.random()
        if phase is Phase.SLOW:
            return (1.0 if trouble < 0.4 else 4 * took), None
        if phase is Phase.FAILING and trouble < 0.3:
            return took, self.chance.choice((ConnectionResetError("reset"), StatusError(503), TimeoutError("slow")))
        if phase is Phase.DOWN:
            return 4 * took, ConnectionRefusedError("down")  # so that others come meanwhile
        if phase is Phase.RECOVERING and trouble < 0.1:
            return 2 * took, StatusError(503)
        if phase is Phase.LIMITING:
            if int(now) != self._second:
                self._second, self._taken = int(now), 0
            self._taken += 1
            if self._taken > self.limit:
                return 0.0, StatusError(429, {"Retry-After": "1"})
        return took, None

    def leave(self, *, is_probe: bool, answered: bool) -> None:
        with self.lock:
            self.inside -= 1
            self.probing -= is_probe
            self.answered += answered

    def most_within(self, window: float) -> int:
        """Return how many calls arrived at most within any `window` seconds, wherever these begin."""
        times, first, most = sorted(self.arrivals), 0, 0
        for place, now in enumerate(times):
            first = bisect.bisect_right(times, now - window, first, place)
            most = max(most, place - first + 1)
        return most
