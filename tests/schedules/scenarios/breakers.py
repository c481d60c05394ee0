"""Threads in a circuit breaker."""

from __future__ import annotations

from collections import Counter
from typing import Any

from holdfast import CircuitBreaker, CircuitBreakerConfig, CircuitOpenError, CircuitState

from ..exploring import Scenario, watching
from ..worlds import Threads

_WATCHED = watching("circuit_breaker")
_RESULTS = {"success": None, "failure": ConnectionResetError, "abandoned": KeyboardInterrupt}


def exact_numbers(world: Threads) -> None:
    """Every call is counted once, as what it was, while the circuit opens, closes and is looked at."""
    config = CircuitBreakerConfig(
        failure_threshold=world.random.randint(1, 3),
        minimum_requests=1,
        success_threshold=1,
        half_open_max_calls=1,
        reset_timeout=0.5,
        failure_window=world.random.choice((1.0, 60.0)),
        window_size=world.random.choice((None, None, 3)),
        classify_results=world.random.random() < 0.3,
    )
    breaker = CircuitBreaker(config, clock=world.clock)
    seen: Counter[str] = Counter()

    @breaker.protect
    def service(result: str) -> None:
        world.point()
        error = _RESULTS[result]
        if error is not None:
            raise error

    def caller(results: list[str]) -> None:
        for result in results:
            if world.random.random() < 0.2:
                world.clock.sleep(0.3)
            try:
                service(result)
            except CircuitOpenError:
                seen["rejected"] += 1
            except (ConnectionResetError, KeyboardInterrupt):
                seen[result] += 1
            else:
                seen[result] += 1

    def looker() -> None:
        for _ in range(2):
            metrics = breaker.metrics
            ended = metrics.successful_requests + metrics.failed_requests + metrics.abandoned_requests
            assert metrics.total_requests == ended
            assert metrics.successful_requests <= 9 and metrics.failed_requests <= 9
            assert breaker.counts[0] >= metrics.successful_requests

    for _ in range(3):
        world.start(caller, world.random.choices(list(_RESULTS), (6, 3, 1), k=3))
    world.start(looker)
    world.run()
    metrics = breaker.metrics
    numbers = {
        "success": metrics.successful_requests,
        "failure": metrics.failed_requests,
        "abandoned": metrics.abandoned_requests,
        "rejected": metrics.rejected_requests,
    }
    assert numbers == {name: seen[name] for name in numbers}
    assert list(breaker.counts[:4]) == list(numbers.values())
    assert breaker.get_stats()["probes"] == 0


def resets(world: Threads) -> None:
    """A reset loses no call of those that are told for the whole life of the breaker, and moves are told in order."""
    breaker = CircuitBreaker(
        CircuitBreakerConfig(failure_threshold=2, minimum_requests=1, reset_timeout=0.5), clock=world.clock
    )
    moves: list[tuple[CircuitState, CircuitState]] = []
    if world.random.random() < 0.5:
        breaker.on("state_change", lambda event: moves.append((event.old, event.new)))
    seen: Counter[str] = Counter()

    @breaker.protect
    def service(result: str) -> None:
        error = _RESULTS[result]
        if error is not None:
            raise error

    def caller(results: list[str]) -> None:
        for result in results:
            try:
                service(result)
            except CircuitOpenError:
                seen["rejected"] += 1
            except (ConnectionResetError, KeyboardInterrupt):
                seen[result] += 1
            else:
                seen[result] += 1

    def operator(how: list[str]) -> None:
        for each in how:
            getattr(breaker, each)()

    for _ in range(2):
        world.start(caller, world.random.choices(list(_RESULTS), (4, 4, 1), k=4))
    world.start(operator, world.random.choices(["reset", "force_open", "force_close"], (3, 1, 1), k=3))
    world.run()
    assert breaker.counts[:4] == tuple(seen[name] for name in ("success", "failure", "abandoned", "rejected"))
    assert all(earlier[1] is later[0] for earlier, later in zip(moves, moves[1:], strict=False)), moves


def probes(world: Threads) -> None:
    """Half-open admits exactly its number whoever comes; the first failure opens, and nobody keeps a place for good."""
    most = world.random.randint(1, 2)
    config = CircuitBreakerConfig(half_open_max_calls=most, success_threshold=50, reset_timeout=30)
    breaker = CircuitBreaker(config, clock=world.clock)
    breaker.force_open()
    world.scheduler.now = 30.0
    inside: list[str] = []
    ended: list[str] = []
    crowds: list[int] = []

    @breaker.protect
    def service(result: str) -> None:
        inside.append(result)
        if "failure" not in ended:
            crowds.append(len(inside))
        world.point()
        inside.remove(result)
        ended.append(result)
        error = _RESULTS[result]
        if error is not None:
            raise error

    def caller(result: str) -> None:
        try:
            service(result)
        except (CircuitOpenError, ConnectionResetError, KeyboardInterrupt):
            return

    weights = world.random.choice(((1, 0, 0), (3, 1, 0), (2, 0, 2), (2, 1, 1)))
    for result in world.random.choices(list(_RESULTS), weights, k=5):
        world.start(caller, result)
    world.run()
    assert ended, "nobody was let in"
    assert max(crowds) <= most
    assert breaker.state is (CircuitState.OPEN if "failure" in ended else CircuitState.HALF_OPEN)
    assert breaker.get_stats()["probes"] == 0
    if "failure" in ended:
        assert len(ended) - ended.index("failure") <= most + ended.count("abandoned") + ended.count("success")


def hung_probes(world: Threads) -> None:
    """A probe that hangs gives its place up when its lease is over, not before; what it finds out late still counts."""
    lease = 1.0
    config = CircuitBreakerConfig(half_open_max_calls=1, success_threshold=50, reset_timeout=30, probe_timeout=lease)
    breaker = CircuitBreaker(config, clock=world.clock)
    breaker.force_open()
    world.scheduler.now = 30.0
    inside: dict[int, tuple[float, float]] = {}  # and between which moments each was given the place
    seen: Counter[str] = Counter()

    def caller(number: int, takes: float, result: str) -> None:
        world.clock.sleep(world.random.choice((0.0, 0.5, lease)))
        came = world.now
        try:
            permit = breaker.acquire()
        except CircuitOpenError:
            seen["rejected"] += 1
            return
        if not seen["failure"]:
            for earliest, latest in inside.values():
                assert max(world.now - earliest, latest - came) >= lease, "two hold the one place"
        inside[number] = came, world.now
        world.clock.sleep(takes)
        del inside[number]
        seen[result] += 1
        if result == "success":
            permit.succeed()
        else:
            permit.fail(ConnectionResetError())

    results = world.random.choices(["success", "failure"], (4, 1), k=4)
    for number, result in enumerate(results):
        world.start(caller, number, world.random.choice((0.0, 0.5, 5.0)), result)
    world.run()
    metrics = breaker.metrics
    assert (metrics.successful_requests, metrics.failed_requests) == (seen["success"], seen["failure"])
    assert metrics.rejected_requests == seen["rejected"]
    assert breaker.get_stats()["probes"] == 0
    if seen["failure"]:
        assert breaker.state is CircuitState.OPEN
    else:
        assert breaker.execute(lambda: "let in") == "let in"


def late_results(world: Threads) -> None:
    """What ends after its phase moves nothing; what ends in it is counted in its window, all of it."""
    threshold = world.random.choice((2, 3, 50))
    config = CircuitBreakerConfig(failure_threshold=threshold, minimum_requests=1, reset_timeout=30)
    breaker = CircuitBreaker(config, clock=world.clock)
    ended: list[tuple[Any, str]] = []
    in_time: Counter[int] = Counter()

    def caller(result: str) -> None:
        try:
            permit = breaker.acquire()
        except CircuitOpenError:
            return
        world.point()
        if result == "success":
            permit.succeed()
        else:
            in_time[id(permit._permit)] += permit._permit is breaker._circuit.phase  # or was just before the end of it
            permit.fail(ConnectionResetError())
        ended.append((permit._permit, result))

    def operator(how: list[str]) -> None:
        for each in how:
            getattr(breaker, each)()

    for result in world.random.choices(["success", "failure"], (1, 3), k=5):
        world.start(caller, result)
    how = world.random.choice((["reset"], ["force_close"], ["force_open", "force_close"], ["reset", "reset"]))
    world.start(operator, how)
    world.run()
    phase: Any = breaker._circuit.phase
    if breaker.state is CircuitState.OPEN:
        assert max(in_time.values()) >= threshold, "late failures opened it"
        return
    _ = breaker.metrics
    counted = Counter(result for permit, result in ended if permit is phase)
    assert (phase.window.successes, phase.window.failures) == (counted["success"], counted["failure"])


SCENARIOS = [
    Scenario("breaker-numbers", exact_numbers, _WATCHED),
    Scenario("breaker-resets", resets, _WATCHED),
    Scenario("breaker-probes", probes, _WATCHED),
    Scenario("breaker-hung-probes", hung_probes, _WATCHED),
    Scenario("breaker-late", late_results, _WATCHED),
]
