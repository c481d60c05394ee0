"""What a `google.rpc.Status` carries beside its code: when to come back, why, and which quota was exceeded.

It comes as messages on the error, as JSON, or as bytes in the trailing metadata of a gRPC call. The bytes are read
here without the protobuf library, of which only a few messages with a few fields each are needed:

    Status     { int32 code = 1; string message = 2; repeated Any details = 3; }
    Any        { string type_url = 1; bytes value = 2; }
    RetryInfo  { Duration retry_delay = 1; }                 Duration { int64 seconds = 1; int32 nanos = 2; }
    ErrorInfo  { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
    QuotaFailure { repeated Violation violations = 1; }      Violation { string quota_id = 5; }
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from types import CoroutineType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..attributes import look_up, read
from ..moments import go_duration, number
from ..retry_after import LONGEST, find

if TYPE_CHECKING:
    from collections.abc import Iterator


class Details(NamedTuple):
    """When to come back, why, whether a quota is spent for long, and whether the server wants no retry at all."""

    wait: float | None = None
    reason: str = ""
    spent: bool = False
    forbidden: bool = False

    def together(self, other: Details) -> Details:
        """Return what either of the two says; this one first."""
        return Details(
            other.wait if self.wait is None else self.wait,
            self.reason or other.reason,
            self.spent or other.spent,
            self.forbidden or other.forbidden,
        )


NOTHING = Details()
_MOST = 64
_LONGEST_TEXT = 128
_MOST_BYTES = 1 << 16


def asked(thing: Any, name: str) -> Any:
    """Return what a method without arguments answers, such as gRPC's `code()`; None if there is none, or it raises.

    A gRPC call that still goes on would make us wait for its end, so it is not asked.
    """
    try:
        state = read(thing, "_state")
        if state is not None and read(state, "code") is None:
            return None
        method = read(thing, name)
        answer = method() if callable(method) else None
        if isinstance(answer, CoroutineType):
            answer.close()
            answer = None
    except Exception:
        return None
    return answer


# -- trailing metadata of a gRPC call -------------------------------------------------------------------------


def of_metadata(metadata: Any) -> Details:
    """Read trailing metadata: a mapping or pairs of any kind."""
    try:
        pairs = list(islice(metadata, _MOST))
        if pairs and isinstance(pairs[0], str):  # the keys of a mapping; those of grpc.aio give pairs all the same
            pairs = list(islice(metadata.items(), _MOST))
        found = Details()
        for key, value in pairs:
            first = value[0] if isinstance(value, (list, tuple)) and value else value
            if isinstance(first, (bytes, bytearray)):
                found = found.together(_of_binary(key, bytes(first[:_MOST_BYTES])))
        return _of_texts(find(pairs)).together(found)
    except Exception:  # foreign metadata, which may be anything
        return NOTHING


def _of_texts(headers: dict[str, str]) -> Details:
    milliseconds = number(headers.get("grpc-retry-pushback-ms", ""))
    if milliseconds is not None:
        return Details(forbidden=True) if milliseconds < 0 else Details(_bounded(milliseconds / 1000))
    return Details(_bounded(number(headers.get("retry-after", ""))))


def _of_binary(key: Any, data: bytes) -> Details:
    if key == "google.rpc.retryinfo-bin":
        return _of_message("RetryInfo", data)
    if key == "google.rpc.errorinfo-bin":
        return _of_message("ErrorInfo", data)
    found = Details()
    if key == "grpc-status-details-bin":
        for field, value in _fields(data):
            if field == 3 and isinstance(value, bytes):
                detail = _last_of_each(value)
                kind = _text(detail.get(1)).rpartition("google.rpc.")[2]
                found = found.together(_of_message(kind, detail.get(2)))
    return found


def _of_message(kind: str, data: Any) -> Details:
    if not isinstance(data, bytes):
        return NOTHING
    if kind == "RetryInfo":
        return Details(_duration(_last_of_each(data).get(1)))
    if kind == "ErrorInfo":
        labels = [_last_of_each(value) for field, value in _fields(data) if field == 3 and isinstance(value, bytes)]
        units = [_text(label.get(2)) for label in labels if label.get(1) == b"quota_unit"]
        return Details(reason=_text(_last_of_each(data).get(1)), spent=_is_daily("".join(units)))
    if kind == "QuotaFailure":
        violations = [_last_of_each(value) for field, value in _fields(data) if field == 1 and isinstance(value, bytes)]
        return Details(spent=any(_is_spent(_text(each.get(5))) for each in violations))
    return NOTHING


# -- protobuf's wire format -----------------------------------------------------------------------------------


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Read the fields of a message, up to the first that is malformed; groups, long since obsolete, are such."""
    at = 0
    for _ in range(_MOST):
        key, at = _varint(data, at)
        wire = key & 7
        if at < 0 or wire not in _WIRE_TYPES:
            return
        value: int | bytes
        if wire == _VARINT:
            value, at = _varint(data, at)
        else:
            size, at = _varint(data, at) if wire == _BYTES else (_WIRE_TYPES[wire], at)
            value = data[at : at + size]
            at = at + size if 0 <= at <= len(data) - size else -1
        if at < 0:
            return
        yield key >> 3, value


_VARINT, _BYTES = 0, 2
_WIRE_TYPES = {_VARINT: 0, 1: 8, _BYTES: 0, 5: 4}
"""The size of a field by its type: fixed64 and fixed32 have one, the others say it themselves."""


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of up to ten bytes; return it, and where it ends (-1 if it does not)."""
    value = 0
    for shift, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value & (1 << 64) - 1, at + shift + 1
    return 0, -1


def _last_of_each(data: bytes) -> dict[int, int | bytes]:
    return dict(_fields(data))


def _text(value: Any) -> str:
    return value[:_LONGEST_TEXT].decode("utf-8", "replace") if isinstance(value, bytes) else ""


def _duration(data: Any) -> float | None:
    if not isinstance(data, bytes):
        return None
    parts = _last_of_each(data)
    return _seconds(_signed(parts.get(1, 0)), _signed(parts.get(2, 0)))


def _signed(value: Any) -> Any:
    return value - (1 << 64) if isinstance(value, int) and value >= 1 << 63 else value


# -- messages and JSON on the error ---------------------------------------------------------------------------


def of_list(details: Any) -> Details:
    """Read a list of details: messages, as gRPC clients unpack them, or dicts, as REST clients do."""
    found = Details()
    if isinstance(details, (list, tuple)):
        for detail in details[:_MOST]:
            found = found.together(_of_json(detail) if isinstance(detail, Mapping) else _of_unpacked(detail))
    return found


def _of_json(detail: Any) -> Details:
    reason = look_up(detail, "reason")
    return Details(
        delay_in(look_up(detail, "retryDelay")),
        reason[:_LONGEST_TEXT] if isinstance(reason, str) else "",
        _is_daily(look_up(detail, "metadata", "quota_unit"))
        or any(
            _is_spent(look_up(each, "quotaId"), look_up(each, "quotaValue"))
            for each in _listed(look_up(detail, "violations"))
        ),
    )


def _of_unpacked(detail: Any) -> Details:
    reason = read(detail, "reason")
    return Details(
        delay_in(read(detail, "retry_delay")),
        reason[:_LONGEST_TEXT] if isinstance(reason, str) else "",
        _is_daily(look_up(read(detail, "metadata"), "quota_unit"))
        or any(_is_spent(read(each, "quota_id")) for each in _listed(read(detail, "violations"))),
    )


def _listed(things: Any) -> list[Any]:
    """The first of what a list holds, or a repeated field of a message; nothing of anything else."""
    return list(islice(things, _MOST)) if isinstance(things, Sequence) and not isinstance(things, str) else []


def _is_daily(unit: Any) -> bool:
    """Whether a quota such as `1/d/{project}` is meant, which a wait of seconds does not refill."""
    return isinstance(unit, str) and unit.startswith("1/d/")


def _is_spent(quota: Any, value: Any = None) -> bool:
    """Whether the quota that was exceeded is one of a day, or of nothing at all; messages cannot tell 0 from unset."""
    return (isinstance(quota, str) and "PerDay" in quota) or value == "0" or (type(value) is int and value == 0)


def delay_in(delay: Any) -> float | None:
    """Read a duration as JSON has it (`"37s"`, or a dict), a protobuf `Duration` or a `timedelta`, in seconds."""
    if isinstance(delay, str):
        return _bounded(go_duration(delay))
    if isinstance(delay, Mapping):
        return _seconds(look_up(delay, "seconds"), look_up(delay, "nanos"))
    whole = asked(delay, "total_seconds")
    if whole is not None:
        return _seconds(whole, 0)
    whole = read(delay, "seconds")
    return None if whole is None else _seconds(whole, read(delay, "nanos"))


def _seconds(whole: Any, nanos: Any) -> float | None:
    whole, nanos = 0 if whole is None else whole, 0 if nanos is None else nanos
    if isinstance(whole, (int, float)) and isinstance(nanos, int) and abs(nanos) < 10**9:
        return _bounded(min(whole, LONGEST) + nanos / 1e9)
    return None


def _bounded(seconds: float | None) -> float | None:
    return min(seconds, LONGEST) if seconds is not None and seconds >= 0 else None
