"""The scenarios: small crowds in each guard, and what must be true of them whoever goes on when."""

from __future__ import annotations

from ..exploring import Scenario
from . import breakers, bulkheads, limiters, process_wide, shared, tasks_in_guards, tasks_in_time, timeouts

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for module in (breakers, bulkheads, limiters, shared, process_wide, timeouts, tasks_in_guards, tasks_in_time)
    for scenario in module.SCENARIOS
}
