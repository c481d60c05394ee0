"""How the guards of this process are doing, for a health endpoint; imported when somebody asks."""

from __future__ import annotations

from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from .report import BulkheadUse, HealthStatus, TimeoutUse

__all__ = ["BulkheadUse", "HealthStatus", "TimeoutUse", "get_health_status"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import report

    return getattr(report, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def get_health_status() -> HealthStatus:
    """Return how all guards of this process are doing, as a `HealthStatus`; it never raises.

    It is quick enough for a health endpoint, and takes no lock of circuits that are well.

    >>> report = get_health_status()
    >>> report.status in {"healthy", "degraded", "unhealthy"}
    True
    >>> sorted(report.as_dict())
    ['breakers', 'bulkheads', 'issues', 'status', 'summary', 'time', 'timeouts']
    """
    from .status import look

    return look()
