"""The guarded form of a function: a wrapper that does nothing until the function fails, except to keep a good value.

Whoever has last good values keeps each value as it comes, which is a store into a dict. Whoever has a `refresh_after`
takes the long way, `run`, as there it may be that no call is made at all.
"""

from __future__ import annotations

import weakref
from types import FunctionType

from .._runtime.callables import is_awaitable
from .._runtime.tailor import PlainTypes, Template, tailor
from ..functions import is_async, name_of
from ..switch import is_off
from ..timeout.marks import leaves_work, note_leaves_work
from ..typed import TYPE_CHECKING
from .answers import NOTHING, all_steps, gives_awaitables
from .shelf import Claim

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from ..registry import Binding
    from .memory import Memory
    from .recovery import Answerer
    from .shelf import Good

_BODY = """
fallback = binding.now
if fallback is None{long_way}:
    return AWAIT run(binding, memory, function, ARGS, KWARGS)
try:
    result = AWAIT CALL(function)
except Exception as error:
    if (result := AWAIT recover(fallback, memory, error, ARGS, KWARGS)) is nothing:
        raise
    try:
        return result
    finally:
        del result  # it may be the error, which leads to this frame
if type(result) is not plain.first:                                               #: plain
    if type(result) is not plain.second and id(type(result)) not in plain.by_id:  #: plain
        return settle(fallback, result, ARGS, KWARGS)                             #: plain
{keeping}return result
"""
_NAMES = "binding, memory, run, recover, settle, plain, nothing"

_QUIET = Template("fallback", _NAMES, _BODY.format(long_way="", keeping=""))
_KEEPING = Template(
    "fallback",
    _NAMES,
    _BODY.format(
        long_way=" or fallback.renewed is not None",
        keeping="if fallback.last_good is not None:\n    memory.keep(fallback, result, ARGS, KWARGS)\n",
    ),
)
_KEEPING_BY_ARGUMENTS = Template(
    "fallback",
    _NAMES + ", entries",
    _BODY.format(
        long_way=" or fallback.renewed is not None",
        keeping="""\
if fallback.goes_by_arguments:
    try:
        entries[ARGS].good = (fallback.read(), result, False)
        return result
    except Exception:
        pass
if fallback.last_good is not None:
    memory.keep(fallback, result, ARGS, KWARGS)
""",
    ),
)
"""The same as `Memory.keep` does, on the spot, where there is a value already that the new one takes the place of."""


def wrap(binding: Binding[Answerer], function: Callable[..., Any], memory: Memory | None = None) -> Any:
    """Return `function` guarded by the fallback that is bound, with its looks kept.

    `memory` is that of the function, if it is to outlive this wrapper.

    Raises TypeError if it is a plain function and the fallback, if that is settled, an async one.
    """
    fixed = binding.bind() if binding.is_fixed else None
    if fixed is not None:
        check_fits(fixed, function)
    is_quiet = fixed is not None and fixed.last_good is None
    if memory is None:
        from .memory import Memory

        memory = Memory(gives_awaitables=gives_awaitables(function))
    plain = PlainTypes()

    def settle(fallback: Answerer, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Look at a result of a type that is not known to be plain."""
        if not is_awaitable(result):
            plain.learn(result)
        return _settled(fallback, memory, result, args, kwargs)

    asynchronous = is_async(function)
    template = _KEEPING
    more: dict[str, Any] = {}
    if is_quiet:
        template = _QUIET
    elif _takes_no_keywords(function) and memory.goes_by_arguments:
        template, more = _KEEPING_BY_ARGUMENTS, {"entries": memory.shelf.entries}
    wrapper = tailor(
        template,
        function,
        binding=binding,
        memory=memory,
        run=run_async if asynchronous else run,
        recover=recover_async if asynchronous else recover,
        settle=settle,
        plain=plain,
        nothing=NOTHING,
        **more,
    )
    if not asynchronous and (fixed is None or any(leaves_work(step.thing) for step in all_steps(fixed.chain))):
        note_leaves_work(wrapper)  # also if the name may yet come to stand for such an answer
    return wrapper


def _takes_no_keywords(function: object) -> bool:
    """Whether all arguments of a function are positional ones for its wrapper."""
    if not isinstance(function, FunctionType):
        return False
    code = function.__code__
    return not code.co_kwonlyargcount and not code.co_flags & _VARKEYWORDS


_VARKEYWORDS = 0x08  # a bit of `code.co_flags`, as documented in the `inspect` module


def check_fits(fallback: Answerer, function: Callable[..., Any]) -> None:
    """Raise TypeError for a plain function with an answer that has to be awaited, which nobody would do."""
    for step in all_steps(fallback.chain):
        if step.is_async and not is_async(function) and gives_awaitables(function) is False:
            raise TypeError(
                f"fallback cannot guard {name_of(function)}, a plain function, with {name_of(step.thing)}, an "
                f"async one, which nobody would await: make {name_of(function)} `async def`, or the fallback a plain "
                f"function; if {name_of(function)} returns something to await, annotate it as `-> Awaitable[...]`"
            )


# Plain functions.


def run(
    binding: Binding[Answerer],
    memory: Memory,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Make one call of a plain function with everything that may be asked for."""
    if is_off():
        return function(*args, **kwargs)
    return call(binding.now or binding.bind(), memory, function, args, kwargs)


def call(
    fallback: Answerer, memory: Memory, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Do the same under this fallback."""
    claim = None if fallback.renewed is None else Claim()
    try:
        good, memory = _visited(fallback, memory, claim, args, kwargs)
        if good is not None:
            return _given(good[1]) if good[2] else good[1]
        result = function(*args, **kwargs)
        settled = _settled(fallback, memory, result, args, kwargs)
        if claim is not None and settled is not result:
            claim.holder = weakref.ref(settled)
        return settled  # noqa: TRY300  the claim is given up below
    except Exception as error:
        answer = recover(fallback, memory, error, args, kwargs)
        if answer is NOTHING:
            raise
        try:
            return answer
        finally:
            del answer  # it may be the error, which leads to this frame
    finally:
        if claim is not None and claim.holder is None:
            claim.is_released = True


def _visited(
    fallback: Answerer, memory: Memory, claim: Claim | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Good | None, Memory]:
    """Return the good value that answers without a call, if there is one, and what remembers this call's value.

    `claim`, if values are made anew after some time, is the caller's, which gives it up at the end.
    """
    renewed = fallback.renewed
    if renewed is None or claim is None:
        return None, memory
    key = memory.key(renewed, args, kwargs)
    return memory.visit(fallback, renewed, key, claim), memory.of_call(key)


def _settled(fallback: Answerer, memory: Memory, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return a result that was kept, or what is guarded as it is awaited."""
    awaitable = is_awaitable(result)
    memory.learn(awaitable=awaitable)
    if awaitable:
        return _awaited(fallback, memory, result, args, kwargs)
    memory.keep(fallback, result, args, kwargs)
    return result


def recover(fallback: Answerer, memory: Memory, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what answers for a call that failed, while that is being handled; `NOTHING` if it is to be raised on."""
    from .recovery import Recovery, answered, handed_over

    recovery = Recovery(fallback, memory, error, args, kwargs)
    try:
        if memory.gives_awaitables and recovery.is_meant:  # then that is what the caller is ready for
            return handed_over(recovery)
        with recovery:
            return answered(recovery)
    finally:
        del error, recovery


# Async functions, and what plain functions return to be awaited.


async def run_async(
    binding: Binding[Answerer],
    memory: Memory,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Make one call of an async function with everything that may be asked for."""
    if is_off():
        return await function(*args, **kwargs)
    return await call_async(binding.now or binding.bind(), memory, function, args, kwargs)


async def call_async(
    fallback: Answerer, memory: Memory, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Do the same under this fallback."""
    claim = None if fallback.renewed is None else Claim()
    try:
        good, memory = _visited(fallback, memory, claim, args, kwargs)
        if good is not None:
            return good[1]
        return await _awaited(fallback, memory, _begun(function, args, kwargs), args, kwargs)
    finally:
        if claim is not None:
            claim.is_released = True


async def _begun(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return await function(*args, **kwargs)  # where it is awaited, also if there is nothing to await yet when it fails


async def _awaited(
    fallback: Answerer, memory: Memory, pending: Awaitable[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Await a call that is under way."""
    try:
        result = await pending
    except Exception as error:
        answer = await recover_async(fallback, memory, error, args, kwargs)
        if answer is NOTHING:
            raise
        try:
            return answer
        finally:
            del answer  # as in `call`
    memory.keep(fallback, result, args, kwargs, awaited=True)
    return result


async def recover_async(
    fallback: Answerer, memory: Memory, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Do as `recover` does, in a task."""
    from .recovery import Recovery, answered_async

    recovery = Recovery(fallback, memory, error, args, kwargs)
    try:
        with recovery:
            return await answered_async(recovery)
    finally:
        del error, recovery


async def _given(value: Any) -> Any:
    return value
