"""purgatory: one factory for plain and one for async functions; how many probes run at once it does not say."""

from __future__ import annotations

from typing import Any

import purgatory
from purgatory.domain.model import OpenedState

from ..endings import NotOfferedError
from .base import BOTH, Adapter, Breaker, Function, Lab, unknown


class _Breaker(Breaker):
    refusals = (OpenedState,)

    def __init__(self, factory: Any, ignore: Any) -> None:
        self.factory = factory
        self.ignore = ignore

    def guard(self, function: Function) -> Function:
        guarded: Function = self.factory("service", exclude=self.ignore)(function)
        return guarded


class Purgatory(Adapter):
    name = "purgatory"
    package = "purgatory"
    patterns = {"circuit breaker": BOTH}

    def breaker(self, lab: Lab, *, failures: int = 3, reset: float = 0.1, **options: Any) -> Breaker:
        unknown(options, "ignore", "listener")
        kind = purgatory.SyncCircuitBreakerFactory if lab.door == "sync" else purgatory.AsyncCircuitBreakerFactory
        factory = kind(default_threshold=failures, default_ttl=reset)
        if "listener" in options:
            factory.add_listener(lambda name, event_type, event: options["listener"]())
        return _Breaker(factory, list(options.get("ignore", ())))

    def one_probe(self, breaker: Breaker) -> None:
        raise NotOfferedError


ADAPTER = Purgatory()
