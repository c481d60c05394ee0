"""A guard that sections and policies set in turn keeps its state, and what only code can say stays as code has set it."""

from __future__ import annotations

import logging
from itertools import pairwise, product
from typing import Any

import pytest
from tests.interrupts import Interrupted, interrupt_at
from tests.support import Door, Script

from holdfast import (
    CircuitOpenError,
    ConfigReport,
    ResilienceManager,
    RetryBudget,
    RetryPolicy,
    bulkhead,
    get_breaker_registry,
    get_bulkhead_registry,
    get_rate_limiter_registry,
    get_retry_policy,
    get_timeout_manager,
    load_config,
    register_retry_policy,
    with_resilience,
)
from holdfast.config import holding
from holdfast.resilience import ResiliencePolicy, resilience_manager
from holdfast.retry.presets import registry as retry_registry


def load(tables: dict[str, Any], manager: ResilienceManager | None = None) -> ConfigReport:
    return load_config(tables, manager=manager, environ={})


def in_section(most: int) -> dict[str, Any]:
    return {"bulkheads": {"shop": {"max_concurrent": most}}}


def in_policy(most: int) -> dict[str, Any]:
    return {"policies": {"shop": {"bulkhead": {"max_concurrent": most}}}}


def in_another_policy(most: int) -> dict[str, Any]:
    return {"policies": {"other": {"bulkhead": {"name": "shop", "max_concurrent": most}}}}


def in_both(most: int) -> dict[str, Any]:
    return {**in_section(most), "policies": {"shop": {"bulkhead": "shop"}}}


WAYS = [in_section, in_policy, in_another_policy, in_both]


@pytest.mark.parametrize("ways", [each for each in product(WAYS, repeat=3) if all(a != b for a, b in pairwise(each))])
def test_wherever_a_guard_is_set_it_is_as_it_is_set_last_and_stays_the_same(ways: Any) -> None:
    get_bulkhead_registry().get_or_create("shop", max_concurrent=9)
    room = get_bulkhead_registry().get("shop")
    permit = room.acquire()
    for most, way in enumerate([*ways, ways[0]], 2):
        load(way(most))
        assert get_bulkhead_registry().get("shop") is room
        assert room.stats.available == most - 1
        load(way(most))
        assert room.stats.available == most - 1
    load({})
    assert get_bulkhead_registry().get("shop") is room
    assert room.stats.available == 8
    permit.release()


def test_an_open_circuit_stays_open_when_its_settings_move_into_the_policy_and_back(door: Door) -> None:
    sections = {
        "circuit_breakers": {"search": {"failure_threshold": 3}},
        "policies": {"search": {"timeout": 5, "circuit_breaker": "search"}},
    }
    load(sections)
    function = with_resilience("search")(door.function(Script("well")))
    get_breaker_registry().get("search").force_open()
    for tables in ({"policies": {"search": {"timeout": 5, "circuit_breaker": {"failure_threshold": 3}}}}, sections):
        load(tables)
        with pytest.raises(CircuitOpenError):
            door.run(function)
    load({})
    assert not get_breaker_registry().has("search")


def test_a_limiter_goes_on_counting_when_its_settings_move() -> None:
    limit = {"limit": 3, "period": 60}
    load({"rate_limits": {"a": limit}, "policies": {"a": {"rate_limit": "a"}}})
    assert get_rate_limiter_registry().get("a").try_acquire(3)
    load({"policies": {"a": {"rate_limit": limit}}})
    assert not get_rate_limiter_registry().get("a").try_acquire()


def test_what_code_sets_meanwhile_comes_back_and_is_not_taken_away() -> None:
    load(in_section(2))
    get_bulkhead_registry().get_or_create("shop", max_concurrent=5, replace=True)
    load(in_section(3))
    assert get_bulkhead_registry().get("shop").stats.available == 3
    load({})
    assert get_bulkhead_registry().get("shop").stats.available == 5
    load(in_policy(2))
    get_bulkhead_registry().get_or_create("shop", max_concurrent=6, replace=True)
    load({})
    assert get_bulkhead_registry().get("shop").stats.available == 6


def test_a_policy_of_code_that_is_back_does_not_set_a_guard_that_another_policy_of_the_file_sets() -> None:
    resilience_manager.register("mine", bulkhead={"name": "pool", "max_concurrent": 9})
    load({"policies": {"mine": {"timeout": 1}, "other": {"bulkhead": {"name": "pool", "max_concurrent": 2}}}})
    with_resilience("other")(lambda: None)()
    load({"policies": {"other": {"bulkhead": {"name": "pool", "max_concurrent": 2}}}})
    assert resilience_manager.get("mine").bulkhead.max_concurrent == 9  # type: ignore[union-attr]
    assert get_bulkhead_registry().get("pool").stats.available == 2


# Several managers.


def test_what_two_managers_configure_stays_until_both_have_let_go() -> None:
    one, two = ResilienceManager(), ResilienceManager()
    tables: dict[str, Any] = {
        "circuit_breakers": {"shared": {"failure_threshold": 3}},
        "retry": {"shared": {"max_attempts": 7}},
        "timeouts": {"shared": 7},
    }
    load(tables, one)
    load(tables, two)
    breaker = get_breaker_registry().get("shared")
    load({}, one)
    assert get_breaker_registry().get("shared") is breaker
    assert get_retry_policy("shared").max_attempts == 7
    assert get_timeout_manager().get("shared").seconds == 7
    load({}, two)
    assert not get_breaker_registry().has("shared")
    assert "shared" not in get_timeout_manager().registered


def test_what_another_manager_configures_is_back_when_one_lets_go() -> None:
    one, two = ResilienceManager(), ResilienceManager()
    load({"retry": {"shared": {"max_attempts": 7}}, **in_section(7)}, one)
    load({"retry": {"shared": {"max_attempts": 8}}, **in_section(8)}, two)
    assert get_retry_policy("shared").max_attempts == 8
    assert load({"policies": {"a": {"retry": "shared"}}}, two).policies["a"].retry == "shared"
    assert get_retry_policy("shared").max_attempts == 7
    assert get_bulkhead_registry().get("shop").stats.available == 7
    load({}, two)
    load({}, one)


# What a file cannot say.


def told(*_: object) -> None:
    """Be told of something."""


@pytest.mark.parametrize("way", [in_section, in_policy, in_both])
def test_callbacks_of_a_guard_stay_wherever_the_file_sets_it(way: Any) -> None:
    get_bulkhead_registry().get_or_create("shop", max_concurrent=9, on_reject=told)
    for most in (2, 3):
        load(way(most))
        config = get_bulkhead_registry().get("shop").config
        assert (config.max_concurrent, config.on_reject) == (most, told)
        assert load(way(most)).changed == ()
    load({})
    config = get_bulkhead_registry().get("shop").config
    assert (config.max_concurrent, config.on_reject) == (9, told)


def test_callbacks_in_a_policy_that_code_registered_stay() -> None:
    retry = RetryPolicy(on_retry=told, budget=RetryBudget(ratio=0.1))
    mine = ResiliencePolicy.api(
        retry=retry, circuit_breaker={"on_open": told}, bulkhead={"name": "pool", "on_reject": told}, fallback=told
    )
    resilience_manager.register("shop", mine)
    for timeout in (5, 6):
        load({"policies": {"shop": {"preset": "api", "timeout": timeout, "rate_limit": {"rate": 1, "capacity": 1}}}})
        made = resilience_manager.get("shop")
        assert made.timeout == timeout
        assert made.circuit_breaker.on_open is told  # type: ignore[union-attr]
        assert made.bulkhead.on_reject is None, "it is another one, with another name"  # type: ignore[union-attr]
        assert made.retry_policy.on_retry is told  # type: ignore[union-attr]
        assert made.retry_policy.budget is retry.budget  # type: ignore[union-attr]
        assert made.fallback == mine.fallback
    load({"policies": {"shop": {"preset": "api", "fallback": False}}})
    assert resilience_manager.get("shop").fallback is None
    load({})
    assert resilience_manager.get("shop") is mine


def test_a_fallback_that_a_file_could_name_is_replaced_with_the_rest() -> None:
    resilience_manager.register("shop", timeout=1, fallback="cached")
    tables: dict[str, Any] = {
        "shop": {"timeout": 5},
        "base": {"timeout": 5, "fallback": False},
        "api": {"preset": "api", "timeout": 5},
        "from-base": {"preset": "base"},
        "from-shop": {"preset": "shop"},
        "other": {"timeout": 1, "fallback": "other"},
        "from-other": {"preset": "other"},
    }
    for name in tables:
        if name != "shop":
            resilience_manager.register(name, timeout=1, fallback=told)
    load({"policies": tables})
    assert resilience_manager.get("shop").fallback is None
    assert resilience_manager.get("from-other").fallback == "other"
    there = {name for name in tables if resilience_manager.get(name).fallback not in (None, "other")}
    assert there == {"api", "from-shop"}


def test_callbacks_of_retry_policies_and_timeouts_stay() -> None:
    budget = RetryBudget(ratio=0.1)
    register_retry_policy("test-mine", RetryPolicy(on_retry=told, on_final_failure=told, budget=budget))
    get_timeout_manager().register("mine", 3, on_timeout=told, fallback="none")
    tables: dict[str, Any] = {
        "retry": {"test-mine": {"max_attempts": 5}},
        "timeouts": {"mine": 5},
        "policies": {"shop": {"retry": "test-mine"}, "other": {"retry": {"preset": "test-mine", "max_attempts": 6}}},
    }
    try:
        report = load(tables)
        for _ in range(2):
            report = load(tables)
            policy = get_retry_policy("test-mine")
            assert (policy.max_attempts, policy.on_retry, policy.budget) == (5, told, budget)
            for name in ("shop", "other"):
                assert resilience_manager.get(name).retry_policy.on_retry is told  # type: ignore[union-attr]
            config = get_timeout_manager().get("mine")
            assert (config.seconds, config.on_timeout, config.fallback) == (5, told, "none")
        assert report.changed == ()
        load({})
        assert get_retry_policy("test-mine").max_attempts == 3
        assert get_timeout_manager().get("mine").seconds == 3
    finally:
        retry_registry.drop("test-mine")


def test_what_does_not_go_with_the_file_is_left_out_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    holding._told.clear()
    register_retry_policy("test-mine", RetryPolicy(retry_on_result=bool, on_retry=told))
    try:
        with caplog.at_level(logging.WARNING, "holdfast.config"):
            for attempts in (4, 5):
                load({"retry": {"test-mine": {"idempotent": False, "max_attempts": attempts}}})
        policy = get_retry_policy("test-mine")
        assert (policy.idempotent, policy.retry_on_result, policy.on_retry) == (False, None, told)
        assert [record.getMessage() for record in caplog.records] == [
            "retry.test-mine: retry_on_result, which code has set, does not go with what the configuration says, so it "
            "is left out"
        ]
        load({})
        assert get_retry_policy("test-mine").retry_on_result is bool
    finally:
        retry_registry.drop("test-mine")


# Interrupted.


def state() -> tuple[object, ...]:
    room = get_bulkhead_registry().get_all().get("shop")
    breaker = get_breaker_registry().get_all().get("search")
    return (
        {name: policy.timeout for name, policy in resilience_manager.registered.items()},
        get_retry_policy("network").max_attempts,
        {name: config.seconds for name, config in get_timeout_manager().registered.items()},
        None if room is None else (room.config.max_concurrent, room.stats.available),
        None if breaker is None else breaker.config.failure_threshold,
    )


def full(number: int) -> dict[str, Any]:
    return {
        "policies": {
            "shop": {"timeout": number, "bulkhead": {"max_concurrent": number}},
            f"own{number}": {"timeout": 1},
        },
        "retry": {"network": {"max_attempts": number}},
        "timeouts": {"a": number, f"own{number}": 1},
        "circuit_breakers": {"search": {"failure_threshold": number}},
    }


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # generators that are closed
def test_a_load_that_is_interrupted_anywhere_is_put_right_by_the_next_one_and_nothing_is_left_behind() -> None:
    get_bulkhead_registry().get_or_create("shop", max_concurrent=9)
    get_timeout_manager().register("a", 99)
    clean = state()
    load(full(3))
    wanted = state()
    load({})
    number, places = 0, ["begin"]
    while places:
        load(full(2))
        with interrupt_at(number) as places:
            try:
                load(full(3))
            except Interrupted:
                pass
        if number % 2:
            load(full(3))
            assert state() == wanted, places
        load({})
        assert state() == clean, places
        number += 11  # a number that meets all places in time, also those in loops
    get_timeout_manager().remove("a")


@bulkhead("decorated-by-name")
def guarded() -> str:
    return "well"


def test_a_guard_that_a_decorated_function_uses_is_adjusted_in_its_place() -> None:
    assert guarded() == "well"
    room = get_bulkhead_registry().get("decorated-by-name")
    load({"bulkheads": {"decorated-by-name": {"max_concurrent": 2}}})
    assert get_bulkhead_registry().get("decorated-by-name") is room
    assert room.stats.available == 2
