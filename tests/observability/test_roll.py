"""The roll of all guards: sums that never go back, whatever becomes of the guards."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from holdfast import (
    Bulkhead,
    CircuitBreaker,
    CircuitBreakerConfig,
    RateLimiter,
    TokenBucket,
    get_breaker_registry,
    get_health_status,
    prometheus_text,
    registry,
)
from holdfast.circuit_breaker import herald
from holdfast.circuit_breaker.bulkhead.manager import bulkheads
from holdfast.circuit_breaker.herald import breakers
from holdfast.roll import NAMES_KEPT, OTHER, Entry, Inbox, Names, Roll, _renew_locks
from holdfast.testing import VirtualClock


class Guard:
    """As little as may be on a roll."""

    def __init__(self, roll: Roll[Any], name: str, count: int = 0) -> None:
        self.name = name
        self.count = count
        self.entry: Entry | None = roll.enter(self)

    def __del__(self) -> None:
        entry, self.entry = self.entry, None
        if entry is not None:
            entry.strike_out((self.count,))


def roll_of_guards() -> Roll[Guard]:
    return Roll(lambda guard: (guard.count,))


def test_guards_of_one_name_are_added_up_and_stay_counted_when_they_are_gone() -> None:
    roll = roll_of_guards()
    one, other = Guard(roll, "a", 1), Guard(roll, "a", 2)
    assert roll.totals() == {"a": (3,)}
    assert roll.alive() == [one, other]
    one.count += 10
    del one
    assert roll.totals() == {"a": (13,)}
    assert roll.alive() == [other]
    del other
    assert roll.totals() == {"a": (13,)}
    assert roll.alive() == []


def test_a_guard_that_counted_nothing_leaves_nothing_behind() -> None:
    roll = roll_of_guards()
    for number in range(10 * NAMES_KEPT):
        Guard(roll, f"idle-{number}")
    assert roll.totals() == {}
    Guard(roll, "busy", 1)
    assert roll.totals() == {"busy": (1,)}


def test_what_those_leave_who_go_is_bounded_also_if_nobody_ever_looks() -> None:
    roll = roll_of_guards()
    for number in range(3 * NAMES_KEPT):
        Guard(roll, f"tenant-{number}", 1)
    assert len(roll.left._things) <= 256
    assert len(roll._entries) <= 256
    totals = roll.totals()
    assert len(totals) == NAMES_KEPT + 1
    assert totals[OTHER] == (2 * NAMES_KEPT,)
    assert sum(count for (count,) in totals.values()) == 3 * NAMES_KEPT


def test_what_a_name_goes_by_never_changes() -> None:
    names = Names(2)
    assert [names.label(name) for name in "abcabd"] == ["a", "b", OTHER, "a", "b", OTHER]


def test_a_guard_that_is_just_going_counts_as_it_did_when_it_was_read_last() -> None:
    roll = roll_of_guards()
    guard = Guard(roll, "a", 5)
    assert roll.totals() == {"a": (5,)}
    entry, guard.entry = guard.entry, None  # so its last counts are late
    del guard
    assert entry is not None
    assert entry.guard() is None
    assert roll.totals() == {"a": (5,)}
    entry.strike_out((7,))
    assert roll.totals() == {"a": (7,)}


def test_guards_may_go_while_the_roll_is_read() -> None:
    going: list[Guard] = []

    def read(guard: Guard) -> tuple[int]:
        going.clear()
        return (guard.count,)

    roll: Roll[Guard] = Roll(read)
    stays = Guard(roll, "a", 1)
    going.extend(Guard(roll, "a", 1) for _ in range(300))
    seen = roll.totals()["a"][0]
    assert roll.totals() == {"a": (301,)}
    assert seen <= 301
    assert stays.count == 1


def test_reading_while_guards_come_and_go_in_threads_never_goes_back_and_ends_exact() -> None:
    roll = roll_of_guards()
    over = threading.Event()
    seen: list[int] = []

    def make() -> None:
        for _ in range(500):
            guard = Guard(roll, "a")
            guard.count += 3

    def look() -> None:
        while not over.is_set():
            seen.append(roll.totals().get("a", (0,))[0])

    makers = [threading.Thread(target=make) for _ in range(4)]
    lookers = [threading.Thread(target=look) for _ in range(1)]
    for thread in [*makers, *lookers]:
        thread.start()
    for thread in makers:
        thread.join()
    over.set()
    for thread in lookers:
        thread.join()
    assert seen == sorted(seen)
    assert roll.totals() == {"a": (6000,)}


def test_an_inbox_that_is_worked_off_takes_what_comes_in_meanwhile() -> None:
    done: list[int] = []

    def work(thing: int) -> None:
        done.append(thing)
        if thing == 0:
            inbox.put(1)
            with inbox.lock:
                inbox.empty()  # as a signal handler would
            assert done == [0]

    inbox = Inbox(work)
    inbox.put(0)
    with inbox.lock:
        inbox.empty()
    assert done == [0, 1]


def test_a_full_inbox_is_worked_off_unless_somebody_is_at_it() -> None:
    done: list[int] = []
    inbox = Inbox(done.append)
    for thing in range(257):
        inbox.put(thing)
    assert done == list(range(257))

    def fill() -> None:
        for thing in range(300):
            inbox.put(thing)

    with inbox.lock:
        thread = threading.Thread(target=fill)
        thread.start()
        thread.join()
        assert len(done) == 257
        inbox.empty()
    assert len(done) == 557


def test_a_breaker_tells_of_its_whole_life_whatever_is_reset(clock: VirtualClock) -> None:
    breaker = CircuitBreaker(CircuitBreakerConfig(failure_threshold=2, reset_timeout=10), name="life", clock=clock)

    def fail() -> None:
        raise ConnectionResetError

    for _ in range(3):
        breaker.execute(lambda: 1)
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            breaker.execute(fail)
    with pytest.raises(Exception, match="is OPEN"):
        breaker.execute(lambda: 1)
    #                        s  f  a  r   moves, as in TRANSITIONS
    assert breaker.counts == (3, 2, 0, 1, 1, 0, 0, 0, 0)
    breaker.reset()
    assert breaker.metrics.total_requests == breaker.metrics.rejected_requests == 0
    assert breaker.counts == (3, 2, 0, 1, 1, 0, 0, 0, 1)
    breaker.execute(lambda: 1)
    breaker.acquire().abandon()
    breaker.reset()
    breaker.reset()
    breaker.force_open()
    with pytest.raises(Exception, match="is OPEN"):
        breaker.execute(lambda: 1)
    assert breaker.metrics.rejected_requests == 1
    clock.advance(10)
    for _ in range(3):
        breaker.execute(lambda: 1)
    assert breaker.counts == (7, 2, 1, 2, 2, 1, 1, 0, 1)
    assert breaker.metrics.successful_requests == 3


def test_a_breaker_and_a_bulkhead_without_a_registry_are_counted_also_when_they_are_gone() -> None:
    breaker = CircuitBreaker(name="anonymous breaker")
    bulkhead = Bulkhead(name="anonymous bulkhead")
    assert breaker in breakers.alive()
    assert bulkhead in bulkheads.alive()
    breaker.protect(bulkhead.protect(len))("")
    for _ in range(2):
        assert breakers.totals()["anonymous breaker"][0] == 1
        assert bulkheads.totals()["anonymous bulkhead"] == (1, 0, 0, 0)
        breaker = bulkhead = None  # type: ignore[assignment]
        gc.collect()


def test_a_guard_whose_making_failed_leaves_nothing() -> None:
    with pytest.raises(Exception, match="config must be"):
        CircuitBreaker(42)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="config must be"):
        Bulkhead(42)  # type: ignore[arg-type]


def test_a_guard_that_cannot_be_read_counts_as_it_did_before_and_the_others_count(clock: VirtualClock) -> None:
    roll = roll_of_guards()
    one, other = Guard(roll, "a", 1), Guard(roll, "b", 2)
    assert roll.totals() == {"a": (1,), "b": (2,)}
    del one.count
    other.count = 3
    assert roll.totals() == {"a": (1,), "b": (3,)}
    one.count = 4


def test_names_are_counted_as_labels_and_added_up_if_these_are_the_same() -> None:
    roll = roll_of_guards()
    guards = [Guard(roll, name, 1) for name in ("n" * 1000, "n" * 2000, "a\rb", "plain")]
    assert roll.totals() == {"n" * 200 + "…": (2,), "a\\rb": (1,), "plain": (1,)}
    assert len(guards) == 4


def test_registries_of_a_forked_child_have_locks_that_nobody_holds() -> None:
    guards = get_breaker_registry()
    before = guards._lock, guards._guards._lock
    registry._renew_locks()
    assert guards._lock is not before[0]
    assert guards._guards._lock is not before[1]


def test_a_forked_child_has_locks_that_nobody_holds() -> None:
    breaker, bulkhead, limiter = CircuitBreaker(name="forked"), Bulkhead(name="forked"), RateLimiter(LIMIT)
    roll = roll_of_guards()
    guard = Guard(roll, "a", 1)
    holders = (breaker._herald, breaker, bulkhead.line, limiter.line)
    before = [holder.__getattribute__("_lock" if hasattr(holder, "_lock") else "lock") for holder in holders]
    boxes = [breakers.left, bulkheads.left, roll.left]
    locks = [box.lock for box in boxes]
    roll.left._at_work = True
    _renew_locks()
    after = [holder.__getattribute__("_lock" if hasattr(holder, "_lock") else "lock") for holder in holders]
    assert all(new is not old for new, old in zip(after, before, strict=True))
    assert after[0] is after[1]
    assert all(box.lock is not lock for box, lock in zip(boxes, locks, strict=True))
    guard.entry.strike_out((5,))  # type: ignore[union-attr]
    guard.entry = None
    assert roll.totals() == {"a": (5,)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, which this system does not have")
def test_a_process_that_is_forked_while_another_thread_looks_can_look_too() -> None:
    code = """
import os, signal, threading
from holdfast import create_bulkhead, create_circuit_breaker, get_health_status, prometheus_text
from holdfast import get_breaker_registry
from holdfast.circuit_breaker.herald import breakers
breaker, bulkhead = get_breaker_registry().get_or_create("b"), create_bulkhead("b")
prometheus_text()
held, go_on = threading.Event(), threading.Event()
def look():
    with breakers.left.lock, breaker._lock, bulkhead.line.lock, get_breaker_registry()._lock:
        held.set()
        go_on.wait()
thread = threading.Thread(target=look)
thread.start()
held.wait()
child = os.fork()
if child == 0:
    signal.alarm(60)
    get_breaker_registry().get_or_create("b").force_open()
    prometheus_text()
    os._exit(0 if get_health_status().breakers["open"] == ("b",) else 1)
go_on.set()
thread.join()
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], timeout=90, check=True)


LIMIT = TokenBucket(rate=1, capacity=1)


def test_a_breaker_is_seen_when_all_of_it_is_there_and_hears_who_begins_to_listen_just_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[Any] = []
    enter = breakers.enter

    def seen(breaker: Any) -> Entry:
        entry = enter(breaker)
        looks.append((get_health_status().breakers["closed"], prometheus_text()))
        herald.hear_calls(print)
        return entry

    monkeypatch.setattr(breakers, "enter", seen)
    breaker = CircuitBreaker(name="half-made")
    assert "half-made" in looks[0][0]
    assert breaker.timed
    assert breaker.quiet is None
    herald.hear_no_calls(print)
    assert breaker.quiet is not None
