"""What errors say is read quickly, whatever they carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.errors.recorded_shapes import Bag, bearing, recorded

from holdfast import ErrorClassifier
from holdfast.errors.texts import text_of


class Unwritable:
    """Takes for ever to write out, or would if it were asked."""

    def __repr__(self) -> str:
        raise AssertionError("written out")


def cycle() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


def error_in_itself() -> BaseException:
    error = ValueError()
    error.args = (error,)
    return error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("Not SO"), "not so"),
        (ValueError(), ""),
        (ValueError("One", 2, None, [b"x"], {"a": (1, {2})}), "('one', 2, none, [b'x'], {'a': (1, {2})})"),
        (OSError(111, "Refused"), "[errno 111] refused"),
        (ValueError(OSError(111, "Refused")), "[errno 111] refused"),
        (None, ""),
        ("text", ""),
    ],
)
def test_a_message_is_read_in_lower_case(error: Any, text: str) -> None:
    assert text_of(error, 100) == text


def test_only_the_beginning_is_read() -> None:
    assert text_of(ValueError("x" * 10_000_000), 100) == "x" * 100
    assert text_of(ValueError("Xyz"), 2) == "xy"


@pytest.mark.parametrize(
    "huge",
    [
        "x" * 5_000,
        b"x" * 5_000,
        dict.fromkeys(range(200), Unwritable()),
        [Unwritable()] * 300,
        ([[Unwritable()] * 200] * 200,),
        ValueError(*[Unwritable()] * 300),
        (cycle(), Unwritable()),
        (error_in_itself(), Unwritable()),
    ],
    ids=["text", "bytes", "dict", "list", "nested", "error", "cycle", "error in itself"],
)
def test_of_an_error_with_huge_arguments_the_first_text_is_read(huge: Any) -> None:
    assert text_of(ValueError(huge, Unwritable(), "Told"), 4) == ("xxxx" if isinstance(huge, str) else "told")
    assert text_of(ValueError(huge), 4) == ("xxxx" if isinstance(huge, str) else "")


def test_of_many_arguments_only_the_first_are_looked_at() -> None:
    assert text_of(ValueError(*[Unwritable()] * 20, "late"), 10) == ""


def test_a_message_that_cannot_be_made_says_nothing() -> None:
    assert text_of(ValueError(Unwritable()), 10) == ""


@pytest.mark.parametrize("path", ["httpx.ConnectError", "requests.exceptions.ConnectionError", "pika.exceptions.X"])
def test_a_body_among_the_arguments_is_not_written_out(path: str) -> None:
    error = recorded(path)(dict.fromkeys(range(1_000), Unwritable()))
    assert ErrorClassifier().classify(error).retry_after is None


def test_a_dict_of_a_foreign_kind_is_read_past_its_own_methods() -> None:
    class Odd(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            raise AssertionError("asked")

    answer = Odd(Error=Odd(Code="SlowDown"), ResponseMetadata=Odd(HTTPStatusCode=503))
    error = bearing(recorded("botocore.exceptions.ClientError")("x"), response=answer)
    assert ErrorClassifier().classify(error).code == "EXTERNAL_RATE_LIMITED"


@pytest.mark.parametrize(("fails", "code"), [(False, "UNAUTHENTICATED"), (True, "BAD_REQUEST")])
def test_headers_of_any_kind_may_hold_a_code(fails: bool, code: str) -> None:
    class Headers(Mapping[str, str]):
        def __getitem__(self, name: str) -> str:
            if fails:
                raise RuntimeError(name)
            return {"x-ms-error-code": "AuthenticationFailed"}[name]

        def __iter__(self) -> Iterator[str]:
            return iter(["x-ms-error-code"])

        def __len__(self) -> int:
            return 1

    error = recorded("azure.core.exceptions.HttpResponseError")("x")
    bearing(error, status_code=400, response=Bag(status_code=400, headers=Headers()))
    assert ErrorClassifier().classify(error).code == code
