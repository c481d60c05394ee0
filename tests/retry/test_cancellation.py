"""Cancellation and shutdown pass: never retried, never counted, never turned into something else."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.support import Door, LoopClock, Script, run_virtual

from holdfast import RetryManager, RetryPolicy, retrying, with_retry
from holdfast.testing import VirtualClock


class Unusual(BaseException):
    """What some frameworks derive their own signals from."""


@pytest.mark.parametrize("signal_type", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, Unusual])
def test_promise_3_what_is_no_exception_passes_at_once(
    door: Door, clock: VirtualClock, signal_type: type[BaseException]
) -> None:
    told: list[object] = []
    policy = RetryPolicy(
        should_retry=lambda _error, _attempt: True,
        retry_on=lambda _error: True,
        on_retry=lambda *args: told.append(args),
        on_final_failure=lambda *args: told.append(args),
    )
    if issubclass(signal_type, (KeyboardInterrupt, SystemExit, GeneratorExit)) and door.name != "sync":
        return check_in_a_bare_coroutine(policy, clock, signal_type)
    raised = signal_type()
    for outcomes in ((raised,), (ConnectionResetError, raised)):
        script = Script(*outcomes)
        told.clear()
        with pytest.raises(signal_type) as caught:
            door.run(with_retry(policy, clock=clock)(door.function(script)))
        assert script.calls == len(outcomes)
        assert len(told) == len(outcomes) - 1
        if door.name == "sync":
            assert caught.value is raised
    return None


def check_in_a_bare_coroutine(policy: RetryPolicy, clock: VirtualClock, signal_type: type[BaseException]) -> None:
    """Event loops have their own ways with these three, so drive the coroutine by hand."""
    raised = signal_type()

    @with_retry(policy, clock=clock)
    async def service() -> None:
        raise raised

    with pytest.raises(signal_type) as caught:
        service().send(None)
    assert caught.value is raised
    assert clock.sleeps == []


def test_promise_3_cancellation_passes_through_execute_too(clock: VirtualClock) -> None:
    async def main() -> None:
        manager = RetryManager(clock=LoopClock())
        task = asyncio.ensure_future(manager.execute(lambda: asyncio.sleep(60)))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtual(main())
    with pytest.raises(KeyboardInterrupt):
        RetryManager(clock=clock).execute(Door("sync").function(Script(KeyboardInterrupt)))


def test_promise_15_a_cancelled_sleep_ends_at_once_and_makes_no_further_attempt() -> None:
    async def main() -> None:
        for guard_with in (with_retry, in_a_block):
            script, loop = Script(ConnectionResetError), asyncio.get_running_loop()
            began = loop.time()
            task = asyncio.ensure_future(guard_with(clock=LoopClock())(Door("async").function(script))())
            await asyncio.sleep(1 + 1)  # the first wait takes 1 s, the second 2 s
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert loop.time() == began + 2
            assert script.calls == 2
            await asyncio.sleep(60)
            assert script.calls == 2

    run_virtual(main())


def in_a_block(**fields: Any) -> Callable[[Any], Any]:
    def decorate(service: Any) -> Any:
        async def guarded() -> Any:
            async for attempt in retrying(**fields):
                with attempt:
                    return await service()
            return None

        return guarded

    return decorate


def test_promise_15_a_cancelled_sleep_in_a_block_leaves_nothing_behind() -> None:
    class LeakError(ConnectionError):
        """Told from the errors of other tests."""

    async def main() -> None:
        for _ in range(3):
            task = asyncio.ensure_future(in_a_block(clock=LoopClock())(Door("async").function(Script(LeakError)))())
            await asyncio.sleep(0.5)
            task.cancel()
            await asyncio.wait([task])

    run_virtual(main())
    gc.collect()
    gc.disable()
    try:
        run_virtual(main())
        assert not [o for o in gc.get_objects() if type(o) is LeakError]
    finally:
        gc.enable()


def test_a_threads_sleep_is_ended_by_ctrl_c() -> None:
    script = Script(ConnectionResetError)
    guarded = with_retry(backoff={"type": "fixed", "initial_delay": 3600})(Door("sync").function(script))
    interrupt = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background may ignore it
    try:
        interrupt.start()
        with pytest.raises(KeyboardInterrupt):
            guarded()
        interrupt.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert script.calls == 1


def test_a_sleep_in_a_sync_block_that_is_interrupted_lets_go_of_the_error() -> None:
    class InterruptedClock(VirtualClock):
        def sleep(self, duration: float) -> None:
            raise KeyboardInterrupt

    script = Script(ConnectionResetError)
    with pytest.raises(KeyboardInterrupt):
        for attempt in retrying(clock=InterruptedClock()):
            with attempt:
                script.next()
    assert script.calls == 1


def test_a_real_task_sleeping_on_the_system_clock_ends_at_once_when_it_is_cancelled() -> None:
    async def main() -> None:
        script = Script(ConnectionResetError)
        guarded = with_retry(backoff={"type": "fixed", "initial_delay": 3600})(Door("async").function(script))
        task = asyncio.ensure_future(guarded())
        while not script.calls:
            await asyncio.sleep(0)
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert script.calls == 1

    asyncio.run(main())
