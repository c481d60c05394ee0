"""Registered timeouts, what happens when time is up, what is counted, and what is refused at once."""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from tests.support import Door, Script, run_virtual

from holdfast import (
    ConfigurationError,
    DeadlineExceededError,
    OperationTimeoutError,
    TimeoutConfig,
    TimeoutManager,
    UnknownPolicyError,
    deadline,
    events,
    get_timeout_manager,
    with_timeout,
)
from holdfast.testing import VirtualClock
from holdfast.timeout import TimeoutExceeded


def slow(door: Door, clock: VirtualClock, seconds: float, value: str = "late") -> Any:
    """A function of the door's kind that takes so long by the clock."""
    if door.name == "sync":

        def plain(*_: Any) -> str:
            clock.sleep(seconds)
            return value

        return plain

    async def inner(*_: Any) -> str:
        await clock.sleep_async(seconds)
        return value

    return inner if door.name == "async" else lambda *args: inner(*args)


def test_a_value_comes_back_in_time_through_every_door(door: Door) -> None:
    manager = TimeoutManager()
    manager.register("api.weather", 10)
    function = door.function(Script("sunny"))
    assert door.run(manager.protect(function, timeout="api.weather"), "Rome") == "sunny"
    assert door.run(lambda: manager.execute(function, "api.weather")) == "sunny"
    assert door.run(with_timeout(timedelta(seconds=10))(function)) == "sunny"


def test_on_a_clock_of_the_tests_own_nothing_waits_and_what_took_too_long_times_out(
    door: Door, clock: VirtualClock
) -> None:
    manager = TimeoutManager(clock=clock)
    limited = manager.protect(slow(door, clock, 20), timeout=10)
    with pytest.raises(OperationTimeoutError, match="took longer than its timeout of 10 s"):
        door.run(limited)
    assert door.run(manager.protect(slow(door, clock, 5, "in time"), timeout=10)) == "in time"
    with pytest.raises(OperationTimeoutError, match="took longer than its timeout of 10 s"):
        door.run(manager.protect(manager.protect(slow(door, clock, 20), timeout=60), timeout=10))
    assert threading.current_thread() is threading.main_thread()


def test_the_fallback_answers_when_time_is_up(door: Door, clock: VirtualClock) -> None:
    manager = TimeoutManager(clock=clock)
    late = slow(door, clock, 20)
    assert door.run(manager.protect(late, timeout=10, fallback="unknown")) == "unknown"
    assert door.run(manager.protect(late, timeout=10, fallback=lambda: "asked")) == "asked"
    assert door.run(manager.protect(late, timeout=10, fallback=list)) == []
    if door.name != "sync":

        async def elsewhere() -> str:
            await asyncio.sleep(0)
            return "awaited"

        assert door.run(manager.protect(late, timeout=10, fallback=elsewhere)) == "awaited"
    # An error of its own is no timeout.
    with pytest.raises(KeyError):
        door.run(manager.protect(door.function(Script(KeyError)), timeout=10, fallback="unknown"))


def test_on_timeout_hears_of_it_and_may_raise(
    door: Door, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[OperationTimeoutError] = []

    def tell(error: OperationTimeoutError) -> None:
        heard.append(error)
        raise ValueError("secret")

    manager = TimeoutManager(clock=clock)
    with caplog.at_level(logging.INFO, "holdfast.timeout"), pytest.raises(OperationTimeoutError) as caught:
        door.run(manager.protect(slow(door, clock, 20), timeout=10, on_timeout=tell), "a secret argument")
    assert heard == [caught.value]
    assert "on_timeout" in caplog.text
    assert "took longer than 10 s" in caplog.text
    assert "secret" not in caplog.text


def test_promise_6_a_fallback_that_raises_has_the_timeout_as_its_context(door: Door, clock: VirtualClock) -> None:
    def broken() -> str:
        raise LookupError("no cache")

    with pytest.raises(LookupError, match="no cache") as caught:
        door.run(TimeoutManager(clock=clock).protect(slow(door, clock, 20), timeout=10, fallback=broken))
    assert isinstance(caught.value.__context__, OperationTimeoutError)


def test_a_name_may_be_registered_after_decorating_and_is_followed(door: Door, clock: VirtualClock) -> None:
    manager = TimeoutManager(clock=clock)
    limited = manager.protect(slow(door, clock, 20, "fetched"), timeout="api.weather")
    with pytest.raises(UnknownPolicyError, match=r"there is no timeout named 'api.weather'"):
        door.run(limited)
    manager.register("api.weather", 60)
    assert door.run(limited) == "fetched"
    manager.register("api.weather", 10)
    for _ in range(2):
        with pytest.raises(OperationTimeoutError, match="10 s"):
            door.run(limited)
    manager.register("api.weather", 30, fallback="cached")
    assert door.run(limited) == "fetched"
    assert manager.remove("api.weather")
    assert not manager.remove("api.weather")
    with pytest.raises(UnknownPolicyError):
        door.run(limited)


def test_a_registered_timeout_is_followed_on_the_quick_way_too() -> None:
    manager = TimeoutManager()

    async def work(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "fetched"

    limited = manager.protect(work, timeout="api")
    shorter = manager.protect(work, timeout="api", fallback="own")

    async def main() -> None:
        manager.register("api", 10)
        for _ in range(3):
            assert await limited(5) == "fetched"
            assert await shorter(5) == "fetched"
        manager.register("api", 2)
        for _ in range(3):
            with pytest.raises(OperationTimeoutError, match="timeout of 2 s"):
                await limited(5)
            assert await shorter(5) == "own"
        manager.register("api", 20)
        assert await limited(15) == "fetched"

    run_virtual(main())


def test_the_process_wide_manager_knows_the_names_of_the_decorator(door: Door) -> None:
    limited = with_timeout("billing")(door.function(Script("paid")))
    get_timeout_manager().register("biling", 3)
    with pytest.raises(UnknownPolicyError, match="did you mean 'biling'"):
        door.run(limited)
    config = get_timeout_manager().register("billing", timedelta(minutes=1))
    assert config.seconds == 60
    assert door.run(limited) == "paid"
    assert get_timeout_manager().registered["billing"] is config


def test_metrics_tell_what_took_too_long_by_name(door: Door, clock: VirtualClock) -> None:
    manager = TimeoutManager(clock=clock, max_left_behind=3)
    manager.register("api", 10)
    for seconds in (5, 20, 20):
        try:
            door.run(manager.protect(slow(door, clock, seconds), timeout="api"))
        except OperationTimeoutError:
            continue
    with pytest.raises(OperationTimeoutError):
        door.run(manager.protect(slow(door, clock, 20), timeout=10))
    with deadline(1e-9):
        while True:
            try:
                door.run(manager.protect(slow(door, clock, 0), timeout=10))
            except DeadlineExceededError as error:
                if not error.began:
                    break
    metrics = manager.metrics
    assert metrics.by_name == {"api": 2}
    assert metrics.timed_out >= 3
    assert metrics.refused == 1
    assert metrics.left_behind == {}
    assert metrics.as_dict()["max_left_behind"] == 3


def test_names_that_are_counted_are_bounded(monkeypatch: pytest.MonkeyPatch, clock: VirtualClock) -> None:
    from holdfast.timeout import manager as module

    monkeypatch.setattr(module, "_NAMES_COUNTED", 2)
    manager = TimeoutManager(clock=clock)
    for name in ("a", "b", "c", "a"):
        manager.register(name, 1)
        with pytest.raises(OperationTimeoutError):
            manager.execute(functools.partial(clock.sleep, 2), name)
    assert manager.metrics.by_name == {"a": 2, "b": 1}
    assert manager.metrics.timed_out == 4


def test_who_listens_hears_of_it(door: Door, clock: VirtualClock) -> None:
    seen: list[TimeoutExceeded] = []
    unsubscribe = events.subscribe(seen.append, TimeoutExceeded)
    try:
        with pytest.raises(OperationTimeoutError):
            door.run(TimeoutManager(clock=clock).protect(slow(door, clock, 20), timeout=10))
    finally:
        unsubscribe()
    assert [(event.seconds, event.left_behind) for event in seen] == [(10, False)]
    assert seen[0].limit.startswith("the timeout of ")


@pytest.mark.parametrize(
    "wrong", [0, -1, float("nan"), float("inf"), True, False, timedelta(0), timedelta(seconds=-1), b"3", [3], 1j, -0.0]
)
def test_what_is_no_limit_is_refused_when_decorating(wrong: Any) -> None:
    for make in (
        lambda: with_timeout(wrong),
        lambda: TimeoutManager().register("x", wrong),
        lambda: TimeoutManager().execute(lambda: 1, wrong),
        lambda: TimeoutConfig(seconds=wrong),
    ):
        with pytest.raises(ConfigurationError, match="seconds must be"):
            make()


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("5", "5"), ("5s", "5"), ("500 ms", "0.5"), ("1m30s", "90"), ("0.5h", "1800")],
)
def test_a_text_that_is_a_duration_is_refused_when_decorating(written: str, seconds: str) -> None:
    manager = TimeoutManager()
    told = rf"none is named '{re.escape(written)}'; for a duration write with_timeout\({re.escape(seconds)}\)$"
    for use in (
        lambda: with_timeout(written, manager=manager),
        lambda: manager.execute(lambda: 1, written),
        lambda: manager.protect(lambda: 1, timeout=written),
    ):
        with pytest.raises(ConfigurationError, match=told):
            use()
    manager.register(written, 5)
    assert with_timeout(written, manager=manager)(lambda: 1)() == 1


@pytest.mark.parametrize("name", ["api", "s", "5 parsecs", "api-5s", "1.2.3", "v1.5s", "5s-api", "1" * 60 + "!"])
def test_a_text_that_is_no_duration_may_be_registered_later(name: str) -> None:
    manager = TimeoutManager()
    limited = with_timeout(name, manager=manager)(lambda: 1)
    with pytest.raises(
        UnknownPolicyError,
        match=r"none is registered yet; get_timeout_manager\(\)\.register\('.*', seconds\) makes one$",
    ):
        limited()
    manager.register(name, 5)
    assert limited() == 1


def test_seconds_may_be_given_by_keyword() -> None:
    assert with_timeout(seconds=5)(lambda: 1)() == 1
    assert with_timeout(seconds=timedelta(seconds=5), fallback=2)(lambda: 1)() == 1
    with pytest.raises(ConfigurationError, match=r"give one limit, not two: 5, or seconds=6"):
        with_timeout(5, seconds=6)  # type: ignore[call-overload]
    with pytest.raises(
        ConfigurationError, match="with_timeout: seconds must be finite and more than zero seconds, not 0"
    ):
        with_timeout(seconds=0)


def test_other_wrong_settings_are_refused_at_once() -> None:
    with pytest.raises(TypeError, match=r"write @with_timeout\(10\)"):
        with_timeout(lambda: 1)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="with_timeout takes seconds"):
        with_timeout(None)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="write @with_timeout"):
        with_timeout(staticmethod(lambda: 1))  # type: ignore[call-overload]
    with pytest.raises(ConfigurationError, match="name must be a text"):
        with_timeout(" ")
    with pytest.raises(ConfigurationError, match="mode cannot be 'threads'; did you mean 'thread'"):
        with_timeout(1, mode="threads")  # type: ignore[call-overload]
    with pytest.raises(ConfigurationError, match="mode cannot be"):
        with_timeout("later", mode="processes")  # type: ignore[call-overload]
    with pytest.raises(ConfigurationError, match="on_timeout must be a function"):
        with_timeout(1, on_timeout="log")  # type: ignore[call-overload]

    async def tell(_error: object) -> None: ...

    with pytest.raises(ConfigurationError, match="on_timeout must be a plain function"):
        with_timeout(1, on_timeout=tell)
    with pytest.raises(TypeError, match="timeout cannot guard the class"):
        with_timeout(1)(int)
    with pytest.raises(TypeError, match="generator function"):

        @with_timeout(1)
        def pages() -> Any:
            yield 1

    with pytest.raises(ConfigurationError, match="max_left_behind"):
        TimeoutManager(max_left_behind=0)
    with pytest.raises(ConfigurationError, match="name"):
        TimeoutManager().register("", 1)
    with pytest.raises(UnknownPolicyError):
        TimeoutManager().execute(lambda: 1, "nowhere")
    with pytest.raises(TypeError, match="cannot be called"):
        TimeoutManager().execute(7, 1)  # type: ignore[call-overload]


def test_promise_1_methods_partials_and_callable_objects_are_guarded_and_keep_their_looks() -> None:
    class Service:
        @with_timeout(10)
        def plain(self, word: str) -> str:
            """Say it."""
            return word

        @with_timeout(10)
        async def later(self, word: str) -> str:
            return word

        @with_timeout(10)
        @staticmethod
        def static(word: str) -> str:
            return word

        @classmethod
        @with_timeout(10)
        def of_class(cls, word: str) -> str:
            return word

        async def __call__(self, word: str) -> str:
            return word

    service = Service()
    assert service.plain("a") == service.static("a") == service.of_class("a") == "a"
    assert service.plain.__doc__ == "Say it."
    assert service.plain.__name__ == "plain"
    assert asyncio.run(service.later("a")) == "a"
    assert asyncio.iscoroutinefunction(service.later)
    assert asyncio.run(with_timeout(10)(service)("a")) == "a"
    assert asyncio.run(with_timeout(10)(functools.partial(service.later, "a"))()) == "a"
    assert with_timeout(10)(functools.partial(service.plain, "a"))() == "a"


def test_a_wrong_call_is_a_type_error_before_anything_begins() -> None:
    manager = TimeoutManager()
    with pytest.raises(TypeError, match="positional argument"):
        manager.protect(lambda _a: 1, timeout=1)()  # type: ignore[call-arg]
    assert manager.metrics.timed_out == manager.metrics.refused == 0
