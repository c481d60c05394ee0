"""The stand-ins for what `typing` has do for users what the originals do."""

from __future__ import annotations

import copy
import pickle
from typing import Any, Generic, TypeVar, get_args, get_origin

from holdfast import RetryResult

T = TypeVar("T")
A_CONTEXT: Any = None


def a_result(kind: Any = RetryResult) -> Any:
    return kind(success=True, value=1, error=None, context=A_CONTEXT)


def test_a_generic_class_takes_a_type_in_brackets() -> None:
    assert get_origin(RetryResult[int]) is RetryResult
    assert get_args(RetryResult[int]) == (int,)
    assert repr(RetryResult[int]).endswith("RetryResult[int]")
    assert get_args(RetryResult[int] | None) == (RetryResult[int], type(None))
    assert pickle.loads(pickle.dumps(RetryResult[int])) == RetryResult[int]


def test_an_object_is_made_with_or_without_a_type_in_brackets() -> None:
    assert type(a_result(RetryResult[int])) is RetryResult
    assert a_result(RetryResult[int]) == a_result() == copy.deepcopy(a_result())


def test_a_generic_class_has_subclasses_of_one_type_and_of_any() -> None:
    class Number(RetryResult[int]):
        pass

    class Kept(RetryResult[T], Generic[T]):
        pass

    assert isinstance(a_result(Number), RetryResult)
    assert isinstance(a_result(Kept[int]), Kept)
    assert get_args(Kept[int]) == (int,)
