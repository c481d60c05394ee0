"""JSON-RPC error numbers, of whatever library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .recognition import verdict
from .taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from .classification import Classification

SERVER_SAID_SO = verdict(Category.EXTERNAL, Code.SERVER_ERROR)

JSON_RPC: dict[int, Classification] = {
    # https://www.jsonrpc.org/specification#error_object
    -32700: verdict(Category.EXTERNAL, Code.INVALID_JSON),
    -32600: verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success"),
    -32601: verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success"),
    -32602: verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "success"),
    -32603: verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent"),
}
_BY_JSON_RPC_NUMBER = {number: meaning.because(f"JSON-RPC error {number}") for number, meaning in JSON_RPC.items()}
_OTHER_JSON_RPC_NUMBER = SERVER_SAID_SO.because("JSON-RPC error of the server's own")


def is_json_rpc_number(number: Any) -> bool:
    """Whether it is in the range that JSON-RPC keeps for its own errors and those of servers."""
    return is_whole(number) and -32768 <= number <= -32000


def by_json_rpc_number(number: int) -> Classification:
    """Judge a JSON-RPC error of whatever library by its number."""
    return _BY_JSON_RPC_NUMBER.get(number, _OTHER_JSON_RPC_NUMBER)


def is_whole(number: Any) -> bool:
    """Whether it is a number, and not True or False."""
    return isinstance(number, int) and not isinstance(number, bool)
