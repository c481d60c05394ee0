"""No exception, however it is built, makes the classifier raise, hang, or grow without bounds."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from typing import Any, ClassVar
from unittest.mock import MagicMock, Mock

import pytest
from hypothesis import given, strategies as st
from tests.errors.recorded_shapes import Bag, bearing, caused, recorded

from holdfast.errors import Classification, ErrorClassifier


def classify(error: Any) -> Classification:
    return ErrorClassifier().classify(error)


class RaisingAttributes(TimeoutError):
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class RaisingEverything(TimeoutError):
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


class EndlessAttributes(TimeoutError):
    def __getattr__(self, name: str) -> Any:
        return getattr(self, name + "_")


class AnythingGoes(TimeoutError):
    def __getattr__(self, name: str) -> Any:
        return MagicMock()


class RaisingProperties(TimeoutError):
    @property
    def status_code(self) -> int:
        raise ValueError

    @property
    def response(self) -> Any:
        raise ValueError

    @property
    def headers(self) -> Any:
        raise ValueError

    @property
    def retry_after(self) -> float:
        raise ValueError

    @property
    def __resilience__(self) -> Classification:
        raise ValueError

    @property
    def __cause__(self) -> BaseException:  # type: ignore[override]
        raise ValueError

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise ValueError


class LyingClass(TimeoutError):
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return asyncio.CancelledError


class RaisingClass(TimeoutError):
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise ValueError


class RaisingText(TimeoutError):
    def __str__(self) -> str:
        raise ValueError

    __repr__ = __str__
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise ValueError

    def __bool__(self) -> bool:
        raise ValueError


def with_odd_metaclass() -> Any:
    """Make a type whose metaclass spoils everything one may ask of it; kept from pytest's eyes, which would ask."""

    class OddMeta(type):
        def __eq__(cls, other: object) -> bool:
            raise ValueError

        __hash__ = None  # type: ignore[assignment]

        def __getattribute__(cls, name: str) -> Any:
            if name in {"__mro__", "__name__", "__qualname__", "__module__", "__bases__"}:
                raise ValueError(name)
            return super().__getattribute__(name)

        def __instancecheck__(cls, instance: object) -> bool:
            raise ValueError

        def __subclasscheck__(cls, subclass: type) -> bool:
            raise ValueError

        def __repr__(cls) -> str:
            raise ValueError

    return OddMeta("OddType", (TimeoutError,), {})


HOSTILE: dict[str, Any] = {
    "attributes raise": RaisingAttributes,
    "reading anything raises": RaisingEverything,
    "attributes never end": EndlessAttributes,
    "any attribute is a mock": AnythingGoes,
    "properties raise": RaisingProperties,
    "lies about its class": LyingClass,
    "asking for its class raises": RaisingClass,
    "text, hash, equality and truth raise": RaisingText,
}


@pytest.mark.parametrize("which", [*HOSTILE, "metaclass spoils everything"])
def test_whatever_its_attributes_do_a_timeout_is_judged_a_timeout(which: str) -> None:
    kind = HOSTILE.get(which) or with_odd_metaclass()
    assert classify(kind("x")).code == "TIMEOUT"
    assert classify(ExceptionGroup("x", [kind("x")])).code == "TIMEOUT"
    assert classify(caused(Exception(), kind("x"))).code == "TIMEOUT"


def test_a_rule_may_be_registered_for_a_type_with_an_odd_metaclass() -> None:
    odd = with_odd_metaclass()
    classifier = ErrorClassifier()
    classifier.register(odd, category="AUTH", code="ODD")
    assert classifier.classify(odd()).code == "ODD"
    assert classifier.classify(TimeoutError()).code == "TIMEOUT"


class RaisingOnInspection:
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise ValueError

    def __bool__(self) -> bool:
        raise ValueError


class RaisingResponse:
    @property
    def status_code(self) -> int:
        raise ValueError

    @property
    def status(self) -> int:
        raise ValueError

    headers: ClassVar = {"retry-after": "7"}


class ClosedDict(dict[str, Any]):
    def get(self, *args: Any) -> Any:
        raise ValueError


VALUES: dict[str, Any] = {
    "raises when inspected": RaisingOnInspection(),
    "mock": Mock(),
    "magic mock": MagicMock(),
    "object": object(),
    "huge number": 10**100,
    "negative number": -1,
    "nan": float("nan"),
    "huge text": "x" * 10**6,
    "bytes": b"\xff",
    "list": [],
    "dict": {},
    "dict of numbers": {1: 2},
    "dict that raises": ClosedDict(),
    "response that raises": RaisingResponse(),
    "type": type,
    "exception type": Exception,
    "function": lambda: 503,
    "ellipsis": ...,
}


@pytest.mark.parametrize(
    "name",
    ["status_code", "status", "code", "type", "body", "error", "response", "headers", "retry_after", "reason", "orig"],
)
@pytest.mark.parametrize("value", VALUES)
def test_no_value_of_an_attribute_hides_the_type(name: str, value: str) -> None:
    assert classify(bearing(TimeoutError(), **{name: VALUES[value]})).code == "TIMEOUT"


def test_headers_are_read_though_the_status_raises() -> None:
    assert classify(bearing(TimeoutError(), response=RaisingResponse())).retry_after == 7.0


def test_a_mock_that_claims_to_be_an_exception_is_no_cause() -> None:
    assert classify(Exception(Mock(spec=TimeoutError()))).category == "UNKNOWN"
    assert classify(bearing(Exception(), __resilience__=Mock(spec=Classification))).category == "UNKNOWN"


@pytest.mark.parametrize("thing", [None, 42, "TimeoutError", TimeoutError, object(), Mock(spec=TimeoutError())])
def test_what_is_no_exception_is_unknown(thing: Any) -> None:
    verdict = classify(thing)
    assert (verdict.category, verdict.reason) == ("UNKNOWN", "not an exception")


def test_a_type_without_a_module_or_with_an_odd_one_is_judged() -> None:
    without: Any = type("Nameless", (TimeoutError,), {"__module__": 7})
    assert classify(without()).code == "TIMEOUT"
    assert classify(caused(Exception(), without())).reason == "caused by Nameless (type TimeoutError)"
    lost: Any = eval("type('Lost', (TimeoutError,), {})", {})  # made where there is no module to note
    assert classify(lost()).code == "TIMEOUT"
    assert classify(caused(Exception(), lost())).reason == "caused by Lost (type TimeoutError)"


def test_a_type_with_an_endless_name_does_not_make_an_endless_reason() -> None:
    long = recorded("app." + "X" * 100_000, TimeoutError)
    assert len(classify(caused(Exception(), long())).reason) < 300


def test_an_error_that_breaks_its_classs_word_falls_back_on_the_next_rule() -> None:
    broken = recorded("smtplib.SMTPResponseException", OSError)  # without its smtp_code
    assert classify(broken(28, "x")).code == "DISK_FULL"
    assert classify(recorded("subprocess.CalledProcessError")("x")).category == "UNKNOWN"


def test_a_cycle_of_causes_ends() -> None:
    first, second = Exception("a"), Exception("b")
    first.__cause__, second.__cause__ = second, first
    first.__context__ = first
    assert classify(first).category == "UNKNOWN"
    itself = bearing(Exception("x"))
    bearing(itself, orig=itself)
    assert classify(itself).category == "UNKNOWN"


def test_a_chain_of_10_000_causes_is_followed_only_so_far() -> None:
    errors: list[BaseException] = [Exception(str(number)) for number in range(10_000)]
    errors.append(TimeoutError())
    for error, cause in zip(errors, errors[1:], strict=False):
        error.__cause__ = cause
    assert classify(errors[0]).category == "UNKNOWN"
    assert classify(errors[-13]).code == "TIMEOUT"
    assert classify(errors[-14]).category == "UNKNOWN"
    for error in errors:
        error.__cause__ = None


def test_a_tree_of_causes_is_followed_only_so_far() -> None:
    def tree(depth: int) -> BaseException:
        return Exception(*(tree(depth - 1) for _ in range(3))) if depth else Exception()

    assert classify(tree(7)).category == "UNKNOWN"


def test_a_million_characters_and_arguments_cost_nothing() -> None:
    assert classify(Exception("x" * 10**6, *range(10**5))).category == "UNKNOWN"


def test_an_error_raised_at_the_edge_of_the_stack_is_judged() -> None:
    def dive() -> Classification:
        try:
            return dive()
        except RecursionError as error:
            return classify(error)

    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(300)
        verdict = dive()
    finally:
        sys.setrecursionlimit(limit)
    assert verdict.category in {"INTERNAL", "UNKNOWN"}


def test_what_cannot_be_examined_at_all_is_unknown() -> None:
    class Poisoned(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            raise ValueError

        def __hash__(self) -> int:
            return hash("code")

    error = TimeoutError()
    error.__dict__[Poisoned("code")] = 1
    verdict = classify(error)
    assert (verdict.category, verdict.reason) == ("UNKNOWN", "the error could not be examined")


def test_an_interrupt_passes() -> None:
    def interrupted(error: BaseException) -> bool:
        raise KeyboardInterrupt

    classifier = ErrorClassifier()
    classifier.register(interrupted, category="AUTH")
    with pytest.raises(KeyboardInterrupt):
        classifier.classify(Exception())


@given(
    attributes=st.dictionaries(
        st.sampled_from(
            ["code", "status", "status_code", "headers", "retry_after", "type", "body", "error", "response"]
        ),
        st.recursive(
            st.one_of(
                st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["503", "code", "", "error"])
            ),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(st.sampled_from(["code", "status", "error", "headers", "Error", "Code"]), inner),
                inner.map(lambda value: Bag(status_code=value, headers=value)),
            ),
            max_leaves=8,
        ),
    )
)
def test_any_attributes_give_a_sound_verdict(attributes: dict[str, Any]) -> None:
    verdict = classify(bearing(Exception("x"), **attributes))
    assert verdict.retryable == (verdict.retry_scope != "never")
    assert verdict.retry_after is None or verdict.retry_after >= 0


# -- memory -------------------------------------------------------------------------------------------------


def test_10_000_dynamic_types_are_not_kept() -> None:
    classifier = ErrorClassifier()
    types = []
    for number in range(10_000):
        kind = recorded(f"app.Dynamic{number}")
        classifier.classify(kind("x"))
        types.append(weakref.ref(kind))
        del kind
    gc.collect()
    assert sum(reference() is not None for reference in types) <= 1024
    assert classifier.classify(recorded("app.Dynamic0")("x")).category == "UNKNOWN"


def test_a_type_seen_before_is_judged_from_its_plan_and_the_oldest_plan_goes_first() -> None:
    classifier = ErrorClassifier()
    first = recorded("app.First")
    classifier.classify(first())
    plans = classifier._called()._rules.plans
    kept = plans[id(first)]
    classifier.classify(first())
    assert plans[id(first)] is kept
    for number in range(1024):
        classifier.classify(recorded(f"app.Other{number}")())
    assert id(first) not in plans
    assert len(plans) == 1024


def test_a_classified_error_is_not_kept() -> None:
    classifier = ErrorClassifier()
    error = recorded("app.Kept")("x")
    kept = weakref.ref(error)
    classifier.classify(caused(Exception(), error))
    classifier.classify(error)
    del error
    assert kept() is None
