"""The block form, `for attempt in retrying(...)`, sync and async."""

from __future__ import annotations

import pytest
from tests.support import Script

from holdfast import ConfigurationError, RetryManager, RetryPolicy, UnknownPolicyError, retrying
from holdfast.testing import VirtualClock


def test_a_block_is_run_until_it_succeeds(clock: VirtualClock) -> None:
    script, numbers = Script(ConnectionResetError, ConnectionResetError, "fine"), []
    for attempt in retrying(clock=clock):
        with attempt:
            numbers.append(attempt.number)
            assert script.next() == "fine"
    assert numbers == [1, 2, 3]
    assert clock.sleeps == [1, 2]


async def test_an_async_block_is_run_until_it_succeeds(clock: VirtualClock) -> None:
    script = Script(ConnectionResetError, ConnectionResetError, "fine")
    async for attempt in retrying("infrastructure", clock=clock):
        async with attempt:
            script.next()
    assert (script.calls, clock.sleeps) == (3, [5, 15])


def test_the_blocks_last_exception_comes_out_itself(clock: VirtualClock) -> None:
    last = ConnectionResetError("last")
    script = Script(ConnectionResetError, ConnectionResetError, last)
    with pytest.raises(ConnectionResetError) as caught:
        for attempt in retrying(clock=clock):
            with attempt:
                script.next()
    assert caught.value is last
    assert last.__context__ is None
    assert last.__notes__ == ["holdfast: gave up after 3 attempts (policy 'default'; waited 1 s, 2 s)"]


def test_what_a_retry_cannot_help_leaves_the_block_at_once(clock: VirtualClock) -> None:
    script = Script(KeyError)
    with pytest.raises(KeyError):
        for attempt in retrying(clock=clock):
            with attempt:
                script.next()
    assert script.calls == 1


def test_a_loop_that_is_left_early_is_simply_left(clock: VirtualClock) -> None:
    for attempt in retrying(clock=clock):
        with attempt:
            raise ConnectionResetError
        break
    assert clock.sleeps == []


def test_promise_10_a_wait_that_took_too_long_ends_the_loop_with_the_blocks_error() -> None:
    class SlowClock(VirtualClock):
        def sleep(self, duration: float) -> None:
            super().sleep(100 * duration)

    error = ConnectionResetError()
    with pytest.raises(ConnectionResetError) as caught:
        for attempt in retrying(total_timeout=50, clock=SlowClock()):
            with attempt:
                raise error
    assert caught.value is error


def test_one_object_may_be_looped_over_again_and_within_itself(clock: VirtualClock) -> None:
    attempts = retrying(clock=clock, max_attempts=2)
    outer, inner = (
        Script(ConnectionResetError, "fine"),
        Script(ConnectionResetError, "fine", ConnectionResetError, "fine"),
    )
    for attempt in attempts:
        with attempt:
            for nested in attempts:
                with nested:
                    inner.next()
            outer.next()
    assert (outer.calls, inner.calls) == (2, 4)


def test_a_body_that_guards_nothing_is_told_so() -> None:
    with pytest.raises(RuntimeError, match="the body of the loop did not run `with attempt:`"):
        for _attempt in retrying():
            pass


async def test_an_attempt_is_entered_once() -> None:
    for attempt in retrying():
        with attempt:
            pass
        with pytest.raises(RuntimeError, match="an attempt is entered once"):
            attempt.__enter__()
    async for attempt in retrying():
        async with attempt:
            pass


def test_wrong_settings_are_refused_before_the_loop_or_when_it_begins() -> None:
    with pytest.raises(ConfigurationError, match="max_attempts"):
        retrying(max_attempts=0)
    loop = retrying("unregistered")
    with pytest.raises(UnknownPolicyError):
        iter(loop)


def test_a_manager_has_blocks_under_its_own_policy_and_clock(clock: VirtualClock) -> None:
    manager = RetryManager(RetryPolicy.fixed(7), clock=clock)
    script = Script(ConnectionResetError, "fine")
    for attempt in manager.retrying(max_attempts=2):
        with attempt:
            script.next()
    assert clock.sleeps == [7]
    assert iter(iterator := iter(manager.retrying())) is iterator
    assert iterator.__aiter__() is iterator
