"""The clock for tests."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from holdfast import Clock, ConfigurationError
from holdfast.testing import VirtualClock


def test_sleeping_moves_the_hands_and_takes_no_time() -> None:
    clock = VirtualClock(start=5, wall=1000, random=lambda: 0.25)
    assert isinstance(clock, Clock)
    clock.sleep(2)
    asyncio.run(clock.sleep_async(3))
    clock.advance(0.5)
    assert (clock.monotonic(), clock.time(), clock.random()) == (10.5, 1005.5, 0.25)
    assert clock.sleeps == [2, 3]
    assert repr(clock) == "VirtualClock(now=10.5, sleeps=[2.0, 3.0])"


def test_the_wall_clock_can_be_set_without_the_other_noticing() -> None:
    clock = VirtualClock()
    clock.set_wall_clock(5)
    clock.advance(1)
    assert (clock.time(), clock.monotonic()) == (6, 1)


def test_it_does_not_go_back() -> None:
    with pytest.raises(ConfigurationError, match="duration must be finite and zero or more"):
        VirtualClock().advance(-1)


def test_threads_may_share_it() -> None:
    clock = VirtualClock()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(clock.sleep, [1.0] * 800))
    assert len(clock.sleeps) == 800
    assert 1 <= clock.monotonic() <= 800
