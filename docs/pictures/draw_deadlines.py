"""Draws deadlines.svg from calls on a clock of its own: python docs/pictures/draw_deadlines.py."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from holdfast import DeadlineTracker, TimeoutManager, time_left, with_retry, with_timeout
from holdfast.testing import VirtualClock

PICTURE = Path(__file__).with_name("deadlines.svg")

WIDE, LEFT, SCALE, ROW, TOP = 780, 150, 58, 34, 44
INK, REQUEST, TOTAL, ATTEMPT, CALL, CUT = "#374151", "#8ecae6", "#a8dadc", "#f4a261", "#52b788", "#e76f51"

Bar = tuple[str, float, float, float, str]
"""The name of its row, when it begins, when it ends, when it would have liked to end, and its colour."""


def live() -> list[Bar]:
    """Handle one request whose services never answer, and note when each limit begins and ends."""
    clock = VirtualClock()
    bars: list[Bar] = []

    def hang(row: str, wanted: float, colour: str) -> None:
        began = clock.monotonic()
        clock.advance(time_left(wanted))
        bars.append((row, began, clock.monotonic(), began + wanted, colour))

    @with_retry(
        attempt_timeout=2,
        total_timeout=6,
        backoff={"type": "fixed", "initial_delay": 0.5},
        clock=clock,
    )
    def search() -> None:
        hang("attempts, 2 s", 2, ATTEMPT)
        raise TimeoutError

    @with_timeout(5, manager=TimeoutManager(clock=clock))
    def suggest() -> None:
        hang("timeout, 5 s", 5, CALL)

    with DeadlineTracker(clock=clock).track(10, name="request") as request:
        bars.append(("request, 10 s", 0, request.remaining(), 10, REQUEST))
        clock.advance(1)
        began = clock.monotonic()
        with suppress(TimeoutError):
            search()
        bars.insert(1, ("retry, 6 s in all", began, clock.monotonic(), began + 6, TOTAL))
        suggest()
    return bars


def draw() -> str:
    bars = live()
    rows = list(dict.fromkeys(bar[0] for bar in bars))
    high = TOP + len(rows) * ROW + 62
    floor = TOP + len(rows) * ROW + 6
    parts = []
    for second in range(11):
        x: float = LEFT + second * SCALE
        parts.append(f'<line x1="{x}" y1="{TOP - 12}" x2="{x}" y2="{floor}" stroke="{INK}" stroke-opacity="0.15"/>')
        parts.append(f'<text x="{x}" y="{TOP - 20}" text-anchor="middle" font-size="12">{second} s</text>')
    for row, began, ended, wanted, colour in bars:
        y = TOP + rows.index(row) * ROW
        x = LEFT + began * SCALE
        if wanted > ended:
            beyond = min(LEFT + wanted * SCALE, WIDE - 8)
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{beyond - x:.1f}" height="22" rx="4" fill="none" stroke="{INK}" '
                'stroke-dasharray="4 3"/>'
            )
        parts.append(
            f'<rect x="{x:.1f}" y="{y}" width="{(ended - began) * SCALE:.1f}" height="22" rx="4" fill="{colour}"/>'
        )
        if wanted > ended:
            end = LEFT + ended * SCALE
            parts.append(
                f'<line x1="{end:.1f}" y1="{y - 3}" x2="{end:.1f}" y2="{y + 25}" stroke="{CUT}" stroke-width="3"/>'
            )
    parts += [
        f'<text x="{LEFT - 12}" y="{TOP + number * ROW + 16}" text-anchor="end">{row}</text>'
        for number, row in enumerate(rows)
    ]
    legend = (
        f'<text x="12" y="{high - 32}" font-size="12">Nothing answers here. Dashed: what a limit would have allowed; '
        "red: where one around it ended the call.</text>",
        f'<text x="12" y="{high - 14}" font-size="12">The third attempt has only what the total leaves, and the last '
        "call only what the request leaves.</text>",
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" font-family="sans-serif" '
            f'font-size="14" fill="{INK}">',
            f'<rect width="{WIDE}" height="{high}" fill="white"/>',
            *parts,
            *legend,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
