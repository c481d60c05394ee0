"""Fixtures for all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings
from tests.support import Door

from holdfast.testing import VirtualClock

# A busy machine must not fail a test: how long an example takes is not what the properties are about.
settings.register_profile("holdfast", deadline=None)
settings.load_profile("holdfast")


@pytest.fixture
def clock() -> VirtualClock:
    """A clock on which waiting takes no time; jitter is always in the middle of its range."""
    return VirtualClock()


@pytest.fixture(params=["sync", "async", "returns-awaitable"])
def door(request: pytest.FixtureRequest) -> Door:
    """Each test that takes a door runs through all of them."""
    return Door(request.param)
