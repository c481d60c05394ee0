"""The matrix, for terminals, as JSON, and as tables for the documentation."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .adapters import MODULES, version
from .asking import Cell, reproduction
from .scenarios import SCENARIOS, Scenario

UNSETTLED = "?"
"""In place of a failure that no script shows: nobody is blamed for what cannot be seen."""

BEGIN, END = "<!-- matrix -->", "<!-- end of the matrix -->"

CHAPTERS: dict[str, Callable[[Scenario], bool]] = {
    "Any guard": lambda scenario: scenario.any_of,
    "Retry": lambda scenario: scenario.patterns[0] == "retry",
    "Circuit breaker": lambda scenario: scenario.patterns[0] == "circuit breaker",
    "Bulkhead": lambda scenario: scenario.patterns[0] == "bulkhead",
    "Timeout": lambda scenario: scenario.patterns[0] == "timeout",
    "Rate limit": lambda scenario: scenario.patterns[0] == "rate limit",
    "Fallback": lambda scenario: scenario.patterns[0] == "fallback",
}


def chapters() -> Iterable[tuple[str, list[Scenario]]]:
    """The scenarios under their headings, each once."""
    left = list(SCENARIOS.values())
    for heading, belongs in CHAPTERS.items():
        yield heading, [scenario for scenario in left if belongs(scenario)]
        left = [scenario for scenario in left if not belongs(scenario)]


def asked(cells: list[Cell]) -> list[str]:
    """The libraries that were asked, in their order."""
    return [library for library in MODULES if any(cell.library == library for cell in cells)]


def text(cells: list[Cell], shown: dict[tuple[str, str], Any]) -> str:
    """The matrix for a terminal: a table of marks, then what was seen where something failed."""
    libraries = asked(cells)
    by_name = {(cell.library, cell.scenario): cell for cell in cells}
    width = max(map(len, SCENARIOS))
    lines = ["+ passed   FAIL failed   o not offered   - does not have the pattern", ""]
    lines += [f"{number:>3}: {MODULES[library]} {version(library)}" for number, library in enumerate(libraries, 1)]
    for heading, scenarios in chapters():
        lines += ["", f"{heading:{width}}" + "".join(f"{number:>5}" for number in range(1, len(libraries) + 1))]
        for scenario in scenarios:
            row = [by_name.get((library, scenario.name)) for library in libraries]
            lines.append(f"{scenario.name:{width}}" + "".join(f"{_sign(cell):>5}" for cell in row))
    failures = [cell for cell in cells if _sign(cell) == "FAIL"]
    if failures:
        lines += ["", "What was seen:"]
    for cell in failures:
        said = shown.get((cell.library, cell.scenario), "; ".join(cell.seen))
        lines.append(f"  {MODULES[cell.library]}, {cell.scenario}: {said}")
        if cell.documented:
            lines.append(f"    its documentation: {cell.documented}")
    return "\n".join(lines)


def _sign(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    if (
        cell.verdict == "failed"
        and cell.library != "holdfast"
        and not reproduction(cell.library, cell.scenario).exists()
    ):
        return UNSETTLED
    return {"passed": "+", "failed": "FAIL", "not offered": "o"}[cell.verdict]


def as_json(cells: list[Cell], shown: dict[tuple[str, str], Any]) -> str:
    """All of it for programs."""
    return json.dumps(
        {
            "libraries": {MODULES[library]: version(library) for library in asked(cells)},
            "scenarios": {scenario.name: scenario.sentence for scenario in SCENARIOS.values()},
            "cells": [
                {
                    "library": MODULES[cell.library],
                    "scenario": cell.scenario,
                    "verdict": cell.verdict,
                    "seen": list(cell.seen),
                    "shown": str(shown.get((cell.library, cell.scenario), "")),
                    "documented": cell.documented,
                }
                for cell in cells
            ],
        },
        indent=2,
    )


def markdown(cells: list[Cell], beside: Path) -> str:
    """A table for each pattern, with links to the scripts from where the file stands."""
    libraries = asked(cells)
    by_name = {(cell.library, cell.scenario): cell for cell in cells}
    footnotes: list[str] = []
    lines: list[str] = []
    for heading, scenarios in chapters():
        columns = [library for library in libraries if any((library, s.name) in by_name for s in scenarios)]
        lines += ["", f"### {heading}", ""]
        lines.append("| expected | " + " | ".join(f"{MODULES[c]} {version(c)}" for c in columns) + " |")
        lines.append("|---" * (len(columns) + 1) + "|")
        for scenario in scenarios:
            row = [_mark(by_name.get((library, scenario.name)), beside, footnotes) for library in columns]
            lines.append(f"| {scenario.sentence} | " + " | ".join(row) + " |")
    if footnotes:
        lines += ["", "What the documentation of these libraries says of it:", ""]
        lines += [f"{number}. {note}" for number, note in enumerate(footnotes, 1)]
    return "\n".join(lines).strip()


def _mark(cell: Cell | None, beside: Path, footnotes: list[str]) -> str:
    if cell is None:
        return "-"
    if cell.verdict != "failed" or cell.library == "holdfast":
        return cell.verdict
    script = reproduction(cell.library, cell.scenario)
    if not script.exists():
        return UNSETTLED
    link = Path(os.path.relpath(script, beside.resolve().parent)).as_posix()
    note = ""
    if cell.documented:
        footnotes.append(f"{MODULES[cell.library]}: {cell.documented}")
        note = f" ({len(footnotes)})"
    return f"[failed]({link}){note}"


def write_markdown(path: Path, cells: list[Cell]) -> None:
    """Write the tables into a file: between its marks, if it has them, or as the whole of it."""
    tables = markdown(cells, path)
    if path.exists() and BEGIN in (old := path.read_text(encoding="utf-8")):
        before, _, rest = old.partition(BEGIN)
        after = rest.partition(END)[2]
        tables = f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}"
    path.write_text(tables if tables.endswith("\n") else tables + "\n", encoding="utf-8")
