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

from holdfast import ConfigurationError
from holdfast.records import Record, did_you_mean, nearest, plain
from holdfast.settings import Settings


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
    with pytest.raises(TypeError):
        Point(1, 2)  # type: ignore[call-arg]


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
