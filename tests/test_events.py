"""Events: made for whoever listens, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast import events, with_retry
from holdfast.testing import VirtualClock


def test_listeners_hear_the_kinds_they_asked_for_until_they_unsubscribe() -> None:
    every: list[Any] = []
    some: list[Any] = []
    unsubscribe = events.subscribe(every.append)
    unsubscribe_too = events.subscribe(some.append, events.RetryStopped, events.RetryScheduled)
    event = events.RetryBudgetRefused(name="f", policy="p", attempt=1)
    events.emit(event)
    assert (every, some) == ([event], [])
    unsubscribe()
    unsubscribe()
    events.emit(event)
    assert every == [event]
    unsubscribe_too()
    assert events.listeners == ()


def test_no_event_is_made_while_nobody_listens(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_fields: object) -> None:
        raise AssertionError("an event was made for nobody")

    monkeypatch.setattr(events, "RetryScheduled", refuse)
    monkeypatch.setattr(events, "RetryStopped", refuse)

    @with_retry(clock=clock)
    def fails() -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        fails()
