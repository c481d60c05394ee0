"""Fixtures for all tests."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from tests.support import Door

from holdfast import (
    get_breaker_registry,
    get_bulkhead_registry,
    get_timeout_manager,
    resilience_manager,
    unregister_fallback,
)
from holdfast.fallback import FALLBACKS
from holdfast.rate_limit import get_rate_limiter_registry
from holdfast.retry.presets import registry as retry_policies
from holdfast.testing import VirtualClock

# A busy machine must not fail a test: how long an example takes is not what the properties are about. The examples are
# the same in every run; `HYPOTHESIS_PROFILE=explore pytest` looks for new ones.
settings.register_profile("holdfast", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "holdfast"))


def pytest_collection_finish() -> None:
    """Take thousands of tests out of the cycle collector's sight: those that look for cycles are quicker without them."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_guard_of_another_test() -> Iterator[None]:
    """Breakers, bulkheads, limiters and timeouts are found by name; each test begins and ends without any."""
    _forget_guards()
    yield
    _forget_guards()


def _forget_guards() -> None:
    for registry in (get_breaker_registry(), get_bulkhead_registry(), get_rate_limiter_registry()):
        for name in registry.get_all():
            registry.remove(name)
    for name in list(get_timeout_manager().registered):
        get_timeout_manager().remove(name)
    for name in list(resilience_manager.registered):
        resilience_manager.remove(name)
    for name in list(FALLBACKS):
        unregister_fallback(name)


@pytest.fixture(autouse=True)
def _no_policy_of_another_test() -> Iterator[None]:
    """What a test registers is gone after it, so that it may run again in the same process."""
    before = dict(retry_policies.view)
    yield
    for name, policy in dict(retry_policies.view).items():
        if name not in before:
            retry_policies.drop(name)
        elif policy is not before[name]:
            retry_policies.put(name, before[name])


@pytest.fixture
def clock() -> VirtualClock:
    """A clock on which waiting takes no time; jitter is always in the middle of its range."""
    return VirtualClock()


@pytest.fixture(params=["sync", "async", "returns-awaitable"])
def door(request: pytest.FixtureRequest) -> Door:
    """Each test that takes a door runs through all of them."""
    return Door(request.param)
