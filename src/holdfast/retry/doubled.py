"""A warning, once for each client library, that a retry is wrapped around a client that already retries on its own."""

from __future__ import annotations

from ..journal import logger
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

_MOST_LOOKS: Final = 200
"""After so many failures without a trace of a client's own retries, nobody looks any more."""

_told: set[str] = set()
_looks = 0


def warn_of_own_retries(name: str, error: Exception, attempts: int) -> None:
    """Log a warning if the client under `name` has retried before this error came out. Called before a retry."""
    global _looks  # noqa: PLW0603
    if _looks >= _MOST_LOOKS:
        return
    _looks += 1
    try:
        from ..errors.own_retries import retried_by_client

        found = retried_by_client(error)
    except Exception:  # no file handle or no stack left for the import: the call itself matters more
        return
    if found is None or found.client.name in _told:
        return
    _told.add(found.client.name)
    _looks = 0
    made = found.times + 1
    logger("retry").warning(
        "%s: %s already retries on its own (%d calls for this one attempt), so %d attempts may become %d calls; "
        "let only one of the two retry, for example by %s",
        name,
        found.client.name,
        made,
        attempts,
        attempts * made,
        found.client.switch_off,
    )


def forget() -> None:
    """Warn again, as in a new process."""
    global _looks  # noqa: PLW0603
    _looks = 0
    _told.clear()
