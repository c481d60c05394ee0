"""What the benchmarks found: rows with their promises, as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from .timing import Timing


@dataclass(frozen=True, slots=True)
class Row:
    """One contender in one benchmark."""

    library: str
    version: str = ""
    timing: Timing | None = None
    size: float | None = None
    """Bytes, or how many of something there are, where that is what is measured."""
    absent: str = ""
    """Why there is neither."""
    promised: float | None = None
    """What is promised at most: of the ratio of times, or of the size."""

    @property
    def measured(self) -> float | None:
        """What is compared: the ratio of times, or the size."""
        return self.size if self.timing is None else self.timing.ratio

    def keeps_its_promise(self, tolerance: float) -> bool:
        """Say whether the figure is within the promise plus the tolerance; a promise not measured is not kept."""
        if self.promised is None:
            return True
        return self.measured is not None and self.measured <= self.promised * (1 + tolerance)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that either holds or does not."""

    text: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark with its rows."""

    name: str
    title: str
    what: str
    """What the figures are of: a call, an import; of bytes, where they go; of a count, what is counted."""
    rows: tuple[Row, ...]
    yardstick: str = ""
    """What times are compared with; nothing, if it is no times that are measured."""
    rounds: int = 1
    shown_as: Literal["time", "rate", "bytes", "count"] = "time"
    """A rate is so many per second, and its share of the yardstick's is the inverse of the ratio of times."""
    best_first: bool = True
    """How the table is sorted; else the rows stay as they are."""
    facts: tuple[Fact, ...] = ()

    @property
    def unit(self) -> str:
        """What follows a promised figure in a sentence."""
        if self.yardstick:
            return f"x {self.yardstick}"
        return "bytes" if self.shown_as == "bytes" else self.what


def version_of(distribution: str) -> str:
    """Return the installed version of a distribution, or nothing if it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def versions_of(distributions: str) -> str:
    """Return the versions of those that are installed, of names with spaces between them."""
    return " + ".join(filter(None, map(version_of, distributions.split())))


def broken(results: Sequence[Result], tolerance: float) -> list[str]:
    """Return a line for each promise that is not kept."""
    lines = []
    for result in results:
        for row in result.rows:
            if not row.keeps_its_promise(tolerance):
                limit = f"{row.promised:g} {result.unit}" if result.yardstick else f"{row.promised:,g} {result.unit}"
                found = f"could not be measured ({row.absent})" if row.measured is None else f"is {row.measured:,.3f}"
                lines.append(f"{result.name}: {row.library} promises at most {limit}; it {found}")
        lines += [f"{result.name}: it does not hold that {fact.text}" for fact in result.facts if not fact.holds]
    return lines


def machine() -> str:
    """Name the interpreter and the machine that the figures are of."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.python_implementation()} {platform.python_version()} on {platform.platform()}, {cores} cores"


def table(result: Result, tolerance: float) -> str:
    """Lay one benchmark out as an aligned table, fastest first."""
    lines = [f"{result.name}: {result.title}"]
    if result.yardstick:
        compared = "share of" if result.shown_as == "rate" else "ratio to"
        lines.append(f"median of {result.rounds} rounds, {compared} {result.yardstick} in the same round")
    rows = sorted(result.rows, key=_by_figure) if result.best_first else result.rows
    lines += ["", *_aligned([_header(result), *(_cells(row, result, tolerance) for row in rows)])]
    lines += [f"  {'yes' if fact.holds else 'NO'}: {fact.text}" for fact in result.facts]
    return "\n".join(lines)


def write_json(path: Path, results: Sequence[Result], *, seed: int, tolerance: float) -> None:
    """Write all figures to a file."""
    document = {
        "machine": machine(),
        "seed": seed,
        "tolerance": tolerance,
        "benchmarks": [asdict(result) for result in results],
        "broken": broken(results, tolerance),
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _header(result: Result) -> tuple[str, ...]:
    match result.shown_as:
        case "time":
            return ("library", "version", f"ns per {result.what}", "ratio", "middle half", "promised")
        case "rate":
            return ("library", "version", f"{result.what}s per second", "share", "middle half", "promised")
        case "bytes":
            return ("library", "version", f"bytes {result.what}", "promised")
        case "count":
            return ("library", "version", result.what, "promised")


def _cells(row: Row, result: Result, tolerance: float) -> tuple[str, ...]:
    figures = (row.absent, *[""] * (len(_header(result)) - 4))
    if row.size is not None:
        figures = (f"{row.size:,.0f}",)
    elif row.timing is not None:
        value, ratio, (low, high) = row.timing.nanoseconds, row.timing.ratio, row.timing.quartiles
        if result.shown_as == "rate":
            value, ratio, low, high = 1e9 / value, 1 / ratio, 1 / high, 1 / low
        figures = (f"{value:,.0f}", f"{ratio:.3f}", f"{low:.3f}-{high:.3f}")
    promise = ""
    if row.promised is not None and row.measured is not None:
        promise = f"<= {row.promised:,g} {'kept' if row.keeps_its_promise(tolerance) else 'BROKEN'}"
    return (row.library, row.version or "-", *figures, promise)


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if position < 2 or position == len(row) - 1 else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield ("  " + "  ".join(cells)).rstrip()


def _by_figure(row: Row) -> tuple[bool, float, str]:
    return (row.measured is None, row.measured or 0.0, row.library)
