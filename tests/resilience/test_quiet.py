"""Nobody listens: then no event is made, whatever a call passes and however it ends."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support import Door, Script

from holdfast import ResilienceManager, ResiliencePolicy, RetryPolicy, Value
from holdfast.events import Event, subscribe
from holdfast.testing import VirtualClock


@pytest.mark.parametrize("outcome", ["fine", ConnectionError, ValueError])
def test_without_a_listener_no_event_is_made(
    outcome: Any, door: Door, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    init = Event.__init__

    def noted(event: Event, **fields: Any) -> None:
        made.append(type(event).__name__)
        init(event, **fields)

    monkeypatch.setattr(Event, "__init__", noted)
    policy = ResiliencePolicy.api(
        retry=RetryPolicy.fixed(1),
        circuit_breaker={"failure_threshold": 2},
        rate_limit={"limit": 100, "period": 1},
        total_timeout=60,
        fallback=Value("fallback"),
    )
    function = ResilienceManager(clock=clock).protect(door.function(Script(outcome)), "quiet", policy)
    for _ in range(5):
        assert door.run(function) == ("fine" if outcome == "fine" else "fallback")
    assert not made
    unsubscribe = subscribe(lambda event: None)
    try:
        door.run(function)
    finally:
        unsubscribe()
    assert bool(made) is (outcome != "fine")
