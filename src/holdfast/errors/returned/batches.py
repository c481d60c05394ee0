"""Batches of which a part was not taken, though the call as a whole went well.

The verdict is the worst of the parts', as for a group of exceptions: retryable only if all that failed is. What was
taken is done again by a retry of the whole, so it is for operations that may run twice (the scope "idempotent"),
unless nothing was taken at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..chain import together
from ..http import STATUSES, as_status
from ..known.aws_codes import by_code, by_words
from ..known.search import by_item
from ..recognition import Table, table, verdict
from ..stdlib import smtp_meaning
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .parts import MOST, entries, part, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..classification import Classification

_NOT_TAKEN = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent", reason="part of a batch was not taken")
_TOO_MUCH = verdict(
    Category.EXTERNAL,
    Code.EXTERNAL_RATE_LIMITED,
    "idempotent",
    "ignore",
    reason="DynamoDB left a part undone",
)
_SENDERS_FAULT = verdict(
    Category.VALIDATION, Code.BAD_REQUEST, "never", "success", reason="an entry of a batch that is wrong"
)
_FUNCTION_FAILED = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent", reason="the Lambda function failed")


def _worst(verdicts: Iterable[Classification], *, whole_batch: bool = False) -> Classification:
    """Return one verdict for the parts that failed."""
    found = list({id(each): each for each in verdicts}.values())
    worst = together(found) if len(found) > 1 else found[0]
    if worst.retry_scope == "always" and not whole_batch:
        worst = worst.replace(retry_scope="idempotent")
    return worst.because(f"a part of a batch failed: {worst.reason}")


# -- Elasticsearch and OpenSearch -----------------------------------------------------------------------------

_ACTIONS = frozenset({"index", "create", "update", "delete"})


def _bulk(value: Any) -> Classification | None:
    """Judge the reply of `_bulk`: `{"errors": true, "items": [{"index": {"status": 429, …}}, …]}`."""
    items = entries(part(value, "items"))
    if part(value, "errors") is not True or not items:
        return None
    failed = []
    for item in items:
        if type(item) is not dict or len(item) != 1 or not _ACTIONS.issuperset(item):
            return None
        result = next(iter(item.values()))
        status = as_status(part(result, "status"))
        if status is not None and status >= 400:
            failed.append(by_item(result) or STATUSES[status])
    return _worst(failed, whole_batch=len(failed) == len(items)) if failed else _NOT_TAKEN


def _with_body(value: Any) -> Classification | None:
    """Judge a response of Elasticsearch's client, whose body has been read and parsed long since."""
    body = part(value, "body")
    return _bulk(body) if type(body) is dict else None


# -- AWS ------------------------------------------------------------------------------------------------------


def _by_aws_code(code: str) -> Classification | None:
    return by_code(code) or by_words(code)


def _unprocessed(value: Any) -> Classification | None:
    """Judge the `UnprocessedItems` or `UnprocessedKeys` of DynamoDB: by table, what is left to be asked for again."""
    left = part(value, "UnprocessedItems") or part(value, "UnprocessedKeys")
    if type(left) is not dict or not left:
        return None
    name, what = next(iter(left.items()))
    return _TOO_MUCH if isinstance(name, str) and type(what) in (list, dict) and what else None


def _counted(count: str, parts: str) -> Callable[[Any], Classification | None]:
    """Return the rule for a reply that counts what failed, and tells of each entry, in order, how it went."""

    def judge(value: Any) -> Classification | None:
        told = entries(part(value, parts))
        if (whole(part(value, count)) or 0) <= 0 or not told:
            return None
        codes = [part(each, "ErrorCode") for each in told]
        failed = [_by_aws_code(code) or _NOT_TAKEN for code in codes if isinstance(code, str)]
        return _worst(failed, whole_batch=len(failed) == len(told)) if failed else None

    return judge


def _failed_entries(value: Any) -> Classification | None:
    """Judge the `Failed` of a batch of SQS or SNS: entries with `Id`, `Code` and `SenderFault`."""
    told = entries(part(value, "Failed"))
    if not told or not all(isinstance(part(each, "SenderFault"), bool) and _has_code(each, "Id") for each in told):
        return None
    failed = [_by_aws_code(each["Code"]) or (_SENDERS_FAULT if each["SenderFault"] else _NOT_TAKEN) for each in told]
    return _worst(failed, whole_batch=not part(value, "Successful"))


def _undeleted(value: Any) -> Classification | None:
    """Judge the `Errors` of S3's DeleteObjects: entries with `Key`, `Code` and `Message`."""
    told = entries(part(value, "Errors"))
    if not told or not all(_has_code(each, "Key") for each in told):
        return None
    return _worst((_by_aws_code(each["Code"]) or _NOT_TAKEN for each in told), whole_batch=not part(value, "Deleted"))


def _has_code(entry: Any, name: str) -> bool:
    return isinstance(part(entry, "Code"), str) and isinstance(part(entry, name), str)


def _function_error(value: Any) -> Classification | None:
    """Judge the reply of Lambda's Invoke, which is a 200 also if the function raised."""
    is_one = isinstance(part(value, "FunctionError"), str) and whole(part(value, "StatusCode")) is not None
    return _FUNCTION_FAILED if is_one else None


# -- mail -----------------------------------------------------------------------------------------------------


def refused_recipients(value: Any) -> Classification | None:
    """Judge what `smtplib`'s `sendmail` returns: by address, the code and text of the reply. The others have the mail.

    aiosmtplib gives the same as the first of a pair.
    """
    refused = value[0] if issubclass(type(value), tuple) and len(value) == 2 else value
    if not issubclass(type(refused), dict):
        return None
    failed: list[Classification] = []
    for address, reply in dict.items(refused):
        if len(failed) >= MOST:
            break
        if type(address) is not str or "@" not in address or not issubclass(type(reply), tuple) or len(reply) != 2:
            return None
        code = whole(reply[0]) or 0
        if not 400 <= code <= 599 or not isinstance(reply[1], (bytes, str)):
            return None
        failed.append(smtp_meaning(code))
    return _worst(failed) if failed else None


BATCHES: Table = table({"elastic_transport:ObjectApiResponse elastic_transport:ApiResponse": _with_body})

BATCH_SHAPES: tuple[tuple[str, Callable[[Any], Classification | None]], ...] = (
    ("items", _bulk),
    ("UnprocessedItems", _unprocessed),
    ("UnprocessedKeys", _unprocessed),
    ("FailedRecordCount", _counted("FailedRecordCount", "Records")),  # Kinesis
    ("FailedPutCount", _counted("FailedPutCount", "RequestResponses")),  # Firehose
    ("FailedEntryCount", _counted("FailedEntryCount", "Entries")),  # EventBridge
    ("Failed", _failed_entries),
    ("Errors", _undeleted),
    ("FunctionError", _function_error),
)
