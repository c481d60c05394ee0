"""What is shown while it happens: a strip for each run, in which the calls stand in the order they are sent."""

from __future__ import annotations

import os
import shutil
import textwrap
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, TextIO

from holdfast.switch import is_off

from .clients import IN_CODE, POLICY
from .result import Outcome
from .run import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .plan import Plan
    from .result import Fate, Result
    from .run import Watcher

_NAME_WIDTH = max(len(scenario.name) for scenario in SCENARIOS)
_FIGURES = "  {lost:>3} lost"
_FIGURES_WIDTH = len(_FIGURES.format(lost=0))
_LEAST_WIDTH = 10
_WIDTH = 79  # of what is no strip
_NOT_GUARDED = " (but holdfast is switched off here, so nothing is guarded)"
_UNDER_ITS_TEXT = 17 * " "  # where the second line of a guard's description begins

_BLOCKS = {
    Outcome.ANSWERED: "█",
    Outcome.RECOVERED: "▓",
    Outcome.LOST: "×",  # noqa: RUF001  the multiplication sign is meant
    Outcome.REFUSED: "○",
    Outcome.PENDING: "░",
}
_ASCII = {
    Outcome.ANSWERED: "#",
    Outcome.RECOVERED: "+",
    Outcome.LOST: "x",
    Outcome.REFUSED: "o",
    Outcome.PENDING: ".",
}
_COLOURS = {
    Outcome.ANSWERED: "\x1b[32m",  # green
    Outcome.RECOVERED: "\x1b[33m",  # yellow
    Outcome.LOST: "\x1b[31m",  # red
    Outcome.REFUSED: "\x1b[36m",  # cyan
    Outcome.PENDING: "\x1b[2m",  # dim
}
_NO_COLOURS = dict.fromkeys(Outcome, "")
_MEANINGS = {
    Outcome.ANSWERED: "answered",
    Outcome.RECOVERED: "after a retry",
    Outcome.LOST: "lost",
    Outcome.REFUSED: "refused, and so lost",
    Outcome.PENDING: "under way",
}

_WORST_FIRST = (Outcome.LOST, Outcome.REFUSED, Outcome.RECOVERED, Outcome.ANSWERED, Outcome.PENDING)


def screen(stream: TextIO, environ: Mapping[str, str] = os.environ) -> Watcher:
    """Return strips that move on a terminal, in colour unless NO_COLOR is set, and still and plain on anything else."""
    if not stream.isatty() or environ.get("TERM") == "dumb":
        return Strips(stream, _NO_COLOURS, moving=False)
    colourful = not environ.get("NO_COLOR") and (os.name == "posix" or "WT_SESSION" in environ)
    return Strips(stream, _COLOURS if colourful else _NO_COLOURS, moving=True)


class Strips:
    """A line for each run: drawn again and again in its place if it is `moving`, else once, when the run has ended."""

    def __init__(self, stream: TextIO, colours: Mapping[Outcome, str], *, moving: bool) -> None:
        self._stream = stream
        self._colours = colours
        self._signs = _signs(stream)
        self._moving = moving

    def begin(self, plan: Plan) -> None:
        """Print what is about to happen, the policy, the signs, and where in the strips the outage will be."""
        legend = (f"{self._painted(outcome)} {meaning}" for outcome, meaning in _MEANINGS.items())
        self._print(textwrap.fill(_title(plan), width=_WIDTH), "", _policy(), "", "   ".join(legend), "", _ruler(plan))

    def progress(self, result: Result) -> None:
        """Draw the strip again."""
        if self._moving:
            self._print(f"\r{self._line(result)}", end="")

    def finished(self, result: Result) -> None:
        """Draw the strip for the last time."""
        self._print(("\r" if self._moving else "") + self._line(result))

    def _line(self, result: Result) -> str:
        width, figures = _layout(result.calls)
        runs = groupby(cells(result.fates, width))
        strip = "".join(self._painted(outcome, len(list(run))) for outcome, run in runs)
        told = _FIGURES.format(lost=result.lost) if figures else ""
        return f"{result.scenario.name:<{_NAME_WIDTH}}  {strip}{told}"

    def _painted(self, outcome: Outcome, length: int = 1) -> str:
        paint, text = self._colours[outcome], self._signs[outcome] * length
        return f"{paint}{text}\x1b[0m" if paint else text

    def _print(self, *lines: str, end: str = "\n") -> None:
        print(*lines, sep="\n", end=end, file=self._stream, flush=True)


def _signs(stream: TextIO) -> Mapping[Outcome, str]:
    try:
        "".join(_BLOCKS.values()).encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return _ASCII
    return _BLOCKS


def _layout(calls: int) -> tuple[int, bool]:
    """Return how long a strip is, and whether there is room for figures behind it."""
    room = shutil.get_terminal_size().columns - 1 - _NAME_WIDTH - 2
    figures = room >= _LEAST_WIDTH + _FIGURES_WIDTH
    return min(calls, max(_LEAST_WIDTH, room - figures * _FIGURES_WIDTH)), figures


def cells(fates: Sequence[Fate], width: int) -> list[Outcome]:
    """Return what each cell of a strip shows: of the calls in it, what came of most of them; the worst, if in doubt.

    >>> from holdfast.demo.result import PENDING, Fate
    >>> lost, answered = Fate(Outcome.LOST), Fate(Outcome.ANSWERED)
    >>> [str(shown) for shown in cells([answered, answered, lost, answered, lost, PENDING], width=2)]
    ['answered', 'lost']
    """
    ends = [place * len(fates) // width for place in range(width + 1)]
    parts = ([fate.outcome for fate in fates[start:stop]] for start, stop in pairwise(ends))
    return [max(_WORST_FIRST, key=part.count) for part in parts]


def _ruler(plan: Plan) -> str:
    """Return a line that says which part of the strips is the rough time, which the outage, and which comes after."""
    width, _ = _layout(plan.calls)
    start, stop = (place * width // plan.calls for place in (plan.outage.start, plan.outage.stop))
    outage = f"[{'outage':^{max(0, stop - start - 2)}}]"
    parts = (f"{'rough time':^{start}}"[:start], outage[: stop - start], f"{'well again':^{width - stop}}")
    return f"{'':{_NAME_WIDTH}}  {''.join(parts)[:width].rstrip()}"


def _title(plan: Plan) -> str:
    return (
        f"A server on loopback misbehaves by script (seed {plan.seed}): at first it has a rough time (503 and 429, "
        f"resets, truncated bodies, stalls), then it is down for {len(plan.outage) * plan.gap:.1f} seconds, then well. "
        f"It gets the same {plan.calls} calls {len(SCENARIOS)} times, from threads (urllib) and from tasks (asyncio "
        f"streams): bare, with @with_retry, and under one policy{_NOT_GUARDED if is_off() else ''}:"
    )


def _policy() -> str:
    """Return the policy as it stands in the code, and what it says of itself."""
    told = (
        textwrap.fill(line, width=_WIDTH, subsequent_indent=_UNDER_ITS_TEXT) for line in POLICY.describe().splitlines()
    )
    return "\n".join([textwrap.indent(IN_CODE, "    "), "What that comes to, by POLICY.describe():", "", *told])
