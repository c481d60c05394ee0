"""Draws circuit.svg from the code's own transition table: python docs/pictures/draw_circuit.py."""

from __future__ import annotations

from pathlib import Path

from holdfast import CircuitState
from holdfast.circuit_breaker.state import TRANSITIONS

PICTURE = Path(__file__).with_name("circuit.svg")

PLACES = {CircuitState.CLOSED: (110, 200), CircuitState.OPEN: (390, 70), CircuitState.HALF_OPEN: (670, 200)}
COLOURS = {CircuitState.CLOSED: "#52b788", CircuitState.OPEN: "#e76f51", CircuitState.HALF_OPEN: "#f4a261"}
# How far each arrow bends away from the straight line; where its words stand, to the right of the bend and below it.
BENDS = {
    (CircuitState.CLOSED, CircuitState.OPEN): (-46, -72, -14),
    (CircuitState.OPEN, CircuitState.CLOSED): (-30, 0, 34),
    (CircuitState.OPEN, CircuitState.HALF_OPEN): (-46, 40, -12),
    (CircuitState.HALF_OPEN, CircuitState.OPEN): (-30, 0, 34),
    (CircuitState.HALF_OPEN, CircuitState.CLOSED): (-90, 0, -16),
}
WIDE, HIGH, INK = 780, 300, "#374151"


def arrow(start: CircuitState, end: CircuitState, words: str) -> list[str]:
    (x1, y1), (x2, y2) = PLACES[start], PLACES[end]
    bend, right, below = BENDS[start, end]
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    across = ((y2 - y1) / length, -(x2 - x1) / length)
    middle = ((x1 + x2) / 2 - across[0] * bend, (y1 + y2) / 2 - across[1] * bend)
    ends = []
    for x, y in ((x1, y1), (x2, y2)):
        away = ((middle[0] - x) ** 2 + (middle[1] - y) ** 2) ** 0.5
        ends.append((x + (middle[0] - x) / away * 62, y + (middle[1] - y) / away * 44))
    (ax, ay), (bx, by) = ends
    return [
        f'<path d="M {ax:.1f} {ay:.1f} Q {middle[0]:.1f} {middle[1]:.1f} {bx:.1f} {by:.1f}" fill="none" '
        f'stroke="{INK}" stroke-width="1.5" marker-end="url(#head)"/>',
        f'<text x="{middle[0] + right:.1f}" y="{middle[1] + below:.1f}" text-anchor="middle" font-size="12">'
        f"{words}</text>",
    ]


def draw() -> str:
    parts = [part for start, end, words in TRANSITIONS for part in arrow(start, end, words)]
    for state, (x, y) in PLACES.items():
        parts.append(f'<rect x="{x - 60}" y="{y - 26}" width="120" height="52" rx="12" fill="{COLOURS[state]}"/>')
        parts.append(
            f'<text x="{x}" y="{y + 5}" text-anchor="middle" font-weight="bold" fill="white">{state.value}</text>'
        )
    head = (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M 0 0 L 8 4 L 0 8 z" fill="{INK}"/></marker></defs>'
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-family="sans-serif" '
            f'font-size="14" fill="{INK}">',
            f'<rect width="{WIDE}" height="{HIGH}" fill="white"/>',
            head,
            *parts,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
