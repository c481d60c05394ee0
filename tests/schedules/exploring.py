"""Scenarios, and running them under many seeds."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import holdfast

from .patching import patched
from .scheduler import Found
from .worlds import Tasks, Threads

_HOUSE = Path(holdfast.__file__).parent


def watching(*modules: str) -> tuple[str, ...]:
    """Return the beginnings of the file names of modules of holdfast, and of the wrappers that it makes."""
    return (*(str(_HOUSE.joinpath(*module.split("."))) for module in modules), "<holdfast ")


@dataclass(frozen=True)
class Scenario:
    """Something that threads, in modules that are `watched`, or tasks do, and what must be true of it."""

    name: str
    play: Callable[[Any], None]
    watched: tuple[str, ...] | None = None
    """None: it is of tasks."""


@dataclass(frozen=True)
class Finding:
    """A schedule that came to what it must not come to."""

    scenario: Scenario
    seed: int
    error: BaseException
    told: str

    def __str__(self) -> str:
        kind = type(self.error).__name__
        told = "" if isinstance(self.error, Found) else f"\n{self.told}"
        return (
            f"{self.scenario.name}, seed {self.seed}: {kind}: {self.error}{told}\n"
            f"again: python -m tests.schedules --scenario {self.scenario.name} --seed {self.seed} --schedules 1"
        )


def play(scenario: Scenario, seed: int) -> tuple[int, Finding | None]:
    """Play one schedule; return what tells it from others, and what was found if anything was."""
    world: Any = Tasks(seed) if scenario.watched is None else Threads(seed, scenario.watched)
    was_collecting = gc.isenabled()
    gc.disable()  # what is finalised by it would be so at another moment each time
    error: BaseException | None = None
    try:
        with ExitStack() as stack:
            if isinstance(world, Threads):
                stack.enter_context(patched(world.scheduler, lock_free=world.lock_free))
            stack.callback(world.close)
            scenario.play(world)
    except (Exception, BaseExceptionGroup) as raised:
        error = raised
    finally:
        if was_collecting:
            gc.enable()
    return world.digest, None if error is None else Finding(scenario, seed, error, world.told())


def find(scenario: Scenario, schedules: int, seed: int = 0) -> Finding | None:
    """Play so many schedules, one seed after the other, until there is a finding."""
    return next((finding for _, finding in explore(scenario, schedules, seed) if finding is not None), None)


def explore(scenario: Scenario, schedules: int, seed: int = 0) -> Iterator[tuple[int, Finding | None]]:
    """Yield what comes of each of so many schedules."""
    for each in range(seed, seed + schedules):
        yield play(scenario, each)
