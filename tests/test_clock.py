"""What is a `holdfast.Clock`: whatever has its five methods, be it made from it or not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

import pytest

from holdfast import Clock
from holdfast._runtime.system import SystemClock
from holdfast.testing import VirtualClock

T = TypeVar("T")
METHODS = ("monotonic", "time", "random", "sleep", "sleep_async")


@pytest.mark.parametrize("clock", [SystemClock(), VirtualClock(), SimpleNamespace(**dict.fromkeys(METHODS, print))])
def test_what_has_the_five_methods_is_a_clock(clock: object) -> None:
    assert isinstance(clock, Clock)


@pytest.mark.parametrize("missing", METHODS)
def test_what_lacks_a_method_is_no_clock(missing: str) -> None:
    methods: dict[str, Any] = dict.fromkeys(METHODS, print)
    assert not isinstance(SimpleNamespace(**{**methods, missing: 1.0}), Clock)
    del methods[missing]
    assert not isinstance(SimpleNamespace(**methods), Clock)
    assert not issubclass(type("Lacking", (), methods), Clock)


@pytest.mark.parametrize("other", [None, 1.0, print, object()])
def test_anything_else_is_no_clock(other: object) -> None:
    assert not isinstance(other, Clock)


def test_classes_are_told_by_their_methods_too() -> None:
    assert issubclass(VirtualClock, Clock)
    assert not issubclass(dict, Clock)
    not_a_class: Any = VirtualClock()
    with pytest.raises(TypeError):
        issubclass(not_a_class, Clock)


class Slow(Clock):
    def monotonic(self) -> float:
        return 1.0

    def time(self) -> float:
        return 2.0

    def random(self) -> float:
        return 0.5

    def sleep(self, duration: float) -> None: ...

    async def sleep_async(self, duration: float) -> None: ...


def test_a_clock_may_be_made_from_it() -> None:
    assert isinstance(Slow(), Clock)
    assert issubclass(Slow, Clock)
    assert Slow().monotonic() == 1.0


def test_only_what_is_made_from_a_subclass_is_of_it() -> None:
    assert not isinstance(VirtualClock(), Slow)
    assert not issubclass(VirtualClock, Slow)


def test_a_subclass_may_have_other_bases() -> None:
    class Abstract(Slow, ABC):
        @abstractmethod
        def stop(self) -> None: ...

    class Typed(Slow, Generic[T]):
        pass

    kind: Any = Abstract
    with pytest.raises(TypeError, match="stop"):
        kind()
    assert not isinstance(VirtualClock(), Abstract)
    assert isinstance(Typed[int](), Clock)


def test_no_object_is_made_of_the_protocol_itself() -> None:
    kind: Any = Clock
    with pytest.raises(TypeError, match="Clock"):
        kind()
