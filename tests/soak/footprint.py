"""What the process holds: memory, threads, descriptors, guards, and what waits or was left behind."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from holdfast import get_timeout_manager
from holdfast._runtime.workers import idle_workers
from holdfast.circuit_breaker.bulkhead.manager import bulkheads
from holdfast.circuit_breaker.herald import breakers
from holdfast.rate_limit.manager import limiters

_PROCESS = Path("/proc/self")
_BELL = "anon_inode:[eventfd]"


@dataclass(frozen=True)
class Footprint:
    """How much of everything there is, once all that can go is gone."""

    blocks: int
    types: Counter[str]
    resident: int
    descriptors: int
    bells: int
    threads: int
    workers: int
    guards: dict[str, int]
    in_use: int
    left_behind: int


def left_behind() -> int:
    return sum(get_timeout_manager().metrics.left_behind.values())


def calm(patience: float = 3.0) -> None:
    """Wait until those have ended that were left behind, and workers are back; not for ever."""
    until = time.monotonic() + patience
    while (left_behind() or _busy_threads()) and time.monotonic() < until:
        time.sleep(0.01)


def _busy_threads() -> int:
    return threading.active_count() - 1 - idle_workers()


def take() -> Footprint:
    """Look, after the garbage has been collected."""
    for _ in range(3):
        gc.collect()
        for roll in (breakers, bulkheads, limiters):
            roll.totals()  # works off what those left that are gone
    gc.collect()
    guards = {
        name: len(roll._entries)
        for name, roll in (("breakers", breakers), ("bulkheads", bulkheads), ("limiters", limiters))
    }
    in_use = sum(each.stats.active + each.stats.queued for each in bulkheads.alive())
    in_use += sum(each.stats.queued for each in limiters.alive())
    types = Counter(type(each).__name__ for each in gc.get_objects())
    kinds = _descriptors()
    gc.collect()
    return Footprint(
        blocks=sys.getallocatedblocks(),
        types=types,
        resident=_resident(),
        descriptors=kinds.total() - kinds[_BELL],
        bells=kinds[_BELL],
        threads=threading.active_count(),
        workers=idle_workers(),
        guards=guards,
        in_use=in_use,
        left_behind=left_behind(),
    )


def _descriptors() -> Counter[str]:
    kinds: Counter[str] = Counter()
    if (_PROCESS / "fd").is_dir():
        for each in (_PROCESS / "fd").iterdir():
            try:
                kinds[str(each.readlink())] += 1
            except OSError:  # the one with which the directory was read
                continue
    return kinds


def _resident() -> int:
    """Bytes that the system holds in memory for this process, where it tells."""
    try:
        return int((_PROCESS / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
