"""What is going to be shown: how much traffic, how patient everyone is, and which runs there are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Plan:
    """How much traffic there is, and how patient everyone is. Durations are seconds.

    A call is sent every `gap`, whether or not earlier ones are answered, as users do. The calls whose numbers lie in
    `outage` meet with one; before it the server has a rough time, and after it the server is well. The server takes
    `pace` over every request. `timeout` is the client's own for one attempt; holdfast cuts an attempt short at half
    of that, and a stalled answer comes at twice that.
    """

    seed: int = 1
    calls: int = 130
    gap: float = 0.01
    outage: range = range(63, 100)
    pace: float = 0.03
    timeout: float = 0.4
    retry_after: int = 1
    retry_after_ms: int = 150

    @property
    def attempt_timeout(self) -> float:
        """How long an attempt may take where holdfast sees to it."""
        return self.timeout / 2

    @property
    def stall(self) -> float:
        """How late a stalled answer comes."""
        return self.timeout * 2

    @property
    def afterwards(self) -> range:
        """The numbers of the calls that are sent after the outage."""
        return range(self.outage.stop, self.calls)


class Protection(StrEnum):
    """What the calls of a run are guarded by."""

    BARE = "bare"
    RETRY = "retry"
    POLICY = "policy"


@dataclass(frozen=True)
class Scenario:
    """One run: through which door it goes, with which client, and how it is guarded."""

    door: str
    client: str
    protection: Protection

    @property
    def name(self) -> str:
        """The door and the guards, as shown in progress lines and tables."""
        return f"{self.door}, {self.protection}"
