"""The guarded form of a function: while the circuit is closed, a success is tallied without a lock, and that is all."""

from __future__ import annotations

from .._runtime.callables import is_awaitable
from .._runtime.tailor import PlainTypes, Template, beneath, tailor
from ..errors import CircuitOpenError
from ..functions import is_async
from ..switch import is_off
from ..timeout.config import TimeoutConfig
from ..timeout.guard import TimeGuard
from ..timeout.manager import get_timeout_manager
from ..timeout.marks import note_leaves_work
from ..typed import TYPE_CHECKING
from .outcome import failure_in
from .permit import CircuitPermit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from .._runtime.queueing import Stopwatch
    from ..registry import Binding
    from .outcome import ReturnedFailure
    from .permit import Breaker
    from .state import Closed


_QUIET = Template(
    "circuit breaker",
    "binding, run, settle, plain, inner",
    """
breaker = binding.now
if breaker is None or (phase := breaker.quiet) is None:
    return AWAIT run(binding.now or binding.bind(), function, ARGS, KWARGS)       #: async
    return run(binding.now or binding.bind(), function, ARGS, KWARGS)             #: outermost
    return hand(run(binding.now or binding.bind(), function, ARGS, KWARGS))       #: beneath
try:
    result = AWAIT CALL(inner)
except Handed as handed:                                                          #: trusting
    result = settle(breaker, phase, handed.taken())                               #: trusting
    return result                                                                 #: trusting outermost
    handed.result = result                                                        #: trusting beneath
    raise                                                                         #: trusting beneath
except BaseException as error:
    breaker.ended(phase, error)
    raise
if type(result) is not plain.first:                                               #: looking
    if type(result) is not plain.second and id(type(result)) not in plain.by_id:  #: looking
        return settle(breaker, phase, result)                                     #: looking outermost
        return hand(settle(breaker, phase, result))                               #: looking beneath
read = breaker.monotonic
now = read()
if now >= phase.quiet_until:
    breaker.ended(phase, None)
    return result
phase.last_success = now
number = next(phase.tally)
if breaker.quiet is not phase:
    breaker.tallied_late(phase, number)
return result
""",
)

_EACH = Template("circuit breaker", "find, run", "return AWAIT run(find(ARGS, KWARGS), function, ARGS, KWARGS)")


def wrap(binding: Binding[Breaker], function: Callable[..., Any]) -> Any:
    """Return `function` guarded by the breaker that is bound, with its looks kept."""
    plain = PlainTypes()

    def settle(breaker: Breaker, phase: Closed, result: Any) -> Any:
        """Look at a result of a type that is not known to be plain."""
        if is_awaitable(result):
            return _awaited(breaker, CircuitPermit(breaker, phase, None), result)
        plain.learn(result)
        breaker.ended(phase, None)
        return result

    runner = run_async if is_async(function) else run
    wrapper = tailor(_QUIET, function, binding=binding, run=runner, settle=settle, plain=plain, inner=beneath(function))
    if runner is run and (not binding.is_fixed or binding.now is None or binding.now.settings.timeout is not None):
        note_leaves_work(wrapper)  # also if the name may yet come to stand for a breaker with a timeout
    return wrapper


def wrap_each(find: Callable[[tuple[Any, ...], dict[str, Any]], Breaker], function: Callable[..., Any]) -> Any:
    """Return `function` guarded, each call by the breaker that `find` names for its arguments."""
    runner = run_async if is_async(function) else run
    wrapper = tailor(_EACH, function, as_called=True, find=find, run=runner)
    if runner is run:
        note_leaves_work(wrapper)
    return wrapper


def run(breaker: Breaker, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Make one call of a plain function with everything that any config may ask for."""
    if is_off():
        return function(*args, **kwargs)
    phase = breaker.calm
    if phase is not None:
        return _run_calmly(breaker, phase, function, args, kwargs)
    fallback = breaker.settings.fallback
    if fallback is None:
        permit = breaker.admit()
    else:
        try:
            permit = breaker.admit()
        except CircuitOpenError:
            return fallback()
    if breaker.settings.timeout is not None:
        function = _limited(breaker, function)
    watch = _watch(breaker)
    try:
        if watch is None:
            result = function(*args, **kwargs)
        else:
            with watch:
                result = function(*args, **kwargs)
        if is_awaitable(result):
            return _awaited(breaker, CircuitPermit(breaker, permit, watch), result)
        failure = failure_in(result, breaker.classifier) if breaker.settings.classify_results else None
    except BaseException as error:
        breaker.ended(permit, error, watch)
        raise
    breaker.ended(permit, failure, watch)
    return result


async def run_async(
    breaker: Breaker, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Do the same for an async function."""
    if is_off():
        return await function(*args, **kwargs)
    phase = breaker.calm
    if phase is not None:
        return await _run_calmly_async(breaker, phase, function, args, kwargs)
    fallback = breaker.settings.fallback
    if fallback is None:
        permit = breaker.admit()
    else:
        try:
            permit = breaker.admit()
        except CircuitOpenError:
            answer = fallback()
            return await answer if is_awaitable(answer) else answer
    if breaker.settings.timeout is not None:
        function = _limited(breaker, function)
    watch = _watch(breaker)
    try:
        pending = function(*args, **kwargs)
    except BaseException as error:  # only for arguments that the function does not take
        breaker.ended(permit, error, watch)
        raise
    return await _awaited(breaker, CircuitPermit(breaker, permit, watch), pending)


def _run_calmly(
    breaker: Breaker, phase: Closed, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Make one call through a closed circuit that judges results and does nothing else that takes time."""
    try:
        result = function(*args, **kwargs)
        if is_awaitable(result):
            return _awaited(breaker, CircuitPermit(breaker, phase, None), result)
        failure = failure_in(result, breaker.classifier)
    except BaseException as error:
        breaker.ended(phase, error)
        raise
    _tally(breaker, phase, failure)
    return result


async def _run_calmly_async(
    breaker: Breaker, phase: Closed, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Do the same for an async function."""
    try:
        result = await function(*args, **kwargs)
        failure = failure_in(result, breaker.classifier)
    except BaseException as error:
        breaker.ended(phase, error)
        raise
    _tally(breaker, phase, failure)
    return result


def _tally(breaker: Breaker, phase: Closed, failure: ReturnedFailure | None) -> None:
    """Tally a success as the quiet path does; tell the breaker of anything else."""
    now = breaker.monotonic()
    if failure is not None or now >= phase.quiet_until:
        breaker.ended(phase, failure)
        return
    phase.last_success = now
    number = next(phase.tally)
    if breaker.calm is not phase:
        breaker.tallied_late(phase, number)


async def _awaited(breaker: Breaker, permit: CircuitPermit, pending: Awaitable[Any]) -> Any:
    """Await a call that was let in. If nobody ever awaits this, the permit goes with it, and is abandoned."""
    with permit:
        result = await pending
        if breaker.settings.classify_results:
            permit.end(failure_in(result, breaker.classifier))
        return result


def _limited(breaker: Breaker, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what calls the function in the time that a call may take."""
    settings = breaker.settings
    if settings.timeout is None or settings.mode != "normal":
        return function
    known = breaker.time_guard
    if known is None or known[0] is not settings:
        config = TimeoutConfig(seconds=settings.timeout, mode=settings.timeout_mode)
        name = f"circuit {breaker.name!r}"
        subject = f"a call through {name}"
        guard = TimeGuard(name, lambda: config, get_timeout_manager(), breaker.clock, subject=subject)
        known = breaker.time_guard = (settings, guard)
    return known[1].limited(function)


def _watch(breaker: Breaker) -> Stopwatch | None:
    """Return what times the call, if a rule or a listener asks for that."""
    if not breaker.timed:
        return None
    from .._runtime.queueing import Stopwatch

    return Stopwatch(breaker.clock.monotonic())
