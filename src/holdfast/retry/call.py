"""One call with retries: the pure course of it, joined to the clock, the classifier, the budget and whoever listens."""

from __future__ import annotations

import threading
from functools import partial

from .. import events
from .._runtime.repetition import ENOUGH
from .._runtime.system import SystemClock
from ..contexts import START, collecting, phases
from ..errors import Classification, DeadlineExceededError, ErrorCategory, RetryExhaustedError
from ..errors.classifier import result_judge
from ..functions import refuse_awaitable
from ..journal import logger, report_broken
from ..timeout.manager import get_timeout_manager
from ..timeout.marks import Limit, current, current_mark, left
from ..timeout.scope import Scope, expiry
from ..timeout.worker import LEFT_BEHIND, call_in_worker
from ..typed import TYPE_CHECKING
from .context import RetryContext, RetryResult
from .doubled import warn_of_own_retries
from .policy import ask, attempt_limit
from .state import RetryState, Step

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._runtime.repetition import Outcome
    from ..clock import Clock
    from ..errors import ErrorClassifier
    from .policy import RetryPolicy

_NOTE = "holdfast: "


class Returned(Exception):  # noqa: N818  it is no error, and nobody sees it
    """Carries a result that is a failure from a first attempt to where failures are dealt with."""

    def __init__(self, value: Any, seen: Classification) -> None:
        super().__init__()
        self.value = value
        self.seen = seen


_UNKNOWN = Classification(category=ErrorCategory.UNKNOWN, reason="the classifier itself raised")

# A budget is shared and only told the time; one lock serves them all, held for a few additions.
_budgets = threading.RLock()  # re-entrant: a signal handler or a finaliser may make a guarded call of its own


class RetryCall:
    """One guarded call, as the drivers in `_runtime` see it: it is told how attempts end and says what comes next."""

    __slots__ = (
        "_attempt_began",
        "_classifier",
        "_discarded",
        "_outer",
        "_wall",
        "clock",
        "error",
        "last_error",
        "name",
        "state",
        "value",
    )

    def __init__(
        self,
        name: str,
        policy: RetryPolicy,
        clock: Clock,
        classifier: ErrorClassifier,
        *,
        attempts: int = 0,
        started: float | None = None,
        wall: float = 0.0,
    ) -> None:
        self.name = name
        self.clock = clock
        self.value: Any = None
        self.error: Exception | None = None
        self.last_error: Exception | None = None
        self._classifier = classifier
        self._wall = wall
        self._discarded: Any = None
        if started is None and (policy.total_timeout is not None or policy.budget is not None):
            started = clock.monotonic()
        self.state = RetryState(policy, started, attempts)
        self._outer = outer = current_mark()
        self._attempt_began: float | None = None
        if outer is not None:
            self.state.narrow(clock.monotonic() + left(outer), outer[3].whose)
        if started is not None and policy.budget is not None:
            with _budgets:
                policy.budget.record_call(started)

    # What the drivers ask.

    def begin(self) -> bool:
        """Count the attempt that begins now; False if the time for the whole call is over."""
        timed = self.state.deadline is not None or self.state.policy.is_timed
        self._attempt_began = now = self.clock.monotonic() if timed else None
        if self.state.begin(0.0 if now is None else now):
            return True
        when = "when the wait ended"
        if self.last_error is None:
            self.error = self.last_error = self._not_begun()
            when = "before it began"
            if events.watchers:
                from ..failures import note

                note("retry", self.name, self.error)
        seen = self.judge_result(self.value) if self.error is None else None
        self._stop(Step(None, f"{self.state.whose} was over {when}"), self.last_error, seen)
        return False

    def _not_begun(self) -> DeadlineExceededError:
        outer = self._outer
        if outer is None or self.state.whose == "total_timeout":
            return self._total_limit().cut_short(self.name, self.state.deadline or 0.0, began=False)
        return outer[3].cut_short(self.name, outer[0], began=False)

    def discarded(self) -> Any:
        """Return, once, the bad result of the attempt before, if the policy wants it closed."""
        value, self._discarded = self._discarded, None
        return value

    def scope(self, *, is_block: bool = False) -> Scope | None:
        """Return the time that the attempt that has begun may take by the policy, or None if that sets no limit.

        The limits around the call are minded by the scope itself.
        """
        policy = self.state.policy
        if not policy.is_timed:
            return None
        now = self.clock.monotonic()
        limits: list[tuple[float, Limit]] = []
        if policy.attempt_timeout is not None:
            began = now if self._attempt_began is None else self._attempt_began
            limits.append((began + policy.attempt_timeout - now, attempt_limit(policy.attempt_timeout, self.name)))
        if policy.total_timeout is not None:
            limits.append(((self.state.started or 0.0) + policy.total_timeout - now, self._total_limit()))
        seconds, limit = min(limits, key=_seconds)
        return Scope(limit, self.name, self.clock, seconds, keeper=get_timeout_manager(), is_block=is_block)

    def _total_limit(self) -> Limit:
        return Limit(self.state.policy.total_timeout or 0.0, "total_timeout", self.name, final=True)

    def limited(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """Return what makes an attempt, a call of a plain function, in the time that the policy leaves it."""
        scope = self.scope()
        if scope is None:
            return call
        if not self.state.policy.uses_workers or not isinstance(self.clock, SystemClock):
            return partial(_under, scope, call)
        return partial(self._in_worker, scope, call)

    def _in_worker(self, scope: Scope, call: Callable[[], Any]) -> Any:
        from .._runtime.workers import Pace

        mark = scope.measure()
        manager = get_timeout_manager()
        try:
            value = call_in_worker(self.name, mark, manager, Pace(), call)
        except DeadlineExceededError as within:
            error = scope.limit.caused(within, scope.at)
            if error is None:
                raise
            left_behind = False
        else:
            if value is not LEFT_BEHIND:
                return value
            error = expiry(mark, scope.limit, self.name)
            left_behind = True
        try:
            manager.timed_out(self.name, error, left_behind=left_behind)
            raise error
        finally:
            del error

    def ended(self, outcome: Outcome) -> float | None:
        """Return the seconds to wait before the next attempt, or `ENOUGH`."""
        if outcome.error is None:
            return self._returned(outcome.value)
        return self.failed(outcome.error)

    def failed(self, error: Exception) -> float | None:
        """The same for an attempt that raised `error`."""
        if type(error) is Returned:
            return self._returned_failure(error.value, error.seen)
        self.value, self.error = None, error
        self.last_error = error
        try:
            seen = self._classify(error)
            now = self.clock.monotonic()
            step = self.state.after_error(error, seen, now, self.clock.random, _report)
            return self._go_on(step, error, seen, now)
        except BaseException:
            self.forget()
            raise

    def _returned(self, value: Any) -> float | None:
        judge = self.state.policy.retry_on_result
        if judge is None or not _verdict(judge, value):
            seen = self.judge_result(value) if self.state.policy.classify_results else None
            if seen is not None:
                return self._returned_failure(value, seen)
            self.value, self.error = value, None
            return ENOUGH
        attempts = self.state.attempts
        bad = RetryExhaustedError(
            f"the last result of {self.name} (attempt {attempts}) is one that retry_on_result calls bad",
            last_result=value,
            attempts=attempts,
        )
        self.value, self.error, self.last_error = None, bad, bad
        if self.state.policy.close_discarded:
            self._discarded = value
        now = self.clock.monotonic()
        step = self.state.after_bad_result(now, self.clock.random, _report)
        return self._go_on(step, bad, None, now)

    def _returned_failure(self, value: Any, seen: Classification) -> float | None:
        """The attempt returned a failure: if it is not tried again, the value comes out, and no error."""
        told = RetryExhaustedError(
            f"{self.name} (attempt {self.state.attempts}) returned a failure: {seen.category} {seen.code}",
            last_result=value,
            attempts=self.state.attempts,
        )
        self.value, self.error, self.last_error = value, None, told
        try:
            now = self.clock.monotonic()
            step = self.state.after_failed_result(told, seen, now, self.clock.random, _report)
            delay = self._go_on(step, told, seen, now)
        except BaseException:
            self.forget()
            raise
        if delay is not None and self.state.policy.close_discarded:
            self._discarded = value
        return delay

    def judge_result(self, value: Any) -> Classification | None:
        """Return the verdict on a result, if it is a failure."""
        return result_judge(self._classifier, _report)(value)

    def _go_on(self, step: Step, error: Exception, seen: Classification | None, now: float) -> float | None:
        policy, attempt = self.state.policy, self.state.attempts
        if events.watchers:
            from ..failures import note

            note("retry", self.name, error, seen)
        if step.delay is not None and policy.budget is not None:
            with _budgets:
                granted = policy.budget.try_spend(now)
            if not granted:
                step = Step(None, "the retry budget is used up")
                if events.listeners:
                    events.emit(events.RetryBudgetRefused(name=self.name, policy=policy.name, attempt=attempt))
        if step.delay is None:
            self._stop(step, error, seen)
            return ENOUGH
        if policy.on_retry is not None:
            _tell("on_retry", policy.on_retry, error, attempt, step.delay)
        self._announce(step.delay, error, seen)
        if self.state.deadline is not None:
            # Whoever was asked or told meanwhile may have taken their time.
            late = self.state.too_late(self.clock.monotonic(), step.delay)
            if late is not None:
                self._stop(late, error, seen)
                return ENOUGH
        self.state.waits(step.delay)
        return step.delay

    def _announce(self, delay: float, error: Exception, seen: Classification | None) -> None:
        policy, attempt = self.state.policy, self.state.attempts
        warn_of_own_retries(self.name, error, policy.max_attempts)
        category, code = _words(seen or self._classify(error))
        logger("retry").info(
            "%s: attempt %d of %d failed (%s, %s), next in %.3g s",
            self.name,
            attempt,
            policy.max_attempts,
            self._kind(error),
            code,
            delay,
        )
        if events.listeners:
            events.emit(
                events.RetryScheduled(
                    name=self.name,
                    policy=policy.name,
                    attempt=attempt,
                    delay=delay,
                    error_type=self._kind(error),
                    category=category,
                    code=code,
                )
            )

    # How it ends.

    def _stop(self, step: Step, error: Exception | None, seen: Classification | None = None) -> None:
        assert error is not None  # noqa: S101  a call stops only after an attempt that failed
        policy, attempts = self.state.policy, self.state.attempts
        _annotate(error, _story(policy, attempts, self.state.delays, step.why))
        if policy.on_final_failure is not None:
            _tell("on_final_failure", policy.on_final_failure, error, attempts)
        if events.listeners:
            category, code = _words(seen or self._classify(error))
            events.emit(
                events.RetryStopped(
                    name=self.name,
                    policy=policy.name,
                    attempts=attempts,
                    reason=step.why or "no attempt is left",
                    error_type=self._kind(error),
                    category=category,
                    code=code,
                )
            )

    def _kind(self, error: Exception) -> str:
        """Return the type of what the attempt ended with, which is the value if it returned a failure."""
        return type(self.value if self.error is None else error).__qualname__

    def conclude(self) -> Any:
        """Return the value or raise the error; either way this object then leads to neither.

        The traceback of a raised error keeps its frames, and they keep this object: a way back would be a cycle.
        """
        value, error = self.value, self.error
        self.forget()
        if error is None:
            return value
        try:
            raise error
        finally:
            del error

    def forget(self) -> None:
        """Let go of the value and of every error."""
        self.value = self.error = self.last_error = self._discarded = None

    def result(self) -> RetryResult[Any]:
        """Return what happened as a record, and let go of it."""
        from datetime import UTC, datetime

        context = RetryContext(
            attempt=self.state.attempts,
            total_attempts=self.state.policy.max_attempts,
            start_time=datetime.fromtimestamp(self._wall, UTC),
            last_error=self.last_error,
            delays=tuple(self.state.delays),
            total_delay=sum(self.state.delays),
        )
        value, error = self.value, self.error
        self.forget()
        return RetryResult(success=error is None, value=value, error=error, context=context)

    def _classify(self, error: Exception) -> Classification:
        try:
            seen: object = self._classifier.classify(error)
        except Exception:
            report_broken("retry", "classifier", self._classifier.classify)
            return _UNKNOWN
        return seen if isinstance(seen, Classification) else _UNKNOWN


def _under(scope: Scope, call: Callable[[], Any]) -> Any:
    """Call in this thread, where all that is guarded keeps to the limit."""
    outer = current.get()
    try:
        scope.open()
        return call()
    except BaseException as error:
        failure = scope.close(error)
        if failure is None:
            raise
    finally:
        _, phase = phases  # asked without a call, so that no interrupt comes in between
        if phase is not START or not collecting():
            current.set(outer)
    try:
        raise failure
    finally:
        del failure


def _seconds(limit: tuple[float, Limit]) -> float:
    return limit[0]


def _words(seen: Classification) -> tuple[str, str]:
    return str(seen.category), str(seen.code)


def _report(what: str, function: Callable[..., object]) -> None:
    report_broken("retry", what, function)


def _tell(what: str, callback: Callable[..., object], *args: object) -> None:
    try:
        answer = callback(*args)
        refuse_awaitable(answer)
    except Exception:
        _report(what, callback)


def _verdict(judge: Callable[[Any], object], value: Any) -> bool:
    """Whether a result is bad; a predicate that raises has found nothing bad."""
    return bool(ask("retry_on_result", judge, _report, value))


def _story(policy: RetryPolicy, attempts: int, delays: list[float], why: str) -> str:
    """Return the note that tells what was tried, such as "gave up after 3 attempts (policy 'mcp'; waited 1 s, 2 s)"."""
    end = f"gave up after {attempts} attempts" if attempts > 1 else "not retried"
    if not delays:
        waited = ""
    elif len(delays) <= 5:
        waited = f"; waited {', '.join(f'{delay:.3g} s' for delay in delays)}"
    else:
        waited = f"; waited {len(delays)} times, {sum(delays):.3g} s in all"
    return f"{end} (policy {policy.name!r}{waited}){': ' * bool(why)}{why}"


def _annotate(error: Exception, story: str) -> None:
    """Put our one note on the error, in place of an earlier one of ours; an error that takes no notes goes without."""
    try:
        notes = [note for note in getattr(error, "__notes__", ()) if not str(note).startswith(_NOTE)]
        error.__notes__ = [*notes, _NOTE + story]
    except Exception:  # noqa: S110  a frozen or hostile exception; the error itself matters more than our note
        pass
