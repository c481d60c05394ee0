"""Draws storms.svg from the simulation that retry-storms.md shows: python docs/pictures/draw_storms.py."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

PICTURE = Path(__file__).with_name("storms.svg")
PAGE = Path(__file__).parent.parent / "explanation" / "retry-storms.md"

PANEL, HIGH, TOP, LEFT, GAP, ROW = 232, 96, 64, 24, 24, 152
INK, LOAD, FAILED, LIMIT, HUNG = "#374151", "#8ecae6", "#e76f51", "#023047", "#e5e7eb"


def live() -> dict[str, Any]:
    """Run the page's simulation, and return what it has left in its variables."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    simulation = next(block for block in blocks if "STORMS" in block)
    names: dict[str, Any] = {"__name__": "storm"}
    with redirect_stdout(StringIO()):
        exec(compile(simulation, str(PAGE), "exec"), names)  # noqa: S102  our own page
    return names


def panel(name: str, storm: dict[str, Any], left: float, top: float) -> list[str]:
    load, failed = storm["lives"][name]
    seconds, outage, capacity = storm["SECONDS"], storm["OUTAGE"], storm["CAPACITY"]
    wide, scale, floor = PANEL / seconds, HIGH / 120, top + HIGH
    parts = [
        f'<text x="{left}" y="{top - 8}" font-weight="bold">{name}</text>',
        f'<rect x="{left + outage.start * wide:.1f}" y="{top}" width="{len(outage) * wide:.1f}" height="{HIGH}" '
        f'fill="{HUNG}"/>',
    ]
    for second in range(seconds):
        x, bar = left + second * wide, load[second] * scale
        parts.append(
            f'<rect x="{x:.1f}" y="{floor - bar:.1f}" width="{wide - 0.6:.1f}" height="{bar:.1f}" fill="{LOAD}"/>'
        )
        if failed[second]:
            bar = failed[second] * scale
            parts.append(
                f'<rect x="{x:.1f}" y="{floor - bar:.1f}" width="{wide - 0.6:.1f}" height="{bar:.1f}" fill="{FAILED}"/>'
            )
    line = floor - capacity * scale
    parts += [
        f'<line x1="{left}" y1="{line:.1f}" x2="{left + PANEL}" y2="{line:.1f}" stroke="{LIMIT}" '
        'stroke-dasharray="4 3"/>',
        f'<line x1="{left}" y1="{floor}" x2="{left + PANEL}" y2="{floor}" stroke="{INK}"/>',
    ]
    parts += [
        f'<text x="{left + second * wide:.1f}" y="{floor + 14}" font-size="11" text-anchor="middle">{second} s</text>'
        for second in range(0, seconds, 15)
    ]
    return parts


def draw() -> str:
    storm = live()
    parts = [
        part
        for number, name in enumerate(storm["STORMS"])
        for part in panel(name, storm, LEFT + number % 3 * (PANEL + GAP), TOP + number // 3 * ROW)
    ]
    wide, high = LEFT + 3 * (PANEL + GAP), TOP + 2 * ROW - 8
    legend = [
        f'<rect x="{LEFT}" y="14" width="12" height="12" fill="{LOAD}"/>',
        f'<text x="{LEFT + 18}" y="25" font-size="12">requests in each second</text>',
        f'<rect x="{LEFT + 180}" y="14" width="12" height="12" fill="{FAILED}"/>',
        f'<text x="{LEFT + 198}" y="25" font-size="12">calls that began then and failed</text>',
        f'<line x1="{LEFT + 400}" y1="20" x2="{LEFT + 424}" y2="20" stroke="{LIMIT}" stroke-dasharray="4 3"/>',
        f'<text x="{LEFT + 430}" y="25" font-size="12">what it can answer</text>',
        f'<rect x="{LEFT + 560}" y="14" width="12" height="12" fill="{HUNG}"/>',
        f'<text x="{LEFT + 578}" y="25" font-size="12">it hangs</text>',
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-family="sans-serif" '
            f'font-size="13" fill="{INK}">',
            f'<rect width="{wide}" height="{high}" fill="white"/>',
            *legend,
            *parts,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
