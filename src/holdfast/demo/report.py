"""What the demonstration shows: a line per run while it is going on, and at the end a table and an honest sentence."""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple, TextIO

from .run import SCENARIOS
from .tables import table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .run import Plan, Result, Watcher

_REMARKS = {"HTTP 404": ", never retried"}
_NAME_WIDTH = max(len(scenario.name) for scenario in SCENARIOS)


class Signs(NamedTuple):
    """One sign for each thing that can come of a call."""

    answered: str
    recovered: str
    lost: str
    pending: str


_BLOCKS = Signs("█", "▓", "×", "░")  # noqa: RUF001  the multiplication sign is meant
_ASCII = Signs("#", "+", "x", ".")
_COLOURS = Signs("\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[2m")  # green, yellow, red, dim
_NO_COLOURS = Signs("", "", "", "")


def screen(stream: TextIO, environ: Mapping[str, str] = os.environ) -> Watcher:
    """Return moving bars for a terminal, in colour unless NO_COLOR is set, and plain lines for anything else."""
    if not stream.isatty() or environ.get("TERM") == "dumb":
        return PlainLines(stream)
    colourful = not environ.get("NO_COLOR") and (os.name == "posix" or "WT_SESSION" in environ)
    return Bars(stream, _COLOURS if colourful else _NO_COLOURS)


class PlainLines:
    """A line when a run is half through and one when it has ended."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._half_told = False

    def begin(self, plan: Plan) -> None:
        """Print the title."""
        self._print(_title(plan), "")

    def progress(self, result: Result) -> None:
        """Print where the run is, once half of its calls have come to an end."""
        if not self._half_told and result.done * 2 >= result.calls:
            self._half_told = True
            self._print(_line(result))

    def finished(self, result: Result) -> None:
        """Print where the run ended."""
        self._half_told = False
        self._print(_line(result))

    def _print(self, *lines: str) -> None:
        print(*lines, sep="\n", file=self._stream, flush=True)


def _line(result: Result) -> str:
    return f"{result.scenario.name:<{_NAME_WIDTH}}  {_figures(result)}"


class Bars:
    """One bar per run that fills as its calls come to an end."""

    def __init__(self, stream: TextIO, colours: Signs) -> None:
        self._stream = stream
        self._colours = colours
        self._signs = _signs(stream)

    def begin(self, plan: Plan) -> None:
        """Print the title and what the signs stand for."""
        meanings = Signs("answered at once", "recovered by a retry", "lost", "under way")
        legend = (
            self._painted(paint, sign) + " " + meaning
            for paint, sign, meaning in zip(self._colours, self._signs, meanings, strict=True)
        )
        print(_title(plan), "", "   ".join(legend), "", sep="\n", file=self._stream, flush=True)

    def progress(self, result: Result) -> None:
        """Draw the bar again in its place."""
        self._draw(result, end="")

    def finished(self, result: Result) -> None:
        """Draw the bar for the last time and go to the next line."""
        self._draw(result, end="\n")

    def _draw(self, result: Result, end: str) -> None:
        room = shutil.get_terminal_size().columns - 1 - _NAME_WIDTH - 2
        width = max(10, min(40, room - 42))
        figures = f"  {_figures(result)}".ljust(42)[: max(0, room - width)]
        bar = "".join(
            self._painted(paint, sign * length)
            for paint, sign, length in zip(self._colours, self._signs, _lengths(result, width), strict=True)
        )
        print(f"\r{result.scenario.name:<{_NAME_WIDTH}}  {bar}{figures}", end=end, file=self._stream, flush=True)

    def _painted(self, paint: str, text: str) -> str:
        return f"{paint}{text}\x1b[0m" if paint and text else text


def _signs(stream: TextIO) -> Signs:
    try:
        "".join(_BLOCKS).encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return _ASCII
    return _BLOCKS


def _lengths(result: Result, width: int) -> list[int]:
    """Share the width of a bar among answered, recovered, lost and pending calls; each that there is gets a cell."""
    parts = [result.answered, result.recovered, result.lost, result.calls - result.done]
    lengths = [max(1, round(width * part / result.calls)) if part else 0 for part in parts]
    lengths[lengths.index(max(lengths))] += width - sum(lengths)
    return lengths


def _title(plan: Plan) -> str:
    outage = f"{len(plan.outage) * plan.gap:.1f} s"
    return (
        f"A server on loopback misbehaves by script (seed {plan.seed}): 503 and 429, resets,\n"
        f"truncated bodies, stalls, and then an outage of {outage}. It gets {len(SCENARIOS)} x {plan.calls} calls,\n"
        "from threads and from tasks, bare and with holdfast's @with_retry."
    )


def _figures(result: Result) -> str:
    done = f"{result.done:>3}/{result.calls}"
    return f"{done}  {result.recovered:>3} recovered  {result.lost:>3} lost  {result.seconds:4.1f} s"


def render_report(results: Sequence[Result]) -> str:
    """Return the closing table and what it comes to."""
    headings = ["run", "client", "calls", "attempts", "recovered", "lost", "time"]
    rows = [
        [
            result.scenario.name,
            result.scenario.client,
            str(result.calls),
            str(result.attempts),
            str(result.recovered),
            str(result.lost),
            f"{result.seconds:.1f} s",
        ]
        for result in results
    ]
    numbers = {"calls", "attempts", "recovered", "lost", "time"}
    return f"\n{table(headings, rows, right=numbers)}\n\n{_conclusion(results)}"


def _conclusion(results: Sequence[Result]) -> str:
    bare = [result for result in results if not result.scenario.guarded]
    guarded = [result for result in results if result.scenario.guarded]
    recovered = sum(result.recovered for result in guarded)
    lost = sum(result.lost for result in guarded)
    causes: Counter[str] = Counter()
    for result in guarded:
        causes.update(result.lost_to)
    told = ", ".join(f"{count} to {cause}{_REMARKS.get(cause, '')}" for cause, count in causes.most_common())
    return textwrap.fill(
        f"Without holdfast {sum(result.lost for result in bare)} of {sum(result.calls for result in bare)} calls were "
        f"lost. With it {recovered} of the {recovered + lost} calls that failed at first were recovered and "
        f"{lost or 'none'} {'was' if lost < 2 else 'were'} lost{f' ({told})' if told else ''}.",
        width=79,
    )


def render_json(results: Sequence[Result], plan: Plan) -> str:
    """Return the same as JSON: the plan, and one row per run."""
    told = asdict(plan) | {"outage": [plan.outage.start, plan.outage.stop]}
    rows = [
        {
            "run": result.scenario.name,
            "door": result.scenario.door,
            "client": result.scenario.client,
            "holdfast": result.scenario.guarded,
            "calls": result.calls,
            "attempts": result.attempts,
            "answered": result.answered,
            "recovered": result.recovered,
            "lost": result.lost,
            "lost_to": result.lost_to,
            "seconds": round(result.seconds, 3),
        }
        for result in results
    ]
    return json.dumps({"plan": told, "runs": rows}, indent=2)
