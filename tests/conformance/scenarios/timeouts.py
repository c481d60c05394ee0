"""Timeout: that the caller gets control back, and what else happens."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading

from ..adapters.base import ASYNC, SYNC, Adapter
from ..endings import expect
from ..labs import Lab
from ..services import Gate
from .base import scenario

USER = contextvars.ContextVar("USER", default="nobody")


@scenario(
    "timeout", real_time=True, expects="The caller of a function that hangs gets control back, with a timeout error."
)
def control_back(lab: Lab, library: Adapter) -> None:
    gate = Gate(patience=2)
    guarded = library.timeout(lab, lab.service(gate).function, 0.05)
    began = lab.now()
    ending = lab.call(guarded)
    took = lab.now() - began
    gate.open()
    expect(took < 1.5, f"it took {took:.1f} s")
    expect(isinstance(ending.error, library.timeout_errors()), f"the call {ending.shown()}")


@scenario(
    "timeout",
    real_time=True,
    expects="A TimeoutError that the function itself raises comes out as it is, the same object.",
)
def own_timeout_error(lab: Lab, library: Adapter) -> None:
    mine = TimeoutError("the database's own")
    ending = lab.call(library.timeout(lab, lab.service(mine).function, 5))
    expect(ending.error is mine, f"the call {ending.shown()}")


@scenario(
    "timeout",
    doors=ASYNC,
    real_time=True,
    expects="A cancelled function's clean-up is finished when its caller goes on.",
)
def clean_up_first(lab: Lab, library: Adapter) -> None:
    done: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(5)
        finally:
            for _ in range(3):
                await asyncio.sleep(0)
            done.append("closed")

    ending = lab.call(library.timeout(lab, slow, 0.05))
    expect(ending.error is not None, f"the call {ending.shown()}")
    expect(done, "the caller goes on while the function still cleans up")


@scenario(
    "timeout",
    doors=SYNC,
    real_time=True,
    expects="Context variables of the caller are seen inside a plain function's timeout.",
)
def context_seen(lab: Lab, library: Adapter) -> None:
    seen: list[str] = []
    guarded = library.timeout(lab, lab.service(lambda: seen.append(USER.get())).function, 5)
    token = USER.set("ada")
    try:
        lab.call(guarded)
    finally:
        USER.reset(token)
    expect(seen == ["ada"], f"the caller set it to 'ada'; inside it is {seen[0] if seen else None!r}")


@scenario(
    "timeout",
    doors=SYNC,
    real_time=True,
    expects="Of a hundred calls that time out and hang, fewer than eighty leave a thread behind.",
)
def threads_bounded(lab: Lab, library: Adapter) -> None:
    gate = Gate(patience=10)
    guarded = library.timeout(lab, lab.service(gate).function, 0.003)
    before = threading.active_count()
    for _ in range(100):
        lab.call(guarded)
    more = threading.active_count() - before
    gate.open()
    lab.until(lambda: not gate.inside, "the threads are done")
    expect(more < 80, f"there are {more} more threads")


@scenario(
    "timeout", doors=SYNC, real_time=True, expects="A process can end while a function that timed out still hangs."
)
def process_ends(lab: Lab, library: Adapter) -> None:
    module = __name__.rsplit(".", 2)[0] + ".leaving"
    name = library.name.replace("-", "_")
    process = subprocess.Popen([sys.executable, "-m", module, name], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        expect(said == "leaving\n", f"it said {said!r}")
        try:
            code = process.wait(3)
        except subprocess.TimeoutExpired:
            code = None
    finally:
        process.kill()
        process.communicate()
    expect(code is not None, "3 s after its last line the process is still there")
    expect(code == 0, f"the process ended with {code}")
