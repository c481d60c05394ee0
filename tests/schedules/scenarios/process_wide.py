"""What is one for the whole process: the switch, and the roll of all guards that adds up what they have counted."""

from __future__ import annotations

from holdfast import CircuitBreaker, CircuitOpenError, disabled, set_enabled
from holdfast.roll import Entry, Roll

from ..exploring import Scenario, watching
from ..worlds import Threads


def switch(world: Threads) -> None:
    """Who has switched guards off, for itself or for all, is not guarded from then on; all others are, before and after."""
    breaker = CircuitBreaker(clock=world.clock)
    breaker.force_open(hold=True)
    guarded = breaker.protect(lambda: "let in")
    for_all = world.random.random() < 0.5

    def is_guarded() -> bool:
        try:
            return guarded() != "let in"
        except CircuitOpenError:
            return True

    def one_with_a_block() -> None:
        for _ in range(2):
            with disabled():
                assert not is_guarded()
            assert for_all or is_guarded()

    def one_who_switches() -> None:
        set_enabled(False)
        assert not is_guarded()
        assert not is_guarded()
        set_enabled(True)
        assert is_guarded()

    def another() -> None:
        for _ in range(3):
            assert is_guarded() or for_all

    world.start(one_who_switches if for_all else one_with_a_block)
    world.start(one_with_a_block)
    world.start(another)
    world.start(another)
    try:
        world.run()
    finally:
        set_enabled(True)
    assert is_guarded()


class _Guard:
    """Something on the roll, with a count."""

    def __init__(self, roll: Roll[_Guard]) -> None:
        self.name = "guard"
        self.count = 0
        self.entry: Entry = roll.enter(self)

    def __del__(self) -> None:
        self.entry.strike_out((self.count,))


def _count(guard: _Guard) -> tuple[int]:
    return (guard.count,)


def roll(world: Threads) -> None:
    """Sums never go back while guards are made, count and go, and miss nothing in the end."""
    guards: Roll[_Guard] = Roll(_count)
    counted: list[int] = []

    def maker() -> None:
        for _ in range(3):
            guard = _Guard(guards)
            world.point()
            guard.count += 1
            counted.append(1)
            world.point()
            del guard

    def reader() -> None:
        before = 0
        for _ in range(3):
            (total,) = guards.totals().get("guard", (0,))
            assert before <= total <= len(counted), (before, total)
            before = total

    for function in (maker, maker, reader, reader):
        world.start(function)
    world.run()
    assert guards.totals() == {"guard": (6,)}


SCENARIOS = [
    Scenario("switch", switch, watching("switch", "registry", "circuit_breaker.guard")),
    Scenario("roll", roll, watching("roll")),
]
