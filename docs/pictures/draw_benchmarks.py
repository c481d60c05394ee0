"""Draws benchmarks.svg from the figures in benchmarks.json, which the benchmark wrote.

python -m tests.benchmarks --only call --only breaker ... --json docs/pictures/benchmarks.json
python docs/pictures/draw_benchmarks.py
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

HERE = Path(__file__).parent
FIGURES, PICTURE = HERE / "benchmarks.json", HERE / "benchmarks.svg"

TITLES = {
    "call": "retry, a plain function that succeeds",
    "breaker": "circuit breaker, closed",
    "bulkhead": "bulkhead, a permit free",
    "stack": "retry around circuit breaker around bulkhead",
    "async-policy": "retry, circuit breaker, bulkhead, timeout; async",
    "refusal": "refused by an open circuit",
}
NAMES = 250
BARS, HIGH, ROW, GAP, TOP = 430, 14, 20, 34, 76
INK, OURS, THEIRS, GRID = "#57606a", "#fb8500", "#8ecae6", "#d0d7de"
DECADES = (1, 10, 100)
MOST = 400.0


def _along(ratio: float) -> float:
    """How far along the axis a ratio stands; the axis is logarithmic and begins at a half."""
    return BARS * math.log(max(ratio, 0.5) / 0.5) / math.log(MOST / 0.5)


def panel(title: str, benchmark: dict[str, Any], top: float) -> tuple[list[str], float]:
    """Draw one benchmark; return it and where it ends."""
    rows = [row for row in benchmark["rows"] if row["timing"] and row["library"] != "bare wrapper"]
    rows.sort(key=lambda row: row["timing"]["ratio"])
    bottom = top + len(rows) * ROW
    parts = [f'<text x="{NAMES}" y="{top - 8}" font-weight="bold">{escape(title)}</text>']
    for decade in DECADES:
        x = NAMES + _along(decade)
        parts.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="{GRID}"/>')
    for number, row in enumerate(rows):
        ratio, y = row["timing"]["ratio"], top + number * ROW
        ours = row["library"].startswith("holdfast")
        shown = f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"
        parts += [
            f'<text x="{NAMES - 8}" y="{y + 12}" text-anchor="end">{escape(row["library"])}</text>',
            f'<rect x="{NAMES}" y="{y + 2}" width="{_along(ratio):.1f}" height="{HIGH}" rx="2" '
            f'fill="{OURS if ours else THEIRS}"/>',
            f'<text x="{NAMES + _along(ratio) + 6:.1f}" y="{y + 13}">{shown}</text>',
        ]
    return parts, bottom


def draw() -> str:
    """Return the picture."""
    document = json.loads(FIGURES.read_text(encoding="utf-8"))
    benchmarks = {benchmark["name"]: benchmark for benchmark in document["benchmarks"]}
    parts: list[str] = []
    top: float = TOP
    for name, title in TITLES.items():
        drawn, bottom = panel(title, benchmarks[name], top)
        parts += drawn
        top = bottom + GAP
    wide, high = NAMES + BARS + 60, top + 6
    version = document["machine"].partition(" on ")[0]
    head = [
        '<text x="16" y="22">One call as a multiple of the same call through a bare wrapper, which only passes it on; '
        "the axis is logarithmic.</text>",
        f'<text x="16" y="40">{escape(version)}, all libraries in the same interleaved run.</text>',
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high:.0f}" font-family="sans-serif" '
            f'font-size="13" fill="{INK}">',
            f'<rect width="{wide}" height="{high:.0f}" fill="white"/>',
            *head,
            *parts,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
