"""Draws composition.svg from a call on a clock of its own: python docs/pictures/draw_composition.py."""

from __future__ import annotations

from pathlib import Path

from holdfast import (
    CircuitOpenError,
    OperationTimeoutError,
    ResilienceManager,
    ResiliencePolicy,
    RetryPolicy,
    time_left,
)
from holdfast.testing import VirtualClock

PICTURE = Path(__file__).with_name("composition.svg")

WIDE, LEFT, TOP, BAND, STEP, ROW = 780, 58, 16, 76, 9, 78
INK, WAY, BACK, RED = "#374151", "#023047", "#e76f51", "#b23a1e"
COLOURS = ("#e9f5db", "#d8f3dc", "#ffe8cc", "#ffd6cc", "#e2ecf9", "#d0e3f5", "#bdd9ef", "#ffffff")

Attempt = tuple[float, Exception, float | None]
"""When an attempt ended, by which error, and how long the wait after it is; None if it was the last."""


def live() -> tuple[list[str], list[Attempt], str]:
    """Call a service that resets the connection, then hangs; return the guards, the attempts and the answer."""
    clock = VirtualClock()
    attempts: list[Attempt] = []
    troubles = iter([0.5, 60.0])

    def note(error: Exception, _attempt: int, delay: float) -> None:
        attempts.append((clock.monotonic(), error, delay))

    def answer(error: Exception) -> str:
        attempts.append((clock.monotonic(), error, None))
        return "the last good answer"

    policy = ResiliencePolicy(
        fallback=answer,
        total_timeout=20,
        retry=RetryPolicy.exponential(max_attempts=4, on_retry=note),
        circuit_breaker={"failure_threshold": 2},
        rate_limit={"rate": 10, "capacity": 10},
        bulkhead={},
        timeout=2,
    )
    guards = [line.split()[0] for line in policy.describe().splitlines()[:-2]]

    def service() -> str:
        seconds = next(troubles)
        clock.advance(min(seconds, time_left(60) + 1e-6))  # one that hangs is ended a moment after its time is up
        if seconds < 1:
            raise ConnectionResetError
        return "too late"

    return guards, attempts, ResilienceManager(clock=clock).execute("service", service, policy)


def ends_at(error: Exception, guards: list[str]) -> int:
    """Return how deep an attempt came that ended with this error."""
    if isinstance(error, CircuitOpenError):
        return guards.index("circuit_breaker")
    return guards.index("timeout") if isinstance(error, OperationTimeoutError) else len(guards)


def middle(depth: int) -> float:
    return LEFT + depth * BAND + BAND / 2


def rings(guards: list[str], high: float) -> list[str]:
    parts = []
    for depth, name in enumerate([*guards, "the call"]):
        x, y = LEFT + depth * BAND, TOP + depth * STEP
        parts.append(
            f'<rect x="{x}" y="{y}" width="{WIDE - 8 - depth * 2 - x}" height="{high - 2 * y}" rx="10" '
            f'fill="{COLOURS[depth]}" stroke="{INK}" stroke-opacity="0.5"/>'
        )
        words = name.split("_") if depth < len(guards) else [name]
        parts += [
            f'<text x="{x + 8}" y="{y + 17 + 13 * line}" font-weight="bold">{word}</text>'
            for line, word in enumerate(words)
        ]
    return parts


def arrow(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{colour}" stroke-width="2.5" '
        f'marker-end="url(#{"way" if colour == WAY else "back"})"/>'
    )


def text(x: float, y: float, words: str, colour: str = INK, anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}" text-anchor="{anchor}">{words}</text>'


def draw() -> str:
    guards, attempts, answer = live()
    high = 2 * TOP + (len(guards) + 1) * STEP + 56 + ROW * len(attempts) + 30
    first = TOP + len(guards) * STEP + 56
    retry, fallback = middle(guards.index("retry")), middle(guards.index("fallback"))
    parts = [arrow(8, first, retry, first, WAY), text(8, first - 8, "a call")]
    for number, (at, error, wait) in enumerate(attempts):
        y = first + number * ROW
        depth = ends_at(error, guards)
        reached = depth if isinstance(error, CircuitOpenError) else len(guards)
        parts.append(arrow(retry + 3, y, middle(reached), y, WAY))
        parts.append(arrow(middle(depth), y + 22, retry + 5, y + 22, BACK))
        words = f"{type(error).__name__} at {at:g} s"
        start, anchor = (WIDE - 32, "end") if depth >= len(guards) - 1 else (middle(depth) - 8, "start")
        parts.append(text(start, y + 41, words, RED, anchor))
        parts.append(f'<circle cx="{middle(depth):g}" cy="{y + 22}" r="5" fill="{BACK}"/>')
        if wait is not None:
            parts.append(arrow(retry, y + 22, retry, y + ROW - 4, WAY))
            parts.append(text(retry - 6, y + 52, f"waits {wait:g} s", INK, "end"))
        else:
            parts.append(arrow(retry, y + 22, fallback, y + 22, BACK))
            parts.append(text(retry, y + 40, "not retried", INK, "middle"))
            parts.append(arrow(fallback, y + 44, 8, y + 44, WAY))
            parts.append(arrow(fallback, y + 22, fallback, y + 42, WAY))
            parts.append(text(10, y + 60, f"&#8220;{answer}&#8221;"))
    heads = "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="5" markerHeight="5" orient="auto">'
        f'<path d="M 0 0 L 8 4 L 0 8 z" fill="{colour}"/></marker>'
        for name, colour in (("way", WAY), ("back", BACK))
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" font-family="sans-serif" '
            f'font-size="12" fill="{INK}">',
            f'<rect width="{WIDE}" height="{high}" fill="white"/>',
            f"<defs>{heads}</defs>",
            *rings(guards, high),
            *parts,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
