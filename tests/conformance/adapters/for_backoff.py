"""backoff: `on_exception`, `on_predicate` for results, `runtime` for what a server asks."""

from __future__ import annotations

from typing import Any

import backoff

from .base import BOTH, Adapter, Function, Lab, unknown


class Backoff(Adapter):
    name = "backoff"
    package = "backoff"
    patterns = {"retry": BOTH}
    module: Any = backoff

    def retry(self, lab: Lab, function: Function, *, attempts: int = 3, delay: float = 0.0, **options: Any) -> Function:
        unknown(options, "total", "jittered", "growing", "exact", "told", "bad", "on_retry", "broad")
        return self.decorated(function, attempts, delay, options)

    def decorated(self, function: Function, attempts: int, delay: float, options: Any, **more: Any) -> Function:
        fields: dict[str, Any] = {"max_tries": attempts, "jitter": None, "logger": None, **more}
        wait: Any = self.module.constant
        if "jittered" in options or "growing" in options:
            first, bound = options.get("jittered") or options["growing"]
            wait = self.module.expo
            fields |= {"factor": first, "max_value": bound}
            if "jittered" in options:
                fields["jitter"] = self.module.full_jitter
        elif "told" in options:
            wait = self.module.runtime
            fields["value"] = options["told"]
        else:
            fields["interval"] = delay
        if "total" in options:
            fields["max_time"] = options["total"]
        if "on_retry" in options:
            fields["on_backoff"] = lambda details: options["on_retry"]()
        if "bad" in options:
            return self.module.on_predicate(wait, predicate=options["bad"], **fields)(function)
        kind = Exception if options.get("broad") else self.failure
        return self.module.on_exception(wait, kind, **fields)(function)


ADAPTER = Backoff()
