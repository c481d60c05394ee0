"""How long it takes to judge an error: of a type seen for the first time, seen before, and made to be slow.

The libraries are not needed: their classes are stood in for, with their names, bases and attributes.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from holdfast import ErrorClassifier

from .report import Result, Row

FIRST_PROMISE = 50_000
"""Nanoseconds that the first error of a type takes at most."""
LATER_PROMISE = 2_000
"""Nanoseconds that an error of a known type takes at most, if it carries nothing but its type."""

_TYPES = 200
_CALLS = 2_000


class _Reply:
    def __init__(self, status: int, headers: dict[str, str]) -> None:
        self.status_code = status
        self.headers = headers


def _type(module: str, name: str, *bases: type[BaseException], **members: Any) -> type[Any]:
    return type(name, bases or (Exception,), {"__module__": module, "__qualname__": name, **members})


def _openai(number: int = 0) -> Any:
    api = _type("openai", "APIStatusError", _type("openai", "APIError", _type("openai", "OpenAIError")))
    error = _type("openai", "RateLimitError" if not number else f"Vendor{number}Error", api)("slow down")
    error.response = _Reply(429, {"content-type": "application/json", "retry-after": "7"})
    error.status_code = 429
    error.body = {"error": {"type": "requests", "code": "rate_limit_exceeded"}}
    error.code, error.type = "rate_limit_exceeded", "requests"
    return error


def _httpx(number: int = 0) -> Any:
    transport = _type("httpx", "TransportError", _type("httpx", "RequestError", _type("httpx", "HTTPError")))
    error = _type("httpx", f"Network{number}Error", transport)("[Errno 111] Connection refused")
    inner = _type("httpcore", "ConnectError", _type("httpcore", "NetworkError"))("[Errno 111] Connection refused")
    inner.__context__ = ConnectionRefusedError(111, "Connection refused")
    error.__cause__ = inner
    return error


def _psycopg(number: int = 0) -> Any:
    base = _type("psycopg", "DatabaseError", _type("psycopg", "Error", sqlstate=None))
    return _type("psycopg.errors", f"Vendor{number}Error", base, sqlstate="40001")("could not serialize access")


def _plain(number: int = 0) -> Any:
    return _type("mine", f"Mine{number}Error")("x")


_MAKERS: dict[str, Callable[[int], BaseException]] = {
    "an error of one's own": _plain,
    "openai, with a response": _openai,
    "httpx, with causes": _httpx,
    "psycopg, with a code": _psycopg,
}


def _median(timings: list[int]) -> float:
    return statistics.median(timings)


def _once(classifier: ErrorClassifier, error: BaseException) -> int:
    began = time.perf_counter_ns()
    classifier.classify(error)
    return time.perf_counter_ns() - began


def first_sight(*, rounds: int, seed: int) -> Result:
    """Time the first error of each of many types, other libraries' among them."""
    rows: list[Row] = []
    for name, make in _MAKERS.items():
        classifier = ErrorClassifier()
        classifier.classify(ValueError())  # imports the rules
        errors = [make(number) for number in range(_TYPES)]
        rows.append(Row(name, size=_median([_once(classifier, error) for error in errors]), promised=FIRST_PROMISE))
    return Result(
        "classify-first", f"the first error of a type, median of {_TYPES} types", "ns", tuple(rows), shown_as="count"
    )


def later(*, rounds: int, seed: int) -> Result:
    """Time errors of types that were seen before."""
    classifier = ErrorClassifier()
    rows: list[Row] = []
    for name, error in [
        ("a timeout", TimeoutError()),
        ("a refused connection", ConnectionRefusedError(111, "Connection refused")),
        ("a bug", KeyError("x")),
        *((name, make(0)) for name, make in _MAKERS.items()),
    ]:
        classifier.classify(error)
        rows.append(
            Row(name, size=_per_call(classifier, error, rounds), promised=LATER_PROMISE if len(rows) < 4 else None)
        )
    return Result(
        "classify", "an error of a type that was seen before", "ns", tuple(rows), shown_as="count", best_first=False
    )


def _per_call(classifier: ErrorClassifier, error: BaseException, rounds: int) -> float:
    timings = []
    for _ in range(rounds):
        began = time.perf_counter_ns()
        for _ in range(_CALLS // 20):
            classifier.classify(error)
        timings.append((time.perf_counter_ns() - began) // (_CALLS // 20))
    return _median(timings)


def hostile(*, rounds: int, seed: int) -> Result:
    """Time errors that are made to be slow."""

    class Raising(Exception):
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

    deep: BaseException = ValueError()
    for _ in range(10_000):
        following = RuntimeError()
        following.__cause__ = deep
        deep = following
    circle = RuntimeError()
    circle.__cause__, circle.__context__ = (other := RuntimeError()), circle
    other.__cause__ = circle
    huge = RuntimeError("x" * 10_000_000)
    wide = ExceptionGroup("many", [ConnectionResetError() for _ in range(1_000)])
    classifier = ErrorClassifier()
    rows: list[Row] = []
    for name, error in {
        "a chain of 10,000 causes": deep,
        "causes in a circle": circle,
        "a message of 10 MB": huge,
        "every attribute raises": Raising(),
        "a group of 1,000": wide,
    }.items():
        classifier.classify(error)
        rows.append(Row(name, size=_median([_once(classifier, error) for _ in range(rounds)]), promised=2_000_000))
    return Result("classify-hostile", "errors made to be slow", "ns", tuple(rows), shown_as="count", best_first=False)


BENCHMARKS: dict[str, Callable[..., Result]] = {
    "classify": later,
    "classify-first": first_sight,
    "classify-hostile": hostile,
}
