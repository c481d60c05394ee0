"""stamina: `retry`, with `timeout=None` where no total limit is asked for."""

from __future__ import annotations

from typing import Any

import stamina
import stamina.instrumentation

from .base import BOTH, Adapter, Function, Lab, unknown


class Stamina(Adapter):
    name = "stamina"
    package = "stamina"
    patterns = {"retry": BOTH}

    def retry(self, lab: Lab, function: Function, *, attempts: int = 3, delay: float = 0.0, **options: Any) -> Function:
        unknown(options, "total", "jittered", "growing", "exact", "told", "on_retry", "broad")
        waits: dict[str, Any] = {"wait_initial": delay, "wait_max": delay, "wait_jitter": 0}
        if "jittered" in options:
            first, bound = options["jittered"]
            waits = {"wait_initial": first, "wait_max": bound, "wait_jitter": first}
        elif "growing" in options:
            first, bound = options["growing"]
            waits = {"wait_initial": first, "wait_max": bound, "wait_jitter": 0}
        on: Any = Exception if options.get("broad") else self.failure
        if "told" in options:
            on = lambda error: options["told"](error) or isinstance(error, self.failure)
        hooks = [lambda details: options["on_retry"]()] if "on_retry" in options else []
        stamina.instrumentation.set_on_retry_hooks(hooks)
        return stamina.retry(on=on, attempts=attempts, timeout=options.get("total"), **waits)(function)


ADAPTER = Stamina()
