"""Draws backoff.svg from the code's own delays: python docs/pictures/draw_backoff.py."""

from __future__ import annotations

from pathlib import Path

from holdfast import BackoffConfig

PICTURE = Path(__file__).with_name("backoff.svg")

PANELS = {
    "fixed": BackoffConfig(type="fixed", initial_delay=4, max_delay=10),
    "linear": BackoffConfig(type="linear", initial_delay=1, multiplier=1.5, max_delay=10),
    "exponential": BackoffConfig(type="exponential", initial_delay=0.5, max_delay=10),
    "exponential, jitter_factor=0.5": BackoffConfig(
        type="exponential", initial_delay=0.5, max_delay=10, jitter_factor=0.5
    ),
    "decorrelated-jitter": BackoffConfig(type="decorrelated-jitter", initial_delay=0.5, max_delay=10),
    "full-jitter": BackoffConfig(type="full-jitter", initial_delay=0.5, max_delay=10),
}

WAITS, WIDE, HIGH, GAP, TOP = 8, 230, 130, 30, 24
INK, RANGE, MARK, CAP = "#57606a", "#8ecae6", "#023047", "#fb8500"


def panel(title: str, config: BackoffConfig, left: float, top: float) -> list[str]:
    scale = HIGH / (config.max_delay * 1.1)
    floor = top + HIGH
    step = WIDE / WAITS
    parts = [
        f'<text x="{left}" y="{top - 8}" font-weight="bold">{title}</text>',
        f'<line x1="{left}" y1="{floor}" x2="{left + WIDE}" y2="{floor}" stroke="{INK}"/>',
        f'<line x1="{left}" y1="{floor - config.max_delay * scale:.1f}" x2="{left + WIDE}" '
        f'y2="{floor - config.max_delay * scale:.1f}" stroke="{CAP}" stroke-dasharray="4 3"/>',
    ]
    for index, (low, high) in enumerate(config.delays(WAITS)):
        x = left + index * step + step * 0.2
        if high > low:
            parts.append(
                f'<rect x="{x:.1f}" y="{floor - high * scale:.1f}" width="{step * 0.6:.1f}" '
                f'height="{(high - low) * scale:.1f}" rx="2" fill="{RANGE}"/>'
            )
        middle = floor - (low + high) / 2 * scale
        parts.append(
            f'<line x1="{x:.1f}" y1="{middle:.1f}" x2="{x + step * 0.6:.1f}" y2="{middle:.1f}" '
            f'stroke="{MARK}" stroke-width="3"/>'
        )
    return parts


def draw() -> str:
    parts: list[str] = []
    for number, (title, config) in enumerate(PANELS.items()):
        column, row = number % 3, number // 3
        parts += panel(title, config, GAP + column * (WIDE + GAP), TOP + 10 + row * (HIGH + GAP + TOP))
    wide, high = GAP + 3 * (WIDE + GAP), 2 * (HIGH + GAP + TOP) + GAP
    legend = (
        f'<text x="{GAP}" y="{high - 10}">The first {WAITS} waits; blue: the range a delay is drawn from, bar: its '
        f"middle, dashed: max_delay = 10 s.</text>"
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-family="sans-serif" '
            f'font-size="13" fill="{INK}">',
            f'<rect width="{wide}" height="{high}" fill="white"/>',
            *parts,
            legend,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
