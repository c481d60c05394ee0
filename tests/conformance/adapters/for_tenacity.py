"""tenacity: `retry` with `reraise=True`, and of its stop and wait conditions the strictest."""

from __future__ import annotations

from typing import Any

import tenacity

from .base import BOTH, Adapter, Function, Lab, unknown


def wait_told(told: Any) -> Any:
    """A wait condition of one's own, which is any function of the state."""
    return lambda state: told(state.outcome.exception())


class Tenacity(Adapter):
    name = "tenacity"
    package = "tenacity"
    patterns = {"retry": BOTH}

    def retry(self, lab: Lab, function: Function, *, attempts: int = 3, delay: float = 0.0, **options: Any) -> Function:
        unknown(options, "total", "jittered", "growing", "exact", "told", "bad", "on_retry", "broad")
        return tenacity.retry(**arguments(attempts, delay, self.failure, options))(function)


def arguments(attempts: int, delay: float, failure: type[Exception], options: Any) -> dict[str, Any]:
    wait: Any = tenacity.wait_fixed(delay)
    if "jittered" in options:
        first, bound = options["jittered"]
        wait = tenacity.wait_random_exponential(multiplier=first, max=bound)
    elif "growing" in options:
        first, bound = options["growing"]
        wait = tenacity.wait_exponential(multiplier=first, max=bound)
    elif "told" in options:
        wait = wait_told(options["told"])
    stop: Any = tenacity.stop_after_attempt(attempts)
    if "total" in options:
        stop = stop | tenacity.stop_before_delay(options["total"])
    condition: Any = tenacity.retry_if_exception_type(Exception if options.get("broad") else failure)
    if "bad" in options:
        condition = condition | tenacity.retry_if_result(options["bad"])
    made = {"wait": wait, "stop": stop, "retry": condition, "reraise": True}
    if "on_retry" in options:
        made["before_sleep"] = lambda state: options["on_retry"]()
    return made


ADAPTER = Tenacity()
