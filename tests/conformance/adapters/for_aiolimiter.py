"""aiolimiter: `async with limiter`, for async code."""

from __future__ import annotations

from typing import Any

import aiolimiter

from ..endings import NotOfferedError
from .base import ASYNC, Adapter, Function, Lab, Limiter


class _Limiter(Limiter):
    def __init__(self, limit: int, period: float) -> None:
        self.limiter = aiolimiter.AsyncLimiter(limit, period)
        self.most = lambda window: limit + limit * window / period

    def guard(self, function: Function, cost: int = 1) -> Function:
        async def limited(*arguments: Any) -> Any:
            await self.limiter.acquire(cost)
            return await function(*arguments)

        return limited


class Aiolimiter(Adapter):
    name = "aiolimiter"
    package = "aiolimiter"
    patterns = {"rate limit": ASYNC}

    def limiter(self, lab: Lab, *, limit: int, period: float, patience: float | None = None) -> Limiter:
        if patience is not None:
            raise NotOfferedError
        return _Limiter(limit, period)


ADAPTER = Aiolimiter()
