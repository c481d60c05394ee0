"""Who keeps count of calls that took too long, and tells those who listen."""

from __future__ import annotations

from ..typed import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .._runtime.leftovers import Ledger
    from ..errors import OperationTimeoutError


class Keeper(Protocol):
    """What guards tell of their calls; a `TimeoutManager` is one."""

    @property
    def ledger(self) -> Ledger:
        """The calls that were left behind."""
        ...

    def timed_out(
        self, name: str, error: OperationTimeoutError, *, registered: str = "", left_behind: bool = False
    ) -> None:
        """A call took too long, under a limit of that registered name, if it has one."""
        ...

    def refused(self) -> None:
        """A call was not begun."""
        ...
