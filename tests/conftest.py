"""Fixtures for all tests."""

from __future__ import annotations

import pytest
from tests.support import Door

from holdfast.testing import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    """A clock on which waiting takes no time; jitter is always in the middle of its range."""
    return VirtualClock()


@pytest.fixture(params=["sync", "async", "returns-awaitable"])
def door(request: pytest.FixtureRequest) -> Door:
    """Each test that takes a door runs through all of them."""
    return Door(request.param)
