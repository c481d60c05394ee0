"""What counts admissions: one for each kind of limit."""

from __future__ import annotations

from ..typed import TYPE_CHECKING
from .bucket import Bucket
from .config import TokenBucket

if TYPE_CHECKING:
    from typing import TypeAlias

    from .config import SlidingWindow
    from .window import Log, Spans

    Measure: TypeAlias = Bucket | Log | Spans
    """What counts admissions; all three answer the same questions."""


def measure(limit: TokenBucket | SlidingWindow) -> Measure:
    """Return what counts for such a limit, with nothing counted yet."""
    if isinstance(limit, TokenBucket):
        return Bucket(limit.rate, limit.capacity)
    from .window import Log, Spans  # not every program has one

    if limit.buckets is None:
        return Log(limit.limit, limit.period)
    return Spans(limit.limit, limit.period, limit.buckets)
