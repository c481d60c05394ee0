"""Settings, names, events: what is refused, what is shared, and who is told."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.support import Door, Script, run_virtual

from holdfast.circuit_breaker.bulkhead.config import BulkheadConfig
from holdfast.circuit_breaker.bulkhead.manager import Bulkhead
from holdfast.circuit_breaker.bulkhead.registry import (
    BulkheadRegistry,
    create_bulkhead,
    get_bulkhead_registry,
)
from holdfast.decorators import bulkhead as guarded_by
from holdfast.errors import BulkheadFullError, BulkheadTimeoutError, ConfigurationError
from holdfast.testing import VirtualClock


@pytest.fixture(autouse=True)
def registry() -> Iterator[BulkheadRegistry]:
    registry = get_bulkhead_registry()
    yield registry
    for name in registry.get_all():
        registry.remove(name)


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field in ("max_concurrent", "max_queue") for value in (-1, 2.5, True, "3", None)]
    + [("queue_timeout", value) for value in (-1, float("nan"), float("inf"), "3", True)]
    + [("name", ""), ("name", 3), ("max_concurrent", 0), ("on_reject", 3), ("maximum", 3)],
)
def test_settings_that_cannot_work_are_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=field):
        BulkheadConfig(**{field: value})


def test_settings_have_defaults_and_normal_forms() -> None:
    config = BulkheadConfig()
    assert (config.max_concurrent, config.max_queue, config.queue_timeout) == (10, 50, 30.0)
    assert BulkheadConfig(queue_timeout=dt.timedelta(minutes=1)).queue_timeout == 60.0
    assert config.replace(queue_timeout=None, max_queue=0).queue_timeout is None


@pytest.mark.parametrize("config", [3, "search", {"max_concurrent": 3}, BulkheadConfig])
def test_what_is_no_config_is_refused(config: Any, registry: BulkheadRegistry) -> None:
    with pytest.raises(ConfigurationError, match="must be a BulkheadConfig"):
        Bulkhead(config)
    with pytest.raises(ConfigurationError, match="must be a BulkheadConfig"):
        registry.get_or_create("search", config)


@pytest.mark.parametrize("timeout", [-1, "soon", float("nan")])
def test_a_timeout_that_cannot_be_is_refused_at_once(timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout"):
        Bulkhead().acquire(timeout)
    with pytest.raises(ConfigurationError, match="timeout"):
        Bulkhead().acquire_async(timeout)


def test_reports_are_ready_for_json() -> None:
    bulkhead = create_bulkhead("search", 2, 0)
    assert repr(bulkhead) == "Bulkhead('search', active=0, queued=0, available=2)"
    assert bulkhead.metrics.as_dict() == {
        "name": "search",
        **dict.fromkeys(("admitted", "completed", "rejected", "timed_out", "abandoned", "active", "queued"), 0),
        "available": 2,
    }


# The registry.


def test_a_name_stands_for_one_bulkhead(registry: BulkheadRegistry) -> None:
    search = registry.get_or_create("search", max_concurrent=3)
    assert registry.get_or_create("search") is registry.get("search") is search
    assert registry.get_or_create("search", BulkheadConfig(max_concurrent=3)) is search
    assert (registry.has("search"), registry.has("serch")) == (True, False)
    assert registry.get_all() == {"search": search}
    assert registry.get_all_metrics()["search"].name == search.config.name == "search"
    with pytest.raises(LookupError, match="did you mean 'search'"):
        registry.get("serch")
    with pytest.raises(ConfigurationError, match="name"):
        registry.get_or_create(" ")


def test_another_config_for_a_name_in_use_is_refused_unless_it_replaces(registry: BulkheadRegistry) -> None:
    first = registry.get_or_create("search", max_concurrent=2)
    with pytest.raises(ConfigurationError, match="replace=True"):
        registry.get_or_create("search", max_concurrent=3)
    second = registry.get_or_create("search", max_concurrent=3, replace=True)
    assert registry.get("search") is second is not first
    assert [registry.remove("search"), registry.remove("search")] == [True, False]


def test_a_config_given_after_the_bulkhead_was_made_without_one_is_an_error_too(registry: BulkheadRegistry) -> None:
    first = registry.get_or_create("search")
    with pytest.raises(ConfigurationError, match="there is a bulkhead 'search' already"):
        registry.get_or_create("search", max_concurrent=3)
    assert registry.get_or_create("search", BulkheadConfig()) is first


def test_get_or_create_makes_one_whoever_races(registry: BulkheadRegistry) -> None:
    together = threading.Barrier(32)

    def create(_number: int) -> Bulkhead:
        together.wait()
        return registry.get_or_create("raced", max_concurrent=3)

    with ThreadPoolExecutor(32) as threads:
        assert len(set(threads.map(create, range(32)))) == 1


# The decorator.


def test_functions_with_one_name_share_one_bulkhead(door: Door) -> None:
    one = guarded_by("shared", max_concurrent=1, max_queue=0)(door.function(Script("one")))
    two = guarded_by("shared")(door.function(Script("two")))
    assert (door.run(one), door.run(two)) == ("one", "two")
    with get_bulkhead_registry().get("shared").acquire():
        for function in (one, two):
            with pytest.raises(BulkheadFullError):
                door.run(function)
    with pytest.raises(ConfigurationError, match="replace=True"):
        guarded_by("shared", max_concurrent=2)


def test_a_name_alone_is_looked_up_at_the_first_call(door: Door, registry: BulkheadRegistry) -> None:
    early = guarded_by("later")(door.function(Script("early")))
    assert not registry.has("later")
    configured = registry.get_or_create("later", max_concurrent=3)
    assert [door.run(early), door.run(early)] == ["early", "early"]
    assert configured.metrics.completed == 2
    lone = guarded_by("nobody else's")(door.function(Script("lone")))
    assert door.run(lone) == "lone"
    assert registry.get("nobody else's").metrics.completed == 1


def test_a_replaced_or_removed_bulkhead_is_followed_and_the_old_one_ends_whole(
    door: Door, registry: BulkheadRegistry
) -> None:
    function = guarded_by("moving", max_concurrent=3)(door.function(Script("fine")))
    bulkheads = [registry.get("moving")]
    permit = bulkheads[0].acquire()
    for change in (
        lambda: registry.get_or_create("moving", max_concurrent=1, replace=True),
        lambda: registry.remove("moving"),
    ):
        assert [door.run(function), door.run(function)] == ["fine", "fine"]
        change()
        assert door.run(function) == "fine"
        bulkheads.append(registry.get("moving"))
    assert [bulkhead.metrics.completed for bulkhead in bulkheads] == [2, 3, 1]
    assert bulkheads[2].config.max_concurrent == 3
    permit.release()
    assert bulkheads[0].execute(lambda: bulkheads[0].stats.active) == 1  # who holds it can go on using it
    assert bulkheads[0].stats.available == 3


def test_many_threads_that_call_first_bind_to_the_same_bulkhead(registry: BulkheadRegistry) -> None:
    together = threading.Barrier(16)
    function = guarded_by("bound")(lambda: None)

    def call(_number: int) -> None:
        together.wait()
        function()

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(call, range(16)))
    assert registry.get("bound").metrics.completed == 16


def test_without_a_name_each_function_has_a_bulkhead_of_its_own(registry: BulkheadRegistry) -> None:
    class Api:
        @guarded_by(max_concurrent=1, max_queue=0)
        @staticmethod
        def search() -> None:
            Api.search()

    with pytest.raises(BulkheadFullError) as caught:
        Api.search()
    assert caught.value.bulkhead_name.endswith("Api.search")
    named: Any = guarded_by(BulkheadConfig(name="mine", max_concurrent=1, max_queue=0))
    function: Any = named(lambda: other())
    other: Any = named(lambda: function())
    with pytest.raises(BulkheadFullError) as caught:
        function()
    assert caught.value.bulkhead_name == "mine"
    assert guarded_by()(lambda: 1)() == 1
    assert list(registry.get_all()) == ["mine"]


def test_a_bulkhead_of_ones_own_can_be_given(door: Door) -> None:
    mine = Bulkhead()
    assert door.run(guarded_by(mine)(door.function(Script("fine")))) == "fine"
    assert mine.metrics.completed == 1
    with pytest.raises(ConfigurationError, match="has its config"):
        guarded_by(mine, BulkheadConfig())
    with pytest.raises(TypeError, match="takes a name"):
        guarded_by(3)  # type: ignore[call-overload]


# Events.


def test_listeners_are_told_what_happens_in_its_order() -> None:
    told: list[Any] = []
    clock = VirtualClock()
    rejects: list[Any] = []
    bulkhead = Bulkhead(
        BulkheadConfig(name="b", max_concurrent=1, max_queue=1, queue_timeout=3, on_reject=rejects.append), clock=clock
    )
    ends = [
        bulkhead.on(event, told.append) for event in ("execution_started", "execution_completed", "queued", "rejected")
    ]
    with bulkhead.acquire():
        clock.advance(2)
        with pytest.raises(BulkheadTimeoutError):
            bulkhead.execute(lambda: None)
    seen = [event.as_dict() for event in told]
    assert [type(event).__name__ for event in told] == [
        "BulkheadExecutionStarted",
        "BulkheadQueued",
        "BulkheadRejected",
        "BulkheadExecutionCompleted",
    ]
    assert seen == [
        {"name": "b", "waited": 0.0},
        {"name": "b", "position": 1},
        {"name": "b", "reason": "timeout", "waited": 3.0},
        {"name": "b", "duration": 5.0},
    ]
    assert rejects == [told[2]]
    for end in ends:
        end()
        end()
    told.clear()
    bulkhead.execute(lambda: None)
    assert told == []


def test_a_decorated_function_tells_those_who_listen_from_later_on(door: Door) -> None:
    told: list[Any] = []
    bulkhead = Bulkhead()
    function = bulkhead.protect(door.function(Script("fine")))
    door.run(function)
    end = bulkhead.on("execution_completed", told.append)
    door.run(function)
    end()
    door.run(function)
    assert len(told) == 1
    assert bulkhead.metrics.completed == 3


def test_promise_6_a_listener_that_raises_is_logged_and_changes_nothing(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_event: object) -> None:
        raise RuntimeError("secret")

    bulkhead = Bulkhead(BulkheadConfig(max_concurrent=1, max_queue=0, on_reject=broken))
    for event in ("execution_started", "execution_completed", "rejected"):
        bulkhead.on(event, broken)
    with caplog.at_level(logging.ERROR):
        assert door.run(bulkhead.protect(door.function(Script("fine")))) == "fine"
        with bulkhead.acquire(), pytest.raises(BulkheadFullError):
            door.run(bulkhead.protect(door.function(Script("fine"))))
    assert len(caplog.records) == 6
    assert "secret" not in caplog.text
    assert bulkhead.stats.available == 1


def test_promise_3_ctrl_c_in_a_listener_passes_and_costs_no_permit(door: Door) -> None:
    def interrupt(_event: object) -> None:
        raise KeyboardInterrupt

    bulkhead = Bulkhead()
    bulkhead.on("execution_started", interrupt)
    with pytest.raises(KeyboardInterrupt):
        bulkhead.acquire()
    bulkhead = Bulkhead(BulkheadConfig(max_concurrent=1))
    bulkhead.on("queued", interrupt)
    with bulkhead.acquire(), pytest.raises(KeyboardInterrupt):
        bulkhead.acquire()
    assert bulkhead.stats.as_dict() == {"active": 0, "queued": 0, "available": 1}


def test_promise_5_a_listener_may_use_the_bulkhead() -> None:
    bulkhead = create_bulkhead("b", 1, 0)
    seen: list[Any] = []
    bulkhead.on("execution_completed", lambda event: seen.append(bulkhead.stats.active))
    bulkhead.execute(lambda: None)
    with bulkhead.acquire():
        bulkhead.on("rejected", lambda event: seen.append(bulkhead.metrics.rejected))
        with pytest.raises(BulkheadFullError):
            bulkhead.acquire()
    assert seen == [0, 1, 0]


@pytest.mark.parametrize(("event", "listener"), [("started", print), ("rejected", None), ("rejected", 3)])
def test_a_wrong_event_or_listener_is_refused(event: Any, listener: Any) -> None:
    with pytest.raises(ConfigurationError, match="on: "):
        Bulkhead().on(event, listener)


def test_a_task_with_its_own_clock_that_gets_its_permit_stops_its_timer() -> None:
    class Clock(VirtualClock):
        async def sleep_async(self, duration: float) -> None:
            await asyncio.sleep(duration)

    bulkhead = Bulkhead(BulkheadConfig(max_concurrent=1, queue_timeout=5), clock=Clock())

    async def main() -> None:
        permit = bulkhead.acquire()
        asyncio.get_running_loop().call_later(3, permit.release)
        async with bulkhead.acquire_async():
            pass
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1
        assert asyncio.get_running_loop().time() == 3

    run_virtual(main())
