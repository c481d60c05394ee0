"""What is logged of a user's callback that broke, and where a warning points to."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest

from holdfast import get_retry_policy
from holdfast.journal import report_broken, warn


def told(caplog: pytest.LogCaptureFixture, function: Any, *args: Any) -> str:
    """What is logged of a function that is called, from here, with these arguments."""
    try:
        function(*args)
    except Exception:
        report_broken("room", "callback", function)
    return caplog.messages[-1]


def called_by_us(callback: Any) -> None:
    """Have holdfast call it with one argument more than `functools.partial` is given, and report what comes of it."""
    namespace: dict[str, Any] = {"report_broken": report_broken}
    source = "def call(it):\n try: it(1)\n except Exception: report_broken('room', 'callback', it)"
    exec(compile(source, "<holdfast test>", "exec"), namespace)
    namespace["call"](callback)


def test_the_place_is_where_it_was_raised(caplog: pytest.LogCaptureFixture) -> None:
    assert f"({json.decoder.__file__}:" in told(caplog, json.loads, "{")

    def looks_up(name: str) -> None:
        get_retry_policy(name)

    assert "registry.py:" in told(caplog, looks_up, "unheard of")


def test_of_a_callback_that_takes_other_arguments_it_is_the_callbacks_own_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def takes_none() -> None: ...

    class Callable:
        def __call__(self) -> None: ...

    for callback, code in ((takes_none, takes_none.__code__), (Callable(), Callable.__call__.__code__)):
        called_by_us(callback)
        assert f"raised TypeError ({__file__}:{code.co_firstlineno}); the guarded call" in caplog.messages[-1]


def test_of_a_builtin_that_takes_other_arguments_no_place_is_known(caplog: pytest.LogCaptureFixture) -> None:
    called_by_us([].clear)
    assert "raised TypeError; the guarded call is not affected" in caplog.messages[-1]


def test_nothing_that_is_being_handled_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    report_broken("room", "callback", [].clear)
    assert "raised NoneType; the guarded call is not affected" in caplog.text


def test_a_warning_points_to_the_line_that_called_holdfast() -> None:
    namespace: dict[str, Any] = {"warn": warn}
    exec(compile("def inner(): warn('careful')\ndef ours(): inner()", "<holdfast test>", "exec"), namespace)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        namespace["ours"]()
    assert [(each.filename, each.category) for each in caught] == [(__file__, UserWarning)]
