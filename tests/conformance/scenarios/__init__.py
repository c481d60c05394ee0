"""What is expected, one scenario after the other."""

from __future__ import annotations

from . import breakers, bulkheads, fallbacks, functions, limiters, recovery, retries, timeouts, waits
from .base import Scenario

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for module in (functions, retries, waits, breakers, recovery, bulkheads, timeouts, limiters, fallbacks)
    for scenario in vars(module).values()
    if isinstance(scenario, Scenario)
}
"""By name, in the order in which they are shown."""

__all__ = ["SCENARIOS", "Scenario"]
