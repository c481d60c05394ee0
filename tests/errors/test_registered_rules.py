"""Rules that users register: whom they match, what they change, what is refused, and how they are taken back."""

from __future__ import annotations

import abc
import functools
import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, Union, runtime_checkable

import pytest
from tests.errors.recorded_shapes import Bag, bearing, caused

from holdfast.errors import Classification, ConfigurationError, ErrorClassifier


class Base(Exception):
    pass


class Derived(Base):
    pass


class MostDerived(Derived):
    pass


@pytest.fixture
def classifier() -> ErrorClassifier:
    return ErrorClassifier(now=lambda: 0.0)


def test_a_rule_for_a_type_holds_for_its_subclasses_too(classifier: ErrorClassifier) -> None:
    classifier.register(Base, category="TRANSIENT", code="FLAKY")
    for kind in (Base, Derived, MostDerived):
        verdict = classifier.classify(kind())
        assert (verdict.category, verdict.code, verdict.retryable) == ("TRANSIENT", "FLAKY", True)
    assert classifier.classify(Base()).reason.startswith("rule registered for ")


def test_the_most_specific_class_decides_whatever_the_order_of_registration(classifier: ErrorClassifier) -> None:
    classifier.register(Derived, code="DERIVED", category="AUTH")
    classifier.register(Base, code="BASE", category="AUTH")
    classifier.register(Exception, code="ANY", category="AUTH")
    assert classifier.classify(MostDerived()).code == "DERIVED"
    assert classifier.classify(Base()).code == "BASE"
    assert classifier.classify(ValueError()).code == "ANY"


def test_the_newest_rule_for_the_same_class_decides(classifier: ErrorClassifier) -> None:
    classifier.register(Base, code="OLD", category="AUTH")
    newer = classifier.register(Base, code="NEW", category="AUTH")
    assert classifier.classify(Base()).code == "NEW"
    newer()
    assert classifier.classify(Base()).code == "OLD"


def test_a_rule_can_be_taken_back_and_taking_it_back_twice_does_nothing(classifier: ErrorClassifier) -> None:
    before = classifier.classify(Base())
    unregister = classifier.register(Base, category="TRANSIENT")
    assert classifier.classify(Base()).retryable
    unregister()
    unregister()
    assert classifier.classify(Base()) == before


def test_predicates_are_asked_before_types_and_the_newest_first(classifier: ErrorClassifier) -> None:
    classifier.register(lambda error: "busy" in str(error), category="TRANSIENT", code="FIRST")
    classifier.register(lambda error: "very" in str(error), category="TRANSIENT", code="SECOND")
    classifier.register(Base, category="AUTH", code="TYPE")
    assert classifier.classify(Base("very busy")).code == "SECOND"
    assert classifier.classify(Base("busy")).code == "FIRST"
    assert classifier.classify(Base("idle")).code == "TYPE"


@pytest.mark.parametrize("types", [(Base, KeyError), (Base, (KeyError,)), Base | KeyError, Union[Base, KeyError]])  # noqa: UP007
def test_several_types_share_a_rule(classifier: ErrorClassifier, types: Any) -> None:
    unregister = classifier.register(types, category="TRANSIENT", code="EITHER")
    assert classifier.classify(Base()).code == classifier.classify(KeyError()).code == "EITHER"
    assert "Base, KeyError" in classifier.classify(KeyError()).reason
    unregister()
    assert classifier.classify(KeyError()).code == "INTERNAL_ERROR"


def test_the_same_type_named_twice_is_one_rule(classifier: ErrorClassifier) -> None:
    classifier.register((Base, Base), retryable=True)
    assert classifier.classify(Base()).retryable


def test_abstract_classes_protocols_and_mixins_match_through_isinstance(classifier: ErrorClassifier) -> None:
    class Temporary(abc.ABC):  # noqa: B024
        pass

    @runtime_checkable
    class HasQueue(Protocol):
        queue: str

    class Mixin:
        pass

    class Mixed(Base, Mixin):
        pass

    Temporary.register(Derived)
    classifier.register(Temporary, category="TRANSIENT", code="ABC")
    classifier.register(HasQueue, category="TRANSIENT", code="PROTOCOL")
    classifier.register(Mixin, category="TRANSIENT", code="MIXIN")
    classifier.register(Exception, category="AUTH", code="ANY")
    assert classifier.classify(Derived()).code == "ABC"
    assert classifier.classify(bearing(Base(), queue="q")).code == "PROTOCOL"
    assert classifier.classify(Mixed()).code == "MIXIN"
    assert classifier.classify(Base()).code == "ANY"
    Temporary.register(Base)  # what an ABC knows may grow after it was registered here
    assert classifier.classify(Base()).code == "ABC"


def test_a_class_whose_isinstance_check_raises_matches_nothing(classifier: ErrorClassifier) -> None:
    class Meta(type):
        def __instancecheck__(cls, instance: object) -> bool:
            raise RuntimeError("no")

    class Odd(metaclass=Meta):
        pass

    classifier.register(Odd, category="TRANSIENT")
    assert classifier.classify(Base()).category == "UNKNOWN"


# -- what a rule changes ------------------------------------------------------------------------------------


def test_with_a_category_the_other_fields_follow_from_it_and_the_wait_is_still_read(
    classifier: ErrorClassifier,
) -> None:
    classifier.register(Base, category="RESOURCE", code="FULL")
    verdict = classifier.classify(bearing(Base(), response=Bag(status_code=404, headers={"retry-after": "7"})))
    assert verdict == Classification(
        category="RESOURCE", code="FULL", retry_after=7.0, reason=verdict.reason, retry_scope="always"
    )


def test_without_a_category_only_the_given_fields_change(classifier: ErrorClassifier) -> None:
    before = classifier.classify(ConnectionResetError())
    classifier.register(ConnectionResetError, code="PEER_GONE", circuit_outcome="ignore", reason="known to happen")
    verdict = classifier.classify(ConnectionResetError())
    assert verdict == before.replace(code="PEER_GONE", circuit_outcome="ignore", reason="known to happen")


@pytest.mark.parametrize(
    ("given", "retryable", "scope"),
    [
        ({"retryable": False}, False, "never"),
        ({"retryable": True}, True, "always"),
        ({"retry_scope": "never"}, False, "never"),
        ({"retry_scope": "idempotent"}, True, "idempotent"),
        ({"retryable": True, "retry_scope": "reconnect"}, True, "reconnect"),
        ({"code": "X"}, True, "always"),
    ],
)
def test_retryable_and_scope_stay_in_step_on_a_retryable_error(
    classifier: ErrorClassifier, given: dict[str, Any], retryable: bool, scope: str
) -> None:
    classifier.register(ConnectionRefusedError, **given)
    verdict = classifier.classify(ConnectionRefusedError())
    assert (verdict.category, verdict.retryable, verdict.retry_scope) == ("TRANSIENT", retryable, scope)


def test_an_error_that_was_not_retryable_becomes_so_for_what_may_run_twice(classifier: ErrorClassifier) -> None:
    classifier.register(KeyError, retryable=True)
    verdict = classifier.classify(KeyError())
    assert (verdict.category, verdict.retryable, verdict.retry_scope) == ("INTERNAL", True, "idempotent")


def test_partial_rules_build_on_the_rules_below_them(classifier: ErrorClassifier) -> None:
    classifier.register(Base, category="TRANSIENT", code="BASE")
    classifier.register(Derived, circuit_outcome="ignore")
    classifier.register(lambda error: True, retry_after=5)
    verdict = classifier.classify(Derived())
    assert (verdict.code, verdict.circuit_outcome, verdict.retry_after) == ("BASE", "ignore", 5.0)


def test_partial_rules_change_the_verdict_of_a_cause_where_it_is_found(classifier: ErrorClassifier) -> None:
    classifier.register(KeyError, retryable=True, code="MISS")
    classifier.register(LookupError, circuit_outcome="ignore")
    verdict = classifier.classify(caused(Base(), KeyError()))
    assert (verdict.code, verdict.retryable, verdict.circuit_outcome) == ("MISS", True, "ignore")


def test_whole_rules_judge_a_cause_too(classifier: ErrorClassifier) -> None:
    classifier.register(Derived, category="RESOURCE", code="FULL")
    verdict = classifier.classify(caused(Base(), Derived()))
    assert (verdict.code, verdict.reason.startswith("caused by ")) == ("FULL", True)


def test_a_partial_rule_gives_no_verdict_to_a_cause_that_has_none(classifier: ErrorClassifier) -> None:
    classifier.register(Exception, circuit_outcome="ignore")
    verdict = classifier.classify(caused(Base(), caused(Derived(), ConnectionRefusedError())))
    assert (verdict.code, verdict.circuit_outcome) == ("CONNECTION_REFUSED", "ignore")


def test_a_rule_may_make_even_a_cancellation_something_else(classifier: ErrorClassifier) -> None:
    classifier.register(GeneratorExit, category="TRANSIENT")
    assert classifier.classify(GeneratorExit()).category == "TRANSIENT"
    classifier.register(BaseException, category="UNKNOWN")
    assert classifier.classify(KeyboardInterrupt()).category == "UNKNOWN"


def test_the_rule_for_a_type_decides_before_a_newer_one_for_what_its_class_takes_in() -> None:
    class Temporary(abc.ABC):  # noqa: B024
        pass

    class Late(Exception): ...

    Temporary.register(Late)
    classifier = ErrorClassifier()
    classifier.register(Late, category="TRANSIENT", code="OWN")
    classifier.register(Temporary, category="TRANSIENT", code="TAKEN_IN")
    assert classifier.classify(Late()).code == "OWN"
    classifier.register(Exception, category="TRANSIENT", code="ANY")
    assert classifier.classify(Late()).code == "OWN"
    Temporary.register(KeyError)
    assert classifier.classify(KeyError()).code == "TAKEN_IN"
    assert classifier.classify(ValueError()).code == "ANY"


# -- the waiting time of a rule -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (30, 30.0),
        (0, 0.0),
        (1.5, 1.5),
        (timedelta(minutes=1), 60.0),
        (10**400, 1e11),
        (lambda error: 3, 3.0),
        (lambda error: timedelta(seconds=3), 3.0),
        (lambda error: error.args[0], 9.0),
        (lambda error: None, 7.0),
        (lambda error: -1, 0.0),
    ],
    ids=["30", "0", "1.5", "a minute", "endless", "told 3", "told a time", "told an argument", "told None", "told -1"],
)
def test_the_waiting_time_is_seconds_or_a_function_of_the_error(
    classifier: ErrorClassifier, given: Any, seconds: float
) -> None:
    classifier.register(Base, category="TRANSIENT", retry_after=given)
    assert classifier.classify(bearing(Base(9), retry_after=7)).retry_after == seconds


@pytest.mark.parametrize("given", [lambda error: 1 / 0, lambda error: "soon", lambda error: float("nan")])
def test_a_waiting_time_that_cannot_be_had_is_logged_once_and_read_from_the_error(
    classifier: ErrorClassifier, caplog: pytest.LogCaptureFixture, given: Any
) -> None:
    classifier.register(Base, category="TRANSIENT", retry_after=given)
    for _ in range(3):
        assert classifier.classify(bearing(Base("hunter2"), retry_after=7)).retry_after == 7.0
    assert len(caplog.records) == 1
    assert "retry_after function" in caplog.text
    assert "hunter2" not in caplog.text


# -- predicates that fail -----------------------------------------------------------------------------------


def test_a_predicate_that_raises_means_no_and_is_logged_once(
    classifier: ErrorClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(error: BaseException) -> bool:
        raise LookupError(str(error))

    classifier.register(broken, category="TRANSIENT")
    with caplog.at_level(logging.WARNING, logger="holdfast.errors"):
        for _ in range(3):
            assert classifier.classify(Base("hunter2")).category == "UNKNOWN"
    assert len(caplog.records) == 1
    assert "broken" in caplog.text
    assert "LookupError" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_predicate_that_gives_a_coroutine_means_no_and_leaves_none_unawaited(
    classifier: ErrorClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    async def later() -> bool:
        return True

    classifier.register(lambda error: later(), category="TRANSIENT")
    assert classifier.classify(Base()).category == "UNKNOWN"
    assert "coroutine" in caplog.text


def test_what_does_not_work_is_logged_by_the_rules_name_and_the_kind_of_the_problem(
    classifier: ErrorClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    def raises(error: BaseException) -> bool:
        raise LookupError

    async def later() -> bool:
        return True

    def gives_a_coroutine(error: BaseException) -> Any:
        return later()

    def not_seconds(error: BaseException) -> Any:
        return "soon"

    classifier.register(raises, category="TRANSIENT")
    classifier.register(gives_a_coroutine, category="TRANSIENT")
    classifier.register(Base, category="TRANSIENT", retry_after=raises)
    classifier.classify(Base())
    classifier.register(Base, category="TRANSIENT", retry_after=not_seconds, reason="mine")
    classifier.classify(Base())
    name = "test_what_does_not_work_is_logged_by_the_rules_name_and_the_kind_of_the_problem.<locals>"
    kind = f"{Base.__module__}.Base"
    tail = "; the rule is passed over when this happens"
    assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "holdfast.errors",
            "WARNING",
            f"rule registered for {name}.gives_a_coroutine: "
            f"the predicate gave a coroutine instead of True or False{tail}",
        ),
        ("holdfast.errors", "WARNING", f"rule registered for {name}.raises: it raised LookupError{tail}"),
        (
            "holdfast.errors",
            "WARNING",
            f"rule registered for {kind}: its retry_after function raised LookupError{tail}",
        ),
        ("holdfast.errors", "WARNING", f"mine: its retry_after function gave something other than seconds{tail}"),
    ]


def test_a_rule_that_has_no_waiting_time_for_an_error_says_nothing(
    classifier: ErrorClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    classifier.register(Base, category="TRANSIENT", retry_after=lambda error: None)
    assert classifier.classify(Base()).retry_after is None
    assert caplog.records == []


def test_a_function_for_the_waiting_time_of_changes_is_given_the_error_and_may_tell_a_moment() -> None:
    moment = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
    classifier = ErrorClassifier(now=lambda: moment.timestamp() - 30)
    asked: list[BaseException] = []

    def when(error: BaseException) -> datetime:
        asked.append(error)
        return moment

    classifier.register(ConnectionResetError, retry_after=when)
    classifier.register(Base, category="TRANSIENT", retry_after=when)
    reset, base = ConnectionResetError(), Base()
    assert classifier.classify(reset).retry_after == 30
    assert classifier.classify(base).retry_after == 30
    assert asked == [reset, base]


def test_an_answer_whose_truth_cannot_be_told_means_no(classifier: ErrorClassifier) -> None:
    class Undecided:
        def __bool__(self) -> bool:
            raise ValueError

    classifier.register(lambda error: Undecided(), category="TRANSIENT")
    assert classifier.classify(Base()).category == "UNKNOWN"


def test_callable_objects_and_partials_are_predicates(classifier: ErrorClassifier) -> None:
    class Named:
        def __call__(self, error: BaseException) -> bool:
            return error.args == ("a",)

    def has(text: str, error: BaseException) -> bool:
        return error.args == (text,)

    classifier.register(Named(), category="TRANSIENT", code="OBJECT")
    classifier.register(functools.partial(has, "b"), category="TRANSIENT", code="PARTIAL")
    assert [classifier.classify(Base(text)).code for text in "abc"] == ["OBJECT", "PARTIAL", "UNKNOWN"]
    reason = classifier.classify(Base("a")).reason
    assert reason.startswith("rule registered for ")
    assert reason.endswith(".Named")


def test_a_class_that_took_in_an_error_is_not_one_of_its_types_as_in_an_except_clause(
    classifier: ErrorClassifier,
) -> None:
    class Abstract(Exception, metaclass=abc.ABCMeta): ...

    class Concrete(Abstract): ...

    class TakenIn(Exception): ...

    Abstract.register(TakenIn)
    classifier.register(Abstract, category="TRANSIENT")
    assert classifier.classify(Concrete()).category == "TRANSIENT"
    assert classifier.classify(TakenIn()).category == "UNKNOWN"


# -- what is refused at once --------------------------------------------------------------------------------


async def an_async_predicate(error: BaseException) -> bool:
    return True


class AnAsyncCallable:
    async def __call__(self, error: BaseException) -> bool:
        return True


@pytest.mark.parametrize(
    ("matcher", "given", "part"),
    [
        ("ValueError", {"category": "AUTH"}, "must be an exception type"),
        (ValueError("x"), {"category": "AUTH"}, "give its type, ValueError"),
        (7, {"category": "AUTH"}, "must be an exception type"),
        (None, {"category": "AUTH"}, "must be an exception type"),
        ((), {"category": "AUTH"}, "is empty"),
        ((ValueError, "KeyError"), {"category": "AUTH"}, "a tuple may hold types only, not 'KeyError'"),
        ((ValueError, lambda error: True), {"category": "AUTH"}, "a tuple may hold types only"),
        (int, {"category": "AUTH"}, "int is no exception type"),
        (object, {"category": "AUTH"}, "object is no exception type"),
        (an_async_predicate, {"category": "AUTH"}, "is async"),
        (AnAsyncCallable(), {"category": "AUTH"}, "is async"),
        (Base, {}, "no verdict was given"),
        (Base, {"category": "TRANSIENTT"}, "did you mean 'TRANSIENT'"),
        (Base, {"code": ""}, "code must be a text"),
        (Base, {"retryable": "yes"}, "retryable must be True or False"),
        (Base, {"retry_scope": "sometimes"}, "retry_scope cannot be 'sometimes'"),
        (Base, {"circuit_outcome": "open"}, "circuit_outcome cannot be 'open'"),
        (Base, {"retryable": True, "retry_scope": "never"}, "contradicts"),
        (Base, {"retry_after": -1}, "zero or more"),
        (Base, {"retry_after": float("inf")}, "finite"),
        (Base, {"retry_after": float("nan")}, "finite"),
        (Base, {"retry_after": True}, "finite"),
        (Base, {"retry_after": "7"}, "finite"),
        (Base, {"retry_after": timedelta(days=-1)}, "zero or more"),
        (Base, {"reason": 7}, r"^register\(.*Base\): reason must be a text, not 7$"),
        (7, {"category": "AUTH"}, "a tuple of them, or a function of the error, not 7$"),
    ],
)
def test_bad_input_is_refused_at_once_and_changes_nothing(
    classifier: ErrorClassifier, matcher: Any, given: dict[str, Any], part: str
) -> None:
    with pytest.raises(ConfigurationError, match=part):
        classifier.register(matcher, **given)
    assert classifier.classify(Base()).category == "UNKNOWN"


# -- threads ------------------------------------------------------------------------------------------------


def test_registration_may_race_classification(classifier: ErrorClassifier) -> None:
    seen: set[tuple[str, bool]] = set()
    stop = threading.Event()

    def classify() -> None:
        while not stop.is_set():
            verdict = classifier.classify(Derived())
            seen.add((verdict.code, verdict.retryable))

    threads = [threading.Thread(target=classify) for _ in range(4)]
    for thread in threads:
        thread.start()
    for round_ in range(60):
        undo = classifier.register((Base, Derived)[round_ % 2], category="TRANSIENT", code="RULE")
        assert classifier.classify(Derived()).code == "RULE"  # a rule holds as soon as register has returned
        undo()
        assert classifier.classify(Derived()).code == "UNKNOWN"
    stop.set()
    for thread in threads:
        thread.join()
    assert seen <= {("RULE", True), ("UNKNOWN", False)}
