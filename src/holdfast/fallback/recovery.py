"""One call that failed, and the answers that are tried for it in turn.

The two drivers, `answered` and `answered_async`, ask a `Recovery` the same questions; the decisions stand there.

Both run while the failure is being handled. So Python itself makes the failure the context of whatever an answer
raises, and that the context of what the next one raises; and where there is no answer, the failure is simply raised on.
Once they are over, no frame of theirs leads to an error: a traceback keeps its frames, and a way back would be a cycle.
"""

from __future__ import annotations

import sys
from types import CoroutineType

from .. import events
from .._runtime.callables import is_awaitable
from ..functions import name_of, refuse_awaitable
from ..journal import logger, report_broken
from ..typed import TYPE_CHECKING
from .answers import NOTHING, Step
from .events import FallbackUsed
from .kinds import Seen, is_meant, matching

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import Any, Protocol

    from ..errors import Classification
    from .answers import Chain, LastGood
    from .config import FallbackConfig
    from .memory import Keeper, Memory

    class Answerer(Keeper, Protocol):
        """What is asked of the fallback that answers."""

        name: str
        settings: FallbackConfig
        chain: Chain
        renewed: LastGood | None
        goes_by_arguments: bool

        def classify(self, error: Exception) -> Classification:
            """Return the verdict on an error."""
            ...


_INFO = 20


def meant(chain: Chain, seen: Seen) -> list[Step]:
    """Return the answers that are meant for the error, in their order."""
    found: list[Step] = []
    for each in chain:
        if isinstance(each, Step):
            found.append(each)
        else:
            found += meant(matching(each.chains, seen, _report) or (), seen)
    return found


class Recovery:
    """What is done about one failure. A `with` block around it counts and tells how it ended."""

    __slots__ = (
        "_args",
        "_error",
        "_fallback",
        "_kwargs",
        "_memory",
        "_seen",
        "_steps",
        "age",
        "is_handed_over",
        "is_meant",
        "step",
    )

    def __init__(
        self, fallback: Answerer, memory: Memory, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self._fallback = fallback
        self._memory = memory
        self._error = error
        self._args = args
        self._kwargs = kwargs
        self._seen = Seen(error, fallback.classify)
        self.step: Step | None = None
        self.age: float | None = None
        self.is_handed_over = False
        self.is_meant = is_meant(fallback.settings.on, self._seen, _report)
        self._steps = iter(meant(fallback.chain, self._seen) if self.is_meant else ())
        if events.watchers:
            from ..failures import note

            note("fallback", fallback.name, error, self._seen.verdict)

    def advance(self) -> bool:
        """Go on to the next answer; False if there is none left."""
        self.step = next(self._steps, None)
        return self.step is not None

    def ask(self) -> Any:
        """Return what the answer at hand is, or `NOTHING`."""
        step = self.step
        assert step is not None  # noqa: S101  after `advance`
        try:
            if step.kind == "value":
                return step.thing
            if step.kind == "function":
                return step.thing(self._error) if step.takes_error else step.thing()
            if step.kind == "instead":
                return step.thing(*self._args, **self._kwargs)
            good = self._memory.recall(self._fallback, step.thing, self._args, self._kwargs)
            if good is None:
                return NOTHING
            self.age = self._fallback.read() - good[0]
            return good[1]
        finally:
            del self  # it leads to the error, which may be what the function raises

    def awaits(self, answer: Any) -> bool:
        """Whether the answer, which was just given, has to be awaited; a value that was kept is what it is."""
        step = self.step
        return step is not None and step.kind in {"function", "instead"} and is_awaitable(answer)

    def check_wanted(self, pending: Any) -> None:
        """Raise TypeError if nobody would await that answer, as the function is a plain one."""
        step = self.step
        if step is not None and self._memory.gives_awaitables is False:
            if isinstance(pending, CoroutineType):
                pending.close()  # or it would complain that nobody awaited it
            raise TypeError(
                f"{self._fallback.name}: its fallback {name_of(step.thing)} gave something to await, but the function "
                "is a plain one: make it `async def`, or the fallback a plain function; if the function returns "
                "something to await, annotate it as `-> Awaitable[...]`"
            )

    def failed(self, own: Exception) -> None:
        """The answer at hand raised `own`; the next one is tried, if there is one."""
        logger("fallback").info(
            "%s: an answer (%s) failed with %s",
            self._fallback.name,
            "" if self.step is None else self.step.kind,
            type(own).__qualname__,
        )

    # How it ends.

    def __enter__(self) -> None:
        self.is_handed_over = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self._fallback.tally.add("failed" if issubclass(kind, Exception) else "abandoned")
        elif self.is_handed_over:
            return
        elif self.step is None:
            self._fallback.tally.add("unanswered")
        else:
            self._fallback.tally.add(self.step.kind)
            self._tell(self.step)

    def _tell(self, step: Step) -> None:
        fallback = self._fallback
        kind = type(self._error).__qualname__
        log = logger("fallback")
        if log.isEnabledFor(_INFO):
            code = self._seen.verdict.code
            log.info("%s: answered for by its fallback (%s) after %s (%s)", fallback.name, step.kind, kind, code)
        if events.listeners:
            events.emit(
                FallbackUsed(
                    name=fallback.name,
                    kind=step.kind,
                    error_type=kind,
                    category=str(self._seen.verdict.category),
                    code=str(self._seen.verdict.code),
                    age=self.age if step.kind == "last_good" else None,
                )
            )
        on_fallback = fallback.settings.on_fallback
        if on_fallback is not None:
            try:
                refuse_awaitable(on_fallback(self._error))
            except Exception:
                _report("on_fallback", on_fallback)


def _report(what: str, function: Callable[..., object]) -> None:
    report_broken("fallback", what, function)


def answered(recovery: Recovery) -> Any:
    """Return the first answer there is, or `NOTHING`; what goes on when awaited, if an answer has to be awaited."""
    try:
        answer: Any = NOTHING
        while answer is NOTHING:
            if not recovery.advance():
                return NOTHING
            answer = recovery.ask()
        if not recovery.awaits(answer):
            return answer
        recovery.check_wanted(answer)
        return handed_over(recovery, answer)
    except Exception as own:
        recovery.failed(own)
        answer = answered(recovery)
        if answer is NOTHING:
            raise
        return answer
    finally:
        del recovery


async def answered_async(recovery: Recovery, answer: Any = NOTHING) -> Any:
    """Do the same in a task, where answers are awaited; `answer` is one that was had already."""
    try:
        while answer is NOTHING:
            if not recovery.advance():
                return NOTHING
            answer = recovery.ask()
        return await answer if recovery.awaits(answer) else answer
    except Exception as own:
        recovery.failed(own)
        answer = await answered_async(recovery)
        if answer is NOTHING:
            raise
        return answer
    finally:
        del recovery


def handed_over(recovery: Recovery, answer: Any = NOTHING) -> Awaitable[Any]:
    """Return what goes on in a task, from `answer` if it is given; what is being handled now is being handled there."""
    failure = sys.exception()
    recovery.is_handed_over = True
    try:
        return _go_on(recovery, failure, answer)
    finally:
        del failure, recovery


async def _go_on(recovery: Recovery, failure: Any, answer: Any) -> Any:
    context = failure.__context__
    try:
        raise failure  # noqa: TRY301  so that it is handled here
    except Exception:
        failure.__context__ = context  # raising it put there what the task was handling, if anything
        with recovery:
            answer = await answered_async(recovery, answer)
        if answer is NOTHING:
            raise
        return answer
    finally:
        del failure, recovery, answer  # which may be the error, too
