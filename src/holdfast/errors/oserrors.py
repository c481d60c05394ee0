"""Operating-system errors: what each errno and each resolver error means for a retry.

The numbers are looked up by name in `errno`, because they differ between Linux, macOS and Windows; a name that this
platform does not have is left out. Windows socket errors (WSA…) mean what their namesakes mean.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from .recognition import verdict
from .taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from .classification import Classification

_CERTAINLY_NOT_SENT = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always")
_BUSY = verdict(Category.RESOURCE, Code.LOCK_TIMEOUT, "always", "ignore")
_HANDLES_USED_UP = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")
_OUT_OF_MEMORY = verdict(Category.RESOURCE, Code.OUT_OF_MEMORY, "never", "ignore")
_DISK_FULL = verdict(Category.RESOURCE, Code.DISK_FULL, "never", "ignore")
_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent")
_WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_WRONG_INPUT = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_OUR_BUG = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")

_BY_NAME: dict[str, Classification] = {
    # the network
    "ECONNREFUSED": verdict(Category.TRANSIENT, Code.CONNECTION_REFUSED, "always"),
    "ECONNRESET ENETRESET": verdict(Category.TRANSIENT, Code.CONNECTION_RESET, "idempotent"),
    "ECONNABORTED EPIPE ESHUTDOWN ENOTCONN ENOLINK ECOMM": _CLOSED,
    "ENETUNREACH EHOSTUNREACH ENETDOWN EHOSTDOWN ENONET": _CERTAINLY_NOT_SENT,
    "ETIMEDOUT ETIME": verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent"),
    "EPROTO EBADMSG": verdict(Category.EXTERNAL, Code.INVALID_RESPONSE),
    "EADDRNOTAVAIL": _HANDLES_USED_UP,  # no local port left to connect from
    "EADDRINUSE": _WRONG_SETUP,
    "EMSGSIZE": verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "ignore"),
    "EAFNOSUPPORT EPROTONOSUPPORT EPFNOSUPPORT ESOCKTNOSUPPORT ENOPROTOOPT": _WRONG_SETUP,
    "EINPROGRESS EALREADY EWOULDBLOCK EAGAIN": _BUSY,
    "EISCONN EDESTADDRREQ ENOTSOCK EBADF EFAULT": _OUR_BUG,
    # files and devices
    "ENOENT ENODEV ENXIO ENOTBLK": verdict(Category.CONFIGURATION, Code.NOT_FOUND, "never", "ignore"),
    "EACCES EPERM": verdict(Category.CONFIGURATION, Code.FORBIDDEN, "never", "ignore"),
    "EROFS ENOTDIR EISDIR ELOOP ENOEXEC ENOSYS EOPNOTSUPP ENOTSUP EXDEV": _WRONG_SETUP,
    "EEXIST ENOTEMPTY": verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "ignore"),
    "EINVAL ENAMETOOLONG EDOM ERANGE EILSEQ ESPIPE ENOTTY E2BIG EMLINK": _WRONG_INPUT,
    "EFBIG EOVERFLOW": verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "ignore"),
    "EIO EREMOTEIO ENOMEDIUM EUCLEAN": verdict(Category.EXTERNAL, Code.SERVER_ERROR),
    "ESTALE": verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent"),  # a file on a network disk
    # what can be used up or taken
    "ENOSPC EDQUOT": _DISK_FULL,
    "ENOMEM": _OUT_OF_MEMORY,
    "EMFILE ENFILE ENOBUFS ENOSR EUSERS EPROCLIM ETOOMANYREFS": _HANDLES_USED_UP,
    "EBUSY ETXTBSY ENOLCK": _BUSY,
    "EDEADLOCK EDEADLK": verdict(Category.TRANSIENT, Code.DEADLOCK, "always", "ignore"),
    "EINTR ERESTART": verdict(Category.TRANSIENT, Code.PROCESS_FAILED, "idempotent", "ignore"),
    # processes
    "ESRCH ECHILD": verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "ignore"),
}


def _numbered() -> dict[int, Classification]:
    found: dict[int, Classification] = {}
    for names, meaning in _BY_NAME.items():
        for name in names.split():
            for spelling in (name, f"WSA{name}"):
                number = getattr(errno, spelling, None)
                if number is not None:
                    found[number] = meaning.because(f"errno {name}")
    return found


BY_ERRNO: dict[int, Classification] = _numbered()

_NO_SUCH_NAME = verdict(Category.CONFIGURATION, Code.DNS_NAME_NOT_FOUND, "never", "ignore")
_RESOLVER_DOWN = verdict(Category.TRANSIENT, Code.DNS_FAILURE, "always")

# EAI_* numbers as written in glibc's <netdb.h> (negative), in that of the BSDs and macOS (1 to 14), and in Winsock
# (from 10,000 on). The three ranges do not overlap, so one table serves all; `socket` would cost an import to ask.
_EAI_BY_NAME: dict[str, tuple[tuple[int, ...], Classification]] = {
    "EAI_AGAIN": ((-3, 2, 11002), _RESOLVER_DOWN),
    "EAI_FAIL": ((-4, 4, 11003), _RESOLVER_DOWN),
    "EAI_SYSTEM": ((-11, 11), _RESOLVER_DOWN),
    "EAI_NONAME": ((-2, 8, 11001), _NO_SUCH_NAME),
    "EAI_NODATA": ((-5, 7, 11004), _NO_SUCH_NAME),
    "EAI_ADDRFAMILY": ((-9, 1), _NO_SUCH_NAME),
    "EAI_MEMORY": ((-10, 6), _OUT_OF_MEMORY),
    "EAI_BADFLAGS": ((-1, 3, 10022), _WRONG_SETUP),
    "EAI_FAMILY": ((-6, 5, 10047), _WRONG_SETUP),
    "EAI_SOCKTYPE": ((-7, 10, 10044), _WRONG_SETUP),
    "EAI_SERVICE": ((-8, 9, 10109), _WRONG_SETUP),
    "EAI_OVERFLOW": ((-12, 14), _WRONG_INPUT),
    "EAI_BADHINTS": ((12,), _WRONG_SETUP),
    "EAI_PROTOCOL": ((13,), _WRONG_SETUP),
}
BY_EAI: dict[int, Classification] = {
    number: meaning.because(f"resolver error {name}")
    for name, (numbers, meaning) in _EAI_BY_NAME.items()
    for number in numbers
}

_RESOLVER_FAILED = _RESOLVER_DOWN.because("type socket.gaierror")

# h_errno of the old resolver interface, <netdb.h>: HOST_NOT_FOUND, TRY_AGAIN, NO_RECOVERY, NO_DATA.
_BY_H_ERRNO: dict[int, Classification] = {
    1: _NO_SUCH_NAME.because("resolver error HOST_NOT_FOUND"),
    2: _RESOLVER_DOWN.because("resolver error TRY_AGAIN"),
    3: _RESOLVER_DOWN.because("resolver error NO_RECOVERY"),
    4: _NO_SUCH_NAME.because("resolver error NO_DATA"),
}


_SAYS_CLOSED = _CLOSED.because("OSError without a number that speaks of a closed connection")


def by_errno(error: OSError) -> Classification | None:
    """Judge an `OSError` by its errno, or by its text if that tells of a connection; None if it says nothing.

    Clients make such errors themselves when they read nothing from a socket, as py-amqp and paramiko do.
    """
    if error.errno is None and len(error.args) == 1 and isinstance(error.args[0], str):
        words = error.args[0][:200].lower()
        return _SAYS_CLOSED if "closed" in words and ("connection" in words or "socket" in words) else None
    return _at(BY_ERRNO, error.errno)


def by_resolver_error(error: OSError) -> Classification:
    """Judge a `socket.gaierror`, whose errno is an EAI_* number."""
    return _at(BY_EAI, error.errno) or _RESOLVER_FAILED


def by_old_resolver_error(error: OSError) -> Classification:
    """Judge a `socket.herror`, whose errno is an h_errno."""
    return _at(_BY_H_ERRNO, error.errno) or _RESOLVER_FAILED


def _at(numbers: dict[int, Classification], number: Any) -> Classification | None:
    return numbers.get(number) if isinstance(number, int) else None
