"""Exception groups are judged by their members."""

from __future__ import annotations

import asyncio

import pytest
from tests.errors.recorded_shapes import bearing, caused, while_handling

from holdfast.errors import Classification, ErrorClassifier


def classify(error: BaseException) -> Classification:
    return ErrorClassifier().classify(error)


def group(*members: BaseException) -> BaseException:
    return BaseExceptionGroup("unhandled errors in a TaskGroup", members)


def limited(seconds: float) -> BaseException:
    return bearing(Exception("x"), status_code=429, retry_after=seconds)


async def test_promise_16_a_group_is_retryable_only_if_all_its_members_are() -> None:
    async def fail(error: Exception) -> None:
        raise error

    async def run(*errors: Exception) -> Classification:
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as tasks:
                for error in errors:
                    tasks.create_task(fail(error))
        return classify(caught.value)

    assert (await run(TimeoutError(), ConnectionResetError())).retryable
    assert not (await run(TimeoutError(), ValueError())).retryable
    assert (await run(ValueError(), TimeoutError())).category == "VALIDATION"
    assert (await run(ConnectionRefusedError())) == classify(ConnectionRefusedError())


def test_a_group_of_one_is_its_member_however_deeply_nested() -> None:
    assert classify(group(group(group(TimeoutError())))) == classify(TimeoutError())
    assert classify(group(limited(7))).retry_after == 7.0


@pytest.mark.parametrize("cancelled", [asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(1)])
def test_a_cancelled_member_makes_the_group_cancelled(cancelled: BaseException) -> None:
    for members in ([cancelled, ValueError()], [TimeoutError(), group(ValueError(), cancelled)], [cancelled]):
        verdict = classify(group(*members))
        assert (verdict.category, verdict.retryable, verdict.trips_circuit) == ("CANCELLED", False, False)


def test_of_several_members_that_forbid_a_retry_the_worst_is_reported() -> None:
    missing = bearing(Exception(), status_code=404)
    assert classify(group(TimeoutError(), Exception(), missing)).category == "PERMANENT"
    assert classify(group(missing, ValueError(), TypeError())).category == "INTERNAL"
    assert classify(group(TimeoutError(), Exception())).category == "UNKNOWN"


def test_the_longest_waiting_time_counts() -> None:
    assert classify(group(limited(3), limited(30), limited(5))).retry_after == 30.0
    assert classify(group(limited(3), ValueError())).retry_after == 3.0


def test_the_most_demanding_scope_of_retryable_members_counts() -> None:
    assert classify(group(limited(1), ConnectionRefusedError(), ConnectionResetError())).retry_scope == "idempotent"
    stream_gone = bearing(Exception(), code="MCP_CONNECTION_FAILED")
    assert classify(group(ConnectionResetError(), stream_gone)).retry_scope == "reconnect"


def test_one_failure_of_the_dependency_makes_the_group_a_failure() -> None:
    missing = bearing(Exception(), status_code=404)
    assert classify(group(missing, ConnectionResetError())).circuit_outcome == "failure"
    assert classify(group(missing, limited(1))).circuit_outcome == "success"
    assert classify(group(limited(1), MemoryError())).circuit_outcome == "ignore"


def test_a_group_says_how_many_members_it_has_and_not_what_they_said() -> None:
    reason = classify(group(ValueError("hunter2"), TimeoutError())).reason
    assert reason == "the worst of 2 errors in a group: type ValueError"


def test_members_are_judged_by_their_causes() -> None:
    assert classify(group(caused(Exception(), TimeoutError()), while_handling(Exception(), TimeoutError()))).retryable


def test_a_group_among_the_causes_is_judged_by_its_members() -> None:
    assert classify(caused(Exception(), group(TimeoutError(), ConnectionResetError()))).retryable
    assert classify(caused(Exception(), group(TimeoutError(), ValueError()))).category == "VALIDATION"


def test_rules_and_declarations_hold_for_members() -> None:
    classifier = ErrorClassifier()
    classifier.register(KeyError, category="TRANSIENT")
    assert classifier.classify(group(KeyError(), TimeoutError())).retryable


def test_a_group_deeper_than_the_stack_is_judged() -> None:
    error: BaseException = TimeoutError()
    for _ in range(20_000):
        error = group(error)
    assert classify(error).code == "TIMEOUT"
    while isinstance(error, BaseExceptionGroup):  # taken apart by hand: freeing it at once would recurse in C
        error = error.exceptions[0]


def test_a_group_that_holds_one_member_a_million_ways_is_judged_once() -> None:
    error: BaseException = TimeoutError()
    for _ in range(60):
        error = group(error, error)
    assert classify(error).code == "TIMEOUT"


def test_groups_and_causes_by_turns_end_somewhere() -> None:
    def nested(depth: int) -> BaseException:
        error: BaseException = TimeoutError()
        for _ in range(depth):
            error = group(caused(Exception(), error))
        return error

    assert classify(nested(5)).code == "TIMEOUT"
    assert classify(nested(500)).category == "UNKNOWN"


def test_groups_in_causes_are_looked_into_twelve_deep_each_branch_by_itself() -> None:
    def nested(depth: int) -> BaseException:
        error: BaseException = TimeoutError()
        for _ in range(depth):
            error = group(caused(Exception(), error))
        return error

    assert classify(nested(12)).code == "TIMEOUT"
    assert classify(nested(13)).category == "UNKNOWN"
    assert classify(group(*(caused(Exception(), nested(5)) for _ in range(5)))).code == "TIMEOUT"
    assert classify(group(*(caused(Exception(), nested(11)) for _ in range(3)))).code == "TIMEOUT"
    assert classify(group(caused(Exception(), nested(12)), TimeoutError())).category == "UNKNOWN"
    assert classify(group(caused(Exception(), nested(5)), caused(Exception(), nested(12)))).category == "UNKNOWN"
    for depth, category in ((3, "TRANSIENT"), (4, "UNKNOWN")):
        error = group(caused(Exception(), nested(1)), caused(Exception(), nested(depth)))
        for _ in range(8):
            error = group(caused(Exception(), error))
        assert classify(error).category == category


def test_many_members_with_long_chains_take_bounded_work() -> None:
    def chain() -> BaseException:
        error: BaseException = Exception()
        for _ in range(12):
            error = caused(Exception(), error)
        return error

    verdict = classify(group(*(chain() for _ in range(2_000))))
    assert verdict.category == "UNKNOWN"
    assert verdict.reason == "the worst of 2000 errors in a group: no rule knows this error"


def test_only_so_many_links_are_looked_at_over_all_members_together() -> None:
    def chain(length: int, end: BaseException) -> BaseException:
        for _ in range(length):
            end = caused(Exception(), end)
        return end

    members = [chain(12, Exception()) for _ in range(833)]  # twelve links each
    assert classify(group(*members, chain(4, TypeError()))).category == "INTERNAL"
    assert classify(group(*members, chain(5, TypeError()))).category == "UNKNOWN"
