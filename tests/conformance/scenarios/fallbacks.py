"""Fallback: what it answers for."""

from __future__ import annotations

from ..adapters.base import ASYNC, Adapter
from ..endings import expect
from ..labs import Lab
from .base import scenario


@scenario("fallback", "circuit breaker", expects="The fallback answers also for calls that an open circuit refuses.")
def answers_for_refusals(lab: Lab, library: Adapter) -> None:
    service = lab.service(library.failure)
    guarded, open_it = library.fallback_around_breaker(lab, service.function, "second best")
    open_it()
    before = service.calls
    ending = lab.call(guarded)
    expect(service.calls == before, "the circuit is not open")
    expect(ending.value == "second best", f"the call {ending.shown()}")


@scenario("fallback", doors=ASYNC, expects="An async fallback of an async function is awaited.")
def async_fallback(lab: Lab, library: Adapter) -> None:
    answer = lab.service("second best")
    ending = lab.call(library.fallback(lab, lab.service(library.failure).function, answer.function))
    expect(ending.value == "second best", f"the call {ending.shown()}")
