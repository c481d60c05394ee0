"""The shape of an exception: all that the classifier can see of it, as JSON, and an exception made from that again.

So exceptions of libraries that are not installed can be judged: their classes are made anew, with the module, the
name and the bases that the real ones had, and the instances carry the attributes that were recorded.
"""

from __future__ import annotations

import enum
import importlib
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from holdfast.errors.attributes import INTERESTING

SEEN = INTERESTING | {
    # What the rules for single libraries look at. A name that is missing here is missing on the copies.
    "_condition",
    "_error",
    "_retryable",
    "args",
    "api_error",
    "api_exceptions",
    "description",
    "err_code",
    "fatal",
    "http_code",
    "http_status_code",
    "json_body",
    "reply_code",
    "reply_text",
    "response_code",
    "retriable",
    "txn_requires_abort",
    "rcvd",
    "turn",
    "event",
    "close_code",
    "condition",
    "data",
    "details",
    "errno",
    "error_details",
    "errors",
    "grpc_status_code",
    "innererror",
    "last_response",
    "message",
    "metadata",
    "msg",
    "nanos",
    "quota_id",
    "retry_delay",
    "retry_time",
    "retryable",
    "returncode",
    "seconds",
    "strerror",
    # databases
    "connection_invalidated",
    "full_code",
    "isrecoverable",
    "pgcode",
    "sqlite_errorname",
    "sqlstate",
    "sub_status",
    "trailing_metadata",
    "value",
    "violations",
    # WebSockets, aiohttp, dnspython, PySocks
    "sent",
    "rcvd_then_sent",
    "os_error",
    "rcode",
    "socket_err",
}
CALLED = {"code", "details", "fatal", "retriable", "trailing_metadata", "txn_requires_abort"}
"""Methods without arguments whose answer is recorded."""
ASKED: dict[str, tuple[str, ...]] = {
    "has_error_label": (
        "NoWritesPerformed",
        "RetryableError",
        "RetryableWriteError",
        "SystemOverloadedError",
        "TransientTransactionError",
        "UnknownTransactionCommitResult",
    ),
}
"""Methods with one argument, and the arguments whose answers are recorded."""

_DEEPEST = 6
_LONGEST = 400
_PLAIN = (type(None), bool, int, float)


def record(error: BaseException) -> dict[str, Any]:
    """Describe the exception, its causes and what hangs on it, as JSON allows."""
    return _record_error(error, 0)


def _record_error(error: BaseException, depth: int) -> dict[str, Any]:
    kind = type(error)
    shape: dict[str, Any] = {"class": _path(kind)}
    classes = {
        _path(each): {
            "bases": [_path(base) for base in each.__bases__],
            "members": sorted(SEEN.intersection(vars(each))),
        }
        for each in kind.__mro__
        if not _is_standard(each)
    }
    if classes:
        shape["classes"] = classes
    shape["args"] = [_record(value, depth + 1) for value in error.args]
    own = getattr(error, "__dict__", {})
    held = {name: _record(own[name], depth + 1) for name in sorted(SEEN.intersection(own)) if name != "args"}
    if held:
        shape["own"] = held
    told = {}
    for name in sorted(SEEN.difference(held, {"args"})):
        if any(name in vars(each) for each in kind.__mro__ if each is not BaseException):
            value = _get(error, name)
            if value is not None:
                told[name] = _called(error, name, value, depth)
    if told:
        shape["told"] = told
    for name, arguments in ASKED.items():
        method = _get(error, name)
        if callable(method):
            shape.setdefault("asked", {})[name] = [each for each in arguments if method(each)]
    text = _text(error)
    if text is not None:
        shape["text"] = text
    if isinstance(error, BaseExceptionGroup):
        shape["members"] = [_record_error(each, depth + 1) for each in error.exceptions]
    for name in ("__cause__", "__context__"):
        linked = getattr(error, name)
        if linked is not None and depth < _DEEPEST:
            shape[name] = _record_error(linked, depth + 1)
    return shape


def _called(owner: Any, name: str, value: Any, depth: int) -> Any:
    if callable(value) and not isinstance(value, type):
        return {"call": _record(value(), depth + 1)} if name in CALLED else {"call": None}
    return _record(value, depth + 1)


def _record(value: Any, depth: int) -> Any:
    if isinstance(value, enum.Enum):
        number = isinstance(value, int)  # an http.HTTPStatus is a number, a grpc.StatusCode is not
        return {"intenum" if number else "enum": value.name, "value": _record(value.value, depth + 1)}
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, str):
        return str(value[:_LONGEST])
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": value[:_LONGEST].decode("latin-1")}
    if depth > _DEEPEST:
        return {"object": _path(type(value)), "holds": {}}
    if isinstance(value, BaseException):
        return {"error": _record_error(value, depth + 1)}
    if isinstance(value, Sequence):  # also a repeated field of a message
        return {
            type(value).__name__ if type(value) in {list, tuple} else "tuple": [
                _record(each, depth + 1) for each in value[:20]
            ]
        }
    items = _items(value)
    if items is not None:
        return {"mapping": [[_record(key, depth + 1), _record(each, depth + 1)] for key, each in items[:40]]}
    holds = {}
    for name in sorted(SEEN):
        held = _get(value, name)
        if held is not None and not (callable(held) and name not in CALLED):
            holds[name] = _called(value, name, held, depth)
    return {"object": _path(type(value)), "holds": holds}


def _items(value: Any) -> list[Any] | None:
    if isinstance(value, Mapping) or (hasattr(value, "items") and hasattr(value, "keys")):
        try:
            return list(value.items())
        except Exception:  # an older grpc.aio's Metadata, whose iterator gives pairs in place of keys
            return [each for each in value if isinstance(each, tuple) and len(each) == 2]
    return None


def _get(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name, None)
    except Exception:
        return None


def _text(error: BaseException) -> str | None:
    try:
        return str(error)[:_LONGEST]
    except Exception:
        return None


def _path(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _is_standard(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in sys.stdlib_module_names and _found(_path(kind)) is kind


def _found(path: str) -> Any:
    module, _, name = path.partition(":")
    try:
        thing: Any = importlib.import_module(module)
        for part in name.split("."):
            thing = getattr(thing, part)
    except (ImportError, AttributeError):
        return None
    return thing


# -- and back ---------------------------------------------------------------------------------------------------


def revive(shape: dict[str, Any]) -> BaseException:
    """Make an exception of that shape, with classes of its own."""
    classes: dict[str, Any] = shape.get("classes", {})
    kind = _class(shape["class"], _frozen(classes))
    arguments = tuple(_revive(value) for value in shape["args"])
    error: BaseException
    if issubclass(kind, BaseExceptionGroup):
        error = kind.__new__(kind, "group", [revive(each) for each in shape["members"]])
    else:
        error = kind.__new__(kind, *arguments)
        error.args = arguments
    told = {name: _revive(value) for name, value in shape.get("told", {}).items()}
    for name, good in shape.get("asked", {}).items():
        told[name] = frozenset(good).__contains__
    for name, value in {**{name: _revive(value) for name, value in shape.get("own", {}).items()}, **told}.items():
        try:
            setattr(error, name, value)
        except (AttributeError, TypeError):
            error.__dict__[name] = value
    if "text" in shape:
        error.__dict__["_recorded_text"] = shape["text"]
    for name in ("__cause__", "__context__"):
        if name in shape:
            setattr(error, name, revive(shape[name]))
    return error


def _frozen(classes: dict[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((path, tuple(entry["bases"])) for path, entry in classes.items())


@cache
def _class(path: str, classes: tuple[tuple[str, tuple[str, ...]], ...]) -> Any:
    bases = dict(classes).get(path)
    if bases is None:
        kind = _found(path)
        assert kind is not None, f"{path} is not in this Python's standard library"
        return kind
    module, _, name = path.partition(":")
    members: dict[str, Any] = {"__module__": module, "__qualname__": name}
    # `Generic` does not let itself be inherited without its parameters, and says nothing of the error.
    made = tuple(_class(base, classes) for base in bases if base != "typing:Generic")
    if any(isinstance(base, type) and issubclass(base, BaseException) for base in made):
        members["__str__"] = lambda self: self.__dict__.get("_recorded_text", "")
    return type(name.rpartition(".")[2], made, members)


class _Told:
    """An object with the given attributes, as responses and error details are."""


def _revive(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((tag, held), *rest) = value.items()
    if tag in {"enum", "intenum"}:
        names = [(held, _revive(value["value"]))]
        made_enum: Any = enum.IntEnum if tag == "intenum" else enum.Enum
        return made_enum("Recorded", names)[held]
    if tag == "bytes":
        return held.encode("latin-1")
    if tag == "error":
        return revive(held)
    if tag == "call":
        answer = _revive(held)
        return lambda *_: answer
    if tag in {"list", "tuple"}:
        made = [_revive(each) for each in held]
        return made if tag == "list" else tuple(made)
    if tag == "mapping":
        return {_revive(key): _revive(each) for key, each in held}
    assert tag == "object", value
    made_object = type(held.partition(":")[2] or "object", (_Told,), {"__module__": held.partition(":")[0]})()
    for name, each in value["holds"].items():
        setattr(made_object, name, _revive(each))
    return made_object
