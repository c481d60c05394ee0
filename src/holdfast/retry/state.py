"""The course of one call with retries: pure bookkeeping that is told the time, and says what comes next."""

from __future__ import annotations

from ..typed import TYPE_CHECKING
from .backoff import BackoffStrategy

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..errors import Classification
    from .backoff import BackoffConfig
    from .policy import Report, RetryPolicy


class Step:
    """What to do after an attempt: wait `delay` seconds and try again, or, if it is None, stop for the reason `why`."""

    __slots__ = ("delay", "why")

    def __init__(self, delay: float | None, why: str = "") -> None:
        self.delay = delay
        self.why = why


class RetryState:
    """Attempts, delays and the deadline of one call. Times are seconds of a monotonic clock."""

    __slots__ = ("_strategies", "attempts", "deadline", "delays", "policy", "started", "whose")

    def __init__(self, policy: RetryPolicy, started: float | None, attempts: int = 0) -> None:
        self.policy = policy
        self.started = started
        self.attempts = attempts
        self.delays: list[float] = []
        # Without a start there is no deadline: policies with a total_timeout are always given one.
        total = policy.total_timeout
        self.deadline = None if total is None or started is None else started + total
        self.whose = "total_timeout"
        self._strategies: dict[int, tuple[BackoffStrategy, list[int]]] = {}

    def narrow(self, deadline: float, whose: str) -> None:
        """Keep to another deadline as well, if that is nearer; `whose` says in words what it is."""
        if self.deadline is None or deadline <= self.deadline:
            self.deadline = deadline
            self.whose = whose

    def begin(self, now: float) -> bool:
        """Count the attempt that begins now; False, and nothing counted, if the time for the whole call is over."""
        if self.deadline is not None and now >= self.deadline:
            return False
        self.attempts += 1
        return True

    def after_error(
        self, error: Exception, seen: Classification, now: float, random: Callable[[], float], report: Report
    ) -> Step:
        """Say what follows an attempt that raised `error`, classified as `seen`."""
        if self.attempts >= self.policy.max_attempts:
            return Step(None)
        judgement = self.policy.judge(error, self.attempts, seen, report)
        if not judgement.retry:
            return Step(None, judgement.why)
        return self._after(self.policy.backoff_of(error, seen), seen.retry_after, now, random, report)

    def after_failed_result(
        self, error: Exception, seen: Classification, now: float, random: Callable[[], float], report: Report
    ) -> Step:
        """Say what follows an attempt that returned a failure, classified as `seen`; `error` stands for it."""
        if self.attempts >= self.policy.max_attempts:
            return Step(None)
        judgement = self.policy.judge_result(seen)
        if not judgement.retry:
            return Step(None, judgement.why)
        return self._after(self.policy.backoff_of(error, seen), seen.retry_after, now, random, report)

    def after_bad_result(self, now: float, random: Callable[[], float], report: Report) -> Step:
        """Say what follows an attempt whose result `retry_on_result` called bad."""
        if self.attempts >= self.policy.max_attempts:
            return Step(None)
        return self._after(self.policy.backoff, None, now, random, report)

    def _after(
        self,
        backoff: BackoffConfig,
        retry_after: float | None,
        now: float,
        random: Callable[[], float],
        report: Report,
    ) -> Step:
        longest = self.policy.max_retry_after
        if retry_after is not None and longest is not None and retry_after > longest:
            return Step(None, f"the server asks to wait {retry_after:g} s, max_retry_after is {longest:g} s")
        if id(backoff) not in self._strategies:
            self._strategies[id(backoff)] = (BackoffStrategy(backoff, random=random), [0])
        strategy, uses = self._strategies[id(backoff)]
        try:
            delay = strategy.next_delay(uses[0])
        except Exception:  # only a user's back-off function can raise
            report("backoff", backoff.type)  # type: ignore[arg-type]
            delay = backoff.initial_delay
        delay = max(delay, retry_after or 0.0)
        uses[0] += 1
        return self.too_late(now, delay) or Step(delay)

    def too_late(self, now: float, delay: float) -> Step | None:
        """Return the step that stops if a wait of `delay` from now on would leave no time for another attempt."""
        if self.deadline is None or now + delay < self.deadline:
            return None
        left = max(0.0, self.deadline - now)
        return Step(None, f"the next attempt is due in {delay:.3g} s, {self.whose} leaves {left:.3g} s")

    def waits(self, delay: float) -> None:
        """Note a wait that is about to begin."""
        self.delays.append(delay)
