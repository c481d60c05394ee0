"""What hangs together with an error: links, chains, groups, and one verdict on several errors."""

from __future__ import annotations

from typing import Any

from tests.errors.recorded_shapes import bearing, caused, while_handling

from holdfast import Classification
from holdfast.errors.chain import DEEPEST, Chain, Link, has_links, leaves_of, links_of, together


def test_links_are_what_it_wraps_then_its_arguments_then_its_cause_then_its_context() -> None:
    wrapped, argument, cause, context = (ValueError(name) for name in ("wrapped", "argument", "cause", "context"))
    error = bearing(Exception("text", argument), orig=wrapped, reason="text")
    error.__cause__, error.__context__ = cause, context
    assert links_of(error, ("orig", "reason"), 3) == [
        Link(wrapped, False, 3),
        Link(argument, False, 3),
        Link(cause, False, 3),
        Link(context, True, 3),
    ]
    assert links_of(error, (), 1) == [Link(argument, False, 1), Link(cause, False, 1), Link(context, True, 1)]
    error.__cause__ = context
    assert links_of(error, (), 1)[1:] == [Link(context, False, 1)]


def test_what_is_kept_as_exception_counts_as_a_context_and_what_botocore_keeps_as_wrapped() -> None:
    inner = ValueError()
    assert links_of(bearing(Exception(), exception=inner), ("exception",), 1) == [Link(inner, True, 1)]
    assert links_of(bearing(Exception(), kwargs={"error": inner}), ("kwargs",), 1) == [Link(inner, False, 1)]
    assert links_of(bearing(Exception(), kwargs={"other": inner}), ("kwargs",), 1) == []


def test_only_the_first_four_arguments_are_looked_at() -> None:
    inner = ValueError()
    for before, seen in ((3, True), (4, False)):
        error = Exception(*range(before), inner)
        assert has_links(error) is seen
        assert bool(links_of(error, (), 1)) is seen
    assert not has_links(Exception("text"))
    assert has_links(caused(Exception(), inner))
    assert has_links(while_handling(Exception(), inner))


def chained(length: int) -> list[BaseException]:
    errors: list[BaseException] = [ValueError(length)]
    for number in reversed(range(length)):
        errors.append(caused(ValueError(number), errors[-1]))
    return errors[::-1]


def test_a_chain_goes_as_deep_as_it_may_and_visits_each_error_once() -> None:
    errors = chained(20)
    chain = Chain(errors[0], ())
    seen = []
    for link in chain:
        seen.append(link.error)
        chain.follow(link, ())
    assert seen == errors[1 : DEEPEST + 1]
    error = ValueError()
    error.__cause__ = error.__context__ = error
    assert list(Chain(error, ())) == []
    inner = ValueError()
    assert [link.error for link in Chain(caused(Exception(inner, inner), inner), ())] == [inner]


def test_a_chain_goes_on_with_what_it_follows_before_anything_else() -> None:
    deep, first, second = ValueError("deep"), ValueError("first"), ValueError("second")
    deeper = ValueError("deeper")
    first.args = (deep, deeper)
    chain = Chain(Exception(first, second), ())
    seen = []
    for link in chain:
        seen.append(link.error)
        chain.follow(link, ())
    assert seen == [first, deep, deeper, second]


def test_a_chain_ends_after_sixty_four_links() -> None:
    error: BaseException = Exception()
    for _ in range(80):
        error = Exception(error, Exception(), Exception(), Exception())
    chain = Chain(error, ())
    count = 0
    for link in chain:
        count += 1
        chain.follow(link, ())
    assert count == DEEPEST * 4
    wide = bearing(Exception(), orig=None)
    levels = [Exception(*(Exception(*(Exception() for _ in range(4))) for _ in range(4))) for _ in range(4)]
    wide.args = tuple(levels)
    chain = Chain(wide, ())
    count = 0
    for link in chain:
        count += 1
        chain.follow(link, ())
    assert count == 64


def test_the_leaves_of_a_group_come_once_and_in_order() -> None:
    first, second, third = ValueError(1), ValueError(2), ValueError(3)
    inner = ExceptionGroup("inner", [second, first])
    assert leaves_of(ExceptionGroup("outer", [first, inner, inner, third])) == [first, second, third]


def of(category: str, scope: Any = None, outcome: Any = None, wait: float | None = None) -> Classification:
    return Classification(
        category=category, retry_scope=scope, circuit_outcome=outcome, retry_after=wait, reason=f"{category} {scope}"
    )


def test_of_a_group_the_worst_is_told_with_the_most_telling_outcome_and_the_longest_wait() -> None:
    always, careful = of("RESOURCE", "always", "ignore", 3.0), of("TRANSIENT", "idempotent", "failure", 2.0)
    both = together([always, careful])
    assert (both.category, both.retry_scope, both.circuit_outcome) == ("TRANSIENT", "idempotent", "failure")
    assert both.retry_after == 3.0
    assert both.reason == "the worst of 2 errors in a group: TRANSIENT idempotent"
    hopeless = together([always, of("AUTH", "never", "success"), of("PERMANENT", "never", "success")])
    assert (hopeless.category, hopeless.circuit_outcome) == ("AUTH", "success")
    assert together([always]) is always
    gone = of("CANCELLED", "never", "ignore")
    assert together([careful, gone, always]) is gone
    assert together([of("RESOURCE", "always"), of("TRANSIENT", "always")]).retry_after is None


SCOPES = ("never", "reconnect", "new_transaction", "idempotent", "always")


def test_each_scope_is_more_demanding_than_the_next() -> None:
    for first, second in zip(SCOPES[1:], SCOPES[2:], strict=False):
        assert together([of("TRANSIENT", second), of("TRANSIENT", first)]).retry_scope == first
