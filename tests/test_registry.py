"""Names: atomic, told to followers, and never keeping a follower alive."""

from __future__ import annotations

import gc
from typing import Any
from weakref import WeakSet

import pytest

from holdfast import UnknownPolicyError
from holdfast.registry import NamedRegistry


class Follower:
    def __init__(self) -> None:
        self.changes = 0

    def name_changed(self) -> None:
        self.changes += 1


def test_a_name_stands_for_the_last_thing_put_under_it() -> None:
    registry: NamedRegistry[int] = NamedRegistry("number", UnknownPolicyError)
    registry.put("one", 1)
    registry.put("one", 11)
    assert registry.get("one") == registry.view["one"] == 11
    with pytest.raises(UnknownPolicyError, match="there is no number named 'oen'; did you mean 'one'"):
        registry.get("oen")


def test_an_unknown_name_comes_with_how_to_make_one() -> None:
    registry: NamedRegistry[int] = NamedRegistry("number", UnknownPolicyError, "put({name}, 1) makes one")
    with pytest.raises(
        UnknownPolicyError, match=r"no number named 'one'; none is registered yet; put\('one', 1\) makes"
    ):
        registry.get("one")
    registry.put("two", 2)
    with pytest.raises(
        UnknownPolicyError, match=r"no number named '\{one\}'; known: two; put\('\{one\}', 1\) makes one$"
    ):
        registry.get("{one}")


def test_names_that_nobody_follows_any_more_are_forgotten() -> None:
    registry: NamedRegistry[int] = NamedRegistry("number", UnknownPolicyError)
    kept = Follower()
    registry.follow("kept", kept)
    for number in range(5000):
        registry.follow(str(number), Follower())
    assert len(registry._followers) < 2500
    registry.put("kept", 1)
    assert kept.changes == 1


def test_names_that_are_followed_for_long_are_looked_through_ever_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    class Counting(WeakSet[Any]):
        def __len__(self) -> int:
            nonlocal looks
            looks += 1
            return super().__len__()

    monkeypatch.setattr("holdfast.registry.WeakSet", Counting)
    registry: NamedRegistry[int] = NamedRegistry("number", UnknownPolicyError)
    kept = [Follower() for _ in range(5000)]
    for number, follower in enumerate(kept):
        registry.follow(str(number), follower)
    assert 0 < looks < 2 * len(kept)
    registry.put("0", 1)
    assert kept[0].changes == 1


def test_followers_hear_of_their_name_only_and_only_while_somebody_holds_them() -> None:
    registry: NamedRegistry[int] = NamedRegistry("number", UnknownPolicyError)
    mine, other = Follower(), Follower()
    registry.follow("mine", mine)
    registry.follow("other", other)
    registry.put("mine", 1)
    assert (mine.changes, other.changes) == (1, 0)
    del mine
    gc.collect()
    registry.put("mine", 2)
    assert len(registry._followers["mine"]) == 0
