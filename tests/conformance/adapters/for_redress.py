"""redress: the `retry` decorator, and `Policy` with its circuit breaker."""

from __future__ import annotations

from typing import Any

import redress
from redress import AsyncPolicy, AsyncRetry, CircuitBreaker, ErrorClass, Policy, Retry, default_classifier
from redress.extras import http_retry_after_classifier
from redress.strategies import equal_jitter, retry_after_or

from .base import BOTH, Adapter, Breaker, Function, Lab, unknown


class _Breaker(Breaker):
    refusals = (redress.CircuitOpenError,)

    def __init__(self, lab: Lab, breaker: Any, hooks: dict[str, Any]) -> None:
        self.lab = lab
        self.breaker = breaker
        self.hooks = hooks

    def guard(self, function: Function) -> Function:
        return called(
            self.lab,
            (Policy if self.lab.door == "sync" else AsyncPolicy)(circuit_breaker=self.breaker),
            function,
            self.hooks,
        )


def called(lab: Lab, policy: Any, function: Function, hooks: dict[str, Any]) -> Function:
    def call(*arguments: Any) -> Any:
        return policy.call(lambda: function(*arguments), **hooks)

    async def call_async(*arguments: Any) -> Any:
        return await policy.call(lambda: function(*arguments), **hooks)

    return call if lab.door == "sync" else call_async


class Redress(Adapter):
    name = "redress"
    package = "redress"
    patterns = {"retry": BOTH, "circuit breaker": BOTH, "timeout": BOTH}

    def retry(self, lab: Lab, function: Function, *, attempts: int = 3, delay: float = 0.0, **options: Any) -> Function:
        unknown(options, "total", "cuts", "jittered", "growing", "told", "bad", "on_retry", "broad")
        fields: dict[str, Any] = {
            "max_attempts": attempts,
            "max_unknown_attempts": None,
            "classifier": default_classifier,
        }
        fields["strategy"] = (lambda context: delay) if delay >= 0 else equal_jitter(base_s=delay)
        if "jittered" in options or "growing" in options:
            first, bound = options.get("jittered") or options["growing"]
            fields["strategy"] = equal_jitter(base_s=first, max_s=bound)
        if "told" in options:
            fields["classifier"] = http_retry_after_classifier
            fields["strategy"] = retry_after_or(lambda context: 0.01, jitter_s=0)
        if "bad" in options:
            fields["result_classifier"] = lambda result: ErrorClass.TRANSIENT if options["bad"](result) else None
        if "total" in options:
            fields["deadline_s"] = options["total"]
        if options.get("cuts"):
            fields["attempt_timeout_s"] = options["total"]
        if "on_retry" in options:
            fields["on_metric"] = lambda *event: options["on_retry"]()
        if options.get("broad"):
            fields["classifier"] = lambda error: ErrorClass.TRANSIENT
        return redress.retry(**fields)(function)

    def breaker(self, lab: Lab, *, failures: int = 3, reset: float = 0.1, **options: Any) -> Breaker:
        # What its classifier does not know, such as a LookupError, is ignored.
        unknown(options, "ignore", "ignored_in_a_row", "ignored_probe", "window", "listener")
        breaker = CircuitBreaker(
            failure_threshold=failures, window_s=options.get("window", 60), recovery_timeout_s=reset
        )
        hooks = {"on_metric": lambda *event: options["listener"]()} if "listener" in options else {}
        return _Breaker(lab, breaker, hooks)

    def retry_around_breaker(self, lab: Lab, function: Function, breaker: Breaker) -> Function:
        assert isinstance(breaker, _Breaker)
        fields: Any = {"classifier": default_classifier, "strategy": lambda context: 0.05, "max_attempts": 3}
        policy: Any = (
            Policy(retry=Retry(**fields), circuit_breaker=breaker.breaker)
            if lab.door == "sync"
            else AsyncPolicy(retry=AsyncRetry(**fields), circuit_breaker=breaker.breaker)
        )
        return called(lab, policy, function, {})

    def timeout(self, lab: Lab, function: Function, seconds: float) -> Function:
        return redress.retry(max_attempts=1, attempt_timeout_s=seconds)(function)


ADAPTER = Redress()
