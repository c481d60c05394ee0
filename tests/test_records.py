"""Frozen records: made by keyword, compared by value, copied, pickled, and told as JSON."""

from __future__ import annotations

import copy
import enum
import inspect
import json
import pickle
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar

import pytest

from holdfast import BulkheadConfig, CircuitBreakerConfig, ConfigurationError, RetryPolicy
from holdfast.rate_limit import TokenBucket
from holdfast.records import Record, did_you_mean, nearest, plain
from holdfast.settings import Settings
from holdfast.timeout import TimeoutConfig


class Point(Record):
    """A record."""

    scale: ClassVar[int] = 3
    _hidden: ClassVar[int] = 4
    x: float
    y: float = 0.0


class Place(Point):
    """A record with one field more, and another default."""

    y: float = 1.0
    name: str = ""


class Pair(Record):
    own: Any
    view: Any


class Colour(enum.Enum):
    RED = 1


def test_fields_are_the_annotations_in_order_those_of_the_base_first() -> None:
    assert Point._fields == ("x", "y")
    assert Place._fields == ("x", "y", "name")
    assert Place(x=2) == Place(x=2, y=1.0, name="")


def test_a_record_is_made_with_keywords_only_and_all_that_has_no_default() -> None:
    with pytest.raises(TypeError, match="x must be given"):
        Point(y=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Point has no field 'z'; known: x, y"):
        Point(x=1, z=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Point has no field 'z'"):
        Point(z=2)  # type: ignore[call-arg]


def test_a_record_with_fields_by_position_says_how_to_give_them() -> None:
    with pytest.raises(TypeError, match=r"^Point takes its fields by keyword: Point\(x=\.\.\., y=\.\.\.\)$"):
        Point(1, 2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Place\(x=\.\.\., name=\.\.\.\)"):
        Place(1, name="a")  # type: ignore[call-arg]
    makers: dict[Any, str] = {
        TokenBucket: "TokenBucket(rate=..., capacity=...)",
        TimeoutConfig: "TimeoutConfig(seconds=...)",
        BulkheadConfig: "BulkheadConfig(max_concurrent=...)",
    }
    for make, told in makers.items():
        with pytest.raises(TypeError) as caught:
            make(10)
        assert told in str(caught.value)
    with pytest.raises(TypeError, match=r"RetryPolicy\(name=\.\.\., max_attempts=\.\.\.\)"):
        RetryPolicy("x", 5)  # type: ignore[call-arg]


def test_settings_refuse_in_the_words_of_a_configuration_error() -> None:
    class Limits(Settings):
        attempts: int

    with pytest.raises(ConfigurationError, match="did you mean 'attempts'"):
        Limits(atempts=1)  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="attempts must be given"):
        Limits()  # type: ignore[call-arg]


def test_a_record_is_frozen() -> None:
    point = Point(x=1)
    with pytest.raises(AttributeError, match=r"Point is frozen: use \.replace\(x=\.\.\.\)"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="x cannot be deleted"):
        del point.x


def test_records_are_compared_and_hashed_by_value_and_kind() -> None:
    assert Point(x=1) == Point(x=1, y=0.0)
    assert Point(x=1) != Point(x=2)
    assert Point(x=1, y=1.0) != Place(x=1)
    assert Point(x=1) != "a point"
    assert len({Point(x=1), Point(x=1), Point(x=2), Place(x=1)}) == 3


def test_a_record_shows_what_differs_from_its_defaults() -> None:
    assert repr(Point(x=1)) == "Point(x=1)"
    assert repr(Point(x=1, y=2)) == "Point(x=1, y=2)"


def test_records_can_be_copied_changed_and_pickled() -> None:
    point = Point(x=1)
    assert point.replace(y=5) == Point(x=1, y=5)
    assert copy.deepcopy(point) == point
    assert pickle.loads(pickle.dumps(point)) == point
    with pytest.raises(TypeError, match="no field 'z'"):
        point.replace(z=1)


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda record: pickle.loads(pickle.dumps(record))])
def test_in_a_copy_a_dict_is_a_dict_and_a_read_only_view_is_one(how: Any) -> None:
    record = Pair(own={"a": [1]}, view=MappingProxyType({"b": 2}))
    copied = how(record)
    assert copied == record
    assert (type(copied.own), type(copied.view)) == (dict, MappingProxyType)


def test_help_and_inspect_see_the_fields() -> None:
    signature = inspect.signature(Place)
    assert list(signature.parameters) == ["x", "y", "name"]
    assert signature.parameters["y"].default == 1.0
    assert signature.parameters["x"].default is inspect.Parameter.empty


def test_a_record_is_told_in_what_json_knows() -> None:
    class Report(Record):
        values: tuple[Any, ...]

    report = Report(
        values=(
            None,
            True,
            1.5,
            "text",
            Colour.RED,
            {"b", "a"},
            [Point(x=1)],
            MappingProxyType({Colour.RED: ValueError}),
            datetime(2026, 1, 2, tzinfo=UTC),
            plain,
            3 + 4j,
        )
    )
    told = [
        None,
        True,
        1.5,
        "text",
        1,
        ["a", "b"],
        [{"x": 1, "y": 0.0}],
        {"1": "ValueError"},
        "2026-01-02T00:00:00+00:00",
        "plain",
        "(3+4j)",
    ]
    assert json.loads(json.dumps(report.as_dict())) == {"values": told}


def test_the_nearest_spelling_is_offered_if_there_is_a_near_one() -> None:
    assert nearest("Agresive", ["default", "aggressive"]) == "aggressive"
    assert nearest("xyz", ["default"]) is None
    assert did_you_mean("defalt", ["none", "default"]) == "did you mean 'default'? known: default, none"
    assert did_you_mean(3, ["b", "a"]) == "known: a, b"
    assert did_you_mean("a", []) == "none is known"


ELSEWHERE = {
    RetryPolicy: {
        "tenacity": {
            "stop": "did you mean 'max_attempts' or 'total_timeout'?",
            "wait": "'backoff'",
            "retry": "'should_retry' or 'retry_on'",
            "before_sleep": "'on_retry'",
            "reraise": "leave it out: in the end the function's own exception always comes out; known: ",
            "retry_error_cls": "leave it out",
            "retry_error_callback": "with_fallback",
            "enabled": "set_enabled(False)",
        },
        "stamina": {
            "on": "'retry_on'",
            "attempts": "'max_attempts'",
            "timeout": "did you mean 'attempt_timeout' or 'total_timeout'?",
            "wait_initial": "backoff={'initial_delay': ...}",
            "wait_max": "backoff={'max_delay': ...}",
            "wait_jitter": "backoff={'jitter_factor': ...}",
            "wait_exp_base": "backoff={'multiplier': ...}",
        },
        "backoff": {
            "wait_gen": "'backoff'",
            "exception": "'retry_on'",
            "max_tries": "'max_attempts'",
            "max_time": "'total_timeout'",
            "jitter": "backoff={'jitter_factor': ...}",
            "giveup": "'should_retry' or 'retry_on'",
            "on_backoff": "'on_retry'",
            "on_giveup": "'on_final_failure'",
            "raise_on_giveup": "leave it out",
            "max_value": "backoff={'max_delay': ...}",
        },
        "others": {
            "tries": "'max_attempts'",
            "retries": "'max_attempts'",
            "delay": "'backoff'",
            "exceptions": "'retry_on'",
            "exc": "'retry_on'",
        },
    },
    CircuitBreakerConfig: {
        "pybreaker": {"fail_max": "'failure_threshold'", "exclude": "'ignore'", "listeners": "'on_state_change'"},
        "circuitbreaker": {
            "recovery_timeout": "'reset_timeout'",
            "expected_exception": "'failure_on'",
            "fallback_function": "'fallback'",
        },
        "aiobreaker": {"timeout_duration": "'reset_timeout'"},
        "others": {"failure_limit": "'failure_threshold'"},
    },
    BulkheadConfig: {
        "others": {
            "max_calls": "'max_concurrent'",
            "max_concurrency": "'max_concurrent'",
            "limit": "'max_concurrent'",
            "timeout": "'queue_timeout'",
        }
    },
}


@pytest.mark.parametrize(
    ("config", "word", "told"),
    [
        (config, word, told)
        for config, libraries in ELSEWHERE.items()
        for words in libraries.values()
        for word, told in words.items()
    ],
)
def test_the_words_of_other_libraries_lead_to_the_fields_that_mean_it(config: Any, word: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        config(**{word: 3})
    offer, _, known = str(caught.value).partition("known: ")
    assert told in offer + "known: "
    assert word not in known.split(", ")


def test_a_word_of_another_library_is_offered_only_where_its_field_is_known() -> None:
    assert did_you_mean("fail_max", ["success_threshold"]) == "known: success_threshold"
    assert did_you_mean("Timeout", ["timeout", "total_timeout"]).startswith("did you mean 'timeout'?")
    assert did_you_mean("reraise", ["name"]) == "known: name"
