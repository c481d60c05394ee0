"""One configuration at a time, as a whole; nobody waits, and no lock is held over files and listeners."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.interrupts import Interrupted

import holdfast
from holdfast import ConfigReport, ResilienceManager, get_rate_limiter_registry, get_timeout_manager, load_config
from holdfast.config import read_config
from holdfast.config.turns import Configured, Turns
from holdfast.resilience import resilience_manager
from holdfast.retry.presets import RETRY_POLICIES


def load(tables: dict[str, Any], manager: ResilienceManager | None = None) -> ConfigReport:
    return load_config(tables, manager=manager, environ={})


def limited(capacity: int, **further: Any) -> dict[str, Any]:
    return {"rate_limits": {"r": {"rate": 1, "capacity": capacity}}, **further}


def listen(what: Callable[[], object]) -> None:
    """Do something, once, when the limiter is adjusted."""
    load(limited(4))
    done: list[object] = []

    def adjusted(_: object) -> None:
        if not done:
            done.append(True)
            done.append(what())

    get_rate_limiter_registry().get("r").on("adjusted", adjusted)


def test_a_load_in_a_listener_is_put_to_use_after_the_one_that_is_under_way() -> None:
    reports: list[ConfigReport] = []
    listen(lambda: reports.append(load({"policies": {"q": {"timeout": 3}}})))
    outer = load(limited(5, policies={"p": {"timeout": 1}}))
    assert (outer.added, outer.changed) == (("policies.p",), ("rate_limits.r",))
    (inner,) = reports
    assert inner.added == ("policies.q",)
    assert set(inner.removed) == {"policies.p", "rate_limits.r"}
    assert list(resilience_manager.registered) == ["q"]
    assert not get_rate_limiter_registry().has("r")


def test_the_latest_of_those_that_come_meanwhile_wins_and_each_manager_has_its_own() -> None:
    other = ResilienceManager()

    def several() -> None:
        for number in range(1, 4):
            load({"policies": {f"q{number}": {"timeout": number}}})
            load({"policies": {f"o{number}": {"timeout": number}}}, other)

    listen(several)
    load(limited(5))
    assert list(resilience_manager.registered) == ["q3"]
    assert list(other.registered) == ["o3"]


def test_a_listener_may_wait_for_a_thread_that_loads() -> None:
    ended: list[bool] = []

    def elsewhere() -> None:
        thread = threading.Thread(target=lambda: load({"policies": {"q": {"timeout": 3}}}))
        thread.start()
        thread.join(60)
        ended.append(not thread.is_alive())

    listen(elsewhere)
    load(limited(5))
    assert ended == [True]
    assert list(resilience_manager.registered) == ["q"]


def test_nobody_waits_for_a_file_that_is_slow(tmp_path: Path) -> None:
    ended: list[bool] = []

    class Slow:
        def __fspath__(self) -> str:
            def elsewhere() -> None:
                load({"policies": {"q": {"timeout": 3}}})
                assert read_config({"policies": {"r": {"timeout": 3}}}, environ={}).policies["r"].timeout == 3

            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join(60)
            ended.append(list(resilience_manager.registered) == ["q"])
            path = tmp_path / "slow.toml"
            path.write_text("policies.slow.timeout = 1")
            return str(path)

    load_config(Slow(), environ={})
    assert ended == [True]
    assert list(resilience_manager.registered) == ["slow"]


PACKAGE = str(Path(holdfast.__file__).parent)

ONE: dict[str, Any] = {
    "policies": {name: {"timeout": 1 + place} for place, name in enumerate("abc")},
    "retry": {"r": {"max_attempts": 3}},
    "timeouts": {"t": 1},
}
TWO: dict[str, Any] = {
    "policies": {name: {"timeout": 10 + place} for place, name in enumerate("bcd")},
    "retry": {"q": {"max_attempts": 3}},
    "timeouts": {"t": 2},
}


def state() -> tuple[object, ...]:
    return (
        {name: policy.timeout for name, policy in resilience_manager.registered.items()},
        set(RETRY_POLICIES),
        {name: config.seconds for name, config in get_timeout_manager().registered.items()},
    )


def at(number: int, what: Callable[[], object], inside: Callable[[], object]) -> bool:
    """Do something in the middle of something else, as a signal handler would; return whether that went so far."""
    left, done = number, False

    def look(frame: Any, event: str, _: object) -> None:
        nonlocal left, done
        if event not in {"call", "c_return"} or not frame.f_code.co_filename.startswith(PACKAGE):
            return
        if left == 0:
            sys.setprofile(None)
            done = True
            inside()
        left -= 1

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        what()
    finally:
        sys.setprofile(before)
    return done


def test_a_load_in_the_middle_of_a_load_never_ends_as_a_mixture() -> None:
    nothing = state()
    load(ONE)
    one = state()
    load(TWO)
    two = state()
    number = 0
    while True:
        load({})
        assert state() == nothing
        if not at(number, lambda: load(ONE), lambda: load(TWO)):
            break
        assert state() in (one, two)
        number += 13


def test_an_interrupt_anywhere_keeps_nobody_from_taking_a_turn() -> None:
    def interrupt() -> None:
        raise Interrupted

    number, is_reached = 0, True
    while is_reached:
        turns, one, two = Turns(), Configured(), Configured()
        done: list[str] = []

        def work(turns: Turns = turns, done: list[str] = done, two: Configured = two) -> None:
            turns.take(two, {}, "", lambda: done.append("left"))
            done.append("came")

        try:
            is_reached = at(number, lambda: turns.take(one, {}, "", work), interrupt)  # noqa: B023  it is called now
        except Interrupted:
            is_reached = True
        assert turns.is_free
        turns.take(one, {}, "", lambda: done.append("next"))  # noqa: B023
        assert "left" in done or "came" not in done
        assert "next" in done
        number += 1
    assert number > 3


def test_who_fails_leaves_nothing_undone_and_is_not_asked_again() -> None:
    turns, one, two = Turns(), Configured(), Configured()
    done: list[str] = []

    def fail() -> None:
        turns.take(two, {}, "", lambda: done.append("left"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        turns.take(one, {}, "", fail)
    assert done == ["left"]
    assert turns.is_free

    def leave_a_failure() -> None:
        turns.take(two, {}, "", fail)

    with pytest.raises(ZeroDivisionError):
        turns.take(one, {}, "", leave_a_failure)
    turns.take(one, {}, "", lambda: done.append("next"))
    assert done == ["left", "next", "left"]
    assert turns.is_free


def test_what_comes_while_the_own_is_done_for_another_is_done_as_well() -> None:
    turns, one, two = Turns(), Configured(), Configured()
    done: list[str] = []

    def again() -> None:
        done.append("first")
        turns.take(two, {}, "", lambda: done.append("second"))

    turns.take(one, {}, "", lambda: turns.take(two, {}, "", again))
    assert done == ["first", "second"]
