"""The guarded form of a function: a wrapper that does nothing until the function fails.

The success path is the reason for how this file looks. A plain call that succeeds costs the call itself, one look at
the type of its result (it might be an awaitable, which has to be guarded while it is awaited), and nothing else: no
clock, no lock, no object. What a policy wants beyond that is settled when it is bound, not at each call: the wrapper
then has the function itself to call if there is nothing to do before it fails, one that notes the time if there is a
limit to keep, or None if the whole call has to be watched from the beginning.
"""

from __future__ import annotations

from functools import partial

from .._runtime import aio, threads
from .._runtime.callables import is_awaitable
from .._runtime.repetition import AT_ONCE
from .._runtime.tailor import Handed, PlainTypes, Template, beneath, hand, tailor
from ..contexts import START, collecting, phases
from ..errors.classifier import result_judge
from ..functions import is_async, name_of
from ..journal import report_broken
from ..switch import is_off
from ..timeout.marks import current, nearest, note_leaves_work
from ..typed import TYPE_CHECKING
from .call import RetryCall, Returned

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from ..clock import Clock
    from ..errors import ErrorClassifier
    from ..timeout.marks import Limit, Mark
    from .policy import RetryPolicy
    from .source import PolicySource

_QUIET = Template(
    "retry",
    "binding, deadline, whole, recover, settle, plain, inner",
    """
call = binding.now
if call is None or ((mark := deadline()) is not None and mark[0] <= mark[1]()):
    return AWAIT whole(ARGS, KWARGS)
try:
    result = AWAIT CALL(call)
except Handed as handed:                                                              #: trusting
    return settle(handed.taken(), ARGS, KWARGS)                                       #: trusting
except Exception as error:
    failure = error
else:
    if type(result) is not plain.first:                                               #: looking
        if type(result) is not plain.second and id(type(result)) not in plain.by_id:  #: looking
            return settle(result, ARGS, KWARGS)                                       #: looking
    return result
try:
    return AWAIT recover(failure, ARGS, KWARGS)
finally:
    del failure
""",
)


class _Begun:
    """Stands in for a result when a call with a limit on its time did not simply succeed."""

    __slots__ = ("failure", "pending", "started")

    def __init__(self, started: float, failure: Exception | None, pending: Awaitable[Any] | None) -> None:
        self.started = started
        self.failure = failure
        self.pending = pending


def guard(
    function: Callable[..., Any],
    source: PolicySource,
    clock: Clock,
    classifier: ErrorClassifier,
    *,
    name: str | None = None,
) -> Any:
    """Return `function` guarded by the source's policy, with its looks kept. `name` is for notes and events."""
    name = name_of(function) if name is None else name

    def begin(attempts: int = 0, started: float | None = None) -> RetryCall:
        return RetryCall(name, source.policy(), clock, classifier, attempts=attempts, started=started)

    if is_async(function):
        return _guard_async(function, source, classifier, begin)
    return _guard_plain(function, name, source, clock, begin, classifier=classifier)


def _report(what: str, broken: Callable[..., object]) -> None:
    report_broken("retry", what, broken)


def _judged(function: Callable[..., Any], classifier: ErrorClassifier, plain: PlainTypes) -> Callable[..., Any]:
    """Return what calls the function and raises a result that is a failure, so that it goes the way of failures."""
    judge = result_judge(classifier, _report)

    def judged(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if type(result) is not plain.first and is_awaitable(result):
            return result  # what comes of it is judged when it has been awaited
        seen = judge(result)
        if seen is not None:
            raise Returned(result, seen)
        return result

    return judged


def _judged_async(function: Callable[..., Any], classifier: ErrorClassifier) -> Callable[..., Any]:
    """Do the same for an async function."""
    judge = result_judge(classifier, _report)

    async def judged(*args: Any, **kwargs: Any) -> Any:
        result = await function(*args, **kwargs)
        seen = judge(result)
        if seen is not None:
            raise Returned(result, seen)
        return result

    return judged


def _handing(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return what calls, and raises what the wrapper would else have to look for among the results."""

    def handing(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        if type(result) is _Begun:
            raise Handed(result)
        return hand(result)

    return handing


def _guard_plain(
    function: Callable[..., Any],
    name: str,
    source: PolicySource,
    clock: Clock,
    begin: Callable[..., RetryCall],
    *,
    classifier: ErrorClassifier,
) -> Any:
    plain = PlainTypes()
    inner = beneath(function)  # what the wrapper calls; whatever comes later calls `function`, and looks itself

    read = clock.monotonic

    def timing(function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(limit: Limit, *args: Any, **kwargs: Any) -> Any:
            """Call the function under its limit, and remember when that was."""
            _, phase = phases
            if phase is START and collecting():
                return function(*args, **kwargs)
            started = read()
            at = started + limit.seconds
            outer = current.get()
            if outer is None or (outer[1] is read and outer[0] > at):
                mark: Mark = (at, read, None, limit, 0, None)
            else:
                mark = nearest(at, read, limit, limit.of)
            try:
                current.set(mark)
                result = function(*args, **kwargs)
            except Exception as error:
                return _Begun(started, limit.caused(error, at) or error, None)
            finally:
                current.set(outer)
            return _Begun(started, None, result) if is_awaitable(result) else result

        return timed

    def decide(policy: RetryPolicy) -> Callable[..., Any] | None:
        if policy.watches_success or policy.uses_workers:
            return None
        limit = policy.first_limit(name)
        first = _judged(function, classifier, plain) if policy.classify_results else function
        if first is function and limit is None:
            return inner
        call = first if limit is None else partial(timing(first), limit)
        return call if inner is function else _handing(call)

    binding = source.binding(decide)

    def whole(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make the call with everything that any policy may ask for, from the first attempt on."""
        if is_off():
            return function(*args, **kwargs)
        binding.bind()
        return conclude(begin(), partial(function, *args, **kwargs), AT_ONCE)

    def recover(failure: Exception, args: tuple[Any, ...], kwargs: dict[str, Any], started: float | None = None) -> Any:
        """Carry on after the first attempt failed."""
        run = begin(attempts=1, started=started)
        try:
            delay = run.failed(failure)
        finally:
            del failure  # a traceback will keep this frame
        return conclude(run, partial(function, *args, **kwargs), delay)

    def settle(result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Look at a result of a type that is not known to be plain."""
        started = None
        if type(result) is _Begun:
            started, failure, pending = result.started, result.failure, result.pending
            result.failure = None  # the wrapper's frame still holds the object
            result = pending
            if failure is not None:
                try:
                    return recover(failure, args, kwargs, started)
                finally:
                    del failure
        if is_awaitable(result):
            return _carry_on(begin(attempts=1, started=started), result, partial(function, *args, **kwargs))
        plain.learn(result)
        return result

    wrapper = tailor(
        _QUIET,
        function,
        binding=binding,
        deadline=current.get,
        whole=whole,
        recover=recover,
        settle=settle,
        plain=plain,
        inner=inner,
    )
    if source.is_named or source.policy().uses_workers:
        note_leaves_work(wrapper)  # also if the name may yet come to stand for such a policy
    return wrapper


def conclude(run: RetryCall, call: Callable[[], Any], delay: float | None) -> Any:
    """Make the attempts that are left and return the value or raise the error; or return what does so when awaited."""
    pending = threads.repeat(run, call, delay)
    return run.conclude() if pending is None else _carry_on(run, pending, call)


async def _carry_on(run: RetryCall, pending: Awaitable[Any], call: Callable[[], Any]) -> Any:
    await aio.resume(run, pending, call)
    return run.conclude()


def _guard_async(
    function: Callable[..., Any], source: PolicySource, classifier: ErrorClassifier, begin: Callable[..., RetryCall]
) -> Any:
    def decide(policy: RetryPolicy) -> Callable[..., Any] | None:
        if policy.watches_success or policy.is_timed:
            return None
        return _judged_async(function, classifier) if policy.classify_results else function

    binding = source.binding(decide)

    async def whole(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if is_off():
            return await function(*args, **kwargs)
        binding.bind()
        run = begin()
        await aio.repeat(run, partial(function, *args, **kwargs), AT_ONCE)
        return run.conclude()

    async def recover(failure: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        run = begin(attempts=1)
        try:
            delay = run.failed(failure)
        finally:
            del failure
        await aio.repeat(run, partial(function, *args, **kwargs), delay)
        return run.conclude()

    return tailor(
        _QUIET,
        function,
        binding=binding,
        deadline=current.get,
        whole=whole,
        recover=recover,
        settle=None,
        plain=None,
        inner=function,
    )
