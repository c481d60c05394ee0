"""Verdicts and the names they are found by: what follows from what, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast import Classification, ConfigurationError, ErrorCategory, ErrorCode
from holdfast.errors.classification import as_category
from holdfast.errors.recognition import (
    Otherwise,
    full_name,
    module_name,
    never_sent,
    roots_of,
    rules_for,
    table,
    verdict,
)


def of(category: str, scope: Any = None, outcome: Any = None, wait: float | None = None) -> Classification:
    return Classification(
        category=category, retry_scope=scope, circuit_outcome=outcome, retry_after=wait, reason=f"{category} {scope}"
    )


# Names.


def test_tables_spread_their_rows_and_constants_have_their_name_as_reason() -> None:
    constant = verdict(ErrorCategory.TRANSIENT, ErrorCode.TIMEOUT, "always")
    careful = Otherwise(constant, unsent=True)

    def look(_error: Any) -> None: ...

    rules = table({"builtins.OSError pkg:Error": constant, "pkg.Other": careful, "pkg:Look": look})
    assert rules["builtins.OSError"] == constant.because("type OSError")
    assert rules["pkg:Error"] == constant.because("type pkg.Error")
    assert rules["pkg.Other"] == Otherwise(constant.because("type pkg.Other"), unsent=True)
    assert rules["pkg:Look"] is look


def made(module: Any, name: str, *bases: type) -> type:
    return type(name, bases or (Exception,), {"__module__": module})


def test_a_class_is_known_by_its_full_name_or_by_its_package_and_the_most_specific_first() -> None:
    base, inner = made("pkg.api", "Base"), made("pkg._private.deep", "Inner")
    kind = made("other", "Kind", inner, base)
    one, two = (verdict(ErrorCategory.TRANSIENT, ErrorCode.TIMEOUT, reason=str(number)) for number in range(2))
    assert rules_for(kind.__mro__, {"pkg.api.Base": one, "pkg:Inner": two}) == (two, one)
    assert rules_for(kind.__mro__, {"pkg.Base": one, "pkg.api:Base": one, "deep:Inner": two}) == ()
    assert rules_for((base,), {"pkg.api.Base": one, "pkg:Base": two}) == (one,)
    assert roots_of(kind.__mro__) == {"other", "pkg", "builtins"}


def test_a_class_that_hides_its_module_has_just_its_name() -> None:
    assert module_name(made(7, "Odd")) == ""
    assert full_name(made(7, "Odd")) == "Odd"
    assert full_name(made("pkg.mod", "Kind")) == "pkg.mod.Kind"
    assert full_name(ValueError) == "ValueError"
    assert full_name(made("p", "K" * 158)) == "p." + "K" * 158
    assert full_name(made("p", "K" * 159)) == "p." + "K" * 158 + "…"


def test_what_was_never_sent_may_always_be_tried_again() -> None:
    for scope, then in (("idempotent", "always"), ("reconnect", "always"), ("new_transaction", "new_transaction")):
        assert never_sent(of("TRANSIENT", scope)).retry_scope == then
    assert never_sent(of("TRANSIENT", "always")).retry_scope == "always"
    hopeless = of("PERMANENT", "never")
    assert never_sent(hopeless) is hopeless


def test_a_verdict_of_a_table_is_retryable_if_its_scope_is_not_never() -> None:
    kept = verdict(ErrorCategory.TRANSIENT, ErrorCode.TIMEOUT, "always", "ignore", reason="why")
    assert (kept.retryable, kept.retry_scope, kept.circuit_outcome, kept.reason) == (True, "always", "ignore", "why")
    usual = verdict(ErrorCategory.TRANSIENT, ErrorCode.TIMEOUT)
    assert (usual.retryable, usual.retry_scope, usual.circuit_outcome, usual.reason) == (False, "never", "failure", "")
    assert verdict(ErrorCategory.TRANSIENT, ErrorCode.TIMEOUT, "always", retryable=False).retryable is False


# Verdicts.


@pytest.mark.parametrize(
    ("fields", "retryable", "scope", "outcome"),
    [
        ({"category": "TRANSIENT"}, True, "idempotent", "failure"),
        ({"category": "RESOURCE"}, True, "always", "ignore"),
        ({"category": "PERMANENT"}, False, "never", "success"),
        ({"category": "PERMANENT", "retryable": True}, True, "idempotent", "success"),
        ({"category": "PERMANENT", "retry_scope": "reconnect"}, True, "reconnect", "success"),
        ({"category": "TRANSIENT", "retryable": False}, False, "never", "failure"),
        ({"category": "TRANSIENT", "retry_scope": "never"}, False, "never", "failure"),
        ({"category": "RESOURCE", "retryable": True}, True, "always", "ignore"),
        ({"category": "RESOURCE", "retryable": False, "retry_scope": "always"}, False, "always", "ignore"),
        ({"category": "TRANSIENT", "circuit_outcome": "ignore"}, True, "idempotent", "ignore"),
    ],
)
def test_what_is_left_out_follows_from_the_category(fields: Any, retryable: bool, scope: str, outcome: str) -> None:
    made = Classification(**fields)
    assert (made.retryable, made.retry_scope, made.circuit_outcome) == (retryable, scope, outcome)
    assert (made.code, made.retry_after, made.reason) == (ErrorCode.UNKNOWN, None, "")


class Spelled(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"code": ""}, "code must be a text such as 'LOCK_BUSY', not ''"),
        ({"code": 3}, "code must be a text such as 'LOCK_BUSY', not 3"),
        ({"retryable": 1}, "retryable must be True or False, not 1"),
        ({"retry_scope": "alway"}, "retry_scope cannot be 'alway'; did you mean 'always'?"),
        ({"circuit_outcome": "fail"}, "circuit_outcome cannot be 'fail'; "),
        ({"retryable": True, "retry_scope": "never"}, "retryable=True contradicts retry_scope='never'"),
        ({"retry_after": -1}, "retry_after must be finite seconds of zero or more, not -1"),
        ({"retry_after": float("inf")}, "retry_after must be finite seconds of zero or more, not inf"),
        ({"retry_after": float("nan")}, "retry_after must be finite seconds of zero or more, not nan"),
        ({"retry_after": True}, "retry_after must be finite seconds of zero or more, not True"),
        ({"retry_after": "3"}, "retry_after must be finite seconds of zero or more, not '3'"),
    ],
)
def test_a_verdict_that_makes_no_sense_is_refused(fields: Any, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Classification(category="TRANSIENT", **fields)
    assert str(caught.value).startswith(f"Classification: {says}")


def test_a_verdict_keeps_plain_values() -> None:
    made = Classification(category="transient", code=Spelled("MINE"), retry_after=0)
    assert made.category is ErrorCategory.TRANSIENT
    assert type(made.code) is str
    assert (type(made.retry_after), made.retry_after) == (float, 0.0)
    assert type(Classification(category="TRANSIENT", code=ErrorCode.TIMEOUT).code) is ErrorCode


def test_a_verdict_with_a_wait_or_a_reason_is_a_copy() -> None:
    plain = of("TRANSIENT")
    assert plain.waiting(None) is plain
    assert plain.waiting(0.0) == plain.replace(retry_after=0.0)
    assert plain.because("so") == plain.replace(reason="so")
    assert (plain.retry_after, plain.reason) == (None, "TRANSIENT None")
    assert plain.trips_circuit
    assert not of("TRANSIENT", outcome="success").trips_circuit


def test_a_category_is_found_by_its_name_in_any_case_and_the_owner_of_a_wrong_one_is_told() -> None:
    assert as_category("Transient") is as_category(ErrorCategory.TRANSIENT) is ErrorCategory.TRANSIENT
    with pytest.raises(ConfigurationError, match=r"^'TRANSIANT' is no error category; did you mean 'TRANSIENT'"):
        as_category("TRANSIANT")
    with pytest.raises(ConfigurationError, match=r"^mine: 3 is no error category; "):
        as_category(3, "mine")  # type: ignore[arg-type]
