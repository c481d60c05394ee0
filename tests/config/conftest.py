"""Each test begins in an empty directory, with nothing configured, and leaves nothing behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast import get_rate_limiter_registry, load_config, set_enabled
from holdfast.resilience import resilience_manager


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith("HOLDFAST_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    _forget()
    yield
    _forget()


def _forget() -> None:
    load_config({}, environ={})
    set_enabled(True)
    for name in list(resilience_manager.registered):
        resilience_manager.remove(name)
    for name in get_rate_limiter_registry().get_all():
        get_rate_limiter_registry().remove(name)
