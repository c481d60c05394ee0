"""interlock-cb: its breaker as a decorator, all else as a `Pipeline`; the retry is tenacity's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import interlock

from ..endings import NotOfferedError
from .base import BOTH, Adapter, Breaker, Bulkhead, Function, Lab, unknown
from .for_tenacity import arguments


class _Breaker(Breaker):
    refusals = (interlock.CircuitOpenError,)

    def __init__(self, breaker: Any) -> None:
        self.breaker = breaker
        super().__init__(breaker)


class _Bulkhead(Bulkhead):
    refusals = (interlock.BulkheadFullError,)


class _Ignoring:
    def __init__(self, ignored: tuple[type[BaseException], ...]) -> None:
        self.ignored = ignored

    def is_failure(self, *, result: object, exception: Exception | None) -> bool:
        return exception is not None and not isinstance(exception, self.ignored)


class Interlock(Adapter):
    name = "interlock"
    package = "interlock"
    patterns = dict.fromkeys(("retry", "circuit breaker", "bulkhead", "timeout", "fallback"), BOTH)

    def retry(self, lab: Lab, function: Function, *, attempts: int = 3, delay: float = 0.0, **options: Any) -> Function:
        unknown(options, "total", "cuts", "jittered", "growing", "exact", "told", "bad", "on_retry", "broad")
        builder = interlock.Pipeline.builder()
        if "total" in options:
            builder = builder.timeout(options["total"])
        fields = arguments(attempts, delay, self.failure, {k: v for k, v in options.items() if k != "total"})
        del fields["stop"], fields["reraise"]
        if not delay >= 0:
            raise NotOfferedError("its waits are tenacity's")
        if "on_retry" in options:
            del fields["before_sleep"]

            class Listener(interlock.PipelineEventListener):
                def on_retry(self, **what: Any) -> None:
                    options["on_retry"]()

            fields["listener"] = Listener()
        return builder.retry(attempts=attempts, **fields).build()(function)

    def breaker(self, lab: Lab, *, failures: int = 3, reset: float = 0.1, **options: Any) -> Breaker:
        unknown(options, "ignore", "ignored_probe", "window", "listener")
        window: dict[str, Any] = {"window_size": failures}
        if "window" in options:
            window = {"window_type": interlock.WindowType.TIME_BASED, "window_size": options["window"]}
        config = interlock.Config(
            failure_rate_threshold=1.0,
            minimum_number_of_calls=failures,
            wait_duration_in_open=reset,
            permitted_calls_in_half_open=1,
            **window,
        )
        more: dict[str, Any] = {}
        if "ignore" in options:
            more["classifier"] = _Ignoring(options["ignore"])
        if "ignored_probe" in options:
            more["unreachable_exceptions"] = options["ignore"]
        if "listener" in options:

            class Listener(interlock.EventListener):
                def on_state_change(self, **what: Any) -> None:
                    options["listener"]()

            more["listener"] = Listener()
        return _Breaker(interlock.CircuitBreaker(name="service", config=config, **more))

    def retry_around_breaker(self, lab: Lab, function: Function, breaker: Breaker) -> Function:
        assert isinstance(breaker, _Breaker)
        return interlock.Pipeline.builder().retry(attempts=3).circuit_breaker(breaker.breaker).build()(function)

    def bulkhead(self, lab: Lab, *, permits: int, queue: int = 0, patience: float = 5.0) -> Bulkhead:
        return _Bulkhead(interlock.Pipeline.builder().bulkhead(permits, max_wait=patience if queue else 0).build())

    def timeout(self, lab: Lab, function: Function, seconds: float) -> Function:
        return interlock.Pipeline.builder().timeout(seconds).build()(function)

    def timeout_errors(self) -> tuple[type[BaseException], ...]:
        return (interlock.CallTimeoutError,)

    def fallback(self, lab: Lab, function: Function, answer: Function) -> Function:
        if lab.door == "async":
            raise NotOfferedError("its fallback is a plain function, by its documentation")
        return interlock.Pipeline.builder().fallback(lambda error: answer()).build()(function)

    def breaker_around_bulkhead(self, lab: Lab, function: Function, *, failures: int) -> tuple[Function, Function]:
        breaker = self.breaker(lab, failures=failures, ignore=(interlock.BulkheadFullError,))
        assert isinstance(breaker, _Breaker)
        pipeline = interlock.Pipeline.builder().circuit_breaker(breaker.breaker).bulkhead(1).build()
        return pipeline(function), breaker.guard(function)

    def bulkhead_around_timeout(self, lab: Lab, function: Function, *, permits: int, seconds: float) -> Function:
        return interlock.Pipeline.builder().bulkhead(permits).timeout(seconds).build()(function)

    def fallback_around_breaker(
        self, lab: Lab, function: Function, value: str
    ) -> tuple[Function, Callable[[], object]]:
        breaker = self.breaker(lab, reset=60)
        assert isinstance(breaker, _Breaker)
        builder = interlock.Pipeline.builder().fallback(lambda error: value).circuit_breaker(breaker.breaker)
        guarded = builder.build()(function)
        return guarded, lambda: [lab.call(guarded) for _ in range(3)]


ADAPTER = Interlock()
