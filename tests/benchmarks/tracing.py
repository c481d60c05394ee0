"""Counting the bytes that Python allocates, as `tracemalloc` sees them."""

from __future__ import annotations

import gc
import tracemalloc
from types import TracebackType
from typing import Self


class Traced:
    """A `with` block in which every allocation is traced; bytes allocated before it are not seen, whatever becomes of them.

    >>> with Traced() as traced:
    ...     kept = bytearray(1_000_000)
    ...     traced.growth() >= 1_000_000
    True
    """

    def __init__(self) -> None:
        self._before = 0

    def __enter__(self) -> Self:
        gc.collect()
        tracemalloc.start()
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        tracemalloc.stop()

    def begin(self) -> None:
        """Let the growth begin here."""
        self._before = _traced_now()
        self._before = _traced_now()  # again, now that there is a number to be stored

    def growth(self) -> int:
        """Return how many bytes more there are now, without the garbage."""
        return _traced_now() - self._before


def _traced_now() -> int:
    gc.collect()  # empties the lists of free objects as well
    return tracemalloc.get_traced_memory()[0]
