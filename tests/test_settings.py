"""Single values: brought into their normal form, or refused in words that help."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest

from holdfast import ConfigurationError, settings


class Three:
    """A number of another library, such as numpy's."""

    def __index__(self) -> int:
        return 3


def test_whole_numbers_may_come_from_other_libraries() -> None:
    assert settings.whole_number("P", "n", Three()) == 3
    assert type(settings.whole_number("P", "n", Three())) is int


@pytest.mark.parametrize("value", [0, True, 1.0, "1", None])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"P: n must be a whole number of at least 1, not .* \(hint\)"):
        settings.whole_number("P", "n", value, hint="hint")


@pytest.mark.parametrize(
    ("given", "is_"), [(0, 0.0), (-0.0, 0.0), (2, 2.0), (0.5, 0.5), (timedelta(milliseconds=20), 0.02)]
)
def test_durations_become_float_seconds(given: Any, is_: float) -> None:
    seconds = settings.seconds("P", "d", given)
    assert seconds == is_
    assert math.copysign(1, seconds) == 1


@pytest.mark.parametrize("value", [-1, -0.001, math.nan, math.inf, -math.inf, 10**400, timedelta(-1)])
def test_durations_are_finite_and_not_negative(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="P: d must be finite and zero or more seconds, not"):
        settings.seconds("P", "d", value)


def test_a_limit_of_zero_is_refused_where_it_makes_no_sense() -> None:
    with pytest.raises(ConfigurationError, match="must be finite and more than zero seconds, not 0"):
        settings.optional_seconds("P", "d", 0)
    assert settings.optional_seconds("P", "d", 0, zero=True) == 0
    assert settings.optional_seconds("P", "d", None) is None
