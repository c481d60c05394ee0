"""The script of the misbehaving server: what it does to which attempt of which call, a pure function of the seed.

Nothing here depends on time, on the order of arrival or on who asks. So the client in threads and the one in tasks,
with holdfast and without, are all treated alike, and the same seed gives the same trouble again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Behaviour(StrEnum):
    """What the server does to one attempt."""

    ANSWER = "answer"
    """200 with the whole body."""
    BUSY = "503, retry-after-ms"
    """Overloaded, and asks to come back in some milliseconds."""
    PAUSE = "503, Retry-After"
    """Overloaded, and asks to come back in whole seconds, as the standard header has it."""
    LIMITED = "429, retry-after-ms"
    """Too many requests, and asks to come back in some milliseconds."""
    RESET = "reset"
    """The connection is reset before a byte of an answer."""
    TRUNCATED = "truncated body"
    """The head promises a whole body; half of it comes."""
    STALL = "stall"
    """The answer comes when the client has long given up."""
    DOWN = "503"
    """The service is down and says nothing of when it will be back."""
    MISSING = "404"
    """There is no such thing, however often one asks."""


class Phase(StrEnum):
    """How the server is doing: first it has a rough time, then it is down, then it is well."""

    ROUGH = "rough"
    """Most attempts are answered."""
    OUTAGE = "outage"
    """None is."""
    WELL = "well"
    """All are, except for what is missing."""


_FIRST_ATTEMPTS = {
    Behaviour.ANSWER: 33,
    Behaviour.BUSY: 4,
    Behaviour.PAUSE: 1,
    Behaviour.LIMITED: 3,
    Behaviour.STALL: 3,
    Behaviour.RESET: 3,
    Behaviour.TRUNCATED: 2,
    Behaviour.MISSING: 1,
}
"""How many of fifty calls in a row meet with what at their first attempt in the rough time: a third are in trouble."""

_DECK = tuple(behaviour for behaviour, count in _FIRST_ATTEMPTS.items() for _ in range(count))

_LATER_TROUBLE = (Behaviour.BUSY, Behaviour.LIMITED, Behaviour.RESET, Behaviour.TRUNCATED)
_LATER_TROUBLE_SHARE = 0.2


@dataclass(frozen=True)
class Script:
    """What the server does, for one seed; `outage` is the part of the traffic, by number of call, that meets with one.

    >>> script = Script(seed=1, outage=range(50, 100))
    >>> script.behaviour(call=60, attempt=1, phase=Phase.OUTAGE) in (Behaviour.RESET, Behaviour.DOWN)
    True
    >>> script.behaviour(call=3, attempt=1) is script.behaviour(call=3, attempt=1)
    True
    """

    seed: int
    outage: range = range(0)

    def phase(self, *, call: int, attempt: int, reached: int) -> Phase:
        """Return how the server is doing when this attempt is made.

        `reached` is the number of the newest call that has been sent. A first attempt belongs to its own place in the
        traffic, so that a thread that was scheduled late changes nothing; a later attempt meets what is going on now.
        """
        place = call if attempt == 1 else reached
        if place in self.outage:
            return Phase.OUTAGE
        return Phase.WELL if self.outage and place >= self.outage.stop else Phase.ROUGH

    def behaviour(self, *, call: int, attempt: int, phase: Phase = Phase.ROUGH) -> Behaviour:
        """Return what the server does to the given attempt (the first is 1) of the given call (the first is 0)."""
        if phase is Phase.OUTAGE:
            return self._chance(call, attempt, phase).choice((Behaviour.RESET, Behaviour.DOWN))
        dealt = self._dealt(call)
        if dealt is Behaviour.MISSING:
            return dealt
        if phase is Phase.WELL:
            return Behaviour.ANSWER
        if attempt == 1:
            return dealt
        chance = self._chance(call, attempt, phase)
        return chance.choice(_LATER_TROUBLE) if chance.random() < _LATER_TROUBLE_SHARE else Behaviour.ANSWER

    def _dealt(self, call: int) -> Behaviour:
        """Deal fifty calls at a time from a shuffled deck, so that every seed shows every kind of trouble."""
        round_, place = divmod(call, len(_DECK))
        return Random(f"{self.seed}/round {round_}").sample(_DECK, k=len(_DECK))[place]

    def _chance(self, call: int, attempt: int, phase: Phase) -> Random:
        return Random(f"{self.seed}/{phase.value}/call {call}/attempt {attempt}")


def body_of(call: int) -> bytes:
    """Return the one right answer to a call: some hundred bytes that differ from call to call.

    >>> body_of(7)[:18]
    b'answer to call 7: '
    """
    return f"answer to call {call}: ".encode() + Random(call).randbytes(400 + call % 200).hex().encode()
