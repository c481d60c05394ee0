"""What the tests of metrics need: names that are not used up by the guards of other tests."""

from __future__ import annotations

import pytest

from holdfast.circuit_breaker.bulkhead.manager import bulkheads
from holdfast.circuit_breaker.herald import breakers
from holdfast.rate_limit.manager import limiters
from holdfast.roll import NAMES_KEPT, Names


@pytest.fixture(autouse=True)
def _room_for_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process keeps so many names apart, and other tests have guards of thousands."""
    for roll in (breakers, bulkheads, limiters):
        monkeypatch.setattr(roll, "_names", Names(NAMES_KEPT))
        monkeypatch.setattr(roll, "_gone", {})
