"""What hangs together with an error: what it wraps, its causes, and the members of a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .attributes import ARGUMENTS, WRAPPED_NAMES, look_up, read
from .taxonomy import ErrorCategory as Category

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from .classification import Classification

_cause_of: Callable[[BaseException], BaseException | None] = BaseException.__dict__["__cause__"].__get__
_context_of: Callable[[BaseException], BaseException | None] = BaseException.__dict__["__context__"].__get__
_args_of: Callable[[BaseException], tuple[Any, ...]] = BaseException.__dict__["args"].__get__
_members_of: Callable[[BaseException], Sequence[BaseException]] = BaseExceptionGroup.__dict__["exceptions"].__get__

HANDLED = "exception"
DEEPEST = 12
"""So many steps down the chain are looked at: deeper than any client library wraps, and bounded."""
_MOST_LINKS = 64
_MOST_ARGS = 4

# From the most telling failure to the least: of several that forbid a retry, the first of these is reported.
_WORST_FIRST = (
    Category.INTERNAL,
    Category.CONFIGURATION,
    Category.AUTH,
    Category.VALIDATION,
    Category.PERMANENT,
    Category.RESOURCE,
    Category.EXTERNAL,
    Category.TRANSIENT,
    Category.CANCELLED,
    Category.UNKNOWN,
)
_MOST_DEMANDING_FIRST = ("never", "reconnect", "new_transaction", "idempotent", "always")
_TELLING_OUTCOMES = ("failure", "success", "ignore")


class Link(NamedTuple):
    """An error to which another one leads; `by_context` if it merely was being handled at the time."""

    error: BaseException
    by_context: bool
    depth: int


def is_exception(value: Any) -> bool:
    """Whether the value really is an exception, whatever its `__class__` claims."""
    return issubclass(type(value), BaseException)


def has_links(error: BaseException) -> bool:
    """Whether the error has a cause or context, or arguments that are errors; cheap, for most have none of it."""
    if _cause_of(error) is not None or _context_of(error) is not None:
        return True
    for value in _args_of(error)[:_MOST_ARGS]:  # noqa: SIM110  a generator would cost more than the question
        if issubclass(type(value), BaseException):
            return True
    return False


def links_of(error: BaseException, names: Collection[str], depth: int) -> list[Link]:
    """Return what the error wraps (as attribute, then as argument), its cause, its context; suppressed or not."""
    wrapped = [read(error, name) for name in WRAPPED_NAMES if name in names]
    if ARGUMENTS in names:
        wrapped.append(look_up(read(error, ARGUMENTS), "error"))
    wrapped += _args_of(error)[:_MOST_ARGS]
    # What pika and confluent-kafka keep as `exception` is what they were handling, no more than a context.
    handled = read(error, HANDLED) if HANDLED in names else None
    found = [Link(value, value is handled, depth) for value in wrapped if is_exception(value)]
    cause, context = _cause_of(error), _context_of(error)
    if cause is not None:
        found.append(Link(cause, False, depth))
    if context is not None and context is not cause:
        found.append(Link(context, True, depth))
    return found


class Chain:
    """A walk from an error down its links, each error once, the nearest first along each branch."""

    def __init__(self, error: BaseException, names: Collection[str]) -> None:
        self._seen = {id(error)}
        self._ahead = links_of(error, names, 1)[::-1]

    def __iter__(self) -> Iterator[Link]:
        while self._ahead and len(self._seen) <= _MOST_LINKS:
            link = self._ahead.pop()
            if id(link.error) not in self._seen:
                self._seen.add(id(link.error))
                yield link

    def follow(self, link: Link, names: Collection[str]) -> None:
        """Go on to what this link leads to, before anything else."""
        if link.depth < DEEPEST:
            self._ahead += links_of(link.error, names, link.depth + 1)[::-1]


def leaves_of(group: BaseException) -> list[BaseException]:
    """Return the members of a group and of the groups in it, each once, in order, however deeply nested."""
    leaves: list[BaseException] = []
    seen: set[int] = set()
    ahead = [group]
    while ahead:
        error = ahead.pop()
        if id(error) in seen:
            continue
        seen.add(id(error))
        if issubclass(type(error), BaseExceptionGroup):
            ahead += _members_of(error)[::-1]
        else:
            leaves.append(error)
    return leaves


def together(verdicts: Sequence[Classification]) -> Classification:
    """Return one verdict for a group: retryable only if all members are, with the longest of their waiting times."""
    for verdict in verdicts:
        if verdict.category is Category.CANCELLED:
            return verdict
    if len(verdicts) == 1:
        return verdicts[0]
    forbidding = [verdict for verdict in verdicts if not verdict.retryable]
    if forbidding:
        worst = min(forbidding, key=lambda verdict: _WORST_FIRST.index(verdict.category))
    else:
        worst = min(verdicts, key=lambda verdict: _MOST_DEMANDING_FIRST.index(verdict.retry_scope))
    outcome = min((verdict.circuit_outcome for verdict in verdicts), key=_TELLING_OUTCOMES.index)
    wait = max((verdict.retry_after for verdict in verdicts if verdict.retry_after is not None), default=None)
    if outcome != worst.circuit_outcome:
        worst = worst.replace(circuit_outcome=outcome)
    return worst.waiting(wait).because(f"the worst of {len(verdicts)} errors in a group: {worst.reason}")
