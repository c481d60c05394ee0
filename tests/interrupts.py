"""Interruptions in tests: at each point at which CPython may look for signals."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import holdfast

OURS = (str(Path(holdfast.__file__).parent), "<holdfast ")
"""How the files of the package, and its wrappers, begin."""


class Interrupted(BaseException):
    """What a signal handler raises."""


def _is_finalising(frame: Any) -> bool:
    while frame is not None and frame.f_code.co_name != "__del__":
        frame = frame.f_back
    return frame is not None


@contextmanager
def interrupt_at(number: int) -> Iterator[list[str]]:
    """Raise at the call or return of a function with this number, as a signal handler would; note where that was."""
    left = number
    places: list[str] = []

    def look(frame: Any, event: str, what: object) -> None:
        nonlocal left
        # An interrupt comes when a Python function begins, or right after a C function has done its work.
        # (What is raised in a finaliser is CPython's to report, and goes no further.)
        if event not in {"call", "c_return"} or not frame.f_code.co_filename.startswith(OURS):
            return
        if left == 0:
            if _is_finalising(frame):
                return  # the next one, then
            sys.setprofile(None)
            places.append(f"{event} {frame.f_code.co_name} {getattr(what, '__name__', '')}")
            raise Interrupted
        left -= 1

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield places
    finally:
        sys.setprofile(before)
