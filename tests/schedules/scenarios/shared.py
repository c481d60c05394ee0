"""What threads share without standing in a line for it: a budget of retries, guards by name, a last good value."""

from __future__ import annotations

from typing import Any

from holdfast import BreakerRegistry, CircuitBreaker, LastGood, RetryBudget, RetryManager, RetryPolicy, with_fallback

from ..exploring import Scenario, watching
from ..worlds import Threads


def budget(world: Threads) -> None:
    """Retries are no more than the budget allows, and every call and retry is counted."""
    shared = RetryBudget(ratio=world.random.choice((0.0, 0.5)), min_per_second=world.random.choice((0.1, 0.2)))
    policy = RetryPolicy.fixed(0.5, max_attempts=3, budget=shared)
    made: list[int] = []

    def service(number: int) -> None:
        made.append(number)
        raise ConnectionResetError

    guarded = RetryManager(policy, clock=world.clock).protect(service)

    def caller(number: int) -> None:
        for _ in range(2):
            try:
                guarded(number)
            except ConnectionResetError:
                continue

    for number in range(3):
        world.start(caller, number)
    world.run()
    assert shared._calls == 6
    assert shared._retries == len(made) - 6
    assert shared._retries <= shared.ratio * 6 + shared.min_per_second * 10


def names(world: Threads) -> None:
    """A name stands for one guard, which all who ask or are bound to it get, and the bound keep up with what is new."""
    registry = BreakerRegistry(max_breakers=2, clock=world.clock)
    got: list[CircuitBreaker] = []
    first = registry.get_or_create("bound") if world.random.random() < 0.5 else None
    binding = registry.binding("bound")

    def asker(name: str) -> None:
        got.append(registry.get_or_create(name))

    def user() -> None:
        for _ in range(3):
            _ = binding.now or binding.bind()

    def replacer() -> None:
        registry.get_or_create("bound", replace=True)

    def remover() -> None:
        registry.remove("bound")

    for name in ("one", "one", "two", "three"):
        world.start(asker, name)
    world.start(user)
    world.start(world.random.choice((replacer, remover, user)))
    world.run()
    known = registry.get_all()
    assert len(known) <= 3
    assert (binding.now or binding.bind()) is registry.get("bound")
    assert first is None or registry.get("bound").name == "bound"
    assert all(breaker.name == name for name, breaker in known.items())


def one_for_all(world: Threads) -> None:
    """Whoever asks for a name at the same time gets the same guard."""
    registry = BreakerRegistry(clock=world.clock)
    got: list[CircuitBreaker] = []

    def asker() -> None:
        got.append(registry.get_or_create("search", failure_threshold=3))

    for _ in range(3):
        world.start(asker)
    world.run()
    assert len(set(map(id, got))) == 1
    assert registry.get("search") is got[0]


def one_renewal(world: Threads) -> None:
    """While one makes a value anew, the others get the old one; when it is there, nobody makes it again."""
    values = iter(range(1, 100))
    failing = [False, *world.random.choices([True, False], k=2)]
    making: list[int] = []
    crowds: list[int] = []
    made: list[Any] = [0]

    def service(key: str) -> Any:
        making.append(1)
        crowds.append(len(making))
        world.point()
        making.pop()
        if failing.pop() if failing else False:
            raise ConnectionResetError
        made.append(next(values))
        return made[-1]

    last_good = LastGood(refresh_after=1.0, max_age=None, max_keys=world.random.choice((1, 5)))
    guarded: Any = with_fallback(last_good=last_good, clock=world.clock)(service)
    failing.append(False)
    assert guarded("key") == 1
    world.scheduler.now = 2.0
    given: list[Any] = []

    def caller() -> None:
        for _ in range(2):
            given.append(guarded("key"))

    for _ in range(3):
        world.start(caller)
    world.run()
    assert len(given) == 6
    assert max(crowds) == 1, "two made it anew at once"
    assert set(given) <= set(made)
    assert len(made) <= 3, "it was made anew twice"


SCENARIOS = [
    Scenario("retry-budget", budget, watching("retry")),
    Scenario("registry-names", names, watching("registry", "circuit_breaker.registry")),
    Scenario("registry-one-for-all", one_for_all, watching("registry", "circuit_breaker")),
    Scenario("fallback-one-renewal", one_renewal, watching("fallback")),
]
