"""Plays a scenario with a library through one door."""

from __future__ import annotations

import dataclasses

from .adapters.base import Adapter
from .endings import NotOfferedError, Unfulfilled
from .labs import Door, open_lab
from .scenarios import Scenario


@dataclasses.dataclass(frozen=True)
class Played:
    """How it went."""

    verdict: str
    """"passed", "failed" or "not offered"."""
    seen: str = ""


def play(scenario: Scenario, library: Adapter, door: Door, *, virtual: bool = False) -> Played:
    """Play it; whatever is raised that the scenario does not expect is a failure."""
    lab = open_lab(door, virtual=virtual and not scenario.real_time)
    try:
        scenario.play(lab, library)
    except NotOfferedError:
        return Played("not offered")
    except Unfulfilled as seen:
        return Played("failed", str(seen))
    except Exception as error:
        return Played("failed", repr(error))
    finally:
        lab.close()
    return Played("passed")
