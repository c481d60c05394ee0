"""Loading again: what has changed is changed, what has not keeps its state, what is gone is removed, and it is all told."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest
from tests.support import Door, Script

from holdfast import (
    RETRY_POLICIES,
    CircuitBreaker,
    CircuitOpenError,
    CircuitState,
    ConfigReport,
    ResilienceManager,
    RetryPolicy,
    UnknownPolicyError,
    bulkhead,
    get_breaker_registry,
    get_bulkhead_registry,
    get_rate_limiter_registry,
    get_timeout_manager,
    load_config,
    register_retry_policy,
    with_circuit_breaker,
    with_resilience,
    with_retry,
    with_timeout,
)
from holdfast.config.turns import _configured
from holdfast.resilience import ResiliencePolicy, resilience_manager
from holdfast.testing import VirtualClock


def load(tables: dict[str, Any], manager: ResilienceManager | None = None) -> ConfigReport:
    return load_config(tables, manager=manager, environ={})


def retry(attempts: int) -> dict[str, int]:
    return {"max_attempts": attempts}


def test_the_report_names_what_is_new_other_gone_and_the_same() -> None:
    first = load(
        {
            "policies": {"a": {"timeout": 1}, "b": {"timeout": 1}, "c": {"timeout": 1}},
            "retry": {"a": {}},
            "timeouts": {"a": 1},
            "bulkheads": {"a": {}},
        }
    )
    assert set(first.added) == {
        "policies.a",
        "policies.b",
        "policies.c",
        "retry.a",
        "timeouts.a",
        "bulkheads.a",
    }
    assert first.changed == first.removed == first.unchanged == ()
    second = load(
        {
            "policies": {"a": {"timeout": 1}, "b": {"timeout": 2}, "d": {"timeout": 1}},
            "timeouts": {"a": 2},
            "retry": {"a": {}},
        }
    )
    assert second.added == ("policies.d",)
    assert set(second.changed) == {"policies.b", "timeouts.a"}
    assert set(second.removed) == {"policies.c", "bulkheads.a"}
    assert set(second.unchanged) == {"policies.a", "retry.a"}
    assert second.as_dict()["policies"]["b"]["timeout"] == 2


def test_a_decorated_function_follows_what_is_loaded_before_and_after(door: Door) -> None:
    script = Script(ConnectionError, ConnectionError, ConnectionError, "well")
    function = with_resilience("shop")(door.function(script))
    with pytest.raises(UnknownPolicyError):
        door.run(function)
    load({"policies": {"shop": {"retry": {"max_attempts": 3, "backoff": {"type": "fixed", "initial_delay": 0}}}}})
    with pytest.raises(ConnectionError):
        door.run(function)
    assert script.calls == 3
    load({"policies": {"shop": {"retry": {"max_attempts": 4, "backoff": {"type": "fixed", "initial_delay": 0}}}}})
    assert door.run(function) == "well"
    load({})
    with pytest.raises(UnknownPolicyError):
        door.run(function)


def test_named_retry_policies_timeouts_and_guards_are_followed_too() -> None:
    script = Script(ConnectionError)

    @with_retry("mine")
    @with_timeout("mine")
    @with_circuit_breaker("mine")
    @bulkhead("mine")
    def call() -> None:
        script.next()

    tables: dict[str, Any] = {
        "retry": {"mine": {"max_attempts": 3, "backoff": {"type": "fixed", "initial_delay": 0}}},
        "timeouts": {"mine": 5},
        "circuit_breakers": {"mine": {"failure_threshold": 2}},
        "bulkheads": {"mine": {"max_concurrent": 7}},
        "rate_limits": {"mine": {"limit": 5, "period": 60}},
    }
    load(tables)
    with pytest.raises(CircuitOpenError, match="gave up after 3 attempts"):
        call()
    assert script.calls == 2
    assert get_bulkhead_registry().get("mine").stats.available == 7
    tables["timeouts"]["mine"] = 6
    load(tables)
    assert get_timeout_manager().get("mine").seconds == 6
    assert get_rate_limiter_registry().get("mine").stats.available == 5


def open_circuit(name: str) -> CircuitBreaker:
    breaker = get_breaker_registry().get(name)
    breaker.force_open()
    return breaker


@pytest.mark.parametrize("changed", [False, True])
def test_an_open_circuit_stays_open(changed: bool, door: Door) -> None:
    tables: dict[str, Any] = {
        "policies": {"shop": {"circuit_breaker": {"failure_threshold": 5}, "timeout": 5}},
        "circuit_breakers": {"search": {"failure_threshold": 5}},
    }
    load(tables)
    function = with_resilience("shop")(door.function(Script("well")))
    assert door.run(function) == "well"
    breakers = [open_circuit("shop"), open_circuit("search")]
    tables["policies"]["shop"]["timeout"] = 6
    if changed:
        tables["policies"]["shop"]["circuit_breaker"] = {"failure_threshold": 6}
        tables["circuit_breakers"]["search"] = {"failure_threshold": 6}
    load(tables)
    with pytest.raises(CircuitOpenError):
        door.run(function)
    for name, breaker in zip(("shop", "search"), breakers, strict=True):
        assert get_breaker_registry().get(name) is breaker
        assert breaker.state is CircuitState.OPEN
        assert breaker.config.failure_threshold == (6 if changed else 5)
    assert breakers[0].metrics.successful_requests == 1


def test_permits_queues_and_counts_stay() -> None:
    tables: dict[str, Any] = {
        "policies": {"shop": {"bulkhead": {"max_concurrent": 3}, "rate_limit": {"limit": 9, "period": 60}}},
        "bulkheads": {"db": {"max_concurrent": 3}},
        "rate_limits": {"db": {"limit": 9, "period": 60}},
    }
    load(tables)
    inside: list[str] = []

    @with_resilience("shop")
    def call() -> None:
        room, limiter = get_bulkhead_registry().get("shop"), get_rate_limiter_registry().get("shop")
        db, paced = get_bulkhead_registry().get("db").acquire(), get_rate_limiter_registry().get("db")
        assert paced.try_acquire(4)
        tables["policies"]["shop"] = {"bulkhead": {"max_concurrent": 5}, "rate_limit": {"limit": 7, "period": 60}}
        tables["bulkheads"]["db"] = {"max_concurrent": 2}
        tables["rate_limits"]["db"] = {"limit": 5, "period": 60}
        load(tables)
        assert get_bulkhead_registry().get("shop") is room
        assert room.stats.as_dict() == {"active": 1, "queued": 0, "available": 4}
        assert limiter.stats.available == 6
        assert get_bulkhead_registry().get("db").stats.as_dict() == {"active": 1, "queued": 0, "available": 1}
        assert paced.stats.available == 1
        db.release()
        inside.append("done")

    call()
    assert inside == ["done"]
    assert get_bulkhead_registry().get("shop").stats.active == 0


def test_what_has_not_changed_is_not_even_bound_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {
        "policies": {"shop": {"timeout": 5}},
        "retry": {"a": retry(2)},
        "timeouts": {"a": 1},
        "bulkheads": {"a": {}},
    }
    load(tables)
    told: list[str] = []

    class Follower:
        def name_changed(self) -> None:
            told.append("changed")

    followers = [Follower() for _ in range(3)]
    resilience_manager.policies.follow("shop", followers[0])
    get_timeout_manager()._configs.follow("a", followers[1])
    from holdfast.retry.presets import registry

    registry.follow("a", followers[2])
    load(tables)
    assert told == []
    load({**tables, "retry": {"a": retry(3)}})
    assert told == ["changed"]


# What code has registered.


def test_what_code_registered_is_left_alone_and_comes_back() -> None:
    manager = ResilienceManager(clock=VirtualClock())
    mine, other = ResiliencePolicy(timeout=1), ResiliencePolicy(timeout=2)
    manager.register("shop", mine)
    manager.register("other", other)
    register_retry_policy("test-mine", RetryPolicy(max_attempts=7))
    get_timeout_manager().register("mine", 7, fallback="none")
    manager.surroundings.bulkhead.get_or_create("mine", max_concurrent=7)
    tables = {
        "policies": {"shop": {"timeout": 9}},
        "retry": {"test-mine": retry(2), "network": retry(2)},
        "timeouts": {"mine": 2},
        "bulkheads": {"mine": {"max_concurrent": 2}},
    }
    try:
        for _ in range(2):
            load(tables, manager)
            assert manager.get("shop").timeout == 9
            assert manager.get("other") is other
            assert RETRY_POLICIES["test-mine"].max_attempts == RETRY_POLICIES["network"].max_attempts == 2
            assert get_timeout_manager().get("mine").seconds == 2
            assert manager.surroundings.bulkhead.get("mine").config.max_concurrent == 2
        load({}, manager)
        assert manager.get("shop") == mine
        assert RETRY_POLICIES["test-mine"].max_attempts == 7
        assert RETRY_POLICIES["network"] == RetryPolicy.network()
        assert (get_timeout_manager().get("mine").seconds, get_timeout_manager().get("mine").fallback) == (7, "none")
        assert manager.surroundings.bulkhead.get("mine").config.max_concurrent == 7
    finally:
        from holdfast.retry.presets import registry

        registry.drop("test-mine")


def test_what_code_has_registered_since_is_not_taken_away() -> None:
    load({"policies": {"shop": {"timeout": 9}}, "timeouts": {"a": 1}})
    mine = resilience_manager.register("shop", ResiliencePolicy(timeout=1))
    get_timeout_manager().register("a", 2)
    assert set(load({}).removed) == {"policies.shop", "timeouts.a"}
    assert resilience_manager.get("shop") == mine
    assert get_timeout_manager().get("a").seconds == 2


def test_what_code_has_changed_since_is_set_again_and_comes_back_afterwards() -> None:
    load({"policies": {"shop": {"timeout": 9}}})
    mine = resilience_manager.register("shop", ResiliencePolicy(timeout=1))
    assert load({"policies": {"shop": {"timeout": 9}}}).changed == ("policies.shop",)
    assert resilience_manager.get("shop").timeout == 9
    load({})
    assert resilience_manager.get("shop") == mine


def test_callbacks_that_code_gave_a_guard_stay(clock: VirtualClock) -> None:
    told: list[str] = []
    get_breaker_registry().get_or_create("search", failure_threshold=9, on_open=lambda _: told.append("opened"))
    tables: dict[str, Any] = {"circuit_breakers": {"search": {"failure_threshold": 1}}}
    load(tables)
    assert load(tables).unchanged == ("circuit_breakers.search",)
    breaker = get_breaker_registry().get("search")
    assert breaker.config.failure_threshold == 1
    load({})
    assert breaker.config.failure_threshold == 9
    breaker.force_open()
    assert told == ["opened"]


def test_a_retry_policy_that_was_only_configured_cannot_be_named_once_it_is_gone() -> None:
    load({"retry": {"slow": retry(2)}, "policies": {"shop": {"retry": "slow"}}})
    with pytest.raises(ValueError, match=r'policies.shop.retry cannot be "slow"'):
        load({"policies": {"shop": {"retry": "slow"}}})
    assert RETRY_POLICIES["slow"].max_attempts == 2


def test_a_policy_that_names_a_retry_policy_of_the_file_changes_with_it() -> None:
    load({"retry": {"slow": retry(2)}, "policies": {"shop": {"retry": "slow"}}})
    report = load({"retry": {"slow": retry(3)}, "policies": {"shop": {"retry": "slow"}}})
    assert set(report.changed) == {"retry.slow", "policies.shop"}


def test_another_source_takes_the_place_of_the_one_before() -> None:
    load({"policies": {"a": {"timeout": 1}}})
    Path("other.toml").write_text("policies.b.timeout = 1")
    report = load_config("other.toml", environ={})
    assert (report.added, report.removed) == (("policies.b",), ("policies.a",))


def test_each_manager_has_its_own_configuration_and_takes_it_along() -> None:
    gc.collect()
    before = len(_configured)
    one, two = ResilienceManager(), ResilienceManager(clock=VirtualClock())
    load({"policies": {"shop": {"timeout": 1}}}, one)
    assert load({"policies": {"shop": {"timeout": 2}}}, two).added == ("policies.shop",)
    assert (one.get("shop").timeout, two.get("shop").timeout) == (1, 2)
    assert "shop" not in resilience_manager.registered
    assert len(_configured) == before + 2
    del one, two
    gc.collect()
    assert len(_configured) == before
