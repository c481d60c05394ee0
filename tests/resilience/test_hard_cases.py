"""What goes wrong where policies change under load, are set by hand, share names, or hold what cannot be compared."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.support import Door, Script

import holdfast
from holdfast import (
    BreakerRegistry,
    Bulkhead,
    BulkheadConfig,
    BulkheadRegistry,
    CircuitOpenError,
    ConfigurationError,
    Fallback,
    FallbackConfig,
    LastGood,
    RateLimiterRegistry,
    RateLimitExceededError,
    ResilienceManager,
    ResiliencePolicy,
    RetryPolicy,
    UnknownPolicyError,
    Value,
    disabled,
)
from holdfast.resilience.chain import Kept, chain
from holdfast.testing import VirtualClock


@pytest.fixture
def manager() -> ResilienceManager:
    """One on the real clock, with registries of its own."""
    return ResilienceManager(
        breakers=BreakerRegistry(), bulkheads=BulkheadRegistry(), rate_limiters=RateLimiterRegistry()
    )


def sized(permits: int) -> ResiliencePolicy:
    return ResiliencePolicy(bulkhead={"max_concurrent": permits})


@pytest.mark.parametrize("name", ["shop", "house rules"])
@pytest.mark.parametrize("removing", [False, True])
def test_no_call_fails_while_a_policy_is_registered_anew_or_removed(
    name: str, removing: bool, manager: ResilienceManager
) -> None:
    manager.register("house rules", sized(20))
    function = manager.protect(lambda: "fine", "shop", "house rules")
    over = threading.Event()
    errors: list[Exception] = []

    def call() -> None:
        while not over.is_set():
            try:
                assert function() == "fine"
            except Exception as error:
                errors.append(error)

    callers = [threading.Thread(target=call) for _ in range(6)]
    for thread in callers:
        thread.start()
    for turn in range(200):
        manager.register(name, sized(10 + turn % 5))
        if removing and name == "shop":
            manager.remove(name)
    over.set()
    for thread in callers:
        thread.join()
    assert not errors
    assert manager.bulkheads.get("shop").stats.active == 0


def test_all_who_use_a_policy_by_its_name_follow_it_whoever_is_called_first(manager: ResilienceManager) -> None:
    async def later() -> int:
        return manager.bulkheads.get("shop").config.max_concurrent

    def now() -> int:
        return manager.bulkheads.get("shop").config.max_concurrent

    manager.register("house rules", sized(1))
    assert manager.execute("shop", now, "house rules") == 1
    manager.register("house rules", sized(2))
    assert asyncio.run(manager.execute("shop", later, "house rules")) == 2
    assert manager.execute("shop", now, "house rules") == 2
    assert manager.protect(now, "shop", "house rules")() == 2


def test_what_somebody_sets_by_hand_stays_until_the_policy_says_something_new(manager: ResilienceManager) -> None:
    function = manager.protect(lambda: "fine", "shop", ResiliencePolicy(bulkhead={}, circuit_breaker={}))
    function()
    manager.bulkheads.get("shop").adjust(BulkheadConfig(max_concurrent=77))
    manager.breakers.get_or_create("shop", failure_threshold=2, replace=True)
    with disabled():
        assert function() == "fine"
    manager.register("another", sized(1))
    assert function() == "fine"
    assert manager.bulkheads.get("shop").config.max_concurrent == 77
    assert manager.breakers.get("shop").config.failure_threshold == 2
    manager.register("shop", bulkhead={"max_concurrent": 3}, circuit_breaker={"failure_threshold": 4})
    assert manager.bulkheads.get("shop").config.max_concurrent == 3
    assert manager.breakers.get("shop").config.failure_threshold == 4


def test_of_two_registered_policies_that_set_one_guard_the_one_registered_last_counts(
    manager: ResilienceManager,
) -> None:
    manager.register("one", bulkhead={"name": "pool", "max_concurrent": 1})
    one = manager.protect(lambda: manager.bulkheads.get("pool").config.max_concurrent, "one")
    assert one() == 1
    manager.register("two", bulkhead={"name": "pool", "max_concurrent": 2})
    two = manager.protect(lambda: manager.bulkheads.get("pool").config.max_concurrent, "two")
    for _ in range(3):
        assert (one(), two()) == (2, 2)
        with disabled():
            two()
    given = manager.protect(one, "three", ResiliencePolicy(bulkhead={"name": "pool", "max_concurrent": 3}))
    assert given() == 2, "what is registered counts more than what the code says"


def test_the_chain_of_guards_is_not_made_anew_while_something_is_switched_off_elsewhere(
    manager: ResilienceManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def counted(*args: Any) -> Any:
        made.append(1)
        return chain(*args)

    monkeypatch.setattr("holdfast.resilience.guard.chain", counted)
    function = manager.protect(lambda: "fine", "shop", sized(2))
    inside, over = threading.Event(), threading.Event()

    def elsewhere() -> None:
        with disabled():
            inside.set()
            over.wait(60)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    assert inside.wait(60)
    assert [function() for _ in range(5)] == ["fine"] * 5
    over.set()
    thread.join()
    function()
    manager.register("another", sized(1))
    function()
    assert made == [1]


def _each(word: str) -> Callable[[], str]:
    def fail_or_say() -> str:
        if word == "bad":
            raise ConnectionError
        return word

    return fail_or_say


def test_functions_without_a_name_share_nothing_though_they_are_called_alike(manager: ResilienceManager) -> None:
    guard = functools.partial(manager.protect, policy=ResiliencePolicy(circuit_breaker={"failure_threshold": 1}))
    bad, good = guard(_each("bad")), guard(_each("good"))
    with pytest.raises(ConnectionError):
        bad()
    with pytest.raises(CircuitOpenError, match=r"test_hard_cases\._each.<locals>.fail_or_say"):
        bad()
    assert good() == "good"
    assert guard(functools.partial(_each("partial")))() == "partial"
    assert guard(str.upper)("method") == "METHOD"
    other = manager.protect(_each("other"), policy=ResiliencePolicy(circuit_breaker={"failure_threshold": 9}))
    assert other() == "other"


def test_functions_without_a_name_share_a_guard_that_has_one_of_its_own(manager: ResilienceManager) -> None:
    policy = ResiliencePolicy(circuit_breaker={"failure_threshold": 1}, bulkhead={"name": "pool"})
    for word in ("one", "two"):
        assert manager.protect(_each(word), policy=policy)() == word
    assert manager.bulkheads.get("pool").metrics.completed == 2
    assert not manager.breakers.get_all()


def test_two_functions_of_one_name_that_are_set_differently_are_refused_when_decorating(
    manager: ResilienceManager,
) -> None:
    manager.protect(_each("one"), "shop", sized(1))
    with pytest.raises(ConfigurationError, match="there is a bulkhead 'shop' already, with .*, not"):
        manager.protect(_each("two"), "shop", sized(2))


def test_once_a_name_is_not_registered_any_more_code_may_set_its_guards(manager: ResilienceManager) -> None:
    manager.register("shop", bulkhead={"max_concurrent": 3})
    assert manager.protect(_each("one"), "shop")() == "one"
    assert manager.remove("shop")
    assert manager.protect(_each("two"), "shop", sized(7))() == "two"
    assert manager.bulkheads.get("shop").config.max_concurrent == 7
    manager.register("new", sized(2))
    assert manager.protect(_each("three"), "new", sized(7))() == "three"
    assert manager.bulkheads.get("new").config.max_concurrent == 2


def test_a_guard_that_somebody_made_is_taken_as_it_is_if_it_is_set_alike_and_refused_if_not(
    manager: ResilienceManager,
) -> None:
    manager.bulkheads.get_or_create("alike", max_concurrent=2)
    assert manager.protect(_each("fine"), "alike", sized(2))() == "fine"
    manager.bulkheads.get_or_create("unlike", max_concurrent=3)
    with pytest.raises(ConfigurationError, match="there is a bulkhead 'unlike' already"):
        manager.protect(_each("fine"), "unlike", sized(2))
    manager.register("unlike", sized(2))
    assert manager.bulkheads.get("unlike").config.max_concurrent == 2
    manager.bulkheads.get_or_create("found later", max_concurrent=3)
    function = manager.protect(_each("fine"), "later", bulkhead={"name": "found later", "max_concurrent": 3})
    assert function() == "fine"


def test_a_guard_that_was_made_before_its_policy_was_registered_is_set_by_it(manager: ResilienceManager) -> None:
    function = manager.protect(_each("fine"), "shop")
    manager.register("shop", sized(2))
    manager.bulkheads.get_or_create("shop", max_concurrent=5)
    assert function() == "fine"
    assert manager.bulkheads.get("shop").config.max_concurrent == 2


def test_what_is_registered_takes_over_a_guard_that_code_has_set_meanwhile(manager: ResilienceManager) -> None:
    manager.register("shop", bulkhead={"name": "pool", "max_concurrent": 2})
    manager.protect(_each("code"), "other", bulkhead={"name": "pool", "max_concurrent": 3})
    assert manager.bulkheads.get("pool").config.max_concurrent == 3
    assert manager.protect(_each("fine"), "shop")() == "fine"
    assert manager.bulkheads.get("pool").config.max_concurrent == 2


def test_of_two_who_set_a_guard_at_the_same_time_the_later_one_counts(
    manager: ResilienceManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.register("shop", sized(1))
    assert manager.execute("shop", _each("fine")) == "fine"
    adjust: Any = Bulkhead.adjust
    later = [sized(3)]

    def overtaken(bulkhead: Bulkhead, config: BulkheadConfig) -> None:
        if later:
            manager.register("shop", later.pop())
        adjust(bulkhead, config)

    monkeypatch.setattr(Bulkhead, "adjust", overtaken)
    manager.register("shop", sized(2))
    assert manager.bulkheads.get("shop").config.max_concurrent == 3


def test_setting_a_guard_that_was_interrupted_is_done_by_whoever_registers_next(
    manager: ResilienceManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = manager.protect(_each("fine"), "shop", sized(1))
    adjust: Any = Bulkhead.adjust
    interrupts = [KeyboardInterrupt, KeyboardInterrupt]

    def interrupted(bulkhead: Bulkhead, config: BulkheadConfig) -> None:
        if interrupts:
            raise interrupts.pop()
        adjust(bulkhead, config)

    monkeypatch.setattr(Bulkhead, "adjust", interrupted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            manager.register("shop", sized(2))
        assert manager.bulkheads.get("shop").config.max_concurrent == 1
    manager.register("shop", sized(2))
    assert manager.bulkheads.get("shop").config.max_concurrent == 2
    assert function() == "fine"
    interrupts.append(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        manager.register("shop", sized(3))
    assert function() == "fine"
    assert manager.bulkheads.get("shop").config.max_concurrent == 3, "a call repairs it too"


def test_a_fallback_object_is_used_as_it_is_and_its_counts_outlive_a_change(manager: ResilienceManager) -> None:
    shared = Fallback(FallbackConfig(name="shared", value="answer"))
    function = manager.protect(_each("bad"), "shop", ResiliencePolicy(fallback=shared))
    assert function() == "answer"
    assert shared.metrics.answered == 1
    assert ResiliencePolicy(fallback=shared).describe().startswith("fallback         a value")
    own = FallbackConfig(name="own", value="own answer")
    names = []
    unsubscribe = holdfast.events.subscribe(lambda event: names.append(event.name), holdfast.fallback.FallbackUsed)
    try:
        assert manager.protect(_each("bad"), "named", fallback=own)() == "own answer"
    finally:
        unsubscribe()
    assert names == ["own"]
    kept = Kept(_each("bad"))
    clock = VirtualClock()
    made = kept.fallback(own, "shop", clock)
    assert kept.fallback(own, "shop", clock) is made
    assert kept.fallback(own.replace(value=1), "shop", clock) is not made


def test_a_fallback_that_nobody_would_await_is_refused_when_decorating(manager: ResilienceManager) -> None:
    async def answer() -> str:
        return "answer"

    def plain() -> str:
        return "fine"

    for fallback in (answer, Fallback(FallbackConfig(answer=answer))):
        with pytest.raises(TypeError, match="an async one, which nobody would await"):
            manager.protect(plain, "shop", ResiliencePolicy(fallback=fallback))
    manager.protect(plain, "shop", fallback="registered-later")


class Incomparable:
    """Like an array: it has no single truth value."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("which elements?")

    __hash__ = object.__hash__


def test_policies_that_cannot_be_compared_are_taken_to_differ(manager: ResilienceManager) -> None:
    one = ResiliencePolicy(fallback=Value(Incomparable()), bulkhead={})
    other = ResiliencePolicy(fallback=Value(Incomparable()), bulkhead={})
    for policy in (one, other, one):
        manager.register("shop", policy)
        assert manager.execute("shop", _each("fine"), policy) == "fine"
        assert manager.execute("ship", _each("fine"), policy) == "fine"


def test_equal_policies_given_anew_for_each_call_are_one(manager: ResilienceManager) -> None:
    runners = set()
    for _ in range(3):
        assert manager.execute("shop", _each("fine"), sized(2)) == "fine"
        runners.add(id(manager._runners["shop", False][1]))
    assert len(runners) == 1


@pytest.mark.parametrize("name", [None, [], 3])
def test_what_is_no_name_stands_for_nothing(name: Any, manager: ResilienceManager) -> None:
    with pytest.raises(UnknownPolicyError, match="there is no resilience policy named"):
        manager.get(name)
    assert manager.remove(name) is False


@pytest.mark.parametrize("door", [Door("sync"), Door("async")])
def test_waits_that_our_own_limiter_asks_for_are_counted_if_they_are_waited(door: Door) -> None:
    clock = VirtualClock()
    policy = ResiliencePolicy(
        retry=RetryPolicy.fixed(1, retry_on=RateLimitExceededError, max_attempts=4),
        rate_limit={"limit": 1, "period": 60, "queue_timeout": 0},
        timeout=1,
    )
    function = ResilienceManager(clock=clock).protect(door.function(Script("fine")), "shop", policy)
    assert policy.worst_case.seconds is not None
    for _ in range(3):
        began = clock.monotonic()
        assert door.run(function) == "fine"
        assert clock.monotonic() - began <= policy.worst_case.seconds


def test_a_function_for_the_waits_is_not_called_to_check_or_to_describe() -> None:
    def waits(attempt: int) -> float:
        raise AssertionError("only a call that fails asks for it")

    policy = ResiliencePolicy(retry=RetryPolicy(backoff={"type": waits, "max_delay": 5}), timeout=1, total_timeout=3)
    assert policy.worst_case.seconds == 3
    assert policy.replace(total_timeout=None).worst_case.seconds == 13
    assert "3 attempts, as long as" in policy.describe()
    assert "waits() says, at most 5 s, apart" in policy.describe()


def test_each_kind_of_error_counts_its_own_waits() -> None:
    falling = {"type": "fixed", "initial_delay": 8, "max_delay": 8}
    retry = RetryPolicy.exponential(1, 4, max_attempts=4, backoff_for={"EXTERNAL": falling})
    case = ResiliencePolicy(retry=retry, timeout=1).worst_case
    assert case.seconds == 4 + 3 * 8
    assert "other waits for some errors" in ResiliencePolicy(retry=retry, timeout=1).describe()


def test_any_number_of_attempts_is_told_of_at_once() -> None:
    policy = ResiliencePolicy(retry=RetryPolicy.fixed(1, max_attempts=10**12), timeout=1)
    case = policy.worst_case
    assert (case.attempts, case.seconds) == (10**12, 10**12 + 10**12 - 1)
    assert "At worst: 1,000,000,000,000 attempts, 1,999,999,999,999 s;" in policy.describe()


def test_a_breaker_that_ends_nothing_is_no_limit() -> None:
    policy = ResiliencePolicy(circuit_breaker={"timeout": 1, "mode": "disabled"}, timeout=5)
    assert policy.worst_case.seconds == 5


def test_a_retry_that_is_not_known_yet_leaves_the_worst_case_open() -> None:
    assert (
        ResiliencePolicy(retry="unheard-of", timeout=1)
        .describe()
        .endswith("At worst: not known until 'unheard-of' is registered.")
    )


def test_a_breaker_with_a_rate_of_its_own_says_so() -> None:
    told = ResiliencePolicy(circuit_breaker={"failure_rate_threshold": 0.2, "minimum_requests": 50}).describe()
    assert "for 30 s (if 20% fail, of 50 calls or more)" in told


def test_execute_with_last_good_values_goes_by_the_operation_or_a_key(manager: ResilienceManager) -> None:
    operation = Script("good", ConnectionError, "other", ConnectionError).next
    by_object = ResiliencePolicy(fallback=LastGood(max_age=60))
    assert [manager.execute("shop", operation, by_object) for _ in range(2)] == ["good", "good"]
    by_key = ResiliencePolicy(fallback=LastGood(max_age=60, key=lambda operation: "one"))
    assert [manager.execute("ship", lambda: operation(), by_key) for _ in range(2)] == ["other", "other"]


def test_a_policy_that_judges_results_says_so() -> None:
    judging: Any = {"classify_results": True}
    told = ResiliencePolicy(retry=judging, circuit_breaker=judging, timeout=1).describe()
    assert told.count("results are judged like errors") == 2
