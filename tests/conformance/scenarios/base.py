"""What a scenario is, and what several of them do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from ..adapters.base import BOTH, Adapter, Breaker
from ..endings import expect
from ..labs import Door, Lab
from ..services import Service

Play = Callable[[Lab, Adapter], None]


@dataclasses.dataclass(frozen=True)
class Scenario:
    """Something that users may expect, in a sentence, and how it is watched."""

    name: str
    sentence: str
    patterns: tuple[str, ...]
    """All of these are needed; for `any_of`, one of them."""
    play: Play
    doors: frozenset[Door] = BOTH
    any_of: bool = False
    real_time: bool = False
    """Whether it has to be played in real time also for holdfast, as threads have to be left behind."""

    def doors_of(self, patterns: Mapping[str, frozenset[Door]]) -> tuple[Door, ...]:
        """The doors through which a library with these patterns is asked; none if it has not got what is needed."""
        found = [patterns.get(pattern, frozenset()) for pattern in self.patterns]
        offered = frozenset().union(*found) if self.any_of else frozenset(BOTH).intersection(*found)
        return tuple(door for door in ("sync", "async") if door in self.doors & offered)


def scenario(
    *patterns: str,
    expects: str,
    doors: frozenset[Door] = BOTH,
    any_of: bool = False,
    real_time: bool = False,
) -> Callable[[Play], Scenario]:
    """Turn a function into a scenario of its name."""

    def made(play: Play) -> Scenario:
        name = play.__name__.replace("_", "-")
        return Scenario(name, expects, patterns, play, doors, any_of, real_time)

    return made


def opened(lab: Lab, breaker: Breaker, failing: Service, *, failures: int = 3) -> None:
    """Make so many calls that fail that the circuit is open, or say that it is not."""
    guarded = breaker.guard(failing.function)
    for _ in range(failures):
        lab.call(guarded)
    before = failing.calls
    ending = lab.call(guarded)
    expect(failing.calls == before, f"after {failures} failures in a row the next call was let through")
    expect(isinstance(ending.error, breaker.refusals), f"a refused call {ending.shown()}")


def refused(lab: Lab, breaker: Breaker) -> bool:
    """Whether a call that would succeed is refused now."""
    service = lab.service("fine")
    lab.call(breaker.guard(service.function))
    return not service.calls
