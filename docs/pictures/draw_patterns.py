"""Draws patterns.svg from calls in an event loop whose time is not real: python docs/pictures/draw_patterns.py."""

from __future__ import annotations

import asyncio
import selectors
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast import RejectedError, ResilienceManager, ResiliencePolicy, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Service = Callable[[float, int], Awaitable[None]]

PICTURE = Path(__file__).with_name("patterns.svg")

SECONDS, WIDE, LEFT, STRIP, GAP, TOP, LANE = 12, 780, 176, 284, 26, 58, 7
INK, GOOD, BAD, REFUSED, OTHER, WAITS = "#374151", "#52b788", "#e76f51", "#6b7280", "#457b9d", "#e5e7eb"


class Jumping(selectors.SelectSelector):
    """Lets an event loop wait for nothing: its time goes on to the next timer."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Let that time pass."""
        self.now += timeout or 0
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is that of its selector."""

    def __init__(self) -> None:
        self.jumping = Jumping()
        super().__init__(self.jumping)

    def time(self) -> float:
        """Return the seconds that have passed."""
        return self.jumping.now


class LoopClock:
    """A clock for guards that goes with the loop."""

    def __init__(self, loop: JumpingLoop) -> None:
        self.monotonic = self.time = loop.time

    def random(self) -> float:
        """Return the middle of every range."""
        return 0.5

    def sleep(self, duration: float) -> None:
        """Not here: everything is async."""
        raise NotImplementedError

    async def sleep_async(self, duration: float) -> None:
        """Wait in the loop's time."""
        await asyncio.sleep(duration)


class Call:
    """When it began and ended, when the service was at work for it, and how it ended."""

    def __init__(self, number: int, begins: float) -> None:
        self.number = number
        self.begins = begins
        self.ends = begins
        self.attempts: list[list[float]] = []
        self.colour = BAD


class Row(NamedTuple):
    """A symptom, what helps, a service that is told the time and the number of the call, and when it is called."""

    symptom: tuple[str, str]
    pattern: str
    make_service: Callable[[], Service]
    guards: dict[str, Any]
    starts: list[float]


async def answers_or_not(good: bool, seconds: float = 0.35) -> None:
    await asyncio.sleep(seconds)
    if not good:
        raise ConnectionResetError


def limited() -> Service:
    """Serve three requests a second, and refuse those beyond."""
    served: list[float] = []

    def service(now: float, _number: int) -> Awaitable[None]:
        good = sum(now - each < 1 for each in served) < 3
        if good:
            served.append(now)
        return answers_or_not(good)

    return service


ROWS = (
    Row(
        ("It fails", "for a moment"),
        "retry",
        lambda: lambda now, _number: answers_or_not(not (2 <= now < 2.8 or 6 <= now < 7.2)),
        {"retry": RetryPolicy.fixed(0.6)},
        [0.2 + 0.9 * number for number in range(12)],
    ),
    Row(
        ("It is down", "for a while"),
        "circuit breaker",
        lambda: lambda now, _number: answers_or_not(not 1 <= now < 7, 1.6 if 1 <= now < 7 else 0.35),
        {"circuit_breaker": {"failure_threshold": 3, "success_threshold": 2, "reset_timeout": 4}},
        [0.1 + 0.45 * number for number in range(23)],
    ),
    Row(
        ("It sometimes", "hangs"),
        "timeout",
        lambda: lambda _now, number: answers_or_not(True, 60 if number % 4 == 2 else 0.35),
        {"timeout": 1},
        [0.2 + 0.9 * number for number in range(12)],
    ),
    Row(
        ("It is slow, and all", "your tasks wait for it"),
        "bulkhead",
        lambda: lambda now, _number: answers_or_not(True, 3 if 1.5 <= now < 6 else 0.35),
        {"bulkhead": {"max_concurrent": 2, "max_queue": 2, "queue_timeout": 2}},
        [0.1 + 0.45 * number for number in range(23)],
    ),
    Row(
        ("It allows only", "so many calls"),
        "rate limit",
        limited,
        {"rate_limit": {"limit": 3, "period": 1}},
        [*(0.5 + 0.05 * number for number in range(9)), *(6 + 0.05 * number for number in range(9))],
    ),
    Row(
        ("Your caller needs", "some answer"),
        "fallback",
        lambda: lambda now, _number: answers_or_not(not 3 <= now < 8),
        {"fallback": lambda: OTHER},
        [0.2 + 0.9 * number for number in range(12)],
    ),
)


def live(row: Row, guards: dict[str, Any]) -> list[Call]:
    """Make the calls of a row, guarded or not."""
    loop = JumpingLoop()
    now = loop.time
    # A time limit is kept by the loop's own timers when the clock is the real one.
    manager = ResilienceManager(clock=None if "timeout" in guards else LoopClock(loop))
    serve = row.make_service()

    async def service(call: Call) -> str:
        attempt = [now(), now()]
        call.attempts.append(attempt)
        try:
            await serve(now(), call.number)
        finally:
            attempt[1] = now()
        return GOOD

    guarded: Any = manager.protect(service, None, ResiliencePolicy(**guards)) if guards else service

    async def one(call: Call) -> None:
        await asyncio.sleep(call.begins)
        try:
            call.colour = await guarded(call)
        except RejectedError:
            call.colour = REFUSED
        except OSError:
            call.colour = BAD
        call.ends = now()

    calls = [Call(number, begins) for number, begins in enumerate(row.starts)]

    async def main() -> None:
        await asyncio.gather(*(one(call) for call in calls))

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())
    return calls


def lanes(calls: list[Call]) -> list[int]:
    """Return for each call the first lane that is free when it begins."""
    busy: list[float] = []
    taken = []
    for call in calls:
        lane = next((lane for lane, until in enumerate(busy) if until <= call.begins), len(busy))
        busy[lane : lane + 1] = [max(call.ends, call.begins + 0.3)]
        taken.append(lane)
    return taken


def strip(calls: list[Call], left: float, top: float) -> list[str]:
    scale = STRIP / SECONDS
    parts = []

    def bar(begins: float, ends: float, lane: int, colour: str) -> None:
        x, until = left + begins * scale, left + min(ends, SECONDS) * scale
        parts.append(
            f'<rect x="{x:.1f}" y="{top + lane * LANE}" width="{max(until - x, 2):.1f}" height="{LANE - 2}" '
            f'fill="{colour}"/>'
        )

    for call, lane in zip(calls, lanes(calls), strict=True):
        if call.begins > SECONDS:
            continue
        bar(call.begins, call.ends, lane, WAITS)
        for begins, ends in call.attempts:
            last = begins == call.attempts[-1][0]
            bar(begins, ends, lane, (BAD if call.colour == OTHER else call.colour) if last else BAD)
        if call.colour in {REFUSED, OTHER}:
            x, y = left + call.ends * scale, top + lane * LANE + (LANE - 2) / 2
            parts.append(f'<circle cx="{x:.1f}" cy="{y:g}" r="3.5" fill="{call.colour}"/>')
    return parts


def draw() -> str:
    parts, y = [], TOP
    for row in ROWS:
        strips = [live(row, {}), live(row, row.guards)]
        high = max(max(lanes(calls)) + 1 for calls in strips) * LANE
        for column, calls in enumerate(strips):
            left = LEFT + column * (STRIP + GAP)
            parts.append(
                f'<line x1="{left}" y1="{y + high + 3}" x2="{left + STRIP}" y2="{y + high + 3}" stroke="{INK}" '
                'stroke-opacity="0.4"/>'
            )
            parts += strip(calls, left, y)
        for line, words in enumerate((*row.symptom, f"&#8594; {row.pattern}")):
            weight = ' font-weight="bold"' if line == 2 else ""
            parts.append(f'<text x="12" y="{y + 8 + 16 * line}"{weight}>{words}</text>')
        y += max(high, 44) + 22
    key = ((GOOD, "answered"), (BAD, "failed"), (WAITS, "waits"), (REFUSED, "refused at once"), (OTHER, "other answer"))
    x = LEFT
    for colour, words in key:
        parts.append(f'<rect x="{x}" y="{y + 2}" width="12" height="8" fill="{colour}"/>')
        parts.append(f'<text x="{x + 17}" y="{y + 10}" font-size="12">{words}</text>')
        x += 38 + 7 * len(words)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {y + 24}" font-family="sans-serif" '
            f'font-size="13" fill="{INK}">',
            f'<rect width="{WIDE}" height="{y + 24}" fill="white"/>',
            f'<text x="{LEFT}" y="26" font-weight="bold">bare calls, {SECONDS} seconds of them</text>',
            f'<text x="{LEFT + STRIP + GAP}" y="26" font-weight="bold">the same calls, guarded</text>',
            *parts,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
