"""Durations as people write them: "500ms", "30s", "1m30s", "1h"."""

from __future__ import annotations

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
"""What each unit is in seconds."""

ALLOWED = 'seconds as a number, or text such as "500ms", "30s", "1m30s", "1h"'


def duration_in_seconds(written: str) -> float | None:
    """Return the seconds that a text says, or None if it says none.

    >>> duration_in_seconds("1m 30s")
    90.0
    >>> duration_in_seconds("30") is None
    True
    """
    import re

    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]+)", written, re.ASCII)
    units = [unit for unit in reversed(UNITS) if any(unit == its for _, its in parts)]
    form = "".join(rf"\d+(?:\.\d+)?\s*{unit}\s*" for unit in units)  # each once, the longest first
    if not units or re.fullmatch(rf"\s*{form}", written, re.ASCII) is None:
        return None
    return sum(float(number) * UNITS[unit] for number, unit in parts)
