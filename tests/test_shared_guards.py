"""Guards that functions share by name: how they are asked for, bound, followed, told apart by key, and bounded."""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from tests.support import Door, Script

from holdfast import (
    BreakerRegistry,
    Bulkhead,
    BulkheadConfig,
    BulkheadFullError,
    BulkheadRegistry,
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitOpenError,
    ConfigurationError,
    bulkhead,
    get_breaker_registry,
    get_bulkhead_registry,
    with_circuit_breaker,
    with_retry,
)
from holdfast.registry import Binding
from holdfast.testing import VirtualClock


class Kind(NamedTuple):
    """One pattern, and how to see how many calls one of its guards has let through."""

    decorate: Any
    guard: Any
    config: Any
    registry: Any
    make_registry: Callable[[int], Any]
    field: str
    calls: Callable[[Any], int]
    use: Callable[[Any], Any]
    """Make it so that the registry must not throw it away."""


KINDS = {
    "circuit breaker": Kind(
        with_circuit_breaker,
        CircuitBreaker,
        CircuitBreakerConfig,
        get_breaker_registry(),
        lambda most: BreakerRegistry(max_breakers=most),
        "failure_threshold",
        lambda guard: guard.metrics.total_requests,
        lambda guard: guard.force_open(hold=True),
    ),
    "bulkhead": Kind(
        bulkhead,
        Bulkhead,
        BulkheadConfig,
        get_bulkhead_registry(),
        lambda most: BulkheadRegistry(max_bulkheads=most),
        "max_concurrent",
        lambda guard: guard.metrics.admitted,
        lambda guard: guard.acquire(),
    ),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


# How a guard is asked for.


def test_a_decorator_without_a_name_gives_each_function_its_own(kind: Kind, door: Door) -> None:
    one = kind.decorate(door.function(Script("one")))
    two = kind.decorate()(door.function(Script("two")))
    three = kind.decorate(**{kind.field: 3})(door.function(Script("three")))
    four = kind.decorate(kind.config(**{kind.field: 4}))(door.function(Script("four")))
    assert [door.run(each) for each in (one, two, three, four)] == ["one", "two", "three", "four"]
    assert kind.registry.get_all() == {}


def test_a_guard_of_a_functions_own_goes_by_the_functions_name(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    protect = kind.guard.protect

    def noting(self: Any, function: Any) -> Any:
        made.append(self.name)
        return protect(self, function)

    monkeypatch.setattr(kind.guard, "protect", noting)

    def search() -> None: ...

    kind.decorate(search)
    decorate: Callable[[Any], Any] = kind.decorate()

    class Api:
        @decorate
        @staticmethod
        def ask() -> None: ...

    assert [name.rpartition(".<locals>.")[2] for name in made] == ["search", "Api.ask"]


def test_a_config_with_a_name_of_its_own_is_shared_under_it(kind: Kind) -> None:
    config = kind.config(name="search", **{kind.field: 7})
    one, two = kind.decorate(config)(lambda: 1), kind.decorate("search")(lambda: 2)
    assert (one(), two()) == (1, 2)
    assert kind.calls(kind.registry.get("search")) == 2
    assert kind.registry.get("search").config == config
    assert kind.registry.get_or_create("search", **{kind.field: 7}) is kind.registry.get("search")


def test_a_guard_shows_its_config_under_its_own_name(kind: Kind) -> None:
    kind.decorate("search")(lambda: 1)()
    assert kind.registry.get("search").config == kind.config(name="search")


@pytest.mark.parametrize(
    ("args", "fields", "says"),
    [
        ((3,), {}, "takes a name"),
        (("",), {}, "name must be a text"),
        (("search", 3), {}, "config must be a"),
        (("search",), {"thresold": 3}, "thresold"),
        (("search",), {"key": 3}, r"key must be a function \(\*args, \*\*kwargs\)"),
        ((), {"key": str}, "with a key, give a name too"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(kind: Kind, args: Any, fields: Any, says: str) -> None:
    with pytest.raises((TypeError, ConfigurationError), match=says):
        kind.decorate(*args, **fields)


LOOSE_BULKHEAD: Any = bulkhead  # typed like the mistakes of those who run no type checker
LOOSE_BREAKER: Any = with_circuit_breaker


@pytest.mark.parametrize(
    ("decorate", "told"),
    [
        (lambda: LOOSE_BULKHEAD("search", 10), "config must be a BulkheadConfig, not 10; write max_concurrent=10$"),
        (lambda: LOOSE_BULKHEAD(10), "not 10; settings are given by keyword; write max_concurrent=10$"),
        (lambda: LOOSE_BREAKER("search", 3), "not 3; write failure_threshold=3$"),
        (lambda: LOOSE_BREAKER(3), "not 3; settings are given by keyword; write failure_threshold=3$"),
        (lambda: LOOSE_BULKHEAD(True), "not True; settings are given by keyword$"),
    ],
)
def test_a_number_without_its_keyword_is_told_its_keyword(decorate: Any, told: str) -> None:
    with pytest.raises((TypeError, ConfigurationError), match=told):
        decorate()


def test_two_configs_at_once_are_refused(kind: Kind) -> None:
    with pytest.raises(ConfigurationError, match="one config, not two"):
        kind.decorate(kind.config(), kind.config())
    for more in ({"key": str}, {kind.field: 3}):
        with pytest.raises(ConfigurationError, match="has its config"):
            kind.decorate(kind.guard(), **more)


def test_a_name_in_use_with_another_config_is_refused_when_decorating(kind: Kind) -> None:
    kind.decorate("search", **{kind.field: 3})
    kind.decorate("search", **{kind.field: 3})
    with pytest.raises(ConfigurationError, match="there is a .* 'search' already"):
        kind.decorate("search", **{kind.field: 4})


def test_the_advice_for_a_name_in_use_fits_who_asks(kind: Kind) -> None:
    kind.decorate("search", **{kind.field: 3})
    with pytest.raises(ConfigurationError, match="give it another name, or give the config in one place") as refused:
        kind.decorate("search", **{kind.field: 4})
    assert "_registry().get_or_create('search', ..., replace=True)" in str(refused.value)
    with pytest.raises(ConfigurationError, match="give it another name, leave the config out, or say replace=True"):
        kind.registry.get_or_create("search", **{kind.field: 4})
    kind.registry.get_or_create("search", replace=True, **{kind.field: 4})
    kind.decorate("search", **{kind.field: 4})


def test_a_decorator_that_is_told_to_replace_says_who_can(kind: Kind) -> None:
    with pytest.raises(
        ConfigurationError, match=r"replaces no .*call get_\w+\(\)\.get_or_create\(name, config, replace=True\)"
    ):
        kind.decorate("search", replace=True, **{kind.field: 4})
    assert not kind.registry.has("search")


# Names are bound at the first call, and followed.


def test_a_name_is_bound_at_the_first_call(kind: Kind, door: Door) -> None:
    early = kind.decorate("later")(door.function(Script("fine")))
    assert not kind.registry.has("later")
    configured = kind.registry.get_or_create("later", **{kind.field: 3})
    assert [door.run(early), door.run(early)] == ["fine", "fine"]
    assert kind.calls(configured) == 2


def test_a_replaced_or_removed_guard_is_followed(kind: Kind, door: Door) -> None:
    function = kind.decorate("moving", **{kind.field: 3})(door.function(Script("fine")))
    guards = [kind.registry.get("moving")]
    changes: list[Callable[[], Any]] = [
        lambda: kind.registry.get_or_create("moving", replace=True, **{kind.field: 4}),
        lambda: kind.registry.remove("moving"),
    ]
    for change in changes:
        assert [door.run(function), door.run(function)] == ["fine", "fine"]
        change()
        assert door.run(function) == "fine"
        guards.append(kind.registry.get("moving"))
    assert [kind.calls(guard) for guard in guards] == [2, 3, 1]
    assert getattr(guards[2].config, kind.field) == 3  # as the decorator says


def test_a_call_under_way_ends_in_the_guard_that_let_it_in(kind: Kind, door: Door) -> None:
    def replace() -> str:
        kind.registry.get_or_create("moving", replace=True)
        return "fine"

    async def replace_async() -> str:
        return replace()

    functions: dict[str, Any] = {"sync": replace, "async": replace_async, "returns-awaitable": lambda: replace_async()}
    function = kind.decorate("moving")(functions[door.name])
    for _ in range(3):
        first = kind.registry.get_or_create("moving")
        before = kind.calls(first)
        assert door.run(function) == "fine"
        assert kind.registry.get("moving") is not first
        assert kind.calls(first) == before + 1
        assert kind.calls(kind.registry.get("moving")) == 0


def test_a_name_that_changes_while_it_is_bound_is_looked_up_again() -> None:
    found: list[int] = []

    def find() -> int:
        found.append(len(found))
        if len(found) == 1:
            binding.name_changed()
        return found[-1]

    binding: Binding[int] = Binding(find)
    assert (binding.bind(), binding.now) == (0, None)
    assert (binding.bind(), binding.now) == (1, 1)


def test_threads_that_call_while_guards_are_replaced_lose_no_call(kind: Kind) -> None:
    function = kind.decorate("busy", **({"max_concurrent": 100} if kind.field == "max_concurrent" else {}))(lambda: 1)
    guards = [kind.registry.get_or_create("busy")]
    over = threading.Event()
    done: list[int] = []

    def call() -> None:
        calls = 0
        while not over.is_set():
            calls += function()
        done.append(calls)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=call) for _ in range(8)]
    try:
        for thread in threads:
            thread.start()
        for _ in range(200):
            guards.append(kind.registry.get_or_create("busy", guards[0].config, replace=True))
        over.set()
        for thread in threads:
            thread.join()
    finally:
        over.set()
        sys.setswitchinterval(before)
    assert sum(kind.calls(guard) for guard in guards) == sum(done)


# One guard for each key.


def test_each_key_has_a_guard_of_its_own(kind: Kind, door: Door) -> None:
    def host_of(host: str, *_args: object, **_kwargs: object) -> str:
        return host

    function = kind.decorate("api", key=host_of, **{kind.field: 2})(door.function(Script("fine")))
    for host in ("a", "b", "a"):
        assert door.run(function, host) == "fine"
    assert {name: kind.calls(guard) for name, guard in kind.registry.get_all().items() if name != "api"} == {
        "api[a]": 2,
        "api[b]": 1,
    }
    assert getattr(kind.registry.get("api[a]").config, kind.field) == 2


def test_one_keys_trouble_is_not_anothers() -> None:
    @with_circuit_breaker("api", key=lambda host: host, failure_threshold=2)
    def ask(host: str) -> str:
        if host == "down":
            raise ConnectionResetError
        return host

    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            ask("down")
    with pytest.raises(Exception, match=r"circuit 'api\[down\]' is OPEN"):
        ask("down")
    assert ask("well") == "well"


def test_promise_6_a_key_that_raises_is_logged_and_the_call_guarded_all_the_same(
    kind: Kind, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    def key(*_args: object) -> str:
        raise ValueError("secret")

    function = kind.decorate("api", key=key)(door.function(Script("fine")))
    with caplog.at_level(logging.ERROR):
        assert door.run(function, "a") == "fine"
    assert kind.calls(kind.registry.get("api")) == 1
    assert "secret" not in caplog.text
    assert len(caplog.records) == 1


def test_of_a_key_that_takes_other_arguments_the_log_gives_the_line_and_says_who_guards(
    kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    def key(_tenant: str, _more: str) -> str:
        raise AssertionError("never called, as it takes two arguments")

    assert kind.decorate("api", key=key)(lambda _tenant: "fine")("a") == "fine"
    place = f"{__file__}:{key.__code__.co_firstlineno}"
    name = key.__qualname__
    expected = f"the key {name} raised TypeError ({place}), so the shared {kind.registry.kind} 'api' guards this call"
    assert caplog.messages == [expected]


def test_what_a_keyed_guard_cannot_guard_is_refused_when_decorating(kind: Kind) -> None:
    with pytest.raises(TypeError, match="cannot guard"):
        kind.decorate("api", key=str)(42)


# How many there are.


@pytest.mark.parametrize("kind_name", KINDS)
def test_there_are_never_more_than_the_bound_and_none_goes_that_is_needed(kind_name: str) -> None:
    kind = KINDS[kind_name]
    registry = kind.make_registry(3)
    held = kind.use(registry.get_or_create("needed"))
    for number in range(200):
        registry.get_or_create(f"tenant-{number}")
        assert len(registry.get_all()) <= 3
    assert list(registry.get_all()) == ["needed", "tenant-198", "tenant-199"]
    registry.get_or_create("tenant-198")
    registry.get_or_create("tenant-200")
    assert set(registry.get_all()) == {"needed", "tenant-198", "tenant-200"}, "the one asked for least recently"
    assert held is not kind


def test_a_guard_that_a_function_is_bound_to_never_goes(kind: Kind) -> None:
    registry = kind.make_registry(2)
    binding = registry.binding("bound")
    assert binding.now is None
    binding.bind()  # makes it, so that the name means something new
    bound = binding.bind()
    for number in range(10):
        registry.get_or_create(f"tenant-{number}")
    assert registry.get("bound") is bound is binding.now
    del binding
    gc.collect()
    for number in range(10):
        registry.get_or_create(f"tenant-{number}")
    assert not registry.has("bound")


def test_where_none_may_go_there_is_rather_one_too_many(kind: Kind) -> None:
    registry = kind.make_registry(1)
    kept = [kind.use(registry.get_or_create(f"needed-{number}")) for number in range(200)]
    assert len(registry.get_all()) == len(kept) == 200


def test_a_name_that_is_removed_while_it_is_looked_for_is_made_again(kind: Kind) -> None:
    names: Iterator[str] = iter(["raced"] * 2000)
    made: list[Any] = []

    def work() -> None:
        for name in names:
            made.append(kind.registry.get_or_create(name))
            kind.registry.remove(name)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(isinstance(each, kind.guard) for each in made)


def test_a_guarded_coroutine_that_is_never_awaited_calls_nothing(kind: Kind) -> None:
    calls: list[int] = []

    async def service() -> None:
        calls.append(1)

    guarded = kind.decorate("never")(service)
    guarded().close()
    asyncio.run(guarded())
    assert calls == [1]
    assert kind.calls(kind.registry.get("never")) == 1


# Together.


@pytest.mark.parametrize("order", list(itertools.permutations(["retry", "breaker", "bulkhead"])), ids="-".join)
def test_promise_39_guards_compose_in_any_order(order: tuple[str, ...], door: Door, clock: VirtualClock) -> None:
    breaker = CircuitBreaker(CircuitBreakerConfig(failure_threshold=50), clock=clock)
    full = Bulkhead(BulkheadConfig(max_concurrent=1, max_queue=0), clock=clock)
    decorators: dict[str, Callable[[Any], Any]] = {
        "retry": with_retry(max_attempts=3, clock=clock),
        "breaker": with_circuit_breaker(breaker),
        "bulkhead": bulkhead(full),
    }
    script = Script(ConnectionResetError, ConnectionResetError, "fine")
    function = door.function(script)
    for name in reversed(order):
        function = decorators[name](function)
    assert door.run(function) == "fine"
    assert script.calls == 3
    assert full.stats.active == 0
    inside_retry = order.index("retry") < order.index("breaker")
    assert breaker.metrics.total_requests == (3 if inside_retry else 1)
    assert full.metrics.completed == (3 if order.index("retry") < order.index("bulkhead") else 1)


def test_promise_23_a_full_bulkhead_inside_opens_no_circuit(door: Door) -> None:
    breaker = CircuitBreaker(CircuitBreakerConfig(failure_threshold=1))
    full = Bulkhead(BulkheadConfig(max_concurrent=1, max_queue=0))
    function = breaker.protect(full.protect(door.function(Script("fine"))))
    with full.acquire():
        for _ in range(20):
            with pytest.raises(BulkheadFullError):
                door.run(function)
    assert door.run(function) == "fine"
    assert (breaker.metrics.abandoned_requests, breaker.metrics.failed_requests) == (20, 0)


def test_promise_39_an_open_circuit_is_not_hammered_by_the_retry_around_it(door: Door, clock: VirtualClock) -> None:
    breaker = CircuitBreaker(clock=clock)
    breaker.force_open(hold=True)
    function = with_retry(max_attempts=9, clock=clock)(breaker.protect(door.function(Script("fine"))))
    with pytest.raises(CircuitOpenError):
        door.run(function)
    assert breaker.metrics.rejected_requests == 1
    assert clock.sleeps == []
