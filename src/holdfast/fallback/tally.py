"""How often what happened, exactly, over threads and tasks."""

from __future__ import annotations

import threading

from .answers import KINDS
from .config import FallbackMetrics


class Tally:
    """Counts. Fallbacks that follow one another under a name share one."""

    __slots__ = ("_counts", "_lock")

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._lock = threading.RLock()  # re-entrant: a finaliser that runs in here may make a guarded call

    def add(self, what: str) -> None:
        """Count one: a kind of answer, or "failed", "unanswered", "abandoned", "served_fresh" or "served_stale"."""
        with self._lock:
            self._counts[what] = self._counts.get(what, 0) + 1

    def metrics(self, name: str) -> FallbackMetrics:
        """Return what has been counted so far."""
        with self._lock:
            counts = dict(self._counts)
        by_kind: dict[str, int] = {kind: counts[kind] for kind in KINDS if kind in counts}
        return FallbackMetrics(
            name=name,
            answered=sum(by_kind.values()),
            by_kind=by_kind,
            failed=counts.get("failed", 0),
            unanswered=counts.get("unanswered", 0),
            abandoned=counts.get("abandoned", 0),
            served_fresh=counts.get("served_fresh", 0),
            served_stale=counts.get("served_stale", 0),
        )
