"""What the benchmarks found: rows with their promises, as a table and as JSON."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from .timing import Timing


@dataclass(frozen=True, slots=True)
class Row:
    """One contender in one benchmark."""

    library: str
    version: str = ""
    timing: Timing | None = None
    absent: str = ""
    """Why there is no timing."""
    promised: float | None = None
    """The ratio that is promised at most."""

    def keeps_its_promise(self, tolerance: float) -> bool:
        """Say whether the ratio is within the promise plus the tolerance; a promise not measured is not kept."""
        if self.promised is None:
            return True
        return self.timing is not None and self.timing.ratio <= self.promised * (1 + tolerance)


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
    """What the figures are of: a call, an import."""
    yardstick: str
    rounds: int
    rows: tuple[Row, ...]
    facts: tuple[Fact, ...] = ()


def version_of(distribution: str) -> str:
    """Return the installed version of a distribution, or nothing if it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def broken(results: Sequence[Result], tolerance: float) -> list[str]:
    """Return a line for each promise that is not kept."""
    lines = []
    for result in results:
        for row in result.rows:
            if not row.keeps_its_promise(tolerance):
                found = f"is {row.timing.ratio:.3f}" if row.timing else f"could not be measured ({row.absent})"
                promise = f"{row.library} promises at most {row.promised:g} x {result.yardstick}"
                lines.append(f"{result.name}: {promise}; it {found}")
        lines += [f"{result.name}: it does not hold that {fact.text}" for fact in result.facts if not fact.holds]
    return lines


def machine() -> str:
    """Name the interpreter and the machine that the figures are of."""
    return f"{platform.python_implementation()} {platform.python_version()} on {platform.platform()}"


def table(result: Result, tolerance: float) -> str:
    """Lay one benchmark out as an aligned table, fastest first."""
    lines = [
        f"{result.name}: {result.title}",
        f"median of {result.rounds} rounds, ratio to {result.yardstick} in the same round",
        "",
    ]
    header = ("library", "version", f"ns per {result.what}", "ratio", "middle half", "promised")
    lines += _aligned([header, *(_cells(row, tolerance) for row in sorted(result.rows, key=_by_ratio))])
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


def _cells(row: Row, tolerance: float) -> tuple[str, ...]:
    if row.timing is None:
        return (row.library, row.version or "-", row.absent, "", "", "")
    promise = ""
    if row.promised is not None:
        promise = f"<= {row.promised:g} {'kept' if row.keeps_its_promise(tolerance) else 'BROKEN'}"
    low, high = row.timing.quartiles
    return (
        row.library,
        row.version or "-",
        f"{row.timing.nanoseconds:,.0f}",
        f"{row.timing.ratio:.3f}",
        f"{low:.3f}-{high:.3f}",
        promise,
    )


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if position < 2 or position == len(row) - 1 else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield ("  " + "  ".join(cells)).rstrip()


def _by_ratio(row: Row) -> tuple[bool, float, str]:
    return (row.timing is None, row.timing.ratio if row.timing else 0.0, row.library)
