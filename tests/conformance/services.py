"""The services that scenarios guard: they follow a script, note what is done to them, and wait where they are told to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .labs import Lab

PATIENCE = 5.0
"""Seconds after which something that was waited for is given up: long enough for the slowest machine."""


class Gate:
    """A place inside a service where calls wait until they are let through, of both kinds."""

    def __init__(self, *, wanted: int | None = None, patience: float = PATIENCE) -> None:
        self.wanted = wanted
        """So many arrivals open it by themselves."""
        self.arrived = 0
        self.inside = 0
        self.most = 0
        self.patience = patience
        self._opened = False
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._async_event: asyncio.Event | None = None

    def open(self) -> None:
        self._opened = True
        self._event.set()
        if self._async_event is not None:
            self._async_event.set()

    def _enter(self) -> None:
        with self._lock:
            self.arrived += 1
            self.inside += 1
            self.most = max(self.most, self.inside)
            enough = self.arrived == self.wanted
        if enough:
            self.open()

    def _leave(self) -> None:
        with self._lock:
            self.inside -= 1

    def wait(self) -> None:
        self._enter()
        try:
            self._event.wait(self.patience)
        finally:
            self._leave()

    async def wait_async(self) -> None:
        if self._async_event is None:
            self._async_event = asyncio.Event()
        self._enter()
        giving_up = asyncio.get_running_loop().call_later(self.patience, self._async_event.set)
        try:
            if not self._opened:
                await self._async_event.wait()
        finally:
            giving_up.cancel()
            self._leave()


class After:
    """Waits at a gate, and only then does what stands behind it."""

    def __init__(self, gate: Gate, entry: Any) -> None:
        self.gate = gate
        self.entry = entry


class Service:
    """A function that answers by a list; the last entry stays.

    Exceptions are raised (classes with a message), functions are called with the arguments, gates are waited at (and
    give None), other entries are returned.
    """

    def __init__(self, lab: Lab, *script: Any) -> None:
        self.lab = lab
        self.script = script
        self.calls = 0
        """How many have got in."""
        self.moments: list[float] = []
        self.raised: list[BaseException] = []
        self._lock = threading.Lock()
        self.function = self._plain() if lab.door == "sync" else self._async()

    def _next(self) -> Any:
        with self._lock:
            entry = self.script[min(self.calls, len(self.script) - 1)]
            self.calls += 1
            self.moments.append(self.lab.now())
        return entry

    def _do(self, entry: Any, arguments: tuple[Any, ...]) -> Any:
        if isinstance(entry, type) and issubclass(entry, BaseException):
            entry = entry(f"failure {self.calls}")
        if isinstance(entry, BaseException):
            self.raised.append(entry)
            raise entry
        return entry(*arguments) if callable(entry) else entry

    def _plain(self) -> Callable[..., Any]:
        def service(*arguments: Any) -> Any:
            """Look something up."""
            entry = self._next()
            if isinstance(entry, Gate):
                return entry.wait()
            if isinstance(entry, After):
                entry.gate.wait()
                entry = entry.entry
            return self._do(entry, arguments)

        return service

    def _async(self) -> Callable[..., Any]:
        async def service(*arguments: Any) -> Any:
            """Look something up."""
            entry = self._next()
            if isinstance(entry, Gate):
                return await entry.wait_async()
            if isinstance(entry, After):
                await entry.gate.wait_async()
                entry = entry.entry
            return self._do(entry, arguments)

        return service
