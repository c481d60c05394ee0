"""Which failures are tried again, how often, and after how long: a frozen policy, and the decision it takes.

The order in which a failure is judged; the first that has an opinion decides:

1.  cancellation and rejections by our own guards: no (a rejection: yes if `retry_on` names its class)
2.  `should_retry(error, attempt)`, if it returns True or False
3.  `non_retryable_codes`: no
4.  `retryable_codes`: yes
5.  `retry_on`, if given: yes for its types, or as its predicate says; otherwise no
6.  the classifier says that it cannot be retried: no
7.  `retryable_categories`: yes if the category is in it; otherwise no

and after a yes from 4 to 7, `idempotent=False` still says no unless the request certainly was not executed.
"""

from __future__ import annotations

from ..errors import ConfigurationError, ErrorCategory, RejectedError
from ..errors.classification import as_category
from ..functions import refuse_awaitable
from ..settings import Settings, boolean, optional_callable, optional_seconds, shown, text, whole_number
from ..timeout.config import as_mode
from ..timeout.marks import Limit
from ..typed import TYPE_CHECKING
from .backoff import BackoffConfig
from .budget import RetryBudget
from .given import as_backoff, as_backoff_table, as_codes, as_kinds, several

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import timedelta
    from typing import Any, ClassVar, TypeAlias, TypedDict, Unpack

    from ..errors import Classification
    from ..timeout.config import Mode

    Kinds: TypeAlias = tuple[type[BaseException], ...] | Callable[[Exception], object]
    Report: TypeAlias = Callable[[str, Callable[..., object]], None]

    class RetryFields(TypedDict, total=False):
        """All that may be said of a retry policy; `RetryPolicy` tells what each means."""

        name: str
        max_attempts: int
        backoff: BackoffConfig | Mapping[str, Any] | str | Callable[[int], float]
        # Keys: exception types, categories, codes. They are Any, as a mapping's keys are invariant.
        backoff_for: Mapping[Any, BackoffConfig | Mapping[str, Any] | str | Callable[[int], float]] | None
        retryable_categories: Collection[ErrorCategory | str]
        retryable_codes: Collection[str]
        non_retryable_codes: Collection[str]
        should_retry: Callable[[Exception, int], bool | None] | None
        retry_on: type[BaseException] | Collection[type[BaseException]] | Callable[[Exception], object] | None
        retry_on_result: Callable[[Any], object] | None
        classify_results: bool
        close_discarded: bool
        attempt_timeout: float | timedelta | None
        total_timeout: float | timedelta | None
        timeout_mode: Mode
        max_retry_after: float | timedelta | None
        budget: RetryBudget | None
        idempotent: bool
        on_retry: Callable[[Exception, int, float], object] | None
        on_final_failure: Callable[[Exception, int], object] | None


DEFAULT_CATEGORIES = frozenset({ErrorCategory.TRANSIENT, ErrorCategory.EXTERNAL})
CAPACITY_TOO = DEFAULT_CATEGORIES | {ErrorCategory.RESOURCE}
"""Also a pool or a table of handles that is full for the moment; a used-up quota is not retryable by its verdict."""


class Judgement:
    """Whether to try again, and why, in words that fit after "not retried: "."""

    __slots__ = ("retry", "why")

    def __init__(self, retry: bool, why: str) -> None:
        self.retry = retry
        self.why = why


class RetryPolicy(Settings):
    """When and how a failed call is tried again. Frozen; `replace()` makes a changed copy.

    What is tried again
        * `max_attempts`: attempts in all, the first included; at least 1 (no retry). Default 3.
        * `retryable_categories`: which categories of errors. Default TRANSIENT and EXTERNAL.
        * `retryable_codes`, `non_retryable_codes`: codes that are retried whatever their category, or never.
        * `retry_on`: exception types, or a function of the error; replaces the categories. Default None.
        * `should_retry(error, attempt)`: asked first; True or False decides, None leaves it to the rest.
        * `retry_on_result(value)`: true for a result so bad that the call is tried again; if the last one is bad too,
          `RetryExhaustedError` holds it. Not with `idempotent=False`.
        * `classify_results`: True if failures that are returned, such as a response of 503, are tried again as errors
          are, by their category, code and scope and by what the server asks for; `retry_on` and `should_retry` are for
          errors only. The last result comes out as it is, whatever it is. Default False.
        * `close_discarded`: True if results that are thrown away for these two are closed, by `aclose()` or `close()`.
        * `idempotent`: False if running the operation twice does harm: then only what certainly was not executed is
          tried again. Default True.
        * `budget`: a `RetryBudget` shared with others. Default None.

    How long it waits (seconds, or a `timedelta`)
        * `backoff`: a `BackoffConfig`, its fields as a mapping, a type such as "full-jitter", or a function that is
          given 0 for the first wait, 1 for the second …. Default exponential, 1 s doubling up to 30 s.
        * `backoff_for`: other back-offs for an exception type, a category or a code.
        * `max_retry_after`: if a server asks for a longer wait than this, fail now. Default 120; None: wait as told.
        * `attempt_timeout`: limit of one attempt. An async function is cancelled and cleans up. Default None.
        * `total_timeout`: limit of the whole call: no wait and no attempt is begun beyond it, and an async attempt is
          cut. Default None.
        * `timeout_mode`: what the two do to an attempt of a plain function, which cannot be interrupted. With
          "cooperative" (the default) it is not stopped, but all that is guarded in it keeps to the limit, and
          `current_deadline()` tells what is left; give that to its client. With "thread" it runs in a worker thread,
          and the call goes on without it when the time is up.

        A `deadline` around the call counts as well, if it is nearer.

    Who is told
        * `on_retry(error, attempt, delay)` before each wait, `on_final_failure(error, attempts)` at the end. One that
          raises is logged and changes nothing.

    >>> policy = RetryPolicy(name="search", max_attempts=5, backoff={"type": "full-jitter", "max_delay": 10})
    >>> policy.replace(max_attempts=2).max_attempts
    2

    Raises `ConfigurationError`, when the policy is made, for whatever cannot work.
    """

    _parts: ClassVar[Any] = {"backoff": (BackoffConfig,)}
    name: str = "custom"
    max_attempts: int = 3
    backoff: BackoffConfig = BackoffConfig(initial_delay=1.0, max_delay=30.0)
    backoff_for: Mapping[type[BaseException] | str, BackoffConfig] | None = None
    retryable_categories: frozenset[ErrorCategory] = DEFAULT_CATEGORIES
    retryable_codes: frozenset[str] = frozenset()
    non_retryable_codes: frozenset[str] = frozenset()
    should_retry: Callable[[Exception, int], bool | None] | None = None
    retry_on: Kinds | None = None
    retry_on_result: Callable[[Any], object] | None = None
    classify_results: bool = False
    close_discarded: bool = False
    attempt_timeout: float | None = None
    total_timeout: float | None = None
    timeout_mode: Mode = "cooperative"
    max_retry_after: float | None = 120.0
    budget: RetryBudget | None = None
    idempotent: bool = True
    on_retry: Callable[[Exception, int, float], object] | None = None
    on_final_failure: Callable[[Exception, int], object] | None = None

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[RetryFields]) -> None: ...

        def replace(self, **changes: Unpack[RetryFields]) -> RetryPolicy:  # type: ignore[override]
            """Return a copy with these fields changed, checked as a new one would be."""

    def _validate(self) -> None:
        mine = self.__dict__
        owner = "RetryPolicy"
        text(owner, "name", self.name)
        mine["max_attempts"] = whole_number(owner, "max_attempts", self.max_attempts, hint="1 means: no retry")
        mine["backoff"] = as_backoff("backoff", self.backoff)
        mine["backoff_for"] = as_backoff_table(self.backoff_for)
        mine["retryable_categories"] = frozenset(
            as_category(one, "RetryPolicy: retryable_categories")
            for one in several("retryable_categories", self.retryable_categories)
        )
        for field in ("retryable_codes", "non_retryable_codes"):
            mine[field] = as_codes(field, mine[field])
        if both := self.retryable_codes & self.non_retryable_codes:
            raise ConfigurationError(
                f"{owner}: {', '.join(sorted(both))} cannot be both in retryable_codes and in non_retryable_codes"
            )
        mine["retry_on"] = as_kinds(self.retry_on)
        optional_callable(owner, "should_retry", self.should_retry, "(error, attempt) -> bool | None")
        optional_callable(owner, "retry_on_result", self.retry_on_result, "(value) -> bool")
        optional_callable(owner, "on_retry", self.on_retry, "(error, attempt, delay)")
        optional_callable(owner, "on_final_failure", self.on_final_failure, "(error, attempts)")
        for field in ("classify_results", "close_discarded", "idempotent"):
            boolean(owner, field, mine[field])
        for field in ("attempt_timeout", "total_timeout"):
            mine[field] = optional_seconds(owner, field, mine[field])
        mine["timeout_mode"] = as_mode(owner, "timeout_mode", self.timeout_mode)
        if self.timeout_mode == "thread" and not self.is_timed:
            raise ConfigurationError(
                f"{owner}: timeout_mode='thread' has no limit to hold calls to; give attempt_timeout or total_timeout"
            )
        mine["max_retry_after"] = optional_seconds(owner, "max_retry_after", self.max_retry_after, zero=True)
        if self.total_timeout is not None and (self.attempt_timeout or 0) > self.total_timeout:
            raise ConfigurationError(
                f"{owner}: attempt_timeout ({self.attempt_timeout:g} s) cannot be longer than total_timeout "
                f"({self.total_timeout:g} s), which ends the whole call; leave one of them out"
            )
        if self.retry_on_result is not None and not self.idempotent:
            raise ConfigurationError(
                f"{owner}: retry_on_result runs an operation again that was executed, which idempotent=False forbids; "
                "leave one of them out"
            )
        if not isinstance(self.budget, (RetryBudget, type(None))):
            raise ConfigurationError(f"{owner}: budget must be a RetryBudget or None, not {shown(self.budget)}")

    @classmethod
    def fixed(cls, delay: float | timedelta = 1.0, **fields: Unpack[RetryFields]) -> RetryPolicy:
        """Return a policy that always waits `delay` seconds (default 1).

        >>> RetryPolicy.fixed(0.5, max_attempts=4).backoff.delays(2)
        ((0.5, 0.5), (0.5, 0.5))
        """
        return cls(
            **_with("fixed", {"name": "fixed", "backoff": BackoffConfig(type="fixed", initial_delay=delay)}, fields)
        )

    @classmethod
    def exponential(
        cls,
        initial_delay: float | timedelta = 1.0,
        max_delay: float | timedelta = 60.0,
        multiplier: float = 2.0,
        **fields: Unpack[RetryFields],
    ) -> RetryPolicy:
        """Return a policy whose delays grow by `multiplier`, from `initial_delay` up to `max_delay` seconds.

        >>> RetryPolicy.exponential(0.1, multiplier=10).backoff.delays(2)
        ((0.1, 0.1), (1.0, 1.0))
        """
        backoff = BackoffConfig(initial_delay=initial_delay, max_delay=max_delay, multiplier=multiplier)
        return cls(**_with("exponential", {"name": "exponential", "backoff": backoff}, fields))

    @classmethod
    def network(cls, **fields: Unpack[RetryFields]) -> RetryPolicy:
        """Return a policy for calls over a network: resets and refusals heal in a moment, so start early and spread.

        >>> RetryPolicy.network().backoff.delays(2)
        ((0.0, 0.5), (0.0, 1.0))
        """
        backoff = BackoffConfig(type="full-jitter", initial_delay=0.5, max_delay=30.0)
        usual: RetryFields = {
            "name": "network",
            "max_attempts": 5,
            "backoff": backoff,
            "retryable_categories": CAPACITY_TOO,
        }
        return cls(**_with("network", usual, fields))

    @classmethod
    def api_rate_limit(cls, **fields: Unpack[RetryFields]) -> RetryPolicy:
        """Return a policy for services that limit our rate: patient, and ready to wait as long as they ask (300 s).

        >>> RetryPolicy.api_rate_limit().max_retry_after
        300.0
        """
        usual: RetryFields = {
            "name": "api_rate_limit",
            "max_attempts": 6,
            "backoff": BackoffConfig(type="full-jitter", initial_delay=1.0, max_delay=60.0),
            "retryable_categories": CAPACITY_TOO,
            "max_retry_after": 300.0,
        }
        return cls(**_with("api_rate_limit", usual, fields))

    @property
    def watches_success(self) -> bool:
        """Whether there is work to do for every call, not only for one that fails; time limits aside."""
        return self.retry_on_result is not None or self.budget is not None

    @property
    def is_timed(self) -> bool:
        """Whether an attempt or the whole call has a time limit."""
        return self.attempt_timeout is not None or self.total_timeout is not None

    def first_limit(self, name: str) -> Limit | None:
        """Return the limit that the first attempt of `name` has, or None."""
        total, attempt = self.total_timeout, self.attempt_timeout
        if attempt is not None:  # never longer than total_timeout
            return attempt_limit(attempt, name)
        return None if total is None else Limit(total, "total_timeout", name, final=True)

    @property
    def uses_workers(self) -> bool:
        """Whether attempts of plain functions run in worker threads."""
        return self.timeout_mode == "thread"

    def judge(self, error: Exception, attempt: int, seen: Classification, report: Report) -> Judgement:
        """Say whether `error` of attempt number `attempt` (from 1), classified as `seen`, is worth another attempt.

        `report(what, function)` is called while the exception of a predicate that raised is being handled; a predicate
        that raises has no opinion.
        """
        if seen.category is ErrorCategory.CANCELLED:
            return Judgement(False, "it is a cancellation")
        if issubclass(type(error), RejectedError):  # an error's __class__ may say, or raise, anything
            if self._names_rejection(error):
                return Judgement(True, "retry_on names it")
            return Judgement(False, f"{type(error).__name__} is a rejection; name it in retry_on to wait for its guard")
        if self.should_retry is not None:
            asked = ask("should_retry", self.should_retry, report, error, attempt)
            if asked is not None:
                return Judgement(asked, f"should_retry said {'yes' if asked else 'no'}")
        return self._if_harmless(self._by_code(seen) or self._by_kind(error, seen, report), seen)

    def judge_result(self, seen: Classification) -> Judgement:
        """Say the same of a failure that was returned, which only the classifier knows as such."""
        if seen.category is ErrorCategory.CANCELLED:
            return Judgement(False, "it is a cancellation")
        return self._if_harmless(self._by_code(seen) or self._by_verdict(seen), seen)

    def _if_harmless(self, judgement: Judgement, seen: Classification) -> Judgement:
        if judgement.retry and not self.idempotent and seen.retry_scope != "always":
            return Judgement(False, "the operation is not idempotent and may have been executed")
        return judgement

    def _by_code(self, seen: Classification) -> Judgement | None:
        code = str(seen.code)
        if code in self.non_retryable_codes:
            return Judgement(False, f"{code} is in non_retryable_codes")
        return Judgement(True, f"{code} is in retryable_codes") if code in self.retryable_codes else None

    def _by_kind(self, error: Exception, seen: Classification, report: Report) -> Judgement:
        if self.retry_on is not None:
            kinds = self.retry_on
            includes = (lambda one: isinstance(one, kinds)) if isinstance(kinds, tuple) else kinds
            listed = ask("retry_on", includes, report, error, undecided=False)
            if listed is not None:
                return Judgement(listed, f"retry_on {'includes' if listed else 'does not include'} it")
        if not seen.retryable and seen.category is ErrorCategory.UNKNOWN:
            name = type(error).__qualname__
            return Judgement(False, f"nothing is known of {name}; name it in retry_on to have it retried")
        return self._by_verdict(seen)

    def _by_verdict(self, seen: Classification) -> Judgement:
        if not seen.retryable:
            return Judgement(False, f"{seen.category} {seen.code} is not helped by a retry")
        wanted = seen.category in self.retryable_categories
        return Judgement(wanted, f"{seen.category} is {'' if wanted else 'not '}in retryable_categories")

    def _names_rejection(self, error: Exception) -> bool:
        named = self.retry_on if isinstance(self.retry_on, tuple) else ()
        return any(issubclass(kind, RejectedError) and issubclass(type(error), kind) for kind in named)

    def backoff_of(self, error: Exception, seen: Classification) -> BackoffConfig:
        """Return the back-off for this error: that of its code, its type, its category, or else `backoff`."""
        table = self.backoff_for
        if not table:
            return self.backoff
        keys: tuple[Any, ...] = (str(seen.code), *type(error).__mro__, str(seen.category))
        for key in keys:
            try:
                return table[key]
            except (KeyError, TypeError):  # a metaclass may forbid to hash its classes
                continue
        return self.backoff


def attempt_limit(seconds: float, name: str) -> Limit:
    """Return the limit of one attempt of `name`."""
    return Limit(seconds, "attempt_timeout", name, subject=f"an attempt of {name}")


def _with(factory: str, usual: RetryFields, fields: RetryFields) -> RetryFields:
    if "backoff" in fields:
        raise ConfigurationError(
            f"RetryPolicy.{factory}() sets the back-off; give RetryPolicy(backoff=...) another one"
        )
    return {**usual, **fields}


def ask(
    what: str, predicate: Callable[..., Any], report: Report, *args: object, undecided: bool | None = None
) -> bool | None:
    """Return a predicate's answer as a bool; None if it has no opinion, be it that it raised or that it said None.

    `undecided` stands in for None as an answer.
    """
    try:
        answer = predicate(*args)
        refuse_awaitable(answer)
        return undecided if answer is None else bool(answer)
    except Exception:
        report(what, predicate)
        return None
