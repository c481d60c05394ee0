"""Error replies of Redis and Valkey servers, which begin with a word in capitals, and what each means for a retry.

The words are those of the servers' own sources (replies of Sentinel, cluster and scripts among them). A command that
is answered with an error was not executed, unless a script stopped half-way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..recognition import Answer, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .phrases import by_phrase, phrases

if TYPE_CHECKING:
    from ..classification import Classification

UNAVAILABLE = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")
ELSEWHERE = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "reconnect")
UNAUTHENTICATED = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
FORBIDDEN = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
BAD_COMMAND = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
OUT_OF_MEMORY = verdict(Category.RESOURCE, Code.OUT_OF_MEMORY, "always", "ignore")  # until keys expire
TOO_MANY_CLIENTS = verdict(Category.RESOURCE, Code.TOO_MANY_CONNECTIONS, "always", "ignore")
# The same command fails again, but the script can be loaded: clients send EVAL in place of EVALSHA.
NOT_LOADED = verdict(Category.PERMANENT, Code.NOT_FOUND, "always", "success")
WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "success")
_NOT_FOUND = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_EXISTS = verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success")
_IN_PROGRESS = verdict(Category.TRANSIENT, Code.CONFLICT, "always", "ignore")
_TIMED_OUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")

_ROWS: dict[str, Classification] = {
    # a server that is starting, busy with a script, or has lost its master, its replicas or part of the cluster
    "LOADING BUSY MASTERDOWN CLUSTERDOWN TRYAGAIN NOREPLICAS NOMASTERLINK": UNAVAILABLE,
    "NOQUORUM NOGOODSLAVE": UNAVAILABLE,  # Sentinel cannot fail over
    "INPROG": _IN_PROGRESS,  # Sentinel is failing over already
    # snapshots cannot be written, so writes are refused until they can
    "MISCONF": verdict(Category.EXTERNAL, Code.EXTERNAL_UNAVAILABLE, "always"),
    # the wrong server: after a failover, or before the map of the cluster is read again
    "READONLY MOVED ASK REDIRECT UNBLOCKED": ELSEWHERE,
    "OOM": OUT_OF_MEMORY,
    "NOAUTH WRONGPASS": UNAUTHENTICATED,
    "NOPERM": FORBIDDEN,
    "DENIED NOPROTO": WRONG_SETUP,  # protected mode; protocol version that the server does not speak
    "NOSCRIPT": NOT_LOADED,
    "NOGROUP NOTBUSY NOTREADY": _NOT_FOUND,  # no such consumer group; no script to kill
    "BUSYGROUP BUSYKEY INUSE": _EXISTS,
    "UNKILLABLE": verdict(Category.PERMANENT, Code.CONFLICT, "never", "success"),  # the script has written already
    "WRONGTYPE CROSSSLOT EXECABORT": BAD_COMMAND,
    "IOERR": verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent"),  # MIGRATE lost the other server
}
REPLIES: dict[str, Classification] = {
    word: meaning.because(f"server reply {word}") for words, meaning in _ROWS.items() for word in words.split()
}
"""The verdict on each first word, save `ERR`, which says nothing."""

_AFTER_ERR = phrases(
    {
        ("max number of clients",): TOO_MANY_CLIENTS,
        ("invalid password", "invalid username", "but no password is set"): UNAUTHENTICATED,
        ("without any password configured",): UNAUTHENTICATED,
        ("operation not permitted",): FORBIDDEN,
        ("problem with ldap service",): UNAVAILABLE,
        ("no such key", "no such index", "unknown index name", "no such master"): _NOT_FOUND,
        ("index already exists", "key already exists"): _EXISTS,
        ("already in progress",): _IN_PROGRESS,
        ("db index is out of range", "cluster support disabled"): WRONG_SETUP,
        ("this instance has cluster support", "not allowed in cluster mode"): WRONG_SETUP,
        ("timeout limit was reached", "timed out"): _TIMED_OUT,
        ("errors trying to shutdown", "internal error", "failed opening"): verdict(
            Category.EXTERNAL, Code.SERVER_ERROR, "idempotent"
        ),
    }
)
_OTHER_REPLY = BAD_COMMAND.because("server reply that refuses the command")
_SPOILT = verdict(
    Category.EXTERNAL, Code.INVALID_RESPONSE, "idempotent", reason="as many replies as commands were not received"
)
_LONGEST = 2000


def by_reply(error: Any) -> Answer:
    """Judge an error reply by its first word, which Redis 8's client keeps as `status_code`."""
    arguments = read(error, "args")
    first = arguments[0] if isinstance(arguments, tuple) and arguments else None
    text = first[:_LONGEST] if isinstance(first, str) else ""
    if text.startswith("Command # "):  # a pipeline says first which of its commands it was
        text = text.partition("caused error: ")[2] or text
    word = read(error, "status_code")
    known = REPLIES.get(word) if isinstance(word, str) else None
    return known or by_reply_text(text)


def by_reply_text(text: str) -> Classification:
    """Judge the text of an error reply."""
    known = REPLIES.get(text.partition(" ")[0])
    if known is not None:
        return known
    # Before Redis 7 a script passes on the reply to its command: "ERR Error running script …: @user_script:1: -OOM …".
    inner = text.partition(": -")[2].partition(" ")[0]
    if inner in REPLIES:
        return REPLIES[inner]
    words = text[:_LONGEST].lower()
    if words.startswith("wrong number of response items"):
        return _SPOILT
    return by_phrase(words, _AFTER_ERR) or _OTHER_REPLY


def by_discarded(error: Any) -> Answer:
    """Judge a discarded transaction: from version 7 on, the server says which error its queue met with."""
    arguments = read(error, "args")
    first = arguments[0] if isinstance(arguments, tuple) and arguments else None
    text = first[:_LONGEST] if isinstance(first, str) else ""
    cause = text.partition("because of: ")[2].removeprefix("-")
    return by_reply_text(cause) if cause else REPLIES["EXECABORT"]
