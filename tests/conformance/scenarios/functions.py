"""Any guard: what becomes of the function that is decorated."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from ..adapters.base import ASYNC, Adapter, Function
from ..endings import NotOfferedError, expect
from ..labs import Lab
from ..services import Gate
from .base import scenario

GUARDS = ("retry", "circuit breaker", "bulkhead")


@scenario(
    *GUARDS,
    any_of=True,
    expects="A decorated function keeps its name, docstring and signature, and whether it is async.",
)
def face_kept(lab: Lab, library: Adapter) -> None:
    async def look_up_async(word: str, *, deep: bool = False) -> str:
        """Look a word up."""
        return word

    def look_up(word: str, *, deep: bool = False) -> str:
        """Look a word up."""
        return word

    function: Function = look_up if lab.door == "sync" else look_up_async
    guarded = _guarded(lab, library, function)
    expect(guarded.__name__ == function.__name__, f"the name is {guarded.__name__}")
    expect(guarded.__doc__ == function.__doc__, f"the docstring is {guarded.__doc__!r}")
    expect(inspect.signature(guarded) == inspect.signature(function), f"signature{inspect.signature(guarded)}")
    expect(
        inspect.iscoroutinefunction(guarded) == inspect.iscoroutinefunction(function),
        "an async function is not async any more",
    )


@scenario(
    *GUARDS,
    any_of=True,
    doors=ASYNC,
    expects="A partial of an async function is guarded while it runs, or refused when it is decorated.",
)
def partial_of_async(lab: Lab, library: Adapter) -> None:
    _is_guarded(lab, library, lambda function: functools.partial(function, "kelp"))


@scenario(
    *GUARDS,
    any_of=True,
    doors=ASYNC,
    expects="A plain function that returns a coroutine is guarded while that is awaited, or refused when it is decorated.",
)
def coroutine_returned(lab: Lab, library: Adapter) -> None:
    def wrapped(function: Function) -> Function:
        def look_up() -> Any:
            return function("kelp")

        return look_up

    _is_guarded(lab, library, wrapped)


def _guarded(lab: Lab, library: Adapter, function: Function) -> Function:
    """The function behind the first guard that the library has for this door."""
    if lab.door in library.patterns.get("retry", ()):
        return library.retry(lab, function)
    if lab.door in library.patterns.get("circuit breaker", ()):
        return library.breaker(lab).guard(function)
    return library.bulkhead(lab, permits=1).guard(function)


def _is_guarded(lab: Lab, library: Adapter, wrap: Any) -> None:
    script: tuple[Any, ...] = (library.failure, library.failure, "fine")
    retried = lab.door in library.patterns.get("retry", ())
    service = lab.service(*script) if retried else lab.service(library.failure)
    try:
        guarded = _guarded(lab, library, wrap(service.function))
    except NotOfferedError:
        raise
    except Exception:
        return  # it is refused
    if retried:
        ending = lab.call(guarded)
        expect(ending.value == "fine", f"it {ending.shown()} after {service.calls} attempt(s)")
        return
    if lab.door in library.patterns.get("circuit breaker", ()):
        for _ in range(6):
            lab.call(guarded)
        expect(service.calls <= 3, f"with a threshold of 3, {service.calls} failing calls were let through")
        return
    gate = Gate()
    service = lab.service(gate)
    guarded = _guarded(lab, library, wrap(service.function))
    going = [lab.start(guarded) for _ in range(2)]
    lab.eventually(lambda: gate.arrived == 2, 0.1)
    arrived = gate.arrived
    gate.open()
    for one in going:
        one.ending()
    expect(arrived == 1, f"with one permit, {arrived} calls were inside")
