"""Retry: what is tried again, what comes out, and what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import weakref
from typing import Any

from ..adapters.base import ASYNC, Adapter
from ..endings import NotOfferedError, expect
from ..labs import Lab
from .base import scenario


@scenario("retry", expects="With 30 % transient failures and 4 attempts, more than 98 % of the calls succeed.")
def transient_failures(lab: Lab, library: Adapter) -> None:
    chance = random.Random(20260101)

    def answer() -> str:
        if chance.random() < 0.3:
            raise library.failure("for a moment")
        return "fine"

    with lab.no_waiting():
        guarded = library.retry(lab, lab.service(answer).function, attempts=4)
        good = sum(lab.call(guarded).value == "fine" for _ in range(500))
    expect(good > 490, f"{good} of 500 calls succeed")


@scenario("retry", expects="What comes out at the end is the function's last exception: the same object.")
def own_exception(lab: Lab, library: Adapter) -> None:
    service = lab.service(library.failure)
    ending = lab.call(library.retry(lab, service.function, attempts=3))
    expect(service.calls == 3, f"{service.calls} attempts were made instead of 3")
    expect(ending.error is service.raised[-1], f"the call {ending.shown()}")


@scenario(
    "retry",
    expects="A failure that was caught and dropped is freed at once: nothing keeps it until a garbage collection.",
)
def failure_freed(lab: Lab, library: Adapter) -> None:
    kept: list[weakref.ref[Exception]] = []

    def fail() -> None:
        error = type("NoAnswer", (library.failure,), {})("no answer")
        kept.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    guarded = library.retry(lab, lab.service(fail).function, attempts=3)

    def call_on() -> None:
        for _ in range(20):
            with contextlib.suppress(Exception):
                guarded()

    async def call_on_async() -> None:
        for _ in range(20):
            with contextlib.suppress(Exception):
                await guarded()

    lab.call(guarded)
    kept.clear()
    gc.collect()
    gc.disable()
    try:
        lab.call(call_on if lab.door == "sync" else call_on_async)
        left = sum(reference() is not None for reference in kept)
    finally:
        gc.enable()
    # The last call's error may still be known to the interpreter.
    expect(left <= 3, f"of {len(kept)} exceptions that nobody looks at any more, {left} are still there")


@scenario(
    "retry",
    expects="KeyboardInterrupt, SystemExit and asyncio.CancelledError end the call at once, as they are, "
    "also where every Exception is retried.",
)
def interrupts_pass(lab: Lab, library: Adapter) -> None:
    kinds: tuple[type[BaseException], ...] = (KeyboardInterrupt, SystemExit)
    if lab.door == "async":
        kinds = (asyncio.CancelledError,)
    for kind in kinds:
        interrupt = kind("stop")
        service = lab.service(interrupt, "fine")
        ending = lab.call(library.retry(lab, service.function, attempts=3, broad=True))
        expect(ending.error is interrupt, f"after {kind.__name__} the call {ending.shown()}")
        expect(service.calls == 1, f"after {kind.__name__}, {service.calls - 1} more attempts were made")


@scenario(
    "retry", doors=ASYNC, expects="A call cancelled during its back-off ends at once and makes no further attempt."
)
def cancelled_sleep(lab: Lab, library: Adapter) -> None:
    service = lab.service(library.failure)
    going = lab.start(library.retry(lab, service.function, attempts=3, delay=30))
    lab.until(lambda: service.calls == 1, "the first attempt is made")
    for _ in range(5):
        lab.turn()
    going.cancel()
    ended = lab.eventually(going.done)
    expect(ended, "the call goes on")
    error = going.ending().error
    expect(isinstance(error, asyncio.CancelledError), f"the call {going.ending().shown()}")
    expect(service.calls == 1, f"{service.calls - 1} more attempts were made")


@scenario("retry", expects="Nonsense is refused when the policy is made: 0 attempts, -1 attempts.")
def bad_attempts(lab: Lab, library: Adapter) -> None:
    for attempts in (0, -1):
        _is_refused(lab, library, f"{attempts} attempts", attempts=attempts)


@scenario("retry", expects="Nonsense is refused when the policy is made: a delay that is negative, or not a number.")
def bad_delays(lab: Lab, library: Adapter) -> None:
    for delay in (-1.0, float("nan")):
        _is_refused(lab, library, f"a delay of {delay}", delay=delay)


def _is_refused(lab: Lab, library: Adapter, what: str, **options: Any) -> None:
    try:
        library.retry(lab, lab.service("fine").function, **options)
    except NotOfferedError:
        raise
    except Exception:
        return
    expect(False, f"{what} is accepted")


@scenario(
    "retry", expects="When the last attempt still gives a bad result, the caller gets an error, not the bad result."
)
def bad_result(lab: Lab, library: Adapter) -> None:
    service = lab.service("bad")
    ending = lab.call(library.retry(lab, service.function, attempts=3, bad=lambda result: result == "bad"))
    expect(service.calls == 3, f"{service.calls} attempts were made instead of 3")
    expect(isinstance(ending.error, Exception), f"the call {ending.shown()}")


@scenario("retry", expects="A callback that raises changes nothing: the call is tried again and succeeds.")
def raising_callback(lab: Lab, library: Adapter) -> None:
    def callback() -> None:
        raise RuntimeError("a bug in a metrics client")

    service = lab.service(library.failure, "fine")
    ending = lab.call(library.retry(lab, service.function, attempts=3, on_retry=callback))
    expect(ending.value == "fine", f"the call {ending.shown()}")
