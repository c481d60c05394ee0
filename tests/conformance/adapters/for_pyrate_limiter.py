"""pyrate-limiter: its sliding window in memory, through `try_acquire` and `try_acquire_async`."""

from __future__ import annotations

from typing import Any

from pyrate_limiter import Limiter as Pyrate, Rate

from .base import BOTH, Adapter, Function, Lab, Limiter


class _Limiter(Limiter):
    refusals = (TimeoutError,)

    def __init__(self, lab: Lab, limit: int, period: float, patience: float | None) -> None:
        self.lab = lab
        self.limiter = Pyrate(Rate(limit, int(period * 1000)), buffer_ms=1)
        self.timeout = -1 if patience is None else patience
        self.most = lambda window: limit * (window / period)

    def guard(self, function: Function, cost: int = 1) -> Function:
        def limited(*arguments: Any) -> Any:
            if not self.limiter.try_acquire("service", weight=cost, timeout=self.timeout):
                raise TimeoutError
            return function(*arguments)

        async def limited_async(*arguments: Any) -> Any:
            if not await self.limiter.try_acquire_async("service", weight=cost, timeout=self.timeout):
                raise TimeoutError
            return await function(*arguments)

        return limited if self.lab.door == "sync" else limited_async


class PyrateLimiter(Adapter):
    name = "pyrate-limiter"
    package = "pyrate_limiter"
    patterns = {"rate limit": BOTH}

    def limiter(self, lab: Lab, *, limit: int, period: float, patience: float | None = None) -> Limiter:
        return _Limiter(lab, limit, period, patience)


ADAPTER = PyrateLimiter()
