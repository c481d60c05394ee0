"""Names of policies: what is registered counts, functions follow it, guards are shared and keep their state."""

from __future__ import annotations

import asyncio
import functools
import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from tests.support import Door, Script, run_virtual

import holdfast
from holdfast import (
    BreakerRegistry,
    BulkheadRegistry,
    CircuitBreakerConfig,
    CircuitOpenError,
    ConfigurationError,
    LastGood,
    RateLimiterRegistry,
    ResilienceManager,
    ResiliencePolicy,
    RetryPolicy,
    UnknownPolicyError,
    Value,
    disabled,
    register_fallback,
    register_retry_policy,
    resilience_manager,
    unregister_fallback,
    with_database_resilience,
    with_llm_resilience,
    with_mcp_resilience,
    with_resilience,
)
from holdfast.events import subscribe
from holdfast.testing import VirtualClock


@pytest.fixture
def manager(clock: VirtualClock) -> ResilienceManager:
    return ResilienceManager(clock=clock)


TWICE = ResiliencePolicy(retry=RetryPolicy.fixed(1, max_attempts=2))


def test_a_name_alone_is_looked_up_at_the_call(manager: ResilienceManager, door: Door) -> None:
    script = Script(ConnectionError)
    function = manager.protect(door.function(script), "payments")
    with pytest.raises(
        UnknownPolicyError,
        match=r"no resilience policy named 'payments'; known: ai, api, critical.*; to make one, give a policy "
        r"to the decorator, or call resilience_manager.register\('payments', \.\.\.\) or load_config\(\)$",
    ):
        door.run(function)
    manager.register("payments", TWICE)
    with pytest.raises(ConnectionError):
        door.run(function)
    assert script.calls == 2
    manager.register("payments", TWICE, retry={"max_attempts": 5})
    with pytest.raises(ConnectionError):
        door.run(function)
    assert script.calls == 7
    assert manager.remove("payments")
    assert not manager.remove("payments")
    with pytest.raises(UnknownPolicyError):
        door.run(function)


def test_a_misspelt_name_is_told_the_nearest(manager: ResilienceManager) -> None:
    manager.register("payments", TWICE)
    with pytest.raises(UnknownPolicyError, match="did you mean 'payments'"):
        manager.get("paymets")
    with pytest.raises(UnknownPolicyError, match="did you mean 'database'"):
        manager.execute("anything", lambda: None, "databse")


def test_what_is_registered_counts_instead_of_what_the_code_says_until_it_is_removed(
    manager: ResilienceManager, door: Door
) -> None:
    script = Script(ConnectionError)
    function = manager.protect(door.function(script), "payments", TWICE, retry={"max_attempts": 3})
    counts = []
    changes: list[Callable[[], object]] = [
        lambda: None,
        lambda: manager.register("payments", TWICE),
        lambda: manager.remove("payments"),
    ]
    for change in changes:
        change()
        script.calls = 0
        with pytest.raises(ConnectionError):
            door.run(function)
        counts.append(script.calls)
    assert counts == [3, 2, 3]


def test_a_policy_may_be_given_by_its_name_and_changed(manager: ResilienceManager) -> None:
    script = Script(ConnectionError)
    function = manager.protect(script.next, "shop", "slow", retry={"max_attempts": 4})
    manager.register("slow", TWICE)
    with pytest.raises(ConnectionError):
        function()
    assert script.calls == 4
    manager.register("slow", TWICE, retry=RetryPolicy.fixed(1), timeout=9)
    with pytest.raises(ConnectionError):
        function()
    assert script.calls == 8


def test_changes_of_a_preset_by_its_own_name_are_made_to_it(manager: ResilienceManager) -> None:
    function = manager.protect(lambda: "fine", "api", timeout=3)
    assert function() == "fine"
    assert manager.bulkheads.get("api").config.max_concurrent == 50
    assert manager.get("api") == ResiliencePolicy.api()


def test_changes_alone_are_the_policy(manager: ResilienceManager, door: Door) -> None:
    script = Script(ConnectionError)
    function = manager.protect(door.function(script), "search", retry={"max_attempts": 2}, bulkhead={})
    with pytest.raises(ConnectionError):
        door.run(function)
    assert script.calls == 2
    assert manager.bulkheads.get("search").metrics.completed == 2
    assert not manager.breakers.has("search")


def test_without_a_name_a_function_shares_its_guards_with_nobody(manager: ResilienceManager) -> None:
    def one() -> None:
        raise ConnectionError

    def other() -> str:
        return "fine"

    policy = ResiliencePolicy(circuit_breaker={"failure_threshold": 1})
    with pytest.raises(ConnectionError):
        manager.protect(one, policy=policy)()
    assert manager.protect(other, policy=policy)() == "fine"
    assert not manager.breakers.get_all()


def test_guards_are_shared_by_the_name_or_by_their_own(manager: ResilienceManager) -> None:
    policy = ResiliencePolicy(circuit_breaker={"failure_threshold": 1}, bulkhead={"name": "pool"})
    fail = manager.protect(Script(ConnectionError).next, "one", policy)
    same = manager.protect(lambda: "fine", "one", policy)
    other = manager.protect(lambda: "fine", "two", policy)
    with pytest.raises(ConnectionError):
        fail()
    with pytest.raises(CircuitOpenError, match="circuit 'one'"):
        same()
    assert other() == "fine"
    assert list(manager.bulkheads.get_all()) == ["pool"]
    assert manager.bulkheads.get("pool").metrics.completed == 2


def test_two_policies_that_set_a_guard_of_one_name_differently_are_refused(manager: ResilienceManager) -> None:
    manager.protect(lambda: "fine", "shop", TWICE, circuit_breaker={"failure_threshold": 3})()
    with pytest.raises(ConfigurationError, match="there is a circuit breaker 'shop' already"):
        manager.protect(lambda: "fine", "shop", TWICE, circuit_breaker={"failure_threshold": 4})
    manager.protect(lambda: "fine", "shop", TWICE, circuit_breaker={"failure_threshold": 3}, timeout=1)
    manager.register("shop", timeout=1)
    manager.protect(lambda: "fine", "shop", TWICE, circuit_breaker={"failure_threshold": 4})


def test_two_named_policies_that_set_a_guard_of_one_name_differently_are_refused_at_the_call(
    manager: ResilienceManager,
) -> None:
    manager.register("small", bulkhead={"max_concurrent": 1})
    manager.register("large", bulkhead={"max_concurrent": 9})
    first = manager.protect(lambda: "fine", "shop", "small")
    assert first() == "fine"
    second = manager.protect(lambda: "fine", "shop", "large")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="there is a bulkhead 'shop' already"):
            second()
    manager.register("small", bulkhead={"max_concurrent": 9})
    assert (first(), second()) == ("fine", "fine")
    assert manager.bulkheads.get("shop").stats.available == 9
    manager.register("large", bulkhead={"max_concurrent": 99})
    assert (first(), second()) == ("fine", "fine"), "a contradiction that arises later fails no call"
    assert manager.bulkheads.get("shop").stats.available == 9


def test_registering_anew_keeps_the_state_of_what_does_not_change(manager: ResilienceManager) -> None:
    policy = ResiliencePolicy(
        circuit_breaker={"failure_threshold": 1},
        bulkhead={"max_concurrent": 2},
        rate_limit={"limit": 5, "period": 60},
    )
    manager.register("shop", policy)
    script = Script(ConnectionError, "fine")
    function = manager.protect(script.next, "shop")
    with pytest.raises(ConnectionError):
        function()
    around = manager.surroundings
    breaker, room, limiter = (
        getattr(around, kind).get("shop") for kind in ("circuit_breaker", "bulkhead", "rate_limit")
    )
    permit = room.acquire()
    manager.register("shop", policy.replace(timeout=5, bulkhead={"max_concurrent": 9}, rate_limit={"limit": 50}))
    with pytest.raises(CircuitOpenError):
        function()
    assert around.circuit_breaker.get("shop") is breaker
    assert around.bulkhead.get("shop") is room
    assert room.stats.as_dict() == {"active": 1, "queued": 0, "available": 8}
    assert around.rate_limit.get("shop") is limiter
    assert limiter.stats.available == 49
    permit.release()
    manager.register("shop", policy.replace(circuit_breaker={"failure_threshold": 2}))
    assert around.circuit_breaker.get("shop") is breaker
    with pytest.raises(CircuitOpenError):
        function()
    breaker.reset()
    assert function() == "fine"


def test_registering_the_same_again_changes_nothing(manager: ResilienceManager) -> None:
    manager.register("shop", ResiliencePolicy.api())

    def serve() -> str:
        return "fine"

    function: Any = manager.protect(serve, "shop")
    function()
    cells = [cell.cell_contents for cell in function.__closure__]
    binding = next(cell for cell in cells if isinstance(cell, holdfast.registry.Binding))
    chain = binding.now
    manager.register("shop", ResiliencePolicy.api())
    assert binding.now is chain is not None
    assert dict(manager.registered) == {"shop": ResiliencePolicy.api()}


def test_a_policy_that_is_removed_gives_the_guards_back_to_what_the_code_says(manager: ResilienceManager) -> None:
    function = manager.protect(lambda: "fine", "shop", ResiliencePolicy(bulkhead={"max_concurrent": 2}))
    room = manager.bulkheads.obtain("shop", ResiliencePolicy(bulkhead={"max_concurrent": 2}).bulkhead)
    manager.register("shop", bulkhead={"max_concurrent": 7})
    assert (function(), room.stats.available) == ("fine", 7)
    manager.remove("shop")
    assert (function(), room.stats.available) == ("fine", 2)


def test_named_retries_and_fallbacks_are_followed_too(manager: ResilienceManager) -> None:
    script = Script(ConnectionError)
    register_retry_policy("followed", RetryPolicy.fixed(1, max_attempts=2))
    register_fallback("followed", value="one")
    try:
        function = manager.protect(script.next, "shop", retry="followed", fallback="followed")
        assert (function(), script.calls) == ("one", 2)
        register_retry_policy("followed", RetryPolicy.fixed(1, max_attempts=3))
        register_fallback("followed", value="two")
        assert (function(), script.calls) == ("two", 5)
    finally:
        unregister_fallback("followed")


def test_last_good_values_outlive_a_change_of_the_policy(manager: ResilienceManager, door: Door) -> None:
    script = Script("good", ConnectionError)
    function = manager.protect(door.function(script), "shop", fallback=LastGood(max_age=60))
    assert door.run(function) == "good"
    manager.register("shop", fallback=LastGood(max_age=60), timeout=5)
    assert door.run(function) == "good"
    assert script.calls == 2


def test_execute_makes_one_call_of_either_kind(manager: ResilienceManager, door: Door) -> None:
    script = Script(ConnectionError, "fine", "fine")
    operation = door.function(script)
    assert door.run(functools.partial(manager.execute, "shop", operation, TWICE)) == "fine"
    assert script.calls == 2
    assert door.run(functools.partial(manager.execute, "shop", operation, TWICE)) == "fine"
    other = ResiliencePolicy(timeout=5)
    assert door.run(functools.partial(manager.execute, "shop", door.function(Script("other")), other)) == "other"
    with pytest.raises(UnknownPolicyError):
        door.run(functools.partial(manager.execute, "warehouse", operation))
    assert door.run(functools.partial(manager.execute, "critical", operation)) == "fine"


def test_what_execute_calls_goes_by_the_name_in_events_and_notes(manager: ResilienceManager) -> None:
    names = []
    unsubscribe = subscribe(lambda event: names.append(event.name))
    try:
        with pytest.raises(ConnectionError) as caught:
            manager.execute("shop", Script(ConnectionError).next, TWICE)
    finally:
        unsubscribe()
    assert set(names) == {"shop"}
    assert "gave up after 2 attempts" in caught.value.__notes__[0]


def test_execute_keeps_no_operation_and_only_so_many_names(manager: ResilienceManager) -> None:
    class Operation:
        def __call__(self) -> str:
            return "fine"

    operation = Operation()
    assert manager.execute("shop", operation, TWICE) == "fine"
    gone = weakref.ref(operation)
    del operation
    gc.collect()
    assert gone() is None
    for number in range(1_100):
        assert manager.execute(f"shop {number}", lambda: number, TWICE) == number
    assert len(manager._runners) == 1_000


@pytest.mark.parametrize("what", [3, None, int, ResiliencePolicy])
def test_execute_refuses_what_cannot_be_called(manager: ResilienceManager, what: Any) -> None:
    with pytest.raises(TypeError, match="resilience cannot guard"):
        manager.execute("shop", what, TWICE)


def test_methods_static_and_class_methods_and_partials_are_guarded(manager: ResilienceManager) -> None:
    guard = with_resilience("shop", TWICE, manager=manager)

    class Shop:
        @guard
        def plain(self) -> str:
            return type(self).__name__

        @guard
        @staticmethod
        def static() -> str:
            return "static"

        @guard
        @classmethod
        def of_class(cls) -> str:
            return cls.__name__

        @guard
        async def later(self) -> str:
            return "later"

    shop = Shop()
    assert (shop.plain(), shop.static(), shop.of_class(), asyncio.run(shop.later())) == (
        "Shop",
        "static",
        "Shop",
        "later",
    )
    assert asyncio.iscoroutinefunction(Shop.later)
    assert guard(functools.partial(divmod, 7))(2) == (3, 1)
    with pytest.raises(TypeError, match="resilience cannot guard the generator function"):
        guard(lambda: (yield))


@pytest.mark.parametrize(
    ("arguments", "kind", "told"),
    [
        ((len,), TypeError, 'takes a name first, not <built-in function len>; write @with_resilience\\("a name", ...'),
        ((ResiliencePolicy.api(),), TypeError, r"write @with_resilience\(policy=...\) above the function"),
        ((" ",), ConfigurationError, "with_resilience: name must be a text that is not empty"),
        (("shop", 3), ConfigurationError, "not 3; its fields are given by keyword, such as timeout=5"),
        (("shop", " "), ConfigurationError, "with_resilience: policy must be a text that is not empty"),
        ((), ConfigurationError, "it guards nothing"),
        ((None, ResiliencePolicy), ConfigurationError, "a policy must be a ResiliencePolicy"),
    ],
)
def test_what_is_no_name_and_no_policy_is_refused_at_once(
    arguments: tuple[Any, ...], kind: type[Exception], told: str
) -> None:
    with pytest.raises(kind, match=told):
        with_resilience(*arguments)(lambda: None)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"timeout": -1}, "timeout must be finite"),
        ({"retries": 3}, "did you mean retry={'max_attempts'"),
        ({"retry": 3}, "retry must"),
    ],
)
@pytest.mark.parametrize("policy", [None, "unknown-yet", "api", TWICE])
def test_changes_that_make_no_sense_are_refused_when_decorating(changes: Any, told: str, policy: Any) -> None:
    with pytest.raises(ConfigurationError, match=told):
        with_resilience("shop", policy, **changes)(lambda: None)


@pytest.mark.parametrize("policy", [None, "unknown-yet", "api", TWICE])
def test_changes_that_make_sense_only_with_a_policy_are_accepted(policy: Any, manager: ResilienceManager) -> None:
    function = manager.protect(lambda: "fine", "shop", policy, timeout=3, timeout_mode="cooperative")
    if policy == "unknown-yet":
        manager.register("unknown-yet", TWICE)
    assert function() == "fine"


def test_a_change_that_does_not_go_with_the_policy_is_refused_when_that_is_known(manager: ResilienceManager) -> None:
    with pytest.raises(ConfigurationError, match="retry.total_timeout .5 s. ends the whole call before"):
        manager.protect(lambda: None, "shop", "api", retry={"total_timeout": 5})
    function = manager.protect(lambda: None, "shop", "later", retry={"total_timeout": 5})
    manager.register("later", ResiliencePolicy.api())
    with pytest.raises(ConfigurationError, match="can never be reached"):
        function()


def test_off_the_function_is_called_as_it_is(manager: ResilienceManager, door: Door) -> None:
    script = Script(ConnectionError, "fine")
    function = manager.protect(door.function(script), "shop", TWICE)
    with disabled(), pytest.raises(ConnectionError):
        door.run(function)
    assert script.calls == 1
    assert door.run(function) == "fine"


def test_own_registries_may_be_given(clock: VirtualClock) -> None:
    breakers, rooms, limiters = BreakerRegistry(), BulkheadRegistry(), RateLimiterRegistry()
    manager = ResilienceManager(clock=clock, breakers=breakers, bulkheads=rooms, rate_limiters=limiters)
    policy = ResiliencePolicy.api(rate_limit={"limit": 1, "period": 1})
    manager.execute("shop", lambda: None, policy)
    assert (manager.breakers, manager.bulkheads, manager.rate_limiters) == (breakers, rooms, limiters)
    assert breakers.has("shop")
    assert rooms.has("shop")
    assert limiters.has("shop")
    shared = ResilienceManager()
    assert shared.surroundings.bulkhead is holdfast.get_bulkhead_registry()
    wrong: Any = breakers
    with pytest.raises(ConfigurationError, match="ResilienceManager: .* is no BulkheadRegistry"):
        ResilienceManager(bulkheads=wrong)


def test_policies_are_described_by_name(manager: ResilienceManager) -> None:
    manager.register("shop", TWICE, timeout=1)
    assert manager.describe("shop") == manager.get("shop").describe()


def test_a_name_that_only_functions_have_is_described_as_they_are_bound(manager: ResilienceManager) -> None:
    protect: Any = manager.protect
    functions: list[Any] = [protect(lambda: 1, "stock", "external", timeout=7)]
    expected = manager.get("external").replace(timeout=7).describe()
    assert manager.describe("stock") == expected
    assert functions[0]() == 1
    assert manager.describe("stock") == expected
    functions += [protect(lambda: 2, "stock"), protect(lambda: 3, "stock", "not there yet")]
    assert manager.describe("stock") == expected, "the others say nothing of their own"
    functions += [protect(lambda: 4, "stock", "external", timeout=3)]
    assert manager.describe("stock").count("At worst: ") == 2
    assert manager.execute("executed", lambda: 5, TWICE) == 5
    assert manager.describe("executed") == TWICE.describe()
    manager.register("stock", TWICE)
    assert manager.describe("stock") == TWICE.describe()
    manager.remove("stock")
    del functions[:]
    gc.collect()
    with pytest.raises(UnknownPolicyError, match="no resilience policy named 'stock'"):
        manager.describe("stock")


def test_a_manager_refuses_attributes_that_would_change_nothing(
    manager: ResilienceManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    anything: Any = manager
    for name in ("clock", "surroundings", "timeout"):
        with pytest.raises(
            AttributeError, match=rf"{name} cannot be set.*= ResilienceManager\(clock=\.\.\.\), and used"
        ):
            setattr(anything, name, VirtualClock())
    with pytest.raises(AttributeError, match=r"breakers cannot be set.*ResilienceManager\(breakers=\.\.\.\)"):
        anything.breakers = BreakerRegistry()
    monkeypatch.setattr(manager, "describe", lambda _name: "patched")
    assert manager.describe("any") == "patched"

    class Own(ResilienceManager):
        def __init__(self) -> None:
            self.before = 1
            super().__init__()
            self.after = 2

    own: Any = Own()
    own.after = 3
    with pytest.raises(AttributeError, match="clock cannot be set"):
        own.clock = VirtualClock()


def test_what_is_no_manager_is_refused_when_decorating() -> None:
    wrong: Any = 3
    for decorate in (with_resilience, with_llm_resilience):
        with pytest.raises(TypeError, match="with_resilience: manager must be a ResilienceManager, not 3"):
            decorate("shop", manager=wrong)


def test_the_manager_tells_the_health_of_the_process() -> None:
    breaker = holdfast.get_breaker_registry().get_or_create("down")
    breaker.force_open()
    status = resilience_manager.get_health_status()
    assert type(status) is type(holdfast.get_health_status())
    assert any("'down'" in issue for issue in status.issues)


@pytest.mark.parametrize(
    ("decorator", "attempts", "timeout"),
    [(with_llm_resilience, 3, 120), (with_database_resilience, 4, 30), (with_mcp_resilience, 4, 60)],
)
def test_service_decorators_have_a_policy_that_fits_and_can_be_changed(
    decorator: Any, attempts: int, timeout: float, clock: VirtualClock
) -> None:
    manager = ResilienceManager(clock=clock)
    script = Script(ConnectionError)
    function = decorator("service", manager=manager, fallback=Value("fallback"))(script.next)
    assert function() == "fallback"
    assert script.calls == min(attempts, 3 if decorator is with_llm_resilience else attempts)

    def look() -> float:
        mark = holdfast.current_deadline()
        assert mark is not None
        return mark.remaining()

    assert decorator(manager=manager)(look)() == timeout
    with pytest.raises(ConfigurationError):
        decorator("service", timeout=0)


def test_a_quota_that_is_used_up_is_not_tried_again_by_the_llm_decorator(clock: VirtualClock) -> None:
    class QuotaError(Exception):
        __resilience__ = holdfast.Classification(
            category=holdfast.ErrorCategory.RESOURCE, code="QUOTA_EXHAUSTED", retryable=True
        )

    script = Script(QuotaError)
    with pytest.raises(QuotaError):
        with_llm_resilience("model", manager=ResilienceManager(clock=clock))(script.next)()
    assert script.calls == 1


def test_threads_and_tasks_that_call_for_the_first_time_at_once_share_one_guard(manager: ResilienceManager) -> None:
    manager.register("shop", circuit_breaker={"failure_threshold": 5}, bulkhead={"max_concurrent": 64})
    function = manager.protect(lambda: "fine", "shop")
    start = threading.Barrier(16)

    def call() -> None:
        start.wait()
        for _ in range(200):
            assert function() == "fine"

    threads = [threading.Thread(target=call) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert manager.breakers.get("shop").metrics.total_requests == 3_200
    assert manager.bulkheads.get("shop").metrics.completed == 3_200


def test_registering_while_calls_are_made_loses_nothing() -> None:
    manager = ResilienceManager(breakers=BreakerRegistry(), bulkheads=BulkheadRegistry())
    policies = [
        ResiliencePolicy(bulkhead={"max_concurrent": size}, circuit_breaker={}, timeout=None if size % 2 else 60)
        for size in range(1, 9)
    ]
    manager.register("shop", policies[0])
    inside, most, done = [0], [0], threading.Event()
    counting = threading.Lock()

    async def work() -> None:
        with counting:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        await asyncio.sleep(0)
        with counting:
            inside[0] -= 1

    function = manager.protect(work, "shop")

    def call() -> None:
        async def main() -> None:
            for _ in range(100):
                await asyncio.gather(*(function() for _ in range(5)))

        asyncio.run(main())

    def change() -> None:
        number = 0
        while not done.is_set():
            number += 1
            manager.register("shop", policies[number % len(policies)])

    changer = threading.Thread(target=change)
    callers = [threading.Thread(target=call) for _ in range(4)]
    for thread in [changer, *callers]:
        thread.start()
    for thread in callers:
        thread.join()
    done.set()
    changer.join()
    room = manager.bulkheads.get("shop")
    assert room.metrics.completed == 2_000
    assert room.stats.active == room.stats.queued == 0
    assert most[0] <= 8
    breaker = manager.breakers.get("shop")
    assert breaker.metrics.total_requests == 2_000
    assert isinstance(breaker.config, CircuitBreakerConfig)


def test_calls_under_the_whole_policy_leave_no_objects_behind() -> None:
    policy = ResiliencePolicy.api(
        retry=RetryPolicy.fixed(0, max_attempts=2), circuit_breaker=None, total_timeout=60, fallback=Value(None)
    )
    function = ResilienceManager().protect(Door("async").function(Script(ConnectionError)), "leaves nothing", policy)

    async def main() -> int:
        for _ in range(50):
            await function()
        gc.collect()
        before = len(gc.get_objects())
        for _ in range(200):
            await function()
        return len(gc.get_objects()) - before

    gc.disable()
    try:
        assert run_virtual(main()) < 20
    finally:
        gc.enable()
        holdfast.get_bulkhead_registry().remove("leaves nothing")
