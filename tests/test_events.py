"""Events: made for whoever listens, and only then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support import Door, Script

from holdfast import (
    ConfigurationError,
    create_circuit_breaker,
    events,
    set_trace_hook,
    with_circuit_breaker,
    with_retry,
)
from holdfast.circuit_breaker import herald
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


@pytest.fixture(params=["subscribe", "watch", "hook"])
def listen(request: pytest.FixtureRequest) -> Iterator[Callable[[Callable[[Any], Any]], None]]:
    """The ways in which one may be told of what happens to any guard."""
    endings: list[Callable[[], None]] = []

    def begin(listener: Callable[[Any], Any]) -> None:
        if request.param == "hook":
            set_trace_hook(listener)
            endings.append(lambda: set_trace_hook(None))
        else:
            endings.append(getattr(events, request.param)(listener))

    yield begin
    for end in endings:
        end()
    assert events.listeners == events.watchers == ()


def test_what_a_listener_makes_happen_is_told_to_the_others_only(
    door: Door, clock: VirtualClock, listen: Callable[[Callable[[Any], Any]], None]
) -> None:
    calls = 0

    @with_retry(max_attempts=1)
    def alert(_event: Any) -> None:
        nonlocal calls
        calls += 1
        raise ConnectionResetError

    listen(alert)
    others: list[Any] = []
    end = events.subscribe(others.append)
    with pytest.raises(ConnectionResetError):
        door.run(with_retry(max_attempts=1, clock=clock)(door.function(Script(ConnectionResetError))))
    end()
    assert 1 <= calls <= 2  # the failure is told, or that it was given up, or both
    assert sum(event.name == alert.__qualname__ for event in others) == calls


def test_what_happens_in_tasks_that_a_listener_starts_is_not_told_to_it_either(
    listen: Callable[[Callable[[Any], Any]], None],
) -> None:
    alerts = 0

    @with_retry(max_attempts=1)
    async def alert() -> None:
        nonlocal alerts
        alerts += 1
        raise ConnectionResetError

    tasks: set[asyncio.Task[None]] = set()
    listen(lambda _event: tasks.add(asyncio.create_task(alert())))

    async def main() -> None:
        create_circuit_breaker("moves").force_open()
        with pytest.raises(ConnectionResetError):
            with_circuit_breaker("fails")(Script(ConnectionResetError).next)()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    assert alerts == len(tasks)
    assert len(tasks) <= 2


def test_an_interrupt_in_a_listener_leaves_it_listening() -> None:
    heard: list[Any] = []

    def listener(event: Any) -> None:
        heard.append(event)
        if len(heard) == 1:
            raise KeyboardInterrupt

    end = events.subscribe(listener)
    event = events.RetryBudgetRefused(name="f", policy="p", attempt=1)
    with pytest.raises(KeyboardInterrupt):
        events.emit(event)
    events.emit(event)
    end()
    assert heard == [event, event]


def test_a_listener_that_is_gone_is_told_no_more_also_by_those_who_are_just_telling() -> None:
    heard: list[str] = []
    endings: list[Callable[[], None]] = []

    def first(_event: Any) -> None:
        heard.append("first")
        for end in endings:
            end()

    endings.extend((events.subscribe(first), events.subscribe(lambda _event: heard.append("second"))))
    events.emit(events.RetryBudgetRefused(name="f", policy="p", attempt=1))
    assert heard == ["first"]
    assert events.listeners == ()


@pytest.mark.parametrize("wrong", [42, int, "RetryScheduled"])
def test_what_is_no_kind_of_event_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="kinds must be classes of events"):
        events.subscribe(print, events.RetryStopped, wrong)
    assert events.listeners == ()


@pytest.mark.parametrize("begin", [events.subscribe, events.watch])
def test_what_is_no_plain_function_is_refused_and_what_turns_out_to_be_none_is_logged(
    begin: Callable[[Any], Callable[[], None]], caplog: pytest.LogCaptureFixture
) -> None:
    async def ship(_event: Any) -> None: ...

    for wrong in (None, "nonsense", ship):
        with pytest.raises(ConfigurationError, match="must be a"):
            begin(wrong)
    end = begin(lambda event: ship(event))
    with pytest.raises(ConnectionResetError):
        with_retry(max_attempts=1)(Script(ConnectionResetError).next)()
    end()
    assert "raised TypeError" in caplog.text


def test_a_forked_child_has_a_lock_that_nobody_holds() -> None:
    for module in (events, herald):
        lock = module._changing
        module._renew_lock()
        assert module._changing is not lock
